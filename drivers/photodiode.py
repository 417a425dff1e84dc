"""A photodiode with its amplifier, read through a voltage input of another instrument.

The input is an aux input of the bench's SR830 (through the driver that has it open: no second one
on its port), or of any object with a method ``aux_input(number)`` that returns volts, such as a
data-acquisition card. In a bench file ``source`` is the name of that instrument::

    photodiode:
      driver: drivers.photodiode.Photodiode
      source: lock_in
      input: 1
      calibrated: 2025-11-03
      responsivity: [[450, 1.10e3], [532, 1.33e3]]     # [nm, V/W]
      relative_std: 0.03
      dark_voltage: 0.002
      saturation_voltage: 9.5

Power is ``(voltage − dark voltage)/responsivity``, the responsivity interpolated linearly between
the wavelengths at which it was measured; a calibration at one wavelength holds within 1 nm of it.
``[nm, A/W]`` needs the amplifier's ``transimpedance`` in V/A. The dark voltage of the calibration
is replaced by :meth:`Photodiode.zero`.

The amplifier averages a chopped beam only if it is slow against the chopper; a fast one gives the
converter a square wave, and a reading is then on or off by chance. Put the diode before the
chopper, or stop it.

Checked against the simulated SR830 and a plain object. UNVERIFIED on hardware: everything that
belongs to one lab's diode; in particular at which voltage its amplifier ceases to be linear
(``saturation_voltage``), which is to be measured once with an attenuator.
"""

from __future__ import annotations

import logging
import math
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from datetime import date, datetime
from typing import Annotated, ClassVar, Final, Protocol

from annotated_types import Ge, Gt, Interval, Len

from drivers._responsivity import Responsivity, Row, Unit
from drivers._with_block import WithBlock
from labcool.clock import Clock
from labcool.errors import (
    ConfigurationError,
    GarbledAnswer,
    InstrumentDisconnected,
    InstrumentError,
    InstrumentRefused,
    LimitError,
)
from labcool.numbers import above_zero, real, whole, within

log = logging.getLogger(__name__)

LARGEST_VOLTAGE: Final = 10.0
LARGEST_DARK_VOLTAGE: Final = 1.0
MOST_AVERAGES: Final = 1000
ZERO_READINGS: Final = 16


class VoltageSource(Protocol):
    """What has the input to which the photodiode is connected."""

    def aux_input(self, number: int) -> float:
        """Measure the voltage at an input, V; may raise an error of :mod:`labcool.errors`."""


class Photodiode(WithBlock):
    """A photodiode as power meter; fills the role PowerMeter. Safe state: any, it only measures.

    :param source: the instrument that has the input, connected already; it is not shut down here.
    :param clock: has no effect (every driver takes it): readings wait for their source only.
    :param input: number of the input there, 1 or more.
    :param calibrated: day of the calibration.
    :param responsivity: rows of wavelength (nm) and responsivity (``responsivity_unit``, above 0)
        in ascending order of the wavelength, at least one.
    :param responsivity_unit: of the photodiode with its amplifier (V/W), or of the diode (A/W).
    :param transimpedance: of the amplifier, V/A; needed with A/W, else not allowed.
    :param relative_std: relative standard uncertainty of the responsivity.
    :param dark_voltage: without light, V.
    :param saturation_voltage: from which on a reading is refused, V.
    :raises LimitError: if a number is out of its range; nothing has been read.
    :raises ConfigurationError: if the transimpedance is missing or there is one too many.
    :raises InstrumentError: if the source does not give a voltage.
    """

    instruments: ClassVar[Mapping[str, Sequence[str]]] = {"source": ("aux_input",)}
    """Settings that name another instrument of the bench, and what it must have."""

    def __init__(
        self,
        source: VoltageSource,
        name: str = "photodiode",
        *,
        clock: Clock | None = None,  # noqa: ARG002 (every driver takes it)
        input: Annotated[int, Interval(ge=1, le=64)] = 1,  # noqa: A002 (as in bench files)
        calibrated: date,
        responsivity: Annotated[tuple[Row, ...], Len(1)],
        responsivity_unit: Unit = "V/W",
        transimpedance: Annotated[float, Gt(0)] | None = None,
        relative_std: Annotated[float, Ge(0)],
        dark_voltage: Annotated[
            float, Interval(ge=-LARGEST_DARK_VOLTAGE, le=LARGEST_DARK_VOLTAGE)
        ] = 0.0,
        saturation_voltage: Annotated[float, Interval(gt=0.0, le=LARGEST_VOLTAGE)] = 10.0,
    ) -> None:
        self.name = name
        self._input = whole(f"{name} input", input, 1, 64)
        self._calibrated = _past(f"{name} calibrated", calibrated)
        self._table = Responsivity(name, responsivity, responsivity_unit, transimpedance)
        self._relative_std = within(f"{name} relative_std", relative_std, 0.0, 10.0)
        darkest = LARGEST_DARK_VOLTAGE
        self._dark = within(f"{name} dark_voltage (V)", dark_voltage, -darkest, darkest)
        field = f"{name} saturation_voltage (V)"
        self._saturation = within(
            field, above_zero(field, saturation_voltage), 0.0, LARGEST_VOLTAGE
        )
        self._source: VoltageSource | None = source
        self._wavelength: float | None = None
        self._averages = 1
        self._zeroed = False
        self._read()

    @property
    def identity(self) -> str:
        """Get which input of which instrument this is, and the day of its calibration (str)."""
        source = getattr(self._connected, "name", type(self._connected).__name__)
        return f"photodiode on input {self._input} of {source}, calibrated {self._calibrated}"

    @property
    def wavelength_range(self) -> tuple[float, float]:
        """Get the shortest and longest wavelength of the calibration, nm."""
        return self._table.range

    @property
    def wavelength(self) -> float:
        """Control the wavelength for which voltages are converted to watts, nm.

        :raises LimitError: outside :attr:`wavelength_range`: nothing is extrapolated.
        :raises ConfigurationError: if it is asked for before it has been set.
        """
        return self._known_wavelength()

    @wavelength.setter
    def wavelength(self, nanometres: float) -> None:
        advice = f"It was calibrated on {self._calibrated} within these limits."
        lowest, highest = self.wavelength_range
        field = f"{self.name} wavelength (nm)"
        self._wavelength = within(field, nanometres, lowest, highest, advice)

    @property
    def responsivity(self) -> float:
        """Get the responsivity at :attr:`wavelength`, V/W."""
        return self._table.at(self._known_wavelength())

    @property
    def relative_std(self) -> float:
        """Get the relative standard uncertainty of every power, from the calibration (float)."""
        return self._relative_std

    @property
    def dark_voltage(self) -> float:
        """Get the voltage taken for darkness, V: that of the calibration until :meth:`zero`."""
        return self._dark

    @property
    def voltage(self) -> float:
        """Measure the voltage, V, averaged as :attr:`averages` says; the dark one is part of it.

        :raises InstrumentRefused: if a reading is at or beyond the saturation voltage.
        """
        return self._mean(self._averages)

    @property
    def power(self) -> float:
        """Measure the power, W, averaged as :attr:`averages` says.

        :raises ConfigurationError: if :attr:`wavelength` has not been set.
        :raises InstrumentRefused: if a reading is at or beyond the saturation voltage.
        """
        responsivity = self.responsivity
        return (self.voltage - self._dark) / responsivity

    @property
    def averages(self) -> int:
        """Control how many readings of the input are averaged, 1 to 1000."""
        return self._averages

    @averages.setter
    def averages(self, number: int) -> None:
        self._averages = whole(f"{self.name} averages", number, 1, MOST_AVERAGES)

    def zero(self, *, beam_blocked: bool) -> float:
        """Take what the input gives now (mean of 16 readings or more) for darkness; return it, V.

        :param beam_blocked: must be True: the caller has blocked all beams onto the photodiode.
        :raises ConfigurationError: if it is not; nothing is read.
        :raises InstrumentRefused: if a reading is at or beyond the saturation voltage.
        """
        if beam_blocked is not True:
            raise ConfigurationError(
                f"{self.name}: block the beam, then zero with beam_blocked=True."
            )
        dark = self._mean(max(self._averages, ZERO_READINGS))
        self._dark, self._zeroed = dark, True
        log.info("%s: zero adjusted to %g V.", self.name, dark)
        return dark

    def settings(self) -> Mapping[str, float | int | str | bool]:
        """Return what decides how a voltage becomes a power; nothing is read."""
        settings: dict[str, float | int | str | bool] = {
            "input": self._input,
            "calibration_date": f"{self._calibrated}",
            "calibration_relative_std": self._relative_std,
            "dark_voltage_V": self._dark,
            "dark_voltage_measured": self._zeroed,
            "saturation_voltage_V": self._saturation,
            "averages": self._averages,
            "wavelength_set_by_program": self._wavelength is not None,
        }
        if self._wavelength is not None:
            settings |= {
                "wavelength_nm": self._wavelength,
                "responsivity_V_per_W": self.responsivity,
            }
        return settings

    def make_safe(self) -> None:
        """Do nothing: there is nothing to make safe."""

    def shutdown(self) -> None:
        """Use the source no more; it stays open for whoever has opened it."""
        self._source = None

    @property
    def _connected(self) -> VoltageSource:
        if self._source is None:
            raise InstrumentDisconnected(self.name, "it has been shut down.")
        return self._source

    def _known_wavelength(self) -> float:
        if self._wavelength is None:
            raise ConfigurationError(
                f"{self.name}: set the wavelength of the light (nm) before reading its power."
            )
        return self._wavelength

    def _mean(self, number: int) -> float:
        readings = [self._read() for _ in range(number)]
        worst = max(readings, key=abs)
        if abs(worst) >= self._saturation:
            raise InstrumentRefused(
                self.name,
                f"{worst:g} V at its input is at or beyond its saturation, {self._saturation:g} V. "
                "Attenuate the light.",
            )
        return math.fsum(readings) / number

    def _read(self) -> float:
        source = self._connected
        with self._told_by_the_source():
            volts = source.aux_input(self._input)
        try:
            return real("voltage", volts)
        except LimitError:
            raise GarbledAnswer(
                self.name, f"its source gives {volts!r} instead of volts."
            ) from None

    @contextmanager
    def _told_by_the_source(self) -> Iterator[None]:
        """Let an error of the source be one of this instrument, too; its kind stays."""
        try:
            yield
        except InstrumentError as error:
            raise type(error)(self.name, f"its source failed ({error})") from error
        except OSError as error:
            raise InstrumentDisconnected(self.name, f"its source failed ({error}).") from error


def _past(field: str, day: date) -> date:
    today = datetime.now().astimezone().date()
    if not isinstance(day, date) or day > today:
        raise LimitError(field, day, f"a date up to today, which is {today} on this computer")
    return day
