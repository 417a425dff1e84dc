"""Linkam T95 (also TMS94 / CI94) temperature controller on its RS-232 line, 19200 baud 8N1.

Protocol: the TMS94 / T95 serial communications manual as public drivers restate it (Diamond Light
Source GDA, the ESRF's BLISS, the simulated Linkam of Lewis, SweepMe!). A command is ASCII text and
a carriage return, without a line feed. ``T`` must be the first command and answers 11 bytes: state,
errors, pump, three reserved, four hexadecimal digits of the signed temperature in 0.1 °C, carriage
return. Every other command used here answers a bare carriage return, which is read each time.
A TMS94 spoken to at 9600 baud freezes: nothing here tries baud rates. The newer T96 speaks another
protocol.

The controller cannot be asked for its rate, its limit or the mode of its pump; this driver
remembers what it sent.

Retries, each logged as a warning: a missing or garbled answer is discarded and the command sent
again, three times in all. Every command may be repeated without harm. What an answer given up on
left on the line is discarded before the next command; after any trouble the next ``T`` waits a
time-out longer, because nothing tells a late status from a new one.

Checked against the manual's worked bytes, on a scripted device in memory. UNVERIFIED on hardware:
the shortest safe interval between commands, rates above 99.99 K/min, the USB socket, how soon the
state byte follows ``S``, ``E`` and ``O``, whether ``E`` stops a pump in manual mode, and the
stage's identity (0xEF ``S``, never sent). No watchdog on the link is known: if the cable is pulled
during a ramp, the ramp goes on.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Callable, Sequence
from typing import Annotated, Final, Literal, TypeVar

from annotated_types import Interval
from pymeasure.instruments import Instrument
from pyvisa.constants import ControlFlow

from drivers import _bench_advice
from drivers._linkam_status import (
    COOLING_TOO_FAST,
    FASTEST_PUMP,
    LinkamState,
    LinkamStatus,
    decode_status,
    tenths,
)
from drivers._stability import Criterion, Stability, wait_until_stable
from drivers._wire import Resource, WiredInstrument, connect, released_on_failure
from labcool.clock import Clock, RealClock, sleep_until
from labcool.errors import (
    ConfigurationError,
    GarbledAnswer,
    InstrumentError,
    InstrumentRefused,
    InstrumentTimeout,
    LimitError,
    WrongInstrument,
)
from labcool.numbers import real, rising_pair, truth, whole, within
from labcool.units import kelvin

__all__ = ["LinkamState", "LinkamStatus", "LinkamT95"]

log = logging.getLogger(__name__)

Answer = TypeVar("Answer")

ATTEMPTS: Final = 3
STATE_SETTLING_S: Final = 2.0
LOWEST_RATE: Final = 0.01
ROUNDING_K: Final = 1e-6
ROUNDING_OF_RANGE_K: Final = 0.01
STAGES: Final[dict[str, tuple[float, float, float]]] = {
    "THMS600": (kelvin(-196.0), kelvin(600.0), 150.0),
    "TS1500": (kelvin(20.0), kelvin(1500.0), 200.0),
    "other": (kelvin(-196.0), kelvin(1500.0), 30.0),
}
"""Lowest and highest set point (K) and fastest ramp (K/min) of each stage."""


class LinkamT95(WiredInstrument, Instrument):
    """A stage on a Linkam T95; fills the role TemperatureController.

    ``make_safe()`` always acts, so that a second connection can stop a heater that another program
    left on. ``shutdown()`` makes safe only if *this* object has started a ramp, a hold or the pump:
    a driver that has moved nothing sends nothing on the way out.

    :param resource: VISA resource string, PyMeasure adapter, or simulated link.
    :param clock: runs the waiting; default: the wall's time.
    :param stage: sets the set points and the fastest ramp: THMS600 −196 to 600 °C and 150 K/min,
        TS1500 20 to 1500 °C and 200 K/min (Linkam's product pages). ``"other"`` needs
        ``temperature_range``; its ramps are limited to 30 K/min unless ``fastest_rate`` is given.
    :param temperature_range: lowest and highest set point, K, within those of the stage.
    :param fastest_rate: fastest ramp, K/min, instead of the stage's.
    :param ramp_rate: rate until another is set, K/min.
    :param on_shutdown: the safe state. ``"stop"``: ramp and heater off. ``"hold"``: a ramp is
        ended, but the temperature it has reached is held.
    :param command_interval: shortest time between two commands, s.
    :param settled_within: greatest distance of the sensor from the set point for a hold, K.
    :param timeout: longest wait for an answer, s.
    :param rts_cts: use the hardware handshake (needs the cable that the manual describes).
    :param visa_library: PyVISA backend, e.g. ``"@py"``.
    :raises LimitError: if a keyword is out of range; nothing has been sent.
    :raises WrongInstrument: if what answers is no T95.
    """

    bench_advice = _bench_advice.LINKAM

    def __init__(
        self,
        resource: Resource,
        name: str = "Linkam T95",
        *,
        clock: Clock | None = None,
        visa_library: str = "",
        stage: Literal["THMS600", "TS1500", "other"] = "THMS600",
        temperature_range: Sequence[float] | None = None,
        fastest_rate: Annotated[float, Interval(ge=LOWEST_RATE, le=200.0)] | None = None,
        ramp_rate: float = 10.0,
        on_shutdown: Literal["stop", "hold"] = "stop",
        command_interval: Annotated[float, Interval(ge=0.0, le=5.0)] = 0.1,
        settled_within: Annotated[float, Interval(ge=0.1, le=50.0)] = 1.0,
        timeout: Annotated[float, Interval(ge=0.05, le=10.0)] = 1.0,
        rts_cts: bool = False,
    ) -> None:
        self._range = _set_points(name, stage, temperature_range)
        fastest = STAGES[stage][2] if fastest_rate is None else fastest_rate
        self._fastest_rate = within(f"{name} fastest_rate (K/min)", fastest, LOWEST_RATE, 200.0)
        self._stage, self._on_shutdown = stage, _checked_choice(name, on_shutdown)
        self._clock: Clock = clock or RealClock()
        self._interval = within(f"{name} command_interval (s)", command_interval, 0.0, 5.0)
        self._settled_within = within(f"{name} settled_within (K)", settled_within, 0.1, 50.0)
        self._timeout = within(f"{name} timeout (s)", timeout, 0.05, 10.0)
        self._rate = self._checked_rate(name, ramp_rate)
        self._limit: float | None = None
        self._held: float | None = None
        self._holding_current = self._manual_pump = self._started = self._cooling_noted = False
        self._owed = False
        self._next_command = -math.inf
        wired = truth(f"{name} rts_cts", rts_cts)
        handshake = {"flow_control": ControlFlow.rts_cts} if wired else {}
        adapter = connect(
            resource,
            name,
            visa_library=visa_library,
            write_termination="\r",
            read_termination="\r",
            timeout=round(self._timeout * 1000),
            asrl={"baud_rate": 19200} | handshake,
        )
        with released_on_failure(adapter):
            super().__init__(adapter, name, includeSCPI=False)
            try:
                self._first_state = self._ask_status().state
            except GarbledAnswer as error:
                raise WrongInstrument(name, f"no T95 at 19200 baud: {error.problem}") from error

    @property
    def identity(self) -> str:
        """Get what is known of the controller (str): the protocol carries no name or number."""
        return f"Linkam T95 protocol, status 0x{self._first_state:02X} on connecting"

    @property
    def temperature(self) -> float:
        """Measure the temperature of the stage's sensor, K, in steps of 0.1 K.

        :raises InstrumentRefused: if the controller reports a fault; the stop command was sent.
        :raises GarbledAnswer, InstrumentTimeout: if none of three answers is usable.
        """
        return self._healthy_status().temperature

    @property
    def temperature_range(self) -> tuple[float, float]:
        """Get the lowest and highest set point, K."""
        return self._range

    @property
    def ramp_rate(self) -> float:
        """Control the rate of the next ramp, K/min, from 0.01 to the stage's fastest by 0.01.

        It is sent by the next :meth:`go_to` and remembered here, never read back.

        :raises LimitError: if the rate is not allowed.
        """
        return self._rate

    @ramp_rate.setter
    def ramp_rate(self, kelvin_per_minute: float) -> None:
        self._rate = self._checked_rate(self.name, kelvin_per_minute)

    def go_to(self, temperature: float) -> None:
        """Start a ramp to ``temperature`` (K, rounded to 0.1 °C); return when it is reported.

        :raises LimitError: outside :attr:`temperature_range`; nothing has been sent.
        :raises InstrumentRefused: if the controller does not start, or reports a fault.
        """
        low, high = self._range
        field, allowed = f"{self.name} temperature (K)", f"from {low:.2f} to {high:.2f}"
        advice = f"The bench file names the stage {self._stage}."
        temperature = real(field, temperature, allowed, advice)
        if not low - ROUNDING_K <= temperature <= high + ROUNDING_K:
            raise LimitError(field, temperature, allowed, advice)
        self._started, self._holding_current = True, False
        self._limit, self._held = kelvin(tenths(temperature) / 10), None
        self._command(f"R1{round(self._rate * 100)}")
        self._command(f"L1{tenths(temperature)}")
        self._command("S")
        running = self._await_state(
            self._healthy_status, lambda found: found is not LinkamState.STOPPED
        )
        if running.state is LinkamState.STOPPED:
            raise InstrumentRefused(
                self.name, "it took the ramp but did not start it. Look at the controller's panel."
            )

    @property
    def is_holding(self) -> bool:
        """Get whether the controller reports a hold and the sensor is near the set point (bool).

        ``settled_within`` of it: a state byte left from the ramp before is not taken for the end of
        this one. A hold of the temperature of the moment counts only if :meth:`hold` asked for it.
        """
        status = self._healthy_status()
        if status.state is LinkamState.HOLDING_CURRENT:
            return self._holding_current
        if status.state not in (LinkamState.HOLDING_AT_LIMIT, LinkamState.HOLDING_LIMIT_TIME):
            return False
        return self._limit is None or abs(status.temperature - self._limit) <= self._settled_within

    def wait_until_stable(
        self,
        band_K: float,
        slope_K_per_min: float,
        for_s: float,
        timeout_s: float,
        check: Callable[[], None] = lambda: None,
    ) -> Stability:
        """Wait until the temperature of the last :meth:`go_to` or :meth:`hold` is reached and kept.

        Stable: over the last ``for_s`` seconds every reading lies within ±``band_K`` of it, and the
        line fitted to them is flatter than ``slope_K_per_min``.

        :param check: called before every reading, once a second or faster; may raise.
        :raises InstrumentTimeout: after ``timeout_s`` (s), with what was reached.
        :raises InstrumentRefused: if the controller reports a fault; the stop command was sent.
        """
        criterion = Criterion(band_K, slope_K_per_min, for_s, self.name)
        wanted = self._held if self._limit is None else self._limit
        if wanted is None:
            raise ConfigurationError(f"{self.name}: nothing to wait for; call go_to first.")
        return wait_until_stable(
            lambda: self.temperature,
            self._clock,
            wanted,
            criterion,
            timeout_s=timeout_s,
            check=check,
            name=self.name,
        )

    @property
    def status(self) -> LinkamStatus:
        """Get the whole status; unlike the rest, this reports faults without acting on them."""
        return self._ask_status()

    def stop(self) -> None:
        """Switch ramp and heater off (``E``); return when the controller reports it.

        :raises InstrumentRefused: if it does not within 2 s.
        """
        self._command("E")
        self._limit, self._held, self._holding_current = None, None, False
        stopped = self._await_state(self._ask_status, lambda found: found is LinkamState.STOPPED)
        if stopped.state is not LinkamState.STOPPED:
            raise InstrumentRefused(
                self.name, "it regulates on after the stop command. Switch the controller off."
            )

    def hold(self) -> None:
        """End the ramp and hold the temperature of this moment (``O``); return when it is reported.

        :raises InstrumentRefused: if the controller does not hold, or reports a fault.
        """
        self._started = True
        self._command("O")
        self._limit, self._holding_current = None, True
        status = self._await_state(
            self._healthy_status, lambda found: found is LinkamState.HOLDING_CURRENT
        )
        if status.state is not LinkamState.HOLDING_CURRENT:
            raise InstrumentRefused(
                self.name, f"it was told to hold, but is {status.state.name.lower()}."
            )
        self._held = status.temperature

    def pump(self, speed: int | Literal["automatic"]) -> None:
        """Set the nitrogen pump: ``"automatic"``, or a fixed speed from 0 (off) to 30.

        On the wire the speed is one character, ``chr(0x30 + speed)``.

        :raises LimitError: for any other speed.
        """
        if speed == "automatic":
            self._command("Pa0")
            self._manual_pump = False
            return
        advice = "Or 'automatic'."
        number = whole(f"{self.name} pump speed", speed, 0, FASTEST_PUMP, advice)
        self._started = self._manual_pump = True
        self._command("Pm0")
        self._command(f"P{chr(0x30 + number)}")

    def settings(self) -> dict[str, float | int | str | bool]:
        """Return the state; what the controller cannot be asked for is called *remembered*.

        Without a sensor there is no ``temperature_K``.
        """
        status = self._ask_status()
        limit = {} if self._limit is None else {"limit_remembered_K": self._limit}
        known = math.isfinite(status.temperature)
        return {
            "stage": self._stage,
            **({"temperature_K": status.temperature} if known else {}),
            "sensor_open": status.sensor_open,
            "state": status.state.name.lower(),
            "faults": "; ".join(status.faults),
            "pump_speed": status.pump_speed,
            "pump_mode_remembered": "manual" if self._manual_pump else "automatic",
            "ramp_rate_remembered_K_per_min": self._rate,
            "on_shutdown": self._on_shutdown,
            **limit,
        }

    def make_safe(self) -> None:
        """Bring the stage to the state that ``on_shutdown`` names.

        ``"stop"``: :meth:`stop`, and a pump run by hand goes back to automatic. ``"hold"``: a ramp
        becomes a :meth:`hold`, anything else stays as it is.
        """
        if self._on_shutdown == "stop":
            self.stop()
            if self._manual_pump:
                self.pump("automatic")
        elif self._ask_status().state in (LinkamState.HEATING, LinkamState.COOLING):
            self.hold()

    def attention(self) -> tuple[str, ...]:
        """Return what a person should see to, as sentences; only reads."""
        return tuple(f"It reports: {words}." for words in self.status.faults)

    def shutdown(self) -> None:
        """Make the stage safe if this object has started anything, and release the port."""
        self.end_use(self.make_safe if self._started else _nothing)

    def _checked_rate(self, name: str, rate: float) -> float:
        field = f"{name} ramp rate (K/min)"
        return round(within(field, rate, LOWEST_RATE, self._fastest_rate), 2)

    def _command(self, command: str) -> None:
        def receipt() -> None:
            answer = self.read_bytes(1)
            if answer != b"\r":
                raise GarbledAnswer(self.name, f"{answer!r} instead of a receipt for {command}.")

        self._exchange(command, receipt)

    def _ask_status(self) -> LinkamStatus:
        if self._owed:
            # Nothing tells a late status from a new one: let those still owed come first.
            self._clock.sleep(self._timeout)
            self.drain()
            self._owed = False
        return self._exchange("T", lambda: decode_status(self.read_bytes(11), self.name))

    def _exchange(self, command: str, answer: Callable[[], Answer]) -> Answer:
        attempt = 1
        while True:
            sleep_until(self._clock, self._next_command)
            self.start_exchange()
            self.write(command)
            self._next_command = self._clock.now() + self._interval
            try:
                result = answer()
                self.end_exchange()
                return result
            except (GarbledAnswer, InstrumentTimeout) as error:
                log.warning("%s Attempt %d of %d.", error, attempt, ATTEMPTS)
                self._owed = True
                if attempt == ATTEMPTS:
                    raise
            attempt += 1
            self.resynchronise(self._clock)

    def _await_state(
        self, ask: Callable[[], LinkamStatus], is_right: Callable[[LinkamState], bool]
    ) -> LinkamStatus:
        deadline = self._clock.now() + STATE_SETTLING_S
        while True:
            status = ask()
            if is_right(status.state) or self._clock.now() >= deadline:
                return status
            self._clock.sleep(max(self._interval, 0.05))

    def _healthy_status(self) -> LinkamStatus:
        status = self._ask_status()
        cooling_too_fast = bool(status.errors & COOLING_TOO_FAST)
        if cooling_too_fast and not self._cooling_noted:
            log.warning("%s: the stage cannot cool as fast as the ramp asks.", self.name)
        self._cooling_noted = cooling_too_fast
        if not status.faults:
            return status
        try:
            self._command("E")
            outcome = "The stop command was sent."
        except InstrumentError as error:
            outcome = f"THE STOP COMMAND FAILED ({error.problem}) Switch the controller off."
        raise InstrumentRefused(self.name, f"{'; '.join(status.faults)}. {outcome}")


def _nothing() -> None:
    """Leave a stage alone that this driver has not touched."""


def _checked_choice(name: str, on_shutdown: str) -> str:
    if on_shutdown not in ("stop", "hold"):
        raise LimitError(f"{name} on_shutdown", on_shutdown, "'stop' or 'hold'")
    return on_shutdown


def _set_points(name: str, stage: str, wanted: Sequence[float] | None) -> tuple[float, float]:
    if stage not in STAGES:
        raise LimitError(f"{name} stage", stage, f"one of {', '.join(STAGES)}")
    lowest, highest, _ = STAGES[stage]
    if wanted is None:
        if stage == "other":
            raise ConfigurationError(
                f"{name}: the stage 'other' needs temperature_range: [lowest, highest], in K."
            )
        return lowest, highest
    field = f"{name} temperature_range (K)"
    return rising_pair(field, wanted, lowest - ROUNDING_OF_RANGE_K, highest + ROUNDING_OF_RANGE_K)
