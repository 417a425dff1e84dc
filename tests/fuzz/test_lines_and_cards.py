"""Instruments without bytes: a shutter on a line, inputs of a card, a photodiode behind a source.

What they are given is whatever such an object may return or raise: levels that change, numbers that
are none, failing cables.
"""

from __future__ import annotations

import datetime
import math
from collections.abc import Callable
from contextlib import suppress
from typing import Any

import pytest
import serial
from fuzz_settings import fuzzed
from hypothesis import given
from hypothesis import strategies as st
from instrument_rig import NAME

from drivers.daq_input import DAQInput
from drivers.daq_shutter import DAQShutter
from drivers.photodiode import Photodiode
from drivers.ttl_shutter import TTLShutter
from labcool.clock import VirtualClock
from labcool.errors import (
    GarbledAnswer,
    InstrumentDisconnected,
    InstrumentError,
    InstrumentTimeout,
    LabcoolError,
)

TROUBLES: tuple[Callable[[], Exception], ...] = (
    lambda: OSError(5, "Input/output error"),
    lambda: serial.SerialException("device reports readiness but returned no data"),
    lambda: serial.PortNotOpenError(),
    lambda: InstrumentDisconnected(NAME, "the card has gone."),
    lambda: InstrumentTimeout(NAME, "the card is late."),
)
LEVELS = st.one_of(st.booleans(), st.sampled_from(TROUBLES))
LONGEST_S = 5.0
MOST_LOOKS = 20_000


class ShakyLine:
    """A digital line whose sensor and whose output do as a script says; then as they should."""

    def __init__(self, script: list[Any]) -> None:
        self.script = script
        self.high = False
        self.seen: list[bool] = []
        self.looks = 0
        self.released = False

    def drive(self, high: bool) -> None:
        self._perhaps_fail()
        self.high = high

    def is_high(self) -> bool:
        return self.high

    def sensor_is_high(self) -> bool:
        self.looks += 1
        assert self.looks < MOST_LOOKS, "asks without an end"
        found = self.script.pop(0) if self.script else not self.high
        if callable(found):
            raise found()
        self.seen.append(found)
        return bool(found)

    def release(self) -> None:
        self.released = True

    def _perhaps_fail(self) -> None:
        if self.script and callable(self.script[0]):
            raise self.script.pop(0)()


def shutter_on(driver: type, line: ShakyLine, clock: VirtualClock) -> Any:
    sensor = {"sensor": "CTS"} if driver is TTLShutter else {"sensor": "Dev1/port0/line1"}
    return driver(line, NAME, clock=clock, **sensor)


def tried(act: Callable[[], Any], clock: VirtualClock) -> tuple[bool, Any]:
    """Return whether a call returns, and what; only labcool's errors may come, and in time.

    An error without the instrument's name counts as a value, and as a wrong one.
    """
    began = clock.now()
    try:
        return True, act()
    except LabcoolError as error:
        return NAME not in str(error), error
    finally:
        assert clock.now() - began <= LONGEST_S


@pytest.mark.parametrize("driver", [TTLShutter, DAQShutter])
@fuzzed(60)
@given(data=st.data())
def test_a_shutter_is_closed_only_if_its_sensor_says_so(driver: type, data: Any) -> None:
    clock = VirtualClock()
    line = ShakyLine([])
    shutter = shutter_on(driver, line, clock)
    calls: tuple[tuple[Callable[[], Any], bool | None], ...] = (
        (shutter.close, True),
        (shutter.open, False),
        (shutter.make_safe, True),
        (lambda: shutter.is_closed, None),
        (shutter.settings, None),
        (shutter.shutdown, True),
    )
    for act, closed in calls:
        line.script = data.draw(st.lists(LEVELS, max_size=90))
        line.seen.clear()
        line.looks = 0
        returned, value = tried(act, clock)
        if returned and closed is not None:
            assert line.seen[-1:] == [closed]
            assert line.high is not closed
        if returned and isinstance(value, bool):
            assert line.seen == [value]
    assert line.released


@pytest.mark.parametrize("driver", [TTLShutter, DAQShutter])
@fuzzed(40)
@given(script=st.lists(LEVELS, max_size=4))
def test_connecting_to_a_shaky_line_leaves_it_low_or_is_an_error(
    driver: type, script: list[Any]
) -> None:
    line, clock = ShakyLine(script), VirtualClock()
    connected, _ = tried(lambda: shutter_on(driver, line, clock), clock)
    assert not line.high
    assert connected or line.released


NO_VOLTS = st.one_of(
    st.none(),
    st.text(max_size=3),
    st.booleans(),
    st.just("٣"),
    st.just(10**400),
    st.complex_numbers(),
    st.lists(st.floats(), max_size=2),
)
VOLTS = st.one_of(st.floats(), st.floats(-12.0, 12.0), st.integers(-20, 20), NO_VOLTS)


class ShakyInputs:
    """Voltage inputs that give whatever a script says."""

    product = "USB-6001"

    def __init__(self) -> None:
        self.next: Any = [0.0, 0.0]
        self.released = False

    def read(self) -> Any:
        if callable(self.next):
            raise self.next()
        return self.next

    def aux_input(self, _: int) -> Any:
        return self.read()

    def release(self) -> None:
        self.released = True


def is_voltage(value: Any) -> bool:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return number and abs(value) < 1e300 and math.isfinite(value)


@fuzzed(150)
@given(
    answer=st.one_of(st.lists(VOLTS, max_size=3), st.lists(VOLTS, min_size=2, max_size=2), VOLTS),
    trouble=st.one_of(st.none(), st.none(), st.sampled_from(TROUBLES)),
)
def test_a_card_gives_the_volts_that_it_was_given(answer: Any, trouble: Any) -> None:
    clock, inputs = VirtualClock(), ShakyInputs()
    card = DAQInput(inputs, NAME, channels=("ai0", "ai3"))
    inputs.next = trouble or answer
    returned, value = tried(lambda: card.aux_input(2), clock)
    if returned:
        assert trouble is None
        assert len(answer) == 2
        assert all(map(is_voltage, answer))
        assert value == answer[1]
        assert abs(value) < 10.0
    card.shutdown()
    assert inputs.released


@fuzzed(150)
@given(
    volts=st.lists(st.one_of(VOLTS, st.floats(-1.0, 9.0), st.sampled_from(TROUBLES)), max_size=3)
)
def test_a_photodiode_makes_watts_of_volts_and_of_nothing_else(volts: list[Any]) -> None:
    clock, source = VirtualClock(), ShakyInputs()
    source.next = 0.0
    diode = Photodiode(
        source,
        NAME,
        calibrated=datetime.date(2025, 11, 3),
        responsivity=((450.0, 1000.0), (650.0, 1000.0)),
        relative_std=0.03,
    )
    diode.wavelength = 532.0
    for given_volts in volts:
        source.next = given_volts
        for act, per_watt in ((lambda: diode.voltage, 1.0), (lambda: diode.power, 1000.0)):
            returned, value = tried(act, clock)
            assert not returned or (
                is_voltage(given_volts)
                and abs(given_volts) < 10.0
                and math.isclose(value * per_watt, given_volts, abs_tol=1e-12)
            )
        with suppress(InstrumentError, GarbledAnswer):
            assert math.isfinite(diode.zero(beam_blocked=True))
            diode._dark = 0.0
