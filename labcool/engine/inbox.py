"""What drivers and others log during a run, kept until the run takes it up."""

from __future__ import annotations

import logging
from collections import deque
from typing import Self


class WarningInbox(logging.Handler):
    """Collects warnings (a retry on a wire, a mount that stands askew) while entered.

    Errors are left out: whatever is logged as an error is raised as well, and is told by whoever
    catches it. Safe to log to from any thread; may be entered more than once.
    """

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self._waiting: deque[tuple[str, str]] = deque()
        self._entered = 0

    def emit(self, record: logging.LogRecord) -> None:
        """Keep the record if it is a warning."""
        if record.levelno < logging.ERROR:
            self._waiting.append((record.name, record.getMessage()))

    def take(self) -> list[tuple[str, str]]:
        """Return, once, what has come: (logger's name, text), oldest first."""
        taken = []
        while self._waiting:
            taken.append(self._waiting.popleft())
        return taken

    def __enter__(self) -> Self:
        self._entered += 1
        logging.getLogger().addHandler(self)
        return self

    def __exit__(self, *_: object) -> None:
        self._entered -= 1
        if not self._entered:
            logging.getLogger().removeHandler(self)
