"""What a host has set in the camera, and the times that follow from it.

Times are composed of shifting rows and digitising pixels: a frame leaves in rows × vertical time +
tracks × (columns / horizontal speed). Without frame transfer an image begins after the one before
has been read and the sensor cleaned (one sweep over all rows); with it, exposure and read-out
overlap, so that an exposure lasts at least as long as the read-out. UNVERIFIED: all of it (it is
computed, no maker's data), the shortest exposures, and that full vertical binning cannot expose
for less than one sweep over the rows.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Final

from simulators._andor_codes import AcquisitionMode, GainMode, ReadMode, Status, TriggerMode
from simulators._andor_ctypes import Refused
from simulators._andor_detector import Chain
from simulators._andor_layout import Layout, full_vertical
from simulators._andor_models import Amplifier, CameraModel

SHORTEST_EXPOSURE_S: Final = 1e-5
LONGEST_EXPOSURE_S: Final = 10_000.0
HIGHEST_SAFE_GAIN: Final = 300
HIGHEST_GAIN: Final = 1000
_LOWEST_REAL_GAIN: Final = 2
_DAC_FULL_SCALE: Final = {GainMode.DAC_8_BIT: 255, GainMode.DAC_12_BIT: 4095}


@dataclass(frozen=True, slots=True)
class FastKinetics:
    """A series within one frame: every exposure fills the next ``rows`` rows of the store."""

    rows: int
    length: int
    exposure: float
    layout: Layout


@dataclass(frozen=True, slots=True)
class Timings:
    """Times of an acquisition, s."""

    exposure: float
    accumulate: float
    kinetic: float
    readout: float
    keep_clean: float


@dataclass
class Setup:
    """All settings as they are after ``Initialize``. Times in s."""

    model: CameraModel
    acquisition_mode: AcquisitionMode = AcquisitionMode.SINGLE
    read_mode: ReadMode = ReadMode.FULL_VERTICAL_BINNING
    trigger_mode: TriggerMode = TriggerMode.INTERNAL
    exposure: float = 0.1
    accumulate_cycle: float = 0.0
    kinetic_cycle: float = 0.0
    accumulations: int = 1
    kinetics: int = 1
    prescans: int = 0
    frame_transfer: bool = False
    keep_cleans: bool = True
    amplifier_index: int = 0
    speed_index: dict[int, int] = field(default_factory=dict)
    preamp_index: int = 0
    vertical_index: int = 0
    gain_mode: GainMode = GainMode.DAC_8_BIT
    gain_setting: int = 0
    gain_advanced: bool = False
    flip: tuple[bool, bool] = (False, False)
    baseline_clamped: bool = False
    baseline_offset: int = 0
    fast_kinetics: FastKinetics | None = None
    layouts: dict[ReadMode, Layout] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.layouts[ReadMode.FULL_VERTICAL_BINNING] = full_vertical(
            self.model.columns, self.model.rows
        )

    @property
    def amplifier(self) -> Amplifier:
        """The output amplifier in use."""
        return self.model.amplifiers[self.amplifier_index]

    @property
    def layout(self) -> Layout:
        """How the sensor is read.

        :raises Refused: if the parameters of the read mode have not been set.
        """
        if self.acquisition_mode is AcquisitionMode.FAST_KINETIC:
            if self.fast_kinetics is None:
                raise Refused(Status.INVALID_MODE)
            return self.fast_kinetics.layout
        if self.read_mode not in self.layouts:
            raise Refused(Status.INVALID_MODE)
        return self.layouts[self.read_mode]

    @property
    def gain_range(self) -> tuple[int, int]:
        """Lowest and highest number that ``SetEMCCDGain`` takes, apart from 0 (off)."""
        if self.gain_mode in _DAC_FULL_SCALE:
            return 1, _DAC_FULL_SCALE[self.gain_mode]
        return _LOWEST_REAL_GAIN, HIGHEST_GAIN if self.gain_advanced else HIGHEST_SAFE_GAIN

    @property
    def real_gain(self) -> float:
        """What the register multiplies by, 1 if off.

        UNVERIFIED: that the converter's (DAC) numbers reach a gain of 300 exponentially.
        """
        if not self.amplifier.multiplies or self.gain_setting == 0:
            return 1.0
        if self.gain_mode in _DAC_FULL_SCALE:
            return float(HIGHEST_SAFE_GAIN ** (self.gain_setting / _DAC_FULL_SCALE[self.gain_mode]))
        return float(self.gain_setting)

    @property
    def chain(self) -> Chain:
        """What stands between the register and the counts."""
        amplifier = self.amplifier
        return Chain(
            gain=self.real_gain,
            sensitivity=amplifier.sensitivity / self.model.preamp_gains[self.preamp_index],
            read_noise=amplifier.read_noise[self.speed_index.get(self.amplifier_index, 0)],
            capacity=amplifier.capacity,
            mirrored=amplifier.multiplies,
            offset=self.baseline_offset,
            clamped=self.baseline_clamped,
        )

    @property
    def images(self) -> int | None:
        """Images that a start gives; None: until it is stopped."""
        match self.acquisition_mode:
            case AcquisitionMode.KINETIC:
                return self.kinetics
            case AcquisitionMode.FAST_KINETIC:
                return None if self.fast_kinetics is None else self.fast_kinetics.length
            case AcquisitionMode.RUN_TILL_ABORT:
                return None
            case _:
                return 1

    @property
    def accumulated(self) -> int:
        """Exposures that are added up to one image."""
        adds = (AcquisitionMode.ACCUMULATE, AcquisitionMode.KINETIC)
        return self.accumulations if self.acquisition_mode in adds else 1

    def timings(self) -> Timings:
        """Return the times that ``GetAcquisitionTimings`` tells.

        :raises Refused: if the parameters of the read mode have not been set.
        """
        layout = self.layout
        sweep = self.model.rows * self.model.vertical_speeds[self.vertical_index] * 1e-6
        speed = self.amplifier.speeds[self.speed_index.get(self.amplifier_index, 0)] * 1e6
        readout = sweep + len(layout.tracks) * self.model.columns / speed
        if self.acquisition_mode is AcquisitionMode.FAST_KINETIC and self.fast_kinetics:
            exposure = max(self.fast_kinetics.exposure, SHORTEST_EXPOSURE_S)
            shift = self.fast_kinetics.rows * sweep / self.model.rows
            return Timings(exposure, exposure + shift, exposure + shift, readout, sweep)
        keep_clean = 0.0 if self.frame_transfer or not self.keep_cleans else sweep
        shortest = SHORTEST_EXPOSURE_S
        if self.frame_transfer:
            shortest = readout
        elif self.read_mode is ReadMode.FULL_VERTICAL_BINNING:
            shortest = sweep
        exposure = max(self.exposure, shortest)
        one = exposure if self.frame_transfer else exposure + readout
        accumulate = max(self.accumulate_cycle, one) if self.accumulated > 1 else one
        kinetic = accumulate * self.accumulated
        if self.acquisition_mode in (AcquisitionMode.KINETIC, AcquisitionMode.RUN_TILL_ABORT):
            kinetic = max(self.kinetic_cycle, kinetic + keep_clean)
        return Timings(exposure, accumulate, kinetic, readout, keep_clean)
