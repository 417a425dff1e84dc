"""Every kind of record as plain data and back, and what is refused on the way."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import pytest

from labcool.calibration import (
    PEAK_ENERGY,
    ArrheniusCalibration,
    CalibrationRecord,
    PolynomialCalibration,
    ResponseCalibration,
    SpotCalibration,
    VarshniCalibration,
    WavelengthCalibration,
    from_plain,
    to_plain,
)
from labcool.calibration.exchange import KINDS
from labcool.errors import ConfigurationError, LimitError

ABOUT: dict[str, Any] = {"date": date(2026, 5, 1), "source": "stage", "method": "by hand"}
COVARIANCE = ((1e-6, 1e-9), (1e-9, 1e-10))
RECORDS: list[CalibrationRecord] = [
    ArrheniusCalibration(0.14, 0.002, valid_range=(283, 297), chi2=7.5, degrees_of_freedom=6,
                         **ABOUT),
    SpotCalibration(100, 0.6, 0.05, life_days=30, **ABOUT),
    PolynomialCalibration(PEAK_ENERGY, "eV", (2.4, 3e-4), COVARIANCE, 298.15,
                          valid_range=(200, 310), source_run="0f5e", **ABOUT),
    VarshniCalibration((2.34, -4.5e-4, 250.0), ((1e-6, 0, 0), (0, 1e-12, 0), (0, 0, 1)),
                       valid_range=(80, 310), **ABOUT),
    WavelengthCalibration((500.0, 0.3), COVARIANCE, 1024, valid_range=(10, 2000), **ABOUT),
    ResponseCalibration((500.0, 510.0), (0.5, 1.0), (0.01, 0.02), 0.05, valid_range=(500, 510),
                        **ABOUT),
]  # fmt: skip
KIND_NAMES = [type(record).__name__ for record in RECORDS]


def test_every_kind_is_tested() -> None:
    assert set(KIND_NAMES) == set(KINDS)


@pytest.mark.parametrize("record", RECORDS, ids=KIND_NAMES)
def test_a_record_comes_back_as_it_was(record: CalibrationRecord) -> None:
    text = json.dumps(to_plain(record))
    again = from_plain(json.loads(text))
    assert again == record
    assert type(again) is type(record)
    assert again.id == record.id
    assert again.content() == record.content()


@pytest.mark.parametrize("record", RECORDS, ids=KIND_NAMES)
def test_a_record_that_was_changed_is_refused(record: CalibrationRecord) -> None:
    plain = to_plain(record) | {"source": "another stage"}
    with pytest.raises(ConfigurationError, match="has been changed"):
        from_plain(plain)


@pytest.mark.parametrize(
    ("changes", "message"),
    [
        ({"kind": "MoodCalibration"}, "'MoodCalibration' is not known"),
        ({"kind": None}, "is not known; there are: ArrheniusCalibration"),
        ({"colour": "red"}, "has no colour"),
        ({"date": "yesterday"}, "cannot be used"),
        ({"date": None}, "cannot be used"),
        ({"std": "little"}, "cannot be used"),
        ({"std": -1.0}, "std of the activation energy"),
        ({"valid_range": [297.0, 283.0]}, "valid range"),
        ({"id": "0" * 64}, "has been changed"),
    ],
)
def test_plain_data_that_is_no_calibration(changes: dict[str, object], message: str) -> None:
    with pytest.raises(ConfigurationError) as refusal:
        from_plain(to_plain(RECORDS[0]) | changes)
    assert message in str(refusal.value)


def test_what_is_not_stated_is_not_in_the_content() -> None:
    """So that ids stay when there is more that can be stated."""
    spot = SpotCalibration(100.0, 0.6, 0.05, date=date(2026, 5, 1), method="knife edge")
    assert spot.content() == {
        "kind": "SpotCalibration",
        "date": "2026-05-01",
        "method": "knife edge",
        "diameter_um": 100.0,
        "path_transmission": 0.6,
        "relative_std": 0.05,
    }


def test_age_life_and_range() -> None:
    spot, arrhenius = RECORDS[1], RECORDS[0]
    assert spot.age_days(date(2026, 5, 31)) == 30
    assert not spot.is_outdated(date(2026, 5, 31))
    assert spot.is_outdated(date(2026, 6, 1))
    assert not arrhenius.is_outdated(date(2096, 1, 1))
    assert [arrhenius.covers(kelvin) for kelvin in (282.9, 283.0, 297.0, 297.1)] == [
        False, True, True, False,
    ]  # fmt: skip
    assert spot.covers(-5.0)


@pytest.mark.parametrize(
    "changes",
    [
        {"life_days": -1.0}, {"life_days": float("nan")}, {"chi2": -1.0}, {"source": " "},
        {"valid_range": (283.0, float("inf"))}, {"valid_range": (-1.0, 283.0)},
    ],
)  # fmt: skip
def test_what_every_record_refuses(changes: dict[str, Any]) -> None:
    with pytest.raises(LimitError):
        ArrheniusCalibration(0.14, 0.002, **({"valid_range": (283, 297), **ABOUT} | changes))


@pytest.mark.parametrize(
    ("wavelengths", "response", "std", "slope"),
    [
        ((500.0,), (1.0,), (0.0,), 0.0),
        ((500.0, 510.0), (1.0,), (0.0, 0.0), 0.0),
        ((510.0, 500.0), (1.0, 1.0), (0.0, 0.0), 0.0),
        ((500.0, 510.0), (0.0, 1.0), (0.0, 0.0), 0.0),
        ((500.0, 510.0), (1.0, 1.0), (0.0, -0.1), 0.0),
        ((500.0, 510.0), (1.0, 1.0), (0.0, 0.0), -1.0),
    ],
)
def test_a_response_that_cannot_be(wavelengths: Any, response: Any, std: Any, slope: float) -> None:
    with pytest.raises(LimitError):
        ResponseCalibration(wavelengths, response, std, slope, valid_range=(500, 510), **ABOUT)
