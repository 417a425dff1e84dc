"""Where the data of a calibration come from, stated once for every kind of fit."""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import date
from typing import Any

from labcool.fitting.curve import CurveFit


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """What a record states beside its numbers; see ``CalibrationRecord`` for the meaning."""

    date: date
    source: str
    method: str = ""
    source_run: str = ""
    life_days: float = 0.0

    def stated(self, method: str, *fits: CurveFit) -> dict[str, Any]:
        """Return the fields of a record.

        :param method: used if none is stated.
        :param fits: whose χ² and degrees of freedom are added up.
        """
        found: dict[str, Any] = asdict(self) | {"method": self.method or method}
        if fits:
            found["chi2"] = sum(fit.chi2 for fit in fits)
            found["degrees_of_freedom"] = sum(fit.degrees_of_freedom for fit in fits)
        return found
