"""A shutter that opens while a digital line is high (or low), whatever the line hangs on.

What :mod:`drivers.ttl_shutter` promises is done here, for it and for the line of a card.
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Final

from drivers._digital_line import DigitalLine
from drivers._wire import wire_errors
from drivers._with_block import WithBlock
from labcool.clock import Clock, RealClock
from labcool.errors import (
    ConfigurationError,
    InstrumentDisconnected,
    InstrumentError,
    InstrumentRefused,
    ShutterNotClosed,
)
from labcool.numbers import truth, within

log = logging.getLogger(__name__)

UNVERIFIED: Final = "unverified: no sensor"
POLL_S: Final = 0.005


class LineShutter(WithBlock):
    """Base of the shutters on a digital line; call :meth:`_take` before anything else moves.

    :param output: the output, in words.
    :param sensor: the sensor's input, in words; None: there is no sensor.
    :param sensor_advice: how to name a sensor in a bench file.
    """

    _line: DigitalLine
    _where: str

    def __init__(
        self,
        name: str,
        clock: Clock | None,
        *,
        output: str,
        sensor: str | None,
        sensor_advice: str,
        active_high: bool,
        sensor_closed_high: bool,
        accept_unverified: bool,
        move_timeout: float,
    ) -> None:
        self.name = name
        self._move_timeout = within(f"{name} move_timeout (s)", move_timeout, 0.005, 10.0)
        self._clock: Clock = clock or RealClock()
        self._output, self._sensor = output, sensor
        self._active_high = truth(f"{name} active_high", active_high)
        self._sensor_closed_high = truth(f"{name} sensor_closed_high", sensor_closed_high)
        self._ended = self._released = False
        if not truth(f"{name} accept_unverified", accept_unverified) and sensor is None:
            raise ConfigurationError(
                f"{name}: without a sensor nobody can tell whether the beam is blocked. Wire a "
                f"position sensor ({sensor_advice}), or write accept_unverified: true to answer "
                "for it yourself."
            )

    def _take(self, line: DigitalLine, where: str) -> None:
        """Use ``line`` from now on, closed; it is released if that cannot be had.

        :param where: what the line is, in words.
        """
        self._line, self._where = line, where
        if self._sensor is None:
            log.warning("%s: %s.", self.name, UNVERIFIED)
        try:
            self._drive(opened=False)
        except BaseException:
            with wire_errors(self.name):
                self._line.release()
            raise

    @property
    def identity(self) -> str:
        """Get how the shutter is wired (str); the line itself has no identity to ask for."""
        sensor = "no sensor" if self._sensor is None else f"sensor on {self._sensor}"
        return f"TTL shutter on {self._where}, {sensor}"

    @property
    def verification(self) -> str:
        """Get what confirms the shutter's state: the sensor, or "unverified: no sensor" (str)."""
        return UNVERIFIED if self._sensor is None else f"sensor on {self._sensor}"

    @property
    def is_closed(self) -> bool:
        """Get whether the sensor reports the beam blocked (bool).

        Unverified: no sensor — then this is the *commanded* level of the line and says nothing of
        the blade.

        :raises InstrumentDisconnected: after :meth:`shutdown`.
        """
        if self._released:
            # The line may still be readable, but somebody else may have it.
            raise InstrumentDisconnected(self.name, "it has been shut down.")
        return self._reports_closed()

    def settings(self) -> Mapping[str, float | int | str | bool]:
        """Return the line, what the sensor says, and by what the state is verified."""
        return {
            "closed": self.is_closed,
            "verification": self.verification,
            "commanded_closed": self._commanded_closed(),
            "line": self._output,
            "active_high": self._active_high,
            "move_timeout_s": self._move_timeout,
        }

    def open(self) -> None:
        """Let the beam pass; return once the sensor confirms it (without: after the time-out).

        On any failure the shutter is closed again before the error goes on.

        :raises InstrumentRefused: if the sensor does not confirm it within ``move_timeout``.
        :raises ShutterNotClosed: if, after a failure, closing cannot be confirmed.
        """
        try:
            self._drive(opened=True)
            if not self._reaches(closed=False):
                raise InstrumentRefused(
                    self.name,
                    f"the sensor does not report it open {self._move_timeout:g} s after the line "
                    "was switched. Check the shutter's power, interlock and cable.",
                )
        except BaseException:
            self.close()
            raise

    def close(self) -> None:
        """Block the beam; return once the sensor confirms it (without: after the time-out).

        :raises ShutterNotClosed: if that is not confirmed after one more attempt, or the line
            cannot be switched.
        """
        try:
            self._close_and_confirm()
        except InstrumentError as error:
            log.warning("%s Trying once more to close.", error)
            self._close_again()

    def make_safe(self) -> None:
        """Close the shutter and verify it, as :meth:`close`."""
        self.close()

    def attention(self) -> tuple[str, ...]:
        """Return what a person should see to, as sentences; only reads."""
        if self._sensor is None:
            return ("It has no sensor: nobody but you can tell whether it is shut.",)
        return ()

    def shutdown(self) -> None:
        """Close the shutter and release the line, also if closing fails; the first time only."""
        if self._ended:
            return
        self._ended = True
        try:
            self.close()
        finally:
            self._released = True
            with wire_errors(self.name):
                self._line.release()

    def _reports_closed(self) -> bool:
        if self._sensor is None:
            return self._commanded_closed()
        with wire_errors(self.name):
            return self._line.sensor_is_high() == self._sensor_closed_high

    def _commanded_closed(self) -> bool:
        with wire_errors(self.name):
            return self._line.is_high() != self._active_high

    def _drive(self, *, opened: bool) -> None:
        if opened and self._ended:
            raise InstrumentDisconnected(self.name, "it has been shut down.")
        with wire_errors(self.name):
            self._line.drive(opened == self._active_high)

    def _close_again(self) -> None:
        try:
            self._close_and_confirm()
        except InstrumentError as error:
            raise ShutterNotClosed(
                self.name,
                f"the beam is not confirmed to be blocked ({error.problem}) Block it by hand.",
            ) from error

    def _close_and_confirm(self) -> None:
        self._drive(opened=False)
        if not self._commanded_closed():
            raise ShutterNotClosed(self.name, "the line stays at the level that opens the shutter.")
        if not self._reaches(closed=True):
            raise ShutterNotClosed(
                self.name,
                f"the sensor does not report it closed {self._move_timeout:g} s after the command.",
            )

    def _reaches(self, *, closed: bool) -> bool:
        if self._sensor is None:
            self._clock.sleep(self._move_timeout)
            return True
        deadline = self._clock.now() + self._move_timeout
        while self._reports_closed() != closed:
            if self._clock.now() >= deadline:
                return False
            self._clock.sleep(POLL_S)
        return True
