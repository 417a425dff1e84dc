"""What a procedure needs of a bench, and finding it there."""

from __future__ import annotations

from collections.abc import Mapping

from labcool.bench.illumination import Illumination
from labcool.bench.roles import missing_members
from labcool.errors import ConfigurationError


class Needs:
    """Roles a procedure asks for, by the attribute under which it wants them.

    :param optional: names that may stay None on a bench without such an instrument.
    :param roles: attribute name → role (a protocol of :mod:`labcool.bench.roles` or
        :class:`~labcool.bench.illumination.Illumination`).
    """

    def __init__(self, *, optional: tuple[str, ...] = (), **roles: type) -> None:
        self.roles = roles
        self.optional = optional

    def find(
        self, instruments: Mapping[str, object], illumination: Illumination | None
    ) -> dict[str, object | None]:
        """Return attribute name → what fills it, None for an optional role that nothing fills.

        An instrument of the bench file with the attribute's name is taken first, otherwise the
        only instrument that fills the role.

        :raises ConfigurationError: if a role is missing, or several instruments fill it.
        """
        found: dict[str, object | None] = {}
        for name, role in self.roles.items():
            found[name] = (
                self._illumination(illumination)
                if role is Illumination
                else self._instrument(name, role, instruments)
            )
        return found

    @staticmethod
    def _illumination(illumination: Illumination | None) -> Illumination:
        if illumination is None:
            raise ConfigurationError(
                "This procedure needs an illumination, and the bench file has none. Add an "
                "'illumination:' section (laser, attenuator, shutter, spot) to it."
            )
        return illumination

    def _instrument(
        self, name: str, role: type, instruments: Mapping[str, object]
    ) -> object | None:
        named = instruments.get(name)
        if named is not None and not missing_members(type(named), role):
            return named
        able = {k: v for k, v in instruments.items() if not missing_members(type(v), role)}
        if len(able) == 1:
            return next(iter(able.values()))
        if not able:
            if name in self.optional:
                return None
            raise ConfigurationError(
                f"This procedure needs a {role.__name__} ('{name}'), and no instrument of the "
                f"bench is one. The bench has: {', '.join(instruments) or 'no instruments'}."
            )
        raise ConfigurationError(
            f"This procedure needs one {role.__name__}, and the bench has {len(able)}: "
            f"{', '.join(able)}. Name the one to use '{name}' in the bench file."
        )
