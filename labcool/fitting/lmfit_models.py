"""The same models in lmfit, for interactive work in a notebook.

lmfit is slower by two orders of magnitude but shows correlations, confidence intervals and reports.
Its own ExponentialGaussianModel limits gamma to 20, which on an axis in eV is far too small. Needs
``pip install "labcool[analysis]"``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from labcool.errors import ConfigurationError
from labcool.fitting.spectral_model import SpectralModel


def lmfit_model(model: SpectralModel, *, scale: ArrayLike | None = None) -> Any:
    """Return an ``lmfit.Model`` whose independent variable is ``x``.

    Dots in parameter names become double underscores, which lmfit can evaluate: ``line__centre``.

    :param scale: as in :func:`labcool.fitting.spectra.fit_spectra`, shape (pixel,).
    :raises ConfigurationError: if lmfit is not installed.
    """
    names = [lmfit_name(name) for name in model.names]

    def expected(x: NDArray[np.float64], **values: float) -> NDArray[np.float64]:
        return model(x, [values[name] for name in names], scale=scale)

    # How lmfit is told the names of arguments that a signature does not list.
    expected.argnames = ["x", *names]  # type: ignore[attr-defined]
    expected.kwargs = {}  # type: ignore[attr-defined]
    return _lmfit().Model(expected, independent_vars=["x"])


def lmfit_parameters(model: SpectralModel, x: ArrayLike, start: Mapping[str, float]) -> Any:
    """Return ``lmfit.Parameters`` with the values of ``start`` and the bounds of the model.

    :raises ConfigurationError: if lmfit is not installed.
    """
    parameters = _lmfit().Parameters()
    lower, upper = model.bounds(np.asarray(x, np.float64))
    for name, low, high in zip(model.names, lower, upper, strict=True):
        parameters.add(lmfit_name(name), value=float(start[name]), min=low, max=high)
    return parameters


def lmfit_name(name: str) -> str:
    """Return the name that a parameter has in lmfit."""
    return name.replace(".", "__")


def _lmfit() -> Any:
    try:
        import lmfit
    except ImportError as error:
        raise ConfigurationError(
            'This needs the package lmfit: python -m pip install "labcool[analysis]"'
        ) from error
    return lmfit
