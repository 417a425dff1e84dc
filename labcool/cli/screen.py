"""Consoles that outlive what they write to: a closed terminal or pipe must not end a run."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from pathlib import Path
from typing import IO, Any, cast

from rich.console import Console


class LastingStream:
    """Passes text on to a stream until that fails, and drops it from then on."""

    def __init__(self, stream: IO[str]) -> None:
        self._stream = stream
        self._gone = False

    def write(self, text: str) -> int:
        """Write ``text`` if there is still somebody to read it."""
        if not self._gone:
            try:
                self._stream.write(text)
            except OSError:
                self._let_go()
        return len(text)

    def flush(self) -> None:
        """Flush the stream if it is still there."""
        if not self._gone:
            try:
                self._stream.flush()
            except OSError:
                self._let_go()

    @property
    def is_gone(self) -> bool:
        """True if something written could not be passed on."""
        return self._gone

    def _let_go(self) -> None:
        self._gone = True
        # What is still buffered is flushed when Python ends, and must not fail then.
        with suppress(OSError), Path(os.devnull).open("w", encoding="utf-8") as nowhere:
            os.dup2(nowhere.fileno(), self._stream.fileno())

    def __getattr__(self, name: str) -> Any:
        return getattr(self._stream, name)


def results_console() -> Console:
    """Return the console for what a command is asked for (stdout)."""
    return Console(file=_lasting(sys.stdout), highlight=False)


def error_console() -> Console:
    """Return the console for what went wrong (stderr); texts are shown as they are."""
    return Console(file=_lasting(sys.stderr), highlight=False, soft_wrap=True, markup=False)


def _lasting(stream: IO[str]) -> IO[str]:
    return cast(IO[str], LastingStream(stream))
