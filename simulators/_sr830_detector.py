"""The measuring part of an SR830: from the input to X and Y, and what overloads on the way.

Source: SR830 user manual, "SR830 basics" (p. 3-1 to 3-25) and outputs (p. 2-9: the outputs end at
109 % of full scale; offset and expand change what is shown, never R or θ when set for X or Y).

UNVERIFIED on hardware: the input stands 109 % of full scale times reserve; a filter stage stands
2.2 times full scale; an overloaded input compresses the signal to what it stands.
"""

from __future__ import annotations

import cmath
import math
from collections.abc import Callable
from typing import Final

import numpy as np

from simulators._sr830_filter import MEMORY, Stages
from simulators._sr830_settings import VOLTS_PER_AMPERE, Settings
from simulators._sr830_signal import Harmonics, Signal, harmonic_of, sample
from simulators._sr830_status import FILTER, INPUT, OUTPUT, RANGE, TC_CHANGED, UNLOCK
from simulators._sr830_tables import HIGHEST_HZ, SLOWEST_ABOVE_200_HZ

HEADROOM: Final = 1.09

_FILTER_HEADROOM: Final = 2.2
_RANGE_FALLS_BELOW_HZ, _RANGE_RISES_ABOVE_HZ = 199.21, 203.12
_LOWEST_SINE_REFERENCE_HZ: Final = 1.0
_EXTERNAL, _SINE_ZERO_CROSSING = 0, 0
_LOOKS_INTO_THE_PAST: Final = 32


class Detector:
    """Mixer and filter, always up to the last moment they were asked for.

    :param begin: clock moment of power-on, s.
    :param signal: at the input, V rms relative to the reference.
    :param reference: frequency at the reference input (Hz) by moment, None if there is none.
    :param noise_density: at the input, V/√Hz.
    :param source_noise: by moment, of what is connected to the input, V/√Hz.
    :param harmonics: amplitude of a harmonic of the signal relative to its fundamental.
    :param report: told the LIA status bits that something sets.
    """

    def __init__(
        self,
        begin: float,
        *,
        settings: Settings,
        signal: Signal,
        reference: Callable[[float], float | None],
        noise_density: float,
        source_noise: Callable[[float], float],
        harmonics: Harmonics,
        rng: np.random.Generator,
        report: Callable[[int], None],
    ) -> None:
        self.settings = settings
        self.interference = 0.0
        self.reference_unplugged = False
        self._moment = begin
        self._signal = signal
        self._reference = reference
        self._noise_density = noise_density
        self._source_noise = source_noise
        self._harmonics = harmonics
        self._rng = rng
        self._report = report
        self._stages = Stages()
        self._turned = 0.0
        self._external_hz = 1000.0
        self._is_in_upper_range = True

    @property
    def amplitude(self) -> complex:
        """X + iY after the filter, without offset, V (or A) rms."""
        stage = self.settings.integers["OFSL"]
        return self._stages.signal[stage] + self._stages.noise[stage]

    @property
    def noise_density(self) -> float:
        """Noise density at the input now, V/√Hz (or A/√Hz)."""
        return self._noise_at(self._moment)

    @property
    def reference_hz(self) -> float:
        """Frequency of the reference, Hz; the last one known if it is unlocked."""
        if self.settings.integers["FMOD"] == _EXTERNAL:
            return self._external_hz
        return self.settings.reals["FREQ"]

    @property
    def is_in_upper_range(self) -> bool:
        """True if it detects above about 200 Hz."""
        return self._is_in_upper_range

    def advance(self, moment: float) -> None:
        """Let time pass up to ``moment`` (s)."""
        if moment <= self._moment:
            return
        constant = self.settings.time_constant
        # What has been before some time constants is forgotten: the noise of now is that of now.
        variance = self._noise_at(moment) ** 2 / constant
        self._stages.pass_noise((moment - self._moment) / constant, variance, self._rng)
        begin = moment - MEMORY * constant
        if self._moment < begin:
            self._look_back(self._moment, begin)
            self._stages.settle(self._incoming(begin), self._turning(begin))
            self._moment = begin
        self._filter(self._moment, moment)
        self._moment = moment
        self.watch()

    def watch(self) -> None:
        """Report everything that is overloaded or unlocked at the present moment."""
        self._incoming(self._moment)
        self._watch_range()
        self._watch_outputs()

    def required_reserve(self) -> float:
        """Return how many times full scale the input must stand now."""
        total = (abs(self._signal(self._moment)) + self.interference) * self._gain
        return total / (HEADROOM * self.settings.full_scale)

    def fraction(self, quantity: int) -> float:
        """Return X (0), Y (1) or R (2) over full scale, offset taken off, expand not applied."""
        amplitude = self.amplitude
        raw = (amplitude.real, amplitude.imag, abs(amplitude))[quantity]
        return raw / self.settings.full_scale - self.settings.offsets[quantity] / 100

    def output(self, quantity: int) -> float:
        """Return X (0), Y (1) or R (2) as shown, V (or A): it ends at 109 % over the expand."""
        end = HEADROOM / 10.0 ** self.settings.expands[quantity]
        return min(max(self.fraction(quantity), -end), end) * self.settings.full_scale

    def theta(self) -> float:
        """Return the phase of the signal relative to the reference phase, degrees."""
        return math.degrees(cmath.phase(self.amplitude))

    @property
    def _gain(self) -> float:
        """What a volt becomes: an ampere meter is driven through 1 MΩ."""
        return 1 / VOLTS_PER_AMPERE if self.settings.has_current_input else 1.0

    def _noise_at(self, moment: float) -> float:
        return math.hypot(self._noise_density, self._source_noise(moment)) * self._gain

    def _filter(self, begin: float, end: float) -> None:
        points = sample(self._incoming, begin, end, self.settings.time_constant)
        here, value = next(points)
        last = here
        for moment, amplitude in points:
            if amplitude != value:
                self._pass(here, last, value, value)
                self._pass(last, moment, value, amplitude)
                here, value = moment, amplitude
            last = moment
        self._pass(here, last, value, value)

    def _pass(self, begin: float, end: float, first: complex, last: complex) -> None:
        if end <= begin:
            return
        constant = self.settings.time_constant
        turning = self._turning(begin)
        if turning.imag == 0:
            self._turned = 0.0
        frame = cmath.exp(1j * self._turned)
        self._stages.pass_signal((end - begin) / constant, first * frame, last * frame, turning)
        self._turned += turning.imag * (end - begin) / constant
        self._watch_outputs()

    def _incoming(self, moment: float) -> complex:
        """Return what leaves the mixer but for the beat; watch the input and the reference."""
        fundamental = self._signal(moment)
        total = (abs(fundamental) + self.interference) * self._gain
        stands = HEADROOM * self.settings.full_scale * self.settings.reserve
        if total > stands:
            self._report(INPUT)
        if self._reference_at(moment) is None:
            return 0j
        harmonic = self.settings.integers["HARM"]
        wanted = harmonic_of(fundamental, harmonic, self._harmonics(harmonic, moment))
        wanted *= self._gain
        compressed = min(1.0, stands / total) if total else 1.0
        return wanted * cmath.rect(compressed, -math.radians(self.settings.reals["PHAS"]))

    def _turning(self, moment: float) -> complex:
        """Return ``1 + iωT``: with the internal oscillator an external signal beats."""
        external = self._reference(moment)
        if self.settings.integers["FMOD"] == _EXTERNAL or external is None:
            return 1 + 0j
        beat = self.settings.integers["HARM"] * (external - self.settings.reals["FREQ"])
        return 1 + 2j * math.pi * beat * self.settings.time_constant

    def _reference_at(self, moment: float) -> float | None:
        """Return the reference frequency (Hz), None and an unlock report if there is none."""
        if self.settings.integers["FMOD"] != _EXTERNAL:
            return self.settings.reals["FREQ"]
        found = None if self.reference_unplugged else self._reference(moment)
        by_sine = self.settings.integers["RSLP"] == _SINE_ZERO_CROSSING
        lowest = _LOWEST_SINE_REFERENCE_HZ if by_sine else 0.001
        highest = HIGHEST_HZ / self.settings.integers["HARM"]
        if found is None or not lowest <= found <= highest:
            self._report(UNLOCK)
            return None
        self._external_hz = found
        return found

    def _watch_range(self) -> None:
        detected = self.reference_hz * self.settings.integers["HARM"]
        if self._is_in_upper_range and detected < _RANGE_FALLS_BELOW_HZ:
            self._is_in_upper_range = False
            self._report(RANGE)
        elif not self._is_in_upper_range and detected > _RANGE_RISES_ABOVE_HZ:
            self._is_in_upper_range = True
            self._report(RANGE)
        integers = self.settings.integers
        if self._is_in_upper_range:
            integers["SYNC"] = 0
            if integers["OFLT"] > SLOWEST_ABOVE_200_HZ:
                integers["OFLT"] = SLOWEST_ABOVE_200_HZ
                self._report(TC_CHANGED)

    def _watch_outputs(self) -> None:
        used = self._stages.signal[: self.settings.integers["OFSL"] + 1]
        largest = max(max(abs(stage.real), abs(stage.imag)) for stage in used)
        if largest > _FILTER_HEADROOM * self.settings.full_scale:
            self._report(FILTER)
        for quantity, expand in enumerate(self.settings.expands):
            if abs(self.fraction(quantity)) * 10**expand > HEADROOM:
                self._report(OUTPUT)

    def _look_back(self, begin: float, end: float) -> None:
        """Watch, here and there, a time whose effect on the outputs has faded."""
        for index in range(1, _LOOKS_INTO_THE_PAST):
            moment = begin + (end - begin) * index / _LOOKS_INTO_THE_PAST
            self._stages.settle(self._incoming(moment), self._turning(moment))
            self._watch_outputs()
