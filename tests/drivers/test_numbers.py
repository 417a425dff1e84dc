"""No driver takes True, NaN, infinity, text or None for a number, and no number for True or False.

What is tried is found by ``number_spots`` (``tests/helpers``).
"""

from __future__ import annotations

import importlib
import inspect
import pkgutil
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest
import seabreeze.pyseabreeze.protocol
from fault_rig import rig_of
from fault_subjects import SUBJECTS
from instrument_cases import CASES
from instrument_rig import NAME, Rig
from number_spots import BAD, Spot, names, spots, values_for

import drivers
from labcool.bench.limited_stage import LimitedStage
from labcool.errors import ConfigurationError, LimitError


def what_is_wrong(rig: Any, spot: Spot, value: Any) -> str:
    """Return in which way a bad value was not refused as it should be; empty if it was."""
    rig.received.clear()
    try:
        spot.put(rig, value)
    except ConfigurationError as error:
        if not str(error).startswith(NAME):
            return f"does not name the instrument: {error}"
        if any(rig.received):
            return f"sent {rig.received}"
        if isinstance(error, LimitError) and not names(error.field, spot.words):
            return f"does not name {spot.words}: {error}"
        return ""
    except Exception as error:  # noqa: BLE001 (this is what is looked for)
        return f"{type(error).__name__}: {error}"
    return "taken"


@pytest.fixture(autouse=True)
def _usb_without_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    pauses = SimpleNamespace(sleep=lambda _: None)
    monkeypatch.setattr(seabreeze.pyseabreeze.protocol, "time", pauses)


@pytest.mark.parametrize("name", list(SUBJECTS))
def test_what_is_no_number_is_refused_and_nothing_is_sent(name: str) -> None:
    subject = SUBJECTS[name]
    tried, wrong = 0, []
    for spot in spots(subject.case.driver):
        values = dict(values_for(spot.hint, spot.words.split()[-1]))
        if not values:
            continue
        rig: Any = rig_of(subject)
        if hasattr(rig, "lock_in"):
            rig.connect()  # Connects the lock-in, too, which is not the one under test.
        if spot.keywords is not None:
            rig.instrument = rig.connect(**spot.keywords)
            subject.prepare(rig.instrument)
            if spot.words.startswith("wait_until_stable"):
                rig.instrument.go_to(100.0 if "setpoint" in str(subject.case.keywords) else 300.0)
        for what, value in values.items():
            tried += 1
            if problem := what_is_wrong(rig, spot, value):
                wrong.append(f"{spot.words} = {what}: {problem}")
    assert not wrong, "\n" + "\n".join(wrong)
    assert tried >= 5


def test_every_driver_is_in_the_table() -> None:
    modules = [
        importlib.import_module(f"drivers.{found.name}")
        for found in pkgutil.iter_modules(drivers.__path__)
        if not found.name.startswith("_")
    ]
    there = {
        candidate
        for module in modules
        for candidate in vars(module).values()
        if isinstance(candidate, type) and candidate.__module__ == module.__name__
        if hasattr(candidate, "make_safe")
    }
    assert there == {subject.case.driver for subject in SUBJECTS.values()}


@pytest.mark.parametrize("name", ["Finesse", "PM100D"])
def test_what_is_inherited_from_pymeasure_sets_nothing(name: str) -> None:
    rig: Any = rig_of(SUBJECTS[name])
    instrument = rig.connect()
    rig.received.clear()
    inherited = [
        attribute
        for attribute in dir(type(instrument))
        if isinstance(member := inspect.getattr_static(type(instrument), attribute), property)
        and member.fset is not None
        and member.fset.__module__.startswith("pymeasure")
    ]
    assert inherited
    for attribute in inherited:
        with pytest.raises(LookupError, match="can not be set"):
            setattr(instrument, attribute, 1.0)
    assert not any(rig.received)


def rotary(case: str) -> tuple[Any, Any]:
    rig = Rig(CASES[case])
    return rig, rig.connect()


def limited() -> tuple[Any, Any]:
    rig = Rig(CASES["LinkamT95"])
    return rig, LimitedStage(rig.connect(), (200.0, 400.0))


@pytest.mark.parametrize("what", list(BAD))
def test_what_the_bench_puts_around_a_driver_refuses_it_too(what: str) -> None:
    uses: list[tuple[tuple[Any, Any], Callable[[Any], object]]] = [
        (rotary("RotaryAttenuator of ELL14"), lambda a: setattr(a, "transmission", BAD[what])),
        (rotary("RotaryAttenuator of K10CR1"), lambda a: setattr(a, "transmission", BAD[what])),
        (limited(), lambda s: s.go_to(BAD[what])),
        (limited(), lambda s: setattr(s, "ramp_rate", BAD[what])),
    ]
    for (rig, thing), use in uses:
        rig.received.clear()
        with pytest.raises(LimitError, match=f"^{NAME} "):
            use(thing)
        assert not any(rig.received)
