from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

import h5py
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labcool.storage.layout import Quantity
from labcool.storage.values import (
    read_quantities,
    read_settings,
    unit_of_key,
    write_settings,
    write_value,
)

plain = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(allow_nan=False),
    st.text(st.characters(exclude_categories=("Cs",))),
    st.lists(st.text(st.characters(exclude_categories=("Cs",), exclude_characters="\0"))),
)


def _memory() -> h5py.File:
    return h5py.File("values", "w", driver="core", backing_store=False)


@settings(deadline=None, max_examples=60)
@given(plain)
def test_every_plain_value_comes_back_as_it_was(value: Any) -> None:
    with _memory() as file:
        write_value(file, "x", (value, "K"))
        found = read_quantities(file)["x"]
    assert found == (value, "K")
    assert type(found.value) is type(value)


def test_arrays_dates_and_nested_mappings() -> None:
    covariance = [[1.0, 0.5], [0.5, 2.0]]
    when = datetime(2026, 1, 2, tzinfo=UTC)
    with _memory() as file:
        write_settings(
            file,
            {
                "c-1": {"covariance": covariance, "date": when, "empty": {}},
                "power_W": np.float64(1.5),
                "range": (77, 373),
                "W/cm²": 3.0,
                "gain": Quantity(2.5, "eV"),
            },
        )
        found = read_settings(file)
        assert file["power_W"].attrs["units"] == "W"
        assert file["gain"].attrs["units"] == "eV"
    assert found["c-1"]["covariance"].tolist() == covariance
    assert found["c-1"]["date"] == "2026-01-02T00:00:00+00:00"
    assert found["c-1"]["empty"] == {}
    assert found["power_W"] == 1.5
    assert found["range"].tolist() == [77, 373]
    assert found["W/cm²"] == 3.0
    assert found["gain"] == 2.5


@pytest.mark.parametrize("value", ["", None, [], "a\0"])
def test_what_hdf5_readers_trip_over_is_json_text(value: object) -> None:
    with _memory() as file:
        write_value(file, "x", (value, ""))
        assert file["x"].attrs["encoding"] == "json"
        assert file["x"].asstr()[()]
        assert file["x"].size == 1


@pytest.mark.parametrize(
    ("key", "unit"),
    [
        ("power_W", "W"),
        ("wavelength_nm", "nm"),
        ("fluence_W_cm2", "W/cm^2"),
        ("ramp_rate_K_per_min", "K/min"),
        ("angle_deg", "degree"),
        ("averages", ""),
        ("K", ""),
        ("shutter_closed", ""),
    ],
)
def test_units_are_read_from_keys(key: str, unit: str) -> None:
    assert unit_of_key(key) == unit
