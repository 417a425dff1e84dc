"""Heights of known shapes against plain least squares, and their covariance."""

import numpy as np
import pytest

from labcool.errors import LimitError
from labcool.fitting.linear import fit_shapes
from labcool.fitting.quality import POOR_FIT
from labcool.fitting.spectra import CountNoise

X = np.linspace(-1.0, 1.0, 80)
SHAPES = np.array([np.exp(-((X / 0.1) ** 2)), np.ones(80), X, X**2])
HEIGHTS = np.array([300.0, 40.0, 5.0, -8.0])


def test_is_weighted_least_squares() -> None:
    """With a variance that does not depend on the model it is that of a textbook."""
    rng = np.random.default_rng(1)
    variance = 4.0 + 3.0 * X**2
    counts = HEIGHTS @ SHAPES + rng.normal(0, np.sqrt(variance), (5, 80))
    found = fit_shapes(SHAPES, counts, CountNoise(0.0, variance))
    weighted = SHAPES / np.sqrt(variance)
    for row, values in zip(counts, found.values, strict=True):
        expected, residual, *_ = np.linalg.lstsq(weighted.T, row / np.sqrt(variance), rcond=None)
        np.testing.assert_allclose(values, expected, rtol=1e-9)
    np.testing.assert_allclose(
        found.covariance[0], np.linalg.inv(weighted @ weighted.T), rtol=1e-8, atol=1e-12
    )
    assert found.chi2[-1] == pytest.approx(float(residual[0]), rel=1e-9)


@pytest.mark.parametrize("brightness", [0.05, 1.0, 100.0])
def test_counting_statistics(brightness: float) -> None:
    expected = brightness * (HEIGHTS @ SHAPES)
    spectra = np.random.default_rng(2).poisson(expected, (4000, 80)) + 0.0
    found = fit_shapes(SHAPES, spectra, CountNoise(1.0, 0.25))
    pulls = (found.values - brightness * HEIGHTS)[:, 0] / np.sqrt(found.covariance[:, 0, 0])
    assert abs(pulls.mean()) < 0.06
    assert 0.9 < pulls.std() < 1.03  # the floor of the weights is not in the data
    assert np.mean(found.lack_of_fit > POOR_FIT) < 1e-3


def test_a_hole_and_a_hit_are_told() -> None:
    spectra = np.tile(HEIGHTS @ SHAPES, (3, 1))
    spectra[1, 7] = np.nan
    spectra[2, 40] += 500.0
    found = fit_shapes(SHAPES, spectra, CountNoise(1.0, 1.0))
    assert np.isnan(found.values[1]).all()
    assert (found.lack_of_fit > POOR_FIT).tolist() == [False, False, True]


def test_refuses() -> None:
    with pytest.raises(LimitError, match="linearly independent"):
        fit_shapes(np.array([X, 2 * X]), np.ones((1, 80)), CountNoise())
    with pytest.raises(LimitError, match="shapes and spectra"):
        fit_shapes(SHAPES, np.ones((1, 7)), CountNoise())
