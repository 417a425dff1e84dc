from __future__ import annotations

import importlib.util
from collections.abc import Callable
from pathlib import Path
from types import ModuleType

import pytest

from labcool.storage.layout import Block, RunDescription
from labcool.storage.writer import RunWriter

CHILD = Path(__file__).with_name("writing_process.py")


def _load(path: Path) -> ModuleType:
    spec = importlib.util.spec_from_file_location(path.stem, path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


_CHILD = _load(CHILD)


@pytest.fixture
def child() -> Path:
    """The script that writes a run in a process of its own."""
    return CHILD


@pytest.fixture
def describe() -> Callable[..., RunDescription]:
    return _CHILD.describe


@pytest.fixture
def block() -> Callable[..., Block]:
    return _CHILD.block


@pytest.fixture
def end() -> object:
    return _CHILD.END


@pytest.fixture
def finished(tmp_path: Path) -> Path:
    """A finished run of 40 points with a reference, a dark spectrum and a log."""
    path = tmp_path / "run.h5"
    writer = RunWriter(path, _CHILD.describe())
    writer.add_spectra(
        "start",
        _CHILD.block(0, 3).spectra,
        {"fluence": (30.0, "W/cm^2"), "temperature": ([298.0, 298.5, 299.0], "K")},
    )
    writer.add_dark(_CHILD.block(0, 1).spectra[0], {"exposure": (0.1, "s")})
    writer.log(0.0, 20, "runner", "begin")
    for start in range(0, 40, 8):
        writer.append(_CHILD.block(start, 8))
        writer.flush()
    writer.finish("finished", _CHILD.END, {"pump": {"power_W": 1.25}})
    return path
