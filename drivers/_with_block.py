"""``with SC10(...) as shutter:``, the same for every driver."""

from __future__ import annotations

from abc import abstractmethod
from types import TracebackType
from typing import Self


class WithBlock:
    """Mix-in: the end of a ``with`` block is the end of the instrument's use.

    An error of :meth:`shutdown` goes on, with the one that has ended the block in its context.
    """

    @abstractmethod
    def shutdown(self) -> None:
        """Make the instrument safe and release it; a second call does nothing."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.shutdown()
