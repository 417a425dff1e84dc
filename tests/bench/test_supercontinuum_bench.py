"""A supercontinuum source and its filters in a bench file: one port, one device, many drivers."""

from __future__ import annotations

import inspect
from collections.abc import Callable
from importlib import resources
from pathlib import Path
from typing import Any

import pytest
from ruamel.yaml import YAML

from labcool.bench import LoadedBench, open_bench, read_bench
from labcool.bench._yaml_relations import BUS_ADDRESSES
from labcool.bench.driver_settings import load_driver
from labcool.bench.serving import serve_bench
from labcool.clock import RealClock
from labcool.errors import ConfigurationError
from simulators.link import TcpLink
from simulators.superk import SuperK

WHITE: dict[str, Any] = {"driver": "drivers.superk.SuperK", "resource": "ASRL1::INSTR"}
SELECT: dict[str, Any] = {
    "driver": "drivers.superk_select.SuperKSelect",
    "resource": "ASRL1::INSTR",
    "select_address": 18,
}
VARIA: dict[str, Any] = {"driver": "drivers.superk_varia.SuperKVaria", "resource": "ASRL1::INSTR"}
ALL = {"white": WHITE, "select": SELECT, "varia": VARIA}
SIMULATED = {"sample": "roman2020-film"}

Load = Callable[..., LoadedBench]


@pytest.fixture
def load(tmp_path: Path) -> Load:
    def load(
        instruments: dict[str, Any], simulation: dict[str, Any] | None = SIMULATED
    ) -> LoadedBench:
        data: dict[str, Any] = {"bench": "white light", "instruments": instruments}
        if simulation is not None:
            data["simulation"] = simulation
        path = tmp_path / "bench.yaml"
        with path.open("w", encoding="utf-8") as file:
            YAML().dump(data, file)
        return read_bench(path)

    return load


@pytest.mark.parametrize("driver", BUS_ADDRESSES)
def test_addresses_that_are_not_stated_are_those_of_the_driver(driver: str) -> None:
    _, addresses = BUS_ADDRESSES[driver]
    parameters = inspect.signature(load_driver(driver).__init__).parameters
    assert {name: parameters[name].default for name in addresses} == addresses


def test_all_modules_go_together_with_the_addresses_they_have_unasked(load: Load) -> None:
    select = {key: value for key, value in SELECT.items() if key != "select_address"}
    with open_bench(load({"white": WHITE, "select": select, "varia": VARIA})) as bench:
        device = bench.simulation.devices["white"]  # type: ignore[union-attr,attr-defined]
        assert device._select_address == 18
        assert [name for name in bench.instruments if bench.instruments[name].settings()] == [
            "white",
            "select",
            "varia",
        ]


def test_modules_with_addresses_of_their_own_share_a_port(load: Load) -> None:
    assert list(load(ALL).spec.instruments) == list(ALL)


@pytest.mark.parametrize(
    ("first", "second", "words"),
    [
        (SELECT | {"select_address": 17}, VARIA, "both have the address 17"),
        (WHITE, VARIA | {"address": 15}, "both have the address 15"),
        (WHITE, WHITE, "both have the address 15"),
        (SELECT, SELECT | {"rf_address": 18, "select_address": 20}, "both have the address 18"),
    ],
)
def test_modules_with_one_address_are_refused(
    load: Load, first: dict[str, Any], second: dict[str, Any], words: str
) -> None:
    with pytest.raises(ConfigurationError, match=words):
        load({"first": dict(first), "second": dict(second)})


def test_another_instrument_on_the_port_is_refused(load: Load) -> None:
    mount = {"driver": "drivers.elliptec.ELL14", "resource": "ASRL1::INSTR"}
    with pytest.raises(ConfigurationError, match="a port of its own for each instrument"):
        load({"white": WHITE, "mount": mount})


def test_the_modules_are_those_of_the_settings(load: Load) -> None:
    filters = {"select": SELECT | {"rf_address": 6, "select_address": 22}}
    with open_bench(load({"white": WHITE, **filters})) as bench:
        simulation: Any = bench.simulation
        assert sorted(simulation.devices["white"].modules) == [1, 6, 15, 22]


def test_sources_on_two_ports_are_two_devices(load: Load) -> None:
    other = WHITE | {"resource": "ASRL2::INSTR"}
    with open_bench(load({"white": WHITE, "other": other, "select": SELECT})) as bench:
        simulation: Any = bench.simulation
        devices = simulation.devices
        assert devices["select"] is devices["white"]
        assert devices["other"] is not devices["white"]
        white: Any = bench.instruments["white"]
        white.start_emission()
        assert devices["white"]._source._emits()
        assert not devices["other"]._source._emits()


def test_two_of_a_kind_on_one_port_cannot_be_simulated(load: Load) -> None:
    second = SELECT | {"rf_address": 20, "select_address": 21}
    loaded = load({"white": WHITE, "one": SELECT, "two": second})
    with pytest.raises(ConfigurationError, match=r"instruments\.two: .*one is a SuperKSelect"):
        open_bench(loaded)


def test_a_fault_of_one_module_is_a_fault_of_their_bus(load: Load) -> None:
    faults = [{"instrument": "select", "fault": "interlock_open"}]
    with open_bench(load(ALL, SIMULATED | {"faults": faults})) as bench:
        white: Any = bench.instruments["white"]
        assert white.interlock == "open (door)"


def test_all_modules_are_served_on_one_port(load: Load, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYVISA_LIBRARY", "@py")
    with serve_bench(load(ALL)) as served:
        (address,) = {endpoint.address for endpoint in served.endpoints.values()}
        resource = served.endpoints["select"].resource
        assert list(served.endpoints) == list(ALL)
        real = {name: entry | {"resource": resource} for name, entry in ALL.items()}
        with open_bench(load(real, None), only=["white", "varia"]) as bench:
            white: Any = bench.instruments["white"]
            varia: Any = bench.instruments["varia"]
            assert white.interlock == "ok"
            assert varia.band == (500.0, 550.0)
        assert address.startswith("127.0.0.1:")


def test_a_real_port_is_opened_once(load: Load, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PYVISA_LIBRARY", "@py")
    clock = RealClock()
    device = SuperK(clock, light_changed=lambda lines, moment: None, varia=17, ramp_time=0.05)
    device.press_reset()
    with TcpLink(device, clock) as link:
        real = {name: entry | {"resource": link.resource} for name, entry in ALL.items()}
        with open_bench(load(real, None)) as bench:
            white: Any = bench.instruments["white"]
            select: Any = bench.instruments["select"]
            white.power_level = 30.0
            white.start_emission()
            select.wavelength = 633.0
            select.start_emission()
            assert device._source._emits()
            assert device._rf is not None
            assert device._rf.is_on
        assert not device._source._emits()
        assert not device._rf.is_on


def test_the_entries_in_the_example_are_right(tmp_path: Path) -> None:
    text = resources.files("configs").joinpath("example_bench.yaml").read_text(encoding="utf-8")
    begin, end = text.index("  # white:"), text.index("\n\n", text.index("  # white:"))
    entries = text[begin:end].replace("  # ", "  ")
    path = tmp_path / "bench.yaml"
    path.write_text(f"bench: example\ninstruments:\n{entries}\n", encoding="utf-8")
    instruments = read_bench(path).spec.instruments
    assert [entry.driver for entry in instruments.values()] == [e["driver"] for e in ALL.values()]
