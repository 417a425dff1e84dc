"""Calibrations are dated records that are never changed and carry their own fingerprint."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, fields
from datetime import date
from functools import cached_property
from typing import Any


@dataclass(frozen=True)
class CalibrationRecord:
    """Base of every calibration: immutable, compared by content, identified by :attr:`id`."""

    def content(self) -> dict[str, Any]:
        """Return the kind and the fields as JSON knows them; dates as ISO text."""
        record: dict[str, Any] = {"kind": type(self).__name__}
        for field in fields(self):
            value = getattr(self, field.name)
            if isinstance(value, date):
                value = value.isoformat()
            elif isinstance(value, tuple):
                value = list(value)
            record[field.name] = value
        return record

    @cached_property
    def id(self) -> str:
        """SHA-256 of the content, 64 hexadecimal digits; changes with any field."""
        text = json.dumps(self.content(), sort_keys=True, ensure_ascii=True, allow_nan=False)
        return hashlib.sha256(text.encode("ascii")).hexdigest()
