"""Runs that are made of known causes, as thermometers and monitors would see them.

The generator knows nothing of the judge.
"""

from collections.abc import Callable
from dataclasses import dataclass, field, replace

import numpy as np

from labcool.thermometry import Estimate, Evidence, Verdict, judge

EA_EV = 0.14
KB = 8.617333262e-5
N = 300
TIME = np.linspace(0.0, 1200.0, N)
Readings = dict[str, Estimate]
Change = Callable[[Readings], Readings]


@dataclass
class World:
    """A run: what happens to the sample, the pump and the optics.

    :param change: of the temperature, K.
    :param pump: what the pump adds to ln I; focus likewise.
    :param bleached: part of the emitters that is lost at each time, whatever the reason.
    :param light: fluence over the full one, at each time; the dose follows.
    :param per_dose: −ln of the part of the emitters that is left after the whole dose.
    """

    change: float = 0.0
    pump: np.ndarray | float = 0.0
    focus: np.ndarray | float = 0.0
    bleached: np.ndarray | float = 0.0
    light: np.ndarray = field(default_factory=lambda: np.ones(N))
    per_dose: float = 0.0

    @property
    def temperature(self) -> np.ndarray:
        return 298.0 + self.change * (1 - np.exp(-TIME / 120.0))

    @property
    def dose(self) -> np.ndarray:
        return 300.0 * np.cumsum(self.light) * TIME[1]

    def readings(
        self,
        rng: np.random.Generator,
        *,
        tail_ratio: float = 0.8,
        peak_shift: float = 0.3,
        energy_off: float = 0.0,
        slope_off: float = 0.0,
    ) -> Readings:
        """Read the temperatures.

        :param tail_ratio: noise of a reading in full light, K; peak_shift likewise.
        :param energy_off: relative error of the activation energy, in size its stated std.
        :param slope_off: relative error of the slope of the peak's calibration, likewise.
        """
        intensity = np.exp(-EA_EV / KB / self.temperature) * np.exp(self.pump + self.focus)
        emitters = (1 - self.bleached) * np.exp(-self.per_dose * self.dose / self.dose[-1])
        log_ratio = np.log(intensity * emitters / np.exp(-EA_EV / KB / 298.0))
        read = 1 / (1 / 298.0 - KB / EA_EV * (1 + energy_off) * log_ratio)
        shifted = 298.0 + (self.temperature - 298.0) * (1 + slope_off)
        noise = 1 / np.sqrt(self.light)
        return {
            "arrhenius": drawn(read, 0.1 * noise, 0.2, rng, abs(energy_off)),
            "tail_ratio": drawn(self.temperature, tail_ratio * noise, 0.3, rng),
            "peak_shift": drawn(shifted, peak_shift * noise, 0.4, rng, abs(slope_off)),
        }

    def evidence(self, rng: np.random.Generator) -> Evidence:
        pump, light = np.exp(self.pump + np.zeros(N)), np.exp(self.pump + self.focus + np.zeros(N))
        return Evidence(
            monitor=pump * (1 + rng.normal(0, 0.001, N)),
            monitor_std=0.001,
            scatter=light * (1 + rng.normal(0, 0.004, N)),
            scatter_std=0.004,
            dose=self.dose,
            time=TIME,
        )


def drawn(
    truth: np.ndarray,
    stat: np.ndarray | float,
    syst: float,
    rng: np.random.Generator,
    relative: float = 0.0,
) -> Estimate:
    """Read temperatures with noise and a constant offset.

    :param relative: part of the change from 298 K that the systematic std grows by.
    """
    value = truth + rng.normal(0, syst) + rng.normal(0, 1, N) * stat
    shared = np.hypot(syst, relative * (value - 298.0))
    own = np.full(N, stat)
    return Estimate(value, np.hypot(own, shared), own, shared, np.zeros(N, np.int64))


def cut(estimate: Estimate, rows: slice) -> Estimate:
    return Estimate(
        estimate.value[rows],
        estimate.std[rows],
        estimate.statistical[rows],
        estimate.systematic[rows],
        estimate.flags[rows],
    )


def with_noise_understated(readings: Readings, factor: float) -> Readings:
    return {
        name: replace(each, statistical=each.statistical / factor)
        for name, each in readings.items()
    }


def verdicts(
    world: World,
    count: int = 25,
    *,
    with_evidence: bool = True,
    without: tuple[str, ...] = (),
    drop: tuple[str, ...] = (),
    change: Change = lambda readings: readings,
    **of_readings: float,
) -> list[Verdict]:
    """Judge a world that is drawn several times.

    :param without: series that are left out of the evidence.
    :param drop: thermometers that are left out.
    :param change: what is done to the readings before they are judged.
    """
    found = []
    for seed in range(count):
        rng = np.random.default_rng(seed)
        readings = world.readings(rng, **of_readings)
        evidence = replace(world.evidence(rng), **dict.fromkeys(without))
        readings = change({name: e for name, e in readings.items() if name not in drop})
        found.append(
            judge(readings, activation_energy=EA_EV, evidence=evidence if with_evidence else None)
        )
    return found
