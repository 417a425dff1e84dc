"""The wire between a driver and its instrument: opening it, and telling what went wrong on it."""

from __future__ import annotations

import logging
import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Protocol, TypeAlias, TypeVar

import pyvisa
from pymeasure.adapters import Adapter, VISAAdapter
from pyvisa.constants import StatusCode

from labcool.clock import Clock
from labcool.errors import GarbledAnswer, InstrumentDisconnected, InstrumentTimeout, LimitError

log = logging.getLogger(__name__)

Answer = TypeVar("Answer")

SETTLING_S = 0.1
"""How long the rest of a broken answer may take to arrive; 96 characters at 9600 baud."""


CANNOT_OPEN: tuple[type[Exception], ...] = (pyvisa.errors.Error, OSError, ValueError)
if sys.platform != "win32":
    import termios

    # No OSError; raised by a port that cannot have the data bits or parity asked for.
    CANNOT_OPEN = (*CANNOT_OPEN, termios.error)


class Link(Protocol):
    """Something else than a port that an adapter can be had from (a simulated wire)."""

    def open(self, **settings: Any) -> Adapter:
        """Return an adapter, given the settings a VISA resource would get."""


Resource: TypeAlias = str | Adapter | Link


def connect(resource: Resource, name: str, *, visa_library: str = "", **settings: Any) -> Adapter:
    """Return the adapter of a port.

    :param resource: VISA resource string, a PyMeasure adapter that is open already, or a
        :class:`Link`.
    :param name: the instrument's name, for errors.
    :param visa_library: PyVISA backend, e.g. ``"@py"``; empty: the platform's default.
    :param settings: terminators, time-out (ms) and ``asrl={...}`` as for PyMeasure's VISAAdapter.
    :raises InstrumentDisconnected: if the port does not exist or is in use.
    """
    if isinstance(resource, Adapter):
        return resource
    try:
        if not isinstance(resource, str):
            return resource.open(**settings)
        return VISAAdapter(resource, visa_library=visa_library, **settings)
    except CANNOT_OPEN as error:
        raise InstrumentDisconnected(
            name,
            f"cannot open {resource} ({error}). Check the cable and the power, that the port's "
            "name is right, and that no other program has it open.",
        ) from error


@contextmanager
def wire_errors(name: str) -> Iterator[None]:
    """Turn whatever the transport raises into an error with the instrument's name in it."""
    try:
        yield
    except pyvisa.errors.VisaIOError as error:
        if error.error_code == StatusCode.error_timeout:
            raise InstrumentTimeout(
                name, "no complete answer in time. Check power, cable and baud rate."
            ) from error
        raise InstrumentDisconnected(name, f"the connection failed ({error}).") from error
    except UnicodeDecodeError as error:
        raise GarbledAnswer(name, f"the answer is not text: {error.object!r}.") from error
    except (pyvisa.errors.Error, OSError) as error:
        raise InstrumentDisconnected(name, f"the connection failed ({error}).") from error


@contextmanager
def released_on_failure(adapter: Adapter) -> Iterator[None]:
    """Close the port again if connecting does not get to its end."""
    try:
        yield
    except BaseException:
        adapter.close()
        raise


def within(field: str, value: float, lowest: float, highest: float, advice: str = "") -> float:
    """Return ``value`` if it lies in [lowest, highest].

    :raises LimitError: if it does not, or is not a number.
    """
    if not lowest <= value <= highest:
        raise LimitError(field, value, f"from {lowest:g} to {highest:g}", advice)
    return value


class WiredInstrument:
    """Mix-in for PyMeasure instruments: every transfer raises labcool's errors, nothing else.

    Put it before the PyMeasure class: ``class SC10(WiredInstrument, Instrument)``.
    """

    name: str
    adapter: Adapter
    isShutdown: bool  # noqa: N815 (PyMeasure's name)
    _unfinished = True

    def write(self, command: str, **kwargs: Any) -> None:
        """Write a text command with the write terminator."""
        with wire_errors(self.name):
            self.adapter.write(command, **kwargs)

    def write_bytes(self, content: bytes, **kwargs: Any) -> None:
        """Write bytes as they are."""
        with wire_errors(self.name):
            self.adapter.write_bytes(content, **kwargs)

    def read(self, **kwargs: Any) -> str:
        """Read a text answer up to the read terminator."""
        with wire_errors(self.name):
            return str(self.adapter.read(**kwargs))

    def read_bytes(self, count: int, **kwargs: Any) -> bytes:
        """Read exactly ``count`` bytes (> 0); fewer within the time-out is an error.

        :raises InstrumentTimeout: if fewer arrive.
        """
        with wire_errors(self.name):
            data = bytes(self.adapter.read_bytes(count, **kwargs))
        if len(data) < count:
            raise InstrumentTimeout(self.name, f"only {len(data)} of {count} bytes came: {data!r}.")
        return data

    def read_until(self, end: bytes, limit: int = 256) -> bytes:
        """Read up to and including ``end``, at most ``limit`` bytes.

        :raises GarbledAnswer: if ``end`` is not among the first ``limit`` bytes.
        """
        answer = bytearray()
        while not answer.endswith(end):
            if len(answer) >= limit:
                raise GarbledAnswer(self.name, f"no end of the answer in {bytes(answer)!r}.")
            answer += self.read_bytes(1)
        return bytes(answer)

    def drain(self) -> None:
        """Discard whatever has arrived, to get back in step after an error."""
        with wire_errors(self.name):
            self.adapter.flush_read_buffer()

    def start_exchange(self) -> None:
        """Discard what an exchange that never ended has left on the line; call before writing.

        Needed only by drivers that call :meth:`end_exchange`. Draining each time instead would
        cost 0.1 s on a TCP socket.
        """
        if self._unfinished:
            self.drain()
        self._unfinished = True

    def end_exchange(self) -> None:
        """Note that the whole answer has come and was in order."""
        self._unfinished = False

    def resynchronise(self, clock: Clock) -> None:
        """Wait for the rest of a broken answer and discard it."""
        clock.sleep(SETTLING_S)
        self.drain()

    def ask_twice(self, question: Callable[[], Answer], clock: Clock) -> Answer:
        """Return what ``question()`` returns; if its answer is broken or missing, ask once more.

        Only for questions that change nothing. The repetition is logged as a warning.

        :raises GarbledAnswer, InstrumentTimeout: if the second answer is no better.
        """
        try:
            return question()
        except (GarbledAnswer, InstrumentTimeout) as error:
            log.warning("%s Asking once more.", error)
            self.resynchronise(clock)
            return question()

    def end_use(self, make_safe: Callable[[], None]) -> None:
        """Make safe, then release the port, whatever making safe raises; only the first time."""
        if self.isShutdown:
            return
        self.isShutdown = True
        try:
            make_safe()
        finally:
            self.adapter.close()
