from __future__ import annotations

from typing import Any

import pytest

from labcool.bench import open_bench, read_bench
from labcool.bench.illumination import Illumination
from labcool.bench.needs import Needs
from labcool.bench.roles import Laser, Shutter, Spectrometer, TemperatureController
from labcool.errors import ConfigurationError


class _Device:
    """Has what every instrument has."""

    identity = "a device"

    def settings(self) -> dict[str, Any]:
        return {}

    def make_safe(self) -> None: ...

    def shutdown(self) -> None: ...

    def __init__(self, name: str = "") -> None:
        self.name = name

    name = ""


class SomeShutter(_Device):
    @property
    def is_closed(self) -> bool:
        raise AssertionError("an instrument was asked although its class is enough")

    def open(self) -> None: ...

    def close(self) -> None: ...


class NotQuiteAShutter(_Device):
    def open(self) -> None: ...


LIGHT: Any = object.__new__(Illumination)


def test_the_only_one_of_its_role_is_taken_whatever_its_name() -> None:
    blade, other = SomeShutter(), NotQuiteAShutter()
    found = Needs(shutter=Shutter).find({"lid": blade, "shutter": other}, None)
    assert found == {"shutter": blade}


def test_of_several_the_one_with_the_name_is_taken() -> None:
    pump, probe = SomeShutter(), SomeShutter()
    instruments = {"pump_shutter": pump, "probe_shutter": probe}
    assert Needs(probe_shutter=Shutter).find(instruments, None) == {"probe_shutter": probe}


def test_of_several_without_the_name_none_is_guessed() -> None:
    instruments = {"one": SomeShutter(), "two": SomeShutter()}
    with pytest.raises(ConfigurationError) as caught:
        Needs(shutter=Shutter).find(instruments, None)
    message = str(caught.value)
    assert "one Shutter" in message
    assert "2: one, two" in message
    assert "'shutter'" in message


def test_an_optional_role_is_none_if_nothing_fills_it_but_never_guessed_either() -> None:
    needs = Needs(shutter=Shutter, optional=("shutter",))
    assert needs.find({}, None) == {"shutter": None}
    with pytest.raises(ConfigurationError, match="has 2: one, two"):
        needs.find({"one": SomeShutter(), "two": SomeShutter()}, None)


def test_a_missing_role_is_told_with_what_there_is() -> None:
    with pytest.raises(ConfigurationError) as caught:
        Needs(detector=Spectrometer).find({"lid": SomeShutter()}, None)
    assert "needs a Spectrometer ('detector')" in str(caught.value)
    assert "The bench has: lid." in str(caught.value)
    with pytest.raises(ConfigurationError, match="no instruments"):
        Needs(detector=Spectrometer).find({}, None)


def test_the_illumination_of_the_bench_is_taken() -> None:
    assert Needs(light=Illumination).find({}, LIGHT) == {"light": LIGHT}


def test_a_bench_without_illumination_is_told_how_to_get_one() -> None:
    with pytest.raises(ConfigurationError, match="'illumination:' section"):
        Needs(light=Illumination).find({}, None)


def test_everything_is_found_on_the_built_in_bench() -> None:
    needs = Needs(
        illumination=Illumination,
        detector=Spectrometer,
        stage=TemperatureController,
        pump=Laser,
        optional=("stage",),
    )
    with open_bench(read_bench()) as bench:
        found = needs.find(bench.instruments, bench.illumination)
        assert found == {
            "illumination": bench.illumination,
            "detector": bench.instruments["spectrometer"],
            "stage": bench.instruments["stage"],
            "pump": bench.instruments["pump"],
        }
