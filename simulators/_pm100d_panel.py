"""What a PM100D has besides measuring power: display, beeper, reference, status registers.

Source: Thorlabs PM100D operation manual, SCPI commands, and the SCPI-1999 standard, which says how
condition, transition filters, event and enable registers hang together. UNVERIFIED on hardware: the
ranges and standard values; which bits of the operation register are set when (here, as in the
standard, 1 while it zeroes and 16 while it measures).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Final, TypeAlias

from simulators._pm100d_scpi import (
    Getter,
    Setter,
    choice,
    limits_or,
    number,
    plain,
    scientific,
    told,
)

Commands: TypeAlias = list[tuple[str, Setter | None, Getter | None]]

SWITCH: Final = {"0": 0, "1": 1, "OFF": 0, "ON": 1}

_LARGEST_REGISTER: Final = 32767


class Quantity:
    """A number that is set and told, with its limits and standard value."""

    def __init__(self, lowest: float, highest: float, standard: float) -> None:
        self._limits = lowest, highest, standard
        self.value = standard

    def reset(self) -> None:
        """Take the standard value."""
        self.value = self._limits[2]

    def set(self, parameter: str) -> None:
        """Set it as a parameter says."""
        self.value = number(parameter, *self._limits)

    def tell(self, parameter: str) -> str:
        """Return it, or the limit that a parameter asks for."""
        return scientific(limits_or(parameter, self.value, *self._limits))


class Register:
    """Condition, transition filters, event and enable of one group of status bits.

    :param condition: returns the bits that are set now.
    """

    def __init__(self, condition: Callable[[], int]) -> None:
        self._condition = condition
        self._seen = 0
        self._event = 0
        self.preset()

    def preset(self) -> None:
        """Notice what begins, and report none of it further up."""
        self._enable, self._rising, self._falling = 0, _LARGEST_REGISTER, 0

    def clear(self) -> None:
        """Forget the events."""
        self._event = 0

    def look(self) -> None:
        """Notice what has begun or ended since the last look."""
        now = self._condition()
        begun, ended = now & ~self._seen, self._seen & ~now
        self._event |= begun & self._rising | ended & self._falling
        self._seen = now

    def commands(self, header: str) -> Commands:
        """Return the commands of the group called ``header``."""
        fields = {"ENABle": "_enable", "PTRansition": "_rising", "NTRansition": "_falling"}
        return [
            (f"{header}[:EVENt]", None, told(self._take)),
            (f"{header}:CONDition", None, told(lambda: str(self._condition()))),
            *(
                (f"{header}:{word}", self._setter(field), self._getter(field))
                for word, field in fields.items()
            ),
        ]

    def _take(self) -> str:
        self.look()
        event, self._event = self._event, 0
        return str(event)

    def _setter(self, field: str) -> Setter:
        def set_it(parameter: str) -> None:
            self.look()
            setattr(self, field, round(number(parameter, 0, _LARGEST_REGISTER, 0)))

        return set_it

    def _getter(self, field: str) -> Getter:
        return told(lambda: str(getattr(self, field)))


class Panel:
    """Display, beeper, reference and beam diameter: they are remembered, and change nothing."""

    def __init__(self) -> None:
        self.beeps = 0
        """How often it has been told to beep."""
        self._brightness = Quantity(0.0, 1.0, 1.0)
        self._contrast = Quantity(0.0, 1.0, 0.5)
        self._reference = Quantity(-100.0, 100.0, 0.0)
        self._diameter = Quantity(0.1, 25.4, 9.5)
        self._beeper_on = self._reference_on = 0

    def reset(self) -> None:
        """Take the standard values that ``*RST`` brings."""
        self._reference.reset()
        self._diameter.reset()
        self._reference_on = 0

    def commands(self) -> Commands:
        """Return its commands."""
        return [
            ("DISPlay:BRIGhtness", self._brightness.set, self._brightness.tell),
            ("DISPlay:CONTrast", self._contrast.set, self._contrast.tell),
            ("SYSTem:BEEPer[:IMMediate]", plain(self._beep), None),
            ("SYSTem:BEEPer:STATe", self._switch("_beeper_on"), self._tell("_beeper_on")),
            ("[SENSe:]CORRection:BEAMdiameter", self._diameter.set, self._diameter.tell),
            ("[SENSe:]POWer[:DC]:REFerence", self._reference.set, self._reference.tell),
            (
                "[SENSe:]POWer[:DC]:REFerence:STATe",
                self._switch("_reference_on"),
                self._tell("_reference_on"),
            ),
        ]

    def _beep(self) -> None:
        self.beeps += 1

    def _switch(self, field: str) -> Setter:
        return lambda parameter: setattr(self, field, choice(parameter, SWITCH))

    def _tell(self, field: str) -> Getter:
        return told(lambda: f"{getattr(self, field):d}")
