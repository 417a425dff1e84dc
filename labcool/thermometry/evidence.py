"""What else a bench knows while temperatures are read: pump, scattered light, dose.

The intensity of the luminescence is ``I ∝ F · c · n · exp(−Ea/kB T)``: fluence F, collection c (the
focus), emitters n that are left. Only the last factor is temperature. The first three are told
apart by what they do elsewhere: a monitor before the sample sees F alone, the pump light that the
sample scatters into the spectrometer sees F · c, and what destroys emitters does so for good, in
proportion to the light that fell.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from labcool.errors import LimitError
from labcool.thermometry._series import first_level

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Evidence:
    """Series beside the temperatures, shape (n,) each; leave out what was not measured.

    Only relative changes matter, so any unit will do. What depends on the fluence must be divided
    by the *nominal* fluence, if that was changed on purpose.

    :param monitor: pump power before the sample over nominal power, with its relative std of each
        reading in ``monitor_std``.
    :param scatter: pump light scattered into the spectrometer over nominal fluence and exposure,
        with ``scatter_std`` (relative).
    :param dose: light that has fallen on the sample up to each time, J/cm², never falling.
    :param time: of each reading, s, never falling; None: readings at equal intervals.
    :raises LimitError: if a length differs, or a number cannot be.
    """

    monitor: Floats | None = None
    monitor_std: float = 0.0
    scatter: Floats | None = None
    scatter_std: float = 0.0
    dose: Floats | None = None
    time: Floats | None = None

    def __post_init__(self) -> None:
        given = self._given()
        if len({np.shape(series) for series in given}) > 1:
            raise LimitError(
                "lengths of the evidence", [np.shape(series) for series in given], "the same"
            )
        for field, relative in (("monitor", self.monitor), ("scatter", self.scatter)):
            if relative is not None and not (relative[np.isfinite(relative)] > 0).all():
                raise LimitError(f"{field} (relative)", float(np.nanmin(relative)), "above 0")
        for field, std in (
            ("monitor_std (relative)", self.monitor_std),
            ("scatter_std (relative)", self.scatter_std),
        ):
            if not 0 <= std < np.inf:
                raise LimitError(field, std, "0 or more")
        if self.dose is not None and not (np.diff(self.dose) >= 0).all():
            raise LimitError("dose (J/cm²)", "falls with time", "the sum of all light so far")
        if self.time is not None and not (np.diff(self.time) >= 0).all():
            raise LimitError("time (s)", "falls, or is not known", "in order")

    @property
    def length(self) -> int:
        """Number of times; 0 if there is no series."""
        given = self._given()
        return len(given[0]) if given else 0

    def _given(self) -> list[Floats]:
        every = (self.monitor, self.scatter, self.dose, self.time)
        return [series for series in every if series is not None]

    def measured(self) -> Iterator[tuple[str, Floats, float]]:
        """Yield (cause, what it did to ln I, std of that) for fluence and focus, if they are known.

        With a monitor alone only the fluence is, with scattered light alone only their product.
        """
        fluence = None
        if self.monitor is not None and np.isfinite(self.monitor).any():
            fluence = np.log(self.monitor / first_level(self.monitor))
            yield "fluence drift", fluence, self.monitor_std
        if self.scatter is None or not np.isfinite(self.scatter).any():
            return
        both = np.log(self.scatter / first_level(self.scatter))
        if fluence is None:
            yield "fluence or focus drift", both, self.scatter_std
        else:
            spread = float(np.hypot(self.scatter_std, self.monitor_std))
            yield "focus drift", both - fluence, spread
