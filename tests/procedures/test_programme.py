from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labcool.errors import ConfigurationError, LimitError
from procedures.shared.programme import Programme, ProgrammeParameter, Segment, parse

POSITIVE = st.floats(1e-9, 1e12)
SEGMENTS = st.builds(Segment, POSITIVE, st.one_of(st.just(0.0), POSITIVE))


def test_the_published_programme() -> None:
    programme = parse("120 s @ 300; 60 s @ 30; 5 min dark; 0.25 h @ 0.03 kW/cm²")
    assert programme == Programme(
        (Segment(120, 300), Segment(60, 30), Segment(300, 0), Segment(900, 30))
    )
    assert programme.duration == 1380.0
    assert programme.fluences == (30.0, 300.0)
    assert programme.starts == (0.0, 120.0, 180.0, 480.0)
    assert [segment.dark for segment in programme] == [False, False, True, False]
    assert len(programme) == 4
    assert str(programme) == "120 s @ 300 W/cm2; 60 s @ 30 W/cm2; 300 s dark; 900 s @ 30 W/cm2"


@pytest.mark.parametrize(
    ("text", "fluence"),
    [
        ("1 s @ 2", 2.0),
        ("1s@2W/cm2", 2.0),
        ("  1 s  @  2   W/cm^2 ", 2.0),
        ("1 s @ 2 mW/cm2", 0.002),
        ("1 s @ 2e3W/cm²", 2000.0),
        ("1 s @ .5 MW/cm2", 5e5),
        ("1 s\n\tdark", 0.0),
    ],
)
def test_spellings(text: str, fluence: float) -> None:
    assert parse(text).segments == (Segment(1.0, fluence),)


@given(st.lists(SEGMENTS, min_size=1, max_size=8))
def test_canonical_text_gives_the_same_programme(segments: list[Segment]) -> None:
    programme = Programme(tuple(segments))
    assert parse(str(programme)) == programme
    assert str(parse(str(programme))) == str(programme)


@pytest.mark.parametrize(
    ("text", "column", "expected"),
    [
        ("", 0, "a duration"),
        ("   ", 3, "a duration"),
        ("0 s @ 300", 0, "a finite duration above 0"),
        ("10 s dark; -5 s dark", 11, "a finite duration above 0"),
        ("inf s dark", 0, "a finite duration above 0"),
        ("nan s dark", 0, "a finite duration above 0"),
        ("1e999 s dark", 0, "a finite duration above 0"),
        ("1e308 h dark", 0, "a finite duration above 0"),
        ("120 @ 300", 4, "a unit of time (s, min or h)"),
        ("120", 3, "a unit of time (s, min or h)"),
        ("120 days @ 300", 4, "a unit of time (s, min or h)"),
        ("1,5 s @ 300", 1, "a unit of time (s, min or h)"),
        ("120 s 300", 6, "'@' and a fluence, or 'dark'"),
        ("120 s", 5, "'@' and a fluence, or 'dark'"),
        ("120 s darkness", 6, "'@' and a fluence, or 'dark'"),
        ("120 s @", 7, "a fluence"),
        ("120 s @ dark", 8, "a fluence"),
        ("120 s @ 0", 8, "a finite fluence above 0"),
        ("120 s @ -3", 8, "a finite fluence above 0"),
        ("120 s @ NaN", 8, "a finite fluence above 0"),
        ("120 s @ inf W/cm2", 8, "a finite fluence above 0"),
        ("120 s @ 300 W", 12, "a unit of fluence"),
        ("120 s @ 300 60 s dark", 12, "a unit of fluence"),
        ("120 s @ 300 W/cm2 junk", 18, "';' or the end"),
        ("120 s dark junk", 11, "';' or the end"),
        ("120 s @ 300;; 60 s dark", 12, "a duration"),
        ("120 s @ 300;", 12, "a duration"),
        ("; 60 s dark", 0, "a duration"),
        ("60 s\t@\tx", 7, "a fluence"),
    ],
)
def test_a_mistake_is_shown_where_it_is(text: str, column: int, expected: str) -> None:
    with pytest.raises(ConfigurationError) as refusal:
        parse(text)
    message, shown, caret = str(refusal.value).split("\n")
    assert f"expected {expected}" in message
    assert shown.removeprefix("  ") == text.replace("\t", " ")
    assert caret.removeprefix("  ") == " " * column + "^"


@given(st.text(alphabet="0123456789.e+- smhinW/c2@;dark\n", max_size=40))
def test_any_text_is_a_programme_or_a_configuration_error(text: str) -> None:
    try:
        programme = parse(text)
    except ConfigurationError:
        return
    assert math.isfinite(programme.duration)
    assert programme.duration > 0


def test_impossible_segments_are_refused() -> None:
    for duration, fluence in (
        (0, 1),
        (-1, 1),
        (math.inf, 1),
        (math.nan, 1),
        (1, -1),
        (1, math.nan),
    ):
        with pytest.raises(LimitError):
            Segment(duration, fluence)
    with pytest.raises(LimitError, match="at least one"):
        Programme(())
    with pytest.raises(LimitError, match="finite"):
        Programme((Segment(1e308, 0), Segment(1e308, 0)))


def test_parameter_takes_text_and_programmes() -> None:
    parameter = ProgrammeParameter("Fluence programme", default="2 min @ 300; 60 s dark")
    assert parameter.value == Programme((Segment(120, 300), Segment(60, 0)))
    assert str(parameter) == "120 s @ 300 W/cm2; 60 s dark"
    programme = parse("1 s dark")
    parameter.value = programme
    assert parameter.value is programme
    parameter.value = str(programme)
    assert parameter.value == programme
    assert parameter.cli_args[0] == "1 s dark"
    with pytest.raises(ConfigurationError, match="unit of time"):
        parameter.value = "12 x"
    with pytest.raises(ConfigurationError, match="no fluence programme"):
        parameter.value = 12
    assert parameter.value == programme
