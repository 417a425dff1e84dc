from __future__ import annotations

import math
from importlib import resources
from pathlib import Path

import pytest

from labcool.bench.bench_file import read_bench
from labcool.bench.driver_settings import load_driver
from labcool.bench.roles import roles_of
from labcool.bench.schema import BenchSpec

CONFIGS = ["simulated_cooling.yaml", "example_bench.yaml"]


def spec_of(name: str) -> BenchSpec:
    with resources.as_file(resources.files("configs") / name) as file:
        return read_bench(file).spec


def transmissions(spec: BenchSpec) -> list[float]:
    assert spec.illumination is not None
    optic = spec.illumination.attenuator.optic
    assert optic.kind == "graded_filter"
    return [10**-density for _, density in optic.table]


def fluences(spec: BenchSpec) -> list[float]:
    """Irradiance over the 1/e² area at each row of the filter's table, W/cm²."""
    assert spec.illumination is not None
    spot = spec.illumination.spot
    area = math.pi / 4 * (spot.diameter_um * 1e-4) ** 2
    full = spec.illumination.power_W * spot.path_transmission / area
    return [full * transmission for transmission in transmissions(spec)]


@pytest.mark.parametrize("name", CONFIGS)
def test_config_passes_every_check(name: str) -> None:
    spec = spec_of(name)
    roles = {
        instrument: roles_of(load_driver(entry.driver))
        for instrument, entry in spec.instruments.items()
    }
    assert "Shutter" in roles["shutter"]
    assert "Laser" in roles["pump"]
    assert "RotationMount" in roles["attenuator"]
    assert "Spectrometer" in roles["spectrometer"]
    assert "TemperatureController" in roles["stage"]


@pytest.mark.parametrize("name", CONFIGS)
def test_config_reaches_the_fluences_of_the_film_experiments(name: str) -> None:
    spec = spec_of(name)
    assert max(fluences(spec)) > 4600
    assert min(fluences(spec)) < 1
    assert spec.limits is not None
    limits = spec.limits.fluence_W_cm2
    assert limits is not None
    assert limits[0] <= 1
    assert limits[1] >= 4600


@pytest.mark.parametrize("name", CONFIGS)
def test_the_laser_may_give_the_power_that_the_illumination_asks_for(name: str) -> None:
    spec = spec_of(name)
    assert spec.illumination is not None
    assert spec.illumination.power_W <= spec.instruments["pump"].settings["max_power"]


def test_only_the_default_bench_is_simulated() -> None:
    assert spec_of("example_bench.yaml").simulation is None
    simulation = spec_of("simulated_cooling.yaml").simulation
    assert simulation is not None
    assert (simulation.sample, simulation.link, simulation.clock) == (
        "roman2020-film",
        "memory",
        "virtual",
    )


def test_no_file_means_the_simulated_bench() -> None:
    default = read_bench()
    assert default.path is None
    assert default.label == "configs/simulated_cooling.yaml"
    assert default.spec == spec_of("simulated_cooling.yaml")
    assert b"simulation:" in default.source_bytes


def test_simulation_is_all_that_differs_from_the_real_bench(tmp_path: Path) -> None:
    simulated, real = spec_of("simulated_cooling.yaml"), spec_of("example_bench.yaml")
    assert simulated.instruments == real.instruments
    assert simulated.illumination == real.illumination
    assert simulated.limits == real.limits
    text = read_bench().source_bytes
    file = tmp_path / "bench.yaml"
    file.write_bytes(text[: text.index(b"\nsimulation:")] + b"\n")
    assert read_bench(file).spec == simulated.model_copy(update={"simulation": None})


def test_photothermal_bench_has_all_that_its_measurement_needs() -> None:
    spec = spec_of("simulated_photothermal.yaml")
    roles = {
        instrument: roles_of(load_driver(entry.driver))
        for instrument, entry in spec.instruments.items()
    }
    expected = {
        "pump": "Laser",
        "probe": "Laser",
        "chopper": "Chopper",
        "lock_in": "LockIn",
        "monitor": "PowerMeter",
        "power_meter": "PowerMeter",
        "stage": "TemperatureController",
        "thermocouple": "TemperatureProbe",
        "spectrometer": "Spectrometer",
    }
    assert {name: roles[name][0] for name in expected} == expected
    assert spec.simulation is not None
    assert spec.simulation.lock_in_input == "photothermal"
    assert spec.illumination is not None
    assert spec.illumination.power_W <= spec.instruments["pump"].settings["max_power"]
    # The filter at density 4 and 0.
    assert min(fluences(spec)) < 0.05
    assert 380 < max(fluences(spec)) <= 400


@pytest.mark.parametrize("name", [*CONFIGS, "simulated_photothermal.yaml"])
def test_config_teaches_in_plain_text(name: str) -> None:
    text = (resources.files("configs") / name).read_bytes()
    assert text.isascii()
    assert text.count(b"#") >= 8


def test_the_example_shows_port_names_of_both_systems() -> None:
    text = (resources.files("configs") / "example_bench.yaml").read_text("ascii")
    assert "ASRL/dev/ttyUSB0::INSTR" in text
    assert "ASRL3::INSTR" in text
