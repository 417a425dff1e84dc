"""Every driver as the fuzz needs it; a new one is one more line in one of the parts."""

from __future__ import annotations

from collections.abc import Mapping

import fuzz_chopper
import fuzz_lakeshore
import fuzz_lasers
import fuzz_light
import fuzz_linkam
import fuzz_lockin
import fuzz_meters
import fuzz_mounts
import fuzz_spectral
import fuzz_superk_filters
import fuzz_usb
from fuzz_case import FuzzCase
from fuzz_rig import FuzzRig

CASES: Mapping[str, FuzzCase] = {
    **fuzz_light.SHUTTERS,
    **fuzz_lasers.LASERS,
    **fuzz_mounts.MOUNTS,
    **fuzz_chopper.CHOPPERS,
    **fuzz_meters.METERS,
    **fuzz_linkam.STAGES,
    **fuzz_lakeshore.CONTROLLERS,
    **fuzz_lockin.LOCK_INS,
    **fuzz_superk_filters.LIGHT,
    **fuzz_spectral.MONOCHROMATORS,
    **fuzz_usb.SPECTROMETERS,
}
NOT_FUZZED: Mapping[str, str] = {
    **dict.fromkeys(("AndorSpectrometer", "Shamrock"), "no bytes, but calls of a library"),
    **dict.fromkeys(
        ("TTLShutter", "DAQShutter", "DAQInput", "Photodiode"),
        "no bytes: see tests/fuzz/test_lines_and_cards.py",
    ),
}
"""Drivers without a case here, and why."""


def rig_of(name: str) -> FuzzRig:
    """Return a driver's case set up anew."""
    return (CASES[name].rig or FuzzRig)(CASES[name])
