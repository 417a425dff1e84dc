"""Settings, parameters and other small values as HDF5 datasets, and back, without losing any.

Numbers keep their full precision, texts are UTF-8. HDF5 readers trip over empty texts and empty
arrays, and HDF5 has no *nothing*: such values are stored as JSON text, marked by an attribute.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from datetime import date
from typing import Any

import h5py
import numpy as np

from labcool.storage.layout import Quantity

_UNIT_SUFFIXES = {
    "nm": "nm", "um": "um", "mm": "mm", "K": "K", "s": "s", "ms": "ms", "us": "us", "Hz": "Hz",
    "W": "W", "mW": "mW", "V": "V", "mV": "mV", "A": "A", "mA": "mA", "eV": "eV", "deg": "degree",
    "degC": "degC", "C": "degC", "counts": "counts", "percent": "%",
}  # fmt: skip


def unit_of_key(key: str) -> str:
    """Return the unit a settings key ends in (``power_W`` gives ``W``), empty if it has none."""
    if key.endswith("_K_per_min"):
        return "K/min"
    if key.endswith(("_W_per_cm2", "_W_cm2")):
        return "W/cm^2"
    return _UNIT_SUFFIXES.get(key.rpartition("_")[2], "") if "_" in key else ""


def write_settings(group: h5py.Group, settings: Mapping[str, Any]) -> None:
    """Write a snapshot whose keys carry their units; nested mappings become groups."""
    for key, value in settings.items():
        if isinstance(value, Mapping):
            inner = group.create_group(_safe(key))
            inner.attrs["NX_class"] = "NXcollection"
            _name_of(inner, key)
            write_settings(inner, value)
        else:
            quantity = value if isinstance(value, Quantity) else Quantity(value, unit_of_key(key))
            write_value(group, key, quantity)


def write_value(group: h5py.Group, key: str, quantity: tuple[Any, str]) -> None:
    """Write one value with its unit."""
    value, unit = quantity
    plain, as_json = _storable(value)
    dataset = group.create_dataset(_safe(key), data=plain)
    _name_of(dataset, key)
    if as_json:
        dataset.attrs["encoding"] = "json"
    if unit:
        dataset.attrs["units"] = unit


def read_settings(group: h5py.Group) -> dict[str, Any]:
    """Return what :func:`write_settings` wrote, without units."""
    found: dict[str, Any] = {}
    for key, item in group.items():
        inside = read_settings(item) if isinstance(item, h5py.Group) else read_value(item).value
        found[str(item.attrs.get("name", key))] = inside
    return found


def read_quantities(group: h5py.Group) -> dict[str, Quantity]:
    """Return the values of a group's datasets with their units."""
    return {str(d.attrs.get("name", key)): read_value(d) for key, d in group.items()}


def read_value(dataset: h5py.Dataset) -> Quantity:
    """Return one value with its unit."""
    unit = str(dataset.attrs.get("units", ""))
    if h5py.check_string_dtype(dataset.dtype) is not None:
        text = dataset.asstr()[()]
        if dataset.attrs.get("encoding") == "json":
            return Quantity(json.loads(text), unit)
        return Quantity(text if isinstance(text, str) else [str(item) for item in text], unit)
    value = dataset[()]
    return Quantity(value.item() if np.ndim(value) == 0 else value, unit)


def _storable(value: Any) -> tuple[Any, bool]:
    """Return what h5py is to store, and whether it is JSON text in place of the value."""
    if isinstance(value, bool | np.bool_):
        return np.bool_(value), False
    if isinstance(value, date):
        return value.isoformat(), False
    if isinstance(value, str):
        return (value, False) if value and "\0" not in value else (json.dumps(value), True)
    if isinstance(value, int | float | np.number) and np.asarray(value).dtype.kind in "iuf":
        return value, False
    array = np.asarray(value) if isinstance(value, list | tuple | np.ndarray) else None
    if array is not None and array.size and array.dtype.kind in "iufb":
        return array, False
    if isinstance(value, list | tuple) and value and all(isinstance(v, str) and v for v in value):
        return list(value), False
    return json.dumps(value, default=str, ensure_ascii=False), True


def _safe(key: str) -> str:
    return key.replace("/", "_").lstrip(".") or "_"


def _name_of(item: h5py.Group | h5py.Dataset, key: str) -> None:
    if _safe(key) != key:
        item.attrs["name"] = key
