"""Published numbers of Roman et al. 2020, from light path and detector noise to file and fit."""

import csv

import numpy as np
import pytest
from scipy.optimize import curve_fit
from scipy.stats import exponnorm

from labcool import open_run
from labcool.cli.run import RunRequest, run
from labcool.thermometry import Flag
from labcool.units import HC_EV_NM

ZERO_CELSIUS = 273.15


def carry_out(folder, *settings, seed=1):
    """Return the run file and the truth of a cooling run on the default bench."""
    truth = folder / "truth.csv"
    code = run(
        RunRequest(
            procedure="cooling",
            settings=settings,
            out=folder / "runs",
            seed=seed,
            truth=truth,
            quiet=True,
        )
    )
    assert code == 0
    (file,) = (folder / "runs").rglob("*.h5")
    with truth.open(newline="", encoding="ascii") as lines:
        rows = list(csv.DictReader(lines))
    return file, {name: np.array([float(row[name]) for row in rows]) for name in rows[0]}


@pytest.fixture(scope="module", params=[1, 2])
def default_run(request, tmp_path_factory):
    return carry_out(tmp_path_factory.mktemp(f"seed{request.param}"), seed=request.param)


def true_temperature(truth, moments):
    return np.interp(moments, truth["time"], truth["temperature"])


def test_r_cool_the_sample_reaches_ten_degrees_after_two_minutes(default_run):
    _, truth = default_run
    before, after = true_temperature(truth, [0.0, 119.9]) - ZERO_CELSIUS
    assert before == pytest.approx(25.0, abs=0.2)
    assert after == pytest.approx(10.0, abs=1.0)


def test_r_cool_the_drop_is_exponential_like(default_run):
    _, truth = default_run
    slope = np.diff(true_temperature(truth, np.arange(0, 120, 20)))
    assert (slope < 0).all()
    assert (np.diff(np.abs(slope)) < 0).all()


def test_r_warm_room_temperature_is_back_after_about_twenty_minutes(default_run):
    _, truth = default_run
    back = (truth["time"] > 120) & (truth["temperature"] > ZERO_CELSIUS + 24)
    assert truth["time"][back][0] == pytest.approx(1400, abs=150)


def test_the_measured_temperature_is_the_true_one_within_its_uncertainty(default_run):
    file, truth = default_run
    with open_run(file) as measured:
        temperature, std = measured.temperature()
        error = temperature - true_temperature(truth, measured.time)
        flags = measured.flags()
    assert len(error) == 1080
    assert np.mean(np.abs(error) < 2 * std) >= 0.93
    assert not np.any(flags)
    # An uncertainty that is many times the error would be as wrong as one that is too small.
    assert np.sqrt(np.mean((error / std) ** 2)) > 0.3


def test_r_low_a_weak_pump_changes_nothing_measurable(tmp_path):
    file, truth = carry_out(tmp_path, "programme=20 min @ 30", "interval=10")
    lit = truth["time"] >= 0
    assert np.ptp(truth["temperature"][lit]) < 0.5
    with open_run(file) as measured:
        temperature, std = measured.temperature()
    assert np.all(np.abs(temperature - temperature[0]) < 5 * std)


def line(energy, area, centre, sigma, tail):
    """Exponentially modified Gaussian with its tail towards the red, counts per eV."""
    return area * exponnorm.pdf(-energy, tail / sigma, loc=-centre, scale=sigma)


def peak_and_width(energy, parameters):
    """Return the peak and the full width at half maximum of a line, eV."""
    fine = np.linspace(energy.min(), energy.max() + 0.1, 20_000)
    values = line(fine, *parameters)
    above = fine[values > values.max() / 2]
    return fine[values.argmax()], above[-1] - above[0]


def test_r_shape_the_line_narrows_and_shifts_red_with_time(tmp_path):
    file, _ = carry_out(tmp_path, "programme=60 s @ 3000", "exposure=0.6")
    with open_run(file) as measured:
        dark = measured.dark
        exposures = np.atleast_1d(dark.columns["exposure"].value)
        background = dark.spectra[int(np.argmin(np.abs(exposures - 0.6)))]
        band = (measured.wavelengths > 485) & (measured.wavelengths < 520.5)
        energy = HC_EV_NM / measured.wavelengths[band]
        jacobian = measured.wavelengths[band] ** 2 / HC_EV_NM
        counts = (np.asarray(measured.spectra) - background)[:, band]
        time, flags = measured.time, measured.flags()
    assert not np.any(flags & Flag.SATURATED)

    blocks = np.array_split(np.arange(len(time)), 12)
    middle = [time[block].mean() for block in blocks]
    means = [counts[block].mean(axis=0) * jacobian for block in blocks]
    noise = [np.sqrt(np.maximum(m, 1) * jacobian + (50 * jacobian) ** 2) for m in means]
    start = (means[0].max() * 0.06, 2.41, 0.03, 0.02)
    first, _ = curve_fit(line, energy, means[0], p0=start, sigma=noise[0])
    tail = first[3]
    lines = [
        (*curve_fit(lambda e, *p: line(e, *p, tail), energy, m, p0=first[:3], sigma=n)[0], tail)
        for m, n in zip(means, noise, strict=True)
    ]
    peaks, widths = np.array([peak_and_width(energy, each) for each in lines]).T
    assert HC_EV_NM / peaks[0] == pytest.approx(515, abs=2)
    assert peaks[0] - HC_EV_NM / 532 == pytest.approx(0.080, abs=0.010)
    assert peaks[0] - peaks[-1] > 0.003
    assert widths[0] - widths[-1] > 0.002
    assert np.corrcoef(middle, peaks)[0, 1] < -0.95
    assert np.corrcoef(middle, widths)[0, 1] < -0.95
