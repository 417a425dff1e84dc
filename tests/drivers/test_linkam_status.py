"""The status of a T95 against the manual's worked bytes."""

from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st
from scripted_linkam import HOLDING_MINUS_100_C_PUMP_5, STOPPED_25_C

from drivers._linkam_status import LinkamState, decode_status, decode_temperature, tenths
from labcool.errors import GarbledAnswer
from labcool.units import kelvin


@pytest.mark.parametrize(
    ("digits", "celsius"),
    [
        (b"00FA", 25.0),
        (b"FC18", -100.0),
        (b"fc18", -100.0),
        (b"FFFF", -0.1),
        (b"1770", 600.0),
        (b"3A98", 1500.0),
        (b"F858", -196.0),
        (b"0000", 0.0),
    ],
)
def test_temperatures_of_the_manual(digits: bytes, celsius: float) -> None:
    assert decode_temperature(digits) == pytest.approx(kelvin(celsius), abs=1e-9)


@given(st.integers(-1960, 15000), st.booleans())
def test_every_temperature_survives_the_wire(value: int, upper: bool) -> None:
    digits = f"{value & 0xFFFF:04{'X' if upper else 'x'}}".encode()
    assert tenths(decode_temperature(digits)) == value


@given(st.floats(kelvin(-196), kelvin(1500)))
def test_rounding_to_the_wire_moves_a_set_point_by_at_most_half_a_tenth(temperature: float) -> None:
    assert abs(kelvin(tenths(temperature) / 10) - temperature) <= 0.05 + 1e-9


def test_worked_status_bytes() -> None:
    stopped = decode_status(STOPPED_25_C, "stage")
    assert stopped.state is LinkamState.STOPPED
    assert (stopped.errors, stopped.pump_speed) == (0, 0)
    assert stopped.temperature == pytest.approx(298.15)
    holding = decode_status(HOLDING_MINUS_100_C_PUMP_5, "stage")
    assert holding.state is LinkamState.HOLDING_AT_LIMIT
    assert holding.pump_speed == 5
    assert holding.temperature == pytest.approx(173.15)


@pytest.mark.parametrize(
    ("byte", "state"),
    [
        (0x10, LinkamState.HEATING),
        (0x11, LinkamState.HEATING),
        (0x21, LinkamState.COOLING),
        (0x31, LinkamState.HOLDING_AT_LIMIT),
        (0x40, LinkamState.HOLDING_LIMIT_TIME),
        (0x50, LinkamState.HOLDING_CURRENT),
    ],
)
def test_low_half_of_the_state_byte_means_nothing(byte: int, state: LinkamState) -> None:
    assert decode_status(bytes([byte]) + STOPPED_25_C[1:], "stage").state is state


@pytest.mark.parametrize("errors", [0x00, 0x80])
def test_uppermost_error_bit_is_no_error(errors: int) -> None:
    answer = STOPPED_25_C[:1] + bytes([errors]) + STOPPED_25_C[2:]
    assert decode_status(answer, "stage").errors == 0


@pytest.mark.parametrize(
    "answer",
    [
        b"\r" + STOPPED_25_C[:-1],
        STOPPED_25_C[:-1],
        STOPPED_25_C[:6] + b"00G0\r",
        STOPPED_25_C[:6] + b"00 A\r",
        STOPPED_25_C[:6] + b"\xff\xff\xff\xff\r",
        b"\x70" + STOPPED_25_C[1:],
    ],
)
def test_what_is_no_status(answer: bytes) -> None:
    with pytest.raises(GarbledAnswer):
        decode_status(answer, "stage")


@pytest.mark.parametrize("digits", [b"7FFF", b"8000", b"3A99", b"F857"])
def test_temperatures_that_no_stage_can_have(digits: bytes) -> None:
    with pytest.raises(GarbledAnswer, match="no temperature"):
        decode_status(STOPPED_25_C[:6] + digits + b"\r", "stage")


@pytest.mark.parametrize("digits", [b"7FFF", b"8000", b"00FA", b"----"])
def test_an_open_sensor_has_no_temperature_whatever_the_digits(digits: bytes) -> None:
    status = decode_status(b"\x01\x82" + STOPPED_25_C[2:6] + digits + b"\r", "stage")
    assert status.sensor_open
    assert math.isnan(status.temperature)


def test_beside_another_fault_senseless_digits_are_no_temperature() -> None:
    status = decode_status(b"\x01\x84" + STOPPED_25_C[2:6] + b"7FFF\r", "stage")
    assert not status.sensor_open
    assert math.isnan(status.temperature)
    sensible = decode_status(b"\x01\x84" + STOPPED_25_C[2:], "stage")
    assert sensible.temperature == pytest.approx(298.15)


@pytest.mark.parametrize(("byte", "speed"), [(0x80, 0), (0x9E, 30), (0x1E, 30)])
def test_speeds_of_the_pump(byte: int, speed: int) -> None:
    answer = STOPPED_25_C[:2] + bytes([byte]) + STOPPED_25_C[3:]
    assert decode_status(answer, "stage").pump_speed == speed


@pytest.mark.parametrize("byte", [0x9F, 0x1F, 0xFF])
def test_no_pump_is_faster_than_30(byte: int) -> None:
    with pytest.raises(GarbledAnswer, match="pump speed"):
        decode_status(STOPPED_25_C[:2] + bytes([byte]) + STOPPED_25_C[3:], "stage")


@pytest.mark.parametrize("digits", [b"  FA", b"FA  ", b"00 A", b"\t0F\n", b"+0FA", b"0_FA"])
def test_blanks_are_no_digits(digits: bytes) -> None:
    with pytest.raises(ValueError, match="four hexadecimal digits"):
        decode_temperature(digits)
    with pytest.raises(GarbledAnswer):
        decode_status(STOPPED_25_C[:6] + digits + b"\r", "stage")
