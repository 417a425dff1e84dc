"""Thorlabs KSC101 K-Cube solenoid controller with a beam shutter (USB, virtual COM port).

Messages are those of Thorlabs' *APT Communications Protocol*, chapter "Solenoid Control Messages";
framing and retries are described in ``drivers/_apt_instrument.py``.

Safety
    Closing is believed only if two answers agree: the solenoid state (0x04CC) and bit 0 of the
    status (0x0429). They may lag the command by tens of ms and are polled for ``move_timeout``.
    Connecting only asks. Closing also leaves any other mode for manual, because a cycle or a
    trigger would open the shutter again; :meth:`KSC101.open`, which needs the manual mode, selects
    it, if necessary, by closing. Opening is refused while the key switch is locked; whatever else
    goes wrong while opening, the shutter is closed before the error goes on. Closing is tried once
    more (logged). If the USB connection is lost nothing here can close the
    shutter: wire the interlock.

Checked: the bytes sent against those that the independent encoder of ``thorlabs_apt_device`` 0.3.8
makes (it has no 0x0429, whose bytes are those of public code), the answers against those that
public code reports from a real KSC101 (firmware 1.0.6), which gives 1 for open and 0 for closed
where Thorlabs' text has 1 and 2; both 0 and 2 count as closed here. UNVERIFIED on hardware: bit 13
(key switch unlocked), on which refusing rests; bit 12 (interlock; Thorlabs' header for the TSC001
calls it "interlock state" without saying which way round), which is reported but not acted upon, so
that an open interlock shows as a shutter that does not open; how long the solenoid takes; what the
controller does when the USB connection is lost.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Annotated, Final, TypeVar

from annotated_types import Interval

from drivers import _apt as apt
from drivers import _bench_advice
from drivers._apt_instrument import CHANNEL, AptInstrument
from drivers._wire import Resource
from labcool.clock import Clock, RealClock
from labcool.errors import GarbledAnswer, InstrumentError, InstrumentRefused, ShutterNotClosed
from labcool.numbers import within

log = logging.getLogger(__name__)

Value = TypeVar("Value")

OPEN: Final = 1
CLOSED: Final = 2
STATES: Final = {0: "closed", 1: "open", 2: "closed"}
MANUAL: Final = 1
MODES: Final = {1: "manual", 2: "single", 3: "auto", 4: "triggered"}
INTERLOCK_MODES: Final = {1: True, 2: False}
SOLENOID_ON: Final = 1 << 0
INTERLOCK: Final = 1 << 12
KEY_UNLOCKED: Final = 1 << 13
POLL_S: Final = 0.02


class KSC101(AptInstrument):
    """A beam shutter on a Thorlabs KSC101; fills the role Shutter. Safe state: closed.

    :param resource: VISA resource string, PyMeasure adapter, or simulated link.
    :param clock: runs the waiting; default: the wall's time.
    :param visa_library: PyVISA backend, e.g. ``"@py"``.
    :param move_timeout: longest time a movement may take to be confirmed, s.
    :raises WrongInstrument: if something else than a KSC101 answers.
    """

    bench_advice = _bench_advice.KSC101

    def __init__(
        self,
        resource: Resource,
        name: str = "KSC101",
        *,
        clock: Clock | None = None,
        visa_library: str = "",
        move_timeout: Annotated[float, Interval(ge=0.05, le=5.0)] = 0.5,
    ) -> None:
        self._move_timeout = within(f"{name} move_timeout (s)", move_timeout, 0.05, 5.0)
        super().__init__(
            resource,
            name,
            clock=clock or RealClock(),
            visa_library=visa_library,
            model="KSC101",
            serial_type=68,
        )

    @property
    def is_closed(self) -> bool:
        """Get whether solenoid state and status bits both report the beam blocked (bool)."""
        return self._reports(closed=True)

    @property
    def solenoid_state(self) -> str:
        """Get the solenoid state, 0x04CC: open or closed (str)."""
        return self._choice(apt.SOL_REQ_STATE, apt.SOL_GET_STATE, STATES, "solenoid state")

    @property
    def mode(self) -> str:
        """Get the operating mode, 0x04C1: manual, single, auto or triggered (str)."""
        return self._choice(apt.SOL_REQ_OPERATINGMODE, apt.SOL_GET_OPERATINGMODE, MODES, "mode")

    @property
    def interlock_required(self) -> bool:
        """Get whether the controller opens only with its interlock closed, 0x04C7 (bool)."""
        return self._choice(
            apt.SOL_REQ_INTERLOCKMODE, apt.SOL_GET_INTERLOCKMODE, INTERLOCK_MODES, "interlock mode"
        )

    def settings(self) -> Mapping[str, float | int | str | bool]:
        """Return what the controller reports: shutter, mode, key switch, interlock."""
        bits = self.status_bits
        return {
            "closed": self.is_closed,
            "mode": self.mode,
            "key_unlocked": bool(bits & KEY_UNLOCKED),
            "interlock_required": self.interlock_required,
            "interlock_bit": bool(bits & INTERLOCK),
        }

    def open(self) -> None:
        """Let the beam pass; return once both answers say so.

        On any failure the shutter is closed again before the error goes on.

        :raises InstrumentRefused: if the key switch is locked, or opening is not confirmed within
            ``move_timeout`` (as with an open interlock).
        :raises ShutterNotClosed: if, after a failure, closing cannot be confirmed.
        """
        if not self.status_bits & KEY_UNLOCKED:
            raise InstrumentRefused(
                self.name, "the key switch is locked; the shutter stays shut. Turn the key to open."
            )
        try:
            self._select_manual_mode()
            self._tell(apt.Message(apt.SOL_SET_STATE, CHANNEL, OPEN))
            if not self._reaches(closed=False):
                raise InstrumentRefused(self.name, self._why_it_stays_shut())
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Block the beam; return once both answers say so and the mode is manual.

        :raises ShutterNotClosed: if that is not confirmed after one more attempt.
        """
        try:
            self._close_and_confirm()
        except InstrumentError as error:
            log.warning("%s Trying once more to close.", error)
            self._close_again()

    def make_safe(self) -> None:
        """Close the shutter and verify it, as :meth:`close`."""
        self.close()

    def attention(self) -> tuple[str, ...]:
        """Return what a person should see to, as sentences; only reads."""
        if self.status_bits & KEY_UNLOCKED:
            return ()
        return ("Its key switch is locked: it stays shut until the key is turned.",)

    def shutdown(self) -> None:
        """Close the shutter and release the port, also if closing fails; the first time only."""
        self.end_use(self.make_safe)

    def _close_again(self) -> None:
        try:
            self._close_and_confirm()
        except InstrumentError as error:
            raise ShutterNotClosed(
                self.name,
                f"the beam is not confirmed to be blocked ({error.problem}) Block it by hand.",
            ) from error

    def _close_and_confirm(self) -> None:
        self._tell(apt.Message(apt.SOL_SET_STATE, CHANNEL, CLOSED))
        if (mode := self.mode) != MODES[MANUAL]:
            log.info("%s: leaving mode %r for manual.", self.name, mode)
            self._tell(apt.Message(apt.SOL_SET_OPERATINGMODE, CHANNEL, MANUAL))
            self._tell(apt.Message(apt.SOL_SET_STATE, CHANNEL, CLOSED))
            if (mode := self.mode) != MODES[MANUAL]:
                raise ShutterNotClosed(self.name, f"stays in mode {mode!r} instead of manual.")
        if not self._reaches(closed=True):
            raise ShutterNotClosed(
                self.name, f"still reported open {self._move_timeout:g} s after the command."
            )

    def _select_manual_mode(self) -> None:
        if self.mode != MODES[MANUAL]:
            self.close()

    def _reaches(self, *, closed: bool) -> bool:
        deadline = self._clock.now() + self._move_timeout
        while not self._reports(closed=closed):
            if self._clock.now() >= deadline:
                return False
            self._clock.sleep(POLL_S)
        return True

    def _reports(self, *, closed: bool) -> bool:
        """Return whether both answers say so; False also if they contradict each other."""
        by_state = self.solenoid_state == "closed"
        by_status = not self.status_bits & SOLENOID_ON
        return by_state == by_status == closed

    def _why_it_stays_shut(self) -> str:
        bits = self.status_bits
        key = "unlocked" if bits & KEY_UNLOCKED else "LOCKED"
        required = "required" if self.interlock_required else "not required"
        return (
            f"not reported open {self._move_timeout:g} s after the command. The key switch is "
            f"{key}, the interlock is {required} (status bit 12 reads "
            f"{int(bool(bits & INTERLOCK))}). Check the interlock, the shutter and its cable."
        )

    def _choice(self, request: int, answer: int, values: Mapping[int, Value], what: str) -> Value:
        code = self._ask(request, answer).second
        if code not in values:
            raise GarbledAnswer(self.name, f"{code} is no {what}.")
        return values[code]
