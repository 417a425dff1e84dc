"""Laser Quantum (Novanta) Finesse 532 nm pump laser on its fpu60 supply (RS-232, 19200 8N1).

Commands end with CR, answers with CRLF, and every command is answered, setters with an empty line.
The command set is that of PyMeasure's ``pymeasure.instruments.novanta.Fpu60``, whose properties are
used here; what it would let through (unexpected text, negative powers) raises an error instead.

After an exchange that never ended, the serial number is asked and everything before it discarded,
so that a late answer is never taken for a newer one.
A question whose answer is broken or missing is asked once more (logged); setters are not repeated,
except that closing the shutter is tried twice.

Checked against PyMeasure's class and the answers that public drivers expect. UNVERIFIED on
hardware: the exact text after ``SHUTTER?`` (public drivers disagree: ``SHUTTER OPEN``, ``OPEN``,
``OPENED``; anything that contains either OPEN or CLOS is accepted), the number of decimals of a
power, the time the shutter takes, what ``INTERLOCK?`` ENABLED says of the interlock's state (it is
recorded, not acted upon), and whether ``SHUTTER?`` reads a sensor or a command. Starting emission
can need a button on the supply; nothing here starts it.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable, Mapping
from typing import Annotated, Final

from annotated_types import Interval
from pymeasure.instruments.novanta import Fpu60

from drivers import _bench_advice
from drivers._wire import (
    Resource,
    WiredInstrument,
    connect,
    released_on_failure,
    wire_errors,
)
from labcool.clock import Clock, RealClock
from labcool.errors import (
    GarbledAnswer,
    InstrumentError,
    InstrumentRefused,
    ShutterNotClosed,
    WrongInstrument,
)
from labcool.numbers import within

log = logging.getLogger(__name__)

POLL_S: Final = 0.02
POWER_STEP_W: Final = 0.001
STALE_ANSWERS: Final = 16
LINE_END: Final = b"\r\n"
ANSWERS: Final = {
    "POWER?": r"\d{1,2}\.\d{1,6}W",
    "SETPOWER?": r"\d{1,2}\.\d{1,6}W",
    "CURRENT?": r"\d{1,3}\.\d{1,6}%",
    "HTEMP?": r"-?\d{1,3}\.\d{1,6}C",
    "PSUTEMP?": r"-?\d{1,3}\.\d{1,6}C",
    "STATUS?": "ENABLED|DISABLED",
    "INTERLOCK?": "ENABLED|DISABLED",
    "SHUTTER?": "(?!.*OPEN.*CLOS|.*CLOS.*OPEN).*(OPEN|CLOS).*",
}
"""What each question may be answered by, as regular expressions; any other question: some text."""


class Finesse(WiredInstrument, Fpu60):
    """A Finesse 532 nm continuous-wave laser. Safe state: its own shutter closed.

    Connecting changes nothing.

    :param resource: VISA resource string, PyMeasure adapter, or simulated link.
    :param clock: runs the waiting; default: the wall's time.
    :param visa_library: PyVISA backend, e.g. ``"@py"``.
    :param wavelength: emission wavelength in vacuum, nm.
    :param max_power: highest set point this bench allows, W.
    :param confirm_timeout: longest time the shutter or a set point may take to be confirmed, s.
    :raises WrongInstrument: if the answer to ``STATUS?`` is not that of an fpu60.
    """

    bench_advice = _bench_advice.FINESSE

    def __init__(
        self,
        resource: Resource,
        name: str = "Finesse",
        *,
        clock: Clock | None = None,
        visa_library: str = "",
        wavelength: Annotated[float, Interval(ge=200.0, le=2000.0)] = 532.0,
        max_power: Annotated[float, Interval(ge=0.001, le=20.0)] = 1.0,
        confirm_timeout: Annotated[float, Interval(ge=0.02, le=30.0)] = 2.0,
    ) -> None:
        self._wavelength = within(f"{name} wavelength (nm)", wavelength, 200.0, 2000.0)
        self._max_power = within(f"{name} max_power (W)", max_power, 0.001, 20.0)
        self._timeout = within(f"{name} confirm_timeout (s)", confirm_timeout, 0.02, 30.0)
        self._clock = clock or RealClock()
        adapter = connect(
            resource,
            name,
            visa_library=visa_library,
            write_termination="\r",
            read_termination=LINE_END.decode(),
            timeout=1000,
            asrl={"baud_rate": 19200},
        )
        self._serial = ""
        with released_on_failure(adapter):
            super().__init__(adapter, name)
            self._identity = self._identify()

    @property
    def identity(self) -> str:
        """Get maker, supply, serial number and software version as read on connecting (str)."""
        return self._identity

    @property
    def wavelength(self) -> float:
        """Get the emission wavelength in vacuum, nm."""
        return self._wavelength

    @property
    def max_power(self) -> float:
        """Get the highest set point allowed on this bench, W."""
        return self._max_power

    @property
    def power(self) -> float:
        """Measure the output power, W."""
        return float(Fpu60.power.fget(self))

    @property
    def power_setpoint(self) -> float:
        """Control the output power asked for, W, from 0 to ``max_power`` in steps of 1 mW.

        :raises LimitError: outside this range; nothing is sent.
        :raises InstrumentRefused: if ``SETPOWER?`` does not confirm it.
        """
        return float(Fpu60.power_setpoint.fget(self))

    @power_setpoint.setter
    def power_setpoint(self, watts: float) -> None:
        watts = within(
            f"{self.name} power_setpoint (W)",
            watts,
            0.0,
            self._max_power,
            "The upper limit is max_power in the bench file.",
        )
        Fpu60.power_setpoint.fset(self, abs(watts))
        if not self._comes_true(
            lambda: abs(self.power_setpoint - round(watts, 3)) < POWER_STEP_W / 2
        ):
            raise InstrumentRefused(
                self.name,
                f"the set point is {self.power_setpoint:.3f} W although {watts:.3f} W was set.",
            )

    @property
    def serial_number(self) -> str:
        """Get the supply's serial number (str); PyMeasure's would be cut at a comma."""
        return self.ask("SERIAL?")

    @property
    def software_version(self) -> str:
        """Get the version of the supply's software (str)."""
        return self.ask("SOFTVER?")

    @property
    def emission(self) -> bool:
        """Get whether the laser emits, behind its own shutter (bool)."""
        return bool(self.emission_enabled)

    @property
    def shutter_open(self) -> bool:
        """Get whether ``SHUTTER?`` reports the laser's own shutter open (bool)."""
        return "OPEN" in self.ask("SHUTTER?")

    def settings(self) -> Mapping[str, float | int | str | bool]:
        """Return what the supply reports: powers, states, diode current and temperatures."""
        return {
            "power_W": self.power,
            "power_setpoint_W": self.power_setpoint,
            "wavelength_nm": self.wavelength,
            "emission": self.emission,
            "shutter_open": self.shutter_open,
            "interlock_enabled": bool(self.interlock_enabled),
            "diode_current_percent": float(self.current),
            "head_temperature_C": float(self.head_temperature),
            "supply_temperature_C": float(self.psu_temperature),
        }

    def open_output(self) -> None:
        """Open the laser's own shutter; return once ``SHUTTER?`` confirms it.

        On any failure the shutter is closed again before the error goes on.

        :raises InstrumentRefused: if the supply refuses, or does not confirm it.
        :raises ShutterNotClosed: if, after a failure, closing cannot be confirmed.
        """
        try:
            self._move_shutter(opened=True)
        except InstrumentError:
            self.close_output()
            raise

    def close_output(self) -> None:
        """Close the laser's own shutter; return once ``SHUTTER?`` confirms it.

        :raises ShutterNotClosed: if that is not confirmed after one more (logged) attempt.
        """
        try:
            self._move_shutter(opened=False)
        except InstrumentError as error:
            log.warning("%s Trying once more to close.", error)
            self._close_again()

    def make_safe(self) -> None:
        """Close the laser's own shutter and verify it, as :meth:`close_output`."""
        self.close_output()

    def attention(self) -> tuple[str, ...]:
        """Return what a person should see to, as sentences; only reads."""
        if self.emission:
            return ()
        return ("It does not emit: start it at the supply (key and button).",)

    def shutdown(self) -> None:
        """Close the shutter and release the port, also if closing fails; the first time only."""
        self.end_use(self.make_safe)

    def get_operation_times(self) -> dict[str, int]:
        """Return the minutes of operation of the supply, the laser, and the laser above 1 A."""
        self.write("TIMERS?")
        lines = [self.read() for _ in range(4)]
        minutes = re.fullmatch(r"\D*(\d+)\D*\n\D*(\d+)\D*\n\D*(\d+)\D*\n\s*", "\n".join(lines))
        if minutes is None:
            raise GarbledAnswer(self.name, f"'TIMERS?' was answered by {lines!r}.")
        self.end_exchange()
        psu, laser, above_1_ampere = map(int, minutes.groups())
        return {"psu": psu, "laser": laser, "laser_above_1A": above_1_ampere}

    def write(self, command: str, **kwargs: object) -> None:
        """Write a command, after discarding what an unfinished exchange left on the line."""
        if self._unfinished and self._serial:
            self._find_step()
        self.start_exchange()
        super().write(command, **kwargs)

    def read(self, **_: object) -> str:
        """Read a line of at most 256 bytes and return it without its end.

        A text read of PyVISA would go on for as long as bytes without a line end come.
        """
        with wire_errors(self.name):
            return self.read_until(LINE_END).removesuffix(LINE_END).decode("ascii")

    def ask(self, command: str, query_delay: float | None = None) -> str:
        """Send a command and return its answer, without white space around it.

        :raises GarbledAnswer: if a question has another answer than it can have.
        :raises InstrumentRefused: if something else is answered by more than an empty line.
        """
        if command.endswith("?"):
            return self.ask_twice(lambda: self._question(command, query_delay), self._clock)
        self.write(command)
        self.check_set_errors()
        return ""

    def check_set_errors(self) -> list[str]:
        """Read the empty line that follows a setter.

        :raises InstrumentRefused: if it is not empty.
        """
        if complaint := self.read().strip():
            raise InstrumentRefused(self.name, f"a setting was answered by {complaint!r}.")
        self.end_exchange()
        return []

    def _question(self, command: str, query_delay: float | None) -> str:
        answer = str(super().ask(command, query_delay)).strip()
        if not (answer.isprintable() and re.fullmatch(ANSWERS.get(command, ".+"), answer)):
            raise GarbledAnswer(self.name, f"{command!r} was answered by {answer!r}.")
        self.end_exchange()
        return answer

    def _identify(self) -> str:
        try:
            self.ask("STATUS?")
        except GarbledAnswer as error:
            raise WrongInstrument(self.name, f"no fpu60 supply here: {error.problem}") from error
        serial, software = self.serial_number, self.software_version
        self._serial = serial
        return f"Laser Quantum Finesse (fpu60), serial number {serial}, software {software}"

    def _find_step(self) -> None:
        """Throw away all answers that were still to come, up to the supply's serial number.

        An answer does not name its question: a late "closed" from before the shutter moved must
        never pass for a newer one.

        :raises GarbledAnswer, InstrumentTimeout: if the serial number does not come.
        """
        self.drain()
        super().write("SERIAL?")
        for _ in range(STALE_ANSWERS):
            if self.read().strip() == self._serial:
                self.be_in_step()
                return
        raise GarbledAnswer(self.name, "answers questions that were not asked.")

    def _close_again(self) -> None:
        try:
            self.resynchronise(self._clock)
            self._move_shutter(opened=False)
        except InstrumentError as error:
            raise ShutterNotClosed(
                self.name,
                f"the laser's shutter is not confirmed to be closed ({error.problem}) "
                "Block the beam by hand.",
            ) from error

    def _move_shutter(self, *, opened: bool) -> None:
        self.ask("SHUTTER OPEN" if opened else "SHUTTER CLOSE")
        if not self._comes_true(lambda: self.shutter_open == opened):
            wanted = "open" if opened else "closed"
            raise InstrumentRefused(
                self.name, f"the shutter is not reported {wanted} within {self._timeout:g} s."
            )

    def _comes_true(self, condition: Callable[[], bool]) -> bool:
        deadline = self._clock.now() + self._timeout
        while not condition():
            if self._clock.now() >= deadline:
                return False
            self._clock.sleep(POLL_S)
        return True
