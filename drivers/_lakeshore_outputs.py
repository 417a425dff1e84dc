"""What hangs on an output of a Model 335 or 336: the heater, or the supply for warming up."""

from __future__ import annotations

import math
from typing import ClassVar, Final

from drivers._lakeshore_setup import LakeShoreSetup
from drivers._lakeshore_words import (
    HeaterSetup,
    WarmUp,
    fields,
    flag,
    name_of,
    number,
    percent,
    whole,
    words,
)
from labcool.errors import ConfigurationError, LimitError
from labcool.numbers import one_of, truth, within

USERS_CURRENT: Final = 0
DISPLAYS: Final = {1: "current", 2: "power"}
LOWEST_CURRENT_A: Final = 0.1
ROUNDING: Final = 0.006


class LakeShoreOutputs(LakeShoreSetup):
    """The outputs of the Models 335 and 336."""

    CURRENTS_A: ClassVar[dict[int, float]]
    """Largest currents by their code in ``HTRSET``; the manual's 1.141 A are taken for √2 A."""
    WARM_UP_OUTPUTS: ClassVar[tuple[int, ...]]
    OUTPUTS_OF_EITHER_KIND: ClassVar[tuple[int, ...]] = ()

    @property
    def heater_setup(self) -> HeaterSetup:
        """Control resistance and largest current of the heater, ``HTRSET``; read back.

        The current is sent as the user's own limit; one of the controller's presets is read as the
        current it stands for.

        :raises LimitError: if a value is not allowed; nothing has been sent.
        :raises ConfigurationError: for a voltage output of a 336, which has none.
        :raises InstrumentRefused: if the controller does not take it.
        """
        self._require_heater()
        return self._ask(self._parse_setup, f"HTRSET? {self._output}")

    @heater_setup.setter
    def heater_setup(self, wanted: HeaterSetup) -> None:
        self._require_heater()
        field = f"{self.name} heater_setup"
        wanted = self._a(HeaterSetup, "heater_setup", wanted)
        ohms = one_of(f"{field} resistance (Ohm)", wanted.resistance, (25, 50))
        largest = max(self.CURRENTS_A.values())
        current = within(f"{field} max_current (A)", wanted.max_current, LOWEST_CURRENT_A, largest)
        shows_power = truth(f"{field} shows_power", wanted.shows_power)
        voltage = truth(f"{field} voltage", wanted.voltage)
        if voltage and self._output not in self.OUTPUTS_OF_EITHER_KIND:
            raise LimitError(f"{field} voltage", voltage, f"False for output {self._output}")
        kind = (voltage,) if self.OUTPUTS_OF_EITHER_KIND else ()
        values = (ohms // 25, USERS_CURRENT, current, 1 + shows_power)
        self._tell(f"HTRSET {words(self._output, *kind, *values)}")

        def taken() -> bool:
            kept = self.heater_setup
            return abs(kept.max_current - current) <= ROUNDING and (
                (kept.resistance, kept.shows_power, kept.voltage) == (ohms, shows_power, voltage)
            )

        self._confirm(taken, f"it does not take {wanted}")

    @property
    def warm_up(self) -> WarmUp:
        """Control a voltage output as a warm-up supply, ``WARMUP``; read back.

        It does nothing before :attr:`output_mode` is "warm-up supply".

        :raises LimitError: if a value is not allowed; nothing has been sent.
        :raises ConfigurationError: for a current output.
        :raises InstrumentRefused: if the controller does not take it.
        """
        self._require_warm_up()
        return self._ask(_warm_up, f"WARMUP? {self._output}")

    @warm_up.setter
    def warm_up(self, wanted: WarmUp) -> None:
        self._require_warm_up()
        wanted = self._a(WarmUp, "warm_up", wanted)
        continuous = truth(f"{self.name} warm_up continuous", wanted.continuous)
        percent = self._checked_percent("warm_up percent", wanted.percent)
        self._started = self._started or percent > 0
        self._tell(f"WARMUP {words(self._output, continuous, percent)}")

        def taken() -> bool:
            kept = self.warm_up
            return kept.continuous == continuous and abs(kept.percent - percent) <= ROUNDING

        self._confirm(taken, f"it does not take {wanted}")

    def settings(self) -> dict[str, float | int | str | bool]:
        """Return the state of input, output and loop, and what heater is set up."""
        if self._is_voltage:
            return super().settings()
        setup = self.heater_setup
        return {
            **super().settings(),
            "heater_resistance_Ohm": setup.resistance,
            "heater_max_current_A": setup.max_current,
        }

    def _parse_setup(self, text: str) -> HeaterSetup:
        kind = ["0"]
        values = fields(text, 5 if self.OUTPUTS_OF_EITHER_KIND else 4)
        if self.OUTPUTS_OF_EITHER_KIND:
            kind, values = values[:1], values[1:]
        resistance, code, users, display = values
        shown = name_of(display, DISPLAYS)
        preset = self.CURRENTS_A.get(whole(code, 4))
        limit = max(self.CURRENTS_A.values()) if preset is None else math.inf
        users_current = number(users, 0.0, limit)
        current = users_current if preset is None else preset
        return HeaterSetup(25 * whole(resistance, 2, 1), current, shown == "power", flag(kind[0]))

    def _require_heater(self) -> None:
        if self._is_voltage:
            raise ConfigurationError(f"{self.name}: output {self._output} has no heater to set up.")

    def _require_warm_up(self) -> None:
        if self._output not in self.WARM_UP_OUTPUTS:
            raise ConfigurationError(
                f"{self.name}: output {self._output} is no voltage output, and no warm-up supply."
            )


def _warm_up(text: str) -> WarmUp:
    control, voltage = fields(text, 2)
    return WarmUp(flag(control), percent(voltage))
