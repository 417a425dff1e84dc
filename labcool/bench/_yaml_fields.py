"""Field types of the bench file, and the checks that one field can make alone."""

from __future__ import annotations

from datetime import date, datetime
from itertools import pairwise
from typing import Annotated, Any

from pydantic import AfterValidator, Field
from pydantic_core import PydanticCustomError

RULE = "labcool_rule"
"""Type of the validation errors that carry their own words (see :func:`broken_rule`)."""


def broken_rule(
    what: str, allowed: str, hint: str = "", field: str | None = None
) -> PydanticCustomError:
    """Return the error to raise from a validator.

    :param what: what is wrong, in words.
    :param field: the field of the model to point at; None: the value being validated.
    """
    context: dict[str, Any] = {"what": what, "allowed": allowed, "hint": hint, "field": field}
    return PydanticCustomError(RULE, "{what}", context)


def _ascending(pair: tuple[float, float]) -> tuple[float, float]:
    low, high = pair
    if not low < high:
        raise broken_rule(
            f"[{low:g}, {high:g}] is not in ascending order", "[lowest, highest]", "swap the two"
        )
    return pair


def _not_in_the_future(day: date) -> date:
    today = datetime.now().astimezone().date()
    if day > today:
        raise broken_rule(
            f"{day} lies in the future",
            f"a date up to today, which is {today} on this computer",
            "state the day on which the spot was measured",
        )
    return day


def _monotonic_table(
    table: tuple[tuple[float, float], ...],
) -> tuple[tuple[float, float], ...]:
    angles = [angle for angle, _ in table]
    densities = [density for _, density in table]
    if not _strictly_rising(angles):
        raise broken_rule("the angles do not rise from row to row", "rows in order of the angle")
    if not (_strictly_rising(densities) or _strictly_rising(densities[::-1])):
        raise broken_rule(
            "the optical densities neither rise nor fall throughout",
            "a graded filter, each density of which stands at one angle",
            "leave out the part of the filter before its gradient begins",
        )
    return table


def _strictly_rising(numbers: list[float]) -> bool:
    return all(before < after for before, after in pairwise(numbers))


_NAME = r"^[A-Za-z][A-Za-z0-9_]*$"
_LINE = r"^\S(.*\S)?$"

Text = Annotated[str, Field(min_length=1, max_length=300, pattern=_LINE)]
Name = Annotated[
    str,
    Field(
        min_length=1,
        max_length=60,
        pattern=_NAME,
        description="letters, digits and _, beginning with a letter",
    ),
]
Positive = Annotated[float, Field(gt=0)]
NotNegative = Annotated[float, Field(ge=0)]
Fraction = Annotated[float, Field(gt=0, le=1)]
Angle = Annotated[float, Field(ge=0, lt=360)]
Range = Annotated[tuple[NotNegative, NotNegative], AfterValidator(_ascending)]
PastDate = Annotated[date, AfterValidator(_not_in_the_future)]
DensityTable = Annotated[
    tuple[tuple[Angle, NotNegative], ...], Field(min_length=2), AfterValidator(_monotonic_table)
]
