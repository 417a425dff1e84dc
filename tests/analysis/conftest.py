"""One default cooling run that several tests analyse, and spectra made by hand."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from labcool.engine.parameters import make_procedure
from labcool.engine.registry import procedure_class


@pytest.fixture(scope="session")
def default_run(trial_in: Any, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The file of a cooling run with all its defaults on the simulated bench."""
    procedure = make_procedure(procedure_class("cooling"))
    trial = trial_in(tmp_path_factory.mktemp("default"), procedure=procedure)
    try:
        assert trial.run().status == "finished"
    finally:
        trial.bench.close()
    path: Path = trial.path
    return path


@pytest.fixture
def run_file(default_run: Path, tmp_path: Path) -> Path:
    """A copy of that file, to be spoilt."""
    return Path(shutil.copyfile(default_run, tmp_path / "run.h5"))
