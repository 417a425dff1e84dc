"""Fit of one line to raw spectra, as width and position of the line are read off it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Final

import numpy as np
from numpy.typing import ArrayLike, NDArray

from labcool.errors import LimitError
from labcool.fitting.guess import guess_line
from labcool.fitting.quality import POOR_FIT
from labcool.fitting.spectra import CountNoise, SpectralFit, fit_spectra, with_better
from labcool.fitting.spectral_model import Line, Shape, SpectralModel
from labcool.thermometry.noise import DetectorNoise
from labcool.thermometry.reference import Dark
from labcool.thermometry.spectral_window import SpectralWindow, WindowedSpectra

Floats = NDArray[np.float64]
Mask = NDArray[np.bool_]

LINE: Final = "line"
_SPECTRA_OF_GUESS: Final = 9
_PROBES: Final = 8
_STRIKING: Final = 1.5
_BETTER: Final = 0.99
"""χ² is lower by so much if another start has found another minimum."""


@dataclass(frozen=True, slots=True, eq=False)
class LineFit(SpectralFit):
    """Fits of the line of n spectra.

    :param flags: what is wrong with the spectra themselves, sum of :class:`Flag`, shape (n,).
    """

    flags: NDArray[np.int64]


class LineFitter:
    """Fits one line and a background to every spectrum, on the axis of photon energies.

    :param wavelengths: shape (pixel,), nm, ascending.
    :param window: lowest and highest photon energy of the fit, eV.
    :param noise: of the detector.
    :param dark: one dark for every exposure, or one for each exposure (s).
    :param shape: of the line; ``emg`` with its tail to the red for band-edge luminescence.
    :param background_degree: of the polynomial under it; None: none.
    :param response: relative efficiency, shape (pixel,), 0 or more and above 0 somewhere in the
        window; None: even.
    :param background: light measured without the sample, counts/s (the dark taken off), shape
        (pixel,); it is under the line beside the polynomial, at the height at which it was
        measured, and its own noise is not counted. None: none.
    :param good: True for pixels that may be used (no notch filter), shape (pixel,); None: all.
    :raises LimitError: if a shape does not fit, or a response or background cannot be.
    """

    def __init__(
        self,
        wavelengths: ArrayLike,
        window: tuple[float, float],
        *,
        noise: DetectorNoise,
        dark: Dark | Mapping[float, Dark],
        shape: Shape = "emg",
        background_degree: int | None = 0,
        response: ArrayLike | None = None,
        background: ArrayLike | None = None,
        good: ArrayLike | None = None,
    ) -> None:
        self.window = SpectralWindow(wavelengths, window, noise=noise, dark=dark, good=good)
        self.line = Line(LINE, shape)
        self.model = SpectralModel([self.line], background_degree)
        efficiency = self._row("response", response, 1.0)
        if not ((efficiency >= 0).all() and efficiency.any()):
            raise LimitError(
                "response",
                float(efficiency.min()),
                "0 or more, and above 0 somewhere in the window",
            )
        self._scale = self.window.widths * efficiency
        self._background = self._row("background (counts/s)", background, 0.0)

    def _row(self, field: str, row: ArrayLike | None, default: float) -> Floats:
        """Return what is given for each pixel of the detector within the window."""
        whole = (self.window.pixel_count,)
        numbers = np.full(whole, default) if row is None else np.asarray(row, np.float64)
        if numbers.shape != whole:
            raise LimitError(field, f"shape {numbers.shape}", f"{whole}")
        within = numbers[self.window.pixels]
        if not np.isfinite(within).all():
            raise LimitError(field, "NaN or infinite in the window", "finite")
        return within

    def fit(
        self,
        spectra: ArrayLike,
        *,
        exposure: float,
        averages: int = 1,
        mask: ArrayLike | None = None,
    ) -> LineFit:
        """Fit raw spectra, shape (n, pixel) or (pixel,); parameters as for a thermometer.

        :param mask: True for pixels that count beside those of ``good``, e.g. those that no cosmic
            ray has hit, shape (pixel,) or (n, pixel). None: all.
        :raises LimitError: if a shape does not fit.
        """
        cut = self.window.cut(spectra, exposure=exposure, averages=averages)
        under = self._background * exposure
        chosen = self._chosen(mask, len(cut.counts))
        use = np.broadcast_to(np.isfinite(cut.counts) & chosen, cut.counts.shape)
        start = self._guess_of_block(cut.counts - under, use)
        first = self._fit(cut, under, chosen, start, warm_start=True)
        fit = self._again(first, cut, under, chosen, use) if len(first) > 1 else first
        values = {field.name: getattr(fit, field.name) for field in fields(fit)}
        return LineFit(**values, flags=cut.flags)

    def _again(
        self, fit: SpectralFit, cut: WindowedSpectra, under: Floats, chosen: Mask, use: Mask
    ) -> SpectralFit:
        """Fit from guesses of their own those spectra that the one before has led astray."""
        poor = np.flatnonzero(~fit.converged | (fit.lack_of_fit > POOR_FIT))
        if poor.size == 0:
            return fit
        # If all are poor alike, it is the model; then a few of them show whether guesses help.
        reduced = fit.chi2[poor] / np.maximum(fit.degrees_of_freedom[poor], 1)
        striking = reduced > _STRIKING * np.median(reduced)
        striking[:: max(len(poor) // _PROBES, 1)] = True
        for rows in (poor[striking], poor[~striking]):
            if rows.size == 0:
                break
            some = cut._replace(counts=cut.counts[rows])
            start = self._guess(some.counts - under, use[rows])
            mask = chosen[rows] if len(chosen) > 1 else chosen
            other = self._fit(some, under, mask, start, warm_start=False)
            better = with_better(fit, rows, other)
            if not (better.chi2[rows] < _BETTER * fit.chi2[rows]).any():
                return better
            fit = better
        return fit

    def _chosen(self, mask: ArrayLike | None, n: int) -> Mask:
        """Return the mask within the window, shape (1 or n, pixel of the window)."""
        pixels = self.window.pixel_count
        given = np.ones(pixels, np.bool_) if mask is None else np.asarray(mask, np.bool_)
        if given.shape not in ((pixels,), (n, pixels)):
            raise LimitError("mask", f"shape {given.shape}", f"({pixels},) or ({n}, {pixels})")
        return np.atleast_2d(given)[:, self.window.pixels]

    def _guess_of_block(self, counts: Floats, use: Mask) -> dict[str, Floats]:
        """Return a start from the median of a few spectra, which one broken one cannot move."""
        some = np.unique(np.linspace(0, len(counts) - 1, _SPECTRA_OF_GUESS).astype(np.intp))
        middle = np.median(_filled(counts[some], use[some]), axis=0, keepdims=True)
        return self._guess(middle, np.ones_like(middle, np.bool_))

    def _guess(self, counts: Floats, use: Mask) -> dict[str, Floats]:
        start = guess_line(
            self.model, self.window.energies, _filled(counts, use), scale=self._scale
        )
        lower, upper = self.model.bounds(self.window.energies)
        return {
            name: np.clip(start[name], low, high)
            for name, low, high in zip(self.model.names, lower, upper, strict=True)
        }

    def _fit(
        self,
        cut: WindowedSpectra,
        under: Floats,
        mask: Mask,
        start: dict[str, Floats],
        *,
        warm_start: bool,
    ) -> SpectralFit:
        if len(cut.counts) > 1 and len(start[self.model.names[0]]) == 1:
            start = {name: each[0] for name, each in start.items()}
        return fit_spectra(
            self.model,
            self.window.energies,
            cut.counts,
            start=start,
            noise=CountNoise(cut.shot, cut.floor + cut.shot * cut.light, cut.dark_variance),
            scale=self._scale,
            offset=under,
            mask=mask if len(mask) > 1 else mask[0],
            warm_start=warm_start,
        )


def _filled(counts: Floats, use: Mask) -> Floats:
    """Return spectra in which pixels that do not count lie on a line between their neighbours."""
    if use.all():
        return counts
    filled, pixels = np.where(use, counts, 0.0), np.arange(counts.shape[1])
    for row in np.flatnonzero(use.any(axis=1) & ~use.all(axis=1)):
        known = use[row]
        filled[row, ~known] = np.interp(pixels[~known], pixels[known], counts[row, known])
    return filled
