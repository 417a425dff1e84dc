"""The roles of what makes light of a chosen wavelength, or picks it out."""

from __future__ import annotations

from typing import Protocol

from labcool.bench._roles_instrument import Instrument


class SupercontinuumSource(Instrument, Protocol):
    """A pulsed white-light source, to stand before a tunable filter. Safe state: no emission.

    Connecting never starts emission, and no property does.
    """

    @property
    def interlock(self) -> str:
        """State of the interlock as the source reports it: ``ok``, or what is open, in words."""

    @property
    def emission(self) -> bool:
        """True unless the source *reports* that it does not emit."""

    @property
    def power_level(self) -> float:
        """Level of the output asked for, % of what the source can give."""

    @power_level.setter
    def power_level(self, percent: float) -> None: ...

    @property
    def pulse_picker_ratio(self) -> int:
        """By what the full pulse rate is divided, 1 or more."""

    @pulse_picker_ratio.setter
    def pulse_picker_ratio(self, ratio: int) -> None: ...

    def start_emission(self) -> None:
        """Start emission with the watchdog of the source armed; return once it is reported.

        :raises labcool.errors.InstrumentRefused: if the interlock is not ok or a fault is reported.
        """

    def stop_emission(self) -> None:
        """Stop emission; return once that is reported.

        :raises labcool.errors.ShutterNotClosed: if it cannot be confirmed.
        """

    def keep_alive(self) -> None:
        """Show the source that this program lives; to be called every few seconds while it emits.

        A run does so by itself whenever it waits or has recorded a point.

        :raises labcool.errors.InstrumentRefused: if emission has ended by itself.
        """


class TunableSource(Instrument, Protocol):
    """Light of a chosen wavelength: a tunable filter behind a white source. Safe state: no light.

    Whatever is set, the setter returns when it has settled. Light comes out between
    :meth:`start_emission` and :meth:`stop_emission` only. Where opening the filter does not start
    the white source, that source is an instrument of its own (:class:`SupercontinuumSource`) and
    has to emit as well.
    """

    @property
    def wavelength(self) -> float:
        """Centre of the band, nm."""

    @wavelength.setter
    def wavelength(self, nanometres: float) -> None:
        """Tune; a wavelength outside of all ranges raises ``LimitError``, and nothing moves.

        :raises labcool.errors.InstrumentRefused: if it is in a range that can be entered only
            without emission, and there is emission.
        """

    @property
    def wavelength_ranges(self) -> tuple[tuple[float, float], ...]:
        """Lowest and highest wavelength of each range, ascending, nm.

        Several for several crystals; they may overlap, and what lies between them is a gap.
        """

    @property
    def bandwidth(self) -> float:
        """Width of the band, nm; NaN where the instrument cannot tell."""

    @property
    def power_level(self) -> float:
        """How much of the light at this wavelength passes, % of the most; not linear as a rule."""

    @power_level.setter
    def power_level(self, percent: float) -> None: ...

    @property
    def emission(self) -> bool:
        """True unless the instrument *reports* that no light comes out."""

    def start_emission(self) -> None:
        """Let light out; return once that is reported.

        :raises labcool.errors.InstrumentRefused: if an interlock is not ok or a fault is reported.
        """

    def stop_emission(self) -> None:
        """End the light; return once that is reported.

        :raises labcool.errors.ShutterNotClosed: if it cannot be confirmed.
        """

    def keep_alive(self) -> None:
        """Show the instrument that this program lives; to be called every few seconds meanwhile.

        :raises labcool.errors.InstrumentRefused: if the light has ended by itself.
        """


class Monochromator(Instrument, Protocol):
    """Turns a grating so that one wavelength reaches the exit. Safe state: it stands still.

    During a move any wavelength, and the undispersed light, can cross the exit: whoever turns it
    keeps a sensitive detector dark.
    """

    @property
    def wavelength(self) -> float:
        """Wavelength at the centre of the exit as read back, nm."""

    @property
    def wavelength_range(self) -> tuple[float, float]:
        """Lowest and highest wavelength that the grating in the beam reaches, nm."""

    @property
    def wavelength_tolerance(self) -> float:
        """How far a wavelength read back may be from the one asked for, nm."""

    @property
    def grating(self) -> int:
        """Number of the grating in the beam."""

    @grating.setter
    def grating(self, number: int) -> None: ...

    def go_to(self, wavelength: float) -> None:
        """Turn to ``wavelength`` (nm) and return when it is read back within the tolerance.

        :raises labcool.errors.InstrumentRefused: if another one is read back.
        """
