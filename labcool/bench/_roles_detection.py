"""The roles of what measures light and signals."""

from __future__ import annotations

from typing import Any, Protocol

from numpy.typing import NDArray

from labcool.bench._roles_instrument import Instrument
from labcool.spectrum import Spectrum


class Spectrometer(Instrument, Protocol):
    """An array spectrometer. Safe state: idle."""

    @property
    def wavelengths(self) -> NDArray[Any]:
        """Wavelength of each pixel, shape (pixel,), nm, ascending."""

    @property
    def exposure(self) -> float:
        """Integration time of one exposure, s."""

    @exposure.setter
    def exposure(self, seconds: float) -> None: ...

    @property
    def exposure_range(self) -> tuple[float, float]:
        """Shortest and longest integration time, s."""

    @property
    def averages(self) -> int:
        """Number of exposures averaged in a spectrum."""

    @averages.setter
    def averages(self, number: int) -> None: ...

    @property
    def saturation_level(self) -> float:
        """Counts at which a pixel is saturated."""

    @property
    def electrons_per_count(self) -> float:
        """Gain of the detector for shot-noise estimates, photoelectrons per count."""

    @property
    def read_noise(self) -> float:
        """Read noise of one pixel in one exposure, counts (standard deviation)."""

    @property
    def excess_noise_factor(self) -> float:
        """Factor by which multiplication widens shot noise: √2 in an EM register, else 1."""

    def acquire(self) -> Spectrum:
        """Take a spectrum that *starts after* the call; blocks for exposure × averages."""


class PowerMeter(Instrument, Protocol):
    """Measures the power of a beam. Safe state: any, it only measures."""

    @property
    def power(self) -> float:
        """Measured power, W, averaged as :attr:`averages` says.

        :raises labcool.errors.ConfigurationError: if :attr:`wavelength` has not been set by this
            program, because the reading depends on it.
        :raises labcool.errors.InstrumentRefused: if the power is out of range.
        """

    @property
    def wavelength(self) -> float:
        """Wavelength for which the meter converts to watts, nm."""

    @wavelength.setter
    def wavelength(self, nanometres: float) -> None: ...

    @property
    def averages(self) -> int:
        """Number of samples averaged in a reading."""

    @averages.setter
    def averages(self, number: int) -> None: ...

    def zero(self, *, beam_blocked: bool) -> float:
        """Take what the sensor sees now as darkness; return the value stored (sensor's unit).

        :param beam_blocked: must be True: the caller has blocked all beams onto the sensor.
        :raises labcool.errors.ConfigurationError: if it is not; nothing is sent.
        """


class LockInReading(Protocol):
    """What a lock-in amplifier measured at one moment, and whether it can be believed."""

    @property
    def x(self) -> float:
        """Component in phase with the reference, V or A rms."""

    @property
    def y(self) -> float:
        """Component 90 degrees ahead of the reference, V or A rms."""

    @property
    def r(self) -> float:
        """Magnitude of the signal, V or A rms."""

    @property
    def theta(self) -> float:
        """Phase of the signal against the reference, degrees."""

    @property
    def overload(self) -> bool:
        """True if anything was overloaded since the last reading (or while it settled last)."""

    @property
    def unlocked(self) -> bool:
        """True if the reference was not locked at some time since then."""


class LockIn(Instrument, Protocol):
    """Measures what is in step with a reference. Safe state: its outputs at their lowest."""

    @property
    def sensitivity(self) -> float:
        """Full scale, V or A rms, from the instrument's own steps; none is rounded."""

    @sensitivity.setter
    def sensitivity(self, full_scale: float) -> None: ...

    @property
    def time_constant(self) -> float:
        """Time constant of the output filter, s, from the instrument's own steps."""

    @time_constant.setter
    def time_constant(self, seconds: float) -> None: ...

    @property
    def reference_frequency(self) -> float:
        """Frequency of the reference, Hz."""

    @property
    def settling_time(self) -> float:
        """Time until the output is within 1 % of a step of the signal, s."""

    def settle(self) -> None:
        """Forget the overloads that were before, and wait :attr:`settling_time`.

        If that was spoilt by an overload or an unlocked reference, it may wait again; what has
        spoilt the last time is told by the next reading.
        """

    def read(self) -> LockInReading:
        """Measure now; overloads are told, never hidden."""

    def auto_range(self) -> float:
        """Find the most sensitive range that the signal does not overload; return it, V or A.

        :raises labcool.errors.InstrumentRefused: if there is none, or the reference is unlocked.
        """
