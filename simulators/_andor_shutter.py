"""The internal shutter of the camera as the light sees it."""

from __future__ import annotations

from simulators._andor_codes import ShutterMode


class InternalShutter:
    """A mechanical shutter that is closed at the start and takes its time.

    In the automatic mode it opens when an acquisition starts and closes behind it.
    """

    def __init__(self) -> None:
        self.mode = ShutterMode.CLOSED
        self._closing = self._opening = 0.0
        self._is_open = False
        self._moment = float("-inf")

    def set(self, mode: ShutterMode, closing: float, opening: float, now: float) -> None:
        """Take a mode and the times (s) for closing and opening."""
        self.mode = mode
        self._closing, self._opening = closing, opening
        self._drive(mode is ShutterMode.OPEN, now)

    def acquisition_starts(self, now: float) -> float:
        """Open in the automatic mode; return how long the first exposure has to wait, s."""
        if self.mode is not ShutterMode.AUTO:
            return 0.0
        self._drive(True, now)
        return self._opening

    def acquisition_ends(self, now: float) -> None:
        """Close in the automatic mode."""
        if self.mode is ShutterMode.AUTO:
            self._drive(False, now)

    def is_open(self, moment: float) -> bool:
        """Tell whether light passes at a moment, of now or later (clock s)."""
        return self._is_open if moment >= self._moment else not self._is_open

    def lit(self, start: float, end: float) -> tuple[float, float]:
        """Return begin and end of the part of an exposure in which light passes; may be empty."""
        if self._is_open:
            return max(start, self._moment), end
        return start, min(end, self._moment)

    def _drive(self, is_open: bool, now: float) -> None:
        if is_open == self._is_open:
            return
        self._is_open = is_open
        self._moment = now + (self._opening if is_open else self._closing)
