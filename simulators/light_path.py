"""The light of the bench: lasers, attenuator, shutter, chopper, sample, notch filter, pixels.

The pump laser and the lines of a tunable source go the same way, and the sample sees them together.
A chopper stands last: while it turns, the sample is lit half of the time, at the full fluence.

The irradiance at the sample, called *fluence* as the optical-cooling literature does, is the mean
over the 1/e² area of the spot: ``power at the sample/(π d²/4)``, in W/cm².

Devices tell what they do, also ahead of time. The probe laser and the monochromator change nothing
here: they are kept for the detectors, which look back at the steps of :class:`LightHistory`.

Time passes for the sample only when somebody needs to know (:meth:`LightPath.advance`): it is cut
at every change, at the cells of the laser's noise and at the beginning and end of every exposure,
and within a piece everything is integrated by :class:`simulators.sample.Sample`.

The detector sees the luminescence through a notch filter, which takes the far red side of the line
with it, and the pump light that scatters through the filter. Collection is the same for all other
wavelengths, and re-absorption in the sample is left out.
"""

from __future__ import annotations

import logging
import math
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any, Final, Protocol, TypeAlias

import numpy as np
from numpy.typing import NDArray

from labcool.clock import Clock
from labcool.errors import LimitError
from labcool.models import GradedFilter
from labcool.units import HC_EV_NM
from simulators._announced import Announced, Value
from simulators._chopping import Chopping
from simulators._exposures import Exposure, LineTable
from simulators._laser_noise import CELL_S, LaserNoise
from simulators._light_history import LightHistory, Lines, Step
from simulators._pass_band import PassBand
from simulators.sample import JOULE_PER_EV, Sample
from simulators.truth import TRUTH_INTERVAL_S, Truth

Spectrum: TypeAlias = NDArray[np.float64]

log = logging.getLogger(__name__)

_NOTCH_ORDER: Final = 24
_CELLS_PER_TRUTH: Final = round(TRUTH_INTERVAL_S / CELL_S)
_NOTEWORTHY_DELAY_S: Final = 0.01
_AXES_KEPT: Final = 32


class AttenuationLaw(Protocol):
    """Transmission of the optic in the mount against its angle."""

    @property
    def transmission_range(self) -> tuple[float, float]:
        """Smallest and largest transmission."""

    def transmission(self, angle: float) -> float:
        """Return the transmission at ``angle`` (degrees), NaN where the law says nothing."""


@dataclass(frozen=True, slots=True)
class Optics:
    """What stands between the instruments.

    :param attenuation: law of the optic in the mount.
    :param spot_diameter_um: 1/e² diameter of the spot at the sample, µm.
    :param path_transmission: power at the sample over laser power, attenuator aside.
    :param collection: photoelectrons per emitted photon, filter aside (fibre, grating, quantum
        efficiency). The default gives half of a Flame-S' full scale (160 000 electrons) at the
        peak in 0.8 s at 300 W/cm² from ``roman2020-film``.
    :param notch_centre: nm.
    :param notch_half_width: half of the width at half of the optical density, nm.
    :param notch_density: optical density at the centre.
    :param scatter: part of the pump light that is scattered as if it were emitted.
    :param laser_line_width: standard deviation of the pump line on the detector, nm.
    :param power_noise: relative standard deviation of the laser power averaged over 1 s, fast.
    :param power_drift: relative standard deviation of its slow drift.
    :param power_drift_time: correlation time of the drift, s.
    """

    attenuation: AttenuationLaw = field(
        default_factory=lambda: GradedFilter(((0.0, 0.0), (300.0, 4.0)))
    )
    spot_diameter_um: float = 100.0
    path_transmission: float = 0.62
    collection: float = 3.3e-6
    notch_centre: float = 532.0
    notch_half_width: float = 8.0
    notch_density: float = 6.0
    scatter: float = 0.01
    laser_line_width: float = 0.6
    power_noise: float = 5e-4
    power_drift: float = 5e-4
    power_drift_time: float = 600.0

    @property
    def spot_area_cm2(self) -> float:
        """Area of the 1/e² circle, cm²."""
        return math.pi / 4 * (self.spot_diameter_um * 1e-4) ** 2

    def filter_transmission(self, wavelength: NDArray[np.float64]) -> NDArray[np.float64]:
        """Return the transmission of the notch filter at wavelengths (nm), same shape."""
        detuning = (wavelength - self.notch_centre) / self.notch_half_width
        density = self.notch_density / (1 + detuning**_NOTCH_ORDER)
        transmission: NDArray[np.float64] = 10.0**-density
        return transmission


class LightPath:
    """Connects the simulated instruments with a sample. Safe to use from several threads.

    At the start the shutter is closed, the laser dark, the mount at 0°, and the sample at the
    stage's temperature.

    :param clock: the bench's clock; the sample starts at its present moment.
    :param sample: what lies in the spot.
    :param optics: what stands in between.
    :param rng: draws the laser's noise.
    :param stage_temperature: temperature of the stage (K) at a moment of the clock (s).
    :param truth: where to note the true states; None: nowhere.
    :param pump_wavelength: of the pump laser, nm; None: that of the sample's preset.
    :param history: where to note what detectors will ask for; None: nowhere.
    """

    def __init__(
        self,
        clock: Clock,
        sample: Sample,
        *,
        optics: Optics,
        rng: np.random.Generator,
        stage_temperature: Callable[[float], float],
        truth: Truth | None = None,
        pump_wavelength: float | None = None,
        history: LightHistory | None = None,
    ) -> None:
        self.clock = clock
        self.sample = sample
        self.optics = optics
        self.stage_temperature = stage_temperature
        self._truth = truth
        self._pump_wavelength = pump_wavelength or sample.parameters.pump_wavelength
        self._history = history
        self._pixels: dict[bytes, _Pixels] = {}
        self._noise = LaserNoise(
            rng,
            white=optics.power_noise,
            drift=optics.power_drift,
            drift_time=optics.power_drift_time,
        )
        self._power = Announced(0.0)
        self._angle = Announced(0.0)
        self._open = Announced(False)
        self._tunable: Announced[Lines] = Announced(())
        self._chopping: Announced[Chopping | None] = Announced(None)
        self._probe = Announced(0.0)
        self._pass_band: Announced[PassBand | None] = Announced(None)
        self._announced: tuple[Announced[Any], ...] = (
            *(self._power, self._angle, self._open, self._tunable),
            *(self._chopping, self._probe, self._pass_band),
        )
        self._next_change = math.inf
        self._light: Lines = ()
        self._shares: Lines = ((self._pump_wavelength, 1.0),)
        sample.shine(self._shares)
        self._exposures: list[Exposure] = []
        self._origin = self._now = clock.now()
        self._cells = 0
        self._intensity = 1.0
        self._nominal_fluence = self._transmission = 0.0
        self._lock = threading.RLock()
        sample.settle(stage_temperature(self._now))

    def laser_power_changed(self, watts: float, moment: float) -> None:
        """Take note that the laser emits ``watts`` from ``moment`` (clock s) on."""
        self._announce(self._power, watts, moment)

    def tunable_light_changed(self, lines: Lines, moment: float) -> None:
        """Take note that a tunable source emits ``lines`` (nm, W) from ``moment`` (clock s) on."""
        self._announce(self._tunable, tuple(lines), moment)

    def probe_power_changed(self, watts: float, moment: float) -> None:
        """Take note that the probe laser emits ``watts`` from ``moment`` (clock s) on."""
        self._announce(self._probe, watts, moment)

    def chopper_moved(self, chopping: Chopping, moment: float) -> None:
        """Take note of what the chopper in the beam does from ``moment`` (clock s) on."""
        self._announce(self._chopping, chopping, moment)

    def monochromator_moved(self, band: PassBand, moment: float) -> None:
        """Take note of what passes the monochromator from ``moment`` (clock s) on."""
        self._announce(self._pass_band, band, moment)

    def mount_turned(self, angle_deg: float, moment: float) -> None:
        """Take note that the attenuator stands at ``angle_deg`` from ``moment`` (clock s) on."""
        self._announce(self._angle, angle_deg, moment)

    def shutter_moved(self, is_open: bool, moment: float) -> None:
        """Take note that the beam passes the shutter, or not, from ``moment`` (clock s) on."""
        self._announce(self._open, is_open, moment)

    def expose(
        self, start: float, duration: float, wavelengths: NDArray[np.float64]
    ) -> Callable[[], NDArray[np.float64]]:
        """Begin an exposure of a detector.

        :param start: clock s.
        :param duration: s, above 0.
        :param wavelengths: of its pixels, shape (pixel,), at least two, nm, ascending.
        :return: a function to call once the clock has reached the end of the exposure, or later;
            it returns the expected photoelectrons, shape (pixel,).
        :raises LimitError: if the duration is not above 0, or the wavelengths not ascending.
        """
        if not duration > 0:
            raise LimitError("exposure (s)", duration, "above 0")
        with self._lock:
            pixels = self._pixels_at(wavelengths)
            begin = self._not_past(start)
            exposure = Exposure(begin, begin + duration)
            self._exposures.append(exposure)

        def electrons() -> NDArray[np.float64]:
            self.advance(exposure.end)
            return exposure.electrons(pixels.line, pixels.scatter)

        return electrons

    def _pixels_at(self, wavelengths: Spectrum) -> _Pixels:
        """Return what pixels make of light; kept, because a detector asks for the same again."""
        key = wavelengths.tobytes()
        if key not in self._pixels:
            if (
                wavelengths.ndim != 1
                or wavelengths.size < 2
                or not (np.diff(wavelengths) > 0).all()
            ):
                raise LimitError(
                    "wavelengths of the pixels (nm)", wavelengths, "two or more, ascending"
                )
            if len(self._pixels) >= _AXES_KEPT:
                self._pixels.clear()
            self._pixels[key] = _Pixels(self.sample, self.optics, wavelengths)
        return self._pixels[key]

    def advance(self, moment: float) -> None:
        """Let the sample's time pass up to ``moment`` (clock s); nothing if that is past.

        A change announced afterwards for a moment before this one comes too late and acts from
        this moment on, so do not call it for a moment that the clock has not reached.
        """
        with self._lock:
            self._make_changes()
            while self._now < moment:
                self._begin_cell_if_due()
                self._step(min(moment, self._next_cut()))
                self._make_changes()

    def at(self, moment: float) -> Step | None:
        """Return what the light did at ``moment`` (clock s), which the clock has reached.

        None before the first step, and without a history.
        """
        with self._lock:
            self.advance(moment)
            return None if self._history is None else self._history.at(moment)

    def _not_past(self, moment: float) -> float:
        delay = self._now - moment
        if delay > _NOTEWORTHY_DELAY_S:
            log.warning(
                "A change at %.3f s came %.3f s after the sample had passed that moment; it acts "
                "from then on.",
                moment,
                delay,
            )
        return max(moment, self._now)

    def _announce(self, line: Announced[Value], value: Value, moment: float) -> None:
        with self._lock:
            line.announce(value, self._not_past(moment))
            self._find_next_change()

    def _find_next_change(self) -> None:
        self._next_change = min(line.next_change for line in self._announced)

    def _make_changes(self) -> None:
        if self._now < self._next_change:
            return
        for line in self._announced:
            line.move_to(self._now)
        self._find_next_change()
        self._combine_light()
        attenuation = self._attenuation()
        power = self._power.value + sum(watts for _, watts in self._tunable.value)
        self._transmission = self.optics.path_transmission * attenuation
        at_sample = power * self.optics.path_transmission * attenuation
        self._nominal_fluence = at_sample / self.optics.spot_area_cm2

    def _combine_light(self) -> None:
        laser = (self._pump_wavelength, self._power.value)
        self._light = tuple(line for line in (laser, *self._tunable.value) if line[1] > 0)
        total = sum(watts for _, watts in self._light)
        shares = tuple((wavelength, watts / total) for wavelength, watts in self._light)
        if shares and shares != self._shares:
            self._shares = shares
            self.sample.shine(shares)

    def _attenuation(self) -> float:
        if not self._open.value:
            return 0.0
        transmission = self.optics.attenuation.transmission(self._angle.value)
        if math.isnan(transmission):  # beside the gradient the filter is clear glass
            transmission = self.optics.attenuation.transmission_range[1]
        return transmission

    def _duty(self, end: float) -> float:
        """Return for which part of the time until ``end`` (clock s) the chopper lets light pass."""
        chopping = self._chopping.value
        return 1.0 if chopping is None else chopping.duty(self._now, end)

    def _cell_start(self) -> float:
        """Return the moment at which the next cell of the noise begins."""
        return self._origin + self._cells * CELL_S

    def _begin_cell_if_due(self) -> None:
        if self._now < self._cell_start():
            return
        self._intensity = self._noise.next_cell()
        if self._truth is not None and self._cells % _CELLS_PER_TRUTH == 0:
            stage = self.stage_temperature(self._now)
            duty = self._duty(self._now + CELL_S)
            self._truth.record(self._now, self.sample.state(self._fluence, stage, duty))
        self._cells += 1

    @property
    def _fluence(self) -> float:
        return self._nominal_fluence * self._intensity

    def _next_cut(self) -> float:
        cuts = [self._cell_start(), self._next_change]
        for exposure in self._exposures:
            cuts.append(exposure.start if exposure.start > self._now else exposure.end)
        return min(cuts)

    def _step(self, end: float) -> None:
        duration = end - self._now
        stage = self.stage_temperature(self._now + duration / 2)
        before = self.sample.temperature
        duty = self._duty(end)
        photons = self.sample.advance(duration, self._fluence, stage, duty)
        temperature = (before + self.sample.temperature) / 2
        for exposure in self._exposures:
            if exposure.start <= self._now:
                pump = self._fluence * duration * duty
                exposure.add(photons, temperature, pump, self._shares)
        if self._history is not None:
            self._history.add(self._noted(duty, temperature))
        self._now = end
        self._exposures = [exposure for exposure in self._exposures if exposure.end > end]

    def _noted(self, duty: float, temperature: float) -> Step:
        fluence, sample = self._fluence, self.sample
        return Step(
            begin=self._now,
            lines=tuple((nm, watts * self._intensity) for nm, watts in self._light),
            transmission=self._transmission,
            duty=duty,
            heat=sample.heating_power(fluence, temperature) if fluence else 0.0,
            photons=sample.emission(fluence, temperature) if fluence else 0.0,
            temperature=temperature,
            chopping=self._chopping.value,
            probe=self._probe.value,
            pass_band=self._pass_band.value,
        )


class _Pixels:
    """Electrons of a detector per emitted photon/cm² (by temperature) and J/cm² of pump light."""

    def __init__(self, sample: Sample, optics: Optics, wavelengths: Spectrum) -> None:
        line = sample.parameters.line
        self._optics, self._wavelengths = optics, wavelengths
        response = self._response = (
            optics.spot_area_cm2
            * optics.collection
            * optics.filter_transmission(wavelengths)
            * np.gradient(wavelengths)
        )
        self.line = LineTable(lambda kelvin: response * line.per_wavelength(wavelengths, kelvin))
        self._scatter: dict[float, Spectrum] = {}

    def scatter(self, wavelength: float) -> Spectrum:
        """Return the electrons per J/cm² of pump light of a wavelength (nm), shape (pixel,)."""
        if wavelength not in self._scatter:
            width = self._optics.laser_line_width
            offset = (self._wavelengths - wavelength) / width
            pump_line = np.exp(-(offset**2) / 2) / (width * math.sqrt(2 * math.pi))
            pump_photons = self._optics.scatter / (HC_EV_NM / wavelength * JOULE_PER_EV)
            self._scatter[wavelength] = self._response * pump_line * pump_photons
        return self._scatter[wavelength]
