"""Time of a temperature: each thermometer, and fits of a line, against scipy and lmfit.

All competitors fit the same simulated spectra from the same start (the answer for the spectrum
before, as in a run) with the same weights, in turn, in one run; the table gives medians. The ratio
to one pass over the memory says how far anything could be improved. Only ratios count. The row
"cold" begins with the centre off by two sigmas of the line's Gaussian and with both widths doubled.

    python benchmarks/fitting.py [--spectra 512] [--rounds 5]
"""

from __future__ import annotations

import argparse
import datetime
import statistics
import time
from collections.abc import Callable
from typing import Any

import lmfit
import numpy as np
from numpy.typing import NDArray
from rich.console import Console
from rich.table import Table
from scipy.optimize import curve_fit, least_squares

from labcool.calibration import ArrheniusCalibration, PolynomialCalibration
from labcool.fitting.axes import energy_widths, photon_energies
from labcool.fitting.lmfit_models import lmfit_model, lmfit_parameters
from labcool.fitting.spectra import CountNoise, fit_spectra
from labcool.fitting.spectral_model import Line, SpectralModel
from labcool.models import exponentially_modified_gaussian
from labcool.thermometry import (
    Arrhenius,
    Dark,
    DetectorNoise,
    LineFitter,
    LineShapeThermometer,
    RamanRatio,
    Reference,
    TailRatio,
    TailSlope,
)

Floats = NDArray[np.float64]
Work = Callable[[], object]

PIXELS = 2048
PEAK_COUNTS = 4000.0
SLOW_SPECTRA = 8
"""How many spectra the slow competitors fit in a round."""
BIAS = 300.0
MODEL = SpectralModel([Line("pl")], 1)
TRUTH = np.array([0.0, 2.415, 0.022, 0.020, 20.0, 2.0])


def simulated(count: int) -> tuple[Floats, Floats, Floats]:
    """Return wavelengths (nm), expected counts, and noisy spectra of shape (n, pixel)."""
    wavelengths = np.linspace(470.0, 560.0, PIXELS)
    energies, widths = photon_energies(wavelengths), energy_widths(wavelengths)
    unit = MODEL(energies, [1.0, *TRUTH[1:4], 0.0, 0.0], scale=widths).max()
    TRUTH[0] = PEAK_COUNTS / unit
    expected = MODEL(energies, TRUTH, scale=widths)
    spectra = np.random.default_rng(1).poisson(expected, (count, PIXELS)).astype(np.float64)
    return wavelengths, expected, spectra


def thermometers(wavelengths: Floats, expected: Floats, spectra: Floats) -> dict[str, Work]:
    """Return what reads the whole block, by name."""
    raw = spectra + BIAS
    noise, dark = DetectorNoise(1.0, 2.0), Dark(np.full(PIXELS, BIAS), 100)
    reference = Reference(expected + BIAS, 100, 1.0, 100.0, 298.15, 0.1)
    day = datetime.date(2026, 1, 5)
    energy = ArrheniusCalibration(
        activation_energy=0.14, std=0.002, valid_range=(270.0, 305.0), date=day, source="benchmark"
    )
    curve = PolynomialCalibration(
        observable="fwhm", unit="eV", coefficients=(0.075, 2e-4),
        covariance=((1e-8, 0.0), (0.0, 1e-12)), reference_temperature=298.15,
        valid_range=(250.0, 350.0), method="none", date=day, source="benchmark",
    )  # fmt: skip
    arrhenius = Arrhenius(
        energy, references=[reference], dark=dark, band=(470.0, 560.0), wavelengths=wavelengths,
        noise=noise,
    )  # fmt: skip
    tail = (2.44, 2.58)
    slope = TailSlope(wavelengths, tail, noise=noise, dark=dark)
    ratio = TailRatio(wavelengths, tail, reference=reference, noise=noise, dark=dark)
    fitter = LineFitter(wavelengths, (2.2, 2.64), noise=noise, dark=dark, background_degree=1)
    width = LineShapeThermometer(fitter, curve, observable="fwhm")
    raman = RamanRatio(wavelengths, laser=532.0, fwhm=0.8, half_window=5.0, noise=noise, dark=dark)
    return {
        "Arrhenius": lambda: arrhenius.estimate(raw, exposure=1.0, fluence=100.0),
        "tail slope": lambda: slope.estimate(raw, exposure=1.0),
        "tail ratio": lambda: ratio.estimate(raw, exposure=1.0),
        "line width (fit, covariance, look-up)": lambda: width.estimate(raw, exposure=1.0),
        "Raman ratio": lambda: raman.estimate(raw, exposure=1.0),
    }


def fits(wavelengths: Floats, expected: Floats, spectra: Floats) -> dict[str, tuple[Work, int]]:
    """Return who fits six parameters with covariance, and how many spectra each does in a call."""
    energies, widths = photon_energies(wavelengths), energy_widths(wavelengths)
    start = dict(zip(MODEL.names, TRUTH, strict=True))
    sigma = np.sqrt(expected)
    noise = CountNoise(0.0, expected)
    few = spectra[:SLOW_SPECTRA]

    u = np.linspace(1.0, -1.0, PIXELS)

    def expect(_x: Floats, *p: float) -> Floats:
        """What one writes with numpy and scipy."""
        line = exponentially_modified_gaussian(energies, p[1], p[2], -p[3])
        return p[0] * widths * line + p[4] - p[5] * u

    def derivatives(_x: Floats, *p: float) -> Floats:
        return MODEL.jacobian(energies, p, scale=widths).T

    def with_curve_fit(jacobian: Callable[..., Floats] | None) -> None:
        for spectrum in few:
            curve_fit(
                expect, energies, spectrum, p0=TRUTH, sigma=sigma, absolute_sigma=True,
                jac=jacobian,
            )  # fmt: skip

    def with_least_squares() -> None:
        for spectrum in few:
            least_squares(
                lambda p, y=spectrum: (expect(energies, *p) - y) / sigma, TRUTH, method="lm",
                jac=lambda p: derivatives(energies, *p) / sigma[:, np.newaxis],
            )  # fmt: skip

    compiled = lmfit_model(MODEL, scale=widths)
    their_model = lmfit.Model(
        lambda x, pl__area, pl__centre, pl__sigma, pl__tail, background__0, background__1: expect(
            x, pl__area, pl__centre, pl__sigma, pl__tail, background__0, background__1
        ),
        independent_vars=["x"],
    )
    their_start = lmfit_parameters(MODEL, energies, start)

    def with_lmfit(model: Any) -> None:
        for spectrum in few:
            model.fit(spectrum, their_start, x=energies, weights=1 / sigma)

    def ours(warm: bool, weights: CountNoise) -> None:
        begin = start if warm else {**start, "pl.centre": 2.459, "pl.sigma": 0.044, "pl.tail": 0.04}
        fit_spectra(
            MODEL, energies, spectra, start=begin, noise=weights, scale=widths, warm_start=warm
        )

    return {
        "labcool, warm": (lambda: ours(True, noise), len(spectra)),
        "labcool, warm, Poisson weights": (lambda: ours(True, CountNoise()), len(spectra)),
        "labcool, cold": (lambda: ours(False, noise), len(spectra)),
        "curve_fit, numeric Jacobian": (lambda: with_curve_fit(None), SLOW_SPECTRA),
        "curve_fit, our Jacobian": (lambda: with_curve_fit(derivatives), SLOW_SPECTRA),
        "least_squares, our Jacobian": (with_least_squares, SLOW_SPECTRA),
        "lmfit": (lambda: with_lmfit(their_model), SLOW_SPECTRA),
        "lmfit, our compiled model": (lambda: with_lmfit(compiled), SLOW_SPECTRA),
    }


def main() -> None:
    """Run everybody in turn and print medians and ratios."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--spectra", type=int, default=512)
    options.add_argument("--rounds", type=int, default=5)
    asked = options.parse_args()
    wavelengths, expected, spectra = simulated(asked.spectra)
    work = {
        "one pass over the memory": (lambda: spectra.sum(axis=1), len(spectra)),
        **{
            name: (do, len(spectra))
            for name, do in thermometers(wavelengths, expected, spectra).items()
        },
        **fits(wavelengths, expected, spectra),
    }
    times: dict[str, list[float]] = {name: [] for name in work}
    for round_ in range(asked.rounds + 1):
        for name, (do, count) in work.items():
            began = time.perf_counter()
            do()
            if round_:  # the first compiles
                times[name].append((time.perf_counter() - began) / count * 1e6)
    table = Table(
        box=None, title=f"{PIXELS} pixels, {asked.spectra} spectra, {asked.rounds} rounds"
    )
    for heading in ("what", "µs a spectrum", "spectra/s", "passes", "lmfit/this", "curve_fit/this"):
        table.add_column(heading, justify="left" if heading == "what" else "right")

    def ratio(above: str, below: str) -> float:
        return statistics.median(a / b for a, b in zip(times[above], times[below], strict=True))

    for name, each in times.items():
        middle = statistics.median(each)
        against = [f"{ratio(name, 'one pass over the memory'):.1f}", "", ""]
        if name in fits(wavelengths, expected, spectra[:1]):
            against[1] = f"{ratio('lmfit', name):.1f}"
            against[2] = f"{ratio('curve_fit, numeric Jacobian', name):.1f}"
        table.add_row(name, f"{middle:.2f}", f"{1e6 / middle:,.0f}", *against)
    Console(width=100).print(table)


if __name__ == "__main__":
    main()
