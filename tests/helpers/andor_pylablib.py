"""pylablib's own Andor classes on the simulated libraries.

Only the function with which pylablib loads a shared library is replaced, and what the process
remembers of a library loaded before is forgotten.
"""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pytest

from simulators.andor import AndorLink


def install(monkeypatch: pytest.MonkeyPatch, link: AndorLink) -> SimpleNamespace:
    """Return pylablib's ``AndorSDK2`` and ``Shamrock`` modules, which load from ``link``."""
    from pylablib.devices.Andor import AndorSDK2, Shamrock, ShamrockCIF_lib, atmcd32d_lib

    def load(names: list[str], **_places: Any) -> Any:
        return link.load(names)

    loader = SimpleNamespace(
        load_lib=load, get_program_files_folder=lambda *_: "", par_error_message="{}"
    )
    for module, user in ((atmcd32d_lib, AndorSDK2), (ShamrockCIF_lib, Shamrock)):
        monkeypatch.setattr(module, "load_lib", loader)
        monkeypatch.setattr(module.wlib, "_initialized", False)
        controller: Callable[[Any], Any] = user.LibraryController
        monkeypatch.setattr(user, "libctl", controller(module.wlib))
    return SimpleNamespace(sdk2=AndorSDK2, shamrock=Shamrock)
