"""What the storage tests write; run as a script it writes in a process of its own.

``python writing_process.py hold <path> <compression>``: flush 37 rows, append 11 more, say so, and
wait for standard input. ``full <path> <compression> <reserve>``: write under a file-size limit
until it fails, finish, and tell what happened, as JSON.
"""

from __future__ import annotations

import json
import sys
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np

from labcool.errors import RecordingError
from labcool.storage.layout import Block, Column, InstrumentRecord, RunDescription
from labcool.storage.space import DiskSpace
from labcool.storage.writer import RunWriter

PIXELS = 256
START = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)
END = datetime(2026, 1, 2, 3, 34, 5, tzinfo=UTC)


def describe(**changes: Any) -> RunDescription:
    """A run with everything in it."""
    run = RunDescription(
        title="Cooling of a film",
        procedure="Cooling",
        wavelengths=np.linspace(480.0, 560.0, PIXELS),
        counts_dtype="u2",
        start_date=START,
        columns=(
            Column("fluence", "W/cm^2", "Pump irradiance"),
            Column("shots", "", dtype="i4"),
            Column("stage_temperature", "K"),
        ),
        thermometers=("arrhenius", "tail"),
        parameters={"exposure": (0.1 + 0.2, "s"), "averages": (3, ""), "note": ("", "")},
        instruments={
            "spectrometer": InstrumentRecord(
                "Spectrometer", "drivers.ocean.Flame", "Ocean Flame-S", {"exposure_s": 0.1}
            ),
            "pump": InstrumentRecord(
                "Laser", "drivers.finesse.Finesse", "Finesse", {"wavelength_nm": 532.0}
            ),
            "shutter": InstrumentRecord("Shutter", "drivers.sc10.SC10", "SC10", {"closed": True}),
        },
        sample={"name": "CsPbBr3 film", "chemical_formula": "CsPbBr3"},
        configuration=b"bench: table 2\r\n\x00\xff\x00",
        process={"method": "arrhenius", "calibrations": {"c-1": {"energy_eV": 0.14}}},
        identifier="00000000-0000-0000-0000-000000000000",
    )
    return replace(run, **changes)


def block(start: int, rows: int) -> Block:
    """Rows that differ in every number, the same for the same ``start``."""
    numbers = np.arange(start, start + rows, dtype=float)
    noise = np.random.default_rng(start).poisson(900, (rows, PIXELS)).astype("u2")
    noise[:, 0] = numbers
    return Block(
        time=numbers * 0.5,
        spectra=noise,
        scalars=np.stack([numbers + 0.25, numbers, 298 - numbers / 7], axis=1),
        temperatures=np.stack([290 - numbers / 3, 291 - numbers / 3], axis=1),
        temperature_errors=np.stack([0.1 + numbers / 9, 0.2 + numbers / 9], axis=1),
        flags=np.stack([numbers.astype("i4") % 4, numbers.astype("i4") % 3], axis=1),
    )


def _hold(path: Path, compression: str) -> None:
    writer = RunWriter(path, describe(), compression=compression)
    writer.append(block(0, 37))
    writer.log(1.0, 20, "runner", "before the flush")
    writer.flush()
    writer.append(block(37, 11))
    print(writer.flushed_rows, writer.rows, flush=True)  # noqa: T201
    sys.stdin.read()


def _full(path: Path, compression: str, reserve: str) -> None:
    import resource

    writer = RunWriter(path, describe(), compression=compression)
    writer.append(block(0, 8))
    writer.flush()
    limit = path.stat().st_size + 300_000
    if reserve == "no":
        DiskSpace.reserve = lambda self, end: None  # type: ignore[method-assign]
    resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
    rows, told, later = 8, "", ""
    try:
        while rows < 100_000:
            writer.append(block(rows, 100))
            writer.flush()
            rows += 100
    except RecordingError as error:
        told = str(error)
    try:
        writer.append(block(rows, 8))
    except RecordingError as error:
        later = str(error)
    flushed = writer.flushed_rows
    writer.finish("finished", END)
    writer.finish("finished", END)
    print(json.dumps({"flushed": flushed, "told": told, "later": later}))  # noqa: T201


if __name__ == "__main__":
    {"hold": _hold, "full": _full}[sys.argv[1]](Path(sys.argv[2]), *sys.argv[3:])
