"""An instrument made of one or more modules on an Interbus port (115200 8N1 over USB, or TCP).

Every exchange ends within 3.6 s: a missing or broken answer is asked for up to three times more, a
busy module for a second, all logged; then comes an error with the instrument's name. What is
written has the same effect when it arrives twice; what has not is sent once only.

An adapter that is open already keeps its own time-out; then an exchange can last longer.
"""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Final, NamedTuple

from pymeasure.adapters import Adapter
from pymeasure.instruments import Instrument

from drivers import _bench_advice
from drivers import _nkt_registers as registers
from drivers._interbus import MODULES, Kind
from drivers._interbus_bus import ANSWER_TIMEOUT_S, ATTEMPTS, Bus, Wire
from drivers._interbus_registers import Register, bits
from drivers._wire import Resource, WiredInstrument, connect
from labcool.clock import Clock
from labcool.errors import (
    GarbledAnswer,
    InstrumentRefused,
    InstrumentTimeout,
    LimitError,
    WrongInstrument,
)
from labcool.numbers import whole

log = logging.getLogger(__name__)

POLL_S: Final = 0.05


class Module(NamedTuple):
    """What a module says of itself."""

    address: int
    type: int
    model: str
    serial: str
    firmware: str


class InterbusInstrument(WiredInstrument, Instrument):
    """Base of the drivers of NKT modules. Connecting reads only.

    :param resource: VISA resource string, PyMeasure adapter, or link; instruments on one port are
        given the same one.
    :param modules: the addresses of the modules that must be there, each with the types that are
        accepted there and their models; the first is the one that :attr:`identity` names.
    :raises WrongInstrument: if a module of another type answers.
    """

    bench_advice = _bench_advice.SUPERK

    def __init__(
        self,
        resource: Resource,
        name: str,
        *,
        clock: Clock,
        visa_library: str,
        modules: Mapping[int, Mapping[int, str]],
    ) -> None:
        self._clock = clock
        self._switched_on = False
        self._bus = Bus.of(resource)

        def opened(unopened: Resource) -> Adapter:
            return connect(
                unopened,
                name,
                visa_library=visa_library,
                write_termination="",
                read_termination="",
                timeout=ANSWER_TIMEOUT_S * 1000,
                asrl={"baud_rate": 115200},
            )

        adapter = self._bus.join(opened)
        try:
            super().__init__(adapter, name, includeSCPI=False)
            self._wire = Wire(name, clock, self.write_bytes, lambda: self.read_bytes(1))
            self._modules = [self._meet(address, types) for address, types in modules.items()]
        except BaseException:
            self._bus.leave(adapter)
            raise

    @property
    def identity(self) -> str:
        """Get maker, model, serial number and firmware as read on connecting (str)."""
        return "; ".join(
            f"NKT Photonics {module.model}, serial number {module.serial}, firmware "
            f"{module.firmware}, address {module.address}"
            for module in self._modules
        )

    def make_safe(self) -> None:
        """Bring the instrument to its safe state and verify it."""
        raise NotImplementedError

    def attention(self) -> tuple[str, ...]:
        """Return what a person should see to before this is used, as sentences; none if nothing."""
        return ()

    def shutdown(self) -> None:
        """Make safe what was switched on here and release the port, also if that fails; once.

        What somebody else has switched on (at the front panel, say) stays as it is. The port closes
        with the last instrument on it.
        """
        if self.isShutdown:
            return
        self.isShutdown = True
        try:
            if self._switched_on:
                self.make_safe()
        finally:
            self._bus.feed_no_more(self._wire)
            self._bus.leave(self.adapter)

    def _request(
        self,
        module: int,
        kind: Kind,
        register: int,
        data: bytes = b"",
        *,
        attempts: int = ATTEMPTS,
    ) -> bytes:
        """Return the data of the answer.

        :raises InstrumentRefused: if the module says no.
        """
        answer = self._bus.exchange(self._wire, module, kind, register, data, attempts=attempts)
        if answer.kind == Kind.NACK:
            raise InstrumentRefused(
                self.name,
                f"module {module} refuses to {kind.name.lower()} register 0x{register:02X}.",
            )
        return answer.data

    def _get(self, module: int, register: Register) -> float:
        data = self._request(module, Kind.READ, register.number)
        try:
            return register.decoded(data)
        except ValueError as error:
            raise GarbledAnswer(self.name, f"{error} ({data.hex(' ')}).") from error

    def _set(
        self, module: int, register: Register, value: float, *, attempts: int = ATTEMPTS
    ) -> None:
        try:
            data = register.encoded(value)
        except LimitError as error:
            field = f"{self.name} {error.field}"
            raise LimitError(field, error.value, error.allowed, error.advice) from None
        self._request(module, Kind.WRITE, register.number, data, attempts=attempts)

    def _set_once(self, module: int, register: Register, value: float) -> None:
        """Set a register without repeating it; whether it came true must be looked up.

        A missing or broken answer is logged only: the module may have obeyed.
        """
        try:
            self._set(module, register, value, attempts=1)
        except (GarbledAnswer, InstrumentTimeout) as error:
            log.warning("%s Not repeated; looking whether it came true.", error)

    def _set_and_confirm(self, module: int, register: Register, value: float) -> None:
        """Set a register, and read it back.

        :raises InstrumentRefused: if it holds something else then.
        """
        self._set(module, register, value)
        found = self._get(module, register)
        if abs(found - value) > 0.51 * register.scale:
            raise InstrumentRefused(
                self.name, f"{register.name} is {found:g} although {value:g} was set."
            )

    def _status(self, module: int) -> int:
        return int(self._get(module, registers.STATUS))

    def _text(self, module: int, register: int) -> bytes:
        """Return a register's bytes, none if the module does not know the register."""
        try:
            return self._request(module, Kind.READ, register)
        except InstrumentRefused:
            return b""

    def _meet(self, address: int, types: Mapping[int, str]) -> Module:
        answer = self._request(address, Kind.READ, registers.MODULE_TYPE)
        found = registers.module_type(answer)
        if found not in types:
            known = registers.MODELS.get(found, f"module of type {answer.hex(' ') or 'nothing'}")
            raise WrongInstrument(
                self.name,
                f"a {known} answers at address {address}, not a {' or '.join(types.values())}. "
                "Check the address (rotary switch of the module).",
            )
        serial = _words(self._text(address, registers.SERIAL)) or "unknown"
        version = self._text(address, registers.FIRMWARE)
        number = int.from_bytes(version[:2], "little")
        firmware = f"{number} {_words(version[2:])}".strip() if version else "unknown"
        return Module(address, found, types[found], serial, firmware)

    def _comes_true(self, condition: Callable[[], bool], timeout: float) -> bool:
        deadline = self._clock.now() + timeout
        while not condition():
            if self._clock.now() >= deadline:
                return False
            self._clock.sleep(POLL_S)
        return True

    def _refuse_if(self, status: int, faults: Mapping[int, str], action: str) -> None:
        """Refuse an action because of what the status bits say.

        :raises InstrumentRefused: if one of the faults' bits is set.
        """
        found = [words for words in bits(status, dict(faults)) if words in faults.values()]
        if found:
            raise InstrumentRefused(self.name, f"{action} refused: {', '.join(found)}.")


def module_address(field: str, address: int) -> int:
    """Return a module's address.

    :raises LimitError: if no module can have it.
    """
    return whole(field, address, MODULES.start, MODULES.stop - 1)


def _words(data: bytes) -> str:
    return data.split(b"\0")[0].decode("ascii", "replace").strip()
