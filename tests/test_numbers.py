from __future__ import annotations

import math
from fractions import Fraction
from typing import Any

import numpy as np
import pytest

from labcool.errors import LimitError
from labcool.numbers import above_zero, index_of, one_of, real, rising_pair, truth, whole, within

FIELD = "power (W)"
NO_NUMBERS: list[Any] = [True, False, np.True_, "1", b"1", None, [1.0], 1j, np.array([1.0]), {}]
NOT_FINITE: list[Any] = [math.nan, math.inf, -math.inf, np.float32("nan"), 10**400]


@pytest.mark.parametrize("value", [*NO_NUMBERS, *NOT_FINITE])
def test_what_is_no_finite_number_is_none(value: Any) -> None:
    for check in (
        lambda: real(FIELD, value),
        lambda: above_zero(FIELD, value),
        lambda: within(FIELD, value, -math.inf, math.inf),
        lambda: whole(FIELD, value, -1, 1),
        lambda: whole(FIELD, value, 0),
        lambda: rising_pair(FIELD, (value, 2.0), 0.0, 3.0),
        lambda: rising_pair(FIELD, (0.0, value), 0.0, 3.0),
        lambda: one_of(FIELD, value, (1, 2)),
    ):
        with pytest.raises(LimitError) as caught:
            check()
        assert caught.value.field == FIELD
        assert caught.value.allowed


@pytest.mark.parametrize("one", [1, 1.0, np.float32(1), np.float64(1), np.int16(1), Fraction(1)])
def test_every_kind_of_number_is_one(one: Any) -> None:
    for number in (real(FIELD, one), above_zero(FIELD, one), within(FIELD, one, 0, 1)):
        assert type(number) is float
        assert number == 1.0
    assert type(whole(FIELD, one, 0, 1)) is int
    assert one_of(FIELD, one, (9, 1)) == 1


@pytest.mark.parametrize("value", [-0.1, 1.1])
def test_values_outside_are_refused_and_not_clipped(value: float) -> None:
    with pytest.raises(LimitError, match=r"^power \(W\) = .* must be from 0 to 1\. Turn it\."):
        within(FIELD, value, 0.0, 1.0, "Turn it.")
    assert [within(FIELD, end, 0.0, 1.0) for end in (0.0, 1.0)] == [0.0, 1.0]


def test_text_is_told_apart_from_the_number_that_it_shows() -> None:
    with pytest.raises(LimitError, match=r"from 0 to 9, and '5' is no number\."):
        within(FIELD, "5", 0.0, 9.0)


def test_nothing_is_rounded_to_a_whole_number() -> None:
    for value in (2.5, -1, 4, math.nextafter(2, 3)):
        with pytest.raises(LimitError, match="a whole number from 0 to 3"):
            whole(FIELD, value, 0, 3)
    with pytest.raises(LimitError, match="a whole number of at least 1"):
        whole(FIELD, 0, 1)
    assert whole(FIELD, 10**12, 1) == 10**12


@pytest.mark.parametrize("value", [0.0, -1.0])
def test_zero_is_not_above_zero(value: float) -> None:
    with pytest.raises(LimitError, match="above 0"):
        above_zero(FIELD, value)


@pytest.mark.parametrize(
    "values", [(2.0, 1.0), (1.0, 1.0), (-0.1, 1.0), (1.0, 3.1), (1.0,), (1.0, 2.0, 3.0), 1.0, "12"]
)
def test_what_is_no_pair_of_limits(values: Any) -> None:
    with pytest.raises(LimitError, match=r"\[lowest, highest\] within 0 to 3"):
        rising_pair(FIELD, values, 0.0, 3.0)
    assert rising_pair(FIELD, [0, 3], 0.0, 3.0) == (0.0, 3.0)


@pytest.mark.parametrize("value", [0, 1, 1.0, math.nan, "true", None])
def test_a_number_is_neither_true_nor_false(value: Any) -> None:
    with pytest.raises(LimitError, match="True or False"):
        truth(FIELD, value)
    assert (truth(FIELD, True), truth(FIELD, False)) == (True, False)


def test_values_of_a_list() -> None:
    allowed: tuple[float | str, ...] = (1e-3, 3e-3, "trigger")
    assert index_of(FIELD, 3e-3 * (1 + 1e-9), allowed) == 1
    assert index_of(FIELD, "trigger", allowed) == 2
    for value in (2e-3, "3e-3", True, None):
        with pytest.raises(LimitError, match=r"one of 0\.001, 0\.003, trigger"):
            index_of(FIELD, value, allowed)
