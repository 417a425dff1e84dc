"""NKT Photonics SuperK EXTREME or Fianium with its modules on the Interbus, as bytes.

Source: NKT Photonics' SDK manual (protocol) and its register files, as the public drivers MSL,
pylablib, QMI and nkt_tools have them; the speed of the VARIA from catkit2. Over USB a virtual COM
port, 115200 8N1. Modules: source at 15, front panel at 1, RF driver at 6 or from 16 on, SELECT and
VARIA from 16 on (16 plus the rotary switch). A module answers whatever address it was asked from;
where there is no module nobody answers.

What the light does is told as lines: a pair of wavelength (nm) and relative power for each RF
channel whose wavelength the connected crystal can be tuned to (1 is full source and full
amplitude); for a VARIA, lines at most 1 nm apart (1 is full source in 1 nm) between its edges; and
without any filter the same from 400 to 2400 nm in lines of 10 nm. SELECT and VARIA on one bus each
have an output of their own, and all their lines are told.

UNVERIFIED on hardware:

- whether emission is refused (NACK) or ignored (ACK) with the interlock not reset:
  ``nack_when_interlocked``; that 0x30 reads 1 while the output ramps up, that the output is linear
  in the level, begins at 20 % of the current, and ramps linearly with time; that level and spectrum
  do not change the shape of each other;
- that the interlock waits for a reset at power-up, is not reset while its loop is open (though the
  write is acknowledged), and reads 0 and 7 after a 0 was written to it;
- that only intact telegrams to the source itself feed the watchdog, and that BUSY ones do;
- the answer to a damaged telegram (type 1 with the register as received);
- NACK for numbers out of range, for a channel outside the crystal's range, for the SELECT's switch
  with RF on, and for VARIA edges that would cross; that the first numbers of a table (wavelengths,
  amplitudes) may be written alone, and that only the first of them makes light;
- the crystals' ranges, the VARIA's (400 to 840 nm), the time its motors take to start, the speed
  of its neutral-density filter and that its set point is a transmission; which bit is which motor;
- the second word of an amplitude (0 here), the range of the pulse-picker ratio, the pulse picker of
  a Fianium at 0x34, all monitors, and that gain, FSK and setup of the RF driver leave the light
  unchanged;
- that a missing module does not open the interlock. A missing SELECT leaves no crystal connected.

Not simulated: boosters, clocks, logs, feedback inputs, shutters inside filters, settling of the
acousto-optic crystals (it is told as immediate).
"""

from __future__ import annotations

import math
from collections.abc import Callable
from itertools import chain
from typing import Final, TypeAlias

from labcool.clock import Clock
from labcool.errors import LimitError
from simulators._interbus import ANSWERS, Kind, Telegram, TelegramReader
from simulators._interbus_module import Module, Number, Text
from simulators._superk_filters import (
    NEAR_INFRARED,
    VISIBLE,
    Crystal,
    RFDriver,
    Select,
    Varia,
    band,
)
from simulators._superk_source import MODULE_TYPES, Source
from simulators.device import SimulatedDevice, Switch

Lines: TypeAlias = list[tuple[float, float]]

SOURCE_ADDRESS: Final = 15
FRONT_PANEL_ADDRESS: Final = 1

_ANSWER_TIME_S: Final = 0.005
_WHITE_NM: Final = (400.0, 2400.0)
_WHITE_CELL_NM: Final = 10.0
_EXTERNAL_ADDRESSES: Final = range(16, 32)
_RF_ADDRESSES: Final = (6, *_EXTERNAL_ADDRESSES)


class SuperK(SimulatedDevice):
    """SuperK on its bus; dark at the start, its interlock waiting for a reset.

    :param light_changed: called with ``(lines, moment)``, the lines (nm, relative power) that leave
        the filters from ``moment`` (clock s) on; also once at the start. Ramps, the moves of a
        VARIA and the end that the watchdog will make are announced ahead of time; later calls
        replace what was announced for their moment and after.
    :param model: ``EXTREME`` or ``FIANIUM``.
    :param serial: of the source.
    :param front_panel: True if there is one.
    :param rf_driver: its address, None if there is none.
    :param select: address of the SELECT with the crystals, None if there is none.
    :param crystals: the two in the SELECT.
    :param varia: its address, None if there is none.
    :param ramp_time: time in which the output rises from 0 to full, s.
    :raises LimitError: if the model is none of these, an address is not possible or is used twice,
        the ramp takes no time or the serial number is not ASCII.
    """

    def __init__(
        self,
        clock: Clock,
        *,
        light_changed: Callable[[Lines, float], None],
        model: str = "EXTREME",
        serial: str = "15120001",
        front_panel: bool = True,
        rf_driver: int | None = 16,
        select: int | None = 18,
        crystals: tuple[Crystal, Crystal] = (VISIBLE, NEAR_INFRARED),
        varia: int | None = None,
        ramp_time: float = 2.0,
    ) -> None:
        _check(model, serial, ramp_time, rf_driver=rf_driver, select=select, varia=varia)
        super().__init__(clock)
        self.module_missing: set[int] = set()
        self.busy = 0
        self.ignored_requests = 0
        self.garbled_answers = 0
        self.answer_delay = 0.0
        self._light_changed = light_changed
        self._reader = TelegramReader()
        self._select_address = select
        self._source = Source(clock, model=model, serial=serial, ramp_time=ramp_time)
        self._rf = None if rf_driver is None else RFDriver(self._crystal, "16030002")
        self._select = None if select is None else self._make_select(crystals)
        self._varia = (
            None
            if varia is None
            else Varia(clock, "17050004", monitored=lambda: self._source.output_at(clock.now()))
        )
        panel = _front_panel() if front_panel else None
        fitted: dict[int | None, Module | None] = {
            SOURCE_ADDRESS: self._source,
            FRONT_PANEL_ADDRESS: panel,
            rf_driver: self._rf,
            select: self._select,
            varia: self._varia,
        }
        self.modules: dict[int, Module] = {
            address: module
            for address, module in fitted.items()
            if address is not None and module is not None
        }
        self._announce()

    def conditions(self) -> dict[str, Switch]:
        """Return what can be wrong: the interlock."""
        return self._by_attribute(interlock_open="interlock_open")

    def _begin_anew(self) -> None:
        """Start dark, the interlock waiting for a reset, without RF power; levels are stored."""
        self._reader = TelegramReader()
        self._source.restart()
        if self._rf is not None:
            self._rf.restart()
        self._announce()

    @property
    def interlock_open(self) -> bool:
        """Control whether the interlock loop is open, which ends the emission at once."""
        return self._source.door_open

    @interlock_open.setter
    def interlock_open(self, is_open: bool) -> None:
        self._source.door_open = is_open
        self._announce()

    @property
    def interlock_cause(self) -> int:
        """Control which code (0 to 255, 2 is the door) is told for an open interlock."""
        return self._source.interlock_cause

    @interlock_cause.setter
    def interlock_cause(self, code: int) -> None:
        if not 0 <= code <= 255:
            raise LimitError("interlock code", code, "from 0 to 255")
        self._source.interlock_cause = code

    @property
    def key_off(self) -> bool:
        """Control whether the key is off, which ends the emission at once."""
        return self._source.key_off

    @key_off.setter
    def key_off(self, is_off: bool) -> None:
        self._source.key_off = is_off
        self._announce()

    @property
    def nack_when_interlocked(self) -> bool:
        """Control whether emission is refused, or else ignored, while the interlock is not OK."""
        return self._source.nack_when_interlocked

    @nack_when_interlocked.setter
    def nack_when_interlocked(self, refuses: bool) -> None:
        self._source.nack_when_interlocked = refuses

    def press_reset(self) -> None:
        """Do as the person at the front panel does to reset the interlock."""
        self._source.reset_interlock()

    def press_emission(self) -> None:
        """Do as the person at the front panel does to start the emission, at full power."""
        self._source.emit_fully()
        self._announce()

    def light_at(self, moment: float) -> Lines:
        """Return the lines at ``moment`` (clock s), if nobody interferes until then."""
        output = self._source.output_at(moment)
        if output == 0:
            return []
        if self._rf is None and self._varia is None:
            lines = band(*_WHITE_NM, 1.0, _WHITE_CELL_NM)
        else:
            lines = [] if self._rf is None else self._rf.lines()
            lines += [] if self._varia is None else self._varia.lines(moment)
        return [(wavelength, power * output) for wavelength, power in lines]

    def _accept(self, data: bytes) -> None:
        for telegram, intact in self._reader.feed(data):
            self._take(telegram, intact)

    def _take(self, request: Telegram, intact: bool) -> None:
        module = self.modules.get(request.destination)
        if module is None or request.destination in self.module_missing or request.kind in ANSWERS:
            return
        if self.ignored_requests > 0:
            self.ignored_requests -= 1
            return
        if not intact:
            self._answer(request.answer(Kind.CRC_ERROR))
            return
        if module is self._source:
            self._source.hear()
        if self.busy > 0:
            self.busy -= 1
            self._answer(request.answer(Kind.BUSY))
        else:
            self._answer(request.answer(*module.answer(request)))
        self._announce()

    def _answer(self, answer: Telegram) -> None:
        garbled = self.garbled_answers > 0
        self.garbled_answers -= garbled
        self._send(answer.frame(crc_mask=0x0100 * garbled), _ANSWER_TIME_S + self.answer_delay)

    def _crystal(self) -> tuple[int, Crystal | None]:
        if self._select is None or self._select_address in self.module_missing:
            return 0, None
        return self._select.connected()

    def _make_select(self, crystals: tuple[Crystal, Crystal]) -> Select:
        return Select(
            crystals,
            "16030003",
            rf_is_on=lambda: self._rf is not None and self._rf.is_on,
            interlock_is_ok=lambda: self._source.interlock_is_ok,
            monitored=lambda: sum(power for _, power in self.light_at(self.clock.now())),
        )

    def _announce(self) -> None:
        """Tell the light from now on; in between changes as it is halfway to the next one."""
        now = self.clock.now()
        travels = [] if self._varia is None else self._varia.changes(now)
        moments = [now, *sorted({*self._source.changes(now), *travels})]
        for begin, end in zip(moments, chain(moments[1:], moments[-1:]), strict=True):
            self._light_changed(self.light_at((begin + end) / 2), begin)


def _front_panel() -> Module:
    panel = Module(b"\x61", "15120005")
    panel.registers |= {
        0x3D: Number(0, 1, 1).register(),
        0x72: Text(80).register(),
        0x8D: Number(0, 1, 1).register(),
    }
    return panel


def _check(model: str, serial: str, ramp_time: float, **addresses: int | None) -> None:
    if model not in MODULE_TYPES:
        raise LimitError("model", model, f"one of {', '.join(MODULE_TYPES)}")
    if not (serial.isascii() and serial.isprintable()):
        raise LimitError("serial number", serial, "printable ASCII")
    if not 0 < ramp_time < math.inf:
        raise LimitError("ramp time (s)", ramp_time, "finite and above 0")
    used = [address for address in addresses.values() if address is not None]
    for name, address in addresses.items():
        possible = _RF_ADDRESSES if name == "rf_driver" else tuple(_EXTERNAL_ADDRESSES)
        if address is not None and (address not in possible or used.count(address) > 1):
            raise LimitError(f"address of {name}", address, f"one of {possible}, used once")
