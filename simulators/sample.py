"""The sample under below-gap pumping: a two-node thermal network that light cools or heats.

Light of irradiance F (*fluence* in the words of the field: W/cm², mean over the 1/e² area of the
spot) is absorbed with the help of phonons; most of it leaves as anti-Stokes luminescence of higher
photon energy, the rest stays as heat. Per cm² of spot:

* absorbed: ``absorptance · F/(1 + F/F_a) · exp(−Ea/kB (1/T − 1/T0)) · (1 − bleached)``;
* emitted: ``η E_ASPL/E_abs`` of that, with E_ASPL the mean energy of the line at T;
* heat into the spot: absorbed − emitted, negative when cooling.

η is the product of a trap-limited and an Auger-limited efficiency (:mod:`labcool.models.cooling`).
Filling traps are this twin's reason for a cooling that all but vanishes at low fluence; other
reasons are possible. Saturation of the few states below the gap (F_a) is this twin's reason for a
cooling that grows far less than the fluence: proportional to it, 3000 W/cm² would have to cool ten
times as much as 300 W/cm², which no experiment shows.

Everything is deterministic. The network is integrated by the classical Runge-Kutta method in steps
of at most :data:`LONGEST_STEP_S`, its energy balance included.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Final, NamedTuple

from labcool.models import (
    EmissionLine,
    TwoNodeNetwork,
    arrhenius_factor,
    auger_limited_eqe,
    cooling_efficiency,
    saturable_absorption,
    trap_limited_eqe,
)
from labcool.units import HC_EV_NM

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

    @property
    def pump_energy(self) -> float:
        """Energy of a pump photon, eV."""
        return HC_EV_NM / self.pump_wavelength


class State(NamedTuple):
    """The truth at one moment.

    Temperatures in K, ``fluence``, ``absorbed_power`` and ``cooling_power`` (emitted − absorbed,
    positive when cooling) in W/cm²; ``eqe`` and ``bleached`` are fractions.
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
        self._pump_energy = parameters.pump_energy

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

    def eqe(self, fluence: float, absorbed_power: float) -> float:
        """Return the external quantum efficiency, 0 to 1.

        :param fluence: W/cm².
        :param absorbed_power: W/cm².
        """
        p = self.parameters
        rate_per_dot = absorbed_power / (self._pump_energy * JOULE_PER_EV * p.dots_per_cm2)
        auger = auger_limited_eqe(
            rate_per_dot * p.exciton_lifetime, biexciton_yield=p.biexciton_yield
        )
        return trap_limited_eqe(fluence, p.trap_loss, p.trap_fluence) * auger

    def absorbed_power(self, fluence: float, temperature: float) -> float:
        """Return the power the unbleached part absorbs at ``temperature`` (K), W/cm².

        :param fluence: W/cm².
        """
        p = self.parameters
        assisted = arrhenius_factor(temperature, p.reference_temperature, p.activation_energy)
        weak = p.absorptance * saturable_absorption(fluence, p.saturation_fluence)
        return weak * assisted * self._alive

    def heating_power(self, fluence: float, temperature: float) -> float:
        """Return the heat that light leaves in the spot at ``temperature`` (K), W/cm².

        Negative when cooling.
        """
        absorbed = self.absorbed_power(fluence, temperature)
        energy = self.parameters.line.mean_energy(temperature)
        return -absorbed * cooling_efficiency(
            self.eqe(fluence, absorbed), energy, self._pump_energy
        )

    def state(self, fluence: float, stage_temperature: float) -> State:
        """Return the true state under ``fluence`` (W/cm²) on a stage at a temperature (K)."""
        absorbed = self.absorbed_power(fluence, self._temperature)
        return State(
            temperature=self._temperature,
            surroundings_temperature=self._surroundings,
            stage_temperature=stage_temperature,
            fluence=fluence,
            absorbed_power=absorbed,
            cooling_power=-self.heating_power(fluence, self._temperature),
            eqe=self.eqe(fluence, absorbed),
            bleached=self.bleached,
        )

    def advance(self, duration: float, fluence: float, stage_temperature: float) -> float:
        """Let ``duration`` (s) pass and return the photons emitted meanwhile, per cm².

        :param fluence: W/cm², constant.
        :param stage_temperature: K, constant.
        """
        steps = max(1, math.ceil(duration / LONGEST_STEP_S))
        step = duration / steps
        return sum(self._step(step, fluence, stage_temperature) for _ in range(steps))

    def _step(self, step: float, fluence: float, stage: float) -> float:
        spot, around = self._temperature, self._surroundings
        half = step / 2
        survival = math.exp(-self.parameters.bleaching_rate * fluence * half)
        first = self._rates(spot, around, fluence, stage)
        self._alive *= survival
        second = self._rates(
            spot + half * first.spot, around + half * first.surroundings, fluence, stage
        )
        third = self._rates(
            spot + half * second.spot, around + half * second.surroundings, fluence, stage
        )
        self._alive *= survival
        last = self._rates(
            spot + step * third.spot, around + step * third.surroundings, fluence, stage
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

    def _rates(self, spot: float, around: float, fluence: float, stage: float) -> _Rates:
        p = self.parameters
        absorbed = emitted = photons = 0.0
        if fluence > 0:
            absorbed = self.absorbed_power(fluence, spot)
            eqe = self.eqe(fluence, absorbed)
            photons = eqe * absorbed / (self._pump_energy * JOULE_PER_EV)
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
