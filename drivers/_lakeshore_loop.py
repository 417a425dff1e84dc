"""The control loop of a Lake Shore controller: the part that fills the role."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Callable, Sequence
from typing import Final

from drivers._lakeshore_heater import LakeShoreHeater
from drivers._lakeshore_words import code_of, fields, flag, heater_percent, number, words
from drivers._stability import Criterion, Stability, wait_until_stable
from drivers._wire import Resource
from labcool.clock import Clock
from labcool.errors import (
    ConfigurationError,
    InstrumentError,
    InstrumentRefused,
)
from labcool.numbers import rising_pair, whole, within

SLOWEST_RAMP: Final = 0.1
FASTEST_RAMP: Final = 100.0
HIGHEST_TEMPERATURE_K: Final = 1505.0
ROUNDING_K: Final = 1e-6
SETPOINT_ROUNDING_K: Final = 0.01


class LakeShoreLoop(LakeShoreHeater):
    """One input and one output of a controller as a temperature controller."""

    def __init__(
        self,
        resource: Resource,
        name: str,
        *,
        clock: Clock | None,
        visa_library: str,
        control_input: str,
        output: int,
        setpoint_range: Sequence[float],
        heater_range: str,
        ramp_rate: float,
        settled_within: float,
        on_shutdown: str,
        timeout: float,
        message_interval: float,
    ) -> None:
        self.name = name
        if control_input not in self.INPUTS:
            raise self._refusal("input", control_input, self.INPUTS)
        output = whole(f"{name} output", output, min(self.OUTPUTS), max(self.OUTPUTS))
        allowed = ("on",) if output in self.VOLTAGE_OUTPUTS else ("low", "medium", "high")
        if heater_range not in allowed:
            raise self._refusal(f"heater_range of output {output}", heater_range, allowed)
        if on_shutdown not in ("stop", "hold"):
            raise self._refusal("on_shutdown", on_shutdown, ("stop", "hold"))
        self._input, self._output = control_input, output
        self._range_wanted, self._on_shutdown = heater_range, on_shutdown
        self._setpoints = rising_pair(
            f"{name} setpoint_range (K)", setpoint_range, 0.0, HIGHEST_TEMPERATURE_K
        )
        self._settled_within = within(f"{name} settled_within (K)", settled_within, 0.001, 50.0)
        self._rate = self._checked_rate(ramp_rate)
        self._target: float | None = None
        self._started = False
        super().__init__(resource, name, clock, visa_library, timeout, message_interval)

    @abstractmethod
    def _heater_output_question(self) -> str: ...

    @abstractmethod
    def _loop_mode_and_unit(self) -> tuple[str, str, str]:
        """Return the mode of the output, its control input and the unit of its set point."""

    @property
    def temperature_range(self) -> tuple[float, float]:
        """Get the lowest and highest set point, K, as ``setpoint_range`` says."""
        return self._setpoints

    @property
    def ramp_rate(self) -> float:
        """Control the rate of the next ramp, K/min, 0.1 to 100; the next :meth:`go_to` sends it.

        :raises LimitError: if the rate is not allowed.
        """
        return self._rate

    @ramp_rate.setter
    def ramp_rate(self, kelvin_per_minute: float) -> None:
        self._rate = self._checked_rate(kelvin_per_minute)

    @property
    def setpoint(self) -> float:
        """Get the set point, ``SETP?``, K. Whether it moves along with a ramp is UNVERIFIED.

        :raises InstrumentRefused: if the loop's set point is not in kelvin.
        """
        self._require_kelvin(self._loop_mode_and_unit()[2])
        return self._setpoint()

    @property
    def is_ramping(self) -> bool:
        """Get whether the set point ramps, ``RAMPST?`` (bool)."""
        return self._ask(flag, f"RAMPST? {self._output}")

    @property
    def is_holding(self) -> bool:
        """Get whether the ramp has ended and the sensor is near the set point (bool).

        ``settled_within`` of it. For proof that it stays there use :meth:`wait_until_stable`.

        :raises InstrumentRefused: if the reading is not valid, the heater is open or shorted, or
            the heater that this object switched on is off.
        """
        temperature, ramping, heating = self._loop_state()
        if ramping or not heating:
            return False
        target = self.setpoint if self._target is None else self._target
        return abs(temperature - target) <= self._settled_within

    def go_to(self, temperature: float) -> None:
        """Start a ramp to ``temperature`` (K, rounded to 1 mK) and return at once.

        The ramp is switched on before the set point is written, or the set point would jump. If the
        heater was off, the ramp starts at the present temperature, else at the present set point.

        :raises LimitError: outside :attr:`temperature_range`; nothing has been sent.
        :raises InstrumentRefused: if the output is not in closed loop on the chosen input, its set
            point is not in kelvin, or a setting is not confirmed.
        """
        low, high = self._setpoints
        field = f"{self.name} temperature (K)"
        advice = "See setpoint_range."
        target = round(within(field, temperature, low - ROUNDING_K, high + ROUNDING_K, advice), 3)
        mode = self._require_closed_loop()
        present = round(self.temperature, 3)
        self._started, self._target = True, None
        if self._range_code(self._output) == 0:
            self._tell(f"RAMP {words(self._output, False, self._rate)}")
            self._tell(f"SETP {words(self._output, present)}")
            self._confirm(
                lambda: self._setpoint_is(present), f"it does not take the set point {present} K"
            )
        self._tell(f"RAMP {words(self._output, True, self._rate)}")
        self._confirm(self._ramp_is_on, f"it does not take a ramp of {self._rate} K/min")
        self._tell(f"SETP {words(self._output, target)}")
        self._target = target
        self._switch_heater_on(mode)

    def hold(self) -> None:
        """End a ramp where it is: the present temperature becomes the set point, at once.

        Ramping is switched off in the same message, or the set point would only ramp back from
        where it has run ahead to. The next :meth:`go_to` switches it on again.

        :raises InstrumentRefused: if the heater is off, the output is not in closed loop, or the
            controller does not confirm set point and end of the ramp.
        """
        self._require_closed_loop()
        if self._range_code(self._output) == 0:
            raise InstrumentRefused(
                self.name,
                f"output {self._output} is off: it cannot hold a temperature. Call go_to, which "
                "switches the heater on.",
            )
        self._started, self._target = True, None
        present = round(self.temperature, 3)
        self._tell(
            f"RAMP {words(self._output, False, self._rate)}",
            f"SETP {words(self._output, present)}",
        )
        self._confirm(
            lambda: self._setpoint_is(present) and not self.is_ramping,
            f"it does not hold: it does not take the set point {present} K without a ramp",
        )
        self._target = present

    def wait_until_stable(
        self,
        band_K: float,
        slope_K_per_min: float,
        for_s: float,
        timeout_s: float,
        check: Callable[[], None] = lambda: None,
    ) -> Stability:
        """Wait until the temperature of the last :meth:`go_to` or :meth:`hold` is reached and kept.

        Stable: over the last ``for_s`` seconds every reading lies within ±``band_K`` of the set
        point, and the line fitted to them is flatter than ``slope_K_per_min``.

        :param check: called before every reading, once a second or faster; may raise.
        :raises InstrumentTimeout: after ``timeout_s`` (s), with what was reached and how much the
            heater did.
        :raises InstrumentRefused: as :attr:`is_holding`.
        """
        criterion = Criterion(band_K, slope_K_per_min, for_s, self.name)
        if self._target is None:
            raise ConfigurationError(f"{self.name}: nothing to wait for; call go_to first.")
        return wait_until_stable(
            lambda: self._loop_state()[0],
            self._clock,
            self._target,
            criterion,
            timeout_s=timeout_s,
            check=check,
            name=self.name,
            remark=self._what_the_heater_does,
        )

    def make_safe(self) -> None:
        """Bring the loop to the state that ``on_shutdown`` names.

        ``"stop"``: :meth:`heaters_off`. ``"hold"``: a ramp with the heater on becomes a
        :meth:`hold`, anything else stays as it is.
        """
        if self._on_shutdown == "stop":
            self.heaters_off()
        elif self.is_ramping and self._range_code(self._output) > 0:
            self.hold()

    def shutdown(self) -> None:
        """Make safe if this object has started anything, and release the port."""
        self.end_use(self.make_safe if self._started else _nothing)

    def _what_the_heater_does(self) -> str:
        """Return for an error what would explain a temperature that is not reached."""
        try:
            name = self._ranges[self._range_code(self._output)]
            if self._is_voltage:
                return f"Output {self._output} is {name}."
            percent = self._ask(heater_percent, self._heater_output_question())
        except InstrumentError as error:
            return f"What the heater does is not known: {error.problem}"
        return f"The heater is at {percent:g} % of range {name}."

    def _require_closed_loop(self) -> str:
        mode, control_input, unit = self._loop_mode_and_unit()
        if mode != "zone" and not mode.startswith(("closed", "autotune")):
            raise InstrumentRefused(
                self.name,
                f"output {self._output} is in mode {mode!r}: a set point would not be regulated, "
                "or the heater would run at a fixed power. Set it to closed loop first.",
            )
        if control_input != self._input:
            raise InstrumentRefused(
                self.name,
                f"output {self._output} is controlled by input {control_input}, not {self._input}. "
                "Correct the bench file or the controller.",
            )
        self._require_kelvin(unit)
        return mode

    def _require_kelvin(self, unit: str) -> None:
        if unit != "K":
            raise InstrumentRefused(
                self.name,
                f"its set point is in {unit}, not K; a set point in kelvin would be misread. "
                f"Choose kelvin for input {self._input} on the controller.",
            )

    def _ramp(self) -> tuple[bool, float]:
        """Return whether set points are ramped to, and at which rate (K/min)."""
        return self._ask(_ramp, f"RAMP? {self._output}")

    def _ramp_is_on(self) -> bool:
        on, rate = self._ramp()
        # The controller keeps tenths of K/min.
        return on and abs(rate - self._rate) <= 0.0501

    def _setpoint_is(self, kelvin: float) -> bool:
        return abs(self._setpoint() - kelvin) <= SETPOINT_ROUNDING_K

    def _setpoint(self) -> float:
        """Return the set point of a loop that is known to be in kelvin, K."""
        return self._ask(
            lambda text: number(text, 0.0, HIGHEST_TEMPERATURE_K), f"SETP? {self._output}"
        )

    def _switch_heater_on(self, mode: str) -> None:
        code = code_of(self._range_wanted, self._ranges)
        self._tell(self._range_command(self._output, code), again=False)

        def confirmed() -> bool:
            found = self._range_code(self._output)
            # A zone table chooses the range by itself.
            return found > 0 if mode == "zone" else found == code

        self._confirm(confirmed, f"it does not take the heater range {self._range_wanted!r}")

    def _checked_rate(self, rate: float, field: str = "ramp rate") -> float:
        return round(within(f"{self.name} {field} (K/min)", rate, SLOWEST_RAMP, FASTEST_RAMP), 1)


def _ramp(text: str) -> tuple[bool, float]:
    on, rate = fields(text, 2)
    return flag(on), number(rate, 0.0, FASTEST_RAMP)


def _nothing() -> None:
    """Leave a controller alone that this driver has not touched."""
