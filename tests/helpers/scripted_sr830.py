"""An SR830 that answers as the manual says, or as a test wants it."""

from __future__ import annotations

import math
from collections import deque
from typing import Any

from drivers._sr830_tables import SENSITIVITIES_V
from drivers.sr830 import SR830
from labcool.clock import VirtualClock
from simulators.device import LineDevice
from simulators.memory import MemoryLink

IDENTITY = b"Stanford_Research_Systems,SR830,s/n12345,ver1.07"
SETTINGS = {
    b"PHAS": b"0.00", b"FMOD": b"1", b"FREQ": b"1000", b"RSLP": b"0", b"HARM": b"1",
    b"SLVL": b"1.000", b"ISRC": b"0", b"IGND": b"0", b"ICPL": b"0", b"ILIN": b"0",
    b"SENS": b"20", b"OFLT": b"8", b"OFSL": b"1", b"RMOD": b"1", b"SYNC": b"0", b"LOCL": b"0",
    b"OVRM": b"0", b"KCLK": b"1", b"ALRM": b"1", b"TSTR": b"0", b"SEND": b"0", b"SRAT": b"4",
    b"*ESE": b"0", b"*SRE": b"0", b"*PSC": b"1", b"ERRE": b"0", b"LIAE": b"0",
    b"OEXP1": b"0.00,0", b"OEXP2": b"0.00,0", b"OEXP3": b"0.00,0",
    b"DDEF1": b"0,0", b"DDEF2": b"0,0",
    b"AUXV1": b"1.5", b"AUXV2": b"0", b"AUXV3": b"-2", b"AUXV4": b"0",
}  # fmt: skip
INDEXED = (b"OEXP", b"DDEF", b"AUXV")


class Amplifier(LineDevice):
    """Answers as the manual says; bad commands are met by silence and a bit in ``*ESR?``.

    ``instead`` holds answers sent instead of the right ones (None: none); ``refuses`` holds
    commands that are an execution error.
    """

    def __init__(self, clock: VirtualClock, end: bytes = b"\n") -> None:
        super().__init__(clock, end)
        self.end = end
        self.state = dict(SETTINGS)
        self.heard: list[bytes] = []
        self.instead: deque[bytes | None] = deque()
        self.refuses: set[bytes] = set()
        self.deaf: set[bytes] = set()
        self.events = 128
        self.lia = 0
        self.signal = 0.0
        self.busy_until = 0.0
        self.auto_seconds = 3.0
        self.ready_bit = True
        self.changed = 0.0
        self.delay = 0.001
        self.identity = IDENTITY

    def _handle(self, line: bytes) -> None:
        self.heard.append(line)
        for command in line.replace(b" ", b"").split(b";"):
            answer = self.obey(command) if command else None
            if b"?" in command and self.instead:
                answer = self.instead.popleft()
            if answer is not None:
                wait = max(0.0, self.busy_until - self.clock.now())
                self._send(answer + self.end, wait + self.delay)

    def obey(self, command: bytes) -> bytes | None:
        mnemonic, query, argument = command[:4], b"?" in command, command[4:].lstrip(b"?")
        if mnemonic in self.refuses:
            self.events |= 16
            return None
        if query:
            return self.answer(mnemonic, argument)
        if mnemonic in (b"AGAN", b"ARSV", b"APHS"):
            self.busy_until = self.clock.now() + self.auto_seconds
        elif mnemonic in INDEXED:
            key, _, value = argument.partition(b",")
            if mnemonic + key in self.state and mnemonic + key not in self.deaf:
                self.state[mnemonic + key] = value
        elif mnemonic in self.state:
            self.changed = self.clock.now()
            if mnemonic not in self.deaf:
                self.state[mnemonic] = argument
        elif mnemonic not in (b"OUTX", b"AOFF", b"*CLS", b"*RST", b"SSET", b"RSET"):
            self.events |= 32
        return None

    def answer(self, mnemonic: bytes, argument: bytes) -> bytes | None:
        if mnemonic == b"*IDN":
            return self.identity
        if mnemonic == b"*ESR":
            events, self.events = self.events, 0
            return b"%d" % events
        if mnemonic == b"LIAS":
            lia, self.lia = self.lia | self.overload(), 0
            return b"%d" % lia
        if mnemonic == b"ERRS":
            return b"0"
        if mnemonic == b"*STB":
            return b"%d" % (1 + 2 * self.ready_bit)
        if mnemonic == b"SNAP":
            return b",".join(self.quantity(code) for code in argument.split(b","))
        if mnemonic in (b"OUTP", b"OUTR"):
            return self.quantity(argument)
        if mnemonic == b"OAUX":
            return b"0.00033"
        key = mnemonic + argument if mnemonic in INDEXED else mnemonic
        if key in self.state:
            return self.state[key]
        self.events |= 32
        return None

    @property
    def full_scale(self) -> float:
        return SENSITIVITIES_V[int(self.state[b"SENS"])]

    def overload(self) -> int:
        return 4 if self.signal > 1.09 * self.full_scale else 0

    def quantity(self, code: bytes) -> bytes:
        x, y = 0.6 * self.signal, 0.8 * self.signal
        theta = math.degrees(math.atan2(y, x))
        known = {b"1": x, b"2": y, b"3": self.signal, b"4": theta, b"9": 1000.0}
        return three_digits(known.get(code, 0.25))


def three_digits(value: float) -> bytes:
    """Return a number as the SR830 writes it, with three digits of exponent."""
    mantissa, _, exponent = f"{value:.6e}".partition("e")
    return f"{mantissa}e{int(exponent):+04d}".encode()


def connect(device: Amplifier, **keywords: Any) -> SR830:
    lock_in = SR830(MemoryLink(device, device.clock), "lock-in", clock=device.clock, **keywords)
    device.heard.clear()
    return lock_in
