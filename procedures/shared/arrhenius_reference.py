"""Dark and reference spectra for the Arrhenius thermometer, taken before a programme starts."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from pymeasure.experiment import Parameter

from labcool.bench.illumination import Illumination
from labcool.bench.roles import Spectrometer
from labcool.errors import InstrumentRefused
from labcool.thermometry import Dark, Reference

EACH_FLUENCE = "each fluence"
FIRST_SPECTRUM = "first spectrum"

_MICROSECOND = 1e-6


class ReferenceParameter(Parameter):
    """Parameter that says with what intensities are compared; see :attr:`allowed`."""

    allowed = f"'{EACH_FLUENCE}', '{FIRST_SPECTRUM}', or the path of an earlier run file"

    def convert(self, value: object) -> str:
        """Return the text; a file is looked for when the run is checked.

        :raises ValueError: if the value is no text, or empty.
        """
        if not isinstance(value, str | Path) or not str(value).strip():
            raise ValueError(f"{self.name}: {value!r} is none of {self.allowed}")
        return str(value).strip()


@dataclass(frozen=True)
class ReferencePlan:
    """How the reference of one fluence is taken.

    :param fluence: W/cm².
    :param exposure: integration time of one frame, s.
    :param frames: frames averaged.
    """

    fluence: float
    exposure: float
    frames: int


def plan_references(
    fluences: Sequence[float], *, dose: float, exposure: float, shortest: float
) -> list[ReferencePlan]:
    """Return one plan for each fluence, every one with about the same light dose.

    The dose keeps what the reference itself cools or heats the sample the same for all fluences: a
    bright reference is a short one.

    :param fluences: W/cm², in the order in which they are to be taken.
    :param dose: light dose at the sample, J/cm².
    :param exposure: longest integration time to use, s.
    :param shortest: shortest integration time of the spectrometer, s.
    """
    plans = []
    for fluence in fluences:
        light = dose / fluence
        frame = max(shortest, min(exposure, round(light / _MICROSECOND) * _MICROSECOND))
        plans.append(ReferencePlan(fluence, frame, max(1, int(light / frame + 1e-9))))
    return plans


class ReferenceTaker:
    """Takes darks and references with one spectrometer in one light.

    :param check: called between frames; may raise to break off.
    """

    def __init__(
        self, illumination: Illumination, spectrometer: Spectrometer, check: Callable[[], None]
    ) -> None:
        self.illumination = illumination
        self.spectrometer = spectrometer
        self._check = check

    def settle(self, exposure: float) -> None:
        """Set the exposure (s) in the dark, and throw the first spectrum away.

        An array spectrometer that runs freely may still hold a frame of the earlier exposure; a
        driver that discards it takes twice the time for the first spectrum. Neither should happen
        while light falls on the sample.
        """
        self.illumination.close()
        self.spectrometer.exposure = exposure
        self.spectrometer.acquire()

    def dark(self, exposure: float, frames: int) -> Dark:
        """Return the mean of dark spectra at one exposure (s), the shutter closed."""
        self.settle(exposure)
        return Dark(self._mean(frames), frames)

    def reference(
        self, plan: ReferencePlan, *, temperature: float, temperature_std: float
    ) -> Reference:
        """Return the mean spectrum at a fluence, with the sample at a known temperature (K).

        :raises InstrumentRefused: if the spectrometer saturates.
        """
        self.settle(plan.exposure)
        with self.illumination.at(plan.fluence) as fluence:
            spectrum = self._mean(plan.frames)
        return Reference(
            spectrum, plan.frames, plan.exposure, fluence, temperature, temperature_std
        )

    def _mean(self, frames: int) -> NDArray[np.float64]:
        averages = self.spectrometer.averages
        self.spectrometer.averages = 1
        try:
            total = np.zeros(len(self.spectrometer.wavelengths))
            for _ in range(frames):
                self._check()
                spectrum = self.spectrometer.acquire()
                if spectrum.saturated:
                    raise InstrumentRefused(
                        self.spectrometer.name,
                        f"saturated at {spectrum.exposure:g} s. Use a shorter exposure or a "
                        "smaller reference dose.",
                    )
                total += spectrum.counts
            return total / frames
        finally:
            self.spectrometer.averages = averages
