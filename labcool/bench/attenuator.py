"""A rotation mount with an optic in it, as an attenuator."""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import Protocol

from labcool.bench.roles import RotationMount, Setting
from labcool.numbers import within


class AttenuationLaw(Protocol):
    """Transmission of an optic against its angle (see :mod:`labcool.models.attenuation`)."""

    @property
    def transmission_range(self) -> tuple[float, float]:
        """Smallest and largest transmission, 0 to 1."""

    def transmission(self, angle: float) -> float:
        """Return the transmission at ``angle`` (degrees)."""

    def angle_for(self, transmission: float) -> float:
        """Return the angle (degrees) that gives ``transmission``."""


class RotaryAttenuator:
    """Fills the Attenuator role with a rotation mount and the law of the optic in it.

    :param mount: what turns.
    :param law: transmission against angle.
    """

    def __init__(self, mount: RotationMount, law: AttenuationLaw) -> None:
        self.mount = mount
        self.law = law
        self.name = mount.name

    @property
    def identity(self) -> str:
        """What the mount says it is."""
        return self.mount.identity

    @property
    def transmission_range(self) -> tuple[float, float]:
        """Smallest and largest transmission that can be set, 0 to 1."""
        return self.law.transmission_range

    @property
    def transmission(self) -> float:
        """Transmission at the angle that the mount reads back, NaN beside a filter's scale."""
        return self.law.transmission(self.mount.angle)

    @transmission.setter
    def transmission(self, value: float) -> None:
        low, high = self.transmission_range
        value = within(f"{self.name} transmission", value, low, high)
        self.mount.turn_to(self.law.angle_for(value))

    def settings(self) -> Mapping[str, Setting]:
        """Return the mount's settings, and the transmission where it is known."""
        settings = dict(self.mount.settings())
        if math.isfinite(transmission := self.transmission):
            settings["transmission"] = transmission
        return settings

    def make_safe(self) -> None:
        """Leave the optic where it stands: any angle is safe behind a closed shutter."""
        self.mount.make_safe()

    def shutdown(self) -> None:
        """Release the mount's port."""
        self.mount.shutdown()
