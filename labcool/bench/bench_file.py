"""Reading a bench file: everything that can be known to be wrong is told before a port is opened.

All problems of a file are reported together, one a line::

    bench.yaml:9:10: illumination.laser: "pmup" is not an instrument of this bench; allowed: …
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from importlib import resources
from pathlib import Path
from typing import Any

from labcool.bench._yaml_instruments import check_instruments
from labcool.bench._yaml_problems import BenchFileError, placed
from labcool.bench._yaml_reader import read_document
from labcool.bench._yaml_relations import relation_faults
from labcool.bench._yaml_wording import checked
from labcool.bench.schema import BenchSpec, InstrumentSpec, SimulationSpec
from labcool.errors import ConfigurationError

__all__ = ["DEFAULT_BENCH", "BenchFileError", "LoadedBench", "read_bench"]

DEFAULT_BENCH = "simulated_cooling.yaml"
"""The bench file of the ``configs`` package that is used if none is named."""


@dataclass(frozen=True)
class LoadedBench:
    """A bench file that has passed all checks.

    :param spec: its content; the instruments' settings have the types their drivers ask for.
    :param source_bytes: the file as it was read, without any overrides.
    :param path: the file; None for the bench that is built in.
    """

    spec: BenchSpec
    source_bytes: bytes
    path: Path | None

    @property
    def label(self) -> str:
        """The file's name for people."""
        return f"configs/{DEFAULT_BENCH}" if self.path is None else str(self.path)

    def with_overrides(
        self,
        *,
        sample: str | None = None,
        seed: int | None = None,
        clock: str | None = None,
        speed: float | None = None,
    ) -> LoadedBench:
        """Return this bench with other settings of its simulation; None leaves one as it is.

        :raises ConfigurationError: if a value is not allowed, or the bench is not a simulated one.
        """
        given = {"sample": sample, "seed": seed, "clock": clock, "speed": speed}
        changes = {key: value for key, value in given.items() if value is not None}
        if not changes:
            return self
        if self.spec.simulation is None:
            raise ConfigurationError(
                f"{self.label} is a real bench (it has no 'simulation:' section), so "
                f"{', '.join(changes)} cannot be set. Leave the option out, or use a simulated "
                "bench."
            )
        data = {**self.spec.simulation.model_dump(mode="json"), **changes}
        simulation, faults = checked(SimulationSpec, data)
        if simulation is None:
            raise ConfigurationError(
                "\n".join(str(replace(f, path=("simulation", *f.path))) for f in faults)
            )
        return replace(self, spec=self.spec.model_copy(update={"simulation": simulation}))


def read_bench(path: Path | str | None = None) -> LoadedBench:
    """Read and check a bench file; opens no port.

    :param path: the file; None for the simulated bench that is built in.
    :raises ConfigurationError: if the file cannot be read.
    :raises BenchFileError: (a ConfigurationError) with every problem of the file.
    """
    if path is None:
        source = (resources.files("configs") / DEFAULT_BENCH).read_bytes()
        return _checked_bench(source, None)
    return _checked_bench(_bytes_of(Path(path)), Path(path))


def _bytes_of(path: Path) -> bytes:
    if path.is_dir():
        files = ", ".join(sorted(found.name for found in path.glob("*.yaml")))
        has = f"; it holds {files}" if files else ""
        raise ConfigurationError(f"{path}: this is a folder{has}; name a bench file (*.yaml).")
    try:
        return path.read_bytes()
    except FileNotFoundError:
        raise ConfigurationError(
            f"{path}: there is no such file. 'labcool init' writes example bench files."
        ) from None
    except (OSError, ValueError) as error:
        raise ConfigurationError(f"{path}: cannot be read ({error}).") from error


def _checked_bench(source: bytes, path: Path | None) -> LoadedBench:
    label = f"configs/{DEFAULT_BENCH}" if path is None else str(path)
    document = read_document(source)
    if document.problems and not document.data:
        raise BenchFileError(label, document.problems)
    written = document.positions.written
    spec, faults = checked(BenchSpec, document.data, written)
    instruments = check_instruments(document.data, written)
    faults += [*relation_faults(document.data), *instruments.faults]
    faults = [fault for fault in faults if not document.is_faulty(fault.path)]
    problems = document.problems + placed(faults, document.positions)
    if spec is None or problems:
        raise BenchFileError(label, problems)
    return LoadedBench(_with_settings(spec, instruments.settings), source, path)


def _with_settings(spec: BenchSpec, settings: Mapping[str, dict[str, Any]]) -> BenchSpec:
    instruments = {
        name: InstrumentSpec(driver=entry.driver, resource=entry.resource, **settings[name])
        for name, entry in spec.instruments.items()
    }
    return spec.model_copy(update={"instruments": instruments})
