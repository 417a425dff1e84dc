"""Samples by name, each calibrated to the published numbers of one paper.

``roman2020-film``: the CsPbBr3 nanocrystals of Roman et al. 2020, pumped at 532 nm from 25 °C.
Which number pinned which parameter (all temperatures are the true ones of the spot):

* line: peak at 515.5 nm and 82 meV wide (on a wavelength axis, 25 °C), within the 513-517 nm that
  were seen and 74.5 meV above the pump photon (70-90 meV); the slope of 0.3 meV/K and the phonon
  broadening are typical values for CsPbBr3. Peak and width follow the temperature linearly.
* activation_energy: 140 meV come out of an Arrhenius plot of the *detected* intensity, as in the
  paper. On cooling the line shifts red and the notch filter takes more of it, which adds to the
  fall of the intensity: with the band 490-522 nm of the default bench, 20 meV. So the absorption
  itself has 120 meV, and a thermometer that uses 140 meV and that band reads the truth within
  0.1 K from 25 to 10 °C (0.4 K too warm at 10 °C with all the light that passes the filter, 2 K
  too cold with a band that ends at 518 nm).
* trap_loss, trap_fluence: no measurable change at 30 W/cm² (here −0.1 K after half an hour) while
  300 W/cm² cool, and a quantum efficiency of 98.5 ± 4 % (here 97.1 % at 30, 99.5 % at 300 W/cm²).
* network: at 300 W/cm² the spot is at 10.0 °C after 120 s, on the way an almost exponential drop;
  then, after 60 s at 30 W/cm² and 300 s in the dark, it crosses 24 °C at 1295 s of the programme
  under 30 W/cm², "about 20 minutes" later. Time constants 55 s and 1094 s. Only ratios of the
  heat capacities, the conductances and the absorbed power show in temperatures.
* saturation_fluence: 300, 1500 and 3000 W/cm² cool the faster the more (0.36, 0.52, 0.55 K/s at
  first), but the largest cooling stays near that of the paper: at 4600 W/cm² 21 K after two
  minutes and 29 K after ten. Surroundings that take 20 minutes to warm up also take long to cool:
  after hours the model would reach −36 K. The step from 4600 to 2300 W/cm² warms it by 0.7 K.
* absorptance, exciton lifetime (29 ns), biexciton yield (0.09) and dots per area: plausible values
  (lifetime and yield from Yamada et al. 2024); Auger losses are below 1e-5 here.

At 3000 W/cm² the width falls and the peak shifts red in proportion to the temperature; a straight
line in time over the first 60 s fits both with r² = 0.96.

Other wavelengths follow from that: the gap is at 2.4505 eV (506 nm), the absorptance there 1.07 %
and far above it 2.14 %. The network is that of a film which 0.2 mW/cm² of cooling make 15 K colder,
so pumps above the gap have to be weak.

``zhang2024-film``: the CsPbBr3 nanocrystals of Zhang et al. 2024 in a cryostat, which light heats
at any wavelength:

* pump_wavelength, activation_energy: with the steepness 1.3 (an Urbach energy of 19.8 meV at room
  temperature, a typical value) they put the gap to the published band edge, 500 nm.
* line: peak at 506 nm, the published Stokes shift of 30 meV; width and slope as above. The gap
  moves like the line.
* absorptance: 15 % at the band edge, a typical value for such films.
* trap_loss: QY = 0.84 at any fluence.
* half_upconversion, upconversion_power: η = 0.75 and 0.32 at 23 and 102 meV below the gap.
* network: a film on 1 mm of sapphire on a cold finger; time constants 0.5 s and 7 s, and 4 K for a
  watt per cm². It is there to let the film follow its stage.

Probe response, conductivity and diffusivity (glass) are typical values for all of them.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from types import MappingProxyType
from typing import Final

from labcool.errors import ConfigurationError
from labcool.models import EmissionLine, TwoNodeNetwork
from simulators.sample import SampleParameters

ROMAN_2020_FILM: Final = SampleParameters(
    pump_wavelength=532.0,
    activation_energy=0.120,
    reference_temperature=298.15,
    absorptance=1.0e-4,
    saturation_fluence=100.0,
    trap_loss=0.06,
    trap_fluence=28.4,
    exciton_lifetime=29e-9,
    biexciton_yield=0.09,
    dots_per_cm2=6.0e14,
    network=TwoNodeNetwork(
        spot_capacity=5.244e-4,
        surroundings_capacity=5.929e-3,
        spot_conductance=8.740e-6,
        stage_conductance=5.929e-6,
    ),
    line=EmissionLine(
        centre=2.4190,
        reference=298.15,
        slope=3.0e-4,
        tail=0.018,
        static_width=0.030,
        phonon_coupling=0.045,
        phonon_energy=0.018,
    ),
)

ZHANG_2024_FILM: Final = SampleParameters(
    pump_wavelength=532.0,
    activation_energy=0.19390,
    reference_temperature=298.15,
    absorptance=7.92e-5,
    saturation_fluence=1.0e4,
    trap_loss=0.16,
    trap_fluence=math.inf,
    exciton_lifetime=29e-9,
    biexciton_yield=0.09,
    dots_per_cm2=8.4e15,
    network=TwoNodeNetwork(
        spot_capacity=0.3,
        surroundings_capacity=3.0,
        spot_conductance=0.5,
        stage_conductance=0.5,
    ),
    line=EmissionLine(
        centre=2.4643,
        reference=298.15,
        slope=3.0e-4,
        tail=0.018,
        static_width=0.030,
        phonon_coupling=0.045,
        phonon_energy=0.018,
    ),
    urbach_steepness=1.3,
    gap_slope=3.0e-4,
    half_upconversion=0.0557,
    upconversion_power=1.243,
)

PRESETS: Final[Mapping[str, SampleParameters]] = MappingProxyType(
    {"roman2020-film": ROMAN_2020_FILM, "zhang2024-film": ZHANG_2024_FILM}
)


def preset(name: str) -> SampleParameters:
    """Return the parameters of a sample.

    :raises ConfigurationError: if there is none of that name; the message lists the names.
    """
    if name not in PRESETS:
        raise ConfigurationError(
            f"There is no sample called '{name}'. Known samples: {', '.join(sorted(PRESETS))}."
        )
    return PRESETS[name]
