"""The simulated PM100D besides measuring power: display, beeper, reference, status, frequency."""

from __future__ import annotations

import pytest

from labcool.clock import VirtualClock
from simulators._pm100d_sensor import Sensor
from simulators.pm100d import PM100D


class Table:
    def __init__(self, **options: object) -> None:
        self.clock = VirtualClock()
        self.watts = 1e-3
        self.chopped_hz = 0.0
        settings = {"power": self.power, "wavelength": 532.0, "dark_current": 0.0, "noise": 0.0}
        self.device = PM100D(self.clock, **(settings | options))  # type: ignore[arg-type]

    def power(self, moment: float) -> float:
        if self.chopped_hz and moment * self.chopped_hz % 1.0 < 0.5:
            return 0.0
        return self.watts

    def ask(self, command: str, wait: float = 0.05) -> str:
        self.device.receive(command.encode() + b"\n")
        self.clock.sleep(wait)
        return self.device.transmit().decode().strip()


@pytest.fixture
def table() -> Table:
    return Table()


@pytest.mark.parametrize(
    ("header", "standard", "other", "beyond"),
    [
        ("DISP:BRIG", "1.000000E+00", "0.5", "1.5"),
        ("DISPLAY:CONTRAST", "5.000000E-01", "0.2", "-1"),
        ("SENS:CORR:BEAM", "9.500000E+00", "2.5", "0"),
        ("SENS:POW:REF", "0.000000E+00", "0.001", "1000"),
        ("POWER:REFERENCE:STATE", "0", "1", "2"),
        ("SYST:BEEP:STAT", "0", "1", "X"),
        ("STAT:OPER:ENAB", "0", "17", "40000"),
        ("STAT:QUES:PTR", "32767", "8", "-1"),
    ],
)
def test_what_is_set_is_told(
    table: Table, header: str, standard: str, other: str, beyond: str
) -> None:
    assert table.ask(f"{header}?") == standard
    assert table.ask(f"{header} {other}") == ""
    assert float(table.ask(f"{header}?")) == float(other)
    assert table.ask(f"{header} {beyond}") == ""
    assert table.ask("SYST:ERR?").startswith("-22")
    assert float(table.ask(f"{header}?")) == float(other)


def test_it_beeps_when_it_is_told(table: Table) -> None:
    table.ask("SYST:BEEP")
    table.ask("SYSTEM:BEEPER:IMMEDIATE")
    assert table.device.panel.beeps == 2
    assert table.ask("SYST:ERR?") == '+0,"No error"'


def test_events_stay_until_they_are_read_and_conditions_do_not(table: Table) -> None:
    table.watts = 1e3
    assert float(table.ask("MEAS:POW?")) > 9e37
    assert table.ask("STAT:QUES:COND?") == "8"
    table.watts = 1e-3
    table.ask("MEAS:POW?")
    assert table.ask("STAT:QUES:COND?") == "0"
    assert table.ask("STAT:QUES?") == "8"
    assert table.ask("STAT:QUES:EVEN?") == "0"


def test_zeroing_and_measuring_are_operations(table: Table) -> None:
    table.ask("SENS:CORR:COLL:ZERO:INIT")
    assert table.ask("STAT:OPER:COND?") == "1"
    table.clock.sleep(2.0)
    assert table.ask("STAT:OPER:COND?") == "0"
    table.ask("MEAS:POW?")
    assert table.ask("STAT:OPER?") == "17"


def test_filters_choose_what_becomes_an_event(table: Table) -> None:
    table.ask("STAT:QUES:PTR 0;NTR 8")
    table.watts = 1e3
    table.ask("MEAS:POW?")
    assert table.ask("STAT:QUES?") == "0"
    table.watts = 1e-3
    table.ask("MEAS:POW?")
    assert table.ask("STAT:QUES?") == "8"
    table.ask("STAT:PRES")
    assert table.ask("STAT:QUES:NTR?") == "0"


@pytest.mark.parametrize("hertz", [0.0, 17.0, 317.0])
def test_a_chopped_beam_has_a_frequency(table: Table, hertz: float) -> None:
    table.chopped_hz = hertz
    assert float(table.ask("MEAS:FREQ?", wait=1.1)) == pytest.approx(hertz, abs=1.0)


def test_a_sensor_with_a_thermometer_tells_its_temperature(table: Table) -> None:
    assert float(table.ask("MEAS:TEMP?")) == pytest.approx(24.3)
    without = Table(sensor=Sensor(flags=33))
    assert without.ask("MEAS:TEMP?") == ""
    assert without.ask("SYST:ERR?").startswith("-241")
