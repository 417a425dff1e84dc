"""How the temperatures of an analysis were made, for its file."""

from __future__ import annotations

import hashlib
from pathlib import Path
from typing import Any

from labcool.analysis.analysis import Analysis
from labcool.calibration import to_plain

_BLOCK = 1 << 20


def method_of(analysis: Analysis) -> dict[str, Any]:
    """Return method, thermometers, calibrations and verdict, as plain values."""
    measured = analysis.measured
    return {
        "method": "derived again from the raw spectra",
        "analysed_from": measured.path.name,
        "analysed_from_sha256": sha256_of(measured.path),
        "thermometers": {
            name: {**instance.settings, "calibrations": [c.id for c in instance.calibrations]}
            for name, instance in analysis.used.items()
        },
        "calibrations": [to_plain(record) for record in analysis.calibrations],
        "verdict": analysis.verdict.conclusion.value,
        "disturbances": [str(each) for each in analysis.verdict.disturbances],
        "evidence": list(analysis.verdict.evidence),
        "notes": list(analysis.notes),
    }


def sha256_of(path: Path) -> str:
    """Return the SHA-256 of a file, hexadecimal."""
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_BLOCK):
            digest.update(block)
    return digest.hexdigest()
