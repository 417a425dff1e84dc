import math

import numpy as np
import pytest

from labcool.errors import LimitError
from labcool.fitting import fit_curve

X = np.linspace(0.0, 10.0, 40)


def line(slope: float, level: float) -> np.ndarray:
    return slope * X + level


def test_gives_what_linear_regression_gives() -> None:
    rng = np.random.default_rng(1)
    y = line(2.0, 1.0) + rng.normal(0, 0.3, X.size)
    fit = fit_curve(line, y, 0.3, start={"slope": 0.0, "level": 0.0})
    columns = np.column_stack((X, np.ones_like(X)))
    best = np.linalg.lstsq(columns, y)[0]
    covariance = 0.09 * np.linalg.inv(columns.T @ columns)
    chi2 = float(np.sum(((y - columns @ best) / 0.3) ** 2))
    assert fit.converged
    assert [fit["slope"], fit["level"]] == pytest.approx(list(best), rel=1e-9)
    assert fit.chi2 == pytest.approx(chi2)
    np.testing.assert_allclose(fit.covariance, covariance * max(1, chi2 / 38), rtol=1e-6)
    assert fit.std("slope") == pytest.approx(math.sqrt(fit.covariance[0, 0]))
    mean = fit.std_of({"slope": 5.0, "level": 1.0})
    assert mean < fit.std("level")


def test_scatter_beyond_the_stated_std_widens_and_less_does_not_narrow() -> None:
    rng = np.random.default_rng(2)
    noise = rng.normal(0, 0.3, X.size)
    exact = fit_curve(line, line(2.0, 1.0) + noise, 0.3, start={"slope": 0.0, "level": 0.0})
    rough = fit_curve(line, line(2.0, 1.0) + noise * 3, 0.3, start={"slope": 0.0, "level": 0.0})
    quiet = fit_curve(line, line(2.0, 1.0) + noise / 9, 0.3, start={"slope": 0.0, "level": 0.0})
    assert rough.std("slope") == pytest.approx(3 * exact.std("slope"), rel=0.15)
    assert quiet.std("slope") == pytest.approx(exact.std("slope"), rel=0.15)
    assert quiet.reduced_chi2 < 0.1


def test_admits_what_the_data_do_not_tell() -> None:
    fit = fit_curve(
        lambda one, other: (one + other) * X, 2 * X, 0.1, start={"one": 0.3, "other": 0.4}
    )
    assert not fit.converged
    assert "apart" in fit.reason
    assert math.isnan(fit["one"])
    assert math.isnan(fit.std("one"))


def test_an_end_of_the_range_is_no_result() -> None:
    fit = fit_curve(
        line, line(-1.0, 1.0), 0.1, start={"slope": 1.0, "level": 0.0}, lowest={"slope": 0.0}
    )
    assert not fit.converged
    assert "slope" in fit.reason


@pytest.mark.parametrize(
    ("y", "std", "field"),
    [
        (X[:2], 0.1, "points"),
        (np.where(X > 5, np.nan, X), 0.1, "values"),
        (X, 0.0, "std"),
        (X, np.ones(3), "shape of the std"),
    ],
)
def test_refuses(y: np.ndarray, std: object, field: str) -> None:
    with pytest.raises(LimitError, match=field):
        fit_curve(line, y, std, start={"slope": 0.0, "level": 0.0})  # type: ignore[arg-type]
