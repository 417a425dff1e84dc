"""The PM100D driver against the bytes of the manual and of foreign drivers."""

from __future__ import annotations

import logging
import math
import re
import warnings
from collections import deque
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pymeasure.instruments.thorlabs import ThorlabsPM100USB
from ThorlabsPM100 import ThorlabsPM100

from drivers.pm100d import PM100D
from labcool.clock import VirtualClock
from labcool.errors import (
    ConfigurationError,
    GarbledAnswer,
    InstrumentError,
    InstrumentRefused,
    InstrumentTimeout,
    LabcoolError,
    LimitError,
    WrongInstrument,
)
from simulators.device import LineDevice
from simulators.memory import MemoryAdapter, MemoryLink

SENSOR = b"S121C,12345678,01-JAN-2026,1,18,289"


class Meter(LineDevice):
    """A PM100D as the manual describes it; ``instead`` holds answers sent instead (None: none)."""

    def __init__(self, clock: VirtualClock) -> None:
        super().__init__(clock, b"\n")
        self.heard: list[bytes] = []
        self.identity = b"THORLABS,PM100D,P0012345,2.4.0"
        self.sensor = SENSOR
        self.state = {
            b"SENS:CORR:WAV": b"6.350000E+02",
            b"SENS:AVER:COUN": b"1",
            b"SENS:POW:RANG:AUTO": b"1",
            b"SENS:POW:RANG:UPP": b"2.000000E-02",
            b"SENS:POW:UNIT": b"DBM",
            b"SENS:CORR:LOSS": b"0.000000E+00",
        }
        self.power = b"1.234000E-03"
        self.condition = b"0"
        self.errors: deque[bytes] = deque()
        self.instead: deque[bytes | None] = deque()
        self.refuses: set[bytes] = set()
        self.deaf = False
        self.zero_seconds = 2.0
        self.zero_ends = 0.0
        self.delay = 0.001

    def _handle(self, line: bytes) -> None:
        self.heard.append(line)
        command = line.upper().replace(b"SENSE:", b"SENS:").replace(b"SENSOR", b"SENS")
        header, _, argument = command.partition(b" ")
        if header.endswith(b"?"):
            answer = self.answer(header[:-1], argument)
            if self.instead:
                answer = self.instead.popleft()
            if answer is not None:
                self._send(answer + b"\n", self.delay)
        elif header in self.refuses:
            self.errors.append(b'-222,"Data out of range"')
        elif header == b"SENS:CORR:COLL:ZERO:INIT":
            self.zero_ends = self.clock.now() + self.zero_seconds
        elif header == b"SENS:CORR:COLL:ZERO:ABOR":
            self.zero_ends = 0.0
        elif header in self.state:
            self.state[header] = self.state[header] if self.deaf else argument
        else:
            self.errors.append(b'-113,"Undefined header"')

    def answer(self, header: bytes, argument: bytes) -> bytes | None:
        limits = {b"MIN": b"4.000000E+02", b"MAX": b"1.100000E+03"}
        known = {
            b"*IDN": self.identity,
            b"SYST:SENS:IDN": self.sensor,
            b"SYST:ERR": self.errors[0] if self.errors else b'+0,"No error"',
            b"MEAS:POW": self.power,
            b"STAT:QUES:COND": self.condition,
            b"SENS:CORR:COLL:ZERO:STAT": b"%d" % (self.clock.now() < self.zero_ends),
            b"SENS:CORR:COLL:ZERO:MAGN": b"-1.500000E-09",
            **self.state,
        }
        if header == b"SYST:ERR" and self.errors:
            return self.errors.popleft()
        if argument:
            return limits[argument]
        if header not in known:
            self.errors.append(b'-113,"Undefined header"')
        return known.get(header)


@pytest.fixture
def device() -> Meter:
    return Meter(VirtualClock())


def connect(device: Meter, **keywords: Any) -> PM100D:
    meter = PM100D(MemoryLink(device, device.clock), "meter", clock=device.clock, **keywords)
    device.heard.clear()
    return meter


@pytest.fixture
def meter(device: Meter) -> PM100D:
    return connect(device)


def orders(device: Meter) -> list[bytes]:
    return [line for line in device.heard if b"?" not in line]


# Connecting


def test_connecting_reads_who_it_is_and_sets_nothing(device: Meter) -> None:
    with warnings.catch_warnings(record=True) as caught:
        meter = PM100D(MemoryLink(device, device.clock), clock=device.clock)
    assert caught == []
    assert orders(device) == []
    assert meter.identity == "THORLABS,PM100D,P0012345,2.4.0; sensor S121C 12345678"
    assert meter.wavelength_settable
    assert meter.has_temperature_sensor
    assert not meter.is_energy_sensor


@pytest.mark.parametrize(
    ("attribute", "content", "error"),
    [
        ("identity", b"THORLABS,ITC4001,M1,1", WrongInstrument),
        ("sensor", b"no sensor,,,0,0,0", InstrumentRefused),
        ("sensor", b"ES111C,1,01-JAN-2026,2,1,2", InstrumentRefused),
        ("sensor", b"S121C,1,01-JAN-2026,1,18,999", GarbledAnswer),
        ("sensor", b"S121C,1", GarbledAnswer),
    ],
)
def test_what_cannot_measure_power_is_refused_and_its_port_released(
    device: Meter, attribute: str, content: bytes, error: type[InstrumentError]
) -> None:
    closed = []

    class Port(MemoryAdapter):
        def close(self) -> None:
            closed.append(self)

    setattr(device, attribute, content)
    port = Port(device, device.clock, write_termination="\n", read_termination="\n")
    with pytest.raises(error, match=r"^meter: "):
        PM100D(port, "meter", clock=device.clock)
    assert closed


@pytest.mark.parametrize(
    "keywords", [{"wavelength": 0.0}, {"timeout": 0.1}, {"zero_timeout": math.nan}]
)
def test_a_bad_keyword_is_refused_before_anything_is_sent(
    device: Meter, keywords: dict[str, float]
) -> None:
    with pytest.raises(LimitError):
        connect(device, **keywords)
    assert device.heard == []


# Wavelength and power


def test_no_power_is_read_before_the_wavelength_was_set(device: Meter, meter: PM100D) -> None:
    with pytest.raises(ConfigurationError, match="meter: set the wavelength"):
        _ = meter.power
    assert device.heard == []
    meter.wavelength = 532
    assert meter.power == 1.234e-3
    assert device.state[b"SENS:POW:UNIT"] == b"W"
    assert connect(device, wavelength=780.0).power == 1.234e-3
    assert device.state[b"SENS:CORR:WAV"] == b"780"


@pytest.mark.parametrize("wavelength", [399.9, 1100.1, math.nan, -532.0])
def test_a_wavelength_beyond_the_sensor_is_refused_and_not_clipped(
    device: Meter, meter: PM100D, wavelength: float
) -> None:
    with pytest.raises(LimitError, match=r"from 400 to 1100|finite number"):
        meter.wavelength = wavelength
    assert orders(device) == []


def test_a_wavelength_that_the_meter_does_not_take_leaves_no_power_to_read(
    device: Meter, meter: PM100D
) -> None:
    meter.wavelength = 532
    device.deaf = True
    with pytest.raises(InstrumentRefused, match="is at 532 nm instead of 785 nm"):
        meter.wavelength = 785
    with pytest.raises(ConfigurationError):
        _ = meter.power
    device.deaf = False
    device.refuses.add(b"SENS:CORR:WAV")
    with pytest.raises(InstrumentRefused, match="WAV 785' was refused: -222"):
        meter.wavelength = 785


def test_somebody_at_the_front_panel_is_noticed(device: Meter, meter: PM100D) -> None:
    meter.wavelength = 532
    device.state[b"SENS:CORR:WAV"] = b"633"
    with pytest.raises(InstrumentRefused, match="is at 633 nm although 532 nm was set"):
        _ = meter.power
    meter.wavelength = 532
    device.state[b"SENS:POW:UNIT"] = b"DBM"
    with pytest.raises(InstrumentRefused, match="measures in DBM"):
        _ = meter.power


@pytest.mark.parametrize("content", [b"9.900000E+37", b"-9.9E37", b"9.91E37"])
def test_out_of_range_is_an_error_and_not_a_power(
    device: Meter, meter: PM100D, content: bytes
) -> None:
    meter.wavelength = 532
    device.power = content
    with pytest.raises(InstrumentRefused, match="out of the present range"):
        _ = meter.power
    device.power = b"-1.2E-09"
    assert meter.power == -1.2e-9


def test_a_sensor_of_fixed_wavelength_is_read_in_watts_only(device: Meter) -> None:
    device.sensor = b"S310C,1,01-JAN-2026,1,1,1"
    meter = connect(device)
    with pytest.raises(InstrumentRefused, match="no wavelength to set"):
        meter.wavelength = 532
    with pytest.raises(InstrumentRefused, match="DBM"):
        _ = meter.power
    device.state[b"SENS:POW:UNIT"] = b"W"
    assert meter.power == 1.234e-3


# Foreign drivers


def test_wavelength_and_power_have_the_bytes_of_pymeasure(device: Meter, meter: PM100D) -> None:
    meter.wavelength = 785.0
    assert meter.power == 1.234e-3
    ours = set(device.heard)
    device.heard.clear()
    with pytest.warns(FutureWarning, match="SCPI"):
        foreign = ThorlabsPM100USB(
            MemoryAdapter(device, device.clock, write_termination="\n", read_termination="\n")
        )
    foreign.wavelength = 785
    assert foreign.power == 1.234e-3
    assert set(device.heard) - {b"SYST:SENSOR:IDN?"} <= ours


def test_the_other_commands_are_those_of_thorlabspm100(device: Meter, meter: PM100D) -> None:
    written: list[str] = []

    class Recorder:
        def write(self, command: str) -> None:
            written.append(command)

        def query(self, command: str) -> str:
            written.append(command)
            return "0"

    foreign = ThorlabsPM100(inst=Recorder())
    foreign.sense.average.count = 10
    foreign.sense.power.dc.range.auto = 1
    foreign.sense.power.dc.unit = "W"
    foreign.sense.correction.wavelength = 532
    foreign.sense.correction.loss.input.magnitude = 3
    foreign.sense.correction.collect.zero.initiate()
    _ = foreign.sense.correction.collect.zero.state
    _ = foreign.sense.correction.collect.zero.magnitude
    meter.averages = 10
    meter.auto_range = True
    meter.wavelength = 532
    meter.attenuation = 3
    meter.zero(beam_blocked=True)
    ours = {short(line.decode()) for line in device.heard}
    assert {short(command) for command in written} <= ours


def short(command: str) -> str:
    """Return an SCPI command in its short form, without the nodes that may be left out."""
    header, blank, argument = command.strip().upper().partition(" ")
    nodes = [
        re.sub(r"^([A-Z]{3}[^AEIOU?]|[A-Z]{3}).*?(\??)$", r"\1\2", n) for n in header.split(":")
    ]
    return ":".join(n for n in nodes if n not in ("DC", "INP", "MAGN", "MAGN?")) + blank + argument


# Other settings


def test_averages_are_bounded_by_the_time_out(device: Meter, meter: PM100D) -> None:
    meter.averages = 466
    assert (device.state[b"SENS:AVER:COUN"], meter.averages) == (b"466", 466)
    device.heard.clear()
    for bad in (0, 467, 2.5, True):
        with pytest.raises(LimitError, match=r"from 1 to 466.*timeout"):
            meter.averages = bad  # type: ignore[assignment]
    assert device.heard == []
    patient = connect(device, timeout=60.0)
    patient.averages = 10_000
    with pytest.raises(LimitError):
        patient.averages = 10_001


def test_range_and_attenuation(device: Meter, meter: PM100D) -> None:
    meter.auto_range = True
    assert device.state[b"SENS:POW:RANG:AUTO"] == b"1"
    meter.power_range = 0.015
    assert device.state[b"SENS:POW:RANG:AUTO"] == b"0"
    assert float(device.state[b"SENS:POW:RANG:UPP"]) == meter.power_range == 0.015
    meter.attenuation = -3.5
    assert meter.attenuation == -3.5
    device.heard.clear()
    for name, value in (("power_range", 0.0), ("power_range", math.inf), ("attenuation", 61.0)):
        with pytest.raises(LimitError, match=name):
            setattr(meter, name, value)
    assert device.heard == []
    device.deaf = True
    with pytest.raises(InstrumentRefused, match=r"is 0\.015 W, below 1 W"):
        meter.power_range = 1.0


def test_zeroing_needs_a_blocked_beam_and_waits(device: Meter, meter: PM100D) -> None:
    with pytest.raises(ConfigurationError, match="block the beam"):
        meter.zero(beam_blocked=False)
    assert device.heard == []
    begun = device.clock.now()
    assert meter.zero(beam_blocked=True) == -1.5e-9
    assert 2.0 <= device.clock.now() - begun < 2.5


def test_zeroing_that_does_not_end_is_aborted(device: Meter, meter: PM100D) -> None:
    device.zero_seconds = math.inf
    with pytest.raises(InstrumentTimeout, match="longer than 60 s; aborted"):
        meter.zero(beam_blocked=True)
    assert device.heard[-2:] == [b"SENS:CORR:COLL:ZERO:ABOR", b"SYST:ERR?"]
    device.silent = True
    with pytest.raises(InstrumentTimeout):
        meter.zero(beam_blocked=True)
    device.silent = False
    device.heard.clear()
    meter.shutdown()
    assert orders(device) == [b"SENS:CORR:COLL:ZERO:ABOR"]


def test_settings_tell_how_a_reading_is_made(device: Meter, meter: PM100D) -> None:
    assert meter.settings() == {
        "sensor": "S121C",
        "sensor_serial": "12345678",
        "sensor_calibration": "01-JAN-2026",
        "wavelength_nm": 635.0,
        "wavelength_set_by_program": False,
        "unit": "DBM",
        "averages": 1,
        "auto_range": True,
        "power_range_W": 0.02,
        "attenuation_dB": 0.0,
        "zero_offset": -1.5e-9,
    }
    assert orders(device) == []


def test_shutdown_releases_the_port_once_and_sends_nothing(device: Meter, meter: PM100D) -> None:
    meter.shutdown()
    meter.shutdown()
    assert device.heard == []
    with pytest.raises(InstrumentError):
        _ = meter.averages


# Broken answers


def test_errors_in_the_queue_are_told_once_and_emptied(device: Meter, meter: PM100D) -> None:
    device.errors.extend([b'-113,"Undefined header"', b'-350,"Queue overflow"'])
    with pytest.raises(InstrumentRefused, match=r"-113.*-350"):
        meter.check_errors()
    assert meter.check_errors() == []


def test_a_question_the_meter_does_not_know_is_explained(device: Meter, meter: PM100D) -> None:
    with pytest.raises(InstrumentRefused, match="'NONE\\?' was refused: -113"):
        meter.ask("NONE?")


@pytest.mark.parametrize("spoilt", [None, b"", b"\xff\xfe", b"1,2", b"1.0E-3 W", b"nan"])
def test_a_broken_answer_is_asked_for_once_more(
    device: Meter, meter: PM100D, spoilt: bytes | None, caplog: pytest.LogCaptureFixture
) -> None:
    device.instead.append(spoilt)
    with caplog.at_level(logging.WARNING):
        assert meter.wavelength == 635.0
    assert [m for m in caplog.messages if "once more" in m]


def test_an_answer_later_than_the_time_out_never_passes_for_another(
    device: Meter, meter: PM100D
) -> None:
    meter.wavelength = 532
    device.delay = 2.3
    with pytest.raises(InstrumentTimeout):
        _ = meter.attenuation
    device.delay = 0.001
    assert meter.power == 1.234e-3
    assert meter.wavelength == 532.0


@settings(max_examples=30, deadline=None)
@given(answers=st.lists(st.binary(max_size=40), min_size=1, max_size=6))
def test_no_answer_whatever_raises_anything_but_our_errors(answers: list[bytes]) -> None:
    device = Meter(VirtualClock())
    meter = connect(device, wavelength=532.0)
    device.instead.extend(answers)
    for request in (lambda: meter.power, meter.settings, lambda: meter.zero(beam_blocked=True)):
        begun = device.clock.now()
        with suppress(LabcoolError):
            request()
        assert device.clock.now() - begun < 300


@settings(max_examples=30, deadline=None)
@given(answers=st.lists(st.binary(max_size=40), min_size=1, max_size=6))
def test_no_answer_on_connecting_raises_anything_but_our_errors(answers: list[bytes]) -> None:
    device = Meter(VirtualClock())
    device.instead.extend(answers)
    with suppress(LabcoolError):
        connect(device)


@pytest.mark.parametrize("condition", [b"1", b"2", b"8", b"+264"])
def test_a_power_that_the_meter_itself_doubts_is_none(device: Meter, condition: bytes) -> None:
    meter = connect(device, wavelength=532.0)
    device.condition = condition
    with pytest.raises(InstrumentRefused, match="out of the present range"):
        _ = meter.power
    device.condition = b"256"
    assert meter.power == 1.234e-3
    assert meter.doubts == ()


@pytest.mark.parametrize(
    ("attribute", "header", "answer"),
    [
        ("wavelength", b"SENS:CORR:WAV", b"1e-999"),
        ("power_range", b"SENS:POW:RANG:UPP", b"-2.0E-02"),
        ("power_range", b"SENS:POW:RANG:UPP", b"0"),
        ("attenuation", b"SENS:CORR:LOSS", b"61"),
        ("averages", b"SENS:AVER:COUN", b"0"),
    ],
)
def test_what_no_meter_holds_is_garbled(
    device: Meter, meter: PM100D, attribute: str, header: bytes, answer: bytes
) -> None:
    device.state[header] = answer
    with pytest.raises(GarbledAnswer):
        getattr(meter, attribute)


@pytest.mark.parametrize("watts", [b"5.0E+30", b"-1.0E+05"])
def test_a_power_that_no_sensor_stands_is_garbled(
    device: Meter, meter: PM100D, watts: bytes
) -> None:
    meter.wavelength = 532.0
    device.power = watts
    with pytest.raises(GarbledAnswer, match="no sensor measures"):
        _ = meter.power


def test_an_attenuation_that_is_not_taken_is_told(device: Meter, meter: PM100D) -> None:
    device.deaf = True
    with pytest.raises(InstrumentRefused, match="adds 0 dB instead of 3 dB"):
        meter.attenuation = 3.0
