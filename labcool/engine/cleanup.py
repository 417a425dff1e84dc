"""Steps that are all taken, whatever becomes of the ones before."""

from __future__ import annotations

from collections.abc import Callable

from labcool.errors import LabcoolError


class CleanUp:
    """Takes the steps that end a run and keeps what went wrong in them.

    :param cause: what broke the run off, if anything did; met again in a step, it is not told
        twice.
    """

    def __init__(self, cause: BaseException | None) -> None:
        self.problems: list[str] = []
        self._told = set() if cause is None else {in_words(cause)}

    def attempt(self, what: str, step: Callable[[], object]) -> bool:
        """Take a step.

        :param what: the step in words, for the report of a failure.
        :return: True if it raised nothing.
        """
        try:
            step()
        except BaseException as error:  # noqa: BLE001 - reported, and the next step is still taken
            words = in_words(error)
            if words not in self._told:
                self._told.add(words)
                self.problems.append(f"{what}: {words}")
            return False
        return True


def in_words(error: BaseException) -> str:
    """Return an error as people read it; those that labcool did not raise begin with their type."""
    if isinstance(error, LabcoolError):
        return str(error)
    return f"{type(error).__name__}: {error}".rstrip(": ")
