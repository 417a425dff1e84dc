"""A T95 that answers as the manual says, or as a test wants it."""

from __future__ import annotations

from collections import deque
from typing import Any

from drivers.linkam import LinkamT95
from labcool.clock import VirtualClock
from simulators.device import LineDevice
from simulators.memory import MemoryLink

STOPPED_25_C = bytes.fromhex("01 80 80 80 80 80 30 30 46 41 0D")
HOLDING_MINUS_100_C_PUMP_5 = bytes.fromhex("30 80 85 80 80 80 46 43 31 38 0D")


class ScriptedT95(LineDevice):
    """Answers as the manual says, unless an answer has been put on ``instead``."""

    def __init__(self, clock: VirtualClock) -> None:
        super().__init__(clock, b"\r")
        self.commands: list[str] = []
        self.moments: list[float] = []
        self.state, self.errors, self.pump = 0x01, 0x80, 0x80
        self.digits = b"00FA"
        self.instead: deque[tuple[bytes, float]] = deque()
        self.obeys = True

    def status(self) -> bytes:
        return bytes([self.state, self.errors, self.pump, 0x80, 0x80, 0x80]) + self.digits + b"\r"

    def _handle(self, line: bytes) -> None:
        command = line.decode("ascii")
        self.commands.append(command)
        self.moments.append(self.clock.now())
        if self.obeys:
            self.state = {"S": 0x11, "E": 0x01, "O": 0x50}.get(command, self.state)
        answer, delay = self.status() if command == "T" else b"\r", 0.01
        if self.instead:
            answer, delay = self.instead.popleft()
        if answer:
            self._send(answer, delay)


def connect(device: ScriptedT95, clock: VirtualClock, **keywords: Any) -> LinkamT95:
    stage = LinkamT95(MemoryLink(device, clock), "stage", clock=clock, **keywords)
    device.commands.clear()
    return stage
