import math
from collections.abc import Sequence

import pytest
from hypothesis import given
from hypothesis import strategies as st

from labcool.errors import LimitError
from labcool.models import GradedFilter, HalfWavePlate

WHEEL = GradedFilter(((0.0, 0.0), (300.0, 4.0)))
PLATE = HalfWavePlate(zero_angle=12.3, extinction=1e-3, maximum=0.98)

unit = st.floats(0.0, 1.0)


@st.composite
def tables(draw: st.DrawFn) -> tuple[tuple[float, float], ...]:
    size = draw(st.integers(2, 6))
    steps = st.lists(st.floats(0.5, 40.0), min_size=size, max_size=size)
    density_steps = st.lists(st.floats(0.05, 1.0), min_size=size, max_size=size)
    angles = [sum(drawn) for drawn in _prefixes(draw(steps))]
    densities = [sum(drawn) for drawn in _prefixes(draw(density_steps))]
    if draw(st.booleans()):
        densities.reverse()
    return tuple(zip(angles, densities, strict=True))


def _prefixes(values: list[float]) -> list[list[float]]:
    return [values[: end + 1] for end in range(len(values))]


@given(tables(), unit)
def test_graded_filter_angle_for_is_the_inverse(
    table: tuple[tuple[float, float], ...], part: float
) -> None:
    law = GradedFilter(table)
    low, high = law.transmission_range
    wanted = min(max(low * (high / low) ** part, low), high)
    angle = law.angle_for(wanted)
    assert table[0][0] <= angle <= table[-1][0]
    assert law.transmission(angle) == pytest.approx(wanted, rel=1e-9)


@given(st.floats(0, 359.9), st.floats(0, 0.4), st.floats(0.41, 1.0), unit)
def test_half_wave_plate_angle_for_is_the_inverse(
    zero: float, extinction: float, maximum: float, part: float
) -> None:
    law = HalfWavePlate(zero_angle=zero, extinction=extinction, maximum=maximum)
    wanted = min(extinction + (maximum - extinction) * part, maximum)
    angle = law.angle_for(wanted)
    assert 0 <= angle < 360
    assert law.transmission(angle) == pytest.approx(wanted, rel=1e-9, abs=1e-12)


@given(st.floats(-720, 720))
def test_half_wave_plate_stays_in_its_range_and_repeats(angle: float) -> None:
    low, high = PLATE.transmission_range
    assert low - 1e-15 <= PLATE.transmission(angle) <= high + 1e-15
    assert PLATE.transmission(angle + 90) == pytest.approx(PLATE.transmission(angle), abs=1e-12)


def test_law_of_malus() -> None:
    assert PLATE.transmission(12.3) == pytest.approx(1e-3)
    assert PLATE.transmission(12.3 + 45) == pytest.approx(0.98)
    assert PLATE.transmission(12.3 + 22.5) == pytest.approx((0.98 + 1e-3) / 2)


def test_optical_density_is_linear_in_the_angle() -> None:
    assert WHEEL.transmission(150.0) == pytest.approx(1e-2)
    assert WHEEL.transmission(75.0) == pytest.approx(1e-1)
    assert WHEEL.transmission_range == pytest.approx((1e-4, 1.0))
    kinked = GradedFilter([(10.0, 3.0), (20.0, 1.0), (40.0, 0.5)])
    assert kinked.transmission(15.0) == pytest.approx(1e-2)
    assert kinked.transmission(30.0) == pytest.approx(10**-0.75)


def test_a_filter_read_back_just_past_its_ends_is_at_its_ends() -> None:
    assert WHEEL.transmission(359.995) == 1.0
    assert WHEEL.transmission(-0.005) == 1.0
    assert WHEEL.transmission(300.005) == pytest.approx(1e-4)
    assert WHEEL.transmission(360.0 + 150.0) == pytest.approx(1e-2)


def test_beside_its_gradient_a_filter_has_no_known_transmission() -> None:
    assert math.isnan(WHEEL.transmission(330.0))


@pytest.mark.parametrize("law", [WHEEL, PLATE])
@pytest.mark.parametrize("wanted", [5e-5, 1.01, -0.1, math.nan])
def test_transmissions_out_of_range_are_refused(
    law: GradedFilter | HalfWavePlate, wanted: float
) -> None:
    with pytest.raises(LimitError, match="transmission"):
        law.angle_for(wanted)


@pytest.mark.parametrize(
    "table",
    [
        [(0.0, 0.0)],
        [(10.0, 0.0), (10.0, 1.0)],
        [(0.0, 0.0), (100.0, 2.0), (200.0, 1.0)],
        [(0.0, -1.0), (100.0, 2.0)],
        [(0.0, 0.0), (360.0, 4.0)],
        [(0.0, 0.0), (100.0, math.nan)],
    ],
)
def test_impossible_tables_are_refused(table: Sequence[tuple[float, float]]) -> None:
    with pytest.raises(LimitError):
        GradedFilter(table)


@pytest.mark.parametrize(
    ("zero", "extinction", "maximum"), [(math.nan, 0, 1), (0, 0.5, 0.5), (0, -0.1, 1), (0, 0, 1.1)]
)
def test_impossible_plates_are_refused(zero: float, extinction: float, maximum: float) -> None:
    with pytest.raises(LimitError):
        HalfWavePlate(zero_angle=zero, extinction=extinction, maximum=maximum)
