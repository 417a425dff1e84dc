"""Digi-Sense temperature controller (Cole-Parmer), read only. EXPERIMENTAL.

No protocol of the maker is public. The three commands here are those of one public driver (SkyDice,
LPNHE Paris, for a "Digi-Sense" controller whose model it does not name; probably the older R/S
series with linked addresses): 9600 baud 8N1, ``STX T<address><command> CR``; an answer begins with
STX (data), ACK (done) or NAK (refused) and ends with CR LF. ``V`` firmware, ``U2`` unit kelvin,
``PV`` temperature. The user manuals of the benchtop TC9000 and TC9100 list no computer interface at
all: look at the back panel of yours before wiring anything.

Set points, run, stop and PID are unknown; nothing here heats, and nothing here can stop a heater:
the controller regulates by itself, with its own RUN/STOP key. It fills the role TemperatureProbe
only: a temperature to log beside others.

Connecting asks the firmware and selects kelvin (the answer to ``PV`` names no unit). If somebody
changes the unit on the panel, readings outside ``plausible_range`` are refused; from 173.15 °C up,
a reading in °C would pass for kelvin.

Retries: a question is asked once more after a missing or garbled answer (logged).

Checked against that driver's worked bytes only. UNVERIFIED on hardware: everything, in particular
the code of NAK (0x15 by the standard; that driver takes 0x0F; both are taken here), other addresses
than 1, and decimals.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from typing import Annotated, Final, TypeVar

from annotated_types import Interval
from pymeasure.instruments import Instrument

from drivers import _bench_advice
from drivers._wire import Resource, WiredInstrument, connect, released_on_failure
from labcool.clock import Clock, RealClock
from labcool.errors import (
    GarbledAnswer,
    InstrumentRefused,
    InstrumentTimeout,
    WrongInstrument,
)
from labcool.numbers import rising_pair, whole, within

STX: Final = b"\x02"
ACK: Final = b"\x06"
NAKS: Final = (b"\x15", b"\x0f")
PROCESS_VALUE: Final = re.compile(rb"PV +([+-]?\d{1,4}(?:\.\d{1,2})?) *")
FIRMWARE: Final = re.compile(rb"[ -~]{1,40}")
HOTTEST_BELIEVABLE_K: Final = 5000.0
LONGEST_ANSWER: Final = 64

Answer = TypeVar("Answer")


class DigiSense(WiredInstrument, Instrument):
    """A Digi-Sense controller; fills the role TemperatureProbe. Safe state: any, it sets nothing.

    :param resource: VISA resource string, PyMeasure adapter, or simulated link.
    :param clock: runs the waiting; default: the wall's time.
    :param visa_library: PyVISA backend, e.g. ``"@py"``.
    :param address: of the controller on its link, 1 to 9.
    :param plausible_range: lowest and highest believable temperature, K.
    :param timeout: longest wait for an answer, s.
    :raises WrongInstrument: if what answers speaks something else.
    """

    bench_advice = _bench_advice.DIGISENSE

    def __init__(
        self,
        resource: Resource,
        name: str = "Digi-Sense",
        *,
        clock: Clock | None = None,
        visa_library: str = "",
        address: Annotated[int, Interval(ge=1, le=9)] = 1,
        plausible_range: Sequence[float] = (173.15, 2000.0),
        timeout: Annotated[float, Interval(ge=0.05, le=10.0)] = 0.5,
    ) -> None:
        self._address = whole(f"{name} address", address, 1, 9)
        self._plausible = rising_pair(
            f"{name} plausible_range (K)", plausible_range, 0.0, HOTTEST_BELIEVABLE_K
        )
        self._timeout = within(f"{name} timeout (s)", timeout, 0.05, 10.0)
        self._clock: Clock = clock or RealClock()
        adapter = connect(
            resource,
            name,
            visa_library=visa_library,
            write_termination="\r",
            read_termination="\r\n",
            timeout=round(self._timeout * 1000),
            asrl={"baud_rate": 9600},
        )
        with released_on_failure(adapter):
            super().__init__(adapter, name, includeSCPI=False)
            try:
                self._firmware = self._ask("V", STX, self._text)
            except GarbledAnswer as error:
                raise WrongInstrument(name, f"no Digi-Sense: {error.problem}") from error
            self._ask("U2", ACK, lambda _: None)

    @property
    def identity(self) -> str:
        """Get the firmware as given on connecting (str)."""
        return f"Digi-Sense protocol, firmware {self._firmware}"

    @property
    def temperature(self) -> float:
        """Measure the temperature, K.

        :raises GarbledAnswer: if twice no believable temperature comes; if the unit was changed on
            the panel, this is how it shows.
        """
        return self._ask("PV", STX, self._process_value)

    def settings(self) -> Mapping[str, float | int | str | bool]:
        """Return address and temperature."""
        return {"address": self._address, "temperature_K": self.temperature}

    def make_safe(self) -> None:
        """Do nothing: no command that could make it safe is known."""

    def shutdown(self) -> None:
        """Release the port; the first time only."""
        self.end_use(self.make_safe)

    def _ask(self, command: str, kind: bytes, parse: Callable[[bytes], Answer]) -> Answer:
        return self.ask_twice(lambda: self._exchange(command, kind, parse), self._clock)

    def _exchange(self, command: str, kind: bytes, parse: Callable[[bytes], Answer]) -> Answer:
        self.start_exchange()
        self.write_bytes(STX + f"T{self._address}{command}\r".encode("ascii"))
        answer = self._read_answer()
        if answer[:1] in NAKS:
            self.end_exchange()
            raise InstrumentRefused(self.name, f"{command!r} was refused (NAK).")
        if answer[:1] != kind:
            raise GarbledAnswer(self.name, f"{command!r} was answered by {answer!r}.")
        value = parse(answer[1:])
        self.end_exchange()
        return value

    def _read_answer(self) -> bytes:
        """Return the answer without its end, within the time-out for all of it."""
        deadline = self._clock.now() + self._timeout
        answer = bytearray()
        while not answer.endswith(b"\r\n"):
            if len(answer) >= LONGEST_ANSWER:
                raise GarbledAnswer(self.name, f"no end of the answer in {bytes(answer)!r}.")
            if self._clock.now() > deadline:
                raise InstrumentTimeout(self.name, f"the answer is too slow: {bytes(answer)!r}.")
            answer += self.read_bytes(1)
        return bytes(answer[:-2])

    def _text(self, content: bytes) -> str:
        if not FIRMWARE.fullmatch(content) or PROCESS_VALUE.fullmatch(content):
            raise GarbledAnswer(self.name, f"{content!r} is no firmware.")
        return content.decode("ascii").strip()

    def _process_value(self, content: bytes) -> float:
        found = PROCESS_VALUE.fullmatch(content)
        if found is None:
            raise GarbledAnswer(self.name, f"{content!r} is no process value.")
        value = float(found[1])
        low, high = self._plausible
        if not low <= value <= high:
            raise GarbledAnswer(
                self.name,
                f"{value} K is not believable (plausible_range {low:g} to {high:g} K). Is the unit "
                "on the panel still kelvin, and the sensor connected?",
            )
        return value
