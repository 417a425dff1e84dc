"""Procedures that read the temperature from the intensity of anti-Stokes photoluminescence."""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import ClassVar, TypeAlias

import numpy as np
from pymeasure.experiment import FloatParameter, IntegerParameter

from labcool.bench.illumination import Illumination
from labcool.bench.needs import Needs
from labcool.bench.roles import Spectrometer, TemperatureController
from labcool.calibration import ArrheniusCalibration, to_plain
from labcool.engine.procedure import BenchProcedure
from labcool.errors import LimitError, RunFileError
from labcool.spectrum import Spectrum
from labcool.storage.references import (
    REFERENCES,
    dark_columns,
    reference_columns,
    stored_darks,
    stored_references,
)
from labcool.thermometry import Arrhenius, Dark, DetectorNoise, Estimate, Reference
from procedures.shared.arrhenius_reference import (
    EACH_FLUENCE,
    FIRST_SPECTRUM,
    ReferenceParameter,
    ReferencePlan,
    ReferenceTaker,
    plan_references,
)

Darks: TypeAlias = Mapping[float, Dark]


class ArrheniusProcedure(BenchProcedure):
    """What such procedures share: parameters of the thermometer, darks and references.

    The intensity tells the temperature once it is known at one temperature (Roman et al. 2020,
    eq. 1), so darks and references are taken while the sample still has the stage's temperature.
    """

    exposure = FloatParameter("Exposure", units="s", minimum=0.001, maximum=60, default=0.8)
    reference_dose = FloatParameter(
        "Light dose of a reference", units="J/cm^2", minimum=0.01, maximum=1e6, default=60.0
    )
    dark_frames = IntegerParameter("Dark spectra averaged", minimum=1, maximum=1000, default=20)
    rest = FloatParameter(
        "Dark time after the references", units="s", minimum=0, maximum=3600, default=30.0
    )
    band_low = FloatParameter("Band from", units="nm", minimum=200, maximum=2000, default=490.0)
    band_high = FloatParameter("Band to", units="nm", minimum=200, maximum=2000, default=522.0)
    activation_energy = FloatParameter(
        "Activation energy", units="eV", minimum=0.001, maximum=2, default=0.140
    )
    activation_energy_std = FloatParameter(
        "Standard uncertainty of it", units="eV", minimum=0, maximum=1, default=0.002
    )
    calibrated_from = FloatParameter(
        "Activation energy known from", units="K", minimum=1, maximum=1000, default=273.15
    )
    calibrated_to = FloatParameter(
        "Activation energy known up to", units="K", minimum=1, maximum=1000, default=303.15
    )
    start_temperature = FloatParameter(
        "Start temperature on a bench without a stage",
        units="K",
        minimum=4,
        maximum=1000,
        default=298.15,
    )
    start_temperature_std = FloatParameter(
        "Standard uncertainty of the start temperature",
        units="K",
        minimum=0,
        maximum=50,
        default=0.1,
    )

    needs = Needs(
        illumination=Illumination,
        spectrometer=Spectrometer,
        stage=TemperatureController,
        optional=("stage",),
    )
    thermometers: ClassVar[tuple[str, ...]] = ("arrhenius",)

    illumination: Illumination
    spectrometer: Spectrometer
    stage: TemperatureController | None
    references: Sequence[Reference]
    darks: Darks

    def calibration(self) -> ArrheniusCalibration:
        """Return the activation energy as the dated record that goes into the run file."""
        return ArrheniusCalibration(
            activation_energy=self.activation_energy,
            std=self.activation_energy_std,
            valid_range=(self.calibrated_from, self.calibrated_to),
            date=self.session.clock.date().date(),
            source="parameters of this run",
        )

    def describe_thermometry(self) -> dict[str, object]:
        """Return what the run file keeps of the method, so that it can be applied again."""
        return {
            "method": "Arrhenius law of the band-integrated anti-Stokes emission",
            "reference": "Roman et al. 2020, eq. 1",
            "band_low_nm": self.band_low,
            "band_high_nm": self.band_high,
            "electrons_per_count": self.spectrometer.electrons_per_count,
            "read_noise_counts": self.spectrometer.read_noise,
            "excess_noise_factor": self.spectrometer.excess_noise_factor,
            "fluence_relative_std": self.illumination.power_stability,
            "calibrations": [to_plain(self.calibration())],
        }

    def check_reference(self, reference: str) -> None:
        """Refuse a reference that is neither a known word nor a run file with references in it.

        :raises LimitError: naming the parameter; nothing has moved.
        """
        if reference in (EACH_FLUENCE, FIRST_SPECTRUM):
            return
        try:
            self.session.stored_spectra(Path(reference), REFERENCES)
        except RunFileError as error:
            raise LimitError(
                "reference", repr(reference), ReferenceParameter.allowed, str(error)
            ) from error

    def plans(self, fluences: Sequence[float]) -> list[ReferencePlan]:
        """Return how the references of these fluences are taken, dimmest first."""
        return plan_references(
            fluences,
            dose=self.reference_dose,
            exposure=self.exposure,
            shortest=self.spectrometer.exposure_range[0],
        )

    def reference_duration(self, fluences: Sequence[float]) -> float:
        """Return roughly how long darks, references and rest take, s; asks no instrument."""
        plans = plan_references(
            fluences, dose=self.reference_dose, exposure=self.exposure, shortest=1e-3
        )
        exposures = {plan.exposure for plan in plans} | {self.exposure}
        darks = sum(exposures) * (self.dark_frames + 1)
        light = sum(plan.exposure * plan.frames + 1.5 for plan in plans)
        return float(darks + light + self.rest)

    def sample_temperature(self) -> float:
        """Return the temperature of the sample in the dark, K: the stage's, if there is one."""
        return float(self.start_temperature) if self.stage is None else self.stage.temperature

    def take_references(self, fluences: Sequence[float]) -> tuple[list[Reference], Darks]:
        """Take darks at each exposure and a reference at each fluence, then rest in the dark."""
        plans = self.plans(fluences)
        taker = ReferenceTaker(self.illumination, self.spectrometer, self.session.check)
        darks = self.take_darks(taker, {plan.exposure for plan in plans} | {self.exposure})
        self.store_darks(darks)
        if not plans:
            return [], darks
        with self.phase("reference spectra", sum(p.exposure * p.frames for p in plans)):
            references = [
                taker.reference(
                    plan,
                    temperature=self.sample_temperature(),
                    temperature_std=self.start_temperature_std,
                )
                for plan in plans
            ]
        self.store_references(references)
        taker.settle(self.exposure)
        with self.phase("rest in the dark", self.rest):
            self.session.wait(self.rest)
        return references, darks

    def take_darks(self, taker: ReferenceTaker, exposures: Collection[float]) -> dict[float, Dark]:
        """Take dark spectra at each exposure (s)."""
        with self.phase("dark spectra", sum(exposures) * self.dark_frames):
            return {each: taker.dark(each, self.dark_frames) for each in sorted(exposures)}

    def earlier_references(self, path: Path) -> tuple[list[Reference], Darks]:
        """Use the references of an earlier run, with their own darks and new ones for this run."""
        kept, kept_darks = self.session.stored_spectra(path, REFERENCES)
        taker = ReferenceTaker(self.illumination, self.spectrometer, self.session.check)
        darks = {**stored_darks(kept_darks), **self.take_darks(taker, {self.exposure})}
        references = stored_references(kept)
        self.store_darks(darks)
        self.store_references(references)
        return references, darks

    def store_darks(self, darks: Darks) -> None:
        """Write the darks that this run uses to its file."""
        self.session.store_darks(
            np.array([dark.spectrum for dark in darks.values()]), dark_columns(darks)
        )

    def store_references(self, references: Sequence[Reference]) -> None:
        """Write the references that this run uses to its file."""
        self.session.store_references(
            REFERENCES, np.array([r.spectrum for r in references]), reference_columns(references)
        )

    @cached_property
    def arrhenius(self) -> Arrhenius:
        """The thermometer of this run, made when the first spectrum is read."""
        return Arrhenius(
            self.calibration(),
            references=self.references,
            dark=self.darks,
            band=(self.band_low, self.band_high),
            wavelengths=self.spectrometer.wavelengths,
            noise=DetectorNoise(
                self.spectrometer.electrons_per_count,
                self.spectrometer.read_noise,
                excess_noise=self.spectrometer.excess_noise_factor,
            ),
            fluence_relative_std=self.illumination.power_stability,
        )

    def take_first_as_reference(
        self, spectrum: Spectrum, fluence: float, temperature: float
    ) -> None:
        """Make the first spectrum of the run the one reference, at the stage's temperature (K)."""
        first = Reference.from_spectrum(
            spectrum,
            fluence=fluence,
            temperature=temperature,
            temperature_std=self.start_temperature_std,
        )
        self.references = [first]
        self.store_references(self.references)

    def read_temperature(self, spectrum: Spectrum, fluence: float) -> tuple[Estimate, float]:
        """Return the temperature of one spectrum, and its dark-corrected counts in the band."""
        thermometer = self.arrhenius
        estimate = thermometer.estimate(
            spectrum.counts,
            fluence=fluence,
            exposure=spectrum.exposure,
            saturated=spectrum.saturated,
            averages=spectrum.averages,
        )
        return estimate, thermometer.signal(spectrum.counts, exposure=spectrum.exposure)
