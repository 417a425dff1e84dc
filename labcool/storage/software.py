"""Which software made a run."""

from __future__ import annotations

import logging
import platform
import shutil
import subprocess
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from types import MappingProxyType
from typing import Final

import h5py

import labcool

_PACKAGES: Final = ("numpy", "scipy", "h5py", "pymeasure")
_GIT_SECONDS: Final = 5.0
_CHECKOUT: Final = Path(labcool.__file__).resolve().parent.parent

_log = logging.getLogger(__name__)


@cache
def versions(checkout: Path = _CHECKOUT) -> MappingProxyType[str, str | bool]:
    """Return the versions in use; with ``git_commit`` and ``git_dirty`` if labcool is a checkout.

    Asked once for each process: what runs is what was there at its start.
    """
    found: dict[str, str | bool] = {
        "python": platform.python_version(),
        "platform": platform.platform(),
        "labcool": labcool.__version__,
        "hdf5": h5py.version.hdf5_version,
    }
    for package in _PACKAGES:
        try:
            found[package] = version(package)
        except PackageNotFoundError:
            found[package] = "not installed"
    if (checkout / ".git").exists() and (commit := _git(checkout, "rev-parse", "HEAD")):
        found["git_commit"] = commit
        changes = _git(checkout, "status", "--porcelain")
        if changes is not None:
            found["git_dirty"] = bool(changes)
    return MappingProxyType(found)


def _git(checkout: Path, *arguments: str) -> str | None:
    """Return what git says, None if it is missing, too slow or refuses."""
    git = shutil.which("git")
    if git is None:
        return None
    try:
        answer = subprocess.run(
            [git, "--no-optional-locks", *arguments],
            cwd=checkout,
            capture_output=True,
            text=True,
            encoding="utf-8",
            errors="replace",
            timeout=_GIT_SECONDS,
            check=True,
        )
    except (OSError, subprocess.SubprocessError) as error:
        _log.info("git %s: %s", arguments[0], error)
        return None
    return answer.stdout.strip()
