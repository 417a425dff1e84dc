from __future__ import annotations

import logging
from typing import Any

import pytest
import serial
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers._digital_line import port_name
from drivers.ttl_shutter import TTLShutter
from labcool.clock import VirtualClock
from labcool.errors import (
    ConfigurationError,
    InstrumentDisconnected,
    InstrumentError,
    InstrumentRefused,
    LimitError,
    ShutterNotClosed,
)


class Line:
    """A digital line with a normally closed shutter and its sensor (high: closed)."""

    def __init__(self, clock: VirtualClock, *, opens_on: bool = True) -> None:
        self.clock = clock
        self.opens_on = opens_on
        self.high = not opens_on
        self.changed_at = -1.0
        self.move_time = 0.03
        self.driven: list[bool] = []
        self.stuck: bool | None = None
        self.broken = False
        self.cable_cut = False
        self.latched: bool | None = None
        self.released = 0

    @property
    def is_open(self) -> bool:
        if self.stuck is not None:
            return self.stuck
        arrived = self.clock.now() - self.changed_at >= self.move_time
        return (self.high == self.opens_on) == arrived

    def drive(self, high: bool) -> None:
        if self.broken:
            raise OSError("device gone")
        self.driven.append(high)
        if high != self.high and self.latched is None:
            self.high, self.changed_at = high, self.clock.now()

    def is_high(self) -> bool:
        return self.high

    def sensor_is_high(self) -> bool:
        if self.broken:
            raise OSError("device gone")
        return not self.is_open and not self.cable_cut

    def release(self) -> None:
        self.released += 1


class FakePort:
    """What pyserial's Serial does with its lines, and in which order it was asked."""

    def __init__(self) -> None:
        self.events: list[tuple[str, Any]] = []
        self.is_open = False
        self.fails: Exception | None = None
        self._levels = {"dtr": True, "rts": True}
        self.cts = self.dsr = self.cd = False

    def _set(self, name: str, value: bool) -> None:
        self._levels[name] = value
        self.events.append((name, value))

    dtr = property(lambda self: self._levels["dtr"], lambda self, value: self._set("dtr", value))
    rts = property(lambda self: self._levels["rts"], lambda self, value: self._set("rts", value))

    def open(self) -> None:
        if self.fails is not None:
            raise self.fails
        self.is_open = True
        self.events.append(("open", dict(self._levels)))

    def close(self) -> None:
        self.is_open = False
        self.events.append(("close", dict(self._levels)))


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock()


@pytest.fixture
def line(clock: VirtualClock) -> Line:
    return Line(clock)


@pytest.fixture
def port(monkeypatch: pytest.MonkeyPatch) -> FakePort:
    fake = FakePort()

    def serial_for_url(url: str, do_not_open: bool = False) -> FakePort:
        assert do_not_open
        fake.events.append(("url", url))
        return fake

    monkeypatch.setattr(serial, "serial_for_url", serial_for_url)
    return fake


def test_connecting_drives_the_line_to_closed(clock: VirtualClock, line: Line) -> None:
    line.high = True
    shutter = TTLShutter(line, clock=clock)
    assert line.driven == [False]
    clock.sleep(0.1)
    assert shutter.is_closed is True


def test_open_and_close_wait_for_the_sensor(clock: VirtualClock, line: Line) -> None:
    shutter = TTLShutter(line, clock=clock)
    shutter.open()
    assert line.is_open
    assert 0.03 <= clock.now() < 0.05
    assert shutter.is_closed is False
    shutter.close()
    assert not line.is_open
    assert 0.06 <= clock.now() < 0.1


def test_a_line_that_opens_when_low(clock: VirtualClock) -> None:
    line = Line(clock, opens_on=False)
    shutter = TTLShutter(line, clock=clock, active_high=False)
    assert line.driven == [True]
    shutter.open()
    assert line.is_open
    shutter.shutdown()
    assert line.driven[-1] is True
    assert not line.is_open


def test_a_shutter_that_does_not_open_is_refused_and_closed_again(
    clock: VirtualClock, line: Line
) -> None:
    shutter = TTLShutter(line, clock=clock)
    line.stuck = False
    with pytest.raises(InstrumentRefused, match=r"TTL shutter: the sensor does not report it open"):
        shutter.open()
    assert line.driven[-1] is False


def test_a_stuck_shutter_raises_after_one_logged_retry(
    clock: VirtualClock, line: Line, caplog: pytest.LogCaptureFixture
) -> None:
    shutter = TTLShutter(line, clock=clock, move_timeout=0.3)
    shutter.open()
    line.stuck = True
    before = clock.now()
    with (
        caplog.at_level(logging.WARNING),
        pytest.raises(ShutterNotClosed, match="Block it by hand"),
    ):
        shutter.close()
    assert clock.now() - before >= 0.6
    assert len([m for m in caplog.messages if "Trying once more to close" in m]) == 1


def test_an_unplugged_sensor_reads_as_not_closed(clock: VirtualClock, line: Line) -> None:
    shutter = TTLShutter(line, clock=clock)
    line.cable_cut = True
    assert shutter.is_closed is False
    with pytest.raises(ShutterNotClosed):
        shutter.make_safe()


def test_a_line_that_keeps_its_level_is_not_closed(clock: VirtualClock, line: Line) -> None:
    shutter = TTLShutter(line, clock=clock, sensor=None, accept_unverified=True)
    shutter.open()
    line.latched = True
    with pytest.raises(ShutterNotClosed, match="stays at the level that opens"):
        shutter.close()


def test_a_sensor_that_is_low_when_closed(clock: VirtualClock, line: Line) -> None:
    shutter = TTLShutter(line, clock=clock, sensor_closed_high=False)
    assert shutter.is_closed is False
    line.stuck = True
    assert shutter.is_closed is True


def test_without_a_sensor_the_bench_file_must_take_it_over(clock: VirtualClock, line: Line) -> None:
    with pytest.raises(ConfigurationError, match="accept_unverified: true"):
        TTLShutter(line, clock=clock, sensor=None)
    assert line.driven == []


def test_without_a_sensor_the_commanded_level_is_told_and_called_unverified(
    clock: VirtualClock, line: Line, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.WARNING):
        shutter = TTLShutter(line, clock=clock, sensor=None, accept_unverified=True)
    assert any("unverified: no sensor" in message for message in caplog.messages)
    shutter.open()
    assert clock.now() == pytest.approx(0.2)
    line.stuck = True
    shutter.close()
    assert clock.now() == pytest.approx(0.4)
    assert shutter.is_closed is True
    assert shutter.settings()["verification"] == "unverified: no sensor"
    assert "no sensor" in shutter.identity


def test_settings_name_the_sensor(clock: VirtualClock, line: Line) -> None:
    assert TTLShutter(line, clock=clock, sensor="DSR").settings() == {
        "closed": True,
        "verification": "sensor on DSR",
        "commanded_closed": True,
        "line": "DTR",
        "active_high": True,
        "move_timeout_s": 0.2,
    }


def test_a_broken_line_is_disconnected_and_never_called_closed(
    clock: VirtualClock, line: Line
) -> None:
    shutter = TTLShutter(line, clock=clock)
    line.broken = True
    with pytest.raises(InstrumentDisconnected, match="device gone"):
        _ = shutter.is_closed
    with pytest.raises(ShutterNotClosed, match="device gone"):
        shutter.close()
    with pytest.raises(ShutterNotClosed):
        shutter.shutdown()
    assert line.released == 1


def test_a_line_that_cannot_be_driven_is_released(clock: VirtualClock, line: Line) -> None:
    line.broken = True
    with pytest.raises(InstrumentDisconnected):
        TTLShutter(line, clock=clock)
    assert line.released == 1


def test_a_user_who_breaks_off_opening_finds_it_closed(
    clock: VirtualClock, line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    shutter = TTLShutter(line, clock=clock)

    def interrupted(seconds: float) -> None:
        monkeypatch.undo()
        raise KeyboardInterrupt

    monkeypatch.setattr(clock, "sleep", interrupted)
    with pytest.raises(KeyboardInterrupt):
        shutter.open()
    assert not line.is_open
    assert line.high is False


def test_shutdown_closes_and_releases_once(clock: VirtualClock, line: Line) -> None:
    shutter = TTLShutter(line, clock=clock)
    shutter.open()
    shutter.shutdown()
    shutter.shutdown()
    assert not line.is_open
    assert line.released == 1
    with pytest.raises(InstrumentDisconnected):
        shutter.open()
    assert line.high is False


@pytest.mark.parametrize(("output", "other"), [("DTR", "rts"), ("RTS", "dtr")])
def test_both_lines_are_low_before_the_port_is_opened_and_when_it_is_closed(
    clock: VirtualClock, port: FakePort, output: Any, other: str
) -> None:
    shutter = TTLShutter("COM7", clock=clock, line=output, sensor=None, accept_unverified=True)
    low = {"dtr": False, "rts": False}
    assert port.events[0] == ("url", "COM7")
    assert ("open", low) in port.events
    shutter.open()
    assert getattr(port, output.lower()) is True
    assert getattr(port, other) is False
    shutter.shutdown()
    assert port.events[-1] == ("close", low)
    assert not port.is_open


@pytest.mark.parametrize("sensor", ["CTS", "DSR", "CD"])
def test_the_sensor_is_read_on_its_own_input(
    clock: VirtualClock, port: FakePort, sensor: Any
) -> None:
    shutter = TTLShutter("COM7", clock=clock, sensor=sensor)
    assert shutter.is_closed is False
    setattr(port, sensor.lower(), True)
    assert shutter.is_closed is True


def test_a_port_that_opens_on_low_is_refused_before_it_is_touched(
    clock: VirtualClock, port: FakePort
) -> None:
    with pytest.raises(ConfigurationError, match="active_high: false"):
        TTLShutter("COM7", clock=clock, active_high=False)
    assert port.events == []


@pytest.mark.parametrize(
    "error", [serial.SerialException("busy"), ValueError("bad"), PermissionError("no")]
)
def test_a_port_that_cannot_be_opened_is_disconnected(
    clock: VirtualClock, port: FakePort, error: Exception
) -> None:
    port.fails = error
    with pytest.raises(InstrumentDisconnected, match=r"TTL shutter: cannot open COM7"):
        TTLShutter("COM7", clock=clock)


def test_pyserials_own_loop_port_is_driven_and_read(clock: VirtualClock) -> None:
    shutter = TTLShutter("loop://", clock=clock, line="RTS", sensor="CTS", sensor_closed_high=False)
    assert shutter.is_closed is True
    shutter.open()
    assert shutter.is_closed is False
    shutter.shutdown()
    with pytest.raises(InstrumentDisconnected):
        _ = shutter.is_closed


def test_a_missing_port_is_disconnected(clock: VirtualClock) -> None:
    with pytest.raises(InstrumentDisconnected, match="no-such-port"):
        TTLShutter("/dev/no-such-port", clock=clock)


@pytest.mark.parametrize(
    ("system", "resource", "port"),
    [
        ("Linux", "/dev/ttyUSB0", "/dev/ttyUSB0"),
        ("Linux", "ASRL/dev/ttyUSB0::INSTR", "/dev/ttyUSB0"),
        ("Windows", "ASRL3::INSTR", "COM3"),
        ("Windows", "asrl12", "COM12"),
        ("Windows", "ASRLCOM4::INSTR", "COM4"),
        ("Windows", "COM4", "COM4"),
    ],
)
def test_visa_names_of_serial_ports_are_understood(
    monkeypatch: pytest.MonkeyPatch, system: str, resource: str, port: str
) -> None:
    monkeypatch.setattr("platform.system", lambda: system)
    assert port_name(resource) == port


def test_a_visa_number_names_no_port_elsewhere(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("platform.system", lambda: "Linux")
    with pytest.raises(ConfigurationError, match="ASRL3::INSTR names no serial port"):
        port_name("ASRL3::INSTR")


@pytest.mark.parametrize(
    "keyword",
    [{"line": "dtr"}, {"sensor": "RI"}, {"move_timeout": 0.0}, {"move_timeout": float("nan")}],
)
def test_keywords_out_of_range_are_refused_before_anything_moves(
    clock: VirtualClock, line: Line, keyword: dict[str, Any]
) -> None:
    with pytest.raises(LimitError, match=next(iter(keyword))):
        TTLShutter(line, clock=clock, **keyword)
    assert line.driven == []


@given(st.lists(st.sampled_from(["ok", "lost", "low", "high"]), min_size=1, max_size=30))
@settings(max_examples=60, deadline=None)
def test_whatever_the_line_does_only_labcools_errors_come(behaviour: list[str]) -> None:
    clock = VirtualClock()
    line = Line(clock)
    shutter = TTLShutter(line, clock=clock)
    honest = line.sensor_is_high
    moods = iter(behaviour)

    def sensor() -> bool:
        mood = next(moods, "ok")
        if mood == "lost":
            raise OSError("lost")
        return honest() if mood == "ok" else mood == "high"

    line.sensor_is_high = sensor  # type: ignore[method-assign]
    for use in (shutter.open, lambda: shutter.is_closed, shutter.settings, shutter.make_safe):
        try:
            use()
        except InstrumentError as error:
            if error.instrument != "TTL shutter":
                raise
    list(moods)
    shutter.make_safe()
    assert not line.is_open
