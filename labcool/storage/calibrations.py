"""The calibrations of a laboratory: a folder with a JSON file for each record.

A file is written once and never again. Its name begins with the day, then come kind and the first
digits of the id: ``2026-11-03_spot_1f2e3d4c.json``. One that was edited is refused: the content has
to be what the id says.
"""

from __future__ import annotations

import json
import os
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from platformdirs import user_data_path

from labcool.calibration import CalibrationRecord, from_plain, to_plain
from labcool.errors import ConfigurationError
from labcool.storage.placing import place_new_file

STORE_VARIABLE: Final = "LABCOOL_CALIBRATIONS"
"""Environment variable that names the folder."""
SHORT_ID: Final = 8
_LEAST_PREFIX: Final = 4


def default_store() -> Path:
    """Return the folder that :data:`STORE_VARIABLE` names, else one with the user's data."""
    named = os.environ.get(STORE_VARIABLE)
    return Path(named) if named else user_data_path("labcool", False) / "calibrations"


@dataclass(frozen=True, slots=True)
class Stored:
    """A record and the file it is in."""

    record: CalibrationRecord
    path: Path


class CalibrationStore:
    """The records in a folder, which is made when the first is added.

    :param folder: None: :func:`default_store`.
    """

    def __init__(self, folder: Path | None = None) -> None:
        self.folder = folder or default_store()

    def read_all(self) -> tuple[list[Stored], list[str]]:
        """Return all records, by kind and then the newest first, and what is wrong with others."""
        found, problems = [], []
        for path in sorted(self.folder.glob("*.json")):
            try:
                found.append(Stored(read_record(path), path))
            except ConfigurationError as error:
                problems.append(str(error))
        found.sort(key=lambda each: each.record.id)
        found.sort(key=lambda each: each.record.date, reverse=True)
        found.sort(key=lambda each: type(each.record).__name__)
        return found, problems

    def find(self, prefix: str) -> Stored:
        """Return the record whose id begins with some digits.

        :param prefix: four hexadecimal digits or more.
        :raises ConfigurationError: if there is none, or more than one; or if its file was changed.
        """
        text = prefix.strip().lower()
        if not re.fullmatch(rf"[0-9a-f]{{{_LEAST_PREFIX},64}}", text):
            raise ConfigurationError(
                f"'{prefix}' is no id of a calibration: give its first {_LEAST_PREFIX} digits "
                "(0-9, a-f) or more; 'labcool calibrations list' shows them."
            )
        found, problems = self.read_all()
        matching = [each for each in found if each.record.id.startswith(text)]
        if not matching:
            told = "".join(f"\n{problem}" for problem in problems)
            raise ConfigurationError(
                f"no calibration in {self.folder} has an id that begins with {text}.{told}"
            )
        if len(matching) > 1:
            ids = ", ".join(each.record.id[: len(text) + 4] for each in matching)
            raise ConfigurationError(f"{text} is the beginning of several ids: {ids}. Give more.")
        return matching[0]

    def add(self, record: CalibrationRecord) -> Path:
        """Write a record, unless it is there already; return its file.

        :raises ConfigurationError: if it cannot be written.
        """
        for path in self.folder.glob(f"*_{record.id[:SHORT_ID]}*.json"):
            if read_record(path).id == record.id:
                return path
        kind = type(record).__name__.removesuffix("Calibration").lower()
        for digits in (SHORT_ID, 2 * SHORT_ID, 64):
            path = self.folder / f"{record.date}_{kind}_{record.id[:digits]}.json"
            if not path.exists():
                break
        write_record(record, path)
        return path


def read_record(path: Path) -> CalibrationRecord:
    """Return the record of a JSON file.

    :raises ConfigurationError: if it cannot be read, or its content is not what its id says.
    """
    try:
        plain = json.loads(path.read_text("utf-8"))
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"{path}: cannot be read as a calibration ({error}).") from error
    if not isinstance(plain, dict):
        raise ConfigurationError(f"{path}: not a calibration, which is a JSON object.")
    try:
        return from_plain(plain)
    except ConfigurationError as error:
        raise ConfigurationError(f"{path}: {error}") from error


def as_json(record: CalibrationRecord) -> str:
    """Return the text of a record's file."""
    return json.dumps(to_plain(record), indent=1, ensure_ascii=False) + "\n"


def write_record(record: CalibrationRecord, path: Path) -> None:
    """Write the file of a record, whole or not at all.

    :raises ConfigurationError: if it exists, or cannot be written.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        place_new_file(path, as_json(record).encode("utf-8"))
    except FileExistsError as error:
        raise ConfigurationError(f"{path}: is there already; nothing was written.") from error
    except OSError as error:
        raise ConfigurationError(f"{path}: cannot be written ({error.strerror}).") from error
