from __future__ import annotations

import sys
from collections.abc import Callable, Mapping, Sequence
from importlib.metadata import EntryPoint, EntryPoints
from types import ModuleType
from typing import TYPE_CHECKING, Annotated, Any, Literal

import pytest
from annotated_types import Ge, Interval

from labcool.bench import _yaml_drivers
from labcool.bench.driver_settings import (
    check_settings,
    known_drivers,
    load_driver,
    settings_model,
)
from labcool.errors import ConfigurationError

if TYPE_CHECKING:
    from somewhere import Clock, Link, Port


class Safe:
    def settings(self) -> Mapping[str, float]:
        return {}

    def make_safe(self) -> None: ...

    def shutdown(self) -> None: ...


class Wired(Safe):
    def __init__(
        self,
        resource: Port,
        name: str = "wired",
        *,
        clock: Clock | None = None,
        visa_library: str = "",
        gain: Annotated[float, Interval(gt=0, le=5)] = 1.0,
        count: Annotated[int, Ge(1)] = 1,
        mode: Literal["fast", "slow"] = "fast",
        baud_rate: Literal[9600, 115200] = 9600,
        address: str = "0",
        inverted: bool = False,
        window: tuple[float, float] | None = None,
        steps: Sequence[int] = (),
        stale: bool | Literal["always"] = True,
        model_name: str = "",
        on_event: Callable[[str], None] | None = None,
        link: Link | None = None,
    ) -> None: ...


class NeedsSerial(Safe):
    def __init__(self, name: str = "usb", *, clock: Clock | None = None, serial: str) -> None: ...


class OptionalPort(Safe):
    def __init__(
        self, resource: str | None = None, name: str = "x", *, clock: Clock | None = None
    ) -> None: ...


class ObjectPort(Safe):
    def __init__(
        self, resource: bytes | None = None, name: str = "x", *, clock: Clock | None = None
    ) -> None: ...


class NoClock(Safe):
    def __init__(self, resource: str, name: str = "x") -> None: ...


@pytest.fixture(autouse=True)
def fake_drivers(monkeypatch: pytest.MonkeyPatch) -> None:
    module: Any = ModuleType("fake_drivers")
    for driver in (Wired, NeedsSerial, OptionalPort, NoClock):
        monkeypatch.setattr(driver, "__module__", "fake_drivers")
        setattr(module, driver.__name__, driver)
    module.a_function = known_drivers
    module.NotADriver = dict
    monkeypatch.setitem(sys.modules, "fake_drivers", module)


def faults_of(driver: type[Any], settings: Mapping[str, Any], resource: object = "COM3") -> str:
    _, faults = check_settings(driver, settings, resource=resource)
    return "\n".join(str(fault) for fault in faults)


def test_settings_are_the_keyword_only_parameters_that_a_file_can_give() -> None:
    fields = settings_model(Wired).model_fields.values()
    assert [field.alias for field in fields] == [
        "gain",
        "count",
        "mode",
        "baud_rate",
        "address",
        "inverted",
        "window",
        "steps",
        "stale",
        "model_name",
    ]


def test_good_settings_come_back_with_the_types_of_the_constructor() -> None:
    given = {"gain": 2, "window": [1, 2.5], "steps": [3], "stale": "always", "model_name": "x"}
    values, faults = check_settings(Wired, given, resource="COM3")
    assert faults == []
    assert values == {**given, "window": (1.0, 2.5)}
    assert type(values["gain"]) is float
    assert list(values) == list(given)
    Wired(**values, resource="COM3")


def test_what_is_not_given_is_left_to_the_constructor() -> None:
    assert check_settings(Wired, {}, resource="COM3") == ({}, [])


BAD = [
    ({"gain": True}, "gain: true is true/false; allowed: a number above 0 and at most 5"),
    ({"gain": "2"}, 'gain: "2" is text; allowed: a number above 0 and at most 5; write it with'),
    ({"gain": float("inf")}, "gain: inf is not a finite number; allowed: a number above 0 and at"),
    ({"gain": 0}, "gain: 0 is outside the range; allowed: a number above 0 and at most 5"),
    ({"gain": 5.1}, "gain: 5.1 is outside the range; allowed: a number above 0 and at most 5"),
    ({"count": 1.0}, "count: 1.0 is a number; allowed: a whole number 1 or more; write 1"),
    ({"count": True}, "count: true is true/false; allowed: a whole number 1 or more"),
    ({"mode": "fats"}, 'mode: "fats" is not one of the choices; allowed: one of fast, slow; did y'),
    ({"mode": ["fast"]}, "mode: [\"fast\"] is not one of the choices; allowed: one of fast, slow"),
    ({"baud_rate": 19200}, "baud_rate: 19200 is not one of the choices; allowed: one of 9600, 115"),
    ({"baud_rate": "9600"}, "9600, 115200; take the quotes away"),
    ({"address": 0}, 'address: 0 is a whole number; allowed: text; put it in quotes: "0"'),
    ({"inverted": "yes"}, 'inverted: "yes" is text; allowed: true or false; write true or false'),
    ({"inverted": 1}, "inverted: 1 is a whole number; allowed: true or false"),
    ({"window": [1]}, "window: [1] has the wrong number of entries; allowed: [a number, a number]"),
    ({"window": [1, "a"]}, 'window[1]: "a" is text; allowed: a number'),
    ({"steps": [1.5]}, "steps[0]: 1.5 is a number; allowed: a whole number"),
    ({"stale": "never"}, 'stale: "never" is text; allowed: true or false or always'),
    ({"gian": 1}, "gian: unknown key 'gian'; allowed: gain, count, mode, baud_rate, address,"),
    ({"on_event": "x"}, "on_event: unknown key 'on_event'"),
    ({"link": "x"}, "link: unknown key 'link'"),
    ({"clock": "real"}, "clock: unknown key 'clock'"),
    ({"name": "x"}, "name: unknown key 'name'"),
]  # fmt: skip


@pytest.mark.parametrize(("settings", "words"), BAD, ids=[str(case[0]) for case in BAD])
def test_a_bad_setting_is_told_with_what_is_allowed(settings: dict[str, Any], words: str) -> None:
    told = faults_of(Wired, settings)
    assert words in told
    assert len(told.splitlines()) == 1


def test_values_are_shown_as_they_were_typed() -> None:
    _, (fault,) = check_settings(
        Wired, {"gain": float("inf")}, resource="COM3", written={("gain",): "1e999"}
    )
    assert fault.what == "1e999 is not a finite number"


def test_a_setting_without_default_must_be_given() -> None:
    assert faults_of(NeedsSerial, {}, None) == "serial: 'serial' is missing; allowed: text"
    assert faults_of(NeedsSerial, {"serial": "A1"}, None) == ""


def test_the_port_must_be_given_if_the_constructor_needs_it() -> None:
    assert faults_of(Wired, {}, None).startswith("resource: 'resource' is missing; allowed: text")
    assert faults_of(OptionalPort, {}, None) == ""
    assert faults_of(OptionalPort, {}) == ""


@pytest.mark.parametrize("driver", [NeedsSerial, ObjectPort])
def test_a_port_must_not_be_given_if_the_constructor_takes_none(driver: type[Any]) -> None:
    told = faults_of(driver, {"serial": "A1"} if driver is NeedsSerial else {})
    assert told.startswith(f"resource: {driver.__name__} is not connected by a VISA port")


def test_load_driver_by_its_dotted_path() -> None:
    assert load_driver("fake_drivers.Wired") is Wired


UNKNOWN = [
    (
        "drivers.finess.Finesse",
        "no driver module drivers.finess; allowed: a class of ",
        *known_drivers(),
        "did you mean 'drivers.finesse'?",
    ),
    ("nopackage.Thing", "no driver module nopackage", "drivers.sc10"),
    ("fake_drivers.Wird", "fake_drivers has no class Wird", "did you mean 'Wired'?"),
    ("fake_drivers.a_function", '"fake_drivers.a_function" is not a class', "drivers.sc10"),
    ("fake_drivers.NotADriver", "not a labcool driver (no settings(), make_safe(), shutdown())"),
    ("fake_drivers.NoClock", "not a labcool driver (no argument 'clock')"),
    ("sc10", '"sc10" is not the dotted path of a driver class', "did you mean 'drivers.sc10'?"),
    ("", '"" is not the dotted path'),
    (".sc10.SC10", '".sc10.SC10" is not the dotted path'),
    ("drivers.sc10 .SC10", "is not the dotted path"),
]


@pytest.mark.parametrize("case", UNKNOWN, ids=[case[0] for case in UNKNOWN])
def test_an_unknown_driver_is_refused_with_the_known_ones(case: tuple[str, ...]) -> None:
    name, *words = case
    with pytest.raises(ConfigurationError) as caught:
        load_driver(name)
    for word in words:
        assert word in str(caught.value)


def test_a_driver_whose_package_is_not_installed_says_so(
    tmp_path: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "driver_without_library.py").write_text("import no_such_library\n")
    (tmp_path / "driver_with_broken_library.py").write_text("raise OSError('libusb is missing')\n")
    monkeypatch.syspath_prepend(tmp_path)
    with pytest.raises(ConfigurationError, match="package no_such_library is not installed"):
        load_driver("driver_without_library.Camera")
    with pytest.raises(ConfigurationError, match="cannot be loaded: libusb is missing"):
        load_driver("driver_with_broken_library.Camera")


def test_known_drivers_are_modules_and_entry_points(monkeypatch: pytest.MonkeyPatch) -> None:
    point = EntryPoint("acme_laser", "fake_drivers:Wired", "labcool.drivers")
    monkeypatch.setattr(_yaml_drivers, "entry_points", lambda *, group: EntryPoints([point]))
    known = known_drivers()
    assert {"drivers.sc10", "drivers.finesse"} <= set(known)
    assert known[-1] == "acme_laser"
    assert not any("._" in name for name in known)
    assert load_driver("acme_laser") is Wired


REAL = [
    ("drivers.sc10.SC10", {}),
    ("drivers.finesse.Finesse", {"wavelength", "max_power"}),
    ("drivers.elliptec.ELL14", {"address"}),
    ("drivers.ocean.OceanSpectrometer", {"serial"}),
    ("drivers.linkam.LinkamT95", {}),
    ("drivers.sr830.SR830", {"interface", "baud_rate", "parity", "timeout"}),
    ("drivers.pm100d.PM100D", {"wavelength", "timeout", "zero_timeout"}),
    ("drivers.lakeshore.LakeShore331", {"input", "heater_range", "message_interval"}),
    ("drivers.lakeshore.LakeShore335", {"input", "output", "setpoint_range", "on_shutdown"}),
    ("drivers.lakeshore.LakeShore336", {"input", "output", "setpoint_range", "on_shutdown"}),
    ("drivers.digisense.DigiSense", {"address", "plausible_range"}),
    ("drivers.ksc101.KSC101", {"move_timeout"}),
    ("drivers.k10cr1.K10CR1", {"move_timeout", "tolerance"}),
    (
        "drivers.ttl_shutter.TTLShutter",
        {"line", "active_high", "sensor", "sensor_closed_high", "accept_unverified"},
    ),
    ("drivers.mc2000b.MC2000B", {"lock_timeout", "lock_tolerance"}),
]


@pytest.mark.parametrize(("name", "settings"), REAL)
def test_the_drivers_of_this_repository_can_be_described(name: str, settings: set[str]) -> None:
    fields = settings_model(load_driver(name)).model_fields.values()
    assert set(settings) <= {field.alias for field in fields}
