"""Several thermometers on one measurement, and what they say together."""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final

import numpy as np

from labcool.analysis.measurement import Measurement
from labcool.analysis.reading import Instance, read
from labcool.analysis.thermometers import ALL, THERMOMETERS, Given, Lacking
from labcool.analysis.windows import in_electronvolts
from labcool.calibration import (
    ArrheniusCalibration,
    CalibrationRecord,
    SpotCalibration,
    WavelengthCalibration,
)
from labcool.errors import ConfigurationError, LimitError
from labcool.thermometry.estimate import Estimate, Flag
from labcool.thermometry.verdict import Verdict, judge

log = logging.getLogger(__name__)

_NEED_NO_CALIBRATION: Final = ("tail_slope", "tail_ratio", "raman")


@dataclass(frozen=True, slots=True)
class Choices:
    """What somebody wants to know.

    :param thermometers: names; none: all that have a calibration, or, if none has, those that need
        none; ``"all"``: all that can be made.
    :param calibrations: that go before those of the file.
    :param window: of the fit, two photon energies (eV) or two wavelengths (nm); None: each
        thermometer's own.
    """

    thermometers: tuple[str, ...] = ()
    calibrations: tuple[CalibrationRecord, ...] = ()
    window: tuple[float, float] | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Analysis:
    """What came out.

    :param measured: the measurement, as it was analysed.
    :param readings: temperatures by thermometer.
    :param used: how each was made.
    :param skipped: thermometers that could not be made, and why.
    :param verdict: what they say together.
    :param notes: what had to be assumed, and what speaks against a calibration.
    """

    measured: Measurement
    readings: Mapping[str, Estimate]
    used: Mapping[str, Instance]
    skipped: Mapping[str, str]
    verdict: Verdict
    notes: tuple[str, ...]

    @property
    def calibrations(self) -> list[CalibrationRecord]:
        """Every calibration that was used, once."""
        found = {c.id: c for instance in self.used.values() for c in instance.calibrations}
        return list(found.values())


def analyse(measured: Measurement, choices: Choices) -> Analysis:
    """Read the temperatures of a measurement.

    :raises ConfigurationError: for an unknown thermometer, one that cannot be made though it was
        named, a calibration that no thermometer uses, or an empty window.
    """
    measured = _with_axis(measured, choices.calibrations)
    window = None if choices.window is None else in_electronvolts(choices.window)
    given = Given(measured, choices.calibrations, window)
    made, skipped = _made(given, choices.thermometers)
    _check_use(choices.calibrations, made)
    notes = [*measured.notes, *_about_band(choices, made)]
    readings = {}
    for name, instance in made.items():
        estimate, told = _checked_calibrations(name, read(instance, measured), instance, measured)
        readings[name] = estimate
        notes += told
    for note in notes:
        log.warning("%s: %s", measured.path, note)
    energies = [c.activation_energy for c in _of_kind(made, ArrheniusCalibration)]
    verdict = judge(
        readings,
        activation_energy=energies[0] if energies else math.nan,
        evidence=measured.evidence,
        fluence=measured.fluence,
    )
    return Analysis(measured, readings, made, skipped, verdict, tuple(notes))


def _made(given: Given, names: Sequence[str]) -> tuple[dict[str, Instance], dict[str, str]]:
    """Return the thermometers that are wanted, and why others could not be made."""
    unknown = [name for name in names if name not in THERMOMETERS and name != ALL]
    if unknown:
        raise ConfigurationError(
            f"there is no thermometer '{unknown[0]}'; there are: {', '.join(THERMOMETERS)}, or "
            f"'{ALL}'."
        )
    made: dict[str, Instance] = {}
    skipped: dict[str, str] = {}
    named = [name for name in names if name != ALL]
    for name in THERMOMETERS if not names or ALL in names else dict.fromkeys(named):
        try:
            made[name] = THERMOMETERS[name](given)
        except (Lacking, LimitError) as error:
            if name in named:
                raise ConfigurationError(
                    f"the thermometer {name} cannot be used: {error}"
                ) from error
            skipped[name] = str(error)
    if not names:
        calibrated = {n: i for n, i in made.items() if n not in _NEED_NO_CALIBRATION}
        if calibrated:
            return calibrated, {}
    if not made:
        reasons = "; ".join(f"{name}: {reason}" for name, reason in skipped.items())
        raise ConfigurationError(f"{given.measured.path}: no thermometer can be used. {reasons}.")
    return made, skipped


def _with_axis(measured: Measurement, records: Sequence[CalibrationRecord]) -> Measurement:
    """Return the measurement on the axis of a wavelength calibration, if one is given."""
    axes = [record for record in records if isinstance(record, WavelengthCalibration)]
    if len(axes) > 1:
        raise ConfigurationError("several calibrations of the wavelength axis. Give one.")
    if not axes:
        return measured
    wavelengths = axes[0].wavelengths(np.arange(measured.wavelengths.size))
    if not (wavelengths[0] > 0 and (np.diff(wavelengths) > 0).all()):
        raise ConfigurationError(
            f"the wavelength calibration {axes[0].id[:8]} does not fit a detector of "
            f"{measured.wavelengths.size} pixels: its wavelengths do not ascend."
        )
    return replace(measured, wavelengths=wavelengths)


def _check_use(records: Sequence[CalibrationRecord], made: Mapping[str, Instance]) -> None:
    used = {c.id for instance in made.values() for c in instance.calibrations}
    for record in records:
        if isinstance(record, WavelengthCalibration) or record.id in used:
            continue
        kind = type(record).__name__
        why = (
            "the fluence is that of the file"
            if isinstance(record, SpotCalibration)
            else f"none of {', '.join(made)} needs it"
        )
        raise ConfigurationError(f"the {kind} {record.id[:8]} is not used: {why}. Leave it out.")


def _of_kind(
    made: Mapping[str, Instance], kind: type[ArrheniusCalibration]
) -> list[ArrheniusCalibration]:
    return [c for instance in made.values() for c in instance.calibrations if isinstance(c, kind)]


def _about_band(choices: Choices, made: Mapping[str, Instance]) -> list[str]:
    if choices.window is None or "arrhenius" not in made:
        return []
    return ["arrhenius: the activation energy belongs to the band it was measured in alone"]


def _checked_calibrations(
    name: str, estimate: Estimate, instance: Instance, measured: Measurement
) -> tuple[Estimate, list[str]]:
    """Return the estimate with a flag where a calibration was too old, and what to say about it."""
    told, flags = [], estimate.flags
    for record in instance.calibrations:
        kind = type(record).__name__
        if record.is_outdated(measured.date):
            flags = flags | int(Flag.OUTDATED)
            told.append(
                f"{name}: the {kind} {record.id[:8]} was {record.age_days(measured.date)} days "
                f"old, its life is {record.life_days:g} days"
            )
        outside = int(np.count_nonzero(flags & int(Flag.OUT_OF_RANGE)))
        if outside and record.range_unit == "K" and record.valid_range is not None:
            low, high = record.valid_range
            told.append(
                f"{name}: {outside} of {len(flags)} temperatures lie outside {low:g} to {high:g} "
                f"K, where the {kind} {record.id[:8]} is valid"
            )
    return replace(estimate, flags=flags), told
