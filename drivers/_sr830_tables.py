"""What the SR830's indices and status bits stand for.

Source: the *Model SR830 DSP Lock-In Amplifier* manual, chapter 5 "Remote Programming". The tables
of sensitivities, time constants, reserves and inputs agree with those of PyMeasure and QCoDeS.
"""

from __future__ import annotations

import math
from enum import IntFlag
from typing import Final, Literal, TypeAlias, get_args

Interface = Literal["gpib", "rs232"]
ReferenceSource = Literal["external", "internal"]
ReferenceSlope = Literal["sine zero crossing", "TTL rising", "TTL falling"]
InputConfig = Literal["A", "A-B", "I 1 MOhm", "I 100 MOhm"]
Grounding = Literal["float", "ground"]
Coupling = Literal["AC", "DC"]
LineFilter = Literal["none", "line", "2 x line", "both"]
Reserve = Literal["high reserve", "normal", "low noise"]
BufferMode = Literal["one shot", "loop"]
RemoteState = Literal["local", "remote", "lockout"]
Output = Literal["X", "Y", "R"]
Display1 = Literal["X", "R", "X noise", "aux in 1", "aux in 2"]
Display2 = Literal["Y", "theta", "Y noise", "aux in 3", "aux in 4"]
Ratio = Literal["none", "aux in 1", "aux in 2", "aux in 3", "aux in 4"]
Quantity = Literal[
    "x",
    "y",
    "r",
    "theta",
    "aux in 1",
    "aux in 2",
    "aux in 3",
    "aux in 4",
    "frequency",
    "ch1",
    "ch2",
]

REFERENCE_SOURCES: Final[tuple[ReferenceSource, ...]] = get_args(ReferenceSource)
REFERENCE_SLOPES: Final[tuple[ReferenceSlope, ...]] = get_args(ReferenceSlope)
INPUT_CONFIGS: Final[tuple[InputConfig, ...]] = get_args(InputConfig)
GROUNDINGS: Final[tuple[Grounding, ...]] = get_args(Grounding)
COUPLINGS: Final[tuple[Coupling, ...]] = get_args(Coupling)
LINE_FILTERS: Final[tuple[LineFilter, ...]] = get_args(LineFilter)
RESERVES: Final[tuple[Reserve, ...]] = get_args(Reserve)
BUFFER_MODES: Final[tuple[BufferMode, ...]] = get_args(BufferMode)
REMOTE_STATES: Final[tuple[RemoteState, ...]] = get_args(RemoteState)
OUTPUTS: Final[tuple[Output, ...]] = get_args(Output)
QUANTITIES: Final[tuple[Quantity, ...]] = get_args(Quantity)
DISPLAYS: Final[dict[int, tuple[str, ...]]] = {1: get_args(Display1), 2: get_args(Display2)}
RATIOS: Final[dict[int, tuple[Ratio, ...]]] = {
    1: ("none", "aux in 1", "aux in 2"),
    2: ("none", "aux in 3", "aux in 4"),
}
CURRENT_INPUTS: Final = INPUT_CONFIGS[2:]

SENSITIVITIES_V: Final = (
    *(2e-9, 5e-9, 10e-9, 20e-9, 50e-9, 100e-9, 200e-9, 500e-9),
    *(1e-6, 2e-6, 5e-6, 10e-6, 20e-6, 50e-6, 100e-6, 200e-6, 500e-6),
    *(1e-3, 2e-3, 5e-3, 10e-3, 20e-3, 50e-3, 100e-3, 200e-3, 500e-3, 1.0),
)
"""Full scales of a voltage input, V rms; of a current input in A: a millionth of each."""
SENSITIVITIES_A: Final = tuple(float(f"{volts * 1e-6:.0e}") for volts in SENSITIVITIES_V)

TIME_CONSTANTS_S: Final = (
    *(10e-6, 30e-6, 100e-6, 300e-6, 1e-3, 3e-3, 10e-3, 30e-3, 100e-3, 300e-3),
    *(1.0, 3.0, 10.0, 30.0, 100.0, 300.0, 1e3, 3e3, 10e3, 30e3),
)
FILTER_SLOPES: Final = (6, 12, 18, 24)
SETTLING_TIME_CONSTANTS: Final = {6: 5.0, 12: 7.0, 18: 9.0, 24: 11.0}
"""Time constants to wait for each slope (dB/octave).

A filter of n equal poles (6 dB/octave each) has still to go exp(-t) * sum(t**k / k!, k < n) of a
step after t time constants: 0.7, 0.7, 0.6 and 0.5 % after those given here.
"""
SAMPLE_RATES_HZ: Final = tuple(62.5e-3 * 2**index for index in range(14))
TRIGGERED: Final = 14
EXPANDS: Final = (1, 10, 100)
HIGHEST_DETECTION_HZ: Final = 102_000.0
SYNCHRONOUS_BELOW_HZ: Final = 200.0


Limits: TypeAlias = tuple[float, float]
"""Lowest and highest number that an answer can be."""
ANY_NUMBER: Final[Limits] = (-math.inf, math.inf)
OUTPUTS_V: Final[Limits] = (-2.5, 2.5)
"""Full scale is 1 V (or 1 uA) at most, and an offset 105 % of it."""
ANGLES: Final[Limits] = (-360.0, 729.99)
AUX_V: Final[Limits] = (-11.0, 11.0)
FREQUENCIES_HZ: Final[Limits] = (0.0, 105_000.0)
"""0 without a reference; above what can be set, because an external one is measured."""
SNAP_LIMITS: Final[tuple[Limits, ...]] = (
    *(OUTPUTS_V, OUTPUTS_V, OUTPUTS_V, ANGLES, AUX_V, AUX_V, AUX_V, AUX_V),
    *(FREQUENCIES_HZ, ANY_NUMBER, ANY_NUMBER),
)
"""In the order of :data:`QUANTITIES`; a display can show a ratio, which has no limits."""


class LockInStatus(IntFlag):
    """Bits of ``LIAS?``; each stays set until it is read."""

    INPUT_OVERLOAD = 1
    FILTER_OVERLOAD = 2
    OUTPUT_OVERLOAD = 4
    REFERENCE_UNLOCKED = 8
    FREQUENCY_RANGE_SWITCHED = 16
    TIME_CONSTANT_CHANGED = 32
    STORAGE_TRIGGERED = 64
    UNUSED_7 = 128


OVERLOADS: Final = (
    LockInStatus.INPUT_OVERLOAD | LockInStatus.FILTER_OVERLOAD | LockInStatus.OUTPUT_OVERLOAD
)


SPOILING: Final = {
    LockInStatus.INPUT_OVERLOAD: "input or reserve overload",
    LockInStatus.FILTER_OVERLOAD: "overload of the time constant filter",
    LockInStatus.OUTPUT_OVERLOAD: "output overload",
    LockInStatus.REFERENCE_UNLOCKED: "reference unlocked",
}
"""What makes a reading wrong, in words."""


def spoiling(flags: LockInStatus) -> str:
    """Return what of ``flags`` makes a reading wrong, in words; empty if nothing does."""
    return ", ".join(words for bit, words in SPOILING.items() if flags & bit)


class HardwareError(IntFlag):
    """Bits of ``ERRS?``; each stays set until it is read."""

    UNUSED_0 = 1
    BATTERY_BACKUP = 2
    RAM = 4
    UNUSED_3 = 8
    ROM = 16
    FAST_TRANSFER_ABORTED = 32
    DSP = 64
    MATH = 128


class StandardEvent(IntFlag):
    """Bits of ``*ESR?``; each stays set until it is read."""

    INPUT_QUEUE_OVERFLOW = 1
    UNUSED_1 = 2
    OUTPUT_QUEUE_OVERFLOW = 4
    UNUSED_3 = 8
    EXECUTION_ERROR = 16
    ILLEGAL_COMMAND = 32
    KEY_PRESSED = 64
    POWER_ON = 128


REFUSALS: Final = {
    StandardEvent.INPUT_QUEUE_OVERFLOW: "its input queue overflowed",
    StandardEvent.OUTPUT_QUEUE_OVERFLOW: "its output queue overflowed",
    StandardEvent.EXECUTION_ERROR: "execution error (a parameter it does not accept now)",
    StandardEvent.ILLEGAL_COMMAND: "illegal command",
}


class StatusByte(IntFlag):
    """Bits of ``*STB?``."""

    NO_SCAN = 1
    READY = 2
    ERROR = 4
    LOCK_IN = 8
    MESSAGE_AVAILABLE = 16
    EVENT = 32
    SERVICE_REQUEST = 64
    UNUSED_7 = 128
