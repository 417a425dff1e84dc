"""The published numbers of Roman et al. 2020, from the true temperature and no instrument."""

from functools import cache

import numpy as np
import pytest
from numpy.typing import NDArray
from scipy.optimize import brentq

from labcool.errors import ConfigurationError
from labcool.units import HC_EV_NM, celsius
from simulators.presets import PRESETS, preset
from simulators.sample import Sample

FILM = preset("roman2020-film")
ROOM = 298.15
WAVELENGTHS = np.linspace(490.0, 550.0, 60_001)


@cache
def temperatures(*programme: tuple[float, float]) -> NDArray[np.float64]:
    """Return the temperature at every second of a programme of (seconds, W/cm²)."""
    sample = Sample(FILM, ROOM)
    found = [ROOM]
    for duration, fluence in programme:
        for _ in range(round(duration)):
            sample.advance(1.0, fluence, ROOM)
            found.append(sample.temperature)
    return np.array(found)


def steady_state(fluence: float) -> float:
    sample = Sample(FILM, ROOM)

    def excess(temperature: float) -> float:
        heating = sample.heating_power(fluence, temperature)
        return temperature - FILM.network.steady_state(heating, ROOM)[0]

    return float(brentq(excess, 200.0, 320.0, xtol=1e-10))


def peak_and_width(temperature: float) -> tuple[float, float]:
    """Return the peak wavelength and the full width at half maximum, nm."""
    line = FILM.line.per_wavelength(WAVELENGTHS, temperature)
    top = int(line.argmax())
    crooked = np.polyfit(
        WAVELENGTHS[top - 300 : top + 301] - WAVELENGTHS[top], line[top - 300 : top + 301], 3
    )
    peak = WAVELENGTHS[top] + min(np.roots(np.polyder(crooked)), key=abs).real
    half = line[top] / 2
    blue = np.interp(half, line[: top + 1], WAVELENGTHS[: top + 1])
    red = np.interp(-half, -line[top:], WAVELENGTHS[top:])
    return float(peak), float(red - blue)


def r_squared(time: NDArray[np.float64], values: NDArray[np.float64]) -> float:
    return float(np.corrcoef(time, values)[0, 1] ** 2)


def test_r_cool_two_minutes_at_300() -> None:
    run = temperatures((120, 300.0))
    assert celsius(run[-1]) == pytest.approx(10.0, abs=0.2)
    rates = -np.diff(run)
    assert (rates > 0).all()
    assert (np.diff(rates) < 0).all(), "the drop bends as an exponential does"
    assert rates[-1] < 0.15 * rates[0]


def test_r_warm_back_at_room_temperature_after_about_twenty_minutes() -> None:
    run = temperatures((120, 300.0), (60, 30.0), (300, 0.0), (900, 30.0))
    assert celsius(run.min()) == pytest.approx(10.0, abs=0.2)
    crossing = 300 + int(np.argmax(run[300:] >= ROOM - 1))
    assert 1280 <= crossing <= 1360
    assert (np.diff(run[121:]) > 0).all()
    assert run[-1] < ROOM


def test_r_low_30_alone_does_nothing() -> None:
    run = temperatures((1800, 30.0))
    assert np.abs(run - ROOM).max() < 0.3


def test_r_rate_more_fluence_drops_faster() -> None:
    drops = [ROOM - temperatures((5, fluence))[-1] for fluence in (300.0, 1500.0, 3000.0)]
    assert drops[0] < drops[1] < drops[2]
    assert drops[1] > 1.3 * drops[0]
    assert drops[2] > 1.02 * drops[1]


def test_r_step_half_the_fluence_warms_to_a_new_steady_state() -> None:
    sample = Sample(FILM, ROOM)
    sample.advance(3 * 3600.0, 4600.0, ROOM)
    assert sample.temperature == pytest.approx(steady_state(4600.0), abs=0.01)
    sample.advance(120.0, 2300.0, ROOM)
    assert sample.temperature > steady_state(4600.0) + 0.1
    sample.advance(2 * 3600.0, 2300.0, ROOM)
    assert sample.temperature == pytest.approx(steady_state(2300.0), abs=0.01)
    assert 0.5 < steady_state(2300.0) - steady_state(4600.0) < 1.0


def test_largest_cooling_is_plausible() -> None:
    run = temperatures((600, 4600.0))
    assert 25.0 < ROOM - run[-1] < 30.0
    assert 20.0 < ROOM - run[120] < 25.0
    assert ROOM - steady_state(4600.0) < 37.0


def test_r_shape_width_falls_and_peak_shifts_red_nearly_linearly() -> None:
    run = temperatures((60, 3000.0))[::3]
    time = np.arange(0.0, 61.0, 3.0)
    peaks, widths = np.array([peak_and_width(t) for t in run]).T
    assert (np.diff(peaks) > 0).all()
    assert (np.diff(widths) < 0).all()
    assert peaks[-1] - peaks[0] == pytest.approx(1.09, abs=0.05)
    assert r_squared(time, peaks) > 0.95
    assert r_squared(time, widths) > 0.95
    assert r_squared(run, peaks) > 0.9999
    assert r_squared(run, widths) > 0.9999


def test_r_pl_peak_and_anti_stokes_shift() -> None:
    peak, width = peak_and_width(ROOM)
    assert 513.0 <= peak <= 517.0
    assert 0.070 <= HC_EV_NM / peak - FILM.pump_energy <= 0.090
    assert width == pytest.approx(17.6, abs=0.1)
    line = FILM.line.per_wavelength(WAVELENGTHS, ROOM)
    half = WAVELENGTHS[line >= line.max() / 2]
    assert half[-1] - peak > 1.05 * (peak - half[0]), "the red side is the broader one"


def test_r_eqe() -> None:
    for fluence in (30.0, 300.0, 4600.0):
        assert 0.945 <= Sample(FILM, ROOM).state(fluence, ROOM).eqe <= 1.0


def test_unknown_samples_are_refused_with_the_names_of_the_known() -> None:
    with pytest.raises(ConfigurationError, match="roman2020-film"):
        preset("roman2021-film")
    assert list(PRESETS) == ["roman2020-film", "zhang2024-film"]
