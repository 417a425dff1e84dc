"""Calibrations are dated records that are never changed and carry their own fingerprint."""

from __future__ import annotations

import datetime
import hashlib
import json
import math
from dataclasses import MISSING, dataclass, fields
from functools import cached_property
from typing import Any, ClassVar, Final

from labcool.calibration.checks import not_negative, stated
from labcool.errors import LimitError

_OPTIONAL: Final = frozenset(
    {
        "method",
        "source",
        "source_run",
        "life_days",
        "valid_range",
        "chi2",
        "degrees_of_freedom",
    }
)


@dataclass(frozen=True, kw_only=True)
class CalibrationRecord:
    """Base of every calibration: immutable, compared by content, identified by :attr:`id`.

    What every record can state, whatever it calibrates:

    :param date: day of the calibration.
    :param method: how it was measured, e.g. ``"knife edge"``.
    :param source: the measurement, person or publication it comes from.
    :param source_run: identifier of the run file it was derived from.
    :param life_days: days after which it should be repeated; 0: it does not age.
    :param valid_range: what it was checked for, in :attr:`range_unit`; None: not limited.
    :param chi2: χ² of the fit that gave it, with its ``degrees_of_freedom``; None: no fit.
    :raises LimitError: if a number is outside its range, or a text that this kind requires is
        empty.
    """

    required: ClassVar[tuple[str, ...]] = ()
    """Texts that must be stated."""
    range_unit: ClassVar[str] = ""
    """Unit of :attr:`valid_range`; empty for kinds that have none."""

    date: datetime.date
    method: str = ""
    source: str = ""
    source_run: str = ""
    life_days: float = 0.0
    valid_range: tuple[float, float] | None = None
    chi2: float | None = None
    degrees_of_freedom: int | None = None

    def __post_init__(self) -> None:
        for name in self.required:
            stated(f"{name} of the calibration", getattr(self, name))
        life = not_negative("life of the calibration (days)", self.life_days)
        object.__setattr__(self, "life_days", life)
        if self.chi2 is not None:
            object.__setattr__(self, "chi2", not_negative("χ² of the calibration", self.chi2))
        if self.valid_range is not None:
            low, high = map(float, self.valid_range)
            if not (math.isfinite(low) and math.isfinite(high) and low < high):
                field = f"valid range ({self.range_unit})"
                raise LimitError(field, self.valid_range, "(lower, higher)")
            # Whole numbers from a configuration file must not give another id than floats.
            object.__setattr__(self, "valid_range", (low, high))

    def content(self) -> dict[str, Any]:
        """Return the kind and the fields as JSON knows them; dates as ISO text.

        What every kind *may* state and this one does not is left out, so that the id of a record
        stays the same when there is more that can be stated.
        """
        record: dict[str, Any] = {"kind": type(self).__name__}
        for field in fields(self):
            value = getattr(self, field.name)
            if field.name in _OPTIONAL and field.default is not MISSING and value == field.default:
                continue
            record[field.name] = (
                value.isoformat() if isinstance(value, datetime.date) else _plain(value)
            )
        return record

    @cached_property
    def id(self) -> str:
        """SHA-256 of the content, 64 hexadecimal digits; changes with any field."""
        text = json.dumps(self.content(), sort_keys=True, ensure_ascii=True, allow_nan=False)
        return hashlib.sha256(text.encode("ascii")).hexdigest()

    def age_days(self, day: datetime.date) -> int:
        """Return how old it is on a day."""
        return (day - self.date).days

    def is_outdated(self, day: datetime.date) -> bool:
        """Return True if it is older than its stated life on a day."""
        return 0 < self.life_days < self.age_days(day)

    def covers(self, value: float) -> bool:
        """Return True if a value (in :attr:`range_unit`) lies in its range of validity."""
        return self.valid_range is None or self.valid_range[0] <= value <= self.valid_range[1]


def _plain(value: Any) -> Any:
    return [_plain(item) for item in value] if isinstance(value, tuple) else value
