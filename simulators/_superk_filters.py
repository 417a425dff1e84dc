"""The filters on a SuperK's bus: RF driver (0x66) with SELECT (0x67), and VARIA (0x68).

What is assumed of them is told in :mod:`simulators.superk`. Lines of light are pairs of a
wavelength (nm) and a relative power for a source at full output.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from dataclasses import dataclass
from typing import Final

from labcool.clock import Clock
from simulators._interbus_module import Module, Number, Register, computed, constant

CHANNELS: Final = 8
RF_ON, NEEDS_CRYSTAL_INFO = 1 << 0, 1 << 14
SELECT_RELAYS_OFF: Final = 1 << 1
FILTER_MOVING: Final = {"nd": 1 << 12, "swp": 1 << 13, "lwp": 1 << 14}
VARIA_RANGE_DECINM: Final = (4000, 8400)

_FSK_ENTRIES: Final = 4
_AMPLITUDE_ENTRIES: Final = 2
_FULL_AMPLITUDE: Final = 1000
_CRYSTAL_DECIDEGREES: Final = 230
_NM_PER_CELL: Final = 1.0
_START_OF_MOVE_S: Final = 0.05
_SECONDS_PER_NM: Final = 0.013
_SECONDS_PER_WHOLE_ND: Final = 2.0
_STEPS_OF_MOVE: Final = 10


@dataclass(frozen=True)
class Crystal:
    """An acousto-optic crystal and the wavelengths that it can be tuned to, pm."""

    name: str
    shortest: int
    longest: int


VISIBLE: Final = Crystal("VIS", 400_000, 650_000)
NEAR_INFRARED: Final = Crystal("nIR1", 640_000, 1_100_000)


class RFDriver(Module):
    """Drives the crystal that is connected to it with up to eight frequencies.

    :param crystal: returns the number (from 1) of the crystal connected now, and the crystal; 0
        and None if there is none.
    """

    def __init__(self, crystal: Callable[[], tuple[int, Crystal | None]], serial: str) -> None:
        super().__init__(b"\x66", serial)
        self._crystal = crystal
        self._on = Number(0, 1, 1)
        self._wavelengths = [[0] * _FSK_ENTRIES for _ in range(CHANNELS)]
        self._amplitudes = [[0] * _AMPLITUDE_ENTRIES for _ in range(CHANNELS)]
        self.registers |= {
            0x30: self._on.register(),
            0x31: Number(0, 2, 7).register(),
            0x34: computed(lambda: self._ends()[0], 4),
            0x35: computed(lambda: self._ends()[1], 4),
            0x38: constant(_CRYSTAL_DECIDEGREES, 2, signed=True),
            0x3B: Number(0, 1, 3).register(),
            0x3C: Number(0, 1, 3).register(),
            0x75: computed(lambda: self._crystal()[0], 1),
        }
        for channel in range(CHANNELS):
            self.registers[0x90 + channel] = _table(self._wavelengths[channel], 4, self._ends)
            self.registers[0xB0 + channel] = _table(
                self._amplitudes[channel], 2, lambda: (0, _FULL_AMPLITUDE)
            )
            self.registers[0xC0 + channel] = Number(1000, 2, 1000).register()

    @property
    def is_on(self) -> bool:
        """True while RF power is on."""
        return bool(self._on.value)

    def restart(self) -> None:
        """Begin as after power-on, without RF power; wavelengths and amplitudes are stored."""
        self._on.value = 0

    def lines(self) -> list[tuple[float, float]]:
        """Return what passes, one line for each channel that reaches the crystal."""
        lowest, highest = self._ends()
        return [
            (wavelength[0] / 1000, amplitude[0] / _FULL_AMPLITUDE)
            for wavelength, amplitude in zip(self._wavelengths, self._amplitudes, strict=True)
            if self.is_on and amplitude[0] and 0 < lowest <= wavelength[0] <= highest
        ]

    def status(self) -> int:
        """Return the bits for RF power and a missing crystal."""
        missing = self._crystal()[1] is None
        return RF_ON * self.is_on | NEEDS_CRYSTAL_INFO * missing

    def _ends(self) -> tuple[int, int]:
        crystal = self._crystal()[1]
        return (0, 0) if crystal is None else (crystal.shortest, crystal.longest)


def _table(entries: list[int], size: int, limits: Callable[[], tuple[int, int]]) -> Register:
    """Return a register of several numbers, of which the first ones may be written alone."""

    def read() -> bytes:
        return b"".join(entry.to_bytes(size, "little") for entry in entries)

    def write(data: bytes) -> bool:
        lowest, highest = limits()
        parts = [data[at : at + size] for at in range(0, len(data), size)]
        values = [int.from_bytes(part, "little") for part in parts]
        if len(data) % size or not 1 <= len(values) <= len(entries):
            return False
        if not all(lowest <= value <= highest for value in values):
            return False
        entries[: len(values)] = values
        return True

    return Register(read, write)


class Select(Module):
    """Housing of two crystals, of which the RF switch chooses one.

    :param rf_is_on: tells whether RF power is on.
    :param interlock_is_ok: tells whether the interlock relays of the bus are closed.
    :param monitored: returns the light that leaves now, relative.
    """

    def __init__(
        self,
        crystals: tuple[Crystal, Crystal],
        serial: str,
        *,
        rf_is_on: Callable[[], bool],
        interlock_is_ok: Callable[[], bool],
        monitored: Callable[[], float],
    ) -> None:
        super().__init__(b"\x67", serial)
        self._crystals = crystals
        self._interlock_is_ok = interlock_is_ok
        self._switch = Number(0, 1, 1)
        self._monitored = monitored

        def write_switch(data: bytes) -> bool:
            return not rf_is_on() and self._switch.write(data)

        self.registers |= {
            0x10: computed(lambda: self._monitor(0), 2),
            0x11: computed(lambda: self._monitor(1), 2),
            0x32: Number(0, 1, 255).register(),
            0x33: Number(0, 1, 255).register(),
            0x34: Register(self._switch.read, write_switch),
            0x35: Number(0, 1, 1).register(),
            0x90: constant(crystals[0].shortest, 4),
            0x91: constant(crystals[0].longest, 4),
            0xA0: constant(crystals[1].shortest, 4),
            0xA1: constant(crystals[1].longest, 4),
        }

    def connected(self) -> tuple[int, Crystal]:
        """Return the number (from 1) of the crystal that the RF goes to, and the crystal."""
        return self._switch.value + 1, self._crystals[self._switch.value]

    def status(self) -> int:
        """Return the bit of the interlock."""
        return 0 if self._interlock_is_ok() else SELECT_RELAYS_OFF

    def _monitor(self, number: int) -> int:
        return min(round(self._monitored() * 1000), 1000) if self._switch.value == number else 0


@dataclass(frozen=True)
class _Travel:
    """A motor on its way; a position in the units of its register."""

    moment: float
    start: int
    target: int
    seconds_per_unit: float

    @property
    def end(self) -> float:
        way = abs(self.target - self.start)
        return self.moment + (_START_OF_MOVE_S + way * self.seconds_per_unit if way else 0.0)

    def position(self, moment: float) -> float:
        if moment >= self.end:
            return self.target
        passed = max(moment - self.moment - _START_OF_MOVE_S, 0.0) / self.seconds_per_unit
        return self.start + math.copysign(passed, self.target - self.start)


class Varia(Module):
    """Tunable band-pass of a neutral-density and two edge filters, each with its motor.

    :param monitored: returns the light that enters now, relative.
    """

    def __init__(self, clock: Clock, serial: str, *, monitored: Callable[[], float]) -> None:
        super().__init__(b"\x68", serial)
        self._clock = clock
        now, per_decinm = clock.now(), _SECONDS_PER_NM / 10
        self._travels = {
            "nd": _Travel(now, 1000, 1000, _SECONDS_PER_WHOLE_ND / 1000),
            "swp": _Travel(now, 5500, 5500, per_decinm),
            "lwp": _Travel(now, 5000, 5000, per_decinm),
        }
        self.registers |= {
            0x13: computed(lambda: min(round(monitored() * 1000), 1000), 2),
            0x32: self._setpoint("nd"),
            0x33: self._setpoint("swp"),
            0x34: self._setpoint("lwp"),
        }

    def status(self) -> int:
        """Return the bits of the filters that move."""
        now = self._clock.now()
        return sum(bit for name, bit in FILTER_MOVING.items() if now < self._travels[name].end)

    def lines(self, moment: float) -> list[tuple[float, float]]:
        """Return what passes at ``moment`` (clock s), lines at most 1 nm apart, power 1 in 1 nm."""
        nd, swp, lwp = (self._travels[name].position(moment) for name in ("nd", "swp", "lwp"))
        return band(lwp / 10, swp / 10, nd / 1000, _NM_PER_CELL)

    def changes(self, now: float) -> list[float]:
        """Return the moments (clock s) after ``now`` for which :meth:`lines` should be asked."""
        moments = [
            travel.end - (travel.end - travel.moment) * step / _STEPS_OF_MOVE
            for travel in self._travels.values()
            for step in range(_STEPS_OF_MOVE)
        ]
        return [moment for moment in moments if moment > now]

    def _setpoint(self, name: str) -> Register:
        def write(data: bytes) -> bool:
            now, value = self._clock.now(), int.from_bytes(data, "little")
            if len(data) != 2 or not self._allows(name, value):
                return False
            here, old = round(self._travels[name].position(now)), self._travels[name]
            self._travels[name] = _Travel(now, here, value, old.seconds_per_unit)
            return True

        return Register(lambda: self._travels[name].target.to_bytes(2, "little"), write)

    def _allows(self, name: str, value: int) -> bool:
        if name == "nd":
            return value <= 1000
        lowest, highest = VARIA_RANGE_DECINM
        if not lowest <= value <= highest:
            return False
        if name == "swp":
            return value > self._travels["lwp"].target
        return value < self._travels["swp"].target


def band(begin: float, end: float, per_nm: float, cell: float) -> list[tuple[float, float]]:
    """Return lines (nm, relative power) in place of a flat band from ``begin`` to ``end`` (nm).

    :param per_nm: relative power in 1 nm.
    :param cell: largest distance between the lines, nm.
    """
    if end <= begin or per_nm == 0:
        return []
    count = math.ceil((end - begin) / cell - 1e-9)
    width = (end - begin) / count
    return [(begin + (number + 0.5) * width, per_nm * width) for number in range(count)]
