"""One port for several instruments on one bus.

Most systems let a serial port or a socket be opened once only, and each driver opens its own. So
the drivers on a bus are given a :class:`SharedPort` instead, which any driver takes in the place of
a VISA resource string.
"""

from __future__ import annotations

from typing import Any, Protocol

from pymeasure.adapters import Adapter, VISAAdapter
from pyvisa.errors import InvalidSession


class Openable(Protocol):
    """Something else than a port that an adapter can be had from (a simulated wire)."""

    def open(self, **settings: Any) -> Adapter:
        """Return an adapter, given the settings a VISA resource would get."""


class SharedPort:
    """A port that is opened for its first user and closed by its last.

    :param resource: VISA resource string, or a simulated wire.
    :param visa_library: PyVISA backend, e.g. ``"@py"``; empty: the platform's default.
    """

    def __init__(self, resource: str | Openable, visa_library: str = "") -> None:
        self._resource = resource
        self._visa_library = visa_library
        self._adapter: Adapter | None = None
        self._users = 0

    def open(self, **settings: Any) -> Adapter:
        """Return an adapter for one more user; the settings of the first one count."""
        if self._adapter is None:
            self._adapter = self._opened(settings)
        self._users += 1
        return _Share(self, self._adapter)

    def give_back(self) -> None:
        """Take note that a user has ended, and close the port after the last."""
        self._users -= 1
        if self._users == 0 and self._adapter is not None:
            adapter, self._adapter = self._adapter, None
            adapter.close()

    def _opened(self, settings: dict[str, Any]) -> Adapter:
        if isinstance(self._resource, str):
            return VISAAdapter(self._resource, visa_library=self._visa_library, **settings)
        return self._resource.open(**settings)

    def __repr__(self) -> str:
        return f"{self._resource}"


class _Share(Adapter):  # type: ignore[misc]  # PyMeasure has no type information
    """One user's adapter; closing it leaves the port to the others."""

    def __init__(self, port: SharedPort, adapter: Adapter) -> None:
        super().__init__()
        self._port = port
        self._shared: Adapter | None = adapter

    def close(self) -> None:
        """End this user's session; using it afterwards raises pyvisa's InvalidSession."""
        if self._shared is not None:
            self._shared = None
            self._port.give_back()

    @property
    def connection(self) -> Any:
        """What the port itself tells, e.g. how many bytes it holds; None if it tells nothing."""
        return getattr(self._open_adapter, "connection", None)

    @property
    def _open_adapter(self) -> Adapter:
        if self._shared is None:
            raise InvalidSession
        return self._shared

    def _write(self, command: str, **kwargs: Any) -> None:
        self._open_adapter.write(command, **kwargs)

    def _write_bytes(self, content: bytes, **kwargs: Any) -> None:
        self._open_adapter.write_bytes(content, **kwargs)

    def _read(self, **kwargs: Any) -> str:
        return str(self._open_adapter.read(**kwargs))

    def _read_bytes(self, count: int, break_on_termchar: bool = False, **kwargs: Any) -> bytes:
        return bytes(self._open_adapter.read_bytes(count, break_on_termchar, **kwargs))

    def flush_read_buffer(self) -> None:
        """Discard what has arrived by now."""
        self._open_adapter.flush_read_buffer()
