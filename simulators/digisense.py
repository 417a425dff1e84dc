"""Cole-Parmer Digi-Sense temperature controller on its serial line, read-only, as bytes.

Source: the only public wire-level one that was found, a laboratory driver for a "Digi-Sense" of
unnamed model (SkyDice calibration bench); the TC9000 manual has no chapter on communication.
RS-232, 9600 8N1. A command is STX, ``T`` and the address, the command, CR; an answer begins with
STX (data), ACK (done) or NAK (refused) and ends with CR LF. ``V`` gives the firmware version,
``U2`` sets kelvin, ``PV`` gives the process value in the units set. There is no checksum. The
controller goes on by itself when the host has gone: its set point and RUN are on its front panel
only.

UNVERIFIED on hardware, all of it, and in particular: that a TC9000 has a port at all; that ``U0``
and ``U1`` are °C and °F; the units after power-up; the width of the process value; the text of the
version; what is sent for an open sensor; whether a refusal is NAK (0x15) or 0x0F, as the source
has it (``refusal``); that a frame for another address, or without STX, is passed over in silence.
"""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Final

import numpy as np

from labcool.clock import Clock
from labcool.errors import LimitError
from labcool.units import celsius
from simulators.device import LineDevice, Switch

STX, ACK, NAK, REFUSED = b"\x02", b"\x06", b"\x15", b"\x0f"
CELSIUS, FAHRENHEIT, KELVIN = "U0", "U1", "U2"

_ANSWER_TIME_S: Final = 0.02
_OPEN_SENSOR: Final = "PV   OPEN"
_ADDRESS: Final = re.compile(r"[0-9]{1,2}", re.ASCII)


class DigiSense(LineDevice):
    """A Digi-Sense with one sensor, reading in °C until told otherwise.

    :param temperature: true temperature (K) at a clock's moment (s), 0 or more.
    :param address: what follows ``T`` in a command, one or two digits.
    :param noise: standard deviation of one reading, K.
    :param refusal: the byte that begins a refusal.
    :param rng: draws the noise.
    :raises LimitError: if address, noise or refusal are malformed.
    """

    def __init__(
        self,
        clock: Clock,
        *,
        temperature: Callable[[float], float] = lambda _: 298.0,
        address: str = "1",
        noise: float = 0.0,
        refusal: bytes = NAK,
        rng: np.random.Generator | None = None,
    ) -> None:
        if not _ADDRESS.fullmatch(address):
            raise LimitError("address", address, "one or two digits")
        if not 0 <= noise < float("inf"):
            raise LimitError("noise (K)", noise, "a finite number, 0 or more")
        if refusal not in (NAK, REFUSED):
            raise LimitError("refusal", refusal, "NAK (0x15) or 0x0F")
        super().__init__(clock, terminator=b"\r", limit=32)
        self.sensor_open = False
        self._temperature = temperature
        self._head = b"T" + address.encode()
        self._noise = noise
        self._refusal = refusal
        self._rng = np.random.default_rng(0) if rng is None else rng
        self._units = CELSIUS

    def conditions(self) -> dict[str, Switch]:
        """Return what can be wrong: the sensor."""
        return self._by_attribute(sensor_open="sensor_open")

    @property
    def units(self) -> str:
        """The units in which it reads: ``"U0"`` °C, ``"U1"`` °F, ``"U2"`` K."""
        return self._units

    def _begin_anew(self) -> None:
        """Start with the unit of a new controller."""
        self._units = CELSIUS

    def _handle(self, line: bytes) -> None:
        _, begins, frame = line.rpartition(STX)
        if not begins or not frame.startswith(self._head):
            return
        self._send(self._answer(frame.removeprefix(self._head)) + b"\r\n", _ANSWER_TIME_S)

    def _answer(self, command: bytes) -> bytes:
        match command.decode("latin-1"):
            case "V":
                return STX + b"V DIGI-SENSE 1.0"
            case "PV":
                return STX + self._process_value().encode()
            case "U0" | "U1" | "U2" as units:
                self._units = units
                return ACK
            case _:
                return self._refusal

    def _process_value(self) -> str:
        if self.sensor_open:
            return _OPEN_SENSOR
        noise = self._noise * float(self._rng.standard_normal())
        kelvin = self._temperature(self.clock.now()) + noise
        in_celsius = celsius(kelvin)
        shown = {CELSIUS: in_celsius, FAHRENHEIT: in_celsius * 9 / 5 + 32, KELVIN: kelvin}
        return f"PV{shown[self._units]:7.1f}"
