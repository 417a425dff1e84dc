"""A quantity whose future a device announces."""

from __future__ import annotations

import math
from collections import deque
from typing import Generic, TypeVar

Value = TypeVar("Value")


class Announced(Generic[Value]):
    """A step function of time: its present value and what has been announced to come.

    :param value: until the first announcement takes effect.
    """

    def __init__(self, value: Value) -> None:
        self.value = value
        self._coming: deque[tuple[float, Value]] = deque()

    def announce(self, value: Value, moment: float) -> None:
        """Take ``value`` from ``moment`` (clock s) on.

        It replaces all that was announced for that moment or a later one.
        """
        while self._coming and self._coming[-1][0] >= moment:
            self._coming.pop()
        self._coming.append((moment, value))

    @property
    def next_change(self) -> float:
        """Moment of the next change, clock s; inf if none has been announced."""
        return self._coming[0][0] if self._coming else math.inf

    def move_to(self, moment: float) -> bool:
        """Make all changes up to and at ``moment`` (clock s); return True if there was one."""
        changed = False
        while self._coming and self._coming[0][0] <= moment:
            self.value = self._coming.popleft()[1]
            changed = True
        return changed
