"""The published numbers that need only models, and the table of them in the documentation."""

import re
from pathlib import Path

import pytest
from table_of_models import as_markdown, largest_gain, rows

TABLE = {row.id: row for row in rows()}


def numbers(text: str) -> list[float]:
    return [float(found) for found in re.findall(r"\d+\.?\d*", text)]


@pytest.mark.parametrize(
    ("id_", "low", "high"),
    [
        ("R threshold", 96.0, 97.5),
        ("Y-cut", 2.375, 2.39),
        ("Y-eta", 0.085, 0.265),
        ("Y-qd", 0.5, 1.5),
    ],
)
def test_ours_is_the_published_number(id_: str, low: float, high: float) -> None:
    assert all(low <= number <= high for number in numbers(TABLE[id_].ours))


def test_largest_cooling_power_rounds_to_the_published_pair() -> None:
    power, where = numbers(TABLE["Y-gmax"].ours)
    assert power == pytest.approx(2.1, abs=0.08)
    assert where == pytest.approx(0.014, abs=5e-4)


def test_hardly_any_gain_is_left_at_97_percent() -> None:
    assert largest_gain(0.97) < 0.02 * largest_gain(1.0)
    assert largest_gain(0.99) > 0.15 * largest_gain(1.0)


def test_the_documentation_shows_what_the_code_gives() -> None:
    shown = Path(__file__).parents[2] / "docs" / "published_models.md"
    assert as_markdown() in shown.read_text(encoding="utf-8")
