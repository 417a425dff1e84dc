"""Records as plain data, for files, and back: what has been changed is noticed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import fields
from datetime import date
from typing import Any, Final

from labcool.calibration.arrhenius import ArrheniusCalibration
from labcool.calibration.curve import PolynomialCalibration, VarshniCalibration
from labcool.calibration.record import CalibrationRecord
from labcool.calibration.response import ResponseCalibration
from labcool.calibration.spot import SpotCalibration
from labcool.calibration.wavelength import WavelengthCalibration
from labcool.errors import ConfigurationError

KINDS: Final[Mapping[str, type[CalibrationRecord]]] = {
    kind.__name__: kind
    for kind in (
        ArrheniusCalibration,
        PolynomialCalibration,
        ResponseCalibration,
        SpotCalibration,
        VarshniCalibration,
        WavelengthCalibration,
    )
}


def to_plain(record: CalibrationRecord) -> dict[str, Any]:
    """Return id, kind and fields, as JSON knows them."""
    return {"id": record.id, **record.content()}


def from_plain(plain: Mapping[str, Any]) -> CalibrationRecord:
    """Return the record that :func:`to_plain` gave.

    :raises ConfigurationError: if the kind or a field is not known or missing, a number is out of
        its range, or the content is not what the id says.
    """
    content = dict(plain)
    stated_id, kind = content.pop("id", None), content.pop("kind", None)
    if kind not in KINDS:
        raise ConfigurationError(
            f"a calibration of the kind {kind!r} is not known; there are: {', '.join(KINDS)}."
        )
    names = {field.name for field in fields(KINDS[kind])}
    if unknown := content.keys() - names:
        raise ConfigurationError(f"a {kind} has no {', '.join(sorted(unknown))}.")
    try:
        content["date"] = date.fromisoformat(content["date"])
        record = KINDS[kind](**{name: _tuples(value) for name, value in content.items()})
    except (KeyError, TypeError, ValueError) as error:
        raise ConfigurationError(f"this {kind} cannot be used: {error}") from error
    if record.id != stated_id:
        raise ConfigurationError(
            f"this {kind} has been changed: its content has the id {record.id[:12]}, but it says "
            f"{str(stated_id)[:12]}. A calibration is never edited; make a new one."
        )
    return record


def _tuples(value: Any) -> Any:
    return tuple(_tuples(item) for item in value) if isinstance(value, list) else value
