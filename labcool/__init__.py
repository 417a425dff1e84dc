"""Runs optical-cooling experiments: instruments, procedures, run files and live temperatures."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from labcool.storage.reader import open_run

__all__ = ["__version__", "open_run"]

__version__ = "0.1.0"


def __getattr__(name: str) -> Any:
    """Import :func:`open_run` when it is first asked for, so that ``import labcool`` is quick."""
    if name == "open_run":
        from labcool.storage.reader import open_run

        return open_run
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
