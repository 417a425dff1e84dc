"""What a spectrum is made of: lines, and a background under them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from labcool.errors import LimitError

Floats = NDArray[np.float64]

Shape: TypeAlias = Literal["gaussian", "lorentzian", "pseudo_voigt", "emg"]

PARAMETERS: Final[dict[str, tuple[str, ...]]] = {
    "gaussian": ("area", "centre", "sigma"),
    "lorentzian": ("area", "centre", "fwhm"),
    "pseudo_voigt": ("area", "centre", "fwhm", "mixing"),
    "emg": ("area", "centre", "sigma", "tail"),
}
_KINDS: Final = {"gaussian": 0, "lorentzian": 1, "pseudo_voigt": 2, "emg": 3}
_POLYNOMIAL: Final = 4
_HIGHEST_DEGREE: Final = 5
_LEAST_WIDTH: Final = 1e-3
"""No line is narrower than this part of the distance between two pixels."""


@dataclass(frozen=True, slots=True)
class Line:
    """One line. Its parameters are an area in counts and, on the axis of the fit, the others.

    ``gaussian``: area, centre, sigma. ``lorentzian``: area, centre, fwhm. ``pseudo_voigt``: area,
    centre, fwhm (of both its parts), mixing (0 Gaussian to 1 Lorentzian). ``emg``, a Gaussian
    folded with a one-sided exponential: area, centre and sigma of the Gaussian, and the mean of the
    exponential (tail), which leans to small x or to large x.

    :param name: letters, digits and _; parameters are called ``name.area`` and so on.
    :param shape: one of the four.
    :param tail: ``"low"`` or ``"high"``: where an EMG leans to. Photoluminescence on an energy axis
        leans low, to the red.
    :raises LimitError: for another shape, tail or name.
    """

    name: str
    shape: Shape = "emg"
    tail: Literal["low", "high"] = "low"

    def __post_init__(self) -> None:
        if self.shape not in PARAMETERS:
            raise LimitError("shape of a line", self.shape, f"one of {', '.join(PARAMETERS)}")
        if self.tail not in ("low", "high"):
            raise LimitError("tail of a line", self.tail, "'low' or 'high'")
        if not self.name.isidentifier():
            raise LimitError("name of a line", repr(self.name), "letters, digits and _")

    @property
    def parameters(self) -> tuple[str, ...]:
        """Full names of its parameters, in order."""
        return tuple(f"{self.name}.{each}" for each in PARAMETERS[self.shape])


class SpectralModel:
    """Lines on a polynomial background.

    :param lines: at least one, with different names.
    :param background_degree: of a polynomial in u, which runs from −1 to 1 over the pixels;
        parameters ``background.0`` (counts per pixel) and so on. None: no background.
    :raises LimitError: for no line, two of a name, or a degree that is not 0 to 5.
    """

    def __init__(self, lines: Sequence[Line], background_degree: int | None = 0) -> None:
        names = [line.name for line in lines]
        if not lines or len(set(names)) < len(names) or "background" in names:
            raise LimitError(
                "names of the lines", names, "at least one, different, no 'background'"
            )
        if background_degree is not None and not 0 <= background_degree <= _HIGHEST_DEGREE:
            raise LimitError(
                "degree of the background", background_degree, f"0 to {_HIGHEST_DEGREE}, or None"
            )
        self.lines = tuple(lines)
        self.background_degree = background_degree
        coefficients = 0 if background_degree is None else background_degree + 1
        of_lines = [name for line in lines for name in line.parameters]
        self.names = (*of_lines, *(f"background.{k}" for k in range(coefficients)))
        rows = []
        for line in lines:
            direction = 1 if line.tail == "high" else -1
            rows.append((_KINDS[line.shape], self.names.index(line.parameters[0]), direction))
        if coefficients:
            rows.append((_POLYNOMIAL, len(of_lines), coefficients))
        self.plan: NDArray[np.int64] = np.array(rows, np.int64)

    def index(self, name: str) -> int:
        """Return where a parameter stands.

        :raises LimitError: if there is none of that name.
        """
        if name not in self.names:
            raise LimitError("parameter", repr(name), f"one of {', '.join(self.names)}")
        return self.names.index(name)

    def bounds(self, x: Floats) -> tuple[Floats, Floats]:
        """Return the bounds that shapes need anyway, shape (parameter,) each.

        Widths are above a thousandth of a pixel and at most the length of the axis (a line wider
        than what is seen of it cannot be told from a background), mixing from 0 to 1, centres at
        most half a length beyond the ends.
        """
        low, high = float(x.min()), float(x.max())
        span = high - low
        narrow = _LEAST_WIDTH * float(np.min(np.abs(np.diff(x))))
        limits = {
            "area": (-np.inf, np.inf),
            "centre": (low - span / 2, high + span / 2),
            "sigma": (narrow, span),
            "fwhm": (narrow, span),
            "tail": (narrow, span),
            "mixing": (0.0, 1.0),
        }
        unlimited = (-np.inf, np.inf)
        pairs = [limits.get(name.rpartition(".")[2], unlimited) for name in self.names]
        return np.array([pair[0] for pair in pairs]), np.array([pair[1] for pair in pairs])

    def __call__(
        self, x: ArrayLike, parameters: ArrayLike, *, scale: ArrayLike | None = None
    ) -> Floats:
        """Return the expected counts, shape (pixel,) or (n, pixel).

        :param x: axis, shape (pixel,).
        :param parameters: shape (parameter,) or (n, parameter).
        :param scale: what the lines (not the background) are multiplied by, shape (pixel,); see
            :func:`labcool.fitting.spectra.fit_spectra`. None: the width of each pixel.
        """
        return self._evaluate(x, parameters, scale)[0]

    def jacobian(
        self, x: ArrayLike, parameters: ArrayLike, *, scale: ArrayLike | None = None
    ) -> Floats:
        """Return the derivatives by the parameters, shape (parameter, pixel), of one spectrum."""
        return self._evaluate(x, parameters, scale)[1]

    def _evaluate(
        self, x: ArrayLike, parameters: ArrayLike, scale: ArrayLike | None
    ) -> tuple[Floats, Floats]:
        from labcool.fitting._shapes import evaluate  # compiled: only where somebody fits

        axis = np.ascontiguousarray(x, np.float64)
        width = pixel_widths(axis) if scale is None else np.asarray(scale, np.float64)
        width = np.ascontiguousarray(np.broadcast_to(width, axis.shape))
        sets = np.asarray(parameters, np.float64)
        block = np.atleast_2d(sets)
        if block.shape[-1] != len(self.names):
            raise LimitError("shape of the parameters", sets.shape, f"(n, {len(self.names)})")
        counts = np.empty((len(block), axis.size))
        jacobian = np.empty((len(self.names), axis.size))
        nothing = np.zeros(axis.size)
        for row, each in zip(counts, block, strict=True):
            evaluate(axis, width, nothing, self.plan, np.ascontiguousarray(each), row, jacobian)
        return (counts if sets.ndim == 2 else counts[0]), jacobian


def pixel_widths(x: ArrayLike) -> Floats:
    """Return the width of each pixel on the axis, shape (pixel,), positive.

    :raises LimitError: if the axis has fewer than three pixels, or is neither ascending nor
        descending.
    """
    axis = np.asarray(x, np.float64)
    steps = np.diff(axis) if axis.ndim == 1 else np.zeros(0)
    if axis.ndim != 1 or axis.size < 3 or not ((steps > 0).all() or (steps < 0).all()):
        raise LimitError("axis of the spectra", f"shape {axis.shape}", "3 or more pixels in order")
    widths: Floats = np.abs(np.gradient(axis))
    return widths
