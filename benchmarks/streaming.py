"""Rows per second from the acquisition loop to disk: labcool against h5py and PyMeasure.

A row is one spectrum of 2048 pixels and 12 numbers. All sinks store the same rows, one after
another in every round, so that a machine that slows down slows all of them; the table gives the
median rate of each and the median of the ratios taken within a round. Only ratios count.

    python benchmarks/streaming.py [--rows 24000] [--rounds 5]
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path

import h5py
import numpy as np
from pymeasure.experiment import Procedure, Results, Worker
from rich.console import Console
from rich.table import Table

from labcool.engine.recorder import Recorder
from labcool.storage.layout import Column, RunDescription
from labcool.storage.writer import RunWriter

PIXELS = 2048
COLUMNS = 8
NUMBERS = 1 + COLUMNS + 3
BLOCK = 256
OURS = "labcool record(), filter none"
REFERENCE = "h5py, blocks of 256"
PYMEASURE = "PyMeasure emit to CSV"
SLOW_PART = 20
"""PyMeasure gets this part of the rows, or a round would take minutes."""


def labcool_record(
    folder: Path, spectra: np.ndarray, numbers: list[tuple[float, ...]], compression: str
) -> None:
    """Store through labcool's recorder and run file, with its flush every 0.1 s."""
    description = RunDescription(
        title="benchmark",
        procedure="streaming",
        wavelengths=np.linspace(400, 700, PIXELS),
        counts_dtype=spectra.dtype,
        start_date=datetime(2026, 1, 1, tzinfo=UTC),
        columns=tuple(Column(f"column_{i}", "K") for i in range(COLUMNS)),
        thermometers=("arrhenius",),
        software={},
    )
    writer = RunWriter(folder / f"labcool-{compression}.h5", description, compression=compression)
    recorder = Recorder(
        writer, pixels=PIXELS, counts_dtype=spectra.dtype, columns=COLUMNS, thermometers=1
    )
    for row, values in zip(spectra, numbers, strict=True):
        recorder.record(row, values)
    recorder.close()
    writer.finish("finished", datetime(2026, 1, 1, tzinfo=UTC), {})


def h5py_blocks(folder: Path, spectra: np.ndarray, numbers: list[tuple[float, ...]]) -> None:
    """Store with plain h5py in blocks of 256 rows, one dataset for all numbers."""
    with h5py.File(folder / "h5py.h5", "w") as file:
        images = file.create_dataset(
            "spectra", (0, PIXELS), spectra.dtype, maxshape=(None, PIXELS), chunks=(64, PIXELS)
        )
        table = file.create_dataset(
            "numbers", (0, NUMBERS), "f8", maxshape=(None, NUMBERS), chunks=(256, NUMBERS)
        )
        block = np.empty((BLOCK, PIXELS), spectra.dtype)
        rows = np.empty((BLOCK, NUMBERS))
        filled = stored = 0
        for row, values in zip(spectra, numbers, strict=True):
            block[filled] = row
            rows[filled] = values
            filled += 1
            if filled == BLOCK:
                for dataset, data in ((images, block), (table, rows)):
                    dataset.resize(stored + filled, axis=0)
                    dataset[stored:] = data
                stored += filled
                filled = 0
        for dataset, data in ((images, block), (table, rows)):
            dataset.resize(stored + filled, axis=0)
            dataset[stored:] = data[:filled]


_NAMES = [f"number {i}" for i in range(NUMBERS)] + [f"pixel {i}" for i in range(PIXELS)]


class _Emitting(Procedure):
    """Emits one row after another, a column for each pixel, so that CSV loses nothing."""

    DATA_COLUMNS = _NAMES
    rows: tuple[np.ndarray, list[tuple[float, ...]]]

    def execute(self) -> None:
        for row, values in zip(*self.rows, strict=True):
            self.emit("results", dict(zip(_NAMES, (*values, *row.tolist()), strict=True)))


def pymeasure_csv(folder: Path, spectra: np.ndarray, numbers: list[tuple[float, ...]]) -> None:
    """Store through PyMeasure's Worker, Results and Recorder."""
    procedure = _Emitting()
    procedure.rows = (spectra, numbers)
    path = folder / "pymeasure.csv"
    worker = Worker(Results(procedure, str(path)))
    worker.start()
    worker.join(timeout=600)
    lines = sum(not line.startswith("#") for line in path.read_text().splitlines()) - 1
    if lines != len(spectra):
        raise RuntimeError(f"PyMeasure stored {lines} of {len(spectra)} rows")


def main() -> None:
    """Run all sinks in turn and print rates and ratios."""
    options = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    options.add_argument("--rows", type=int, default=24000)
    options.add_argument("--rounds", type=int, default=5)
    asked = options.parse_args()

    rng = np.random.default_rng(1)
    spectra = rng.poisson(2000, (asked.rows, PIXELS)).astype(np.float32)
    numbers = [tuple(row) for row in rng.normal(size=(asked.rows, NUMBERS - 1)).tolist()]
    numbers = [(*row, 0.0) for row in numbers]
    few = max(1, asked.rows // SLOW_PART)
    sinks: dict[str, tuple[int, Callable[[Path], None]]] = {
        OURS: (asked.rows, lambda f: labcool_record(f, spectra, numbers, "none")),
        "labcool record(), filter gzip (default)": (
            asked.rows,
            lambda f: labcool_record(f, spectra, numbers, "gzip"),
        ),
        REFERENCE: (asked.rows, lambda f: h5py_blocks(f, spectra, numbers)),
        PYMEASURE: (few, lambda f: pymeasure_csv(f, spectra[:few], numbers[:few])),
    }
    rates: dict[str, list[float]] = {name: [] for name in sinks}
    for _ in range(asked.rounds + 1):
        for name, (rows, store) in sinks.items():
            with tempfile.TemporaryDirectory() as folder:
                began = time.perf_counter()
                store(Path(folder))
                rates[name].append(rows / (time.perf_counter() - began))
    rates = {name: values[1:] for name, values in rates.items()}

    table = Table(box=None, title=f"{asked.rows} rows, median of {asked.rounds} rounds")
    for heading in ("sink", "rows/s", f"ratio to {REFERENCE}", f"ratio to {PYMEASURE}"):
        table.add_column(heading, justify="left" if heading == "sink" else "right")
    for name, values in rates.items():
        against = [
            statistics.median(a / b for a, b in zip(values, rates[other], strict=True))
            for other in (REFERENCE, PYMEASURE)
        ]
        table.add_row(name, f"{statistics.median(values):,.0f}", *(f"{r:.2f}" for r in against))
    Console(width=110).print(table)


if __name__ == "__main__":
    main()
