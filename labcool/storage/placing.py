"""Files that are complete from the moment they have their name, and never replace another."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path


def place_new_file(path: Path, content: bytes) -> None:
    """Make a file that is complete from the moment it is there, and overwrite nothing.

    :raises FileExistsError: if there is one of that name.
    :raises OSError: if it cannot be written.
    """
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=".new-", suffix=".part")
    draft = Path(name)
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        draft.chmod(0o644)
        move_without_overwriting(draft, path)
    finally:
        draft.unlink(missing_ok=True)


def move_without_overwriting(draft: Path, path: Path) -> None:
    """Give a finished file its name.

    :raises FileExistsError: if there is one of that name.
    """
    if os.name == "nt":
        draft.rename(path)  # refuses, on Windows, if the name is taken
        return
    path.hardlink_to(draft)
    draft.unlink()
