"""The measuring and the heating of a Lake Shore controller, and switching all heaters off."""

from __future__ import annotations

import logging
import math
from abc import abstractmethod
from collections.abc import Callable
from typing import ClassVar, Final

from drivers._lakeshore_wire import LakeShoreWire
from drivers._lakeshore_words import (
    HEATER_STATES,
    HOTTEST_BELIEVABLE_K,
    RANGES,
    READING_FAULTS,
    VOLTAGE_RANGES,
    bits,
    flag,
    name_of,
    number,
    whole,
)
from labcool.errors import InstrumentError, InstrumentRefused

log = logging.getLogger(__name__)

CONFIRMATION_S: Final = 1.5
POLL_S: Final = 0.05
ATTEMPTS_TO_SWITCH_OFF: Final = 3


class LakeShoreHeater(LakeShoreWire):
    """One input and one output of a controller."""

    INPUTS: ClassVar[tuple[str, ...]]
    OUTPUTS: ClassVar[tuple[int, ...]]
    VOLTAGE_OUTPUTS: ClassVar[tuple[int, ...]] = ()

    _input: str
    _output: int
    _target: float | None
    _started: bool

    @abstractmethod
    def _range_question(self, output: int) -> str: ...

    @abstractmethod
    def _range_command(self, output: int, code: int) -> str: ...

    @abstractmethod
    def _heater_status_question(self) -> str: ...

    @property
    def temperature(self) -> float:
        """Measure the temperature of the chosen input, K; each reading is checked by ``RDGST?``.

        :raises InstrumentRefused: if the reading is invalid, out of range, or the sensor is open;
            if this object has started a heater, all heaters were switched off.
        """
        return self._valid(*self._ask(_reading, f"KRDG? {self._input}", f"RDGST? {self._input}"))

    def heaters_off(self) -> None:
        """Switch all heater outputs off and verify it by ``RANGE?``.

        Also the loops that other programs use. An output in monitor mode has no range and stays.

        :raises InstrumentRefused: if that is not confirmed after three attempts.
        """
        self._target = None
        command = ";".join(self._range_command(output, 0) for output in self.OUTPUTS)
        problem: InstrumentError | None = None
        for _ in range(ATTEMPTS_TO_SWITCH_OFF):
            try:
                self._tell(command, again=False)
                self._confirm(self._all_off, "a heater output still reports a range after RANGE 0")
                return
            except InstrumentError as error:
                log.warning("%s Trying again to switch the heaters off.", error)
                problem = error
            self._send_blindly(command)
        raise InstrumentRefused(
            self.name, "the heaters are NOT confirmed to be off. Switch the controller off by hand."
        ) from problem

    @property
    def _is_voltage(self) -> bool:
        return self._output in self.VOLTAGE_OUTPUTS

    @property
    def _ranges(self) -> dict[int, str]:
        return VOLTAGE_RANGES if self._is_voltage else RANGES

    def _range_code(self, output: int) -> int:
        return self._ask(lambda text: whole(text, 3), self._range_question(output))

    def _all_off(self) -> bool:
        questions = [self._range_question(output) for output in self.OUTPUTS]
        return self._ask(lambda *codes: not any(whole(code, 3) for code in codes), *questions)

    def _loop_state(self) -> tuple[float, bool, bool]:
        """Return temperature (K), whether the set point ramps, and whether the heater is on."""
        questions = [f"KRDG? {self._input}", f"RDGST? {self._input}", f"RAMPST? {self._output}"]
        questions.append(self._range_question(self._output))
        if not self._is_voltage:
            questions.append(self._heater_status_question())
        temperature, faults, ramping, code, heater = self._ask(_state, *questions)
        if heater != "ok":
            raise self._fault(f"the heater of output {self._output}: {heater}")
        self._valid(temperature, faults)
        if code == 0 and self._target is not None:
            raise self._fault(
                f"output {self._output} was switched on and is off now: by its temperature limit, "
                "a heater fault, the front panel or another program"
            )
        return temperature, ramping, code > 0

    def _valid(self, temperature: float, faults: int) -> float:
        if faults:
            raise self._fault(f"input {self._input}: {bits(faults, READING_FAULTS)}")
        return temperature

    def _fault(self, problem: str) -> InstrumentRefused:
        if not self._started:
            return InstrumentRefused(self.name, f"{problem}.")
        try:
            self.heaters_off()
            outcome = "All heaters were switched off."
        except InstrumentError as error:
            outcome = error.problem
        return InstrumentRefused(self.name, f"{problem}. {outcome}")

    def _confirm(self, confirmed: Callable[[], bool], problem: str) -> None:
        deadline = self._clock.now() + CONFIRMATION_S
        while not confirmed():
            if self._clock.now() >= deadline:
                raise InstrumentRefused(self.name, f"{problem}.")
            self._clock.sleep(POLL_S)

    def _send_blindly(self, command: str) -> None:
        """Send without an answer: perhaps only the way back is broken."""
        self._in_step = False
        try:
            self._write_message(command)
        except InstrumentError as error:
            log.warning("%s", error)


def _reading(temperature: str, status: str) -> tuple[float, int]:
    faults = whole(status)
    value = number(temperature)
    if not faults and not 0.0 <= value <= HOTTEST_BELIEVABLE_K:
        raise ValueError(f"{temperature!r} is no temperature in K")
    return (math.nan if faults else value), faults


def _state(
    temperature: str, status: str, ramping: str, heater_range: str, heater: str = "0"
) -> tuple[float, int, bool, int, str]:
    value, faults = _reading(temperature, status)
    code = whole(heater_range, 3)
    return value, faults, flag(ramping), code, name_of(heater, HEATER_STATES)
