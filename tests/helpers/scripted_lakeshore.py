"""A Lake Shore controller that answers as the manuals say, or as a test wants it."""

from __future__ import annotations

import logging
from collections import deque
from typing import Any

import pytest

from drivers.lakeshore import LakeShore331, LakeShore335, LakeShore336
from labcool.clock import VirtualClock
from simulators.device import LineDevice
from simulators.memory import MemoryLink

IDENTITIES = {
    "331": "LSCI,MODEL331S,123456,020399",
    "335": "LSCI,MODEL335,1234567/1234567,1.0",
    "336": "LSCI,MODEL336,LSA12BC/#######,2.7",
}
HEATERS = {"335": "0,1,2,+1.000,1", "336": "1,2,+1.000,1"}
DRIVERS: dict[str, Any] = {"331": LakeShore331, "335": LakeShore335, "336": LakeShore336}


class ScriptedLakeShore(LineDevice):
    """Stores what commands set, answers what questions ask, joins by ``;``, keeps an ESR.

    An answer put on ``instead`` (bytes, delay in s) replaces the next one. Commands in ``ignored``
    are accepted and do nothing.
    """

    def __init__(self, clock: VirtualClock, model: str) -> None:
        super().__init__(clock, b"\n")
        self.model = model
        self.identity = IDENTITIES[model]
        self.messages: list[str] = []
        self.moments: list[float] = []
        self.instead: deque[tuple[bytes, float]] = deque()
        self.kelvin, self.status, self.heater, self.ramping = "+295.123", "000", "0", "0"
        self.esr = 128
        self.ignored: set[str] = set()
        self.state: dict[str, str] = {}
        for output in "1234":
            self.state[f"RANGE {output}"] = "0"
            self.state[f"SETP {output}"] = "+0.0000"
            self.state[f"RAMP {output}"] = "0,+5.0"
            self.state[f"OUTMODE {output}"] = "1,1,0"
            self.state[f"PID {output}"] = "+50.0,+20.0,+0.0"
            self.state[f"MOUT {output}"] = "+0.0"
            self.state[f"CMODE {output}"] = "1"
            self.state[f"CSET {output}"] = "A,1,0,1"
            self.state[f"WARMUP {output}"] = "0,+0.00"
        if model in HEATERS:
            self.state |= dict.fromkeys(("HTRSET 1", "HTRSET 2"), HEATERS[model])
        for name in "ABCD":
            self.state[f"INTYPE {name}"] = "0,0" if model == "331" else "1,0,0,0,1"
            self.state[f"TLIMIT {name}"] = "+0000"
            self.state[f"INCRV {name}"] = "02"
            self.state[f"FILTER {name}"] = "0,08,05"
            self.state[f"INNAME {name}"] = "Cold finger    "
            self.state[f"ALARM {name}"] = "0,+0.0,+0.0,+0.0,0,1,1"

    @property
    def on(self) -> set[int]:
        return {n for n in range(1, 5) if self.state[f"RANGE {n}"] != "0"}

    def _handle(self, line: bytes) -> None:
        message = line.rstrip(b"\r").decode("latin-1")
        if not message:
            return
        self.messages.append(message)
        self.moments.append(self.clock.now())
        answers = [self._work(part.strip().lstrip(":")) for part in message.split(";")]
        text = ";".join(answer for answer in answers if answer is not None)
        answer, delay = (text + "\r\n").encode(), 0.01
        if self.instead:
            answer, delay = self.instead.popleft()
        if answer and text:
            self._send(answer, delay)

    def _work(self, part: str) -> str | None:
        verb, _, rest = part.partition(" ")
        fixed = {
            "*IDN?": self.identity,
            "*OPC?": "1",
            "KRDG?": self.kelvin,
            "RDGST?": self.status,
            "HTRST?": self.heater,
            "RAMPST?": self.ramping,
            "HTR?": "+012.5",
            "SRDG?": "+0.5189",
            "MODE?": self.state.get("MODE", "0"),
            "TUNEST?": "1" if self.model == "331" else "1,1,0,02",
            "OPST?": "018",
            "OPSTR?": "001",
        }
        if verb == "*ESR?":
            events, self.esr = self.esr, 0
            return str(events)
        if verb in fixed:
            return fixed[verb]
        if verb in ("RANGE", "RANGE?") and self.model == "331":
            rest = f"1,{rest}" if verb == "RANGE" else "1"
        if verb.endswith("?"):
            key = f"{verb[:-1]} {rest}"
            if key not in self.state:
                self.esr |= 32
                return None
            return self.state[key]
        if verb in ("MODE", "ALMRST", "ATUNE", "EMUL"):
            self.state[verb] = rest
            return None
        subject, _, value = rest.partition(",")
        if verb == "ZONE":
            line, _, value = value.partition(",")
            subject += f",{line}"
        elif f"{verb} {subject}" not in self.state:
            self.esr |= 32
            return None
        if verb == "RAMP" and value.startswith("0"):
            self.ramping = "0"
        if verb not in self.ignored:
            self.state[f"{verb} {subject}"] = value
        return None


class Rig:
    def __init__(self, model: str) -> None:
        self.clock = VirtualClock()
        self.device = ScriptedLakeShore(self.clock, model)
        self.driver = DRIVERS[model]

    def connect(self, **keywords: Any) -> Any:
        link = MemoryLink(self.device, self.clock)
        instrument = self.driver(link, "cryostat", clock=self.clock, **keywords)
        self.device.messages.clear()
        self.device.moments.clear()
        return instrument


def warnings_in(caplog: pytest.LogCaptureFixture) -> int:
    return sum(record.levelno == logging.WARNING for record in caplog.records)
