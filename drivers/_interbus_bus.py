"""One Interbus port, its users, and the order in which they speak.

The drivers of the modules on one port share a :class:`Bus`: one exchange at a time, and each
telegram that is sent, repetitions included, carries the next host address of a cycle. A late answer
therefore names an address that nobody waits for any more, and is passed over.
"""

from __future__ import annotations

import logging
import threading
from collections import Counter
from collections.abc import Callable
from itertools import cycle
from typing import Final
from weakref import WeakValueDictionary

from pymeasure.adapters import Adapter

from drivers._interbus import END, LONGEST_FRAME, START, Kind, Telegram, pack, unpack
from drivers._wire import Resource
from labcool.clock import Clock
from labcool.errors import GarbledAnswer, InstrumentTimeout

log = logging.getLogger(__name__)

HOST_ADDRESSES: Final = range(161, 177)
ANSWER_TIMEOUT_S: Final = 0.25
"""Modules answer within 50 to 75 ms, or not at all."""
ATTEMPTS: Final = 4
"""A public driver reports one missing answer in 250 to 100 000."""
BUSY_PAUSE_S: Final = 0.05
BUSY_TIMEOUT_S: Final = 1.0
EXCHANGE_TIMEOUT_S: Final = 2 * (ATTEMPTS + 1) * ANSWER_TIMEOUT_S + BUSY_TIMEOUT_S + BUSY_PAUSE_S
"""No exchange lasts longer, whatever comes; the last byte may be waited for as long again."""

_ANSWERS: Final = {Kind.READ: Kind.DATAGRAM}
_BUSES: WeakValueDictionary[object, Bus] = WeakValueDictionary()
_BUSES_LOCK: Final = threading.Lock()


class Wire:
    """What a bus needs of a driver: its name, its clock, and how it writes and reads bytes."""

    def __init__(
        self,
        name: str,
        clock: Clock,
        write: Callable[[bytes], None],
        read_byte: Callable[[], bytes],
    ) -> None:
        self.name = name
        self.clock = clock
        self.write = write
        self.read_byte = read_byte


class Bus:
    """One port with Interbus modules; have it from :meth:`of`."""

    def __init__(self, resource: Resource) -> None:
        self._resource = resource
        self._lock = threading.RLock()
        self._hosts = cycle(HOST_ADDRESSES)
        self._users: Counter[Adapter] = Counter()

    @classmethod
    def of(cls, resource: Resource) -> Bus:
        """Return the one bus of a resource, the same for all drivers that are given this one."""
        key = resource if isinstance(resource, str) else id(resource)
        with _BUSES_LOCK:
            bus = _BUSES.get(key)
            if bus is None:
                bus = _BUSES[key] = cls(resource)
            return bus

    def join(self, opened: Callable[[Resource], Adapter]) -> Adapter:
        """Return an adapter for one more user.

        :param opened: opens the resource; not called if it is a port that is open already.
        """
        with self._lock:
            is_port = isinstance(self._resource, str)
            adapter = next(iter(self._users), None) if is_port else None
            adapter = opened(self._resource) if adapter is None else adapter
            self._users[adapter] += 1
            return adapter

    def leave(self, adapter: Adapter) -> None:
        """End one use of an adapter, and close it with the last."""
        with self._lock:
            self._users[adapter] -= 1
            if self._users[adapter] <= 0:
                del self._users[adapter]
                adapter.close()

    def exchange(
        self,
        wire: Wire,
        module: int,
        kind: Kind,
        register: int,
        data: bytes = b"",
        *,
        attempts: int = ATTEMPTS,
    ) -> Telegram:
        """Send a request and return its answer: DATAGRAM, ACK or NACK, of this module and register.

        A request whose answer is missing or broken, or that the module received broken, is repeated
        (logged as a warning); so is one to a busy module, for a second.

        :param attempts: how often it may be sent; 1 if it must not be repeated.
        :raises InstrumentTimeout: if no answer comes, or the module stays busy.
        :raises GarbledAnswer: if the last answer is broken, or the module reports CRC errors.
        """
        with self._lock:
            busy_until = wire.clock.now() + BUSY_TIMEOUT_S
            left = attempts
            while True:
                try:
                    return self._attempt(wire, module, kind, register, data)
                except _BusyError as error:
                    if wire.clock.now() >= busy_until:
                        raise InstrumentTimeout(wire.name, str(error)) from error
                    wire.clock.sleep(BUSY_PAUSE_S)
                except (GarbledAnswer, InstrumentTimeout) as error:
                    left -= 1
                    if left <= 0:
                        raise
                    log.warning("%s Repeating the request.", error)

    def _attempt(self, wire: Wire, module: int, kind: Kind, register: int, data: bytes) -> Telegram:
        host = next(self._hosts)
        wire.write(pack(Telegram(module, host, kind, register, data)))
        deadline = wire.clock.now() + ANSWER_TIMEOUT_S
        while True:
            answer = self._next_telegram(wire, deadline, module)
            if (answer.source, answer.destination) != (module, host):
                log.info("%s: passed over %s.", wire.name, answer)
            elif answer.kind == Kind.CRC_ERROR:
                raise GarbledAnswer(wire.name, "the module received the request broken.")
            elif answer.register != register:
                raise GarbledAnswer(
                    wire.name, f"a request of register 0x{register:02X} got {answer}."
                )
            elif answer.kind == Kind.BUSY:
                raise _BusyError(f"module {module} stays busy.")
            elif answer.kind in (Kind.NACK, _ANSWERS.get(kind, Kind.ACK)):
                return answer
            else:
                raise GarbledAnswer(wire.name, f"a {kind.name} got {answer}.")

    def _next_telegram(self, wire: Wire, deadline: float, module: int) -> Telegram:
        frame = bytearray()
        while True:
            try:
                byte = wire.read_byte()[0]
            except InstrumentTimeout as error:
                raise _no_answer(wire.name, module) from error
            if byte == START:
                frame.clear()
            if byte == START or frame:
                frame.append(byte)
            if byte == END and frame:
                return _telegram(wire.name, bytes(frame))
            if len(frame) > LONGEST_FRAME:
                raise GarbledAnswer(wire.name, f"no end of a telegram in {bytes(frame)!r}.")
            if wire.clock.now() >= deadline:
                raise _no_answer(wire.name, module)


def _no_answer(name: str, module: int) -> InstrumentTimeout:
    return InstrumentTimeout(
        name,
        f"no answer of module {module} within {ANSWER_TIMEOUT_S:g} s. "
        "Check power, cable and address.",
    )


def _telegram(name: str, frame: bytes) -> Telegram:
    try:
        return unpack(frame)
    except ValueError as error:
        raise GarbledAnswer(name, f"{frame.hex(' ')} is no telegram: {error}.") from error


class _BusyError(Exception):
    """The module says that it cannot answer now."""
