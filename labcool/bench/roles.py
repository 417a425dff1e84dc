"""What a procedure may ask of an instrument, whatever its make.

Each role is a :class:`typing.Protocol`; a driver fills a role by having its members, without
importing this module (:func:`missing_members` tells what is absent, asking the class only, so that
no instrument is queried). Every class that fills a role passes the role's conformance test
(``tests/bench/test_role_conformance.py``).

``shutdown()`` ends the use of an instrument (safe state, port released); ``close()`` of a
:class:`Shutter` moves its blade.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Protocol

from numpy.typing import NDArray

from labcool.spectrum import Spectrum

Setting = float | int | str | bool


class Instrument(Protocol):
    """What every instrument on a bench can do."""

    name: str

    @property
    def identity(self) -> str:
        """What the instrument says it is (maker, model, serial number, firmware)."""

    def settings(self) -> Mapping[str, Setting]:
        """Return a snapshot of the instrument's state for the run file; moves nothing.

        Keys are snake_case and end in the unit where there is one (``power_W``).
        """

    def make_safe(self) -> None:
        """Bring the instrument to its safe state and verify it; may be called at any time."""

    def shutdown(self) -> None:
        """Make the instrument safe and release its port; a second call does nothing.

        What a person has set at the instrument, and this object never touched (a stage that holds
        a temperature), may stay as it is.
        """


class Shutter(Instrument, Protocol):
    """Blocks the pump beam. Safe state: closed."""

    @property
    def is_closed(self) -> bool:
        """True if the controller *reports* the beam blocked (never inferred from what was sent)."""

    def open(self) -> None:
        """Let the beam pass; returns once the controller confirms it.

        :raises labcool.errors.InstrumentRefused: if an interlock holds the shutter closed.
        """

    def close(self) -> None:
        """Block the beam; returns once the controller confirms it.

        :raises labcool.errors.ShutterNotClosed: if that cannot be confirmed.
        """


class Laser(Instrument, Protocol):
    """A continuous-wave laser. Safe state: its own shutter closed, if it has one.

    Connecting never starts emission.
    """

    @property
    def wavelength(self) -> float:
        """Emission wavelength in vacuum, nm."""

    @property
    def power(self) -> float:
        """Measured output power, W."""

    @property
    def power_setpoint(self) -> float:
        """Output power asked for, W."""

    @power_setpoint.setter
    def power_setpoint(self, watts: float) -> None: ...

    @property
    def emission(self) -> bool:
        """True if the laser emits (behind its own shutter, if any)."""

    def open_output(self) -> None:
        """Let the beam leave the laser head: open the laser's own shutter, if it has one.

        Never starts emission: that needs a person at the laser.
        """


class Attenuator(Instrument, Protocol):
    """Sets which part of the pump power passes. Safe state: where it stands."""

    @property
    def transmission(self) -> float:
        """Transmission now, from the position read back, 0 to 1; NaN where it is not known."""

    @transmission.setter
    def transmission(self, value: float) -> None:
        """Move and return when the position read back is within the mount's tolerance."""

    @property
    def transmission_range(self) -> tuple[float, float]:
        """Smallest and largest transmission that can be set."""


class RotationMount(Instrument, Protocol):
    """Turns an optic (a half-wave plate, a graded filter). Safe state: where it stands."""

    @property
    def angle(self) -> float:
        """Angle read back from the encoder, degrees, 0 <= angle < 360."""

    @property
    def resolution(self) -> float:
        """Angle of one encoder step, degrees."""

    def turn_to(self, angle: float) -> None:
        """Turn to ``angle`` (degrees) and return when the encoder confirms it."""


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

    def acquire(self) -> Spectrum:
        """Take a spectrum that *starts after* the call; blocks for exposure × averages."""


class TemperatureController(Instrument, Protocol):
    """A stage or cryostat. Safe state: heater (and ramp) off."""

    @property
    def temperature(self) -> float:
        """Temperature of the controlled sensor, K."""

    @property
    def temperature_range(self) -> tuple[float, float]:
        """Lowest and highest set point, K."""

    @property
    def ramp_rate(self) -> float:
        """Rate of the next ramp, K/min."""

    @ramp_rate.setter
    def ramp_rate(self, kelvin_per_minute: float) -> None: ...

    def go_to(self, temperature: float) -> None:
        """Start a ramp to ``temperature`` (K) and return at once."""

    @property
    def is_holding(self) -> bool:
        """True once the ramp has ended and the set temperature is held."""


ROLES: tuple[type, ...] = (
    Shutter,
    Laser,
    Attenuator,
    RotationMount,
    Spectrometer,
    TemperatureController,
)


def missing_members(candidate: type, role: type) -> list[str]:
    """Return the names of the role's members that a class lacks; empty if it fills the role."""
    protocols = [base for base in role.__mro__ if getattr(base, "_is_protocol", False)]
    members = {name for base in protocols for name in vars(base) if not name.startswith("_")}
    return sorted(name for name in members if not hasattr(candidate, name))


def roles_of(candidate: type) -> list[str]:
    """Return the names of all roles that a class fills."""
    return [role.__name__ for role in ROLES if not missing_members(candidate, role)]
