"""Motorised slits, exit mirror and filter wheel of a SpectraPro; each may be absent."""

from __future__ import annotations

import logging
from collections.abc import Callable, Iterable
from functools import partial
from typing import Final, Literal

from drivers._acton_wire import ActonWire
from labcool.errors import GarbledAnswer, InstrumentRefused, LimitError
from labcool.numbers import whole, within

log = logging.getLogger(__name__)

Slit = Literal["SIDE-ENT-SLIT", "FRONT-ENT-SLIT", "SIDE-EXIT-SLIT", "FRONT-EXIT-SLIT"]
ExitPort = Literal["front", "side"]

SLITS: Final[dict[Slit, str]] = {
    "SIDE-ENT-SLIT": "side_entrance_slit_um",
    "FRONT-ENT-SLIT": "front_entrance_slit_um",
    "SIDE-EXIT-SLIT": "side_exit_slit_um",
    "FRONT-EXIT-SLIT": "front_exit_slit_um",
}
NO_MOTOR: Final = "no motor"
PORTS: Final = {"0": "front", "1": "side", "front": "front", "side": "side"}
SLIT_STEP_UM: Final = 5.0


class ActonAccessories(ActonWire):
    """Mix-in: what hangs on a SpectraPro besides the turret."""

    def accessories(self) -> dict[str, float | str]:
        """Return the widths of the slits (µm), the exit port and the filter's position.

        In the place of a value stands ``"no motor"``, or (logged) that nobody understands it.
        """
        readings: dict[str, Callable[[], float | str]] = {
            key: partial(self.slit_width, slit) for slit, key in SLITS.items()
        }
        readings |= {
            "exit_port": lambda: self.exit_port,
            "filter_position": lambda: self.filter_position,
        }
        return {key: self._in_words(read) for key, read in readings.items()}

    def _in_words(self, read: Callable[[], float | str]) -> float | str:
        try:
            return read()
        except InstrumentRefused:
            return NO_MOTOR
        except GarbledAnswer as error:
            # Nobody has seen these answers: one of them must not keep a run from starting.
            log.warning("%s", error)
            return f"not understood: {error.problem}"

    def slit_width(self, slit: Slit) -> float:
        """Return the width of a motorised slit, µm.

        :raises InstrumentRefused: if the slit has no motor.
        """
        self._select(slit, SLITS)
        return float(self._accessory("?MICRONS", r"\d{1,5}\s*(?:um|microns?)?").rstrip("umicrons "))

    def set_slit_width(self, slit: Slit, micrometres: float) -> None:
        """Set the width of a motorised slit, 10 µm to 3000 µm, and read it back.

        :raises LimitError: outside this range; nothing is sent.
        :raises InstrumentRefused: if the slit has no motor, or another width is read back.
        """
        micrometres = within(f"{self.name} slit width (µm)", micrometres, 10.0, 3000.0)
        self._select(slit, SLITS)
        self._move(f"{micrometres:.0f} MICRONS")
        if abs((width := self.slit_width(slit)) - micrometres) > SLIT_STEP_UM:
            raise InstrumentRefused(
                self.name, f"{slit} is {width:g} µm wide although {micrometres:g} µm was set."
            )

    @property
    def exit_port(self) -> str:
        """Control where the exit mirror sends the light, "front" or "side".

        :raises LimitError: for any other port; nothing is sent.
        :raises InstrumentRefused: if the mirror has no motor, or the other port is read back.
        """
        self._select("EXIT-MIRROR", ("EXIT-MIRROR",))
        return PORTS[self._accessory("?MIR", "front|side|[01]").lower()]

    @exit_port.setter
    def exit_port(self, port: ExitPort) -> None:
        if port not in ("front", "side"):
            raise LimitError(f"{self.name} exit_port", port, "'front' or 'side'")
        self._select("EXIT-MIRROR", ("EXIT-MIRROR",))
        self._move(port.upper())
        if (found := self.exit_port) != port:
            raise InstrumentRefused(self.name, f"the exit mirror stays at {found!r}.")

    @property
    def filter_position(self) -> int:
        """Control the position of the filter wheel, 1 to 6.

        :raises LimitError: outside this range; nothing is sent.
        :raises InstrumentRefused: if there is no wheel, or another position is read back.
        """
        return int(self._accessory("?FILTER", "[1-6]"))

    @filter_position.setter
    def filter_position(self, position: int) -> None:
        position = whole(f"{self.name} filter_position", position, 1, 6)
        self._move(f"{position} FILTER")
        if (found := self.filter_position) != position:
            raise InstrumentRefused(self.name, f"the filter wheel stays at {found}.")

    def _select(self, what: str, known: Iterable[str]) -> None:
        if what not in known:
            raise LimitError(f"{self.name} accessory", what, " or ".join(known))
        if answer := self._exchange(what, 2.0):
            if "no " in answer.lower():
                raise InstrumentRefused(self.name, f"{what} is not motorised: {answer!r}.")
            raise self._garbled(what, answer)

    def _accessory(self, question: str, pattern: str) -> str:
        answer = self._query(question, rf"({pattern}|no \w+)")
        if answer.lower().startswith("no "):
            raise InstrumentRefused(self.name, f"{question!r} was answered by {answer!r}.")
        return answer
