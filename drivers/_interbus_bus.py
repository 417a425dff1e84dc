"""One Interbus port, its users, and the order in which they speak.

The drivers of the modules on one port share a :class:`Bus`: one exchange at a time, and each
telegram that is sent, repetitions included, carries the next host address of a cycle. A late answer
therefore names an address that nobody waits for any more, and is passed over; an address whose
answer never came is not used again for ten seconds.

A source whose watchdog is armed is asked for its status now and then while others are spoken to, so
that it does not go dark because only its filters are in use (:meth:`Bus.feed`).
"""

from __future__ import annotations

import logging
import threading
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass
from itertools import cycle, islice
from typing import Final
from weakref import WeakValueDictionary

from pymeasure.adapters import Adapter

from drivers._interbus import END, LONGEST_FRAME, START, Kind, Telegram, pack, unpack
from drivers._wire import Resource
from labcool.clock import Clock
from labcool.errors import GarbledAnswer, InstrumentError, InstrumentTimeout

log = logging.getLogger(__name__)

HOST_ADDRESSES: Final = range(161, 225)
"""Of the 95 that hosts may have; UNVERIFIED on hardware but for 161 and 162."""
LATEST_ANSWER_S: Final = 10.0
"""How long after its request an answer may still come."""
ANSWER_TIMEOUT_S: Final = 0.25
"""Modules answer within 50 to 75 ms, or not at all."""
ATTEMPTS: Final = 4
"""A public driver reports one missing answer in 250 to 100 000."""
BUSY_PAUSE_S: Final = 0.05
BUSY_TIMEOUT_S: Final = 1.0
EXCHANGE_TIMEOUT_S: Final = 2 * (ATTEMPTS + 1) * ANSWER_TIMEOUT_S + BUSY_TIMEOUT_S + BUSY_PAUSE_S
"""No exchange lasts longer, whatever comes; the last byte may be waited for as long again. A
watchdog that is fed on the way can cost two more answer time-outs."""

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


@dataclass
class _Fed:
    """A module that wants to hear something every ``every`` s, and when it has (clock s)."""

    module: int
    register: int
    every: float
    heard: float


class Bus:
    """One port with Interbus modules; have it from :meth:`of`."""

    def __init__(self, resource: Resource) -> None:
        self._resource = resource
        self._lock = threading.RLock()
        self._hosts = cycle(HOST_ADDRESSES)
        self._given_up: dict[int, float] = {}
        self._users: Counter[Adapter] = Counter()
        self._fed: dict[Wire, _Fed] = {}

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

    def feed(self, wire: Wire, module: int, register: int, every: float) -> None:
        """Read a register of a module whenever it has heard nothing for ``every`` s, from now on.

        It is read behind an exchange with another module: while nobody speaks, nothing is fed.
        """
        with self._lock:
            self._fed[wire] = _Fed(module, register, every, wire.clock.now())

    def feed_no_more(self, wire: Wire) -> None:
        """End :meth:`feed` for a driver; nothing if it never began."""
        with self._lock:
            self._fed.pop(wire, None)

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
                    answer = self._attempt(wire, module, kind, register, data)
                    break
                except _BusyError as error:
                    if wire.clock.now() >= busy_until:
                        raise InstrumentTimeout(wire.name, str(error)) from error
                    wire.clock.sleep(BUSY_PAUSE_S)
                except (GarbledAnswer, InstrumentTimeout) as error:
                    left -= 1
                    if left <= 0:
                        raise
                    log.warning("%s Repeating the request.", error)
            self._feed_others(module)
            return answer

    def _feed_others(self, module: int) -> None:
        """Ask those that have heard nothing for long, now that ``module`` has been spoken to."""
        for wire, fed in self._fed.items():
            now = wire.clock.now()
            if fed.module != module and now - fed.heard < fed.every:
                continue
            fed.heard = now
            if fed.module == module:
                continue
            try:
                self._attempt(wire, fed.module, Kind.READ, fed.register, b"")
            except (_BusyError, InstrumentError) as error:
                # Not the trouble of the driver whose exchange this is; the source's own will tell.
                log.warning("%s: its watchdog may not have been fed (%s)", wire.name, error)

    def _attempt(self, wire: Wire, module: int, kind: Kind, register: int, data: bytes) -> Telegram:
        host = self._free_host(wire.clock.now())
        try:
            return self._request(wire, host, module, kind, register, data)
        except (GarbledAnswer, InstrumentTimeout):
            self._given_up[host] = wire.clock.now() + LATEST_ANSWER_S
            raise

    def _free_host(self, now: float) -> int:
        """Return the next address for which no answer can be on its way any more."""
        turn = islice(self._hosts, len(HOST_ADDRESSES))
        free = (host for host in turn if self._given_up.get(host, now) <= now)
        host = next(free, None)
        if host is None:
            host = min(self._given_up, key=lambda given_up: self._given_up[given_up])
        self._given_up.pop(host, None)
        return host

    def _request(
        self, wire: Wire, host: int, module: int, kind: Kind, register: int, data: bytes
    ) -> Telegram:
        wire.write(pack(Telegram(module, host, kind, register, data)))
        deadline = wire.clock.now() + ANSWER_TIMEOUT_S
        while True:
            answer = self._next_telegram(wire, deadline, module)
            if (answer.source, answer.destination) != (module, host):
                log.warning("%s: passed over %s, late or not asked for.", wire.name, answer)
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
