"""NKT Photonics SuperK EXTREME and FIANIUM supercontinuum sources (Interbus, USB or Ethernet).

Registers are those of NKT's register files ``60.txt`` and ``88.txt``; see
:mod:`drivers._nkt_registers`.

Safety (laser of class 4)
    Connecting reads only: it touches neither the interlock nor the emission, and no property starts
    emission. :meth:`SuperK.start_emission` refuses while the interlock is not closed and reset;
    :meth:`SuperK.reset_interlock` is for a person who has looked into the room. Emission is
    written once, never repeated on suspicion, and counts as on or off only when register and
    status bit both say so. On any failure while starting it is switched off again.
    :meth:`SuperK.shutdown` ends emission that was started here, and no other: a source that a
    person has started at the front panel goes on. :meth:`SuperK.make_safe` ends any.

Watchdog
    :meth:`SuperK.start_emission` first arms the source's own watchdog: without traffic for
    ``watchdog`` seconds the source switches its emission off by itself. Any question feeds it, and
    while other modules on the port are spoken to, the source is asked in between.
    :meth:`SuperK.keep_alive` arms it again and tells if emission has ended by itself; call it while
    nobody speaks on the port. A run of labcool does so in its waits and between points, but not
    within one exposure or settling that is longer than the interval: raise ``watchdog`` then.
    After emission is off, the interval found before is restored, so that the front panel works as
    before.

The level: which of the registers 0x37 (power) and 0x38 (current) acts depends on the operating
mode; :attr:`SuperK.power_level` uses the one that does.

Checked against published telegrams (emission, interlock, level, status, type) and, byte for byte,
against QMI's encoder. UNVERIFIED on hardware: what a source answers to "emission on" while its
interlock is open (a refusal and silence are both taken as failure); how long emission takes to
start (``emission_timeout``); that the watchdog counts any traffic; NIM delay register of a FIANIUM.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated

from annotated_types import Interval

from drivers import _nkt_registers as registers
from drivers._interbus_instrument import module_address
from drivers._interbus_registers import Register, bits
from drivers._superk_emission import MAIN_BOARDS, STOP_TIMEOUT_S, EmittingInstrument
from drivers._wire import Resource
from labcool.clock import Clock, RealClock
from labcool.errors import GarbledAnswer, InstrumentRefused, LimitError
from labcool.numbers import whole, within


class SuperK(EmittingInstrument):
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
        self._source = module_address(f"{name} address", address)
        self._watchdog = whole(f"{name} watchdog (s)", watchdog, 2, 255)
        self._max_level = within(f"{name} max_power_level (%)", max_power_level, 0.0, 100.0)
        self._emission_timeout = within(f"{name} emission_timeout (s)", emission_timeout, 0.1, 60.0)
        super().__init__(
            resource,
            name,
            clock=clock or RealClock(),
            visa_library=visa_library,
            modules={self._source: MAIN_BOARDS},
        )
        self._type = self._modules[0].type

    @property
    def interlock(self) -> str:
        """Get the interlock's state: ok, waiting for reset, or open and where (str)."""
        return self._interlock_words()

    @property
    def status(self) -> tuple[str, ...]:
        """Get the meanings of the status bits that are set (str)."""
        return bits(self._status(self._source), registers.SOURCE_STATUS)

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
        self._set_and_confirm(self._source, registers.SETUP[self._type], codes[0])

    @property
    def power_level(self) -> float:
        """Control the level of the operating mode, %, from 0 to ``max_power_level`` in 0.1 %.

        :raises LimitError: outside this range; nothing is sent.
        :raises InstrumentRefused: if reading it back does not confirm it.
        """
        return self._get(self._source, self._level_register())

    @power_level.setter
    def power_level(self, percent: float) -> None:
        percent = within(
            f"{self.name} power_level (%)",
            percent,
            0.0,
            self._max_level,
            "The upper limit is max_power_level in the bench file.",
        )
        self._set_and_confirm(self._source, self._level_register(), percent)

    @property
    def pulse_picker_ratio(self) -> int:
        """Control by what the pulse rate is divided (int, 1 to 65535).

        :raises LimitError: outside this range; nothing is sent.
        :raises InstrumentRefused: if the source allows less, or does not confirm it.
        """
        return int(self._get(self._source, registers.PULSE_PICKER))

    @pulse_picker_ratio.setter
    def pulse_picker_ratio(self, ratio: int) -> None:
        self._set_and_confirm(self._source, registers.PULSE_PICKER, ratio)

    @property
    def nim_delay(self) -> int:
        """Control the delay of the NIM trigger output (int, 0 to 1023, about 9 ps each).

        :raises LimitError: outside this range; nothing is sent.
        """
        return int(self._get(self._source, registers.NIM_DELAY[self._type]))

    @nim_delay.setter
    def nim_delay(self, steps: int) -> None:
        self._set_and_confirm(self._source, registers.NIM_DELAY[self._type], steps)

    @property
    def watchdog(self) -> int:
        """Get the watchdog interval that the source holds, s; 0: it is not armed (int)."""
        return int(self._get(self._source, registers.WATCHDOG))

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
            "inlet_temperature_C": self._get(self._source, registers.INLET_TEMPERATURE),
        }

    def reset_interlock(self) -> None:
        """Reset the interlock; return once it reports ok. Starts no emission.

        Only a person who knows that nobody is in the beam may have this done.

        :raises InstrumentRefused: if the loop is open, or the reset is not confirmed.
        """
        self._set(self._source, registers.INTERLOCK, registers.INTERLOCK_RESET)
        if not self._comes_true(self._interlock_is_ok, STOP_TIMEOUT_S):
            raise InstrumentRefused(self.name, f"after a reset the interlock is {self.interlock}.")

    def _mode(self) -> int:
        code = int(self._get(self._source, registers.SETUP[self._type]))
        if code not in registers.MODES[self._type]:
            raise GarbledAnswer(self.name, f"reports an operating mode {code} that is not known.")
        return code

    def _level_register(self) -> Register:
        if self._type == registers.EXTREME and self._mode() in registers.CURRENT_MODES:
            return registers.CURRENT_LEVEL
        return registers.POWER_LEVEL
