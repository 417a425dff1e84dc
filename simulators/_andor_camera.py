"""The simulated camera itself: what the functions of the library act on."""

from __future__ import annotations

import math
import threading
from collections.abc import Callable
from typing import Any, Final, TypeAlias

import numpy as np
from numpy.typing import NDArray

from labcool.clock import Clock
from labcool.errors import LimitError
from simulators._andor_codes import AcquisitionMode, ReadMode, Status, TriggerMode
from simulators._andor_cooler import Cooler
from simulators._andor_ctypes import Refused
from simulators._andor_detector import EmSensor
from simulators._andor_models import MODELS
from simulators._andor_series import Image, Light, Plan, Ring, Series
from simulators._andor_setup import Setup, Timings
from simulators._andor_shutter import InternalShutter

Exposure: TypeAlias = "Callable[[float, float], Callable[[], NDArray[Any]]]"
"""Called with the start (clock s) and duration (s) when an exposure begins; what it returns is
called once the exposure has ended and gives the expected photoelectrons of each column, shape
(column,), in the order of ascending wavelength."""

START_S: Final = 0.005
"""Time that starting an acquisition takes, clock s."""
WATCH_S: Final = 0.1
"""A wait looks this often whether somebody has aborted, triggered or unplugged, clock s."""
UNLIMITED_S: Final = 60.0
"""A wait without time-out is ended if nothing has come by then, so that no test hangs, clock s."""
_BYTES_PER_VALUE: Final = 4
_FEWEST_IMAGES: Final = 2


class AndorCamera:
    """An iXon Ultra with its power on, at room temperature, not yet initialised by anybody.

    :param expose: the light path, see :data:`Exposure`.
    :param rng: draws the fixed patterns of the sensor now, and all noise later.
    :param model: ``"iXon Ultra 897"`` (512 x 512) or ``"iXon Ultra 888"`` (1024 x 1024).
    :param serial: above 0.
    :param light_rows: first and last row (from 1, at the bottom) on which the light falls, evenly;
        None: 20 rows in the middle.
    :param bias: mean reading without light, counts.
    :param bias_drift: standard deviation of its slow drift, counts.
    :param clock_induced_charge: electrons per pixel and exposure.
    :param cosmic_rate: hits per cm² and second.
    :param room: temperature of the room, °C.
    :param buffer_bytes: size of the circular buffer, four bytes a value.
    :param initialise_time: how long ``Initialize`` takes, s.
    :param forgets_exposure: whether another acquisition mode puts the exposure back to 0.1 s, as
        one public driver fears.
    :raises LimitError: for a model, serial number, rows or buffer that cannot be.
    """

    def __init__(
        self,
        clock: Clock,
        *,
        expose: Exposure,
        rng: np.random.Generator,
        model: str = "iXon Ultra 897",
        serial: int = 12345,
        light_rows: tuple[int, int] | None = None,
        bias: float = 200.0,
        bias_drift: float = 1.0,
        clock_induced_charge: float = 0.005,
        cosmic_rate: float = 0.03,
        room: float = 25.0,
        buffer_bytes: int = 48 * 2**20,
        initialise_time: float = 5.0,
        forgets_exposure: bool = False,
    ) -> None:
        if model not in MODELS:
            raise LimitError("camera model", model, f"one of {', '.join(MODELS)}")
        if serial < 1:
            raise LimitError("serial number", serial, "above 0")
        self.clock = clock
        self.model = MODELS[model]
        first, last = light_rows or (self.model.rows // 2 - 9, self.model.rows // 2 + 10)
        if not 1 <= first <= last <= self.model.rows:
            raise LimitError("light_rows", light_rows, f"ascending, within 1 to {self.model.rows}")
        if buffer_bytes < 2**20:
            raise LimitError("buffer_bytes", buffer_bytes, f"{2**20} or more")
        self.serial = serial
        self.row_profile: NDArray[np.float64] = np.zeros(self.model.rows)
        """Part of a column's light that falls on each row, shape (row,)."""
        self.row_profile[first - 1 : last] = 1 / (last - first + 1)
        self.cooler = Cooler(clock.now(), room)
        self.shutter = InternalShutter()
        self.initialise_time = initialise_time
        self.forgets_exposure = forgets_exposure
        self.in_use_elsewhere = False
        """Control whether another program has the camera."""
        self.status_fault: int | None = None
        """Control what ``GetStatus`` says instead of the truth, for tests of broken benches."""
        self.setup = Setup(self.model)
        """What the host has set since the last initialisation."""
        self.owner: object | None = None
        """The loaded library that has initialised the camera."""
        self.lock = threading.RLock()
        self.link_lost = False
        """Whether the connection was interrupted since the last initialisation."""
        self.ring = Ring(_FEWEST_IMAGES)
        self._sensor = EmSensor(
            rng,
            self.model,
            row_profile=self.row_profile,
            bias=bias,
            bias_drift=bias_drift,
            clock_induced_charge=clock_induced_charge,
            cosmic_rate=cosmic_rate,
        )
        self._expose = expose
        self._buffer_bytes = buffer_bytes
        self._unplugged = False
        self._series: Series | None = None
        self._progress = (0, 0)
        self._waited_for = 0
        self._cancelled = False

    @property
    def columns(self) -> int:
        """Pixels in a row, which the light path has to fill."""
        return self.model.columns

    @property
    def shutter_is_open(self) -> bool:
        """Whether light passes the internal shutter now."""
        with self.lock:
            self.advance()
            return self.shutter.is_open(self.clock.now())

    @property
    def sensor_temperature(self) -> float:
        """True temperature of the sensor now, °C."""
        with self.lock:
            self.advance()
            return self.cooler.sensor

    @property
    def cooler_drift(self) -> float:
        """Control how far from its set temperature the sensor settles, K, for tests of faults."""
        return self.cooler.drift

    @cooler_drift.setter
    def cooler_drift(self, kelvin: float) -> None:
        with self.lock:
            self.advance()
            self.cooler.drift = kelvin

    @property
    def unplugged(self) -> bool:
        """Control whether the USB cable is out. The cooler goes on: it has its own supply.

        Every function answers 20089 from then on, also after the cable is back, until the library
        has been initialised again.
        """
        return self._unplugged

    @unplugged.setter
    def unplugged(self, unplugged: bool) -> None:
        with self.lock:
            self.advance()
            self._unplugged = unplugged
            if unplugged:
                self.link_lost = self.owner is not None
                self.abort()

    @property
    def acquiring(self) -> bool:
        """Whether an acquisition is under way."""
        return self._series is not None

    @property
    def progress(self) -> tuple[int, int]:
        """Exposures in the image being added up, and images finished, of the last acquisition."""
        if self._series is not None:
            return self._series.accumulations_done, self._series.ring.total
        return self._progress

    def trigger(self) -> None:
        """Give a pulse on the external trigger input."""
        with self.lock:
            self.advance()
            if self._series is not None and self.setup.trigger_mode is not TriggerMode.SOFTWARE:
                self._series.trigger(self.clock.now())

    def software_trigger(self) -> None:
        """Start an exposure by ``SendSoftwareTrigger``.

        :raises Refused: if the camera does not wait for one.
        """
        if self._series is None or self.setup.trigger_mode is not TriggerMode.SOFTWARE:
            raise Refused(Status.INVALID_MODE)
        self._series.trigger(self.clock.now())

    def advance(self) -> None:
        """Let sensor, cooler and acquisition do what they do by themselves, up to now."""
        now = self.clock.now()
        series = self._series
        if series is not None:
            series.advance(now)
            if series.finished:
                self._end(series)
        self.cooler.advance(now)

    def reset(self) -> None:
        """Begin with the settings of a library that has just been initialised."""
        self.abort()
        self.setup = Setup(self.model)
        self.ring = Ring(_FEWEST_IMAGES)
        self._progress = (0, 0)
        self._waited_for = 0
        self.link_lost = False

    def timings(self) -> Timings:
        """Return the times of an acquisition with the present settings.

        :raises Refused: if the parameters of the read mode have not been set.
        """
        return self.setup.timings()

    def ring_size(self) -> int:
        """Return how many images the circular buffer holds.

        :raises Refused: as :meth:`timings`.
        """
        values = self.setup.layout.values
        return max(self._buffer_bytes // (_BYTES_PER_VALUE * values), _FEWEST_IMAGES)

    def check_ready(self) -> None:
        """Refuse what cannot be acquired.

        UNVERIFIED: the codes, and that plain external triggers do not go with full vertical
        binning (as a public driver says).

        :raises Refused: see above.
        """
        self.setup.timings()
        external = self.setup.trigger_mode is TriggerMode.EXTERNAL
        fast = self.setup.acquisition_mode is AcquisitionMode.FAST_KINETIC
        if external and self.setup.read_mode is ReadMode.FULL_VERTICAL_BINNING and not fast:
            raise Refused(Status.ACQUISITION_ERRORS)

    def start(self) -> None:
        """Start an acquisition now.

        :raises Refused: if it cannot be acquired.
        """
        self.check_ready()
        setup = self.setup
        now = self.clock.now()
        self.ring = Ring(self.ring_size())
        self._waited_for = 0
        self._cancelled = False
        plan = Plan(
            setup.timings(),
            setup.images,
            setup.accumulated,
            setup.prescans if setup.acquisition_mode is AcquisitionMode.KINETIC else 0,
            setup.trigger_mode,
            at_once=setup.acquisition_mode is AcquisitionMode.FAST_KINETIC,
        )
        self._series = Series(
            plan,
            self.ring,
            now + self.shutter.acquisition_starts(now),
            begin=self._begin_exposure,
            develop=self._develop,
        )

    def abort(self) -> None:
        """Stop the acquisition; images that are finished stay in the buffer."""
        if self._series is not None:
            self._end(self._series)

    def wait(self, seconds: float) -> None:
        """Let time pass until an image has arrived that nobody has waited for.

        :param seconds: how long to wait, clock s.
        :raises Refused: if none came, or the cable was pulled.
        """
        deadline = self.clock.now() + seconds
        while True:
            with self.lock:
                if self.link_lost:
                    raise Refused(Status.USB_ERROR)
                self.advance()
                if self.ring.total > self._waited_for:
                    self._waited_for = self.ring.total
                    return
                series = self._series
                due = math.inf if series is None else series.next_event
                now = self.clock.now()
                if self._cancelled or now >= deadline:
                    self._cancelled = False
                    raise Refused(Status.NO_NEW_DATA)
            self.clock.sleep(min((due or math.inf) - now, deadline - now, WATCH_S))

    def forget_images(self) -> None:
        """Empty the circular buffer."""
        self.ring = Ring(self.ring.capacity)

    def cancel_wait(self) -> None:
        """End a wait in another thread, or the next one in this."""
        self._cancelled = True

    def _end(self, series: Series) -> None:
        self._progress = (series.accumulations_done, series.ring.total)
        self._series = None
        self.shutter.acquisition_ends(self.clock.now())

    def _begin_exposure(self, start: float, duration: float) -> Light:
        lit, end = self.shutter.lit(start, start + duration)
        if end <= lit:
            return lambda: None
        if (lit, end) == (start, start + duration):
            return self._expose(start, duration)
        return self._expose(lit, end - lit)

    def _develop(self, light: NDArray[Any] | None, moment: float) -> Image:
        self.cooler.advance(moment)
        setup = self.setup
        counts = self._sensor.read_out(
            light,
            setup.layout,
            setup.chain,
            duration=setup.timings().exposure,
            moment=moment,
            celsius=self.cooler.sensor,
        )
        across, upside_down = setup.flip
        counts = counts[:, ::-1] if across else counts
        return counts[::-1] if upside_down else counts
