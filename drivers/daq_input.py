"""Voltage inputs of a data-acquisition card (NI-DAQmx), for a photodiode with its amplifier.

    card:
      driver: drivers.daq_input.DAQInput
      resource: Dev1
      channels: [ai0, ai3]
    photodiode:
      driver: drivers.photodiode.Photodiode
      source: card
      input: 2          # the second of the channels: ai3

Needs the extra ``labcool[daq]`` and NI's driver. UNVERIFIED on hardware: everything; checked are
the calls of nidaqmx's documentation against a stand-in.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Annotated, Final, Literal, Protocol, get_args

from annotated_types import Interval, Len

from drivers import _bench_advice
from drivers._daq import CardInputs
from drivers._wire import wire_errors
from drivers._with_block import WithBlock
from labcool.clock import Clock
from labcool.errors import (
    ConfigurationError,
    GarbledAnswer,
    InstrumentDisconnected,
    InstrumentRefused,
    LimitError,
)
from labcool.numbers import one_of, real, whole, within

Wiring = Literal["DEFAULT", "RSE", "NRSE", "DIFF"]

CHANNEL: Final = re.compile(r"ai\d+")


class VoltageInputs(Protocol):
    """Voltage inputs that are read together.

    The methods may raise OSError or an error of :mod:`labcool.errors`.
    """

    product: str

    def read(self) -> Sequence[float]:
        """Return the voltages at all inputs, V."""

    def release(self) -> None:
        """Give the hardware back."""


class DAQInput(WithBlock):
    """Voltage inputs of a card. Safe state: any, it only measures.

    :param resource: the card, as NI MAX names it, or a :class:`VoltageInputs`.
    :param clock: has no effect (every driver takes it): a reading waits for the card only.
    :param visa_library: has no effect; the card is reached through NI's own driver.
    :param channels: names of its inputs, in the order in which :meth:`aux_input` counts them.
    :param wiring: single-ended to the card's ground (RSE), to the reference input (NRSE), or
        differential (DIFF); DEFAULT: as the card has it.
    :param largest_voltage: of all inputs, either way, V; a reading there or beyond is refused.
    :raises ConfigurationError: if a name is no input's.
    :raises InstrumentDisconnected: if the card cannot be had; which of its kinds says why.
    """

    bench_advice = _bench_advice.DAQ

    def __init__(
        self,
        resource: str | VoltageInputs,
        name: str = "DAQ input",
        *,
        clock: Clock | None = None,  # noqa: ARG002 (every driver takes it)
        visa_library: str = "",  # noqa: ARG002 (every driver takes it)
        channels: Annotated[tuple[str, ...], Len(1)] = ("ai0",),
        wiring: Wiring = "DEFAULT",
        largest_voltage: Annotated[float, Interval(ge=0.01, le=10.0)] = 10.0,
    ) -> None:
        self.name = name
        self._channels = _checked(name, channels)
        self._wiring = one_of(f"{name} wiring", wiring, get_args(Wiring))
        self._largest = within(f"{name} largest_voltage (V)", largest_voltage, 0.01, 10.0)
        if isinstance(resource, str):
            self._where = resource
            places = [f"{resource}/{channel}" for channel in self._channels]
            self._inputs: VoltageInputs | None = CardInputs(
                name, resource, places, self._wiring, self._largest
            )
        else:
            self._inputs, self._where = resource, "an object"
        self._product = self._inputs.product
        try:
            self._read()
        except BaseException:
            self.shutdown()
            raise

    @property
    def identity(self) -> str:
        """Get the card's model and the name that NI MAX gives it (str)."""
        return f"{self._product}, {self._where}"

    def aux_input(self, number: int) -> float:
        """Measure the voltage at an input, V.

        :param number: 1 for the first of the channels.
        :raises LimitError: if there is no such input.
        :raises InstrumentRefused: if the voltage reaches the end of the range.
        """
        number = whole(f"{self.name} aux input", number, 1, len(self._channels))
        volts = self._read()[number - 1]
        if abs(volts) >= self._largest:
            raise InstrumentRefused(
                self.name,
                f"{volts:g} V at {self._channels[number - 1]} is the end of its range, "
                f"{self._largest:g} V.",
            )
        return volts

    def settings(self) -> Mapping[str, float | int | str | bool]:
        """Return how the inputs are wired; nothing is read."""
        return {
            "channels": ", ".join(self._channels),
            "wiring": self._wiring,
            "largest_voltage_V": self._largest,
        }

    def make_safe(self) -> None:
        """Do nothing: there is nothing to make safe."""

    def shutdown(self) -> None:
        """Give the card back; the first time only."""
        inputs, self._inputs = self._inputs, None
        if inputs is not None:
            with wire_errors(self.name):
                inputs.release()

    def _read(self) -> list[float]:
        if self._inputs is None:
            raise InstrumentDisconnected(self.name, "it has been shut down.")
        with wire_errors(self.name):
            answer = self._inputs.read()
        try:
            volts = [real("voltage", value) for value in answer]
        except (LimitError, TypeError):  # no numbers, or no list of anything
            volts = []
        if len(volts) != len(self._channels):
            raise GarbledAnswer(self.name, f"the card gives {answer!r} instead of volts.")
        return volts


def _checked(name: str, channels: tuple[str, ...]) -> tuple[str, ...]:
    wrong = [str(channel) for channel in channels if not CHANNEL.fullmatch(str(channel))]
    if wrong or not channels or len(set(channels)) < len(channels):
        given = ", ".join(map(str, channels))
        raise ConfigurationError(
            f"{name}: channels = {given!r} must be different inputs of the card, like ai0, ai3."
        )
    return tuple(channels)
