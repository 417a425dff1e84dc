"""Reference and dark spectra: each set a group with its own axis and what was known about it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Final

import h5py
import numpy as np
from numpy.typing import NDArray

from labcool.errors import LimitError
from labcool.storage.layout import Quantity
from labcool.storage.values import read_value, write_value

_OWN_NAMES: Final = frozenset({"intensity", "wavelength", "title", "number"})


@dataclass(frozen=True, slots=True, eq=False)
class SpectraSet:
    """Spectra taken under stated conditions.

    :param spectra: shape (n, pixel), counts.
    :param wavelengths: shape (pixel,), nm.
    :param columns: e.g. ``fluence``, ``exposure``, ``temperature``: a number, or one a spectrum.
    """

    spectra: NDArray[Any]
    wavelengths: NDArray[Any]
    columns: Mapping[str, Quantity]


def write_spectra(
    parent: h5py.Group,
    name: str,
    spectra: NDArray[Any],
    columns: Mapping[str, tuple[Any, str]],
    wavelength: h5py.Dataset,
) -> None:
    """Write one set as an NXdata group.

    :param spectra: shape (n, pixel) or (pixel,).
    :raises LimitError: if the shape does not fit the axis, or the name is taken or unusable.
    """
    stored = np.atleast_2d(np.asarray(spectra))
    if stored.ndim != 2 or not len(stored) or stored.shape[1] != wavelength.shape[0]:
        allowed = f"of shape (n, {wavelength.shape[0]}) with n at least 1"
        raise LimitError(f"spectra of {name!r}", np.shape(spectra), allowed)
    if not name or "/" in name or name.startswith(".") or name in parent:
        raise LimitError("name of a spectra set", repr(name), "a new word without /")
    if taken := _OWN_NAMES & columns.keys():
        raise LimitError("column of a spectra set", taken, "another name")
    group = parent.create_group(name)
    group.attrs["NX_class"] = "NXdata"
    group.attrs["signal"] = "intensity"
    group.attrs["axes"] = ["number", "wavelength"]
    group.attrs["number_indices"] = 0
    group.attrs["wavelength_indices"] = 1
    group["title"] = name
    group["wavelength"] = wavelength
    group["number"] = np.arange(1, len(stored) + 1)
    group["number"].make_scale("number")
    group["intensity"] = stored
    group["intensity"].attrs["units"] = "counts"
    group["intensity"].dims[0].attach_scale(group["number"])
    group["intensity"].dims[1].attach_scale(wavelength)
    for column, quantity in columns.items():
        write_value(group, column, quantity)


def read_spectra(group: h5py.Group) -> SpectraSet:
    """Return one set."""
    columns = {name: read_value(item) for name, item in group.items() if name not in _OWN_NAMES}
    return SpectraSet(group["intensity"][()], group["wavelength"][()], columns)
