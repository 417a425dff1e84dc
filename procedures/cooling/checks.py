"""What a cooling run refuses before anything moves."""

from __future__ import annotations

from labcool.bench.illumination import Illumination
from labcool.bench.roles import Spectrometer
from labcool.errors import LimitError
from procedures.shared.programme import Programme


def check_programme(programme: Programme, illumination: Illumination, interval: float) -> None:
    """Refuse a programme that this bench cannot follow.

    :param interval: time between spectra, s.
    :raises LimitError: for a fluence out of range, a segment too short for one spectrum, or a
        programme without light.
    """
    if not programme.fluences:
        raise LimitError(
            "programme",
            f"'{programme}'",
            "with light in at least one segment",
            "A run in the dark alone has no spectra.",
        )
    for fluence in programme.fluences:
        illumination.check(fluence)
    for segment in programme:
        if not segment.dark and segment.duration < interval:
            raise LimitError(
                f"programme segment '{segment}'",
                f"{segment.duration:g} s",
                f"at least the time between spectra, {interval:g} s",
                "Lengthen the segment, or set a shorter 'interval' and 'exposure'.",
            )


def check_exposure(
    spectrometer: Spectrometer, *, exposure: float, averages: int, interval: float
) -> None:
    """Refuse exposures that the spectrometer cannot take, or that do not fit between spectra.

    :raises LimitError: naming ``exposure`` or ``interval`` (s).
    """
    shortest, longest = spectrometer.exposure_range
    if not shortest <= exposure <= longest:
        raise LimitError(
            "exposure (s)",
            f"{exposure:g}",
            f"from {shortest:g} to {longest:g} s for this spectrometer",
        )
    if exposure * averages > interval:
        raise LimitError(
            "interval (s)",
            f"{interval:g}",
            f"at least exposure × averages, {exposure * averages:g} s",
            "Take spectra less often, or expose for a shorter time.",
        )


def check_band(spectrometer: Spectrometer, low: float, high: float) -> None:
    """Refuse a band (nm) that the spectrometer does not see.

    :raises LimitError: naming ``band_low`` and ``band_high``.
    """
    first, last = float(spectrometer.wavelengths[0]), float(spectrometer.wavelengths[-1])
    if not first <= low < high <= last:
        raise LimitError(
            "band_low, band_high (nm)",
            f"{low:g}, {high:g}",
            f"ascending and within the spectrometer's {first:.1f} to {last:.1f} nm",
        )
