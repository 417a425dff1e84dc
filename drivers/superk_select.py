"""NKT Photonics SuperK SELECT tunable filter (AOTF) with its RF driver (Interbus).

Two modules: the RF driver, whose eight channels each let one line pass, and the SELECT housing with
one or two crystals (VIS, NIR). Registers are those of NKT's register files ``66.txt`` and
``67.txt``; see :mod:`drivers._nkt_registers`. A reading of a channel's wavelength has four numbers
(FSK table), of its amplitude two; the first is used.

Wavelengths
    Only what the crystal that is connected *now* can diffract may be set, by the limits that the
    RF driver reports for it; nothing is hard-coded. A wavelength of the other crystal is refused,
    with the advice to call :meth:`SuperKSelect.select_crystal`, which turns the RF switch of the
    housing, only with the RF power off, and waits for the new crystal's limits.

Safety
    Connecting reads only. *Emission* here is the RF power, which diffracts the chosen lines into
    the filtered output; the source itself goes on emitting without it. It counts as on or off
    only when register and status bit both say so. Made safe, the RF power is off first (one
    telegram for all channels), then all amplitudes are 0.

Checked against published telegrams (RF on, 633.000 nm, 50.0 %) and QMI's encoder. UNVERIFIED on
hardware: the second number of an amplitude reading; how soon the limits follow the RF switch
(``switch_timeout``); the time the AOTF needs to settle, which is milliseconds; the line width.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping
from typing import Annotated, Final, NamedTuple

from annotated_types import Interval

from drivers import _nkt_registers as registers
from drivers._interbus_instrument import InterbusInstrument, module_address
from drivers._interbus_registers import bits
from drivers._wire import Resource, within
from labcool.clock import Clock, RealClock
from labcool.errors import (
    GarbledAnswer,
    InstrumentError,
    InstrumentRefused,
    InstrumentTimeout,
    LimitError,
    ShutterNotClosed,
)

log = logging.getLogger(__name__)

RF_TIMEOUT_S: Final = 2.0
SETTLING_S: Final = 0.01
SAME_LIMIT_NM: Final = 0.01


class Channel(NamedTuple):
    """One line: its wavelength, nm, and its amplitude, %."""

    wavelength: float
    amplitude: float


class SuperKSelect(InterbusInstrument):
    """A SuperK SELECT with its RF driver. Safe state: RF power off, verified; amplitudes 0.

    :param resource: VISA resource string, PyMeasure adapter, or link; the same one as for the other
        modules on the port.
    :param clock: runs the waiting; default: the wall's time.
    :param visa_library: PyVISA backend, e.g. ``"@py"``.
    :param rf_address: Interbus address of the RF driver: 6 inside the source, else 16 plus switch.
    :param select_address: Interbus address of the housing, 16 plus the rotary switch.
    :param main_channel: the channel that ``wavelength`` and ``power_level`` stand for.
    :param switch_timeout: longest time the change to another crystal may take, s.
    :raises WrongInstrument: if other modules answer.
    """

    def __init__(
        self,
        resource: Resource,
        name: str = "SuperK SELECT",
        *,
        clock: Clock | None = None,
        visa_library: str = "",
        rf_address: Annotated[int, Interval(ge=1, le=160)] = 16,
        select_address: Annotated[int, Interval(ge=1, le=160)] = 17,
        main_channel: Annotated[int, Interval(ge=0, le=7)] = 0,
        switch_timeout: Annotated[float, Interval(ge=0.1, le=60.0)] = 5.0,
    ) -> None:
        self._rf = module_address(f"{name} rf_address", rf_address)
        self._housing = module_address(f"{name} select_address", select_address)
        if rf_address == select_address:
            raise LimitError(f"{name} select_address", select_address, "another than rf_address")
        self._switch_timeout = within(f"{name} switch_timeout (s)", switch_timeout, 0.1, 60.0)
        self.name = name
        self._main = self._channel(main_channel)
        super().__init__(
            resource,
            name,
            clock=clock or RealClock(),
            visa_library=visa_library,
            modules={
                rf_address: {registers.RF_DRIVER: registers.MODELS[registers.RF_DRIVER]},
                select_address: {registers.SELECT: registers.MODELS[registers.SELECT]},
            },
        )

    @property
    def emission(self) -> bool:
        """Get whether RF power is on: the status bit or the register says so (bool)."""
        emits = bool(self._status(self._rf) & registers.EMISSION_BIT)
        return emits or self._get(self._rf, registers.ON_OFF) != registers.OFF

    @property
    def status(self) -> tuple[str, ...]:
        """Get the meanings of the status bits of RF driver and housing that are set (str)."""
        return bits(self._status(self._rf), registers.RF_STATUS) + bits(
            self._status(self._housing), registers.HOUSING_STATUS
        )

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
            raise InstrumentRefused(
                self.name, "the RF driver reports no crystal. Check the RF cable and its power."
            )
        return lowest, highest

    @property
    def wavelength(self) -> float:
        """Control the wavelength of the main channel, nm, as :meth:`set_wavelength`."""
        return self.channel(self._main).wavelength

    @wavelength.setter
    def wavelength(self, nanometres: float) -> None:
        self.set_wavelength(self._main, nanometres)

    @property
    def bandwidth(self) -> float:
        """Get the width of a line, nm: fixed by the crystal and not reported, so NaN."""
        return math.nan

    @property
    def power_level(self) -> float:
        """Control the amplitude of the main channel, %, as :meth:`set_amplitude`."""
        return self.channel(self._main).amplitude

    @power_level.setter
    def power_level(self, percent: float) -> None:
        self.set_amplitude(self._main, percent)

    def channel(self, channel: int) -> Channel:
        """Return wavelength and amplitude that channel 0 to 7 holds."""
        number = self._channel(channel)
        return Channel(
            self._get(self._rf, registers.WAVELENGTHS[number]),
            self._get(self._rf, registers.AMPLITUDES[number]),
        )

    def set_wavelength(self, channel: int, nanometres: float) -> None:
        """Set the wavelength of channel 0 to 7, nm, in steps of 1 pm, and read it back.

        :raises LimitError: if the connected crystal cannot diffract it; nothing is set.
        :raises InstrumentRefused: if no crystal is connected, or it is not confirmed.
        """
        number = self._channel(channel)
        lowest, highest = self.wavelength_range
        if not lowest <= nanometres <= highest:
            raise LimitError(
                f"{self.name} wavelength of channel {number} (nm)",
                nanometres,
                f"from {lowest:g} to {highest:g} (crystal {self.crystal})",
                self._where(nanometres),
            )
        self._set_and_confirm(self._rf, registers.WAVELENGTHS[number], nanometres)
        self._clock.sleep(SETTLING_S)

    def set_amplitude(self, channel: int, percent: float) -> None:
        """Set the amplitude of channel 0 to 7, 0 to 100 % in 0.1 %, and read it back.

        :raises LimitError: outside this range; nothing is sent.
        :raises InstrumentRefused: if it is not confirmed.
        """
        number = self._channel(channel)
        self._set_and_confirm(self._rf, registers.AMPLITUDES[number], percent)
        self._clock.sleep(SETTLING_S)

    def select_crystal(self, crystal: int) -> None:
        """Connect crystal 1 or 2 through the RF switch; return once its limits are reported.

        :raises LimitError: if the housing has no such crystal.
        :raises InstrumentRefused: while the RF power is on, or if none is connected.
        :raises InstrumentTimeout: if RF driver and housing do not agree in ``switch_timeout``.
        """
        crystals = self.crystals
        if crystal not in crystals:
            there = " or ".join(str(number) for number in crystals) or "none is there"
            raise LimitError(f"{self.name} crystal", crystal, there)
        present = self.crystal
        if present == crystal:
            return
        if self.emission:
            raise InstrumentRefused(
                self.name, "crystal not changed, because the RF power is on. stop_emission() first."
            )
        if not present:
            raise InstrumentRefused(self.name, "no crystal is connected. Check the RF cable.")
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

    def settings(self) -> Mapping[str, float | int | str | bool]:
        """Return what the modules report: RF, crystal, channels, monitors, status."""
        lines = {n: self.channel(n) for n in registers.CHANNELS}
        return {
            "rf_on": self.emission,
            "crystal": self.crystal,
            "crystal_temperature_C": self.crystal_temperature,
            "main_channel": self._main,
            **{f"channel_{n}_wavelength_nm": line.wavelength for n, line in lines.items()},
            **{f"channel_{n}_amplitude_percent": line.amplitude for n, line in lines.items()},
            "monitor_1_percent": self._get(self._housing, registers.MONITORS[0]),
            "monitor_2_percent": self._get(self._housing, registers.MONITORS[1]),
            "status": ", ".join(self.status),
        }

    def start_emission(self) -> None:
        """Switch the RF power on; return once it is reported. On any failure it is off again.

        :raises InstrumentRefused: if a module reports a fault, or RF power is not confirmed.
        :raises ShutterNotClosed: if, after a failure, it cannot be confirmed to be off.
        """
        self._refuse_if(self._status(self._rf), registers.RF_FAULTS, "RF power")
        self._refuse_if(self._status(self._housing), registers.HOUSING_FAULTS, "RF power")
        try:
            self._set_once(self._rf, registers.ON_OFF, 1)
            if not self._comes_true(self._rf_is_confirmed, RF_TIMEOUT_S):
                raise InstrumentRefused(
                    self.name, f"no RF power reported {RF_TIMEOUT_S:g} s after the command."
                )
        except InstrumentError:
            self.stop_emission()
            raise
        self._clock.sleep(SETTLING_S)

    def stop_emission(self) -> None:
        """Switch the RF power off; return once register and status bit both say so.

        :raises ShutterNotClosed: if that cannot be confirmed.
        """
        try:
            self._set(self._rf, registers.ON_OFF, registers.OFF)
            if not self._comes_true(lambda: not self.emission, RF_TIMEOUT_S):
                raise InstrumentRefused(self.name, f"on {RF_TIMEOUT_S:g} s after the command.")
        except InstrumentError as error:
            raise ShutterNotClosed(
                self.name,
                f"RF power is not confirmed to be off ({error.problem}) Block the beam by hand.",
            ) from error

    def make_safe(self) -> None:
        """Switch the RF power off and verify it; then set all amplitudes to 0, also if that failed.

        :raises ShutterNotClosed: if RF power is not confirmed to be off.
        """
        try:
            self.stop_emission()
        except ShutterNotClosed:
            self._try_to_dim()
            raise
        self._set_all_amplitudes_to_0()

    def _try_to_dim(self) -> None:
        try:
            self._set_all_amplitudes_to_0()
        except InstrumentError as error:
            log.error("%s The amplitudes are not 0 either.", error)

    def _set_all_amplitudes_to_0(self) -> None:
        for amplitude in registers.AMPLITUDES:
            self._set_and_confirm(self._rf, amplitude, 0.0)

    def _rf_is_confirmed(self) -> bool:
        emits = bool(self._status(self._rf) & registers.EMISSION_BIT)
        return emits and self._get(self._rf, registers.ON_OFF) != registers.OFF

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

    def _where(self, nanometres: float) -> str:
        for crystal, (lowest, highest) in self.crystals.items():
            if lowest <= nanometres <= highest:
                return (
                    f"Crystal {crystal} covers {lowest:g} to {highest:g} nm: "
                    f"select_crystal({crystal}) first, with the RF power off."
                )
        return "No crystal of this SELECT covers it."

    def _channel(self, channel: int) -> int:
        if channel not in registers.CHANNELS:
            raise LimitError(f"{self.name} channel", channel, "from 0 to 7")
        return channel
