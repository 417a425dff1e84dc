"""What drivers tell ``labcool doctor``: advice by kind of failure, and what a person should see."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from fault_rig import rig_of
from fault_subjects import SUBJECTS

from labcool.bench.failure_kinds import IN_WORDS, FailureKind, kind_of
from labcool.bench.port_advice import PortKind, port_advice, port_kind
from labcool.errors import (
    ConfigurationError,
    GarbledAnswer,
    InstrumentDisconnected,
    InstrumentRefused,
    InstrumentTimeout,
    LimitError,
    PortInUse,
    ShutterNotClosed,
    WrongInstrument,
)

READ_THROUGH_ANOTHER = ("Photodiode",)


@pytest.mark.parametrize("name", [name for name in SUBJECTS if name not in READ_THROUGH_ANOTHER])
def test_every_driver_has_advice_in_whole_sentences(name: str) -> None:
    advice = SUBJECTS[name].case.driver.bench_advice  # type: ignore[attr-defined]
    assert set(advice) <= {kind.value for kind in FailureKind}
    assert advice
    for sentences in advice.values():
        assert isinstance(sentences, tuple)
        for sentence in sentences:
            assert sentence[-1] in '.?)"', sentence
            assert "\n" not in sentence


@pytest.mark.parametrize("name", SUBJECTS)
def test_asking_what_to_see_to_changes_nothing(name: str) -> None:
    rig = rig_of(SUBJECTS[name])
    instrument = rig.connect()
    before = rig.case.state(rig.device)
    told = getattr(instrument, "attention", tuple)()
    assert rig.case.state(rig.device) == before
    assert all(sentence.endswith(".") for sentence in told)


WANT_SOMETHING: list[tuple[str, Callable[[Any], object], str]] = [
    ("SC10", lambda device: setattr(device, "interlock_tripped", True), "interlock is open"),
    ("SC10", lambda device: device.receive(b"mode=4\r"), "mode is 'repeat'"),
    ("KSC101", lambda device: setattr(device, "key_switch_on", False), "key switch is locked"),
    ("K10CR1", lambda device: device.power_cycle(), "Not homed since power-on"),
    ("ELL14", lambda device: device.receive(b"0ma7FFFFFFF"), "It reports: "),
    ("Obis", lambda device: setattr(device, "interlock_open", True), "interlock is open"),
    ("Cobolt06", lambda device: setattr(device, "interlock_open", True), "interlock is open"),
    ("LinkamT95", lambda device: setattr(device, "sensor_open", True), "sensor is open"),
    ("LakeShore331", lambda device: setattr(device, "sensor_open", {"A"}), "no temperature"),
    ("LakeShore336", lambda device: setattr(device, "sensor_open", {"A"}), "no temperature"),
    ("SR830 on GPIB", lambda device: setattr(device, "overloaded", True), "overloaded"),
    ("SR830 on RS-232", lambda device: device.receive(b"FMOD0\r"), "not locked"),
]


@pytest.mark.parametrize(("name", "happens", "words"), WANT_SOMETHING)
def test_a_person_is_told(name: str, happens: Callable[[Any], object], words: str) -> None:
    rig = rig_of(SUBJECTS[name])
    instrument = rig.connect()
    assert not [sentence for sentence in instrument.attention() if words in sentence]
    happens(rig.device)
    rig.clock.sleep(2.0)
    instrument.drain()
    assert [sentence for sentence in instrument.attention() if words in sentence]


@pytest.mark.parametrize(
    ("resource", "kind"),
    [
        ("ASRL/dev/ttyUSB0::INSTR", "serial"),
        ("asrl3::INSTR", "serial"),
        ("COM3", "serial"),
        ("/dev/ttyUSB0", "serial"),
        ("GPIB0::8::INSTR", "GPIB"),
        ("USB0::0x1313::0x8078::P0000001::INSTR", "USB"),
        ("TCPIP0::192.168.1.20::7777::SOCKET", "network"),
        (None, "library"),
    ],
)
def test_kinds_of_ports(resource: str | None, kind: PortKind) -> None:
    assert port_kind(resource) == kind
    assert port_advice(resource, FailureKind.SILENT)
    assert port_advice(resource, FailureKind.LOST)


def caused(error: Exception, cause: Exception) -> Any:
    error.__cause__ = cause
    return error


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (InstrumentTimeout("it", "no answer."), FailureKind.SILENT),
        (GarbledAnswer("it", "'?' was answered."), FailureKind.GARBLED),
        (WrongInstrument("it", "something else."), FailureKind.WRONG),
        (caused(WrongInstrument("it", "no T95."), GarbledAnswer("it", "?")), FailureKind.GARBLED),
        (PortInUse("it", "in use."), FailureKind.IN_USE),
        (InstrumentDisconnected("it", "gone."), FailureKind.LOST),
        (InstrumentRefused("it", "no."), FailureKind.REFUSED),
        (ShutterNotClosed("it", "stays open."), FailureKind.REFUSED),
        (LimitError("baud rate", 1, "9600"), FailureKind.SETUP),
        (caused(ConfigurationError("needs it"), ImportError("no")), FailureKind.MISSING),
    ],
)
def test_kinds_of_failures(error: Any, kind: FailureKind) -> None:
    assert kind_of(error) is kind


def test_every_kind_has_words() -> None:
    assert set(IN_WORDS) == set(FailureKind)
