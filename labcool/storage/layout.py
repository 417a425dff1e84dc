"""What a run file holds, as frozen data, and the few numbers that shape it on disk."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any, Final, NamedTuple
from uuid import uuid4

import numpy as np
from numpy.typing import DTypeLike, NDArray

from labcool.errors import LimitError

STATUS_DTYPE: Final = np.dtype("S32")
STATUSES: Final = ("finished", "aborted", "failed")
SCALAR_CHUNK_ROWS: Final = 256
FLAGS_DTYPE: Final = np.dtype("i4")

_CHUNK_BYTES: Final = 512 * 1024
_TAKEN_NAMES: Final = frozenset({"time", "title", "wavelength"})


class Quantity(NamedTuple):
    """A value and the unit it is in (empty if it has none)."""

    value: Any
    unit: str = ""


@dataclass(frozen=True, slots=True)
class Column:
    """One number recorded with every spectrum.

    :param name: dataset name under ``/entry/record``.
    :param unit: as pint reads it (``"W/cm^2"``), empty if dimensionless.
    :param dtype: what is stored; an integer dtype takes whole, finite numbers only.
    """

    name: str
    unit: str
    description: str = ""
    dtype: DTypeLike = "f8"


@dataclass(frozen=True, slots=True)
class InstrumentRecord:
    """One instrument of the bench, as it stood before the run.

    :param role: the role's class name, e.g. ``"Spectrometer"``; it decides the NeXus class.
    :param driver: dotted path of the driver.
    :param settings_before: snapshot; keys end in the unit where there is one (``power_W``).
    """

    role: str
    driver: str
    identity: str
    settings_before: Mapping[str, Any]


@dataclass(frozen=True, slots=True, eq=False)
class Block:
    """The rows of ``n`` points, in the order in which they were taken.

    :param time: shape (n,), s since the start of the run.
    :param spectra: shape (n, pixel), counts.
    :param scalars: shape (n, columns), float64, in the order of ``RunDescription.columns``.
    :param temperatures: shape (n, thermometers), K.
    :param temperature_errors: shape (n, thermometers), K, one standard deviation.
    :param flags: shape (n, thermometers), integers.
    """

    time: NDArray[Any]
    spectra: NDArray[Any]
    scalars: NDArray[Any]
    temperatures: NDArray[Any]
    temperature_errors: NDArray[Any]
    flags: NDArray[Any]


@dataclass(frozen=True, slots=True, eq=False)
class RunDescription:
    """Everything that is known about a run before its first point.

    :param wavelengths: shape (pixel,), nm, ascending.
    :param counts_dtype: dtype of the stored spectra; an integer one if spectra are single shots.
    :param thermometers: names; the first one is the default signal of ``/entry/temperature``.
    :param parameters: name to (value, unit).
    :param instruments: bench name to record.
    :param sample: at least ``name``; also ``chemical_formula``, and ``temperature_env_K`` for the
        temperature of its surroundings; values as :mod:`labcool.storage.values` takes them.
    :param configuration: the bench file, byte for byte.
    :param process: how temperatures are made: ``method``, ``calibrations`` with their ids,
        ``version``.
    :param beam: what is known of the pump beam at the sample, e.g. its dated spot calibration.
    :param start_date: aware date of time zero.
    :param software: versions; None: those of the running interpreter.
    :raises LimitError: if names collide, or an axis or a date cannot be stored as such.
    """

    title: str
    procedure: str
    wavelengths: NDArray[Any]
    counts_dtype: DTypeLike
    start_date: datetime
    columns: tuple[Column, ...] = ()
    thermometers: tuple[str, ...] = ()
    parameters: Mapping[str, tuple[Any, str]] = field(default_factory=dict)
    instruments: Mapping[str, InstrumentRecord] = field(default_factory=dict)
    sample: Mapping[str, Any] = field(default_factory=lambda: {"name": "unknown"})
    configuration: bytes = b""
    process: Mapping[str, Any] = field(default_factory=dict)
    beam: Mapping[str, Any] = field(default_factory=dict)
    experiment_type: str = "photoluminescence"
    software: Mapping[str, Any] | None = None
    identifier: str = field(default_factory=lambda: str(uuid4()))

    def __post_init__(self) -> None:
        wavelengths = np.asarray(self.wavelengths)
        if wavelengths.ndim != 1 or not wavelengths.size or not np.all(np.isfinite(wavelengths)):
            raise LimitError("wavelengths (nm)", wavelengths.shape, "a finite 1-D axis of pixels")
        if np.any(np.diff(wavelengths) <= 0):
            raise LimitError("wavelengths (nm)", "not ascending", "strictly ascending")
        if self.start_date.tzinfo is None:
            raise LimitError("start_date", self.start_date, "a date with its time zone")
        if not self.sample.get("name"):
            raise LimitError("sample", dict(self.sample), "described with at least a name")
        if np.dtype(self.counts_dtype).kind not in "iuf":
            raise LimitError("counts_dtype", self.counts_dtype, "an integer or float dtype")
        _check_names("column", [column.name for column in self.columns])
        _check_names("thermometer", thermometer_datasets(self.thermometers))

    @property
    def detector(self) -> str:
        """Bench name of the instrument that takes the spectra: the first spectrometer."""
        for name, record in self.instruments.items():
            if record.role.lower() == "spectrometer":
                return name
        return "spectrometer"


def thermometer_datasets(thermometers: Sequence[str]) -> list[str]:
    """Return the name of the value dataset of each thermometer; the first is the default."""
    return ["temperature", *thermometers[1:]] if thermometers else []


def spectra_chunk_rows(pixels: int, dtype: DTypeLike) -> int:
    """Return how many spectra share a chunk: a power of two from 16 to 256, near 512 kB."""
    rows = max(1, _CHUNK_BYTES // (pixels * np.dtype(dtype).itemsize))
    return int(min(256, max(16, 2 ** (rows.bit_length() - 1))))


def _check_names(kind: str, names: Sequence[str]) -> None:
    written = [f"{name}{end}" for name in names for end in ("", "_errors", "_flags")]
    if kind == "column":
        written = list(names)
    for name in written:
        if not name or "/" in name or name in _TAKEN_NAMES or name.startswith("."):
            raise LimitError(f"{kind} name", repr(name), "a word without / and not an axis' name")
        if written.count(name) > 1:
            raise LimitError(f"{kind} name", repr(name), "given once")
