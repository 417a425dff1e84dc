"""The Acton driver on the simulated SP-2300i: long moves, accessories, and the echo of RS-232."""

from __future__ import annotations

import logging
from pathlib import Path
from typing import Any

import pytest

from drivers.acton import ActonSP2300
from labcool.bench import open_bench, read_bench
from labcool.clock import VirtualClock
from labcool.errors import GarbledAnswer, InstrumentTimeout, LimitError
from simulators._acton_drive import Grating
from simulators.acton import ActonSP2300i
from simulators.faults import Fault, FaultyDevice
from simulators.memory import MemoryLink


class Table:
    """An SP-2300i with faults on request and, on RS-232, echo."""

    def __init__(self, *, port: Any = "USB", echo: bool | None = None, **device: Any) -> None:
        self.clock = VirtualClock()
        self.device = ActonSP2300i(
            self.clock,
            wavelength_changed=lambda *_: None,
            echo=port == "RS-232" if echo is None else echo,
            **device,
        )
        self.host = FaultyDevice(self.device)
        self.driver = ActonSP2300(MemoryLink(self.host, self.clock), clock=self.clock, port=port)


@pytest.mark.parametrize("grooves", [150, 300, 600, 1200, 2400])
def test_every_grating_goes_over_its_whole_range_and_back(grooves: int) -> None:
    table = Table(gratings={1: Grating(grooves, "500NM")})
    longest = table.driver.wavelength_range[1]
    for wavelength in (longest - 1.0, 0.0, longest / 2):
        begun = table.clock.now()
        table.driver.go_to(wavelength)
        assert table.driver.wavelength == pytest.approx(wavelength, abs=1e-3)
        assert table.clock.now() - begun < 20.0


def test_a_slow_drive_is_waited_for_in_proportion_to_the_way(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr("simulators.acton.GOTO_NM_PER_S_AT_1200", 25.0)
    table = Table()
    table.driver.go_to(5599.0)
    assert table.clock.now() > 55.0
    monkeypatch.setattr("simulators.acton.GOTO_NM_PER_S_AT_1200", 0.25)
    begun = table.clock.now()
    with pytest.raises(InstrumentTimeout, match=r"within 30\.5 s"):
        table.driver.go_to(5500.0)
    assert table.clock.now() - begun < 35.0


def test_settings_tell_what_hangs_on_it() -> None:
    table = Table(slits={"SIDE-ENT-SLIT": 250})
    table.driver.exit_port = "side"
    table.driver.filter_position = 4
    settings = table.driver.settings()
    assert settings["side_entrance_slit_um"] == 250.0
    assert settings["front_exit_slit_um"] == "no motor"
    assert (settings["exit_port"], settings["filter_position"]) == ("side", 4)


def test_an_answer_that_nobody_understands_is_kept_as_it_is(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    table = Table()
    table.device._queries["?MIR"] = lambda: " diverted "
    with caplog.at_level(logging.WARNING):
        settings = table.driver.settings()
    assert "'?MIR' was answered by 'diverted'" in str(settings["exit_port"])
    assert settings["filter_position"] == 1
    assert [message for message in caplog.messages if "diverted" in message]


# The echo


def test_with_echo_everything_works() -> None:
    table = Table(port="RS-232")
    table.driver.go_to(532.0)
    table.driver.grating = 2
    table.driver.scan_rate = 600.0
    table.driver.scan_to(540.0)
    assert table.driver.settings()["wavelength_nm"] == pytest.approx(540.0)


def test_an_old_answer_does_not_pass_for_a_new_one() -> None:
    table = Table(port="RS-232")
    table.driver.go_to(500.0)
    table.host.inject(Fault("shifted"))
    with pytest.raises(GarbledAnswer, match="without its echo"):
        table.driver.scan_rate = 300.0
    assert table.driver.wavelength == pytest.approx(500.0)
    assert table.driver.grating == 1


def test_a_controller_that_does_not_echo_is_not_on_this_port() -> None:
    with pytest.raises(GarbledAnswer, match=r"without its echo.*port: USB"):
        Table(port="RS-232", echo=False)


def test_only_known_ports_are_taken() -> None:
    with pytest.raises(LimitError, match="port"):
        Table(port="GPIB")


@pytest.mark.parametrize(("port", "echoes"), [("USB", False), ("RS-232", True)])
def test_a_bench_file_says_which_port_it_is(tmp_path: Path, port: str, echoes: bool) -> None:
    path = tmp_path / "bench.yaml"
    path.write_text(
        "bench: monochromator\ninstruments:\n  mono: {driver: drivers.acton.ActonSP2300, "
        f'resource: "ASRL1::INSTR", port: {port}}}\n'
        "simulation: {sample: roman2020-film, clock: virtual}\n",
        encoding="utf-8",
    )
    with open_bench(read_bench(path)) as bench:
        mono: Any = bench.instruments["mono"]
        simulation: Any = bench.simulation
        assert simulation.devices["mono"]._echo is echoes
        mono.go_to(633.0)
        assert mono.wavelength == pytest.approx(633.0)
