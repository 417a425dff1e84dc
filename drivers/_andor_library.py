"""pylablib's view of Andor's two libraries, one for each set of libraries in use.

pylablib (GPL-3, an optional extra) keeps one library for the whole process in variables of its
modules. Here they are exchanged for the length of a call, under a lock, so that a simulated camera
and a real one, or two simulated benches, never see each other, and pylablib is as before when
nothing of labcool is talking. With the vendor's libraries pylablib's own variables are used.

Linux: pylablib declares C ``long`` where the SDK has 32 bits. On Windows that is the same; on a
64-bit Linux it is not (pylablib's issue 69), so that a real camera is refused there.
"""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from types import SimpleNamespace
from typing import Any, Final, Protocol, TypeVar
from weakref import WeakValueDictionary

from labcool.errors import ConfigurationError, InstrumentDisconnected, InstrumentTimeout
from labcool.numbers import truth

Result = TypeVar("Result")

ONLY_WINDOWS: Final = "devices/only_windows_dlls"
PIP: Final = 'pip install "labcool[andor]"'

_lock: Final = threading.RLock()


class SdkLibraries(Protocol):
    """Where the libraries may be had from instead of the vendor's (simulated ones)."""

    def load(self, names: Sequence[str]) -> object:
        """Return a library like those of :mod:`ctypes`.

        :param names: file names that would do, the best first.
        :raises OSError: if there is none of them.
        """


class AndorLibraries:
    """Both libraries of one origin, as pylablib's modules need them.

    :param resource: where to load from; None: the vendor's own.
    """

    def __init__(self, name: str, resource: SdkLibraries | None, allow_linux: bool) -> None:
        self._modules = _pylablib(name)
        self._allow_linux = allow_linux
        self._busy: tuple[str, threading.Thread] | None = None
        self._resource = resource
        if resource is None:
            return
        cameras, spectrographs = self._modules.AndorSDK2, self._modules.Shamrock
        camera_library = self._modules.atmcd32d_lib.AndorSDK2Lib()
        spectrograph_library = self._modules.ShamrockCIF_lib.ShamrockLib()
        self._variables: list[tuple[Any, str, Any]] = [
            (cameras, "lib", camera_library),
            (cameras, "libctl", cameras.LibraryController(camera_library)),
            (spectrographs, "lib", spectrograph_library),
            (spectrographs, "libctl", spectrographs.LibraryController(spectrograph_library)),
            (self._modules.atmcd32d_lib, "load_lib", _Loader(resource)),
            (self._modules.ShamrockCIF_lib, "load_lib", _Loader(resource)),
        ]

    @contextmanager
    def selected(self, name: str) -> Iterator[Any]:
        """Let pylablib work on these libraries; yields its modules.

        :raises InstrumentDisconnected: while an earlier call has not come back.
        """
        with _lock:
            if self._busy is not None and self._busy[1].is_alive():
                raise InstrumentDisconnected(
                    name,
                    f"{self._busy[0]} has not come back from the vendor's library. Switch the "
                    "device off and on, and start the program again.",
                )
            if self._resource is None:
                with self._any_platform():
                    yield self._modules
                return
            before = [(module, key, getattr(module, key)) for module, key, _ in self._variables]
            try:
                for module, key, value in self._variables:
                    setattr(module, key, value)
                yield self._modules
            finally:
                for module, key, value in before:
                    setattr(module, key, value)

    def bounded(self, name: str, what: str, seconds: float, call: Callable[[], Result]) -> Result:
        """Return ``call()``, or raise if it takes longer than ``seconds`` of the wall's time.

        For what the vendor's library does not come back from before it is done: it cannot be
        interrupted, so it is left behind in its thread, and nothing more is asked meanwhile.

        :raises InstrumentTimeout: if it takes longer.
        """
        results: list[Result] = []
        errors: list[BaseException] = []

        def run() -> None:
            try:
                results.append(call())
            except BaseException as error:  # noqa: BLE001 - raised again in the caller's thread
                errors.append(error)

        thread = threading.Thread(target=run, name=f"{name}: {what}", daemon=True)
        self._busy = (what, thread)
        thread.start()
        thread.join(seconds)
        if errors:
            raise errors[0]
        if not results:
            raise InstrumentTimeout(
                name, f"{what} is not done after {seconds:g} s. Switch the device off and on."
            )
        return results[0]

    @contextmanager
    def _any_platform(self) -> Iterator[None]:
        parameters = self._modules.library_parameters.library_parameters
        before = parameters[ONLY_WINDOWS]
        parameters[ONLY_WINDOWS] = not self._allow_linux
        try:
            yield
        finally:
            parameters[ONLY_WINDOWS] = before


def libraries(name: str, resource: SdkLibraries | None, allow_linux: bool) -> AndorLibraries:
    """Return the libraries of an origin; the same object to all who use it at a time.

    :raises ConfigurationError: if pylablib is not installed, the resource is none, or the
        vendor's library would be used on another system than Windows.
    """
    allow_linux = truth(f"{name} allow_linux", allow_linux)
    if resource is not None and not hasattr(resource, "load"):
        raise ConfigurationError(
            f"{name}: resource = {resource!r} means nothing to Andor's libraries. Leave it out."
        )
    if resource is None and os.name != "nt" and not allow_linux:
        raise ConfigurationError(
            f"{name}: Andor's library is used on Windows only. pylablib declares its numbers with "
            "64 bits on Linux, where the real library has 32, so that a real camera is known not "
            "to work (pylablib's issue 69). allow_linux: true tries nevertheless."
        )
    with _lock:
        key = 0 if resource is None else id(resource)
        found = _in_use.get(key)
        if found is None:
            found = _in_use[key] = AndorLibraries(name, resource, allow_linux)
        return found


_in_use: Final[WeakValueDictionary[int, AndorLibraries]] = WeakValueDictionary()


class _Loader:
    """What pylablib's modules use of pylablib's ``load_lib``."""

    par_error_message = "{}"

    def __init__(self, resource: SdkLibraries) -> None:
        self._resource = resource

    def load_lib(self, names: Sequence[str], **_: object) -> object:
        return self._resource.load(names)

    @staticmethod
    def get_program_files_folder(*_: object) -> str:
        return ""


def _pylablib(name: str) -> SimpleNamespace:
    try:
        from pylablib.core.utils import library_parameters
        from pylablib.devices.Andor import AndorSDK2, Shamrock, ShamrockCIF_lib, atmcd32d_lib
    except ImportError as error:
        raise ConfigurationError(
            f"{name}: pylablib is needed for Andor's cameras and spectrographs ({error}). "
            f"Install it: {PIP}"
        ) from error
    return SimpleNamespace(
        library_parameters=library_parameters,
        AndorSDK2=AndorSDK2,
        Shamrock=Shamrock,
        ShamrockCIF_lib=ShamrockCIF_lib,
        atmcd32d_lib=atmcd32d_lib,
    )
