"""Photodiode at a voltage input: conversion, refusals, zero, and errors of its source."""

from __future__ import annotations

import datetime
import math
from typing import Any

import numpy as np
import pytest

from drivers.photodiode import Photodiode
from drivers.sr830 import SR830
from labcool.bench.roles import PowerMeter, missing_members, roles_of
from labcool.clock import VirtualClock
from labcool.errors import (
    ConfigurationError,
    GarbledAnswer,
    InstrumentDisconnected,
    InstrumentRefused,
    InstrumentTimeout,
    LimitError,
)
from simulators import sr830 as sr830_device
from simulators.memory import MemoryLink

DAY = datetime.date(2025, 11, 3)
TABLE = ((450.0, 1000.0), (550.0, 1400.0), (650.0, 2000.0))


class Card:
    """A data-acquisition card as a plain object."""

    name = "card"

    def __init__(self, *volts: Any) -> None:
        self.volts = volts or (1.402,)
        self.asked: list[int] = []

    def aux_input(self, number: int) -> Any:
        self.asked.append(number)
        found = self.volts[min(len(self.asked) - 1, len(self.volts) - 1)]
        if isinstance(found, Exception):
            raise found
        return found


def photodiode(source: Any = None, **settings: Any) -> Photodiode:
    given = {"calibrated": DAY, "responsivity": TABLE, "relative_std": 0.03, **settings}
    return Photodiode(Card() if source is None else source, "diode", **given)


def test_fills_the_role_power_meter() -> None:
    assert missing_members(Photodiode, PowerMeter) == []
    assert roles_of(Photodiode) == ["PowerMeter"]


@pytest.mark.parametrize(
    ("wavelength", "volts_per_watt"),
    [(450.0, 1000.0), (500.0, 1200.0), (550.0, 1400.0), (600.0, 1700.0), (650.0, 2000.0)],
)
def test_power_is_voltage_over_responsivity(wavelength: float, volts_per_watt: float) -> None:
    diode = photodiode(Card(1.402), dark_voltage=0.002)
    diode.wavelength = wavelength
    assert diode.wavelength == wavelength
    assert diode.responsivity == pytest.approx(volts_per_watt)
    assert diode.power == pytest.approx(1.4 / volts_per_watt)


def test_amperes_per_watt_and_the_transimpedance_of_the_amplifier() -> None:
    diode = photodiode(responsivity=((532.0, 0.3),), responsivity_unit="A/W", transimpedance=5000.0)
    assert diode.wavelength_range == (531.0, 533.0)
    for wavelength in (531.5, 532.0, 533.0):
        diode.wavelength = wavelength
        assert diode.responsivity == pytest.approx(1500.0)
    with pytest.raises(ConfigurationError, match=r"diode: .*needs the transimpedance"):
        photodiode(responsivity_unit="A/W")
    with pytest.raises(ConfigurationError, match=r"diode: .*has the transimpedance in it"):
        photodiode(transimpedance=1e3)


def test_through_the_driver_of_the_sr830_and_nothing_else() -> None:
    clock = VirtualClock()
    device = sr830_device.SR830(
        clock,
        signal=lambda _: 0j,
        reference=lambda _: None,
        aux_in=lambda number, _: 0.7 * number,
        rng=np.random.default_rng(1),
    )
    lock_in = SR830(MemoryLink(device, clock), "lock_in", clock=clock)
    diode = photodiode(lock_in, input=3)
    assert diode.identity == "photodiode on input 3 of lock_in, calibrated 2025-11-03"
    diode.wavelength = 550.0
    # The converter has steps of 1/3 mV.
    assert diode.power == pytest.approx(2.1 / 1400.0, abs=0.5 / 3000 / 1400.0)
    diode.shutdown()
    diode.shutdown()
    with pytest.raises(InstrumentDisconnected, match=r"^diode: "):
        _ = diode.voltage
    assert lock_in.aux_input(1) == pytest.approx(0.7, abs=2e-4)


def test_averages_are_means_of_that_many_readings() -> None:
    card = Card(9.0, 1.0, 2.0, 3.0, 6.0)
    diode = photodiode(card, input=7)
    diode.averages = 4
    assert diode.averages == 4
    assert diode.voltage == pytest.approx(3.0)
    assert card.asked == [7] * 5


def test_no_power_before_the_wavelength_is_set() -> None:
    diode = photodiode()
    for ask in (lambda: diode.power, lambda: diode.wavelength, lambda: diode.responsivity):
        with pytest.raises(ConfigurationError, match="diode: set the wavelength"):
            ask()
    assert "wavelength_nm" not in diode.settings()


def test_wavelength_outside_of_the_calibration_is_refused_and_the_old_one_stays() -> None:
    diode = photodiode()
    diode.wavelength = 500.0
    with pytest.raises(LimitError, match=r"450 to 650.*calibrated on 2025-11-03"):
        diode.wavelength = 449.9
    assert diode.wavelength == 500.0


@pytest.mark.parametrize("volts", [9.5, 10.0, -9.6])
def test_saturation_is_an_error_and_not_a_power(volts: float) -> None:
    diode = photodiode(Card(1.0, 1.0, volts), saturation_voltage=9.5)
    diode.wavelength = 500.0
    diode.averages = 2
    with pytest.raises(InstrumentRefused, match=r"^diode: .*saturation, 9.5 V"):
        _ = diode.power


def test_zero_replaces_the_dark_voltage() -> None:
    card = Card(*[0.5] * 2, *[0.010, 0.014] * 8, 1.412)
    diode = photodiode(card, dark_voltage=0.002)
    diode.wavelength = 550.0
    assert diode.power == pytest.approx(0.498 / 1400.0)
    before = len(card.asked)
    with pytest.raises(ConfigurationError, match="diode: block the beam"):
        diode.zero(beam_blocked=False)
    assert len(card.asked) == before
    assert diode.zero(beam_blocked=True) == pytest.approx(0.012)
    assert diode.dark_voltage == pytest.approx(0.012)
    assert diode.settings()["dark_voltage_measured"] is True
    assert diode.power == pytest.approx(1.4 / 1400.0)


def test_zero_in_bright_light_is_refused_and_the_old_one_stays() -> None:
    diode = photodiode(Card(1.0, 10.0), saturation_voltage=9.0)
    with pytest.raises(InstrumentRefused):
        diode.zero(beam_blocked=True)
    assert diode.dark_voltage == 0.0


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (InstrumentTimeout("lock_in", "no answer."), InstrumentTimeout),
        (GarbledAnswer("lock_in", "?"), GarbledAnswer),
        (OSError("unplugged"), InstrumentDisconnected),
    ],
)
def test_error_of_the_source_is_told_with_both_names(error: Exception, kind: type) -> None:
    diode = photodiode(Card(1.0, error))
    with pytest.raises(kind, match=r"^diode: its source failed") as caught:
        _ = diode.voltage
    assert str(error) in str(caught.value)
    with pytest.raises(kind, match=r"^diode: "):
        photodiode(Card(error))


@pytest.mark.parametrize("volts", [math.nan, math.inf, "1.0", True, None])
def test_what_is_no_voltage_is_garbled(volts: object) -> None:
    diode = photodiode(Card(1.0, volts))
    with pytest.raises(GarbledAnswer, match=r"^diode: "):
        _ = diode.voltage


@pytest.mark.parametrize(
    "settings",
    [
        {"input": 0},
        {"input": 1.5},
        {"input": True},
        {"relative_std": -0.1},
        {"relative_std": math.nan},
        {"dark_voltage": 1.5},
        {"saturation_voltage": 0.0},
        {"saturation_voltage": 11.0},
        {"responsivity": ()},
        {"responsivity": ((532.0,),)},
        {"responsivity": ((532.0, 0.0),)},
        {"responsivity": ((532.0, math.inf),)},
        {"responsivity": ((50.0, 1.0),)},
        {"responsivity": ((532.0, 1.0), (532.0, 2.0))},
        {"responsivity": ((532.0, 1.0), (500.0, 2.0))},
        {"responsivity_unit": "W/V"},
        {"responsivity_unit": "A/W", "transimpedance": -1.0},
        {"calibrated": datetime.date(2999, 1, 1)},
        {"calibrated": "2025-11-03"},
    ],
    ids=str,
)
def test_bad_settings_are_refused_before_anything_is_read(settings: dict[str, Any]) -> None:
    card = Card()
    with pytest.raises(LimitError, match="diode"):
        photodiode(card, **settings)
    assert card.asked == []
