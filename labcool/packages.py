"""The start-up check that the packages beside labcool are labcool's own.

``drivers``, ``procedures``, ``simulators`` and ``configs`` are common names. Another distribution,
or a folder in the place from which Python was started, may stand in front of them.
"""

from __future__ import annotations

from importlib.util import find_spec
from pathlib import Path

from labcool.errors import ConfigurationError

SIBLINGS = ("drivers", "procedures", "simulators", "configs")


def check_packages(siblings: tuple[str, ...] = SIBLINGS) -> None:
    """Make sure that each sibling package lies beside ``labcool``; imports none of them.

    :raises ConfigurationError: naming the package that is shadowed, by what, and the way out.
    """
    home = Path(__file__).resolve().parents[1]
    for name in siblings:
        found = _location(name)
        if found is None:
            raise ConfigurationError(
                f"the package '{name}' is not installed beside labcool in {home}. Install labcool "
                "again: python -m pip install --force-reinstall labcool"
            )
        if found != home / name:
            raise ConfigurationError(
                f"labcool's package '{name}' is shadowed by {found}. Start labcool from another "
                f"folder if that is your own, or uninstall the distribution it belongs to (python "
                f"-m pip uninstall ...). Expected: {home / name}"
            )


def _location(name: str) -> Path | None:
    spec = find_spec(name)
    if spec is None:
        return None
    if spec.origin is not None:
        origin = Path(spec.origin).resolve()
        return origin.parent if origin.name == "__init__.py" else origin
    places = list(spec.submodule_search_locations or ())
    return Path(places[0]).resolve() if places else None
