"""The wire between a driver and its instrument: opening it, and telling what went wrong on it."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any, Protocol, TypeAlias, TypeVar

import pyvisa
from pymeasure.adapters import Adapter, VISAAdapter
from pyvisa.constants import StatusCode

from drivers._arrived import discard_until_quiet, take_arrived
from drivers._opening import cannot_open, is_of_opening
from drivers._with_block import WithBlock
from labcool.clock import Clock
from labcool.errors import (
    GarbledAnswer,
    InstrumentDisconnected,
    InstrumentError,
    InstrumentTimeout,
)

log = logging.getLogger(__name__)

Answer = TypeVar("Answer")

SETTLING_S = 0.1
"""How long the rest of a broken answer may take to arrive; 96 characters at 9600 baud."""
LONGEST_ANSWER_S = 2.0
"""How long an answer that is read byte by byte may take; each byte has the port's time-out."""


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
    :raises InstrumentDisconnected: if it cannot be opened; which of its kinds says why.
    """
    if isinstance(resource, Adapter):
        return resource
    try:
        if not isinstance(resource, str):
            return resource.open(**settings)
        return VISAAdapter(resource, visa_library=visa_library, **settings)
    except Exception as error:
        if not is_of_opening(error):
            raise
        raise cannot_open(name, resource, error) from error


class _WireErrors:
    """See :func:`wire_errors`; a class, because every transfer passes through it."""

    __slots__ = ("_name",)

    def __init__(self, name: str) -> None:
        self._name = name

    def __enter__(self) -> None: ...

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: object
    ) -> None:
        if error is not None and (told := _told(self._name, error)) is not None:
            raise told from error


def wire_errors(name: str) -> _WireErrors:
    """Turn whatever the transport raises into an error with the instrument's name in it."""
    return _WireErrors(name)


def _told(name: str, error: BaseException) -> InstrumentError | None:
    """Return what an error of the transport is called here; None if it is none."""
    if isinstance(error, pyvisa.errors.VisaIOError):
        if error.error_code == StatusCode.error_timeout:
            return InstrumentTimeout(
                name, "no complete answer in time. Check power, cable and baud rate."
            )
        return InstrumentDisconnected(name, f"the connection failed ({error}).")
    if isinstance(error, UnicodeDecodeError):
        return GarbledAnswer(name, f"the answer is not text: {error.object!r}.")
    if isinstance(error, pyvisa.errors.Error | OSError):
        return InstrumentDisconnected(name, f"the connection failed ({error}).")
    return None


@contextmanager
def released_on_failure(adapter: Adapter) -> Iterator[None]:
    """Close the port again if connecting does not get to its end."""
    try:
        yield
    except BaseException:
        adapter.close()
        raise


class WiredInstrument(WithBlock):
    """Mix-in for PyMeasure instruments: every transfer raises labcool's errors, nothing else.

    Put it before the PyMeasure class: ``class SC10(WiredInstrument, Instrument)``.
    """

    name: str
    adapter: Adapter
    isShutdown: bool  # noqa: N815 (PyMeasure's name)
    _clock: Clock
    _unfinished = True

    if not TYPE_CHECKING:
        # PyMeasure looks for each attribute among the names that belong to its dynamic properties
        # first, which takes 0.4 us every time. No driver here has such properties.
        __getattribute__ = object.__getattribute__

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
        :raises InstrumentTimeout: if it has not come within 2 s, however slowly bytes arrive.
        """
        deadline = self._clock.now() + LONGEST_ANSWER_S
        answer = bytearray()
        while not answer.endswith(end):
            if len(answer) >= limit:
                raise GarbledAnswer(self.name, f"no end of the answer in {bytes(answer)!r}.")
            if self._clock.now() > deadline:
                raise InstrumentTimeout(self.name, f"the answer is too slow: {bytes(answer)!r}.")
            answer += self.read_bytes(1)
        return bytes(answer)

    def drain(self) -> None:
        """Discard whatever has arrived, to get back in step after an error."""
        with wire_errors(self.name):
            discard_until_quiet(self.adapter)

    def start_exchange(self) -> None:
        """Discard what nobody waits for any more; call before writing.

        Needed only by drivers that call :meth:`end_exchange`. Draining each time instead would
        cost 0.1 s on a TCP socket.
        """
        if self._unfinished:
            self.drain()
        else:
            self.discard_arrived()
        self._unfinished = True

    def end_exchange(self) -> None:
        """Note that the whole answer has come and was in order, and that nothing came behind it.

        :raises GarbledAnswer: if more has arrived: then nobody can tell which is the answer.
        """
        if surplus := self.take_surplus():
            raise GarbledAnswer(self.name, f"more came than one answer: {surplus!r} too.")
        self._unfinished = False

    def be_in_step(self) -> None:
        """Note that the answer has come which belongs to the last question, and nothing else."""
        self.discard_arrived()
        self._unfinished = False

    def take_surplus(self) -> bytes:
        """Return what has arrived and nobody has read, without waiting."""
        with wire_errors(self.name):
            return take_arrived(self.adapter)

    def discard_arrived(self) -> None:
        """Discard, and log, what has arrived and nobody has read, without waiting."""
        if surplus := self.take_surplus():
            log.warning("%s: discarded %r, which nobody had asked for.", self.name, surplus)

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
