"""The light of the bench: laser, attenuator, shutter, sample, collection, notch filter, pixels.

The irradiance at the sample, called *fluence* as the optical-cooling literature does, is the mean
over the 1/e² area of the spot: ``power at the sample/(π d²/4)``, in W/cm².

Devices tell what they do, also ahead of time. Time passes for the sample only when somebody needs
to know (:meth:`LightPath.advance`): it is cut at every change, at the cells of the laser's noise
and at the beginning and end of every exposure, and within a piece everything is integrated by
:class:`simulators.sample.Sample`.

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
from typing import Final, Protocol

import numpy as np
from numpy.typing import NDArray

from labcool.clock import Clock
from labcool.errors import LimitError
from labcool.models import GradedFilter
from simulators._announced import Announced
from simulators._exposures import Exposure, LineTable
from simulators._laser_noise import CELL_S, LaserNoise
from simulators.sample import JOULE_PER_EV, Sample
from simulators.truth import TRUTH_INTERVAL_S, Truth

log = logging.getLogger(__name__)

_NOTCH_ORDER: Final = 24
_CELLS_PER_TRUTH: Final = round(TRUTH_INTERVAL_S / CELL_S)
_NOTEWORTHY_DELAY_S: Final = 0.01


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
    :param wavelengths: of the detector's pixels, shape (pixel,), at least two, nm, ascending.
    :param rng: draws the laser's noise.
    :param stage_temperature: temperature of the stage (K) at a moment of the clock (s).
    :param truth: where to note the true states; None: nowhere.
    :raises LimitError: if the wavelengths are not ascending.
    """

    def __init__(
        self,
        clock: Clock,
        sample: Sample,
        *,
        optics: Optics,
        wavelengths: NDArray[np.float64],
        rng: np.random.Generator,
        stage_temperature: Callable[[float], float],
        truth: Truth | None = None,
    ) -> None:
        if wavelengths.ndim != 1 or wavelengths.size < 2 or not (np.diff(wavelengths) > 0).all():
            raise LimitError(
                "wavelengths of the pixels (nm)", wavelengths, "two or more, ascending"
            )
        self.clock = clock
        self.sample = sample
        self.optics = optics
        self._stage_temperature = stage_temperature
        self._truth = truth
        self._line, self._scatter = _detection(sample, optics, wavelengths)
        self._noise = LaserNoise(
            rng,
            white=optics.power_noise,
            drift=optics.power_drift,
            drift_time=optics.power_drift_time,
        )
        self._power = Announced(0.0)
        self._angle = Announced(0.0)
        self._open = Announced(False)
        self._exposures: list[Exposure] = []
        self._origin = self._now = clock.now()
        self._cells = 0
        self._intensity = 1.0
        self._nominal_fluence = 0.0
        self._lock = threading.RLock()
        sample.settle(stage_temperature(self._now))

    def laser_power_changed(self, watts: float, moment: float) -> None:
        """Take note that the laser emits ``watts`` from ``moment`` (clock s) on."""
        with self._lock:
            self._power.announce(watts, self._not_past(moment))

    def mount_turned(self, angle_deg: float, moment: float) -> None:
        """Take note that the attenuator stands at ``angle_deg`` from ``moment`` (clock s) on."""
        with self._lock:
            self._angle.announce(angle_deg, self._not_past(moment))

    def shutter_moved(self, is_open: bool, moment: float) -> None:
        """Take note that the beam passes the shutter, or not, from ``moment`` (clock s) on."""
        with self._lock:
            self._open.announce(is_open, self._not_past(moment))

    def expose(self, start: float, duration: float) -> Callable[[], NDArray[np.float64]]:
        """Begin an exposure of a detector.

        :param start: clock s.
        :param duration: s, above 0.
        :return: a function to call once the clock has reached the end of the exposure, or later;
            it returns the expected photoelectrons, shape (pixel,).
        :raises LimitError: if the duration is not above 0.
        """
        if not duration > 0:
            raise LimitError("exposure (s)", duration, "above 0")
        with self._lock:
            begin = self._not_past(start)
            exposure = Exposure(begin, begin + duration)
            self._exposures.append(exposure)

        def electrons() -> NDArray[np.float64]:
            self.advance(exposure.end)
            return exposure.electrons(self._line, self._scatter)

        return electrons

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

    def _make_changes(self) -> None:
        changes = [line.move_to(self._now) for line in (self._power, self._angle, self._open)]
        if any(changes):
            self._nominal_fluence = self._irradiance()

    def _irradiance(self) -> float:
        if not self._open.value:
            return 0.0
        transmission = self.optics.attenuation.transmission(self._angle.value)
        if math.isnan(transmission):  # beside the gradient the filter is clear glass
            transmission = self.optics.attenuation.transmission_range[1]
        power = self._power.value * self.optics.path_transmission * transmission
        return power / self.optics.spot_area_cm2

    def _cell_start(self) -> float:
        """Return the moment at which the next cell of the noise begins."""
        return self._origin + self._cells * CELL_S

    def _begin_cell_if_due(self) -> None:
        if self._now < self._cell_start():
            return
        self._intensity = self._noise.next_cell()
        if self._truth is not None and self._cells % _CELLS_PER_TRUTH == 0:
            stage = self._stage_temperature(self._now)
            self._truth.record(self._now, self.sample.state(self._fluence, stage))
        self._cells += 1

    @property
    def _fluence(self) -> float:
        return self._nominal_fluence * self._intensity

    def _next_cut(self) -> float:
        cuts = [self._cell_start()]
        cuts += [line.next_change for line in (self._power, self._angle, self._open)]
        for exposure in self._exposures:
            cuts.append(exposure.start if exposure.start > self._now else exposure.end)
        return min(cuts)

    def _step(self, end: float) -> None:
        duration = end - self._now
        stage = self._stage_temperature(self._now + duration / 2)
        before = self.sample.temperature
        photons = self.sample.advance(duration, self._fluence, stage)
        temperature = (before + self.sample.temperature) / 2
        for exposure in self._exposures:
            if exposure.start <= self._now:
                exposure.add(photons, temperature, self._fluence * duration)
        self._now = end
        self._exposures = [exposure for exposure in self._exposures if exposure.end > end]


def _detection(
    sample: Sample, optics: Optics, wavelengths: NDArray[np.float64]
) -> tuple[LineTable, NDArray[np.float64]]:
    """Return electrons per emitted photon/cm² (by temperature) and per J/cm² of pump light."""
    parameters = sample.parameters
    response = (
        optics.spot_area_cm2
        * optics.collection
        * optics.filter_transmission(wavelengths)
        * np.gradient(wavelengths)
    )
    offset = (wavelengths - parameters.pump_wavelength) / optics.laser_line_width
    pump_line = np.exp(-(offset**2) / 2) / (optics.laser_line_width * math.sqrt(2 * math.pi))
    pump_photons = optics.scatter / (parameters.pump_energy * JOULE_PER_EV)
    line = LineTable(lambda kelvin: response * parameters.line.per_wavelength(wavelengths, kelvin))
    return line, response * pump_line * pump_photons
