"""Lines and voltage inputs of a data-acquisition card, through NI's package ``nidaqmx``.

The package is an optional extra and itself needs NI's driver NI-DAQmx (Windows, some Linux). It is
imported when a card is opened, and nothing of it is imported before.

Used of it, as its documentation has it: ``Task()``, ``do_channels.add_do_chan(lines)``,
``di_channels.add_di_chan(lines)``, ``ai_channels.add_ai_voltage_chan(channels, terminal_config=,
min_val=, max_val=)``, ``write(value, auto_start=True)``, ``read()``, ``close()``,
``constants.TerminalConfiguration``, ``system.Device(name).product_type``, and ``errors.Error`` with
``error_code``. UNVERIFIED on hardware: all of it, the numbers of the errors too.
"""

from __future__ import annotations

import importlib
import re
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from types import ModuleType
from typing import Any, Final

from labcool.errors import (
    ConfigurationError,
    InstrumentDisconnected,
    InstrumentTimeout,
    PortInUse,
    PortNotFound,
    PortSoftwareMissing,
)

PIP: Final = 'python -m pip install "labcool[daq]"'
LINE: Final = re.compile(r"/?(?P<device>[\w .-]+)/port\d+/line\d+")
NOT_THERE: Final = {-200170, -200220, -88705}
"""No such channel on this card, no such card, card not present."""
TAKEN: Final = {-50103}
LATE: Final = {-200284}


class Card:
    """A card by the name that NI MAX gives it, and the tasks that run on it.

    :param name: the instrument's name, for errors.
    :param device: e.g. ``Dev1``.
    :raises PortSoftwareMissing: if the package or NI's driver is not installed.
    :raises PortNotFound: if there is no such card.
    """

    def __init__(self, name: str, device: str) -> None:
        self._name = name
        self._nidaqmx = _package(name)
        self._tasks: list[Any] = []
        with self.errors():
            self.product = str(self._nidaqmx.system.Device(device).product_type)

    @contextmanager
    def errors(self) -> Iterator[None]:
        """Turn what the package raises into an error with the instrument's name in it."""
        try:
            yield
        except self._nidaqmx.errors.Error as error:
            raise _told(self._name, error) from error

    def output(self, line: str) -> Any:
        """Return a new task with one digital output."""
        return self._task(lambda task: task.do_channels.add_do_chan(line))

    def input(self, line: str) -> Any:
        """Return a new task with one digital input."""
        return self._task(lambda task: task.di_channels.add_di_chan(line))

    def voltages(self, channels: Sequence[str], wiring: str, largest: float) -> Any:
        """Return a new task with voltage inputs, all from ``-largest`` to ``largest`` (V).

        :param wiring: name of the package's terminal configuration.
        """
        wired = self._nidaqmx.constants.TerminalConfiguration[wiring]
        return self._task(
            lambda task: task.ai_channels.add_ai_voltage_chan(
                ",".join(channels), terminal_config=wired, min_val=-largest, max_val=largest
            )
        )

    def close(self) -> None:
        """End all tasks; the outputs keep their levels."""
        tasks, self._tasks = self._tasks, []
        with self.errors():
            for task in tasks:
                task.close()

    def _task(self, fill: Callable[[Any], object]) -> Any:
        with self.errors():
            task = self._nidaqmx.Task()
            self._tasks.append(task)
            fill(task)
        return task


class CardInputs:
    """Voltage inputs of a card, read together.

    :param places: e.g. ``Dev1/ai0``.
    :param wiring: name of the package's terminal configuration.
    :param largest: of all voltages, either way, V.
    :raises InstrumentDisconnected: if they cannot be had; which of its kinds says why.
    """

    def __init__(
        self, name: str, device: str, places: Sequence[str], wiring: str, largest: float
    ) -> None:
        self._card = Card(name, device)
        self.product = self._card.product
        try:
            self._task = self._card.voltages(places, wiring, largest)
        except BaseException:
            self._card.close()
            raise

    def read(self) -> Sequence[float]:
        """Return the voltages at all inputs, V; the package gives a single one as no list."""
        with self._card.errors():
            answer = self._task.read()
        return answer if isinstance(answer, list) else [answer]

    def release(self) -> None:
        """Give the card back."""
        self._card.close()


class CardLine:
    """An output line of a card and, maybe, the input of the sensor; high means about 5 V.

    NI's cards cannot all read an output back: its level is the one last written.

    :param output: e.g. ``Dev1/port0/line0``.
    :param sensor: None: there is no sensor.
    :raises InstrumentDisconnected: if a line cannot be had; which of its kinds says why.
    """

    def __init__(self, name: str, output: str, sensor: str | None) -> None:
        self._card = Card(name, device_of(name, "line", output))
        self.product = self._card.product
        self._high: bool | None = None
        try:
            self._output = self._card.output(output)
            self.drive(False)
            self._sensor = None if sensor is None else self._card.input(sensor)
        except BaseException:
            self._card.close()
            raise

    def drive(self, high: bool) -> None:
        """Set the level of the output."""
        self._high = None
        with self._card.errors():
            self._output.write(high, auto_start=True)
        self._high = high

    def is_high(self) -> bool:
        """Return the level last written; True if that may not have arrived."""
        return self._high is not False

    def sensor_is_high(self) -> bool:
        """Return the level of the sensor's input; False without a sensor."""
        if self._sensor is None:
            return False
        with self._card.errors():
            return bool(self._sensor.read())

    def release(self) -> None:
        """Set the output low, where it stays, and give the card back."""
        try:
            self.drive(False)
        finally:
            self._card.close()


def device_of(name: str, setting: str, line: str) -> str:
    """Return the card that a line belongs to.

    :raises ConfigurationError: if it is not the name of one digital line.
    """
    found = LINE.fullmatch(line)
    if found is None:
        raise ConfigurationError(
            f"{name}: {setting} = {line!r} is no digital line. Write it as NI MAX does, like "
            "Dev1/port0/line0."
        )
    return found["device"]


def _package(name: str) -> ModuleType:
    try:
        for part in ("constants", "errors", "system"):
            importlib.import_module(f"nidaqmx.{part}")
        return importlib.import_module("nidaqmx")
    except (ImportError, OSError) as error:
        raise PortSoftwareMissing(
            name, f"a card is read through nidaqmx, which is not installed ({error}). {PIP}"
        ) from error


def _told(name: str, error: Exception) -> InstrumentDisconnected | InstrumentTimeout:
    code = getattr(error, "error_code", None)
    words = " ".join(str(error).split())
    if code is None:
        return PortSoftwareMissing(
            name, f"NI's driver does not work ({words}). Install NI-DAQmx; see NI MAX."
        )
    if code in NOT_THERE:
        return PortNotFound(name, f"no such card or line ({words}). Look into NI MAX.")
    if code in TAKEN:
        return PortInUse(name, f"another program or task has it ({words}). End that.")
    if code in LATE:
        return InstrumentTimeout(name, f"the card did not answer in time ({words}).")
    return InstrumentDisconnected(name, f"the card failed ({words}).")
