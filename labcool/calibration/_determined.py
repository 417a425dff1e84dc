"""What every calibration fit asks of its outcome."""

from __future__ import annotations

from labcool.errors import LimitError
from labcool.fitting.curve import CurveFit


def determined(fit: CurveFit, what: str) -> CurveFit:
    """Return the fit.

    :raises LimitError: if the data do not determine it.
    """
    if not fit.converged:
        raise LimitError(
            f"data for the {what}",
            fit.reason,
            "such that a fit determines every parameter",
            "Take more points, further apart, or look for one that is wrong.",
        )
    return fit


def covariance_rows(fit: CurveFit) -> tuple[tuple[float, ...], ...]:
    """Return the covariance as a record keeps it."""
    return tuple(tuple(map(float, row)) for row in fit.covariance)
