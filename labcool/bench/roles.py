"""What a procedure may ask of an instrument, whatever its make.

Each role is a :class:`typing.Protocol`; a driver fills a role by having its members, without
importing this module (:func:`missing_members` tells what is absent, asking the class only, so that
no instrument is queried). Every class that fills a role passes the role's conformance test
(``tests/bench/conformance``).

``shutdown()`` ends the use of an instrument (safe state, port released); ``close()`` of a
:class:`Shutter` moves its blade.
"""

from __future__ import annotations

from labcool.bench._roles_detection import LockIn, LockInReading, PowerMeter, Spectrometer
from labcool.bench._roles_instrument import Instrument, Setting
from labcool.bench._roles_light import Attenuator, Chopper, Laser, RotationMount, Shutter
from labcool.bench._roles_spectral import Monochromator, SupercontinuumSource, TunableSource
from labcool.bench._roles_temperature import (
    SettledTemperature,
    TemperatureController,
    TemperatureProbe,
)

__all__ = [
    "ROLES",
    "Attenuator",
    "Chopper",
    "Instrument",
    "Laser",
    "LockIn",
    "LockInReading",
    "Monochromator",
    "PowerMeter",
    "RotationMount",
    "Setting",
    "SettledTemperature",
    "Shutter",
    "Spectrometer",
    "SupercontinuumSource",
    "TemperatureController",
    "TemperatureProbe",
    "TunableSource",
    "missing_members",
    "roles_of",
]

ROLES: tuple[type, ...] = (
    Shutter,
    Laser,
    Attenuator,
    RotationMount,
    Chopper,
    SupercontinuumSource,
    TunableSource,
    Monochromator,
    Spectrometer,
    LockIn,
    PowerMeter,
    TemperatureController,
    TemperatureProbe,
)


def missing_members(candidate: type, role: type) -> list[str]:
    """Return the names of the role's members that a class lacks; empty if it fills the role."""
    protocols = [base for base in role.__mro__ if getattr(base, "_is_protocol", False)]
    members = {name for base in protocols for name in vars(base) if not name.startswith("_")}
    return sorted(name for name in members if not hasattr(candidate, name))


def roles_of(candidate: type) -> list[str]:
    """Return the names of all roles that a class fills."""
    return [role.__name__ for role in ROLES if not missing_members(candidate, role)]
