"""Benches of simulated instruments over every kind of link."""

from __future__ import annotations

import datetime
import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import seabreeze.pyseabreeze.protocol
from ruamel.yaml import YAML

from labcool.bench import Bench, open_bench, read_bench

INSTRUMENTS: dict[str, dict[str, Any]] = {
    "shutter": {"driver": "drivers.sc10.SC10", "resource": "ASRL1::INSTR"},
    "pump": {"driver": "drivers.finesse.Finesse", "resource": "ASRL2::INSTR"},
    "attenuator": {"driver": "drivers.elliptec.ELL14", "resource": "ASRL3::INSTR"},
    "stage": {"driver": "drivers.linkam.LinkamT95", "resource": "ASRL4::INSTR"},
    "spectrometer": {"driver": "drivers.ocean.OceanSpectrometer", "serial": "FLMS12345"},
}
ILLUMINATED = tuple(INSTRUMENTS)
OTHERS: dict[str, dict[str, Any]] = {
    "solenoid": {"driver": "drivers.ksc101.KSC101", "resource": "ASRL5::INSTR"},
    "line": {"driver": "drivers.ttl_shutter.TTLShutter", "resource": "ASRL6::INSTR"},
    "rotator": {"driver": "drivers.k10cr1.K10CR1", "resource": "ASRL7::INSTR"},
    "obis": {"driver": "drivers.obis.Obis", "resource": "ASRL11::INSTR"},
    "cobolt": {"driver": "drivers.cobolt.Cobolt06", "resource": "ASRL12::INSTR"},
    "white": {"driver": "drivers.superk.SuperK", "resource": "ASRL14::INSTR"},
    "select": {
        "driver": "drivers.superk_select.SuperKSelect",
        "resource": "ASRL14::INSTR",
        "rf_address": 16,
        "select_address": 18,
    },
    "varia": {"driver": "drivers.superk_varia.SuperKVaria", "resource": "ASRL14::INSTR"},
    "monochromator": {"driver": "drivers.acton.ActonSP2300", "resource": "ASRL13::INSTR"},
    "chopper": {"driver": "drivers.mc2000b.MC2000B", "resource": "ASRL8::INSTR"},
    "probe": {"driver": "drivers.digisense.DigiSense", "resource": "ASRL9::INSTR"},
    "meter": {"driver": "drivers.pm100d.PM100D", "resource": "USB0::0x1313::0x8078::P1::INSTR"},
    "lock_in": {"driver": "drivers.sr830.SR830", "resource": "GPIB0::8::INSTR"},
    "lock_in_serial": {
        "driver": "drivers.sr830.SR830",
        "resource": "ASRL10::INSTR",
        "interface": "rs232",
    },
    **{
        f"cryostat_{model}": {
            "driver": f"drivers.lakeshore.LakeShore{model}",
            "resource": f"ASRL{model}::INSTR",
            "setpoint_range": [77.0, 320.0],
            "heater_range": "high",
        }
        for model in (331, 335, 336)
    },
}
ILLUMINATION = {
    "laser": "pump",
    "power_W": 0.6,
    "shutter": "shutter",
    "attenuator": {
        "mount": "attenuator",
        "optic": {"kind": "graded_filter", "table": [[0, 0.0], [300, 4.0]]},
    },
    "spot": {
        "date": datetime.date(2025, 11, 3),
        "diameter_um": 100,
        "path_transmission": 0.62,
        "relative_std": 0.05,
        "method": "knife edge",
    },
    "power_stability": 0.001,
}

Opened = Callable[..., Bench]


@pytest.fixture(autouse=True)
def _usb_without_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Spare the 0.1 s of wall time that seabreeze waits for a real spectrometer to wake up."""
    pauses = SimpleNamespace(sleep=lambda _: None)
    monkeypatch.setattr(seabreeze.pyseabreeze.protocol, "time", pauses)


@pytest.fixture(
    params=[
        "memory",
        "tcp",
        pytest.param(
            "pty",
            marks=pytest.mark.skipif(
                os.name != "posix", reason="no pseudo-terminals on this system"
            ),
        ),
    ]
)
def link(request: pytest.FixtureRequest) -> str:
    return str(request.param)


@pytest.fixture
def opened(tmp_path: Path, link: str) -> Iterator[Opened]:
    """Open a bench with some of the instruments, all with the illumination if none are named."""
    benches: list[Bench] = []
    threads = set(threading.enumerate())

    def opened(*names: str, **more: dict[str, Any]) -> Bench:
        chosen = names or (() if more else ILLUMINATED)
        data: dict[str, Any] = {
            "bench": "table 2",
            "instruments": {name: (INSTRUMENTS | OTHERS)[name] for name in chosen} | more,
            "simulation": {"sample": "roman2020-film", "link": link, "clock": "virtual"},
        }
        if chosen == ILLUMINATED:
            data["illumination"] = ILLUMINATION
        path = tmp_path / "bench.yaml"
        with path.open("w", encoding="utf-8") as file:
            YAML().dump(data, file)
        benches.append(open_bench(read_bench(path)))
        return benches[-1]

    yield opened
    for bench in benches:
        bench.close()
    assert set(threading.enumerate()) <= threads


@pytest.fixture
def pair() -> Callable[[Bench, str], tuple[Any, Any]]:
    """Return the instrument of a name, and the simulated device behind it."""

    def pair(bench: Bench, name: str) -> tuple[Any, Any]:
        simulation: Any = bench.simulation
        return bench.instruments[name], simulation.devices[name]

    return pair
