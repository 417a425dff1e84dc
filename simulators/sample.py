"""The sample under below-gap pumping: a two-node thermal network that light cools or heats.

Light of irradiance F (*fluence* in the words of the field: W/cm², mean over the 1/e² area of the
spot) is absorbed with the help of phonons; most of it leaves as anti-Stokes luminescence of higher
photon energy, the rest stays as heat. Per cm² of spot:

* absorbed: ``absorptance · F/(1 + F/F_a) · exp(−Ea/kB (1/T − 1/T0)) · (1 − bleached)``;
* emitted: ``η E_ASPL/E_abs`` of that, with E_ASPL the mean energy of the line at T;
* heat into the spot: absorbed − emitted, negative when cooling.

Absorptance, Ea and F_a are those of the light's own wavelength (:mod:`simulators._excitation`); of
several wavelengths the parts add. Heat per absorbed photon is ``E_abs − η E_ASPL``: equations 3 and
4 of Zhang et al. 2024 with E_ASPL for their Eg, above the gap as below.

η is the product of a trap-limited and an Auger-limited efficiency (:mod:`labcool.models.cooling`)
and, below the gap, of that of up-conversion. Traps are filled by what is absorbed: light that is
absorbed ten times as well fills them at a tenth of the fluence.
Filling traps are this twin's reason for a cooling that all but vanishes at low fluence; other
reasons are possible. Saturation of the few states below the gap (F_a) is this twin's reason for a
cooling that grows far less than the fluence: proportional to it, 3000 W/cm² would have to cool ten
times as much as 300 W/cm², which no experiment shows.

Light that a chopper lets through for a part of the time (``duty``) does at its full fluence what it
does, for that part of the time: traps, saturation and luminescence follow within microseconds.

Everything is deterministic. The network is integrated by the classical Runge-Kutta method in steps
of at most :data:`LONGEST_STEP_S`, its energy balance included.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, NamedTuple

from labcool.models import (
    EmissionLine,
    TwoNodeNetwork,
    auger_limited_eqe,
    cooling_efficiency,
    trap_limited_eqe,
)
from labcool.units import HC_EV_NM
from simulators._excitation import Excitation

LONGEST_STEP_S: Final = 0.25
JOULE_PER_EV: Final = 1.602176634e-19


@dataclass(frozen=True, slots=True)
class SampleParameters:
    """What a sample is; "per cm²" is per cm² of the pumped spot.

    :param pump_wavelength: nm.
    :param activation_energy: of the phonon-assisted absorption itself Ea, eV; that of the intensity
        behind a filter is larger (see :mod:`simulators.presets`).
    :param reference_temperature: T0 at which ``absorptance`` holds, K.
    :param absorptance: absorbed part of a weak pump, 0 to 1.
    :param saturation_fluence: F_a, W/cm².
    :param trap_loss: part of the excitations that empty traps catch, 0 to 1.
    :param trap_fluence: F_s at which half the traps are full, W/cm².
    :param exciton_lifetime: s.
    :param biexciton_yield: quantum efficiency of a biexciton, 0 to 1.
    :param dots_per_cm2: nanocrystals that share the absorbed light.
    :param network: heat capacities and conductances per cm².
    :param line: the luminescence line.
    :param bleaching_rate: part of the emitters destroyed per J/cm² of light; 0: none. A bleached
        dot neither absorbs nor emits, for good.
    :param urbach_steepness: σ of the tail, ``E_U = kB T/σ``, above 0.
    :param gap_slope: dEg/dT, eV/K; 0 if it is part of ``activation_energy``.
    :param half_upconversion: energy missing to the gap at which half the photons absorbed below it
        get into the band, eV; inf: all do, always.
    :param upconversion_power: how fast that falls with the missing energy, above 0.
    :param probe_response: dI/(I dT), relative change of the transmitted probe light per kelvin of
        the spot, 1/K.
    :param heat_conductivity: of what carries the film, W/(m K), above 0.
    :param heat_diffusivity: of what carries the film, mm²/s, above 0.
    """

    pump_wavelength: float
    activation_energy: float
    reference_temperature: float
    absorptance: float
    saturation_fluence: float
    trap_loss: float
    trap_fluence: float
    exciton_lifetime: float
    biexciton_yield: float
    dots_per_cm2: float
    network: TwoNodeNetwork
    line: EmissionLine
    bleaching_rate: float = 0.0
    urbach_steepness: float = 1.0
    gap_slope: float = 0.0
    half_upconversion: float = math.inf
    upconversion_power: float = 1.0
    probe_response: float = 1e-3
    heat_conductivity: float = 1.0
    heat_diffusivity: float = 0.5

    @property
    def pump_energy(self) -> float:
        """Energy of a pump photon, eV."""
        return HC_EV_NM / self.pump_wavelength

    @property
    def gap(self) -> float:
        """Energy of the band edge at the reference temperature, eV."""
        return self.pump_energy + self.activation_energy / self.urbach_steepness


class State(NamedTuple):
    """The truth at one moment.

    Temperatures in K, ``fluence``, ``absorbed_power`` and ``cooling_power`` (emitted − absorbed,
    positive when cooling) in W/cm², means over a chopper's cycle; ``eqe`` and ``bleached`` are
    fractions.
    """

    temperature: float
    surroundings_temperature: float
    stage_temperature: float
    fluence: float
    absorbed_power: float
    cooling_power: float
    eqe: float
    bleached: float


class Energy(NamedTuple):
    """Energy that has passed since the start, J/cm²."""

    absorbed: float = 0.0
    emitted: float = 0.0
    to_stage: float = 0.0


class _Rates(NamedTuple):
    """K/s, K/s, absorbed, emitted and flow to the stage (W/cm²), emitted photons (1/(s cm²))."""

    spot: float
    surroundings: float
    absorbed: float
    emitted: float
    to_stage: float
    photons: float


class Sample:
    """A sample that advances in time as it is told; its state changes in no other way.

    :param parameters: what it is, e.g. from :func:`simulators.presets.preset`.
    :param temperature: of both nodes at the start, K.
    """

    def __init__(self, parameters: SampleParameters, temperature: float = 298.15) -> None:
        self.parameters = parameters
        self.energy = Energy()
        """What has been absorbed, emitted and passed on to the stage so far."""
        self._temperature = temperature
        self._surroundings = temperature
        self._alive = 1.0
        self.shine([(parameters.pump_wavelength, 1.0)])

    @property
    def temperature(self) -> float:
        """Temperature of the spot, K."""
        return self._temperature

    @property
    def surroundings_temperature(self) -> float:
        """Temperature of what lies around the spot, K."""
        return self._surroundings

    @property
    def bleached(self) -> float:
        """Part of the emitters that has been destroyed, 0 to 1."""
        return 1 - self._alive

    def settle(self, temperature: float) -> None:
        """Set both nodes to ``temperature`` (K), as after a long time in the dark."""
        self._temperature = self._surroundings = temperature

    def shine(self, lines: Sequence[tuple[float, float]]) -> None:
        """Set what the light consists of from now on; at the start it is that of the preset's pump.

        :param lines: wavelength (nm) and share of the fluence; the shares add up to 1.
        """
        self._light = [(Excitation(self.parameters, nm), share) for nm, share in lines]
        photon_energy = sum(line.energy * share for line, share in self._light)
        self._per_dot = photon_energy * JOULE_PER_EV * self.parameters.dots_per_cm2
        self._strength = sum(line.strength * share for line, share in self._light)

    def eqe(self, fluence: float, absorbed_power: float) -> float:
        """Return the external quantum efficiency of what gets into the band, 0 to 1.

        :param fluence: W/cm².
        :param absorbed_power: W/cm².
        """
        p = self.parameters
        occupation = absorbed_power / self._per_dot * p.exciton_lifetime
        auger = auger_limited_eqe(occupation, biexciton_yield=p.biexciton_yield)
        return trap_limited_eqe(fluence * self._strength, p.trap_loss, p.trap_fluence) * auger

    def absorbed_power(self, fluence: float, temperature: float) -> float:
        """Return the power the unbleached part absorbs at ``temperature`` (K), W/cm².

        :param fluence: W/cm².
        """
        return sum(power for _, power in self._absorbed(fluence, temperature))

    def heating_power(self, fluence: float, temperature: float) -> float:
        """Return the heat that light leaves in the spot at ``temperature`` (K), W/cm².

        Negative when cooling.
        """
        absorbed = self._absorbed(fluence, temperature)
        eqe = self.eqe(fluence, sum(power for _, power in absorbed))
        emitted = self.parameters.line.mean_energy(temperature)
        return sum(
            -power * cooling_efficiency(eqe * line.upconversion(temperature), emitted, line.energy)
            for line, power in absorbed
        )

    def emission(self, fluence: float, temperature: float) -> float:
        """Return the photons that the spot emits at ``temperature`` (K), 1/(s cm²).

        :param fluence: W/cm².
        """
        return self._emission(fluence, temperature, self._absorbed(fluence, temperature))

    def _absorbed(self, fluence: float, temperature: float) -> list[tuple[Excitation, float]]:
        """Return what is absorbed of each wavelength, W/cm²."""
        return [
            (line, line.absorbed(fluence * share, temperature) * self._alive)
            for line, share in self._light
        ]

    def _emission(
        self, fluence: float, temperature: float, absorbed: list[tuple[Excitation, float]]
    ) -> float:
        total = photons = 0.0
        for _, power in absorbed:
            total += power
        eqe = self.eqe(fluence, total)
        for line, power in absorbed:
            photons += eqe * line.upconversion(temperature) * power / (line.energy * JOULE_PER_EV)
        return photons

    def state(self, fluence: float, stage_temperature: float, duty: float = 1.0) -> State:
        """Return the true state under ``fluence`` (W/cm²) on a stage at a temperature (K).

        :param duty: part of the time during which there is light, 0 to 1.
        """
        absorbed = self.absorbed_power(fluence, self._temperature)
        return State(
            temperature=self._temperature,
            surroundings_temperature=self._surroundings,
            stage_temperature=stage_temperature,
            fluence=fluence * duty,
            absorbed_power=absorbed * duty,
            cooling_power=-self.heating_power(fluence, self._temperature) * duty,
            eqe=self.eqe(fluence, absorbed),
            bleached=self.bleached,
        )

    def advance(
        self, duration: float, fluence: float, stage_temperature: float, duty: float = 1.0
    ) -> float:
        """Let ``duration`` (s) pass and return the photons emitted meanwhile, per cm².

        :param fluence: W/cm², constant while there is light.
        :param stage_temperature: K, constant.
        :param duty: part of the time during which there is light, 0 to 1.
        """
        steps = max(1, math.ceil(duration / LONGEST_STEP_S))
        step = duration / steps
        return sum(self._step(step, fluence, stage_temperature, duty) for _ in range(steps))

    def _step(self, step: float, fluence: float, stage: float, duty: float) -> float:
        spot, around = self._temperature, self._surroundings
        half = step / 2
        survival = math.exp(-self.parameters.bleaching_rate * fluence * duty * half)
        first = self._rates(spot, around, fluence, stage, duty)
        self._alive *= survival
        second = self._rates(
            spot + half * first.spot, around + half * first.surroundings, fluence, stage, duty
        )
        third = self._rates(
            spot + half * second.spot, around + half * second.surroundings, fluence, stage, duty
        )
        self._alive *= survival
        last = self._rates(
            spot + step * third.spot, around + step * third.surroundings, fluence, stage, duty
        )
        sixth = step / 6
        gains = [
            sixth * (a + 2 * (b + c) + d)
            for a, b, c, d in zip(first, second, third, last, strict=True)
        ]
        self._temperature = spot + gains[0]
        self._surroundings = around + gains[1]
        before = self.energy
        self.energy = Energy(
            before.absorbed + gains[2], before.emitted + gains[3], before.to_stage + gains[4]
        )
        return gains[5]

    def _rates(
        self, spot: float, around: float, fluence: float, stage: float, duty: float
    ) -> _Rates:
        p = self.parameters
        absorbed = emitted = photons = 0.0
        if fluence > 0:
            parts = self._absorbed(fluence, spot)
            for _, power in parts:
                absorbed += power * duty
            photons = self._emission(fluence, spot, parts) * duty
            emitted = photons * p.line.mean_energy(spot) * JOULE_PER_EV
        out_of_spot, to_stage = p.network.flows(spot, around, stage)
        return _Rates(
            (absorbed - emitted - out_of_spot) / p.network.spot_capacity,
            (out_of_spot - to_stage) / p.network.surroundings_capacity,
            absorbed,
            emitted,
            to_stage,
            photons,
        )
