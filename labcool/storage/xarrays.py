"""A run as an xarray dataset; imported only where somebody asks for one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import numpy as np
import xarray

if TYPE_CHECKING:
    from labcool.storage.reader import Run


def dataset_of(run: Run) -> xarray.Dataset:
    """Return everything that has a time axis, with units, on the axes ``time`` and ``wavelength``.

    The default thermometer is ``temperature``, the others go by their own names; each has
    ``_errors`` and ``_flags`` beside it. Columns of the record that share a name with something
    else get ``record_`` before theirs.
    """
    variables: dict[str, xarray.Variable] = {
        "intensity": xarray.Variable(
            ("time", "wavelength"), np.asarray(run.spectra), {"units": "counts"}
        )
    }
    for index, thermometer in enumerate(run.thermometers):
        name = thermometer if index else "temperature"
        value, error = run.temperature(thermometer)
        told = {"units": "K", "thermometer": thermometer}
        variables[name] = xarray.Variable("time", value, told)
        variables[f"{name}_errors"] = xarray.Variable("time", error, told)
        variables[f"{name}_flags"] = xarray.Variable("time", run.flags(thermometer))
    record = run.record
    for column, values in record.items():
        name = f"record_{column}" if column in variables else column
        unit = record.units[column]
        variables[name] = xarray.Variable("time", values, {"units": unit} if unit else {})
    axes = {
        "time": xarray.Variable("time", run.time, {"units": "s"}),
        "wavelength": xarray.Variable("wavelength", run.wavelengths, {"units": "nm"}),
    }
    about = {
        "title": run.title,
        "procedure": run.procedure,
        "status": run.status,
        "start_time": run.start_date,
    }
    return xarray.Dataset(variables, axes, about)
