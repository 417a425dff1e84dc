"""The cooling run of Roman et al. 2020, Fig. 3."""

from __future__ import annotations

import logging
import math
from collections.abc import Mapping
from pathlib import Path
from typing import ClassVar

import numpy as np
from pymeasure.experiment import FloatParameter, IntegerParameter

from labcool import units
from labcool.storage.layout import Column
from labcool.storage.reader import Run
from labcool.thermometry import Reference
from labcool.thermometry.quantity import Quantity
from procedures.cooling.checks import check_band, check_exposure, check_programme
from procedures.cooling.report import draw_run, results_of
from procedures.shared.arrhenius import ArrheniusProcedure, Darks
from procedures.shared.arrhenius_reference import (
    EACH_FLUENCE,
    FIRST_SPECTRUM,
    ReferenceParameter,
)
from procedures.shared.programme import Programme, ProgrammeParameter, Segment


class Cooling(ArrheniusProcedure):
    """Pump below the gap through a fluence programme and follow the temperature.

    Before the programme starts, dark spectra and one short reference for each fluence are taken,
    because the emission per unit of fluence depends on the fluence as well as on the temperature.
    Every spectrum of the programme is then compared with the reference of its own fluence. Light
    falls on the sample only while spectra are taken: in dark segments the shutter is closed and
    nothing is recorded. The time of a point is the middle of its exposure; time zero is the start
    of the programme.
    """

    programme = ProgrammeParameter(
        "Fluence programme", default="120 s @ 300; 60 s @ 30; 300 s dark; 900 s @ 30"
    )
    interval = FloatParameter(
        "Time between spectra", units="s", minimum=0.001, maximum=3600, default=1.0
    )
    averages = IntegerParameter("Exposures averaged", minimum=1, maximum=1000, default=1)
    reference = ReferenceParameter("Reference spectra", default=EACH_FLUENCE)

    columns: ClassVar[tuple[Column, ...]] = (
        Column("fluence", units.FLUENCE, "irradiance at the sample"),
        Column("exposure", units.SECOND, "integration time of one exposure"),
        Column("intensity", units.COUNTS, "counts in the band, dark subtracted"),
        Column("saturated", units.DIMENSIONLESS, "1 if any pixel was saturated"),
        Column("laser_power", units.WATT, "power the laser reports"),
        Column("stage_temperature", units.KELVIN, "temperature the stage reports"),
        Column("segment", units.DIMENSIONLESS, "segment of the programme, from 0"),
        Column("temperature_systematic", units.KELVIN, "part of the std that all points share"),
    )

    def check(self) -> None:
        """Refuse what this bench cannot do; nothing has moved."""
        check_programme(self.programme, self.illumination, self.interval)
        check_exposure(
            self.spectrometer,
            exposure=self.exposure,
            averages=self.averages,
            interval=self.interval,
        )
        check_band(self.spectrometer, self.band_low, self.band_high)
        self.check_reference(self.reference)

    def estimate_duration(self) -> float:
        """Return the time of darks, references, rest and programme, s."""
        programme: Programme = self.programme
        return self.reference_duration(self.reference_fluences()) + programme.duration

    def reference_fluences(self) -> tuple[float, ...]:
        """Return the fluences of which this run takes references, W/cm², dimmest first."""
        return tuple(self.programme.fluences) if self.reference == EACH_FLUENCE else ()

    def execute(self) -> None:
        """Take darks and references, let the sample rest, then follow the programme."""
        self.spectrometer.averages = self.averages
        self.session.begin_record(
            wavelengths=self.spectrometer.wavelengths,
            counts_dtype=np.uint16 if self.averages == 1 else np.float32,
            process=self.describe_thermometry(),
            environment_temperature=self.sample_temperature(),
        )
        with self.phase("laser to its power", 0.0):
            self.illumination.prepare(self.session.wait)
        self.references, self.darks = self.find_references()
        self.illumination.set_fluence(next(s.fluence for s in self.programme if not s.dark))
        self.session.start_time_axis()
        end = 0.0
        for index, segment in enumerate(self.programme):
            end += segment.duration
            with self.phase(str(segment), segment.duration):
                if segment.dark:
                    self.session.wait(end - self.session.time())
                else:
                    self.follow(index, segment, end)

    def find_references(self) -> tuple[list[Reference], Darks]:
        """Return the references and darks of the thermometer, as the parameter says."""
        if self.reference in (EACH_FLUENCE, FIRST_SPECTRUM):
            return self.take_references(self.reference_fluences())
        return self.earlier_references(Path(self.reference))

    def follow(self, index: int, segment: Segment, end: float) -> None:
        """Take a spectrum every ``interval`` until ``end`` (s of run time), with the light on."""
        begin, is_late = self.session.time(), False
        with self.illumination.at(segment.fluence) as fluence:
            for number in range(math.ceil(segment.duration / self.interval)):
                due = begin + number * self.interval
                self.session.wait(due - self.session.time())
                late = self.session.time() - due
                if late > self.interval and not is_late:
                    is_late = True
                    self.session.say(
                        f"Spectra come {late:.1f} s late: the instruments need longer than the "
                        f"interval of {self.interval:g} s. Set a longer 'interval'.",
                        level=logging.WARNING,
                    )
                if self.session.time() + self.exposure * self.averages > end:
                    break
                self.take_point(index, fluence)

    def take_point(self, index: int, fluence: float) -> None:
        """Take one spectrum, estimate its temperature and record both."""
        power = self.illumination.laser.power
        stage = self.sample_temperature()
        spectrum = self.spectrometer.acquire()
        middle = self.session.time() - spectrum.exposure * spectrum.averages / 2
        if not self.references:
            self.take_first_as_reference(spectrum, fluence, stage)
        estimate, intensity = self.read_temperature(spectrum, fluence)
        numbers = (middle, fluence, spectrum.exposure, intensity, float(spectrum.saturated))
        place = (power, stage, float(index), estimate.systematic[0])
        temperature = (estimate.value[0], estimate.std[0], float(estimate.flags[0]))
        self.session.record(spectrum.counts, numbers + place + temperature)

    def results(self, run: Run) -> dict[str, Quantity]:
        """Return start and coldest temperature, time constants, recovery and reversibility."""
        return results_of(run)

    def draw(self, run: Run, path: Path, results: Mapping[str, Quantity]) -> None:
        """Draw temperature, fluence, intensity and spectra against time."""
        draw_run(run, path, results)
