"""Emission of a SuperK's main board: started on request only, its watchdog armed, off verified.

What :mod:`drivers.superk` tells about safety and the watchdog is done here, for the source and for
a filter that has no way of its own to stop the light (VARIA).
"""

from __future__ import annotations

import logging
from typing import Final

from drivers import _nkt_registers as registers
from drivers._interbus_instrument import InterbusInstrument
from drivers._interbus_registers import bits
from labcool.errors import InstrumentError, InstrumentRefused, ShutterNotClosed

log = logging.getLogger(__name__)

STOP_TIMEOUT_S: Final = 2.0
FEEDS_PER_WATCHDOG: Final = 4
MAIN_BOARDS: Final = {
    kind: registers.MODELS[kind] for kind in (registers.EXTREME, registers.FIANIUM)
}


class EmittingInstrument(InterbusInstrument):
    """Base of the drivers that start and stop the emission of a source. Set before connecting:

    :param _source: address of the main board.
    :param _watchdog: after how many seconds without traffic the source switches off, s.
    :param _emission_timeout: longest time emission may take to start, s.
    """

    _source: int
    _watchdog: int
    _emission_timeout: float
    _watchdog_found: int | None = None

    @property
    def emission(self) -> bool:
        """Get whether the source emits: the status bit or the emission register says so (bool)."""
        emits = bool(self._status(self._source) & registers.EMISSION_BIT)
        return emits or self._get(self._source, registers.ON_OFF) != registers.OFF

    def start_emission(self) -> None:
        """Arm the watchdog and start emission; return once the source reports it.

        On any failure emission is switched off before the error goes on.

        :raises InstrumentRefused: if the interlock is not ok, a fault is reported, or emission is
            not confirmed within ``emission_timeout``.
        :raises ShutterNotClosed: if, after a failure, it cannot be confirmed to be off.
        """
        if not self._interlock_is_ok():
            raise InstrumentRefused(
                self.name, f"emission not started: {self._about_the_interlock()}"
            )
        self._refuse_if(self._status(self._source), registers.SOURCE_FAULTS, "emission")
        self._switched_on = True
        try:
            self._arm_watchdog()
            self._set_once(self._source, registers.ON_OFF, registers.EMITTING)
            if not self._comes_true(self._emission_is_confirmed, self._emission_timeout):
                raise InstrumentRefused(
                    self.name,
                    f"no emission reported {self._emission_timeout:g} s after the command; "
                    f"interlock {self._interlock_words()}.",
                )
        except InstrumentError:
            self.stop_emission()
            raise

    def stop_emission(self) -> None:
        """Switch emission off; return once register and status bit both say so.

        :raises ShutterNotClosed: if that is not confirmed after one more (logged) attempt.
        """
        try:
            self._stop_and_confirm()
        except InstrumentError as error:
            log.warning("%s Trying once more to switch off.", error)
            self._stop_again()
        self._switched_on = False
        self._restore_watchdog()

    def keep_alive(self) -> None:
        """Arm the watchdog again; call it more often than it bites while nothing else is asked.

        Before :meth:`start_emission` it only reads the status, which feeds a watchdog as well.

        :raises InstrumentRefused: if emission that was started here has ended by itself.
        """
        if self._watchdog_found is None:
            self._status(self._source)
            return
        self._set_and_confirm(self._source, registers.WATCHDOG, self._watchdog)
        if not self._emission_is_confirmed():
            status = ", ".join(bits(self._status(self._source), registers.SOURCE_STATUS))
            raise InstrumentRefused(
                self.name,
                f"emission has ended by itself: interlock {self._interlock_words()}; "
                f"status {status or 'without faults'}.",
            )

    def make_safe(self) -> None:
        """Switch emission off and verify it, as :meth:`stop_emission`, whoever switched it on."""
        self.stop_emission()

    def attention(self) -> tuple[str, ...]:
        """Return what a person should see to: emission that is on, the interlock, faults."""
        status = self._status(self._source)
        told = ["It emits light."] if self.emission else []
        if not self._interlock_is_ok():
            about = self._about_the_interlock()
            told.append(about[0].upper() + about[1:])
        faults = status & ~registers.INTERLOCK_BITS & registers.SOURCE_FAULT_BITS
        return (
            *told,
            *(f"It reports: {words}." for words in bits(faults, registers.SOURCE_STATUS)),
        )

    def _interlock_parts(self) -> tuple[int, int]:
        """Return state (low byte) and place (high byte) of the interlock register."""
        register = int(self._get(self._source, registers.INTERLOCK))
        return register & 0xFF, register >> 8

    def _interlock_words(self) -> str:
        state, place = self._interlock_parts()
        words = registers.INTERLOCK_STATES.get(state, f"unknown state {state}")
        return f"{words} ({registers.INTERLOCK_PLACES.get(place, place)})" if place else words

    def _about_the_interlock(self) -> str:
        """Return what is wrong with the interlock and what to do about it."""
        state, place = self._interlock_parts()
        advice = registers.INTERLOCK_ADVICE.get(place, "") if state == 0 else ""
        return (
            f"interlock {self._interlock_words()}. {advice} Nobody in the beam? Then reset it at "
            "the front panel, or with reset_interlock() of the source."
        ).replace("  ", " ")

    def _interlock_is_ok(self) -> bool:
        return self._interlock_parts()[0] == registers.INTERLOCK_OK

    def _emission_is_confirmed(self) -> bool:
        emits = bool(self._status(self._source) & registers.EMISSION_BIT)
        return emits and self._get(self._source, registers.ON_OFF) != registers.OFF

    def _arm_watchdog(self) -> None:
        if self._watchdog_found is None:
            self._watchdog_found = int(self._get(self._source, registers.WATCHDOG))
        self._set_and_confirm(self._source, registers.WATCHDOG, self._watchdog)
        every = self._watchdog / FEEDS_PER_WATCHDOG
        self._bus.feed(self._wire, self._source, registers.STATUS.number, every)

    def _restore_watchdog(self) -> None:
        self._bus.feed_no_more(self._wire)
        if self._watchdog_found is not None:
            self._set_and_confirm(self._source, registers.WATCHDOG, self._watchdog_found)
            self._watchdog_found = None

    def _stop_again(self) -> None:
        try:
            self.resynchronise(self._clock)
            self._stop_and_confirm()
        except InstrumentError as error:
            raise ShutterNotClosed(
                self.name,
                f"emission is not confirmed to be off ({error.problem}) "
                "Switch it off at the front panel.",
            ) from error

    def _stop_and_confirm(self) -> None:
        self._set(self._source, registers.ON_OFF, registers.OFF)
        if not self._comes_true(lambda: not self.emission, STOP_TIMEOUT_S):
            raise InstrumentRefused(self.name, f"still emits {STOP_TIMEOUT_S:g} s after 'off'.")
