"""HDF5 files of spectra that labcool did not write.

The spectra are the default signal of a NeXus file, or a dataset called ``intensity``, ``spectra``,
``counts`` or ``data``; the axis is what NeXus or a dimension scale names, or a dataset beside it
called ``wavelength``, ``wavelengths`` or ``lambda``. ``time``, ``dark`` and ``reference`` lie there
as well. Facts (:data:`labcool.analysis.plain.FACTS`) are attributes or scalar datasets of that
group or of the file.
"""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any, Final

import h5py
import numpy as np
from numpy.typing import NDArray

from labcool.analysis.plain import FACTS, PlainSpectra
from labcool.errors import RunFileError

_SPECTRA: Final = ("intensity", "spectra", "counts", "data")
_AXES: Final = ("wavelength", "wavelengths", "lambda")


def is_run_file(path: Path) -> bool:
    """Return True if labcool wrote this HDF5 file."""
    try:
        with h5py.File(path, "r", locking=False) as file:
            return "status" in file.get("entry", {}) and file.attrs.get("creator") == "labcool"
    except OSError:
        return True  # being written in this very process, or damaged: the run reader says which


def read_hdf5(path: Path) -> PlainSpectra:
    """Return the spectra of an HDF5 file.

    :raises RunFileError: if there are no spectra in it, or no axis.
    """
    with h5py.File(path, "r", locking=False) as file:
        for group in _places(file):
            name = _name(group, "signal", _SPECTRA)
            if name is None:
                continue
            signal = group[name]
            axis = _axis(group, signal)
            if axis is None:
                raise RunFileError(
                    f"{path}: there is no wavelength axis beside {signal.name}: a dataset called "
                    f"{', '.join(_AXES)} in nm is needed."
                )
            return _read(file, group, signal, axis)
    raise RunFileError(
        f"{path}: there are no spectra in this file: no NeXus signal and no dataset called "
        f"{', '.join(_SPECTRA)}."
    )


def _places(file: h5py.File) -> Iterator[h5py.Group]:
    """Yield groups in which spectra may lie: along the NeXus defaults, then all."""
    group = file
    while True:
        yield group
        inner = group.get(_text(group.attrs.get("default", "")))
        if not isinstance(inner, h5py.Group):
            break
        group = inner
    found: list[h5py.Group] = []
    file.visititems(lambda _, item: found.append(item) if isinstance(item, h5py.Group) else None)
    yield from found


def _name(group: h5py.Group, attribute: str, names: tuple[str, ...]) -> str | None:
    stated = _text(group.attrs.get(attribute, ""))
    for name in (stated, *names):
        if name and isinstance(group.get(name), h5py.Dataset) and group[name].ndim in (1, 2):
            return name
    return None


def _axis(group: h5py.Group, signal: h5py.Dataset) -> NDArray[Any] | None:
    axes = [_text(axis) for axis in np.atleast_1d(group.attrs.get("axes", []))]
    scales = [dim[0] for dim in signal.dims if len(dim)]
    named = [group[axis] for axis in axes if axis in group]
    beside = [group[name] for name in _AXES if name in group]
    for dataset in [*beside, *named[::-1], *scales[::-1]]:
        units = _text(dataset.attrs.get("units", "nm"))
        if dataset.ndim == 1 and dataset.shape[0] in signal.shape and units == "nm":
            return np.asarray(dataset[()], np.float64)
    return None


def _read(
    file: h5py.File, group: h5py.Group, signal: h5py.Dataset, axis: NDArray[Any]
) -> PlainSpectra:
    spectra = np.atleast_2d(np.asarray(signal[()]))
    if spectra.shape[1] != axis.size:
        spectra = spectra.T
    beside = {}
    for name, size in (("time", len(spectra)), ("dark", axis.size), ("reference", axis.size)):
        item = group.get(name)
        if isinstance(item, h5py.Dataset) and item.shape == (size,):
            beside[name] = np.asarray(item[()], np.float64)
    facts: dict[str, Any] = {}
    for place in (file, group):
        for name in (*FACTS, "date"):
            if name in place.attrs:
                facts[name] = _plain(place.attrs[name])
            elif isinstance(place.get(name), h5py.Dataset) and place[name].shape == ():
                facts[name] = _plain(place[name][()])
    return PlainSpectra(axis, spectra, facts=facts, **beside)


def _plain(value: Any) -> Any:
    return _text(value) if isinstance(value, bytes | str) else value


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)
