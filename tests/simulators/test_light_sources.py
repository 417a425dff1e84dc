"""Tunable lines, another pump wavelength, and a chopper on the way to the sample and detector."""

from __future__ import annotations

import numpy as np
import pytest

from labcool.clock import VirtualClock
from simulators._chopper_wheel import Motion
from simulators._chopping import Chopping
from simulators._excitation import Excitation
from simulators._light_history import LightHistory
from simulators.light_path import LightPath, Optics
from simulators.presets import preset
from simulators.sample import Sample
from simulators.truth import Truth

ROMAN, ZHANG = preset("roman2020-film"), preset("zhang2024-film")
QUIET = Optics(power_noise=0.0, power_drift=0.0)
PIXELS = np.linspace(400.0, 700.0, 3001)
ROOM = 298.15


def light_path(sample=ROMAN, optics=QUIET, **more):
    path = LightPath(
        VirtualClock(),
        Sample(sample),
        optics=optics,
        rng=np.random.default_rng(1),
        stage_temperature=lambda _: ROOM,
        **more,
    )
    path.shutter_moved(True, 0.0)
    return path


def watts_for(fluence):
    return fluence * QUIET.spot_area_cm2 / QUIET.path_transmission


def chopping(hertz):
    return Chopping(Motion(0.0, 0.0, hertz / 100, hertz / 100, 1.0), 100, sensed_slots=100)


def test_lines_of_the_preset_s_wavelength_do_what_the_pump_laser_does():
    laser, lines = light_path(), light_path()
    laser.laser_power_changed(watts_for(300.0), 0.0)
    lines.tunable_light_changed([(532.0, watts_for(300.0))], 0.0)
    one, other = laser.expose(0.0, 1.0, PIXELS)(), lines.expose(0.0, 1.0, PIXELS)()
    np.testing.assert_allclose(other, one, rtol=1e-9)
    assert laser.sample.temperature == pytest.approx(lines.sample.temperature, abs=1e-12)


def test_laser_and_lines_go_the_same_way():
    path = light_path(truth=(truth := Truth()))
    path.laser_power_changed(watts_for(10.0), 0.0)
    path.tunable_light_changed([(500.0, watts_for(1.0)), (560.0, watts_for(2.0))], 0.0)
    path.advance(1.0)
    assert truth.values("fluence")[-1] == pytest.approx(13.0)
    parts = [(532.0, 10.0), (500.0, 1.0), (560.0, 2.0)]
    absorbed = sum(Excitation(ROMAN, nm).absorbed(f, ROOM) for nm, f in parts)
    assert path.sample.absorbed_power(13.0, ROOM) == pytest.approx(absorbed, rel=1e-3)
    path.shutter_moved(False, 1.0)
    path.advance(2.0)
    assert truth.values("fluence")[-1] == 0.0


def test_a_blue_pump_heats_what_a_green_one_cools():
    cooled, heated = light_path(), light_path(pump_wavelength=488.0)
    cooled.laser_power_changed(watts_for(300.0), 0.0)
    heated.laser_power_changed(watts_for(0.3), 0.0)
    for path in (cooled, heated):
        path.advance(20.0)
    assert cooled.sample.temperature < ROOM - 3.0
    assert heated.sample.temperature > ROOM + 3.0


def test_scattered_light_is_seen_at_its_own_wavelength():
    optics = Optics(power_noise=0.0, power_drift=0.0, notch_density=0.0)
    path = light_path(optics=optics)
    path.tunable_light_changed([(450.0, watts_for(1.0)), (620.0, watts_for(3.0))], 0.0)
    seen = path.expose(0.0, 1.0, PIXELS)()
    blue, red = (np.abs(PIXELS - nm) < 3.0 for nm in (450.0, 620.0))
    assert PIXELS[blue][seen[blue].argmax()] == pytest.approx(450.0, abs=0.06)
    assert PIXELS[red][seen[red].argmax()] == pytest.approx(620.0, abs=0.06)
    # As many photons as the wavelength is long for the same power.
    assert seen[red].sum() / seen[blue].sum() == pytest.approx(3.0 * 620.0 / 450.0, rel=0.01)


def test_spectrometer_sees_half_of_the_chopped_light():
    whole, chopped, blocked = light_path(), light_path(), light_path()
    for path in (whole, chopped, blocked):
        path.laser_power_changed(watts_for(300.0), 0.0)
    chopped.chopper_moved(chopping(4000.0), 0.0)
    blocked.chopper_moved(Chopping(Motion(0.0), 100, phase=200.0), 0.0)
    lit = whole.expose(0.0, 1.0, PIXELS)()
    # Not exactly: the whole light cools the film twice as far, and that dims and shifts the line.
    seen = chopped.expose(0.0, 1.0, PIXELS)()
    line = lit > 0.1 * lit.max()
    np.testing.assert_allclose(seen[line], 0.5 * lit[line], rtol=0.01)
    assert blocked.expose(0.0, 1.0, PIXELS)().max() == 0.0
    assert chopped.sample.temperature - ROOM == pytest.approx(
        0.5 * (whole.sample.temperature - ROOM), rel=0.01
    )


def test_truth_is_the_mean_over_the_chopper_s_cycle():
    truth = Truth()
    path = light_path(truth=truth)
    path.laser_power_changed(watts_for(300.0), 0.0)
    path.chopper_moved(chopping(4000.0), 0.0)
    path.advance(5.0)
    assert truth.values("fluence")[1:] == pytest.approx(150.0, rel=1e-3)


def test_history_forgets_the_oldest_and_answers_with_the_earliest_it_has(monkeypatch):
    monkeypatch.setattr("simulators._light_history._FEWEST_STEPS", 10)
    path = light_path(history=LightHistory())
    path.laser_power_changed(1.0, 0.0)
    assert path.at(0.0) is None
    path.advance(4.0)
    first = path.at(0.1)
    assert first is not None
    assert first.begin == 0.0
    path.advance(20.0)
    later = path.at(0.1)
    assert later is not None
    assert 10.0 < later.begin < 20.0
    recent = path.at(19.9)
    assert recent is not None
    assert recent.begin == pytest.approx(19.75)


def test_without_a_history_nothing_is_kept():
    path = light_path()
    assert path.at(1.0) is None
