"""What every instrument can do."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Protocol

Setting = float | int | str | bool


class Instrument(Protocol):
    """What every instrument on a bench can do."""

    name: str

    @property
    def identity(self) -> str:
        """What the instrument says it is (maker, model, serial number, firmware)."""

    def settings(self) -> Mapping[str, Setting]:
        """Return a snapshot of the instrument's state for the run file; moves nothing.

        Keys are snake_case and end in the unit where there is one (``power_W``).
        """

    def make_safe(self) -> None:
        """Bring the instrument to its safe state and verify it; may be called at any time."""

    def shutdown(self) -> None:
        """Make the instrument safe and release its port; a second call does nothing.

        What a person has set at the instrument, and this object never touched (a stage that holds
        a temperature), may stay as it is.
        """
