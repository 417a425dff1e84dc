from __future__ import annotations

import platform
import shutil
import subprocess
from pathlib import Path

import h5py
import numpy as np
import pytest

import labcool
from labcool.storage import software

needs_git = pytest.mark.skipif(shutil.which("git") is None, reason="needs git")


def test_versions_of_what_runs(tmp_path: Path) -> None:
    found = software.versions(tmp_path)
    assert found["python"] == platform.python_version()
    assert found["numpy"] == np.__version__
    assert found["h5py"] == h5py.__version__
    assert found["hdf5"] == h5py.version.hdf5_version
    assert found["labcool"] == labcool.__version__
    assert str(found["pymeasure"]).startswith("0.16")
    assert "git_commit" not in found


@needs_git
def test_a_checkout_tells_its_commit_and_whether_it_was_changed(tmp_path: Path) -> None:
    def git(*arguments: str) -> str:
        who = ["-c", "user.name=a", "-c", "user.email=a@example.org", "-c", "commit.gpgsign=false"]
        return subprocess.run(
            ["git", *who, *arguments], cwd=tmp_path, capture_output=True, text=True, check=True
        ).stdout.strip()

    git("init")
    git("commit", "--allow-empty", "--no-verify", "-m", "begin")
    found = software.versions(tmp_path)
    assert found["git_commit"] == git("rev-parse", "HEAD")
    assert found["git_dirty"] is False
    (tmp_path / "new").touch()
    software.versions.cache_clear()
    assert software.versions(tmp_path)["git_dirty"] is True


def test_no_git_is_no_error(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".git").mkdir()
    monkeypatch.setattr(software.shutil, "which", lambda name: None)
    assert "git_commit" not in software.versions(tmp_path)


def test_a_slow_git_is_not_waited_for(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def hang(*arguments: object, timeout: float, **others: object) -> None:
        raise subprocess.TimeoutExpired("git", timeout)

    (tmp_path / ".git").mkdir()
    monkeypatch.setattr(software.shutil, "which", lambda name: "git")
    monkeypatch.setattr(software.subprocess, "run", hang)
    assert "git_commit" not in software.versions(tmp_path)
