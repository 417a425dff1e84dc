"""Andor camera and Ocean spectrometer on one simulated bench, through their drivers."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
import seabreeze.pyseabreeze.protocol
from ruamel.yaml import YAML

from labcool.bench import Bench, open_bench, read_bench
from labcool.clock import VirtualClock

CAMERA = {
    "driver": "drivers.andor.AndorSpectrometer",
    "spectrograph": True,
    "slit": "input direct",
    "slit_width": 200.0,
    "temperature": 213.15,
    "centre_wavelength": 520.0,
    "read_noise_electrons": 4.0,
}
FIXED = {
    "driver": "drivers.andor.AndorSpectrometer",
    "serial": 777,
    "wavelength_coefficients": [545.0, -0.1],
    "read_noise_electrons": 4.0,
    "require_cold": False,
}
ALONE = {"driver": "drivers.shamrock.Shamrock", "serial": "SR-0042", "slit": "input direct"}


@pytest.fixture
def make(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[Any]:
    pauses = SimpleNamespace(sleep=lambda _: None)
    monkeypatch.setattr(seabreeze.pyseabreeze.protocol, "time", pauses)
    opened: list[Bench] = []

    def open_(**instruments: dict[str, Any]) -> Bench:
        path = tmp_path / "bench.yaml"
        content = {
            "bench": "camera",
            "instruments": {
                "shutter": {"driver": "drivers.sc10.SC10", "resource": "ASRL1::INSTR"},
                "pump": {"driver": "drivers.finesse.Finesse", "resource": "ASRL2::INSTR"},
                "attenuator": {"driver": "drivers.elliptec.ELL14", "resource": "ASRL3::INSTR"},
                **instruments,
            },
            "simulation": {"sample": "roman2020-film"},
        }
        with path.open("w", encoding="utf-8") as stream:
            YAML().dump(content, stream)
        bench = open_bench(read_bench(path), only=list(content["instruments"]))
        opened.append(bench)
        return bench

    yield open_
    for bench in opened:
        bench.close()


def light_up(bench: Bench) -> None:
    bench.instruments["attenuator"].turn_to(90.0)
    bench.instruments["pump"].power_setpoint = 0.6
    bench.instruments["pump"].open_output()
    bench.instruments["shutter"].open()


def test_both_see_the_line_where_it_is(make: Any) -> None:
    flame = {"driver": "drivers.ocean.OceanSpectrometer", "serial": "FLMS12345"}
    bench = make(camera=CAMERA, flame=flame)
    assert isinstance(bench.clock, VirtualClock)
    camera, ocean = bench.instruments["camera"], bench.instruments["flame"]
    camera.wait_until_cold()
    light_up(bench)
    camera.exposure = ocean.exposure = 0.5
    peaks = []
    for spectrometer in (camera, ocean):
        dark = np.median(spectrometer.acquire().counts[:20])
        counts = spectrometer.acquire().counts - dark
        counts[np.abs(spectrometer.wavelengths - 532.0) < 12] = 0
        peaks.append(spectrometer.wavelengths[np.argmax(np.convolve(counts, np.ones(9), "same"))])
        assert counts.max() > 300
    assert peaks[0] == pytest.approx(peaks[1], abs=2.0)
    assert 511 < peaks[0] < 519


def test_pixels_of_fixed_wavelengths_that_descend(make: Any) -> None:
    bench = make(camera=FIXED)
    camera = bench.instruments["camera"]
    assert camera.identity.endswith("777")
    assert camera.wavelengths[[0, -1]] == pytest.approx([545.0 - 51.1, 545.0])
    light_up(bench)
    camera.exposure = 0.2
    counts = camera.acquire().counts - 200.0
    blue = (camera.wavelengths > 505) & (camera.wavelengths < 523)
    assert counts[blue].sum() > 5 * np.abs(counts[camera.wavelengths < 497]).sum()


def test_undispersed_light_falls_in_the_middle(make: Any) -> None:
    bench = make(camera=CAMERA)
    light_up(bench)
    device = bench.simulation.devices["camera"]
    bench.instruments["camera"].spectrograph.go_to_zero_order()
    light = device._expose(bench.clock.now(), 0.5)
    bench.clock.sleep(0.5)
    electrons = light()
    assert np.flatnonzero(electrons).tolist() == [253, 254, 255, 256, 257]


def test_a_spectrograph_by_itself(make: Any) -> None:
    bench = make(spectrograph=ALONE)
    spectrograph = bench.instruments["spectrograph"]
    assert "SR-0042" in spectrograph.identity
    spectrograph.go_to(546.0)
    assert bench.simulation.devices["spectrograph"].wavelength == pytest.approx(546.0)
    assert bench.simulation.model("spectrograph").startswith("Shamrock")
    assert "no port" in bench.simulation.why_not_served("spectrograph")
