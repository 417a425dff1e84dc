import numpy as np
import pytest

from labcool.models import arrhenius_factor
from labcool.units import kelvin

ACTIVATION_ENERGY = 0.140


@pytest.mark.parametrize(("celsius", "ratio"), [(10.0, 0.7493), (-5.0, 0.5436), (-1.7, 0.5851)])
def test_intensities_of_the_published_temperatures(celsius: float, ratio: float) -> None:
    factor = arrhenius_factor(kelvin(celsius), kelvin(25.0), ACTIVATION_ENERGY)
    assert factor == pytest.approx(ratio, abs=5e-5)


def test_array_and_numbers_agree() -> None:
    temperatures = np.array([250.0, 283.15, 298.15, 320.0])
    factors = arrhenius_factor(temperatures, 298.15, ACTIVATION_ENERGY)
    one_by_one = [arrhenius_factor(float(t), 298.15, ACTIVATION_ENERGY) for t in temperatures]
    np.testing.assert_allclose(factors, one_by_one, rtol=1e-15)
    assert factors[2] == 1.0
