"""Plain text files of spectra.

Numbers in columns, separated by commas, semicolons, tabs or blanks. Either way round:

* the first column is the wavelength (nm), every further column a spectrum;
* or the first row is the wavelengths, with ``time`` (or nothing) before them, and every further row
  a spectrum, with its time (s) before it.

A column, or row, called ``dark`` is the dark spectrum, one called ``reference`` the spectrum at a
known temperature; spectra whose names are numbers are taken at those times (s). Lines that begin
with ``#`` can tell facts, as ``# exposure_s = 0.8``; see :data:`labcool.analysis.plain.FACTS`.
"""

from __future__ import annotations

import re
from pathlib import Path
from typing import Final

import numpy as np
from numpy.typing import NDArray

from labcool.analysis.plain import PlainSpectra, is_axis
from labcool.errors import RunFileError

Floats = NDArray[np.float64]

_FACT: Final = re.compile(r"#\s*([A-Za-z_0-9]+)\s*[=:]\s*(\S.*?)\s*$")
_DARK, _REFERENCE = "dark", "reference"


def read_csv(path: Path) -> PlainSpectra:
    """Return the spectra of a text file.

    :raises RunFileError: if it is no table of numbers, or has no wavelength axis.
    """
    try:
        lines = path.read_text("utf-8-sig").splitlines()
    except (OSError, UnicodeDecodeError) as error:
        raise RunFileError(f"{path}: neither HDF5 nor a text file ({error}).") from error
    facts = {found[1]: found[2] for line in lines if (found := _FACT.match(line))}
    rows = [line for line in lines if line.strip() and not line.lstrip().startswith("#")]
    if not rows:
        raise RunFileError(f"{path}: there are no spectra in this file.")
    cells = [_split(row, _separator(rows[-1])) for row in rows]
    width = len(cells[-1])
    ragged = next((i for i, row in enumerate(cells) if len(row) != width), None)
    if ragged is not None:
        raise RunFileError(
            f"{path}: row {ragged + 1} of the table has {len(cells[ragged])} cells, the last "
            f"{width}."
        )
    names = [] if _is_number(cells[0][-1]) and _is_number(cells[0][0]) else cells[0]
    across = _across(path, cells, facts) if width > 3 else None
    return across or _downward(path, cells[1:] if names else cells, names, facts)


def _downward(
    path: Path, cells: list[list[str]], names: list[str], facts: dict[str, str]
) -> PlainSpectra:
    """Read a table whose first column is the wavelength."""
    table = _numbers(path, cells)
    if table.shape[1] < 2 or not is_axis(table[:, 0]):
        raise RunFileError(
            f"{path}: there is no wavelength axis. The first column, or the first row, must be "
            "wavelengths in nm, ascending or descending."
        )
    titles = [name.strip().lower() for name in names[1:]] or [""] * (table.shape[1] - 1)
    return _sorted_out(table[:, 0], table[:, 1:].T, titles, facts)


def _across(path: Path, cells: list[list[str]], facts: dict[str, str]) -> PlainSpectra | None:
    """Read a table whose first row is the wavelengths; None if it is not."""
    head = cells[0][1:]
    if not all(map(_is_number, head)) or not is_axis(np.array(head, np.float64)):
        return None
    if _is_number(cells[0][0]) and is_axis(np.array([r[0] for r in cells], np.float64)):
        return None
    titles = [row[0].strip().lower() for row in cells[1:]]
    body = _numbers(path, [row[1:] for row in cells[1:]])
    return _sorted_out(np.array(head, np.float64), body, titles, facts)


def _sorted_out(
    axis: Floats, spectra: Floats, titles: list[str], facts: dict[str, str]
) -> PlainSpectra:
    """Tell dark and reference from the spectra."""
    named = {_DARK: None, _REFERENCE: None} | {
        title: spectra[i] for i, title in enumerate(titles) if title in (_DARK, _REFERENCE)
    }
    rest = [i for i, title in enumerate(titles) if title not in (_DARK, _REFERENCE)]
    times = [titles[i] for i in rest]
    time = np.array(times, np.float64) if times and all(map(_is_number, times)) else None
    return PlainSpectra(axis, spectra[rest], time, named[_DARK], named[_REFERENCE], facts)


def _numbers(path: Path, cells: list[list[str]]) -> Floats:
    try:
        return np.array(cells, np.float64).reshape(len(cells), -1)
    except ValueError as error:
        raise RunFileError(f"{path}: not everything in the table is a number ({error}).") from error


def _separator(row: str) -> str | None:
    return next((each for each in (";", "\t", ",") if each in row), None)


def _split(row: str, separator: str | None) -> list[str]:
    cells = [cell.strip().strip('"') for cell in row.strip().split(separator)]
    if separator == ";":
        return [cell.replace(",", ".") for cell in cells]
    return cells


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
