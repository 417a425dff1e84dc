"""Which simulated device stands behind which driver, and how it is wired to the others.

Shutters, lasers, mounts and the chopper act on the light of the bench, and stages carry its sample.
Lock-in amplifier, power meter and spectrometers look at the light (:mod:`simulators.detection`),
the monochromator stands before the lock-in's photodiode, and the Digi-Sense reads a thermocouple on
the sample's stage.
"""

from __future__ import annotations

from importlib.metadata import entry_points
from typing import Final

from labcool.errors import ConfigurationError
from simulators._andor_on_bench import andor, shamrock
from simulators._daq_card import CardInputs, CardLine, DaqCard
from simulators._faulty_line import FaultyLine
from simulators._faulty_usb import FaultyFlameLink
from simulators._pass_band import PassBand, band_width
from simulators._superk_modules import MODULES, superk
from simulators._surroundings import Electrons, Factory, Surroundings
from simulators._thermocouple import Thermocouple
from simulators.acton import GRATINGS, ActonSP2300i
from simulators.cobolt import Cobolt06
from simulators.detection import METER_WAVELENGTH_NM
from simulators.digisense import DigiSense
from simulators.elliptec import ELL14
from simulators.finesse import Finesse
from simulators.flame import Flame
from simulators.k10cr1 import K10CR1
from simulators.ksc101 import KSC101
from simulators.lakeshore import LakeShore
from simulators.linkam import THMS600, TS1500, LinkamT95, Stage
from simulators.mc2000b import MC2000B
from simulators.obis import Obis
from simulators.pm100d import PM100D
from simulators.sc10 import SC10
from simulators.sr830 import SR830
from simulators.ttl_shutter import ControlLinePort, InputLine, TTLShutter

__all__ = ["DEVICES", "ROOM_TEMPERATURE_K", "Factory", "Surroundings", "factory"]

ROOM_TEMPERATURE_K: Final = 298.15
ENTRY_POINTS: Final = "labcool.simulators"

_LARGEST_FINESSE_W: Final = 6.0
_SLIT_MM: Final = 0.5
_PROBE_NOISE_K: Final = 0.05
_FLAME_MODELS: Final = {"FLAMES": "FLAME-S", "USB2000PLUS": "USB2000+", "USB4000": "USB4000"}
_SENSOR_LINES: Final[dict[str, InputLine]] = {"CTS": "cts", "DSR": "dsr", "CD": "cd"}
_STAGES: Final = {
    "THMS600": THMS600,
    "TS1500": TS1500,
    "other": Stage("other", -196.0, 1500.0, 200.0, has_pump=True),
}
_BELOW_USB: Final = (
    "it is simulated below the seabreeze library, inside the program that uses it; it has no port "
    "that another program could open"
)
_CONTROL_LINES: Final = (
    "it is simulated by the control lines of a serial port, which neither a socket nor a "
    "pseudo-terminal has"
)
_CARD: Final = "it is simulated by the lines or inputs of a card, which has no port"


def _sc10(around: Surroundings) -> SC10:
    return SC10(around.clock, moved=around.shutter_moved)


def _ksc101(around: Surroundings) -> KSC101:
    return KSC101(around.clock, moved=around.shutter_moved)


def _ttl_shutter(around: Surroundings) -> TTLShutter:
    settings = around.settings
    sensor = settings.get("sensor") or "CTS"
    shutter = TTLShutter(
        around.clock,
        moved=around.shutter_moved,
        has_sensor=sensor != "none",
        sensor_high_when_closed=bool(settings.get("sensor_closed_high", True)),
    )
    port = ControlLinePort(
        shutter,
        None,
        output="rts" if settings.get("line") == "RTS" else "dtr",
        sensor=_SENSOR_LINES.get(str(sensor), "cts"),
    )
    port.port = "simulated"
    around.reached_by(port, _CONTROL_LINES, FaultyLine(shutter, port, around.fault_rng))
    return shutter


def _daq_shutter(around: Surroundings) -> TTLShutter:
    settings = around.settings
    shutter = TTLShutter(
        around.clock,
        moved=around.shutter_moved,
        has_sensor=settings.get("sensor") != "none",
        sensor_high_when_closed=bool(settings.get("sensor_closed_high", True)),
    )
    line = CardLine(shutter)
    around.reached_by(line, _CARD, FaultyLine(shutter, line, around.fault_rng))
    return shutter


def _daq_input(around: Surroundings) -> DaqCard:
    around.detects = True
    card = DaqCard(
        around.clock,
        voltage=lambda number, moment: around.detection.aux_input(number, moment),
        inputs=len(around.settings.get("channels") or ("ai0",)),
    )
    inputs = CardInputs(card)
    around.reached_by(inputs, _CARD, FaultyLine(card, inputs, around.fault_rng))
    return card


def _finesse(around: Surroundings) -> Finesse:
    allowed = float(around.settings.get("max_power", 0.0))
    return Finesse(
        around.clock,
        power_changed=around.laser_power_changed,
        max_power=max(allowed, _LARGEST_FINESSE_W),
    )


def _ell14(around: Surroundings) -> ELL14:
    return ELL14(
        around.clock,
        turned=around.mount_turned,
        address=str(around.settings.get("address", "0")),
        rng=around.rng,
    )


def _k10cr1(around: Surroundings) -> K10CR1:
    return K10CR1(around.clock, turned=around.mount_turned)


def _mc2000b(around: Surroundings) -> MC2000B:
    return MC2000B(around.clock, moved=around.chopper_moved)


def _linkam(around: Surroundings) -> LinkamT95:
    stage = _STAGES[str(around.settings.get("stage", "THMS600"))]
    return LinkamT95(around.clock, ambient_K=ROOM_TEMPERATURE_K, stage=stage, rng=around.rng)


def _lakeshore(model: str) -> Factory:
    def make(around: Surroundings) -> LakeShore:
        return LakeShore(around.clock, model=model, rng=around.rng)

    return make


def _digisense(around: Surroundings) -> DigiSense:
    bead = Thermocouple(around.stage_temperature, around.clock.now(), ROOM_TEMPERATURE_K)
    return DigiSense(
        around.clock,
        temperature=bead.at,
        address=str(around.settings.get("address", 1)),
        noise=_PROBE_NOISE_K,
        rng=around.rng,
    )


def _flame(around: Surroundings) -> Flame:
    def expose(start: float, duration: float) -> Electrons:
        return around.expose(start, duration, device.wavelengths)

    device = Flame(
        around.clock,
        serial=str(around.settings.get("serial") or "FLMS00001"),
        model=_FLAME_MODELS[str(around.settings.get("model") or "FLAMES")],
        expose=expose,
        rng=around.rng,
    )
    link = FaultyFlameLink(device, around.fault_rng)
    around.reached_by(link, _BELOW_USB, link.faulty)
    return device


def _pm100d(around: Surroundings) -> PM100D:
    around.detects = True
    return PM100D(
        around.clock,
        power=lambda moment: around.detection.metered(moment),
        wavelength=METER_WAVELENGTH_NM,
        rng=around.rng,
    )


def _sr830(around: Surroundings) -> SR830:
    around.detects = True
    return SR830(
        around.clock,
        signal=lambda moment: around.detection.lock_in_input(moment),
        reference=lambda moment: around.detection.reference(moment),
        source_noise=lambda moment: around.detection.lock_in_noise(moment),
        harmonics=lambda number, moment: around.detection.harmonic(number, moment),
        aux_in=lambda number, moment: around.detection.aux_input(number, moment),
        rng=around.rng,
        interface="rs232" if around.settings.get("interface") == "rs232" else "gpib",
    )


def _obis(around: Surroundings) -> Obis:
    return Obis(
        around.clock,
        power_changed=around.laser_power_changed,
        wavelength=round(float(around.settings.get("wavelength", 785.0))),
        nominal_power=float(around.settings.get("max_power", 0.1)),
    )


def _cobolt(around: Surroundings) -> Cobolt06:
    return Cobolt06(
        around.clock,
        power_changed=around.laser_power_changed,
        max_power=float(around.settings.get("max_power", 0.1)),
        wavelength=round(float(around.settings.get("wavelength", 532.0))),
    )


def _acton(around: Surroundings) -> ActonSP2300i:
    made: list[ActonSP2300i] = []

    def moved(wavelength: float, moment: float) -> None:
        grating = made[0].grating if made else GRATINGS[1]
        width = band_width(wavelength, grating.grooves, _SLIT_MM)
        around.monochromator_moved(PassBand(wavelength, width), moment)

    echo = around.settings.get("port") == "RS-232"
    made.append(ActonSP2300i(around.clock, wavelength_changed=moved, echo=echo))
    return made[0]


DEVICES: Final[dict[str, Factory]] = {
    "drivers.sc10.SC10": _sc10,
    "drivers.ksc101.KSC101": _ksc101,
    "drivers.ttl_shutter.TTLShutter": _ttl_shutter,
    "drivers.daq_shutter.DAQShutter": _daq_shutter,
    "drivers.daq_input.DAQInput": _daq_input,
    "drivers.finesse.Finesse": _finesse,
    "drivers.obis.Obis": _obis,
    "drivers.cobolt.Cobolt06": _cobolt,
    **dict.fromkeys(MODULES, superk),
    "drivers.acton.ActonSP2300": _acton,
    "drivers.andor.AndorSpectrometer": andor,
    "drivers.shamrock.Shamrock": shamrock,
    "drivers.elliptec.ELL14": _ell14,
    "drivers.k10cr1.K10CR1": _k10cr1,
    "drivers.mc2000b.MC2000B": _mc2000b,
    "drivers.linkam.LinkamT95": _linkam,
    "drivers.lakeshore.LakeShore331": _lakeshore("331"),
    "drivers.lakeshore.LakeShore335": _lakeshore("335"),
    "drivers.lakeshore.LakeShore336": _lakeshore("336"),
    "drivers.digisense.DigiSense": _digisense,
    "drivers.ocean.OceanSpectrometer": _flame,
    "drivers.pm100d.PM100D": _pm100d,
    "drivers.sr830.SR830": _sr830,
}


def factory(name: str, driver: str) -> Factory:
    """Return what makes the device behind a driver, for the instrument called ``name``.

    :raises ConfigurationError: if there is no such device; the message lists those there are.
    """
    if driver in DEVICES:
        return DEVICES[driver]
    others = {entry.name: entry for entry in entry_points(group=ENTRY_POINTS)}
    if driver in others:
        found: Factory = others[driver].load()
        return found
    raise ConfigurationError(
        f"instruments.{name}: there is no simulated device for the driver {driver}. Simulated can "
        f"be: {', '.join([*DEVICES, *sorted(others)])}."
    )
