"""NKT Photonics SuperK SELECT tunable filter (AOTF) with its RF driver (Interbus).

Two modules: the RF driver, whose eight channels each let one line pass, and the SELECT housing with
one or two crystals (VIS, NIR). Registers are those of NKT's register files ``66.txt`` and
``67.txt``; see :mod:`drivers._nkt_registers`. A reading of a channel's wavelength has four numbers
(FSK table), of its amplitude two; the first is used.

Wavelengths
    Only what a crystal can diffract may be set, by the limits that RF driver and housing report;
    nothing is hard-coded. For a wavelength of the other crystal the RF switch of the housing is
    turned (:meth:`SuperKSelect.select_crystal`) and the new crystal's limits are awaited, if the RF
    power is off; else it is refused.

Safety
    Connecting reads only. *Emission* here is the RF power, which diffracts the chosen lines into
    the filtered output; the source itself goes on emitting without it. It counts as on or off
    only when register and status bit both say so. Made safe, the RF power is off first (one
    telegram for all channels), then all amplitudes are 0. :meth:`SuperKSelect.shutdown` does that
    to RF power that was switched on here, and leaves alone what somebody else has switched on.

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
from drivers._interbus_instrument import module_address
from drivers._interbus_registers import bits
from drivers._superk_crystals import CrystalHousing
from drivers._wire import Resource
from labcool.clock import Clock, RealClock
from labcool.errors import InstrumentError, InstrumentRefused, LimitError, ShutterNotClosed
from labcool.numbers import real, whole, within

log = logging.getLogger(__name__)

RF_TIMEOUT_S: Final = 2.0
SETTLING_S: Final = 0.01


class Channel(NamedTuple):
    """One line: its wavelength, nm, and its amplitude, %."""

    wavelength: float
    amplitude: float


class SuperKSelect(CrystalHousing):
    """A SuperK SELECT with its RF driver. Safe state: RF power off, verified; amplitudes 0.

    :param resource: VISA resource string, PyMeasure adapter, or link; the same one as for the other
        modules on the port.
    :param clock: runs the waiting; default: the wall's time.
    :param visa_library: PyVISA backend, e.g. ``"@py"``.
    :param rf_address: Interbus address of the RF driver: 6 inside the source, else 16 plus switch.
    :param select_address: Interbus address of the housing, 16 plus the rotary switch. Public
        drivers find it at 18; a VARIA is at 17 as delivered, and two modules cannot be at one.
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
        select_address: Annotated[int, Interval(ge=1, le=160)] = 18,
        main_channel: Annotated[int, Interval(ge=0, le=7)] = 0,
        switch_timeout: Annotated[float, Interval(ge=0.1, le=60.0)] = 5.0,
    ) -> None:
        self._rf = module_address(f"{name} rf_address", rf_address)
        self._housing = module_address(f"{name} select_address", select_address)
        if self._rf == self._housing:
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
                self._rf: {registers.RF_DRIVER: registers.MODELS[registers.RF_DRIVER]},
                self._housing: {registers.SELECT: registers.MODELS[registers.SELECT]},
            },
        )

    @property
    def status(self) -> tuple[str, ...]:
        """Get the meanings of the status bits of RF driver and housing that are set (str)."""
        return bits(self._status(self._rf), registers.RF_STATUS) + bits(
            self._status(self._housing), registers.HOUSING_STATUS
        )

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

        With the RF power off, the crystal that can diffract it is connected first if need be; the
        wavelengths of the other channels stay, and mean nothing to the new crystal.

        :raises LimitError: if no crystal can diffract it; nothing is set.
        :raises InstrumentRefused: if it needs the other crystal while the RF power is on, no
            crystal is connected, or it is not confirmed.
        :raises InstrumentTimeout: as :meth:`select_crystal`.
        """
        number = self._channel(channel)
        field = f"{self.name} wavelength of channel {number} (nm)"
        self._connect_crystal_for(field, real(field, nanometres))
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
        self._switched_on = True
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
        self._switched_on = False

    def keep_alive(self) -> None:
        """Look whether the RF power that was switched on here is still on. It has no watchdog.

        :raises InstrumentRefused: if it is not.
        """
        if not self._switched_on:
            self._status(self._rf)
        elif not self._rf_is_confirmed():
            raise InstrumentRefused(
                self.name,
                f"the RF power has ended by itself; status {', '.join(self.status) or 'clear'}.",
            )

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

    def attention(self) -> tuple[str, ...]:
        """Return what a person should see to: RF power that is on, crystal, interlock, faults."""
        told = ["Its RF power is on."] if self.emission else []
        if not self.crystal:
            told.append("No crystal is connected. Check the RF cable.")
        coldest, warmest = registers.HEALTHY_CRYSTAL_C
        if self.crystal and not coldest <= (now := self.crystal_temperature) <= warmest:
            told.append(
                f"Its crystal is at {now:g} °C, outside {coldest:g} to {warmest:g} °C: wavelengths "
                "will be off."
            )
        if self._status(self._housing) & registers.HOUSING_INTERLOCK_BIT:
            told.append("Its interlock is off: see the source.")
        faults = self._status(self._rf) & registers.RF_FAULT_BITS
        return (*told, *(f"It reports: {words}." for words in bits(faults, registers.RF_FAULTS)))

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

    def _channel(self, channel: int) -> int:
        channels = registers.CHANNELS
        return whole(f"{self.name} channel", channel, channels.start, channels.stop - 1)
