import numpy as np
import pytest
from scipy.constants import electron_volt

from labcool.models import (
    auger_limited_eqe,
    cooling_efficiency,
    saturable_absorption,
    trap_limited_eqe,
)


def test_threshold_of_cooling_at_the_published_anti_stokes_shift() -> None:
    pump = 2.3305
    threshold = pump / (pump + 0.080)
    assert 0.965 < threshold < 0.97
    assert cooling_efficiency(threshold, pump + 0.080, pump) == pytest.approx(0, abs=1e-15)
    assert cooling_efficiency(1.0, pump + 0.080, pump) == pytest.approx(0.080 / pump)
    assert cooling_efficiency(0.9, pump + 0.080, pump) < 0


@pytest.mark.parametrize(
    ("mean_energy", "largest_fW", "occupation_there"),
    [(2.387, 2.09, 0.0134), (2.389, 2.24, 0.0139)],
)
def test_largest_cooling_power_of_a_dot(
    mean_energy: float, largest_fW: float, occupation_there: float
) -> None:
    occupation = np.linspace(1e-5, 0.05, 50_000)
    eqe = auger_limited_eqe(occupation, biexciton_yield=0.09)
    power = occupation / 29e-9 * (eqe * mean_energy - 2.33) * electron_volt * 1e15
    assert power.max() == pytest.approx(largest_fW, abs=0.006)
    assert occupation[power.argmax()] == pytest.approx(occupation_there, abs=1e-4)


def test_auger_limits() -> None:
    assert auger_limited_eqe(0.0) == 1.0
    assert auger_limited_eqe(1e9, biexciton_yield=0.09) == pytest.approx(0.09, rel=1e-6)
    full = auger_limited_eqe(1e9, trion_yield=0.26, trion_excitation=2.0)
    assert full == pytest.approx(0.26, rel=1e-6)


def test_half_the_traps_and_half_the_absorption() -> None:
    assert trap_limited_eqe(29.0, 0.06, 29.0) == pytest.approx(0.97)
    assert trap_limited_eqe(0.0, 0.06, 29.0) == pytest.approx(0.94)
    assert saturable_absorption(120.0, 120.0) == pytest.approx(60.0)
    assert saturable_absorption(1e-6, 120.0) == pytest.approx(1e-6, rel=1e-7)
    assert saturable_absorption(1e9, 120.0) == pytest.approx(120.0, rel=1e-6)
