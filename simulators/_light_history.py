"""What the light did, step by step, for detectors that are asked later about earlier moments."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from typing import Final, NamedTuple, TypeAlias

from simulators._chopping import Chopping
from simulators._pass_band import PassBand

Lines: TypeAlias = Sequence[tuple[float, float]]
"""Wavelength (nm) and power (W) of each part of the light."""

_FEWEST_STEPS: Final = 50_000


class Step(NamedTuple):
    """A time in which nothing changes but the blade of the chopper.

    :param begin: clock s.
    :param lines: light that leaves the lasers for the sample.
    :param transmission: of it that reaches the sample while a chopper lets it pass.
    :param duty: part of the time in which the chopper does, 0 to 1.
    :param heat: left in the spot while it does, W/cm²; negative when cooling.
    :param photons: emitted by the spot while it does, 1/(s cm²).
    :param temperature: of the spot, K.
    :param chopping: what the chopper does; None: there is none.
    :param probe: power of the probe laser, W.
    :param pass_band: of the monochromator before the photodiode; None: there is none.
    """

    begin: float
    lines: Lines
    transmission: float
    duty: float
    heat: float
    photons: float
    temperature: float
    chopping: Chopping | None
    probe: float
    pass_band: PassBand | None


class LightHistory:
    """The last steps: at least 50 000 of them, which is an hour or more.

    Whoever asks for an earlier moment gets the earliest step that is left.
    """

    def __init__(self) -> None:
        self._steps: list[Step] = []
        self._begins: list[float] = []

    def add(self, step: Step) -> None:
        """Note a step that begins where the last one ends."""
        if len(self._steps) >= 2 * _FEWEST_STEPS:
            del self._steps[:_FEWEST_STEPS], self._begins[:_FEWEST_STEPS]
        self._steps.append(step)
        self._begins.append(step.begin)

    def at(self, moment: float) -> Step | None:
        """Return the step in which ``moment`` (clock s) lies, None before the first step."""
        if not self._steps:
            return None
        return self._steps[max(bisect_right(self._begins, moment) - 1, 0)]
