"""The calibrations that a run file carries."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import h5py

from labcool.calibration import CalibrationRecord, from_plain
from labcool.errors import ConfigurationError, RunFileError
from labcool.storage.instruments import BEAM
from labcool.storage.values import read_settings, read_value


def embedded_calibrations(entry: h5py.Group, path: Path) -> list[CalibrationRecord]:
    """Return the calibrations of the thermometers, then that of the spot.

    :raises RunFileError: if one of them has been changed or is not known.
    """
    found: list[dict[str, Any]] = []
    if "calibrations" in entry.get("process_temperature", {}):
        found += read_value(entry["process_temperature/calibrations"]).value
    spot = f"instrument/{BEAM}/spot_calibration"
    if spot in entry:
        found.append(read_settings(entry[spot]))
    try:
        return [from_plain(plain) for plain in found]
    except ConfigurationError as error:
        raise RunFileError(f"{path}: a calibration in it cannot be used: {error}") from error
