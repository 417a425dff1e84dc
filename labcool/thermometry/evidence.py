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
    :raises LimitError: if a length differs, or a number cannot be.
    """

    monitor: Floats | None = None
    monitor_std: float = 0.0
    scatter: Floats | None = None
    scatter_std: float = 0.0
    dose: Floats | None = None

    def __post_init__(self) -> None:
        given = [series for series in (self.monitor, self.scatter, self.dose) if series is not None]
        if len({np.shape(series) for series in given}) > 1:
            raise LimitError(
                "lengths of the evidence", [np.shape(series) for series in given], "the same"
            )
        for field, relative in (("monitor", self.monitor), ("scatter", self.scatter)):
            if relative is not None and not (relative[np.isfinite(relative)] > 0).all():
                raise LimitError(f"{field} (relative)", float(np.nanmin(relative)), "above 0")
        if self.dose is not None and not (np.diff(self.dose) >= 0).all():
            raise LimitError("dose (J/cm²)", "falls with time", "the sum of all light so far")

    @property
    def length(self) -> int:
        """Number of times; 0 if there is no series."""
        given = [series for series in (self.monitor, self.scatter, self.dose) if series is not None]
        return len(given[0]) if given else 0

    def measured(self) -> Iterator[tuple[str, Floats, float]]:
        """Yield (cause, what it did to ln I, std of that) for fluence and focus, if they are known.

        With a monitor alone only the fluence is, with scattered light alone only their product.
        """
        fluence = None
        if self.monitor is not None:
            fluence = np.log(self.monitor / _first(self.monitor))
            yield "fluence drift", fluence, self.monitor_std
        if self.scatter is not None:
            both = np.log(self.scatter / _first(self.scatter))
            if fluence is None:
                yield "fluence or focus drift", both, self.scatter_std
            else:
                spread = float(np.hypot(self.scatter_std, self.monitor_std))
                yield "focus drift", both - fluence, spread


def _first(series: Floats) -> float:
    """Return a level of the beginning: the mean of the first twentieth."""
    start = series[: max(1, len(series) // 20)]
    return float(np.nanmean(start))
