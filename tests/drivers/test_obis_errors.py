"""The errors that an OBIS keeps, on the simulated laser."""

from __future__ import annotations

import pytest

from drivers.obis import Obis
from labcool.clock import VirtualClock
from labcool.errors import InstrumentTimeout
from simulators import obis as simulated
from simulators.faults import Fault, FaultyDevice
from simulators.memory import MemoryLink


class Table:
    def __init__(self) -> None:
        self.clock = VirtualClock()
        self.device = simulated.Obis(self.clock, power_changed=lambda *_: None)
        self.host = FaultyDevice(self.device)
        self.laser = Obis(MemoryLink(self.host, self.clock), clock=self.clock, max_power=0.1)

    def mistake(self, command: bytes) -> None:
        self.device.receive(command + b"\r\n")
        self.clock.sleep(0.1)
        self.device.transmit()


@pytest.fixture
def table() -> Table:
    return Table()


def test_a_laser_that_has_no_errors_says_so(table: Table) -> None:
    assert table.laser.errors_waiting == 0
    assert table.laser.take_errors() == ()
    assert table.laser.settings()["errors_waiting"] == "0"


def test_errors_are_taken_in_order_and_are_gone_then(table: Table) -> None:
    table.mistake(b"FOO")
    table.mistake(b"SOUR:POW:LEV:IMM:AMPL")
    assert table.laser.settings()["errors_waiting"] == "2"
    assert table.laser.errors_waiting == 2
    assert table.laser.take_errors() == (
        '-100,"Unrecognized command/query"',
        '-109,"Parameter missing"',
    )
    assert table.laser.errors_waiting == 0


def test_an_error_that_is_lost_on_the_way_is_not_passed_over(table: Table) -> None:
    table.mistake(b"FOO")
    table.host.inject(Fault("dropped", after=1))
    with pytest.raises(InstrumentTimeout, match="OBIS"):
        table.laser.take_errors()
