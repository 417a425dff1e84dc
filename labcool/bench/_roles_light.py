"""The roles of what stands in the pump beam."""

from __future__ import annotations

from typing import Protocol

from labcool.bench._roles_instrument import Instrument


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
        """Smallest and largest transmission that can be set, 0 to 1."""


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


class Chopper(Instrument, Protocol):
    """Chops a beam for a lock-in amplifier. Safe state: the blade stands.

    Never a shutter: a standing blade lets the beam pass or blocks it, as chance has it. Connecting
    starts nothing.
    """

    @property
    def frequency(self) -> float:
        """Chopping frequency asked for, Hz."""

    @frequency.setter
    def frequency(self, hertz: float) -> None: ...

    @property
    def frequency_range(self) -> tuple[float, float]:
        """Lowest and highest frequency of the blade that is mounted, Hz."""

    @property
    def is_running(self) -> bool:
        """True if the motor is on."""

    @property
    def is_locked(self) -> bool:
        """True if the blade is *measured* to chop at the frequency asked for."""

    def start(self) -> None:
        """Start the blade and return once it is locked; on failure it is stopped again.

        :raises labcool.errors.InstrumentTimeout: if it does not lock.
        """

    def stop(self) -> None:
        """Switch the motor off and return once that is reported; the blade may coast down."""
