"""Reads a run file: live, finished or broken off."""

from __future__ import annotations

from functools import cached_property
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Any, Final, Self

import h5py
import numpy as np
from numpy.typing import NDArray

from labcool.calibration import CalibrationRecord
from labcool.errors import RunFileError
from labcool.storage.embedded import embedded_calibrations
from labcool.storage.eventlog import Event, from_rows
from labcool.storage.instruments import InstrumentState, read_instruments
from labcool.storage.layout import STATUSES, Quantity
from labcool.storage.lock import is_held
from labcool.storage.spectra import SpectraSet, read_spectra
from labcool.storage.values import read_quantities, read_settings
from labcool.storage.views import Record, RowsView, readable_rows

if TYPE_CHECKING:
    import xarray

_DEFINITION: Final = "NXoptical_spectroscopy"


def open_run(path: Path | str) -> Run:
    """Open a run file for reading, also while it is being written.

    A file that is open here cannot be opened with plain h5py in the same process at the same time,
    unless both lock it alike.

    :raises RunFileError: if there is no such file, or it is not a run file, or it is damaged.
    """
    return Run(Path(path))


class Run:
    """One run, as its file stood when it was opened; :meth:`refresh` looks again.

    Per-point data are cut to the rows that every dataset has, so that rows always belong together.
    """

    def __init__(self, path: Path) -> None:
        self.path = path
        self._open()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Close the file; arrays that were read stay valid."""
        self._file.close()

    def refresh(self) -> None:
        """Open the file anew, to see what has been written since."""
        self.close()
        for name in ("time", "wavelengths", "events"):
            self.__dict__.pop(name, None)
        self._open()

    @property
    def status(self) -> str:
        """``running``, ``finished``, ``aborted``, ``failed`` or ``interrupted``.

        *Interrupted*: the file was never finished, and no living process held the writer's lock
        when this was opened.
        """
        return self._status

    @property
    def rows(self) -> int:
        """Number of points."""
        return self._rows

    @property
    def title(self) -> str:
        """The run's title."""
        return self._text("title")

    @property
    def procedure(self) -> str:
        """Name of the procedure."""
        return self._text("procedure")

    @property
    def start_date(self) -> str:
        """Date of time zero, ISO 8601."""
        return self._text("start_time")

    @property
    def end_date(self) -> str:
        """Date of the end, ISO 8601; empty if the run was never finished."""
        return self._text("end_time")

    @property
    def parameters(self) -> dict[str, Quantity]:
        """The procedure's parameters, each a (value, unit)."""
        return read_quantities(self._entry["parameters"])

    @property
    def sample(self) -> dict[str, Any]:
        """What was said about the sample."""
        return read_settings(self._entry["sample"])

    @property
    def process(self) -> dict[str, Any]:
        """How the temperatures were made: method, calibrations, version."""
        return read_settings(self._entry["process_temperature"])

    @property
    def calibrations(self) -> list[CalibrationRecord]:
        """The calibrations that the run used: those of its thermometers, then that of the spot.

        :raises RunFileError: if one of them is not what its id says.
        """
        return embedded_calibrations(self._entry, self.path)

    @property
    def software(self) -> dict[str, Any]:
        """Versions of the software that made the run."""
        return read_settings(self._entry["software"])

    @property
    def instruments(self) -> dict[str, InstrumentState]:
        """Every instrument by its name on the bench."""
        return read_instruments(self._entry["instrument"])

    @property
    def configuration(self) -> bytes:
        """The bench file, byte for byte."""
        note = self._entry["configuration"]
        if "data" not in note:
            return b""
        # numpy drops zero bytes from the end of a text; the dataset's own size tells them.
        return bytes(note["data"][()]).ljust(note["data"].dtype.itemsize, b"\0")

    @cached_property
    def time(self) -> NDArray[Any]:
        """Time of each point, shape (t,), s since the start."""
        if "data" not in self._entry:
            return np.empty(0)
        return np.asarray(self._view("data/time"))

    @cached_property
    def wavelengths(self) -> NDArray[Any]:
        """Wavelength of each pixel, shape (pixel,), nm, ascending."""
        return np.asarray(self._detector["wavelength"][()])

    @property
    def spectra(self) -> RowsView | NDArray[Any]:
        """Raw spectra, shape (t, pixel), counts; read from the file when indexed."""
        if "data" not in self._entry:
            return np.empty((0, len(self.wavelengths)))
        return self._view("data/intensity")

    @property
    def record(self) -> Record:
        """The scalar columns by name; ``record.units`` tells their units."""
        group = self._entry.get("record", {})
        columns = {name: item for name, item in group.items() if name not in ("time", "title")}
        units = {name: str(item.attrs.get("units", "")) for name, item in columns.items()}
        return Record({name: self._view(f"record/{name}") for name in columns}, units)

    @property
    def thermometers(self) -> tuple[str, ...]:
        """Names of the thermometers, the default one first."""
        return tuple(self._thermometer_datasets())

    def temperature(self, name: str | None = None) -> tuple[NDArray[Any], NDArray[Any]]:
        """Return temperatures and their standard deviations, each shape (t,), K.

        :param name: a thermometer; None: the default one.
        :raises RunFileError: if the run has no such thermometer.
        """
        dataset = self._thermometer(name)
        if dataset is None:
            return np.empty(0), np.empty(0)
        return np.asarray(self._view(dataset)), np.asarray(self._view(f"{dataset}_errors"))

    def flags(self, name: str | None = None) -> NDArray[Any]:
        """Return the flags of a thermometer, shape (t,), integers.

        :raises RunFileError: if the run has no such thermometer.
        """
        dataset = self._thermometer(name)
        return np.empty(0, "i4") if dataset is None else np.asarray(self._view(f"{dataset}_flags"))

    @property
    def references(self) -> dict[str, SpectraSet]:
        """Reference spectra by name."""
        return {name: read_spectra(group) for name, group in self._entry["reference"].items()}

    @property
    def dark(self) -> SpectraSet | None:
        """Dark spectra of the detector, None if there are none."""
        detector = self._detector
        return read_spectra(detector["dark"]) if "dark" in detector else None

    @cached_property
    def events(self) -> list[Event]:
        """The run's log."""
        return from_rows(self._entry["events/log"][()]) if "events" in self._entry else []

    def to_xarray(self) -> xarray.Dataset:
        """Return the whole run as an :class:`xarray.Dataset` in memory (needs xarray)."""
        from labcool.storage.xarrays import dataset_of

        return dataset_of(self)

    @property
    def _entry(self) -> h5py.Group:
        if not self._file:
            raise RunFileError(f"{self.path}: the run has been closed.")
        return self._file["entry"]

    @property
    def _detector(self) -> h5py.Group:
        for group in self._entry["instrument"].values():
            if "wavelength" in group:
                return group
        raise RunFileError(f"{self.path}: no detector with wavelengths in it.")

    def _open(self) -> None:
        if not self.path.is_file():
            raise RunFileError(f"{self.path}: there is no such file.")
        # Asked before the file is read: a run that ends in between then shows its final status.
        has_writer = is_held(self.path)
        self._file = _open_file(self.path)
        try:
            self._read_head(has_writer)
        except (KeyError, OSError, AttributeError) as error:
            self._file.close()
            raise RunFileError(
                f"{self.path}: not a run file, or its start was never written ({error})."
            ) from error
        except RunFileError:
            self._file.close()
            raise

    def _read_head(self, has_writer: bool) -> None:
        entry = self._file["entry"]
        if entry["definition"].asstr()[()] != _DEFINITION or "status" not in entry:
            raise RunFileError(f"{self.path}: an HDF5 file, but not a run file of labcool.")
        written = entry["status"][()].decode()
        unfinished = "running" if has_writer else "interrupted"
        self._status = written if written in STATUSES else unfinished
        datasets = [entry[name] for name in self._per_point(entry)]
        length = readable_rows if self._status == "interrupted" else len
        self._rows = min((length(dataset) for dataset in datasets), default=0)

    def _per_point(self, entry: h5py.Group) -> list[str]:
        names = ["data/time", "data/intensity"] if "data" in entry else []
        for group in ("temperature", "record"):
            names += [f"{group}/{name}" for name in entry.get(group, ()) if name != "title"]
        return names

    def _view(self, name: str) -> RowsView:
        return RowsView(self._entry[name], self._rows, self.path)

    def _text(self, name: str) -> str:
        return str(self._entry[name].asstr()[()]) if name in self._entry else ""

    def _thermometer_datasets(self) -> dict[str, str]:
        """Return the dataset of each thermometer by its name, the default one first."""
        if "temperature" not in self._entry:
            return {}
        group = self._entry["temperature"]
        names = [group.attrs["signal"], *group.attrs.get("auxiliary_signals", ())]
        return {str(group[n].attrs["thermometer"]): f"temperature/{n}" for n in names}

    def _thermometer(self, name: str | None) -> str | None:
        datasets = self._thermometer_datasets()
        if name in datasets:
            return datasets[name]
        if name is None and datasets:
            return next(iter(datasets.values()))
        if "data" not in self._entry:
            return None
        known = ", ".join(datasets) or "none"
        raise RunFileError(f"{self.path}: no thermometer {name!r}; there are: {known}.")


def _open_file(path: Path) -> h5py.File:
    """Open without a lock, so that a running writer disturbs nobody and is not disturbed."""
    try:
        return h5py.File(path, "r", locking=False)
    except OSError as error:
        if "locking flag" not in str(error):
            if not h5py.is_hdf5(path):
                raise RunFileError(f"{path}: not an HDF5 file, so not a run file.") from error
            raise RunFileError(
                f"{path}: cannot be opened ({error}). If nobody is writing it, try "
                "labcool.storage.space.trim_reservation on a copy."
            ) from error
    # The writer lives in this very process; HDF5 then wants both to lock alike.
    try:
        return h5py.File(path, "r")
    except OSError as error:
        raise RunFileError(f"{path}: cannot be opened ({error}).") from error
