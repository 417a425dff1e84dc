"""A fluence programme as text and as data: how long the sample is lit with what, in which order.

``120 s @ 300; 60 s @ 30; 5 min dark; 15 min @ 30`` is four segments: a duration with its unit
(s, min or h) and either ``@`` and the fluence (irradiance at the sample, W/cm² if no unit is given,
else mW, W, kW or MW per cm2, cm² or cm^2), or ``dark``, which is the beam blocked.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import accumulate
from typing import Any, Final, NoReturn

from pymeasure.experiment import Parameter

from labcool.errors import ConfigurationError, LimitError

SECONDS_PER_UNIT: Final = {"s": 1.0, "min": 60.0, "h": 3600.0}
_WATTS_PER_PREFIX: Final = {"mW": 1e-3, "W": 1.0, "kW": 1e3, "MW": 1e6}
FLUENCE_UNITS: Final = {
    f"{watt}/{area}": factor
    for watt, factor in _WATTS_PER_PREFIX.items()
    for area in ("cm2", "cm²", "cm^2")
}
_NUMBER: Final = re.compile(
    r"[+-]?(?:(?:\d+\.?\d*|\.\d+)(?:[eE][+-]?\d+)?|(?:inf(?:inity)?|nan)(?![a-z]))", re.IGNORECASE
)
_WORD: Final = re.compile(r"[A-Za-z][A-Za-z0-9/²^]*")


@dataclass(frozen=True, slots=True)
class Segment:
    """A stretch of time in which the fluence does not change.

    :param duration: s, finite, above 0.
    :param fluence: irradiance at the sample, W/cm², finite; 0 is the beam blocked.
    :raises LimitError: if a number is outside its range.
    """

    duration: float
    fluence: float

    def __post_init__(self) -> None:
        if not (math.isfinite(self.duration) and self.duration > 0):
            raise LimitError("segment duration (s)", self.duration, "a finite number above 0")
        if not (math.isfinite(self.fluence) and self.fluence >= 0):
            raise LimitError("segment fluence (W/cm²)", self.fluence, "a finite number, 0 or more")

    @property
    def dark(self) -> bool:
        """True if the beam is blocked."""
        return self.fluence == 0

    def __str__(self) -> str:
        """Return the canonical text, which :func:`parse` reads back exactly."""
        light = "dark" if self.dark else f"@ {_exact(self.fluence)} W/cm2"
        return f"{_exact(self.duration)} s {light}"


@dataclass(frozen=True, slots=True)
class Programme:
    """The segments of a run, in order; iterate over it to get them.

    :param segments: at least one.
    :raises LimitError: if there is none, or the sum of their durations is infinite.
    """

    segments: tuple[Segment, ...]

    def __post_init__(self) -> None:
        object.__setattr__(self, "segments", tuple(self.segments))
        if not self.segments:
            raise LimitError("fluence programme", "empty", "at least one segment")
        if not math.isfinite(self.duration):
            raise LimitError("programme duration (s)", self.duration, "finite")

    @property
    def duration(self) -> float:
        """Sum of the durations, s."""
        return sum(segment.duration for segment in self.segments)

    @property
    def fluences(self) -> tuple[float, ...]:
        """The different fluences that light the sample, W/cm², ascending; dark is none of them."""
        return tuple(sorted({segment.fluence for segment in self.segments if not segment.dark}))

    @property
    def starts(self) -> tuple[float, ...]:
        """Moment at which each segment begins, s after the start of the first."""
        before_last = (segment.duration for segment in self.segments[:-1])
        return tuple(accumulate(before_last, initial=0.0))

    def __iter__(self) -> Iterator[Segment]:
        """Iterate over the segments in order."""
        return iter(self.segments)

    def __len__(self) -> int:
        """Return the number of segments."""
        return len(self.segments)

    def __str__(self) -> str:
        """Return the canonical text, which :func:`parse` reads back exactly."""
        return "; ".join(str(segment) for segment in self.segments)


def parse(text: str) -> Programme:
    """Return the programme that a text describes.

    :raises ConfigurationError: if the text is no programme; the message shows the text with a caret
        under the first character that does not fit, and says what was expected there.
    """
    return _Reader(text).programme()


class ProgrammeParameter(Parameter):
    """Parameter of a procedure whose value is a :class:`Programme`, given as one or as text."""

    allowed: Final = "segments like '120 s @ 300' (W/cm²) or '5 min dark', with ';' between them"

    def convert(self, value: Programme | str) -> Programme:
        """Return the programme that a text describes; a programme as it is.

        :raises ConfigurationError: if the value is neither, or the text no programme.
        """
        if isinstance(value, Programme):
            return value
        if isinstance(value, str):
            return parse(value)
        raise ConfigurationError(
            f"{self.name} = {value!r} is no fluence programme: give a text such as "
            "'120 s @ 300; 60 s dark'."
        )

    @property
    def cli_args(self) -> Any:
        """What a command line needs: default as canonical text, help fields, conversion."""
        default = str(self) if self.is_set() else None
        return (default, self._help_fields, self.convert)


class _Reader:
    """Reads a programme from left to right; ``_at`` is the next character to look at."""

    def __init__(self, text: str) -> None:
        # One column for each character, or the caret would point beside the mistake.
        self._text = re.sub(r"\s", " ", text)
        self._at = 0

    def programme(self) -> Programme:
        segments = [self._segment()]
        while not self._ended():
            if not self._take(";"):
                self._fail("';' or the end")
            segments.append(self._segment())
        return Programme(tuple(segments))

    def _segment(self) -> Segment:
        duration, duration_at = self._number("a duration such as '120 s'")
        duration *= self._unit(SECONDS_PER_UNIT, "a unit of time (s, min or h)")
        self._check(duration, "a finite duration above 0", duration_at)
        if self._take("@"):
            return Segment(duration, self._fluence())
        word_at, word = self._word()
        if word != "dark":
            self._fail("'@' and a fluence, or 'dark'", word_at)
        self._at = word_at + len(word)
        return Segment(duration, 0.0)

    def _fluence(self) -> float:
        fluence, fluence_at = self._number("a fluence such as '300 W/cm2'")
        if not self._ended() and self._text[self._at] != ";":
            fluence *= self._unit(
                FLUENCE_UNITS, "a unit of fluence (mW/cm2, W/cm2, kW/cm2 or MW/cm2), ';' or the end"
            )
        self._check(fluence, "a finite fluence above 0 ('dark' is the beam blocked)", fluence_at)
        return fluence

    def _number(self, expected: str) -> tuple[float, int]:
        self._skip_blanks()
        match = _NUMBER.match(self._text, self._at)
        if match is None:
            self._fail(expected)
        self._at = match.end()
        return float(match.group()), match.start()

    def _unit(self, factors: dict[str, float], expected: str) -> float:
        word_at, word = self._word()
        if word not in factors:
            self._fail(expected, word_at)
        self._at = word_at + len(word)
        return factors[word]

    def _word(self) -> tuple[int, str]:
        self._skip_blanks()
        match = _WORD.match(self._text, self._at)
        return self._at, match.group() if match else ""

    def _take(self, character: str) -> bool:
        self._skip_blanks()
        if not self._text.startswith(character, self._at):
            return False
        self._at += 1
        return True

    def _ended(self) -> bool:
        self._skip_blanks()
        return self._at >= len(self._text)

    def _skip_blanks(self) -> None:
        while self._text.startswith(" ", self._at):
            self._at += 1

    def _check(self, number: float, expected: str, at: int) -> None:
        if not (math.isfinite(number) and number > 0):
            self._fail(expected, at)

    def _fail(self, expected: str, at: int | None = None) -> NoReturn:
        at = self._at if at is None else at
        found = f"found {self._text[at]!r}" if at < len(self._text) else "the text ends"
        raise ConfigurationError(
            f"fluence programme: expected {expected}, but {found} at character {at + 1}:\n"
            f"  {self._text}\n"
            f"  {' ' * at}^"
        )


def _exact(number: float) -> str:
    """Return the shortest text that gives exactly this number again."""
    return repr(float(number)).removesuffix(".0")
