"""Spectra that another program wrote: what they are, and what has to be assumed about them."""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import Path
from typing import Any, Final

import numpy as np
from numpy.typing import NDArray

from labcool.analysis.measurement import Measurement
from labcool.errors import LimitError, RunFileError
from labcool.thermometry.noise import DetectorNoise
from labcool.thermometry.reference import Dark, Reference

Floats = NDArray[np.float64]

FACTS: Final[Mapping[str, float | None]] = {
    "exposure_s": 1.0,
    "averages": 1.0,
    "fluence_W_cm2": 1.0,
    "electrons_per_count": 1.0,
    "read_noise_counts": 0.0,
    "saturation_counts": math.inf,
    "reference_temperature_K": None,
    "reference_temperature_std_K": 0.0,
    "laser_nm": None,
    "band_low_nm": None,
    "band_high_nm": None,
}
"""What a plain file can tell beside its spectra, and what is assumed if it does not."""
_WORTH_A_NOTE: Final = ("electrons_per_count", "read_noise_counts")
_SHORTEST_NM, _LONGEST_NM = 100.0, 20000.0


@dataclass(frozen=True, slots=True, eq=False)
class PlainSpectra:
    """What a plain file holds.

    :param wavelengths: shape (pixel,), nm, in order.
    :param spectra: shape (n, pixel), counts.
    :param time: s, shape (n,); None: not told.
    :param dark: shape (pixel,), counts; None: not told.
    :param reference: spectrum at the temperature that is told, shape (pixel,); None: not told.
    :param facts: some of :data:`FACTS`, and ``date``.
    """

    wavelengths: Floats
    spectra: NDArray[Any]
    time: Floats | None = None
    dark: Floats | None = None
    reference: Floats | None = None
    facts: Mapping[str, Any] = field(default_factory=dict)


def measurement_of_plain(path: Path, plain: PlainSpectra, temperature: float | None) -> Measurement:
    """Return a measurement, with what had to be assumed in its notes.

    :param temperature: of the sample at the reference or at the first spectrum, K; None: as told.
    :raises RunFileError: if the axis is none, a fact cannot be, or there are no spectra.
    """
    wavelengths, spectra, dark, reference = _ascending(path, plain)
    facts, notes = _facts(path, plain.facts)
    known = facts["reference_temperature_K"] if temperature is None else temperature
    count = len(spectra)
    exposure, averages = float(facts["exposure_s"]), int(facts["averages"])
    try:
        noise = DetectorNoise(facts["electrons_per_count"], facts["read_noise_counts"])
        references = []
        if reference is not None and known is not None:
            references.append(
                Reference(
                    reference,
                    averages,
                    exposure,
                    float(facts["fluence_W_cm2"]),
                    float(known),
                    float(facts["reference_temperature_std_K"]),
                )
            )
    except LimitError as error:
        raise RunFileError(f"{path}: {error}") from error
    if dark is None:
        notes.append("no dark spectrum: the counts are taken as they are")
    band = (facts["band_low_nm"], facts["band_high_nm"])
    return Measurement(
        path=path,
        is_run=False,
        date=_date(path, plain.facts),
        wavelengths=wavelengths,
        spectra=spectra,
        time=np.arange(count, dtype=np.float64) if plain.time is None else plain.time,
        exposure=np.full(count, exposure),
        averages=averages,
        fluence=np.full(count, float(facts["fluence_W_cm2"])),
        saturated=np.any(spectra >= facts["saturation_counts"], axis=1),
        darks=Dark(np.zeros(wavelengths.size) if dark is None else dark, averages),
        references=references,
        noise=noise,
        band=None if None in band else (float(band[0]), float(band[1])),
        laser=None if facts["laser_nm"] is None else float(facts["laser_nm"]),
        first_temperature=None if known is None else float(known),
        first_std=float(facts["reference_temperature_std_K"]),
        notes=tuple(notes),
    )


def is_axis(numbers: Floats) -> bool:
    """Return True if numbers can be the wavelengths of a detector in nm."""
    steps = np.diff(numbers)
    inside = (numbers >= _SHORTEST_NM) & (numbers <= _LONGEST_NM)
    return bool(numbers.size >= 3 and inside.all() and ((steps > 0).all() or (steps < 0).all()))


def _ascending(
    path: Path, plain: PlainSpectra
) -> tuple[Floats, NDArray[Any], Floats | None, Floats | None]:
    axis = np.asarray(plain.wavelengths, np.float64)
    if not is_axis(axis):
        raise RunFileError(
            f"{path}: there is no wavelength axis: {axis.size} numbers in order between "
            f"{_SHORTEST_NM:g} and {_LONGEST_NM:g} nm are needed."
        )
    if plain.spectra.ndim != 2 or not len(plain.spectra):
        raise RunFileError(f"{path}: there are no spectra in this file.")
    if plain.spectra.shape[1] != axis.size:
        raise RunFileError(
            f"{path}: the spectra have {plain.spectra.shape[1]} pixels, the axis {axis.size}."
        )
    order = slice(None) if axis[-1] > axis[0] else slice(None, None, -1)
    dark = None if plain.dark is None else plain.dark[order]
    reference = None if plain.reference is None else plain.reference[order]
    return axis[order], np.ascontiguousarray(plain.spectra[:, order]), dark, reference


def _facts(path: Path, told: Mapping[str, Any]) -> tuple[dict[str, Any], list[str]]:
    facts: dict[str, Any] = dict(FACTS)
    for name, value in told.items():
        if name not in FACTS:
            continue
        try:
            facts[name] = float(value)
        except (TypeError, ValueError) as error:
            raise RunFileError(f"{path}: {name} = {value!r} is no number.") from error
        if not math.isfinite(facts[name]):
            raise RunFileError(f"{path}: {name} = {value} is not finite.")
    for name in ("exposure_s", "averages", "fluence_W_cm2"):
        if not facts[name] > 0:
            raise RunFileError(f"{path}: {name} = {facts[name]:g} is not above 0.")
    notes = [f"{name} is not told: {FACTS[name]:g}" for name in _WORTH_A_NOTE if name not in told]
    return facts, notes


def _date(path: Path, told: Mapping[str, Any]) -> date:
    """Return the day that is told, else that of the file."""
    if "date" in told:
        try:
            return date.fromisoformat(str(told["date"])[:10])
        except ValueError as error:
            raise RunFileError(f"{path}: date = {told['date']!r} is not YYYY-MM-DD.") from error
    return datetime.fromtimestamp(path.stat().st_mtime, UTC).date()
