"""What the exit code of ``labcool`` says."""

from __future__ import annotations

from typing import Final

FINISHED: Final = 0
FAILED: Final = 1
WRONG_USAGE: Final = 2
ABORTED: Final = 130
