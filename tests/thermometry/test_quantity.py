from __future__ import annotations

import math

import pytest

from labcool.thermometry import Quantity, not_determined


@pytest.mark.parametrize(
    ("quantity", "text"),
    [
        (Quantity(283.1512, 0.1234, "K"), "283.15 ± 0.12 K"),
        (Quantity(1234.5, 99.6, "s"), "1234 ± 100 s"),
        (Quantity(1234.5, 250.0, "s"), "1230 ± 250 s"),
        (Quantity(0.00123456, 0.0000211, ""), "0.001235 ± 0.000021"),
        (Quantity(-3.0, math.nan, "K"), "-3 K"),
        (Quantity(93.2, 1.97, "%"), "93.2 ± 2.0 %"),
        (not_determined("s"), "not determined"),
    ],
)
def test_text_has_two_digits_of_the_uncertainty(quantity: Quantity, text: str) -> None:
    assert str(quantity) == text


def test_not_determined_is_nan_with_its_unit() -> None:
    unknown = not_determined("s")
    assert not unknown.determined
    assert math.isnan(unknown.value)
    assert math.isnan(unknown.std)
    assert unknown.unit == "s"
    assert Quantity(1.0, math.nan, "s").determined
