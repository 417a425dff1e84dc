from __future__ import annotations

import dataclasses
import hashlib
import json
import math
from collections.abc import Callable
from datetime import date

import pytest

from labcool.calibration import ArrheniusCalibration, SpotCalibration
from labcool.errors import LimitError


def arrhenius(**changes: object) -> ArrheniusCalibration:
    record = ArrheniusCalibration(
        0.140, 0.005, valid_range=(283.0, 297.0), date=date(2020, 6, 1), source="ice bath"
    )
    return dataclasses.replace(record, **changes)


def spot(**changes: object) -> SpotCalibration:
    record = SpotCalibration(100.0, 0.8, 0.05, date=date(2020, 6, 1), method="knife edge")
    return dataclasses.replace(record, **changes)


def test_the_id_is_the_hash_of_the_sorted_content() -> None:
    text = (
        '{"activation_energy": 0.14, "date": "2020-06-01", "kind": "ArrheniusCalibration", '
        '"source": "ice bath", "std": 0.005, "valid_range": [283.0, 297.0]}'
    )
    assert arrhenius().id == hashlib.sha256(text.encode()).hexdigest()


@pytest.mark.parametrize(
    "changes",
    [
        {"activation_energy": 0.1400001},
        {"std": 0.006},
        {"valid_range": (283.0, 298.0)},
        {"date": date(2020, 6, 2)},
        {"source": "stage"},
    ],
)
def test_any_field_changes_the_id(changes: dict[str, object]) -> None:
    assert arrhenius(**changes).id != arrhenius().id
    assert arrhenius(**changes) != arrhenius()


def test_whole_numbers_and_lists_make_the_same_record() -> None:
    assert arrhenius(valid_range=[283, 297]).id == arrhenius().id
    assert spot(diameter_um=100).id == spot().id


def test_kinds_differ_even_with_the_same_fields() -> None:
    assert arrhenius().id != spot().id


def test_content_is_plain_json() -> None:
    assert json.loads(json.dumps(arrhenius().content())) == {
        "kind": "ArrheniusCalibration",
        "activation_energy": 0.14,
        "std": 0.005,
        "valid_range": [283.0, 297.0],
        "date": "2020-06-01",
        "source": "ice bath",
    }


def test_records_do_not_change() -> None:
    with pytest.raises(dataclasses.FrozenInstanceError):
        arrhenius().std = 0.1  # type: ignore[misc]


def test_fluence_is_the_mean_over_the_area() -> None:
    calibration = spot()
    assert calibration.area_cm2 == pytest.approx(math.pi * 0.005**2)
    assert calibration.fluence(0.01) == pytest.approx(0.01 * 0.8 / (math.pi * 0.005**2))
    assert calibration.fluence(0.0) == 0.0
    assert calibration.power(calibration.fluence(0.0123)) == pytest.approx(0.0123)


@pytest.mark.parametrize(
    ("call", "field"),
    [
        (lambda: arrhenius(activation_energy=0.0), "activation energy"),
        (lambda: arrhenius(activation_energy=math.nan), "activation energy"),
        (lambda: arrhenius(std=-0.001), "std"),
        (lambda: arrhenius(valid_range=(297.0, 283.0)), "valid range"),
        (lambda: arrhenius(valid_range=(0.0, 283.0)), "valid range"),
        (lambda: arrhenius(source=" "), "source"),
        (lambda: spot(diameter_um=-1.0), "diameter"),
        (lambda: spot(diameter_um=math.inf), "diameter"),
        (lambda: spot(path_transmission=1.01), "transmission"),
        (lambda: spot(path_transmission=0.0), "transmission"),
        (lambda: spot(relative_std=-0.1), "relative std"),
        (lambda: spot(method=""), "method"),
        (lambda: spot().fluence(-1.0), "power"),
        (lambda: spot().fluence(math.nan), "power"),
        (lambda: spot().power(-1.0), "fluence"),
    ],
)
def test_impossible_numbers_are_refused(call: Callable[[], object], field: str) -> None:
    with pytest.raises(LimitError) as refusal:
        call()
    assert field in refusal.value.field
