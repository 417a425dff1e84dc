"""Makes the figures of docs/thermometry.md, from simulated spectra and the thermometers themselves.

python docs/make_thermometry_figures.py
"""

from __future__ import annotations

import datetime
from pathlib import Path

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
from numpy.typing import NDArray

from labcool.calibration import ArrheniusCalibration, PolynomialCalibration
from labcool.fitting.axes import photon_energies
from labcool.fitting.line_summary import line_fwhm, line_maximum
from labcool.fitting.spectral_model import pixel_widths
from labcool.models import EmissionLine, arrhenius_factor
from labcool.thermometry import (
    Arrhenius,
    Dark,
    DetectorNoise,
    Estimate,
    Evidence,
    LineFitter,
    LineShapeThermometer,
    Reference,
    TailRatio,
    TailSlope,
    judge,
)

Floats = NDArray[np.float64]

IMAGES = Path(__file__).parent / "images"
BLUE, ORANGE, GREEN, PURPLE, GREY = "#0072B2", "#D55E00", "#009E73", "#AA4499", "#666666"
ROOM_K, ENERGY_EV = 298.15, 0.140
LINE = EmissionLine(2.42, ROOM_K, 3e-4, 0.020, 0.03, 0.03, 0.0165)
WAVELENGTHS = np.linspace(480.0, 570.0, 1024)
TAIL_EV, LINE_EV, BAND_NM = (2.46, 2.56), (2.22, 2.57), (490.0, 550.0)
NOISE, BIAS = DetectorNoise(2.0, 2.0), 300.0
DARK = Dark(np.full(WAVELENGTHS.size, BIAS), 400)
DAY = datetime.date(2026, 1, 5)


def expected(kelvin: float, peak: float) -> Floats:
    """Counts of a film whose intensity follows the Arrhenius law, ``peak`` at room temperature."""
    at_room = LINE.per_wavelength(WAVELENGTHS, ROOM_K) * pixel_widths(WAVELENGTHS)
    line = LINE.per_wavelength(WAVELENGTHS, kelvin) * pixel_widths(WAVELENGTHS)
    return peak * line / at_room.max() * arrhenius_factor(kelvin, ROOM_K, ENERGY_EV)


def drawn(light: Floats, rng: np.random.Generator, n: int = 1) -> Floats:
    """Raw spectra, shape (n, pixel)."""
    electrons = rng.poisson(light * NOISE.electrons_per_count, (n, light.size))
    read = rng.normal(0, NOISE.read_noise_counts, electrons.shape)
    return BIAS + electrons / NOISE.electrons_per_count + read


def curves(fitter: LineFitter) -> dict[str, PolynomialCalibration]:
    """Width and position against temperature, as a stage would give them."""
    kelvin = np.linspace(250.0, 310.0, 25)
    spectra = np.array([BIAS + expected(each, 1e6) for each in kelvin])
    fit = fitter.fit(spectra, exposure=1.0)
    found = {}
    for name, read in (("fwhm", line_fwhm), ("peak", line_maximum)):
        values = read(fitter.line, fit).value
        coefficients = np.polynomial.polynomial.polyfit(kelvin - 280.0, values, 3)
        scale = np.diag((np.array(coefficients) * [1e-4, 0.01, 0.0, 0.0]) ** 2)
        found[name] = PolynomialCalibration(
            observable=name,
            unit="eV",
            coefficients=tuple(coefficients),
            covariance=tuple(map(tuple, scale)),
            reference_temperature=280.0,
            valid_range=(250.0, 310.0),
            method="simulated stage",
            date=DAY,
            source="documentation",
        )
    return found


def thermometers(peak: float, rng: np.random.Generator) -> dict[str, object]:
    """All that need no silicon, with a reference of 200 frames at room temperature."""
    light = BIAS + expected(ROOM_K, peak) + rng.normal(0, 0.01, WAVELENGTHS.size)
    reference = Reference(light, 200, 1.0, 100.0, ROOM_K, 0.1)
    calibration = ArrheniusCalibration(
        activation_energy=ENERGY_EV, std=0.002, valid_range=(250.0, 310.0), date=DAY, source="docs"
    )
    fitter = LineFitter(WAVELENGTHS, LINE_EV, noise=NOISE, dark=DARK)
    of_line = curves(fitter)
    return {
        "arrhenius": Arrhenius(
            calibration, references=[reference], dark=DARK, band=BAND_NM,
            wavelengths=WAVELENGTHS, noise=NOISE,
        ),
        "tail_slope": TailSlope(WAVELENGTHS, TAIL_EV, noise=NOISE, dark=DARK),
        "tail_ratio": TailRatio(WAVELENGTHS, TAIL_EV, reference=reference, noise=NOISE, dark=DARK),
        "line_width": LineShapeThermometer(fitter, of_line["fwhm"], observable="fwhm"),
        "peak_shift": LineShapeThermometer(fitter, of_line["peak"], observable="peak"),
    }  # fmt: skip


def what_each_looks_at() -> None:
    """Spectra at two temperatures, and the part of them that each thermometer uses."""
    figure, (left, right) = plt.subplots(1, 2, figsize=(9.5, 3.6), layout="constrained")
    for kelvin, colour, style in ((ROOM_K, ORANGE, "-"), (268.0, BLUE, "--")):
        light = expected(kelvin, 4000.0)
        left.plot(WAVELENGTHS, light, style, color=colour, label=f"{kelvin:.0f} K")
        right.semilogy(photon_energies(WAVELENGTHS), light, style, color=colour)
    left.axvspan(*BAND_NM, color=GREY, alpha=0.15, label="band of Arrhenius", lw=0)
    left.axvspan(524.0, 540.0, color=PURPLE, alpha=0.25, label="notch filter", lw=0)
    left.set(xlabel="wavelength (nm)", ylabel="counts", title="intensity, width, position")
    left.legend(frameon=False, fontsize=9, loc="upper right")
    right.axvspan(*TAIL_EV, color=GREEN, alpha=0.25, lw=0, label="window of the tail")
    right.set(
        xlabel="photon energy (eV)", ylim=(1, 8000), xlim=(2.22, 2.57), title="slope of the tail"
    )
    right.legend(frameon=False, fontsize=9, loc="upper left")
    figure.savefig(IMAGES / "thermometry_windows.png", dpi=130)
    plt.close(figure)


def how_precise() -> None:
    """Std of a single spectrum against its brightness."""
    rng = np.random.default_rng(1)
    peaks = np.geomspace(10.0, 30_000.0, 8)
    found: dict[str, list[float]] = {}
    scatter: dict[str, list[float]] = {}
    for peak in peaks:
        spectra = drawn(expected(290.0, float(peak)), rng, 400)
        for name, thermometer in thermometers(float(peak), rng).items():
            estimate = thermometer.estimate(spectra, exposure=1.0, fluence=100.0)  # type: ignore[attr-defined]
            found.setdefault(name, []).append(float(np.nanmedian(estimate.statistical)))
            away = np.abs(estimate.value - np.nanmedian(estimate.value))
            scatter.setdefault(name, []).append(1.4826 * float(np.nanmedian(away)))
    figure, axes = plt.subplots(figsize=(6.2, 4.2), layout="constrained")
    styles = zip((ORANGE, GREEN, BLUE, PURPLE, GREY), "osD^v", found, strict=True)
    for colour, marker, name in styles:
        label = name.replace("_", " ")
        axes.loglog(peaks, found[name], color=colour, label=label)
        axes.loglog(peaks, scatter[name], marker, color=colour, mfc="none", ms=6)
    axes.set(
        xlabel="counts in the brightest pixel",
        ylabel="uncertainty of one spectrum (K)",
        ylim=(0.01, 100.0),
        title="lines: what is stated; marks: how 400 spectra scatter",
    )
    axes.legend(frameon=False, fontsize=9)
    axes.grid(alpha=0.3, which="both")
    figure.savefig(IMAGES / "thermometry_precision.png", dpi=130)
    plt.close(figure)


def cold_or_bleached() -> None:
    """Two runs whose intensity falls by the same part: one is cold, the other bleached.

    In the middle third the pump is dim, and exposures are as much longer.
    """
    rng = np.random.default_rng(2)
    time = np.arange(0.0, 600.0, 3.0)
    cold = ROOM_K - 10.0 * (1 - np.exp(-time / 90.0))
    fall = arrhenius_factor(cold, ROOM_K, ENERGY_EV)
    figure, panels = plt.subplots(1, 2, figsize=(9.5, 3.9), layout="constrained", sharey=True)
    named = thermometers(2000.0, rng)
    dim = (time >= 200.0) & (time < 400.0)
    dose = np.cumsum(np.where(dim, 5.0, 100.0) * 3.0)
    lost = (1 - fall[-1]) * dose / dose[-1]
    shown = {"arrhenius": (ORANGE, "o"), "line_width": (BLUE, "D"), "peak_shift": (PURPLE, "^")}
    for panel, bleached in zip(panels, (False, True), strict=True):
        kelvin = np.full(time.size, ROOM_K) if bleached else cold
        emitters = 1 - lost if bleached else np.ones(time.size)
        light = [expected(k, 2000.0) * e for k, e in zip(kelvin, emitters, strict=True)]
        spectra = np.vstack([drawn(each, rng) for each in light])
        readings: dict[str, Estimate] = {}
        for name, (colour, marker) in shown.items():
            readings[name] = named[name].estimate(spectra, exposure=1.0, fluence=100.0)  # type: ignore[attr-defined]
            panel.plot(
                time[::4], readings[name].value[::4], marker, color=colour, ms=4, mfc="none",
                label=name.replace("_", " "),
            )  # fmt: skip
        scatter = 1 + rng.normal(0, 0.004, time.size)
        evidence = Evidence(scatter=scatter, scatter_std=0.004, dose=dose, time=time)
        verdict = judge(readings, activation_energy=ENERGY_EV, evidence=evidence)
        panel.axvspan(200.0, 400.0, color=GREY, alpha=0.15, lw=0, label="pump dim")
        panel.plot(time, kelvin, color="black", lw=1.5, label="true temperature")
        panel.set(xlabel="time (s)", title=f"verdict: {verdict.headline}")
    panels[0].set(ylabel="temperature (K)")
    panels[0].set_ylim(284.0, 302.0)
    panels[0].legend(frameon=False, fontsize=9)
    figure.savefig(IMAGES / "thermometry_verdict.png", dpi=130)
    plt.close(figure)


if __name__ == "__main__":
    mpl.use("agg")
    IMAGES.mkdir(exist_ok=True)
    what_each_looks_at()
    how_precise()
    cold_or_bleached()
