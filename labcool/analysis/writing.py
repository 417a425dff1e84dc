"""Where the temperatures of an analysis go: into a copy of a run file, or beside a plain one."""

from __future__ import annotations

from pathlib import Path

from labcool.analysis.analysis import Analysis
from labcool.analysis.copying import write_copy
from labcool.analysis.measurement import Measurement
from labcool.analysis.sidecar import write_sidecar
from labcool.errors import ConfigurationError, RecordingError


def default_output(measured: Measurement) -> Path:
    """Return ``NAME_analysed.h5`` beside a run file, ``NAME_analysed.csv`` beside any other."""
    suffix = ".h5" if measured.is_run else ".csv"
    return measured.path.with_name(f"{measured.path.stem}_analysed{suffix}")


def check_output(measured: Measurement, out: Path) -> None:
    """Refuse a file that exists; the original above all.

    :raises ConfigurationError: then, or if the suffix does not fit.
    """
    if out.exists():
        raise ConfigurationError(
            f"{out}: is there already and is left as it is. Name another file."
        )
    if measured.is_run and out.suffix.lower() not in (".h5", ".hdf5", ".nxs"):
        raise ConfigurationError(f"{out}: the copy of a run file is an HDF5 file (*.h5).")


def write_analysis(analysis: Analysis, out: Path) -> None:
    """Write the temperatures to a new file; the measured file is not touched.

    :raises ConfigurationError: if the file exists.
    :raises RecordingError: if it cannot be written.
    """
    check_output(analysis.measured, out)
    try:
        out.parent.mkdir(parents=True, exist_ok=True)
        if analysis.measured.is_run:
            write_copy(analysis, out)
        else:
            write_sidecar(analysis, out)
    except OSError as error:
        raise RecordingError(f"{out}: cannot be written ({error}).") from error
