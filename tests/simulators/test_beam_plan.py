"""Which instruments stand in the beam, and which laser is pump or probe."""

from __future__ import annotations

from typing import Any

import pytest

from simulators._beam_plan import plan
from simulators._thermocouple import LAG_S, Thermocouple

PUMP = ("drivers.finesse.Finesse", {})
OTHER = ("drivers.cobolt.Cobolt06", {"wavelength": 561.0})
OBIS = ("drivers.obis.Obis", {})
SHUTTER = ("drivers.sc10.SC10", {})
CHOPPER = ("drivers.mc2000b.MC2000B", {})
WHITE = ("drivers.superk.SuperK", {})


def test_first_laser_is_the_pump_and_the_next_one_the_probe() -> None:
    found = plan({"a": PUMP, "b": OBIS, "c": OTHER, "s": SHUTTER, "t": SHUTTER, "x": CHOPPER})
    assert set(found.in_beam) == {"a", "s", "x"}
    assert (found.pump_wavelength, found.probe, found.probe_wavelength) == (532.0, "b", 785.0)


def test_the_laser_of_the_illumination_is_the_pump() -> None:
    instruments: dict[str, Any] = {"a": OBIS, "b": OTHER, "s": SHUTTER, "t": SHUTTER, "x": CHOPPER}
    found = plan(instruments, ("b", "m", "t"))
    assert {"b", "t", "x"} <= set(found.in_beam)
    assert not {"a", "s"} & set(found.in_beam)
    assert (found.pump_wavelength, found.probe, found.probe_wavelength) == (561.0, "a", 785.0)


def test_with_a_tunable_source_the_laser_is_the_probe() -> None:
    found = plan({"w": WHITE, "p": OBIS})
    assert set(found.in_beam) == {"w"}
    assert (found.pump_wavelength, found.probe) == (None, "p")


def test_one_laser_is_no_probe() -> None:
    assert plan({"a": OBIS}).probe is None
    assert plan({"a": OBIS}).pump_wavelength == 785.0


class TestThermocouple:
    def test_follows_a_step_with_its_time_constant(self) -> None:
        bead = Thermocouple(lambda moment: 300.0 if moment < 10.0 else 310.0, 0.0, 300.0)
        assert bead.at(10.0) == pytest.approx(300.0, abs=1e-6)
        for after in (1.0, 3.0, 9.0):
            expected = 300.0 + 9.9 * (1 - 2.718281828 ** (-after / LAG_S))
            assert bead.at(10.0 + after) == pytest.approx(expected, abs=0.02)

    def test_lags_behind_a_ramp(self) -> None:
        bead = Thermocouple(lambda moment: 300.0 + 0.5 * moment, 0.0, 300.0)
        for moment in range(0, 120, 7):
            found = bead.at(float(moment))
        stage = 300.0 + 0.5 * 119.0
        assert found == pytest.approx(stage - 0.01 * (stage - 300.0) - 0.5 * LAG_S * 0.99, abs=0.02)

    def test_hears_of_a_long_silence(self) -> None:
        asked: list[float] = []

        def stage(moment: float) -> float:
            asked.append(moment)
            return 77.0

        bead = Thermocouple(stage, 0.0, 298.15)
        assert bead.at(1e6) == pytest.approx(77.0 + 0.01 * (298.15 - 77.0))
        assert len(asked) < 300
        assert min(asked) > 1e6 - 100.0
