"""The command line as people use it: arguments in, exit code and two streams of text out."""

from __future__ import annotations

import json
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from labcool.cli import main

SHORT = ["--set", "programme=5 s @ 300; 5 s dark; 5 s @ 30"]
SHORT += ["--set", "rest=0", "--set", "dark_frames=2"]


@dataclass
class Said:
    """What a command has said."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> dict[str, Any]:
        """Return the one JSON object on stdout; fails if there is anything else."""

        def refuse(constant: str) -> None:
            raise AssertionError(f"{constant} is not JSON")

        assert self.out.count("\n") == 1
        told: dict[str, Any] = json.loads(self.out, parse_constant=refuse)
        return told


@pytest.fixture
def labcool(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Any:
    """Return a function that runs a command line in this process, in an empty folder."""
    folder = tmp_path / "here"
    folder.mkdir()
    monkeypatch.chdir(folder)

    def run(*arguments: str) -> Said:
        monkeypatch.setattr(sys, "argv", ["labcool", *arguments])
        with pytest.raises(SystemExit) as ended:
            main()
        said = capsys.readouterr()
        assert isinstance(ended.value.code, int)
        return Said(ended.value.code, said.out, said.err)

    return run


@pytest.fixture
def short() -> list[str]:
    """Options that make a cooling run short."""
    return SHORT
