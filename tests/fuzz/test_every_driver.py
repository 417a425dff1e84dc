"""Every driver with arbitrary bytes for answers: a right value or one of labcool's errors.

Each example plays a script of changed answers (``tests/helpers/fuzz_bytes.py``) to a driver that
stands before its simulated device. Of every call is asserted that only errors of
:mod:`labcool.errors` leave it, with the instrument's name; that it reads a bounded number of bytes
in a bounded time; and that what it returns is what an oracle, written from the protocol, finds in
the bytes that came. The examples are the same each time; ``LABCOOL_FUZZ=5000`` makes so many new
ones for each test, and shows what fails as it was found.
"""

from __future__ import annotations

import pytest
from fuzz_bytes import scripts
from fuzz_cases import CASES, NOT_FUZZED, rig_of
from fuzz_coverage import actions_of, driver_classes, readings_of
from fuzz_settings import TIMEOUT_S, fuzzed, note
from hypothesis import given
from hypothesis import strategies as st

READINGS_AT_ONCE = 8
ACTIONS_AT_ONCE = 3

drivers = pytest.mark.parametrize("name", CASES)


@drivers
@pytest.mark.timeout(TIMEOUT_S)
@fuzzed(60)
@given(data=st.data())
def test_connecting_meets_the_right_instrument_or_an_error(name: str, data: st.DataObject) -> None:
    rig = rig_of(name)
    script = data.draw(scripts(rig.fuzz.changes), "connecting")
    instrument = rig.connect_to(script)
    note(name, rig.outcomes)
    if not rig.raised:
        assert rig.fuzz.identity(rig.log, instrument), f"{instrument.identity!r}\n{rig.told()}"


@drivers
@pytest.mark.timeout(TIMEOUT_S)
@fuzzed(40)
@given(data=st.data())
def test_what_is_returned_is_what_has_come(name: str, data: st.DataObject) -> None:
    rig = rig_of(name)
    instrument = rig.connect()
    readings = list(rig.fuzz.readings.items())
    first = data.draw(st.integers(0, max(len(readings) - 1, 0)), "first")
    for asked, reading in (readings[first:] + readings[:first])[:READINGS_AT_ONCE]:
        script = data.draw(scripts(rig.fuzz.changes, 3), asked)
        rig.play(script)
        value = rig.call(lambda ask=reading.ask: ask(instrument), rig.fuzz.longest)
        if not rig.raised:
            assert reading.accepts(rig.log, value), f"{asked} gave {value!r}\n{rig.told()}"
    note(name, rig.outcomes)


@drivers
@pytest.mark.timeout(TIMEOUT_S)
@fuzzed(30)
@given(data=st.data())
def test_settings_are_what_has_come(name: str, data: st.DataObject) -> None:
    rig = rig_of(name)
    script = data.draw(scripts(rig.fuzz.changes), "settings()")
    instrument = rig.connect()
    healthy = instrument.settings()
    assert set(healthy) <= set(rig.fuzz.settings)
    rig.play(script)
    found = rig.call(instrument.settings, rig.fuzz.longest_action)
    note(name, rig.outcomes)
    for key, value in ({} if rig.raised else found).items():
        accepts = rig.fuzz.settings[key]
        right = value == healthy[key] if accepts is None else accepts(rig.log, value)
        assert right, f"{key} = {value!r}\n{rig.told()}"


@drivers
@pytest.mark.timeout(TIMEOUT_S)
@fuzzed(40)
@given(data=st.data())
def test_what_is_done_is_confirmed_or_an_error(name: str, data: st.DataObject) -> None:
    rig = rig_of(name)
    instrument = rig.connect()
    actions = list(rig.fuzz.actions.items())
    first = data.draw(st.integers(0, max(len(actions) - 1, 0)), "first")
    for asked, action in (actions[first:] + actions[:first])[:ACTIONS_AT_ONCE]:
        script = data.draw(scripts(rig.fuzz.changes, 10), asked)
        rig.play(script)
        rig.call(lambda do=action.do: do(instrument), rig.fuzz.longest_action)
        assert rig.raised or action.promise(rig.log), f"{asked}\n{rig.told()}"
    note(name, rig.outcomes)


@drivers
@pytest.mark.timeout(TIMEOUT_S)
@fuzzed(40)
@given(data=st.data())
def test_safe_is_said_only_if_the_instrument_says_so(name: str, data: st.DataObject) -> None:
    rig = rig_of(name)
    instrument = rig.connect()
    actions = list(rig.fuzz.actions.values())
    if actions and data.draw(st.booleans(), "first something is done"):
        rig.call(lambda: data.draw(st.sampled_from(actions)).do(instrument), 1e6)
    rig.play(data.draw(scripts(rig.fuzz.changes, 10), "make_safe()"))
    rig.call(instrument.make_safe, rig.fuzz.longest_action)
    assert rig.raised or rig.fuzz.is_safe(rig.log), f"make_safe()\n{rig.told()}"
    rig.play(data.draw(scripts(rig.fuzz.changes, 10), "shutdown()"))
    rig.call(instrument.shutdown, rig.fuzz.longest_action)
    quiet = not rig.log
    assert rig.raised or quiet or rig.fuzz.is_safe(rig.log), f"shutdown()\n{rig.told()}"
    assert rig.is_released
    note(name, rig.outcomes)


@drivers
def test_everything_public_of_a_driver_is_fuzzed(name: str) -> None:
    case = CASES[name]
    driver = case.case.driver
    asked, done = ({_bare(name) for name in names} for names in (case.readings, case.actions))
    assert all(hasattr(driver, name.rstrip("=")) for name in asked | done | case.kept)
    assert readings_of(driver) <= asked | case.kept
    assert actions_of(driver) <= asked | done | case.kept


def test_every_driver_is_fuzzed() -> None:
    fuzzed_ones = {case.case.driver for case in CASES.values()}
    assert {driver.__name__ for driver in driver_classes() - fuzzed_ones} == set(NOT_FUZZED)


def _bare(name: str) -> str:
    return name.partition("(")[0]
