"""NKT Photonics SuperK EXTREME and FIANIUM supercontinuum sources (Interbus, USB or Ethernet).

Registers are those of NKT's register files ``60.txt`` and ``88.txt``; see
:mod:`drivers._nkt_registers`.

Safety (laser of class 4)
    Connecting reads only: it touches neither the interlock nor the emission, and no property starts
    emission. :meth:`SuperK.start_emission` refuses while the interlock is not closed and reset;
    :meth:`SuperK.reset_interlock` is for a person who has looked into the room. Emission is
    written once, never repeated on suspicion, and counts as on or off only when register and
    status bit both say so. On any failure while starting it is switched off again.

Watchdog
    :meth:`SuperK.start_emission` first arms the source's own watchdog: without traffic for
    ``watchdog`` seconds the source switches its emission off by itself. Any question feeds it;
    :meth:`SuperK.keep_alive` arms it again and tells if emission has ended by itself. After
    emission is off, the interval found before is restored, so that the front panel works as before.

The level: which of the registers 0x37 (power) and 0x38 (current) acts depends on the operating
mode; :attr:`SuperK.power_level` uses the one that does.

Checked against published telegrams (emission, interlock, level, status, type) and, byte for byte,
against QMI's encoder. UNVERIFIED on hardware: what a source answers to "emission on" while its
interlock is open (a refusal and silence are both taken as failure); how long emission takes to
start (``emission_timeout``); that the watchdog counts any traffic; NIM delay register of a FIANIUM.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Annotated, Final

from annotated_types import Interval

from drivers import _nkt_registers as registers
from drivers._interbus_instrument import InterbusInstrument, module_address
from drivers._interbus_registers import Register, bits
from drivers._wire import Resource, within
from labcool.clock import Clock, RealClock
from labcool.errors import (
    GarbledAnswer,
    InstrumentError,
    InstrumentRefused,
    LimitError,
    ShutterNotClosed,
)

log = logging.getLogger(__name__)

STOP_TIMEOUT_S: Final = 2.0
MAIN_BOARDS: Final = {
    kind: registers.MODELS[kind] for kind in (registers.EXTREME, registers.FIANIUM)
}


class SuperK(InterbusInstrument):
    """A SuperK EXTREME or FIANIUM. Safe state: no emission, verified.

    :param resource: VISA resource string, PyMeasure adapter, or link; the same one as for the other
        modules on the port.
    :param clock: runs the waiting; default: the wall's time.
    :param visa_library: PyVISA backend, e.g. ``"@py"``.
    :param address: Interbus address of the main board.
    :param watchdog: after how many seconds without traffic the source switches off, s.
    :param max_power_level: highest level allowed on this bench, %.
    :param emission_timeout: longest time emission may take to start, s.
    :raises WrongInstrument: if another module answers.
    """

    def __init__(
        self,
        resource: Resource,
        name: str = "SuperK",
        *,
        clock: Clock | None = None,
        visa_library: str = "",
        address: Annotated[int, Interval(ge=1, le=160)] = 15,
        watchdog: Annotated[int, Interval(ge=2, le=255)] = 10,
        max_power_level: Annotated[float, Interval(ge=0.0, le=100.0)] = 100.0,
        emission_timeout: Annotated[float, Interval(ge=0.1, le=60.0)] = 10.0,
    ) -> None:
        self._address = module_address(f"{name} address", address)
        self._watchdog = round(within(f"{name} watchdog (s)", watchdog, 2, 255))
        self._max_level = within(f"{name} max_power_level (%)", max_power_level, 0.0, 100.0)
        self._emission_timeout = within(f"{name} emission_timeout (s)", emission_timeout, 0.1, 60.0)
        self._watchdog_found: int | None = None
        super().__init__(
            resource,
            name,
            clock=clock or RealClock(),
            visa_library=visa_library,
            modules={address: MAIN_BOARDS},
        )
        self._type = self._modules[0].type

    @property
    def emission(self) -> bool:
        """Get whether the source emits: the status bit or the emission register says so (bool)."""
        emits = bool(self._status(self._address) & registers.EMISSION_BIT)
        return emits or self._get(self._address, registers.ON_OFF) != registers.OFF

    @property
    def interlock(self) -> str:
        """Get the interlock's state: ok, waiting for reset, or open and where (str)."""
        state, place = interlock_parts(int(self._get(self._address, registers.INTERLOCK)))
        words = registers.INTERLOCK_STATES.get(state, f"unknown state {state}")
        return f"{words} ({registers.INTERLOCK_PLACES.get(place, place)})" if place else words

    @property
    def status(self) -> tuple[str, ...]:
        """Get the meanings of the status bits that are set (str)."""
        return bits(self._status(self._address), registers.SOURCE_STATUS)

    @property
    def mode(self) -> str:
        """Control the operating mode, as the register files name it (str).

        :raises LimitError: if this source has no such mode.
        :raises InstrumentRefused: while it emits, because the power may jump.
        """
        return registers.MODES[self._type][self._mode()]

    @mode.setter
    def mode(self, mode: str) -> None:
        modes = registers.MODES[self._type]
        codes = [code for code, words in modes.items() if words == mode]
        if not codes:
            raise LimitError(f"{self.name} mode", mode, f"one of {', '.join(modes.values())}")
        if self.emission:
            raise InstrumentRefused(self.name, "mode not changed, because the source emits.")
        self._set_and_confirm(self._address, registers.SETUP[self._type], codes[0])

    @property
    def power_level(self) -> float:
        """Control the level of the operating mode, %, from 0 to ``max_power_level`` in 0.1 %.

        :raises LimitError: outside this range; nothing is sent.
        :raises InstrumentRefused: if reading it back does not confirm it.
        """
        return self._get(self._address, self._level_register())

    @power_level.setter
    def power_level(self, percent: float) -> None:
        within(
            f"{self.name} power_level (%)",
            percent,
            0.0,
            self._max_level,
            "The upper limit is max_power_level in the bench file.",
        )
        self._set_and_confirm(self._address, self._level_register(), percent)

    @property
    def pulse_picker_ratio(self) -> int:
        """Control by what the pulse rate is divided (int, 1 to 65535).

        :raises LimitError: outside this range; nothing is sent.
        :raises InstrumentRefused: if the source allows less, or does not confirm it.
        """
        return int(self._get(self._address, registers.PULSE_PICKER))

    @pulse_picker_ratio.setter
    def pulse_picker_ratio(self, ratio: int) -> None:
        self._set_and_confirm(self._address, registers.PULSE_PICKER, ratio)

    @property
    def nim_delay(self) -> int:
        """Control the delay of the NIM trigger output (int, 0 to 1023, about 9 ps each).

        :raises LimitError: outside this range; nothing is sent.
        """
        return int(self._get(self._address, registers.NIM_DELAY[self._type]))

    @nim_delay.setter
    def nim_delay(self, steps: int) -> None:
        self._set_and_confirm(self._address, registers.NIM_DELAY[self._type], steps)

    @property
    def watchdog(self) -> int:
        """Get the watchdog interval that the source holds, s; 0: it is not armed (int)."""
        return int(self._get(self._address, registers.WATCHDOG))

    def settings(self) -> Mapping[str, float | int | str | bool]:
        """Return what the source reports: emission, interlock, mode, levels, temperature."""
        return {
            "emission": self.emission,
            "interlock": self.interlock,
            "status": ", ".join(self.status),
            "mode": self.mode,
            "power_level_percent": self.power_level,
            "pulse_picker_ratio": self.pulse_picker_ratio,
            "nim_delay": self.nim_delay,
            "watchdog_s": self.watchdog,
            "inlet_temperature_C": self._get(self._address, registers.INLET_TEMPERATURE),
        }

    def reset_interlock(self) -> None:
        """Reset the interlock; return once it reports ok. Starts no emission.

        Only a person who knows that nobody is in the beam may have this done.

        :raises InstrumentRefused: if the loop is open, or the reset is not confirmed.
        """
        self._set(self._address, registers.INTERLOCK, registers.INTERLOCK_RESET)
        if not self._comes_true(self._interlock_is_ok, STOP_TIMEOUT_S):
            raise InstrumentRefused(self.name, f"after a reset the interlock is {self.interlock}.")

    def start_emission(self) -> None:
        """Arm the watchdog and start emission; return once the source reports it.

        On any failure emission is switched off before the error goes on.

        :raises InstrumentRefused: if the interlock is not ok, a fault is reported, or emission is
            not confirmed within ``emission_timeout``.
        :raises ShutterNotClosed: if, after a failure, it cannot be confirmed to be off.
        """
        if not self._interlock_is_ok():
            raise InstrumentRefused(
                self.name,
                f"emission not started: interlock {self.interlock}. Close it, then reset it at the "
                "front panel or with reset_interlock().",
            )
        self._refuse_if(self._status(self._address), registers.SOURCE_FAULTS, "emission")
        try:
            self._arm_watchdog()
            self._set_once(self._address, registers.ON_OFF, registers.EMITTING)
            if not self._comes_true(self._emission_is_confirmed, self._emission_timeout):
                raise InstrumentRefused(
                    self.name,
                    f"no emission reported {self._emission_timeout:g} s after the command; "
                    f"interlock {self.interlock}.",
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
        self._restore_watchdog()

    def keep_alive(self) -> None:
        """Arm the watchdog again; call it more often than it bites.

        Before :meth:`start_emission` it only reads the status, which feeds a watchdog as well.

        :raises InstrumentRefused: if emission that was started here has ended by itself.
        """
        if self._watchdog_found is None:
            self._status(self._address)
            return
        self._set_and_confirm(self._address, registers.WATCHDOG, self._watchdog)
        if not self._emission_is_confirmed():
            raise InstrumentRefused(
                self.name,
                f"emission has ended by itself: interlock {self.interlock}; "
                f"status {', '.join(self.status) or 'without faults'}.",
            )

    def make_safe(self) -> None:
        """Switch emission off and verify it, as :meth:`stop_emission`."""
        self.stop_emission()

    def _mode(self) -> int:
        code = int(self._get(self._address, registers.SETUP[self._type]))
        if code not in registers.MODES[self._type]:
            raise GarbledAnswer(self.name, f"reports an operating mode {code} that is not known.")
        return code

    def _level_register(self) -> Register:
        if self._type == registers.EXTREME and self._mode() in registers.CURRENT_MODES:
            return registers.CURRENT_LEVEL
        return registers.POWER_LEVEL

    def _interlock_is_ok(self) -> bool:
        state, _ = interlock_parts(int(self._get(self._address, registers.INTERLOCK)))
        return state == registers.INTERLOCK_OK

    def _emission_is_confirmed(self) -> bool:
        emits = bool(self._status(self._address) & registers.EMISSION_BIT)
        return emits and self._get(self._address, registers.ON_OFF) != registers.OFF

    def _arm_watchdog(self) -> None:
        if self._watchdog_found is None:
            self._watchdog_found = self.watchdog
        self._set_and_confirm(self._address, registers.WATCHDOG, self._watchdog)

    def _restore_watchdog(self) -> None:
        if self._watchdog_found is not None:
            self._set_and_confirm(self._address, registers.WATCHDOG, self._watchdog_found)
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
        self._set(self._address, registers.ON_OFF, registers.OFF)
        if not self._comes_true(lambda: not self.emission, STOP_TIMEOUT_S):
            raise InstrumentRefused(self.name, f"still emits {STOP_TIMEOUT_S:g} s after 'off'.")


def interlock_parts(register: int) -> tuple[int, int]:
    """Return state (low byte) and place (high byte) of the interlock register."""
    return register & 0xFF, register >> 8
