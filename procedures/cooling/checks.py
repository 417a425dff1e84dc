"""What a cooling run refuses before anything moves."""

from __future__ import annotations

from typing import TYPE_CHECKING

from labcool.errors import LimitError
from procedures.shared.arrhenius_reference import check_reference

if TYPE_CHECKING:
    from procedures.cooling.procedure import Cooling


def check_cooling(run: Cooling) -> None:
    """Refuse parameters that this bench cannot carry out.

    :raises LimitError: naming the parameter, its value and what is allowed.
    """
    if not run.programme.fluences:
        raise LimitError(
            "programme",
            f"'{run.programme}'",
            "with light in at least one segment",
            "A run in the dark alone has no spectra.",
        )
    for fluence in run.programme.fluences:
        run.illumination.check(fluence)
    check_reference(run.reference)
    _check_exposure(run)
    _check_band(run)
    for segment in run.programme:
        if not segment.dark and segment.duration < run.interval:
            raise LimitError(
                f"programme segment '{segment}'",
                f"{segment.duration:g} s",
                f"at least the time between spectra, {run.interval:g} s",
                "Lengthen the segment, or set a shorter 'interval' and 'exposure'.",
            )


def _check_exposure(run: Cooling) -> None:
    shortest, longest = run.spectrometer.exposure_range
    if not shortest <= run.exposure <= longest:
        raise LimitError(
            "exposure (s)",
            f"{run.exposure:g}",
            f"from {shortest:g} to {longest:g} s for this spectrometer",
        )
    if run.exposure * run.averages > run.interval:
        raise LimitError(
            "interval (s)",
            f"{run.interval:g}",
            f"at least exposure × averages, {run.exposure * run.averages:g} s",
            "Take spectra less often, or expose for a shorter time.",
        )


def _check_band(run: Cooling) -> None:
    wavelengths = run.spectrometer.wavelengths
    first, last = float(wavelengths[0]), float(wavelengths[-1])
    if not first <= run.band_low < run.band_high <= last:
        raise LimitError(
            "band_low, band_high (nm)",
            f"{run.band_low:g}, {run.band_high:g}",
            f"ascending and within the spectrometer's {first:.1f} to {last:.1f} nm",
        )
