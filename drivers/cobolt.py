"""Hübner Photonics Cobolt 06-01 laser (RS-232 or USB, 115200 8N1; older units 19200).

A command ends with CR, its answer with CRLF: a value after a question, ``OK`` after a command, a
text with "error" in it after what is not accepted. Powers are in W.

Safety
    Connecting asks only. :meth:`Cobolt06.start_emission` is the only way to emission; it refuses
    with an interlock that is not *known* to be closed, a fault, after an abort, and with autostart
    on, which would let the laser emit at power-up (connecting warns of it). Switching off counts
    once ``l?`` says so; ``l0`` is sent twice if need be, the second time without waiting for
    whatever is still to come on the line. There is no shutter: :meth:`Cobolt06.open_output` moves
    nothing, it only refuses if there is no emission. ``@cob1``, which skips the laser's own
    checks, is never sent.

Retries, each logged as a warning
    After an exchange that went wrong, the serial number is asked (``sn?``) and everything before
    its answer discarded. A question whose answer is broken or missing is asked once more; commands
    are not repeated, except ``l0``.

Checked against QMI's ``Cobolt_Laser_06_01`` (QuTech): run by hand on the laser of this driver's
tests, it sends the same commands and understands the same answers; fault and mode numbers are those
of its tables. Also run on this package's simulated laser.
UNVERIFIED on hardware: the polarity of ``ilk?`` (0 is taken for closed, as the maker's adapter and
QMI do; one public driver reads it the other way round, and anything but 0 counts as tripped), the
exact texts of refusals, whether ``l?`` measures light or repeats the command, how long the laser
takes to emit, its step in power (10 µW off is accepted). Commands of the newer ``laser:…`` tree
("generation 5") are not used.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from typing import Annotated, Final, Literal

from annotated_types import Interval
from pymeasure.instruments import Instrument

from drivers import _bench_advice
from drivers._acknowledged import LOWEST_PLAUSIBLE_W, Acknowledged
from drivers._wire import Resource, connect, released_on_failure
from labcool.clock import Clock, RealClock
from labcool.errors import (
    GarbledAnswer,
    InstrumentError,
    InstrumentRefused,
    InstrumentTimeout,
    ShutterNotClosed,
    WrongInstrument,
)
from labcool.numbers import one_of, within

log = logging.getLogger(__name__)

BAUD_RATES: Final = (19200, 115200)
POLL_S: Final = 0.1
SWITCH_OFF_S: Final = 1.0
POWER_TOLERANCE_W: Final = 1e-5
FLAG: Final = "[01]"
SETPOINT: Final = r"\d{1,2}\.\d{1,9}"
WATTS: Final = "-?" + SETPOINT
HOURS: Final = r"\d{1,7}(?:\.\d+)?"
SERIAL: Final = r"(?=.*\d)[0-9A-Za-z-]{3,20}"
FAULTS: Final = {"0": "", "1": "temperature", "3": "interlock", "4": "constant power time-out"}
MODES: Final = {
    "0": "off",
    "1": "waiting for the key",
    "2": "continuous",
    "3": "on/off modulation",
    "4": "modulation",
    "5": "fault",
    "6": "aborted",
}
NEVER_STARTS: Final = (MODES["5"], MODES["6"])


class Cobolt06(Acknowledged, Instrument):
    """A Cobolt 06-01 continuous-wave laser. Safe state: no emission.

    :param resource: VISA resource string, PyMeasure adapter, or simulated link.
    :param clock: runs the waiting; default: the wall's time.
    :param visa_library: PyVISA backend, e.g. ``"@py"``.
    :param baud_rate: 115200; 19200 on older units.
    :param wavelength: emission wavelength in vacuum, nm; the laser is not asked for it.
    :param max_power: highest set point this bench allows, W.
    :param emission_timeout: longest time from the command to light, s.
    :raises WrongInstrument: if the answers are not those of a Cobolt 06-01.
    """

    bench_advice = _bench_advice.COBOLT

    _who = "sn?"
    _refusal = re.compile(r".*error", re.IGNORECASE)

    def __init__(
        self,
        resource: Resource,
        name: str = "Cobolt06",
        *,
        clock: Clock | None = None,
        visa_library: str = "",
        baud_rate: Literal[19200, 115200] = 115200,
        wavelength: Annotated[float, Interval(ge=200.0, le=2000.0)] = 532.0,
        max_power: Annotated[float, Interval(ge=0.0001, le=5.0)] = 0.1,
        emission_timeout: Annotated[float, Interval(ge=0.1, le=600.0)] = 10.0,
    ) -> None:
        self._wavelength = within(f"{name} wavelength (nm)", wavelength, 200.0, 2000.0)
        self._max_power = within(f"{name} max_power (W)", max_power, 0.0001, 5.0)
        self._emission_timeout = within(
            f"{name} emission_timeout (s)", emission_timeout, 0.1, 600.0
        )
        self._clock = clock or RealClock()
        adapter = connect(
            resource,
            name,
            visa_library=visa_library,
            write_termination="\r",
            read_termination="\r\n",
            timeout=1000,
            asrl={"baud_rate": one_of(f"{name} baud_rate", baud_rate, BAUD_RATES)},
        )
        with released_on_failure(adapter):
            super().__init__(adapter, name, includeSCPI=False)
            self._identity = self._meet()
            firmware = self._optional("gfv?")
            self._description = (
                f"Cobolt 06-01 {self._optional('glm?')}, serial number {self._identity}, "
                f"firmware {firmware}"
            )
            if self.autostart:
                log.warning(
                    "%s: autostart is on; it emits by itself when powered up, and start_emission "
                    "refuses. Switch it off (@cobas 0).",
                    name,
                )

    @property
    def identity(self) -> str:
        """Get maker, model, serial number and firmware as read on connecting (str)."""
        return self._description

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
        watts = float(self._question("pa?", WATTS))
        if watts < LOWEST_PLAUSIBLE_W:
            raise GarbledAnswer(self.name, f"'pa?' was answered by {watts:g} W.")
        return watts

    @property
    def power_setpoint(self) -> float:
        """Control the output power asked for, W, from 0 to ``max_power``.

        :raises LimitError: outside this range; nothing is sent.
        :raises InstrumentRefused: if the laser refuses it or does not report it afterwards.
        """
        return float(self._question("p?", SETPOINT))

    @power_setpoint.setter
    def power_setpoint(self, watts: float) -> None:
        watts = within(
            f"{self.name} power_setpoint (W)",
            watts,
            0.0,
            self._max_power,
            "The upper limit is max_power in the bench file.",
        )
        self._command(f"p {abs(watts):.5f}")
        taken = self.power_setpoint
        if abs(taken - watts) > 1.5 * POWER_TOLERANCE_W:
            raise InstrumentRefused(
                self.name, f"the set point is {taken:g} W although {watts:g} W was set."
            )

    @property
    def emission(self) -> bool:
        """Get whether ``l?`` reports the laser on (bool)."""
        return self._question("l?", FLAG) == "1"

    @property
    def mode(self) -> str:
        """Get the operating mode in plain words (str)."""
        code = self._question("gom?", r"\d{1,2}")
        return MODES.get(code, f"unknown mode {code}")

    @property
    def fault(self) -> str:
        """Get the fault in plain words (str); empty: none."""
        code = self._question("f?", r"\d{1,2}")
        return FAULTS.get(code, f"unknown fault {code}")

    @property
    def interlock_tripped(self) -> bool:
        """Get whether the interlock is open, or not known to be closed (bool)."""
        answer = self._optional("ilk?", ".*")
        if answer not in ("0", "1"):
            log.warning("%s: interlock %r, taken for tripped.", self.name, answer)
        return answer != "0"

    @property
    def autostart(self) -> bool:
        """Get whether the laser emits by itself when powered up (bool)."""
        return self._question("@cobas?", FLAG) == "1"

    @property
    def operating_hours(self) -> float:
        """Measure how long the laser head has been operated, h."""
        return float(self._question("hrs?", HOURS))

    def settings(self) -> Mapping[str, float | int | str | bool]:
        """Return what the laser reports: powers, states, faults and hours."""
        return {
            "power_W": self.power,
            "power_setpoint_W": self.power_setpoint,
            "wavelength_nm": self.wavelength,
            "emission": self.emission,
            "mode": self.mode,
            "fault": self.fault,
            "interlock_tripped": self.interlock_tripped,
            "autostart": self.autostart,
            "operating_hours_h": self.operating_hours,
        }

    def open_output(self) -> None:
        """Do nothing but check that the laser emits: it has no shutter. Never starts emission.

        :raises InstrumentRefused: if there is no emission.
        """
        if not self.emission:
            raise InstrumentRefused(
                self.name, "no emission. A person must start it (start_emission, or the key)."
            )

    def start_emission(self) -> None:
        """Select constant power, switch emission on, and return once ``l?`` reports it.

        Whatever goes wrong after the first command, emission is switched off again.

        :raises InstrumentRefused: with an interlock not known to be closed, a fault, after an
            abort, with autostart on, or if the laser says no.
        :raises InstrumentTimeout: if it is not on within ``emission_timeout``.
        :raises ShutterNotClosed: if, after a failure, switching off cannot be confirmed.
        """
        self._refuse_unless_ready()
        confirmed = False
        try:
            self._command("cp")
            self._command("l1")
            self._wait_for_light()
            confirmed = True
        finally:
            if not confirmed:
                self.stop_emission()

    def stop_emission(self) -> None:
        """Switch emission off; return once ``l?`` confirms it.

        :raises ShutterNotClosed: if that is not confirmed after one more (logged) attempt.
        """
        try:
            self._command("l0")
            self._wait_for_dark()
        except InstrumentError as error:
            log.warning("%s Trying once more to switch off.", error)
            self._stop_again()

    def make_safe(self) -> None:
        """Switch emission off and verify it, as :meth:`stop_emission`."""
        self.stop_emission()

    def attention(self) -> tuple[str, ...]:
        """Return what a person should see to, as sentences; only reads."""
        told = ["It emits light."] if self.emission else []
        try:
            self._refuse_unless_ready()
        except InstrumentRefused as error:
            told.append(f"It would not start: {error.problem}")
        return tuple(told)

    def shutdown(self) -> None:
        """Make safe and release the port, also if making safe fails; the first time only."""
        self.end_use(self.make_safe)

    def _refuse_unless_ready(self) -> None:
        if self.interlock_tripped:
            raise InstrumentRefused(self.name, "the interlock is open, or not known to be closed.")
        self._refuse_faults()
        if self.autostart:
            raise InstrumentRefused(
                self.name, "autostart is on. Switch it off (@cobas 0) and turn the key."
            )

    def _refuse_faults(self) -> None:
        if fault := self.fault:
            raise InstrumentRefused(self.name, f"fault: {fault}. See the manual.")
        if (mode := self.mode) in NEVER_STARTS:
            raise InstrumentRefused(self.name, f"its mode is {mode!r}. Turn the key off and on.")

    def _wait_for_light(self) -> None:
        deadline = self._clock.now() + self._emission_timeout
        while not self.emission:
            self._refuse_faults()
            if self._clock.now() >= deadline:
                raise InstrumentTimeout(
                    self.name,
                    f"no emission {self._emission_timeout:g} s after the command; mode: "
                    f"{self.mode}.",
                )
            self._clock.sleep(POLL_S)

    def _wait_for_dark(self) -> None:
        deadline = self._clock.now() + SWITCH_OFF_S
        while self.emission:
            if self._clock.now() >= deadline:
                raise ShutterNotClosed(self.name, "emission is still reported after l0.")
            self._clock.sleep(POLL_S)

    def _stop_again(self) -> None:
        try:
            self._command_unheard("l0")
            self._wait_for_dark()
        except InstrumentError as error:
            raise ShutterNotClosed(
                self.name,
                f"emission is not confirmed to be off ({error.problem}) Turn the key and block "
                "the beam by hand.",
            ) from error

    def _meet(self) -> str:
        """Return the serial number, if two more answers are those of a Cobolt."""
        self._discard()
        self.end_exchange()
        try:
            serial = self._question("sn?", SERIAL)
            self._question("l?", FLAG)
            self._question("gom?", r"\d{1,2}")
        except (GarbledAnswer, InstrumentRefused) as error:
            raise WrongInstrument(self.name, f"no Cobolt 06-01 here: {error.problem}") from error
        return serial
