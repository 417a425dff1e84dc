"""When a fit counts as poor."""

from __future__ import annotations

from typing import Final

MODEL_ERROR: Final = 0.03
"""What a model may be wrong by in each pixel, part of its value: no line is exactly an EMG."""
POOR_FIT: Final = 6.0
"""A fit is poor if its χ² lies this many standard deviations above what is expected."""
