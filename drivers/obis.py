"""Coherent OBIS LX/LS diode laser (785 nm probe, 532 nm), SCPI over USB or RS-232.

A command ends with CRLF. With handshaking on, as delivered, a question is answered by its value and
a line ``OK``, a command by ``OK``, and what is not accepted by ``ERR-nnn``. Without it nothing
could be told from a lost command: connecting refuses a laser with ``SYST:COMM:HAND OFF``.

Safety
    Connecting asks only, and never starts emission. An OBIS has no shutter of its own:
    :meth:`Obis.open_output` moves nothing, it only refuses if there is no emission.
    :meth:`Obis.start_emission` is the only way to emission; it refuses with an open interlock, the
    key out, a fault, during warm-up, or with a modulation input selected. ``OK`` is no light yet
    (CDRH delay, 5 s): emission is what the status word says. Switching off counts once neither
    emission nor a running delay is reported; ``SOUR:AM:STAT OFF`` is sent twice if need be, the
    second time without waiting for whatever is still to come on the line.

Retries, each logged as a warning
    After an exchange that went wrong, the model is asked (``SYST:INF:MOD?``) and everything before
    its answer discarded. A question whose answer is broken or missing is asked once more; commands
    are not repeated, except ``SOUR:AM:STAT OFF``.

Checked against the commands, status words and answers in the sources of two public drivers,
``obis-laser`` (Allen Institute) and the OBIS module of qudi; neither is code of this one.
Also run on this package's simulated laser.
UNVERIFIED on hardware: the baud rate of a serial port (sources say 9600 or 115200; without meaning
over USB), the text of ``SYST:LOCK?`` (OK, ON and CLOSED are taken for closed, anything else for
open), that a model's name contains "OBIS", the unit in ``SYST:INF:WAV?``, the step in which the
laser takes a power (1 µW is sent, 0.1 mW off is accepted), whether ``OK`` follows ``ERR-nnn``, the
text of ``SYST:ERR:NEX?``.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from typing import Annotated, Final, Literal

from annotated_types import Interval
from pymeasure.instruments import Instrument

from drivers import _bench_advice
from drivers._acknowledged import LOWEST_PLAUSIBLE_W
from drivers._obis_state import ObisState
from drivers._obis_words import (
    CDRH_DELAY,
    EMISSION,
    status_names,
)
from drivers._wire import Resource, connect, released_on_failure
from labcool.clock import Clock, RealClock
from labcool.errors import (
    GarbledAnswer,
    InstrumentError,
    InstrumentRefused,
    InstrumentTimeout,
    LimitError,
    ShutterNotClosed,
    WrongInstrument,
)
from labcool.numbers import one_of, within

log = logging.getLogger(__name__)

BAUD_RATES: Final = (9600, 115200)
POLL_S: Final = 0.1
SWITCH_OFF_S: Final = 1.0
POWER_TOLERANCE_W: Final = 1e-4
WAVELENGTH_TOLERANCE_NM: Final = 15.0
CELSIUS: Final = r"-?\d{1,3}(?:\.\d+)?\s?C?"
NANOMETRES: Final = r"\d{3,4}(?:\.\d+)?(?:\s?nm)?"


class Obis(ObisState, Instrument):
    """An OBIS continuous-wave laser. Safe state: no emission, the lowest power set.

    :param resource: VISA resource string, PyMeasure adapter, or simulated link.
    :param clock: runs the waiting; default: the wall's time.
    :param visa_library: PyVISA backend, e.g. ``"@py"``.
    :param baud_rate: of a serial port; without meaning over USB.
    :param wavelength: emission wavelength in vacuum, nm; the laser must agree within 15 nm.
    :param max_power: highest set point this bench allows, W, besides the laser's own limit.
    :param emission_timeout: longest time from the command to light, s (CDRH delay: 5 s).
    :raises WrongInstrument: if something else than an OBIS of this wavelength answers.
    :raises InstrumentRefused: if its handshaking is off.
    """

    bench_advice = _bench_advice.OBIS

    _who = "SYST:INF:MOD?"
    _refusal = re.compile(r"ERR-?\d+")
    _answers_end_with_ok = True

    def __init__(
        self,
        resource: Resource,
        name: str = "OBIS",
        *,
        clock: Clock | None = None,
        visa_library: str = "",
        baud_rate: Literal[9600, 115200] = 115200,
        wavelength: Annotated[float, Interval(ge=200.0, le=2000.0)] = 785.0,
        max_power: Annotated[float, Interval(ge=0.0001, le=5.0)] = 0.1,
        emission_timeout: Annotated[float, Interval(ge=0.1, le=120.0)] = 10.0,
    ) -> None:
        self._wavelength = within(f"{name} wavelength (nm)", wavelength, 200.0, 2000.0)
        self._max_power = within(f"{name} max_power (W)", max_power, 0.0001, 5.0)
        self._emission_timeout = within(
            f"{name} emission_timeout (s)", emission_timeout, 0.1, 120.0
        )
        self._clock = clock or RealClock()
        adapter = connect(
            resource,
            name,
            visa_library=visa_library,
            write_termination="\r\n",
            read_termination="\r\n",
            timeout=1000,
            asrl={"baud_rate": one_of(f"{name} baud_rate", baud_rate, BAUD_RATES)},
        )
        with released_on_failure(adapter):
            super().__init__(adapter, name, includeSCPI=False)
            self._require_handshaking()
            self._identity = self._meet()
            self._description = self._describe()
            self._power_range = self._read_power_range()
            if self._optional("SYST:AUT?").upper() == "ON":
                log.warning("%s: autostart is on; it emits by itself when powered up.", name)

    @property
    def identity(self) -> str:
        """Get maker, model, serial number and firmware as read on connecting (str)."""
        return self._description

    @property
    def wavelength(self) -> float:
        """Get the emission wavelength in vacuum, nm."""
        return self._wavelength

    @property
    def power_range(self) -> tuple[float, float]:
        """Get the lowest and highest set point, W: the laser's limits and ``max_power``."""
        return self._power_range

    @property
    def power(self) -> float:
        """Measure the output power, W."""
        return self._watts("SOUR:POW:LEV?", LOWEST_PLAUSIBLE_W)

    @property
    def power_setpoint(self) -> float:
        """Control the output power asked for, W, within ``power_range``.

        :raises LimitError: outside this range; nothing is sent.
        :raises InstrumentRefused: if the laser refuses it or does not report it afterwards.
        """
        return self._watts("SOUR:POW:LEV:IMM:AMPL?")

    @power_setpoint.setter
    def power_setpoint(self, watts: float) -> None:
        lowest, highest = self._power_range
        watts = within(
            f"{self.name} power_setpoint (W)",
            watts,
            lowest,
            highest,
            "The limits are the laser's own and max_power in the bench file.",
        )
        self._command(f"SOUR:POW:LEV:IMM:AMPL {abs(watts):.6f}")
        if abs((taken := self.power_setpoint) - watts) > POWER_TOLERANCE_W:
            raise InstrumentRefused(
                self.name, f"the set point is {taken:g} W although {watts:g} W was set."
            )

    @property
    def diode_temperature(self) -> float:
        """Measure the temperature of the diode, °C."""
        return float(self._question("SOUR:TEMP:DIOD?", CELSIUS).rstrip("C "))

    def settings(self) -> Mapping[str, float | int | str | bool]:
        """Return what the laser reports: powers, states, faults and temperature.

        What a model does not know is empty. :meth:`take_errors` reads the errors that wait.
        """
        return {
            "power_W": self.power,
            "power_setpoint_W": self.power_setpoint,
            "lowest_power_W": self._power_range[0],
            "highest_power_W": self._power_range[1],
            "wavelength_nm": self.wavelength,
            "emission": self.emission,
            "source": self.source,
            "status": ", ".join(self.status),
            "faults": ", ".join(self.faults),
            "interlock_closed": self.interlock_closed,
            "diode_temperature_C": self.diode_temperature,
            "autostart": self._optional("SYST:AUT?"),
            "emission_delay": self._optional("SYST:CDRH?"),
            "errors_waiting": self._optional("SYST:ERR:COUN?", r"\d{1,4}"),
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
        """Switch emission on and return once the status word reports light.

        Whatever goes wrong after the command, emission is switched off again.

        :raises InstrumentRefused: with an open interlock, the key out, a fault, during warm-up, or
            if a modulation input sets the power.
        :raises InstrumentTimeout: if there is no light within ``emission_timeout``.
        :raises ShutterNotClosed: if, after a failure, switching off cannot be confirmed.
        """
        self._refuse_unless_ready()
        confirmed = False
        try:
            self._command("SOUR:AM:STAT ON")
            self._wait_for_light()
            confirmed = True
        finally:
            if not confirmed:
                self.stop_emission()

    def stop_emission(self) -> None:
        """Switch emission off; return once the status word confirms it.

        :raises ShutterNotClosed: if that is not confirmed after one more (logged) attempt.
        """
        try:
            self._command("SOUR:AM:STAT OFF")
            self._wait_for_dark()
        except InstrumentError as error:
            log.warning("%s Trying once more to switch off.", error)
            self._stop_again()

    def make_safe(self) -> None:
        """Switch emission off and verify it, then set the lowest power.

        :raises ShutterNotClosed: if emission is not confirmed to be off.
        """
        self.stop_emission()
        self.power_setpoint = self._power_range[0]

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

    def _wait_for_light(self) -> None:
        deadline = self._clock.now() + self._emission_timeout
        while not (word := self._status_word()) & EMISSION:
            self._refuse_faults(word)
            if self._clock.now() >= deadline:
                raise InstrumentTimeout(
                    self.name,
                    f"no emission {self._emission_timeout:g} s after the command; status: "
                    f"{', '.join(status_names(word))}.",
                )
            self._clock.sleep(POLL_S)

    def _wait_for_dark(self) -> None:
        deadline = self._clock.now() + SWITCH_OFF_S
        while self._status_word() & (EMISSION | CDRH_DELAY):
            if self._clock.now() >= deadline:
                raise ShutterNotClosed(self.name, "emission is still reported after STAT OFF.")
            self._clock.sleep(POLL_S)

    def _stop_again(self) -> None:
        try:
            self._command_unheard("SOUR:AM:STAT OFF")
            self._wait_for_dark()
        except InstrumentError as error:
            raise ShutterNotClosed(
                self.name,
                f"emission is not confirmed to be off ({error.problem}) Turn the key and block "
                "the beam by hand.",
            ) from error

    def _require_handshaking(self) -> None:
        question = "SYST:COMM:HAND?"
        for last in (False, True):
            self._discard()
            self.write(question)
            try:
                answer = self._read_line().decode("ascii", "replace").strip()
                if answer == "ON":
                    self._expect_acknowledgement(question)
                    self.end_exchange()
                    return
            except (GarbledAnswer, InstrumentTimeout) as error:
                if last:
                    raise
                log.warning("%s Asking once more.", error)
                continue
            if last:
                break
            log.warning("%s: %r on connecting. Asking once more.", self.name, answer)
        if answer == "OFF":
            raise InstrumentRefused(
                self.name, "handshaking is off. Switch it on once (SYST:COMM:HAND ON)."
            )
        raise WrongInstrument(self.name, f"{question!r} was answered by {answer!r}: no OBIS.")

    def _meet(self) -> str:
        model = self._question(self._who, ".+")
        if "OBIS" not in model.upper():
            raise WrongInstrument(self.name, f"{model!r} answers here, not an OBIS.")
        return model

    def _describe(self) -> str:
        wavelength = float(self._question("SYST:INF:WAV?", NANOMETRES).rstrip("nm "))
        if abs(wavelength - self._wavelength) > WAVELENGTH_TOLERANCE_NM:
            raise WrongInstrument(
                self.name,
                f"this OBIS emits at {wavelength:g} nm, the bench expects {self._wavelength:g} nm.",
            )
        serial, firmware = self._optional("SYST:INF:SNUM?"), self._optional("SYST:INF:FVER?")
        return f"Coherent {self._identity}, serial number {serial}, firmware {firmware}"

    def _read_power_range(self) -> tuple[float, float]:
        lowest, highest = self._watts("SOUR:POW:LIM:LOW?"), self._watts("SOUR:POW:LIM:HIGH?")
        if not 0.0 <= lowest < highest:
            raise GarbledAnswer(self.name, f"its limits are {lowest:g} W to {highest:g} W.")
        if self._max_power < lowest:
            raise LimitError(
                f"{self.name} max_power (W)", self._max_power, f"at least {lowest:g}, its lowest"
            )
        return lowest, min(highest, self._max_power)
