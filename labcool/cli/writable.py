"""Whether files can be written to a place, found out without leaving anything there."""

from __future__ import annotations

import tempfile
from pathlib import Path

from labcool.errors import ConfigurationError


def check_writable(option: str, folder: Path) -> None:
    """Refuse a folder in which no file can be made, or that cannot be made itself.

    :param option: the option that names it, for the message.
    :raises ConfigurationError: then.
    """
    try:
        existing = next(place for place in (folder, *folder.absolute().parents) if place.exists())
        with tempfile.TemporaryFile(dir=existing):
            pass
    except OSError as error:
        raise ConfigurationError(
            f"{option} {folder}: files cannot be written there ({error.strerror}). Name another "
            "folder."
        ) from error
