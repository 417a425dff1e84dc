"""Where a run file goes: a folder for each day, a name that says what it is, never one twice."""

from __future__ import annotations

import re
import unicodedata
from datetime import datetime
from itertools import count
from pathlib import Path
from typing import Final

_LONGEST: Final = 60


def run_path(out: Path, date: datetime, procedure: str, sample: str = "") -> Path:
    """Return ``<out>/<YYYY-MM-DD>/<YYYYmmdd-HHMMSS>_<procedure>_<sample>.h5``.

    A ``-2``, ``-3``, ... is added until no such file (nor the lock of one) exists. Nothing is
    created. Names are cut to what Windows, Linux and network shares all accept.

    :param date: the run's start; it is written as given, in its own time zone.
    """
    words = [date.strftime("%Y%m%d-%H%M%S"), plain_name(procedure), plain_name(sample)]
    stem = "_".join(word for word in words if word)
    folder = out / date.strftime("%Y-%m-%d")
    for number in count(1):
        path = folder / (f"{stem}.h5" if number == 1 else f"{stem}-{number}.h5")
        if not path.exists() and not path.with_name(path.name + ".lock").exists():
            break
    return path


def plain_name(text: str) -> str:
    """Return ``text`` in ASCII letters, digits, ``.``, ``_`` and ``-``, at most 60 of them."""
    ascii_text = unicodedata.normalize("NFKD", text).encode("ascii", "ignore").decode()
    return re.sub(r"[^A-Za-z0-9._-]+", "-", ascii_text)[:_LONGEST].strip("-._")
