"""The thermometers by name, each made of what a measurement and the calibrations give.

A maker says what it lacks by raising :class:`Lacking`.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal, TypeVar

import numpy as np
from numpy.typing import NDArray

from labcool.analysis.from_run import arrhenius_thermometer
from labcool.analysis.measurement import Measurement
from labcool.analysis.raman_lines import raman_line_width
from labcool.analysis.reading import Instance, Thermometer
from labcool.analysis.windows import LASER_MARGIN_NM, in_electronvolts, line_window, tail_window
from labcool.calibration import (
    LINE_WIDTH,
    PEAK_ENERGY,
    ArrheniusCalibration,
    CalibrationRecord,
    PolynomialCalibration,
    ResponseCalibration,
    VarshniCalibration,
)
from labcool.errors import ConfigurationError
from labcool.models.raman import anti_stokes_wavelength, stokes_wavelength
from labcool.thermometry import (
    LineFitter,
    LineShapeThermometer,
    RamanRatio,
    Reference,
    TailRatio,
    TailSlope,
)
from labcool.units import HC_EV_NM

Record = TypeVar("Record", bound=CalibrationRecord)
Floats = NDArray[np.float64]

ALL: Final = "all"


class Lacking(ConfigurationError):
    """A thermometer cannot be made of what is there; the message says what is missing."""


@dataclass(frozen=True, slots=True)
class Given:
    """What a thermometer is made of.

    :param measured: the spectra, with the references that are to be used.
    :param calibrations: given by hand; they go before those of the file.
    :param window: lowest and highest photon energy, eV; None: found from the spectra.
    """

    measured: Measurement
    calibrations: tuple[CalibrationRecord, ...]
    window: tuple[float, float] | None

    def only(self, kind: type[Record], what: str, **wanted: object) -> Record | None:
        """Return the one calibration of a kind, None if there is none.

        :param wanted: attributes it must have.
        :raises ConfigurationError: if there are several.
        """
        for records in (self.calibrations, self.measured.calibrations):
            fitting = {
                record.id: record
                for record in records
                if isinstance(record, kind)
                and all(getattr(record, name) == value for name, value in wanted.items())
            }
            if len(fitting) > 1:
                ids = ", ".join(each[:8] for each in fitting)
                raise ConfigurationError(f"several calibrations of the {what}: {ids}. Give one.")
            if fitting:
                return next(iter(fitting.values()))
        return None

    @property
    def response(self) -> ResponseCalibration | None:
        """The spectral response, if it is known."""
        return self.only(ResponseCalibration, "spectral response")


def arrhenius(given: Given) -> Instance:
    """Intensity against references at the same fluence."""
    calibration = given.only(ArrheniusCalibration, "activation energy")
    measured = given.measured
    if calibration is None:
        raise Lacking("no calibration of the activation energy")
    if not measured.references:
        raise Lacking("no reference: spectra at a known temperature")
    band = measured.band
    if given.window is not None:
        low, high = given.window
        band = (HC_EV_NM / high, HC_EV_NM / low)
    if band is None:
        raise Lacking("no band: give it with --window")
    thermometer = arrhenius_thermometer(measured, calibration, band)
    settings = {"band_low_nm": band[0], "band_high_nm": band[1]}
    return Instance(lambda _: thermometer, (calibration,), settings, by_exposure=False)


def tail_slope(given: Given) -> Instance:
    """Slope of the high-energy side."""
    measured = given.measured
    window = given.window or tail_window(measured)
    response = given.response
    thermometer = TailSlope(
        measured.wavelengths,
        window,
        noise=measured.noise,
        dark=measured.darks,
        response=None if response is None else response.at(measured.wavelengths),
        slope_std=0.0 if response is None else response.slope_std,
        calibration_id="" if response is None else response.id,
    )
    return Instance(lambda _: thermometer, _known(response), _window(window))


def tail_ratio(given: Given) -> Instance:
    """High-energy side against a reference: that of the nearest fluence."""
    measured = given.measured
    if not measured.references:
        raise Lacking("no reference: a spectrum at a known temperature")
    window = given.window or tail_window(measured)
    made = [
        TailRatio(
            measured.wavelengths,
            window,
            reference=reference,
            noise=measured.noise,
            dark=measured.darks,
        )
        for reference in measured.references
    ]

    def choose(fluence: float) -> Thermometer:
        return min(made, key=lambda each: _apart(each.reference, fluence))

    return Instance(choose, (), _window(window))


def line_width(given: Given) -> Instance:
    """Width of the line against a calibration on a stage."""
    return _line(given, LINE_WIDTH, "fwhm")


def peak_shift(given: Given) -> Instance:
    """Position of the line against a calibration on a stage."""
    return _line(given, PEAK_ENERGY, "peak")


def raman(given: Given) -> Instance:
    """Anti-Stokes over Stokes line of silicon."""
    measured = given.measured
    if measured.laser is None:
        raise Lacking("the wavelength of the laser is not known")
    lines = (anti_stokes_wavelength(measured.laser), stokes_wavelength(measured.laser))
    first, last = float(measured.wavelengths[0]), float(measured.wavelengths[-1])
    if not first < lines[0] < lines[1] < last:
        raise Lacking(
            f"the Raman lines of silicon ({lines[0]:.1f} and {lines[1]:.1f} nm) are not on the "
            f"detector ({first:.1f} to {last:.1f} nm)"
        )
    width = raman_line_width(measured, lines[1])
    if width is None:
        raise Lacking(f"no Raman line of silicon is seen at {lines[1]:.1f} nm")
    response = given.response
    efficiency: Floats | None = None
    if response is not None:
        if not all(map(response.covers, lines)):
            raise Lacking("the spectral response is not known at the Raman lines")
        efficiency = np.nan_to_num(response.at(measured.wavelengths))
    reach = min(8 * width, abs(lines[0] - measured.laser) - LASER_MARGIN_NM)
    thermometer = RamanRatio(
        measured.wavelengths,
        laser=measured.laser,
        fwhm=width,
        half_window=reach,
        noise=measured.noise,
        dark=measured.darks,
        response=efficiency,
        response_std=0.0 if response is None else response.ratio_std(*lines),
        calibration_id="" if response is None else response.id,
    )
    settings = {"laser_nm": measured.laser, "line_width_nm": width, "half_window_nm": reach}
    return Instance(lambda _: thermometer, _known(response), settings)


THERMOMETERS: Final[Mapping[str, Callable[[Given], Instance]]] = {
    "arrhenius": arrhenius,
    "tail_slope": tail_slope,
    "tail_ratio": tail_ratio,
    "line_width": line_width,
    "peak_shift": peak_shift,
    "raman": raman,
}


def _line(given: Given, observable: str, read: Literal["fwhm", "peak"]) -> Instance:
    calibration: PolynomialCalibration | VarshniCalibration | None = given.only(
        PolynomialCalibration, observable, observable=observable
    ) or given.only(VarshniCalibration, observable, observable=observable)
    if calibration is None:
        raise Lacking(f"no calibration of the {observable} on a stage")
    if calibration.unit != "eV":
        raise Lacking(f"the calibration of the {observable} is in {calibration.unit}, not in eV")
    measured = given.measured
    window = given.window or line_window(measured)
    response = given.response
    fitter = LineFitter(
        measured.wavelengths,
        window,
        noise=measured.noise,
        dark=measured.darks,
        response=None if response is None else response.at(measured.wavelengths),
    )
    thermometer = LineShapeThermometer(fitter, calibration, observable=read)
    return Instance(lambda _: thermometer, (calibration, *_known(response)), _window(window))


def _known(*records: CalibrationRecord | None) -> tuple[CalibrationRecord, ...]:
    return tuple(record for record in records if record is not None)


def _window(window: tuple[float, float]) -> dict[str, Any]:
    return {"window_low_eV": window[0], "window_high_eV": window[1]}


def _apart(reference: Reference, fluence: float) -> float:
    if not (math.isfinite(fluence) and fluence > 0):
        return 0.0
    return abs(math.log(reference.fluence / fluence))


__all__ = ["ALL", "THERMOMETERS", "Given", "Lacking", "in_electronvolts"]
