"""What the detectors of the bench get: lock-in input, aux input, power meter.

Everything follows from the steps of the light (:class:`simulators._light_history.Step`), also for
moments that have passed. With the numbers of :class:`DetectionOptics`:

*photothermal*
    The probe behind the sample, on a photodiode: its power, modulated by the heat that the chopped
    pump leaves (:mod:`simulators._photothermal`). Heating and cooling differ in sign, so by 180°.
*luminescence*
    What the sample emits, through the notch filter and then a band filter or, on a bench with a
    monochromator, that, on a photodiode; with it the pump light that is scattered and passes.
*monitor*
    Aux input 1: a part of the pump, split off between shutter and chopper, on a photodiode.
*power meter*
    All the pump light where its sensor stands, as the power at one wavelength that gives the same
    current; of a chopped beam the mean.

Signals at the lock-in are the fundamental (rms) of the chopped light against the chopper's
reference. With a chopper that stands nothing is modulated; on a bench without one nothing is
connected to the lock-in's input.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Final, Literal, TypeAlias

import numpy as np
from numpy.typing import NDArray

from labcool.units import HC_EV_NM
from simulators._exposures import NODE_K, LineTable
from simulators._light_history import Step
from simulators._pass_band import PassBand
from simulators._photodiode import ELEMENTARY_CHARGE, Photodiode
from simulators._photothermal import PhotothermalResponse
from simulators._pm100d_sensor import Sensor, responsivity
from simulators._sr830_signal import square_wave
from simulators.light_path import LightPath
from simulators.sample import JOULE_PER_EV

LockInInput: TypeAlias = Literal["photothermal", "luminescence"]
MeterPlace: TypeAlias = Literal["sample", "laser"]

METER_WAVELENGTH_NM: Final = 532.0
"""At which :meth:`Detection.metered` states its power."""

_MONITOR_INPUT: Final = 1
_GRID_NM: Final = np.arange(400.0, 700.0, 0.1)


@dataclass(frozen=True, slots=True)
class DetectionOptics:
    """What stands between light and photodiodes.

    :param probe_part: of the probe laser's power that reaches its photodiode.
    :param probe_diode: that photodiode.
    :param collected: part of the emitted photons that reaches the photodiode for luminescence,
        filters aside.
    :param band: what the filter before it passes where there is no monochromator, nm.
    :param luminescence_diode: that photodiode.
    :param picked_part: of the pump's power that goes to the monitor.
    :param monitor_diode: that photodiode.
    :param monitor_offset: voltage of the monitor in the dark, V.
    """

    probe_part: float = 0.1
    probe_diode: Photodiode = field(default_factory=lambda: Photodiode(ohms=1e3))
    collected: float = 0.01
    band: tuple[float, float] = (490.0, 522.0)
    luminescence_diode: Photodiode = field(default_factory=lambda: Photodiode(ohms=1e6))
    picked_part: float = 0.01
    monitor_diode: Photodiode = field(default_factory=lambda: Photodiode(ohms=5e3))
    monitor_offset: float = 0.002


class Detection:
    """The signals of a bench at any moment that its clock has reached.

    :param path: the light, with a history.
    :param at_lock_in: which signal is at the lock-in's input.
    :param probe_wavelength: of the probe laser, nm.
    :param meter_at: where the power meter's sensor stands: where the sample is (in its stead as far
        as the meter is concerned; the sample is lit all the same), or right behind the lasers.
    """

    def __init__(
        self,
        path: LightPath,
        *,
        at_lock_in: LockInInput = "luminescence",
        probe_wavelength: float = 785.0,
        meter_at: MeterPlace = "sample",
        optics: DetectionOptics | None = None,
    ) -> None:
        self._path = path
        self._optics = optics or DetectionOptics()
        self._is_photothermal = at_lock_in == "photothermal"
        self._meter_at = meter_at
        self._sensor = Sensor()
        self._probe_wavelength = probe_wavelength
        sample = path.sample.parameters
        self.response = PhotothermalResponse.of(sample, path.optics.spot_diameter_um)
        self._emitted = _EmittedThrough(path, self._optics.band)

    def reference(self, moment: float) -> float | None:
        """Return the frequency at the chopper's reference output, Hz; None if it is dead."""
        step = self._path.at(moment)
        chopping = None if step is None else step.chopping
        return None if chopping is None else chopping.reference_hz(moment)

    def lock_in_input(self, moment: float) -> complex:
        """Return the fundamental at the lock-in's input against the reference, V rms."""
        step = self._path.at(moment)
        if step is None or step.chopping is None or not step.lines:
            return 0j
        in_step = step.chopping.in_step(moment)
        if not self._is_photothermal:
            return in_step * self._optics.luminescence_diode.volts(self._luminescence(step))
        probe = self._probe(step)
        if self._optics.probe_diode.is_saturated(probe):
            return 0j
        change = step.heat * self.response.at(step.chopping.frequency(moment))
        return in_step * change * self._optics.probe_diode.volts(probe)

    def harmonic(self, number: int, moment: float) -> complex:
        """Return the amplitude of a harmonic at the input relative to the fundamental."""
        step = self._path.at(moment)
        if number == 1 or not self._is_photothermal or step is None or step.chopping is None:
            return square_wave(number, moment)
        return self.response.harmonic(number, step.chopping.frequency(moment))

    def lock_in_noise(self, moment: float) -> float:
        """Return the noise that comes with the light to the lock-in's input, V/√Hz."""
        step = self._path.at(moment)
        if step is None or step.chopping is None:
            return 0.0
        if self._is_photothermal:
            return self._optics.probe_diode.noise_density(self._probe(step))
        mean = self._luminescence(step) * step.duty
        return self._optics.luminescence_diode.noise_density(mean)

    def aux_input(self, number: int, moment: float) -> float:
        """Return the voltage at an aux input of the lock-in, V: the monitor at input 1."""
        if number != _MONITOR_INPUT:
            return 0.0
        diode, step = self._optics.monitor_diode, self._path.at(moment)
        current = 0.0
        if step is not None:
            part = step.transmission * self._optics.picked_part
            current = part * sum(watts * diode.responsivity(nm) for nm, watts in step.lines)
        return self._optics.monitor_offset + diode.volts(current)

    def metered(self, moment: float) -> float:
        """Return the power (W) at 532 nm that gives the same current as the light on the sensor."""
        step = self._path.at(moment)
        if step is None:
            return 0.0
        seen = sum(
            watts * responsivity(nm)
            for nm, watts in step.lines
            if self._sensor.shortest <= nm <= self._sensor.longest
        )
        passed = step.transmission * step.duty if self._meter_at == "sample" else 1.0
        return passed * seen / responsivity(METER_WAVELENGTH_NM)

    def _probe(self, step: Step) -> float:
        """Return the current of the probe's photodiode, A."""
        diode = self._optics.probe_diode
        return step.probe * self._optics.probe_part * diode.responsivity(self._probe_wavelength)

    def _luminescence(self, step: Step) -> float:
        """Return the current of the luminescence's photodiode while the beam passes, A."""
        area = self._path.optics.spot_area_cm2
        emitted = step.photons * area * self._emitted.part(step.temperature, step.pass_band)
        scattered = sum(
            watts * step.transmission / (HC_EV_NM / nm * JOULE_PER_EV) * self._emitted.at(nm)
            for nm, watts in step.lines
        )
        photons = emitted + scattered * self._path.optics.scatter
        diode = self._optics.luminescence_diode
        return photons * self._optics.collected * diode.efficiency * ELEMENTARY_CHARGE


class _EmittedThrough:
    """Part of the luminescence, and of other light, that passes the filters to the photodiode."""

    def __init__(self, path: LightPath, band: tuple[float, float]) -> None:
        line = path.sample.parameters.line
        self._optics, self._filter_band = path.optics, band
        self._line = LineTable(lambda kelvin: line.per_wavelength(_GRID_NM, kelvin))
        self._band: PassBand | None = None
        self._parts: dict[int, float] = {}
        self._weights = self._transmission(_GRID_NM) * (_GRID_NM[1] - _GRID_NM[0])

    def part(self, temperature: float, band: PassBand | None) -> float:
        """Return the part of the emitted photons at a temperature (K) of the sample, 0 to 1.

        :param band: of the monochromator, from now on; None: there is none.
        """
        if band != self._band:
            self._band = band
            self._parts.clear()
            self._weights = self._transmission(_GRID_NM) * (_GRID_NM[1] - _GRID_NM[0])
        lower = math.floor(temperature / NODE_K)
        above = temperature / NODE_K - lower
        return self._at_node(lower) * (1 - above) + self._at_node(lower + 1) * above

    def at(self, wavelength: float) -> float:
        """Return the transmission at a wavelength (nm) with the band of the last question."""
        return float(self._transmission(np.array([wavelength]))[0])

    def _at_node(self, node: int) -> float:
        if node not in self._parts:
            self._parts[node] = float(self._line.row(node) @ self._weights)
        return self._parts[node]

    def _transmission(self, wavelength: NDArray[np.float64]) -> NDArray[np.float64]:
        notch = self._optics.filter_transmission(wavelength)
        if self._band is not None:
            return notch * self._band.transmission(wavelength)
        low, high = self._filter_band
        return notch * ((wavelength >= low) & (wavelength <= high))
