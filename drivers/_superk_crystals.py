"""The crystals in a SELECT: which one is connected, what each reaches, and changing them."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final

from drivers import _nkt_registers as registers
from drivers._interbus_instrument import InterbusInstrument
from labcool.errors import GarbledAnswer, InstrumentRefused, InstrumentTimeout, LimitError
from labcool.numbers import whole

SAME_LIMIT_NM: Final = 0.01
NONE_CONNECTED: Final = "the RF driver reports no crystal. Check the RF cable and its power."


class CrystalHousing(InterbusInstrument):
    """Base of the driver of RF driver and housing. Set before connecting:

    :param _rf: address of the RF driver.
    :param _housing: address of the housing.
    :param _switch_timeout: longest time the change to another crystal may take, s.
    """

    _rf: int
    _housing: int
    _switch_timeout: float

    @property
    def emission(self) -> bool:
        """Get whether RF power is on: the status bit or the register says so (bool)."""
        emits = bool(self._status(self._rf) & registers.EMISSION_BIT)
        return emits or self._get(self._rf, registers.ON_OFF) != registers.OFF

    @property
    def crystal(self) -> int:
        """Get which crystal of the housing is connected: 1 or 2, 0 for none (int)."""
        connected = int(self._get(self._rf, registers.CONNECTED_CRYSTAL))
        if connected > 4:
            raise GarbledAnswer(self.name, f"reports a connected crystal {connected}.")
        return (connected - 1) % 2 + 1 if connected else 0

    @property
    def crystals(self) -> Mapping[int, tuple[float, float]]:
        """Get the lowest and highest wavelength of each crystal that is built in, nm."""
        limits = {
            crystal: self._limits(self._housing, pair)
            for crystal, pair in enumerate(registers.CRYSTAL_LIMITS, 1)
        }
        return {crystal: pair for crystal, pair in limits.items() if 0 < pair[0] < pair[1]}

    @property
    def crystal_temperature(self) -> float:
        """Measure the temperature of the connected crystal, °C; 18 to 28 °C is healthy."""
        return self._get(self._rf, registers.CRYSTAL_TEMPERATURE)

    @property
    def wavelength_range(self) -> tuple[float, float]:
        """Get the lowest and highest wavelength of the connected crystal, nm.

        :raises InstrumentRefused: if none is connected, or its limits are not known (yet).
        """
        lowest, highest = self._limits(
            self._rf, (registers.LOWEST_WAVELENGTH, registers.HIGHEST_WAVELENGTH)
        )
        if not (self.crystal and 0 < lowest < highest):
            raise InstrumentRefused(self.name, NONE_CONNECTED)
        return lowest, highest

    @property
    def wavelength_ranges(self) -> tuple[tuple[float, float], ...]:
        """Get the lowest and highest wavelength of every crystal, nm; between them are gaps."""
        return tuple(sorted(self.crystals.values()))

    def select_crystal(self, crystal: int) -> None:
        """Connect crystal 1 or 2 through the RF switch; return once its limits are reported.

        :raises LimitError: if the housing has no such crystal.
        :raises InstrumentRefused: while the RF power is on, or if none is connected.
        :raises InstrumentTimeout: if RF driver and housing do not agree in ``switch_timeout``.
        """
        field = f"{self.name} crystal"
        crystal = whole(field, crystal, 1, len(registers.CRYSTAL_LIMITS))
        crystals = self.crystals
        if crystal not in crystals:
            there = " or ".join(str(number) for number in crystals) or "none is there"
            raise LimitError(field, crystal, there)
        present = self.crystal
        if present == crystal:
            return
        if self.emission:
            raise InstrumentRefused(
                self.name, "crystal not changed, because the RF power is on. stop_emission() first."
            )
        if not present:
            raise InstrumentRefused(self.name, NONE_CONNECTED)
        swapped = 1 - self._get(self._housing, registers.RF_SWITCH)
        self._set_and_confirm(self._housing, registers.RF_SWITCH, swapped)
        if not self._comes_true(
            lambda: self._is_connected(crystal, crystals[crystal]), self._switch_timeout
        ):
            raise InstrumentTimeout(
                self.name,
                f"crystal {crystal} is not reported connected {self._switch_timeout:g} s after the "
                "RF switch. Check the RF cables.",
            )

    def _connect_crystal_for(self, field: str, nanometres: float) -> None:
        """Have a crystal connected that can diffract a wavelength.

        :raises LimitError: if there is none; nothing is set.
        :raises InstrumentRefused: if it is another than the one connected and the RF power is on.
        """
        lowest, highest = self.wavelength_range
        if lowest <= nanometres <= highest:
            return
        crystals = self.crystals
        for crystal, (shortest, longest) in crystals.items():
            if shortest <= nanometres <= longest and crystal != self.crystal:
                if self.emission:
                    raise InstrumentRefused(
                        self.name,
                        f"{nanometres:g} nm not set: it needs crystal {crystal}, and that is "
                        "connected only with the RF power off. stop_emission() first.",
                    )
                self.select_crystal(crystal)
                return
        ranges = (f"from {shortest:g} to {longest:g}" for shortest, longest in crystals.values())
        raise LimitError(
            field,
            nanometres,
            " or ".join(ranges) or f"from {lowest:g} to {highest:g}",
            "No crystal of this SELECT diffracts anything else.",
        )

    def _is_connected(self, crystal: int, limits: tuple[float, float]) -> bool:
        if self.crystal != crystal:
            return False
        reported = self._limits(
            self._rf, (registers.LOWEST_WAVELENGTH, registers.HIGHEST_WAVELENGTH)
        )
        pairs = zip(reported, limits, strict=True)
        return all(abs(one - other) < SAME_LIMIT_NM for one, other in pairs)

    def _limits(self, module: int, pair: registers.Pair) -> tuple[float, float]:
        lowest, highest = pair
        return self._get(module, lowest), self._get(module, highest)
