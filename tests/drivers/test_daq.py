"""Shutter and voltage inputs on a card, on a stand-in for the documented calls of nidaqmx."""

from __future__ import annotations

import datetime
import sys
from pathlib import Path
from typing import Any

import nidaqmx_double
import pytest
from nidaqmx_double import DaqError, DaqNotFoundError, Rack

from drivers.daq_input import DAQInput
from drivers.daq_shutter import DAQShutter
from drivers.photodiode import Photodiode
from labcool.bench import open_bench, read_bench
from labcool.clock import VirtualClock
from labcool.errors import (
    ConfigurationError,
    GarbledAnswer,
    InstrumentDisconnected,
    InstrumentError,
    InstrumentRefused,
    InstrumentTimeout,
    LimitError,
    PortInUse,
    PortNotFound,
    PortSoftwareMissing,
    ShutterNotClosed,
)

OUTPUT, SENSOR = "Dev1/port0/line0", "Dev1/port0/line1"


@pytest.fixture
def rack(monkeypatch: pytest.MonkeyPatch) -> Rack:
    rack = nidaqmx_double.installed(monkeypatch)
    rack.sensor = lambda: not rack.levels.get(OUTPUT, True)
    return rack


def shutter(**settings: Any) -> DAQShutter:
    return DAQShutter(OUTPUT, clock=VirtualClock(), **{"sensor": SENSOR, **settings})


# The shutter


def test_the_line_is_low_from_the_start_to_the_end(rack: Rack) -> None:
    with shutter() as blade:
        assert rack.calls[:2] == [("do", OUTPUT, {}), ("write", OUTPUT, False)]
        assert blade.is_closed is True
        assert blade.identity == f"TTL shutter on {OUTPUT} of a USB-6001, sensor on {SENSOR}"
        blade.open()
        assert rack.levels == {OUTPUT: True}
        assert blade.is_closed is False
        blade.close()
        assert rack.levels == {OUTPUT: False}
        blade.open()
    assert rack.levels == {OUTPUT: False}
    assert rack.open_tasks == 0
    with pytest.raises(InstrumentDisconnected):
        _ = blade.is_closed


def test_without_a_sensor_somebody_must_answer_for_it(rack: Rack) -> None:
    with pytest.raises(ConfigurationError, match=r"Dev1/port0/line1.*accept_unverified: true"):
        shutter(sensor="none")
    assert rack.calls == []
    blade = shutter(sensor="none", accept_unverified=True)
    blade.open()
    assert blade.settings()["verification"] == "unverified: no sensor"
    assert not [call for call in rack.calls if call[0] in ("di", "read")]


def test_a_blade_that_does_not_follow_is_an_error(rack: Rack) -> None:
    blade = shutter()
    rack.sensor = lambda: False
    with pytest.raises(ShutterNotClosed, match="Block it by hand"):
        blade.close()
    rack.sensor = lambda: True
    with pytest.raises(InstrumentRefused, match="does not report it open"):
        blade.open()
    assert rack.levels == {OUTPUT: False}


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (-200170, PortNotFound),
        (-200220, PortNotFound),
        (-88705, PortNotFound),
        (-50103, PortInUse),
        (-200284, InstrumentTimeout),
        (-1, InstrumentDisconnected),
    ],
)
def test_errors_of_the_card_have_the_instruments_name(
    rack: Rack, code: int, kind: type[Exception]
) -> None:
    blade = shutter()
    rack.fails = DaqError("It\n\nfailed.", code)
    with pytest.raises(kind, match=r"^DAQ shutter: .*\(It failed\.\)"):
        _ = blade.is_closed
    with pytest.raises(ShutterNotClosed, match=r"^DAQ shutter: "):
        blade.close()
    with pytest.raises(InstrumentError, match=r"^DAQ shutter: "):
        blade.shutdown()
    assert rack.open_tasks == 0


def test_a_level_that_may_not_have_arrived_is_not_called_low(rack: Rack) -> None:
    blade = shutter(sensor="none", accept_unverified=True)
    rack.fails = DaqError("gone", -88705)
    with pytest.raises(ShutterNotClosed):
        blade.close()
    rack.fails = None
    assert blade.is_closed is False
    blade.close()
    assert blade.is_closed is True


@pytest.mark.parametrize(
    ("resource", "settings", "kind"),
    [
        ("Dev7/port0/line0", {}, PortNotFound),
        (OUTPUT, {"sensor": "Dev1/port0/line9"}, PortNotFound),
        ("Dev1/port0", {}, ConfigurationError),
        ("Dev1/port0/line0:3", {}, ConfigurationError),
        (OUTPUT, {"sensor": "CTS"}, ConfigurationError),
        (OUTPUT, {"move_timeout": 0.0}, LimitError),
        (OUTPUT, {"sensor_closed_high": 1}, LimitError),
    ],
)
def test_what_cannot_be_had_is_told_and_leaves_the_line_low(
    rack: Rack, resource: str, settings: dict[str, Any], kind: type[Exception]
) -> None:
    with pytest.raises(kind, match="DAQ shutter"):
        DAQShutter(resource, clock=VirtualClock(), **{"sensor": SENSOR, **settings})
    assert True not in rack.levels.values()
    assert rack.open_tasks == 0


# What is missing


@pytest.mark.parametrize("make", [shutter, lambda: DAQInput("Dev1")])
def test_a_package_that_is_missing_is_named_with_the_command(
    monkeypatch: pytest.MonkeyPatch, make: Any
) -> None:
    monkeypatch.setitem(sys.modules, "nidaqmx", None)
    with pytest.raises(PortSoftwareMissing, match=r'pip install "labcool\[daq\]"'):
        make()


def test_a_driver_of_ni_that_is_missing_is_named(
    rack: Rack, monkeypatch: pytest.MonkeyPatch
) -> None:
    def device(_: str) -> None:
        raise DaqNotFoundError("Could not find an installation of NI-DAQmx.")

    monkeypatch.setattr(sys.modules["nidaqmx.system"], "Device", device)
    with pytest.raises(PortSoftwareMissing, match="Install NI-DAQmx"):
        shutter()


# The inputs


def test_one_input_and_several_are_read(rack: Rack) -> None:
    with DAQInput("Dev1", largest_voltage=5.0, wiring="RSE") as one:
        rack.volts = 0.75
        assert one.aux_input(1) == 0.75
        how = {"terminal_config": nidaqmx_double.TerminalConfiguration.RSE}
        assert rack.calls[0] == ("ai", "Dev1/ai0", how | {"min_val": -5.0, "max_val": 5.0})
    rack.volts = [1.0, -2.0]
    two = DAQInput("Dev1", channels=("ai0", "ai3"))
    assert rack.calls[-2][1] == "Dev1/ai0,Dev1/ai3"
    assert (two.aux_input(1), two.aux_input(2)) == (1.0, -2.0)
    assert two.settings()["channels"] == "ai0, ai3"
    two.shutdown()
    two.shutdown()
    assert rack.open_tasks == 0
    with pytest.raises(InstrumentDisconnected):
        two.aux_input(1)


@pytest.mark.parametrize("volts", [float("nan"), float("inf"), [1.0, 2.0], [], None, "1", True])
def test_what_is_no_voltage_is_garbled(rack: Rack, volts: Any) -> None:
    card = DAQInput("Dev1")
    rack.volts = volts
    with pytest.raises(GarbledAnswer, match=r"^DAQ input: "):
        card.aux_input(1)


def test_the_end_of_the_range_is_no_value(rack: Rack) -> None:
    card = DAQInput("Dev1", largest_voltage=5.0)
    rack.volts = -5.0
    with pytest.raises(InstrumentRefused, match=r"-5 V at ai0 is the end of its range"):
        card.aux_input(1)


@pytest.mark.parametrize("number", [0, 2, 1.5, True])
def test_inputs_that_are_not_there_are_refused(rack: Rack, number: Any) -> None:
    with pytest.raises(LimitError, match="DAQ input aux input"):
        DAQInput("Dev1").aux_input(number)


@pytest.mark.parametrize("channels", [(), ("ao0",), ("ai0", "ai0"), ("Dev1/ai0",)])
def test_names_that_are_no_inputs_are_refused(rack: Rack, channels: Any) -> None:
    with pytest.raises(ConfigurationError, match="DAQ input: channels"):
        DAQInput("Dev1", channels=channels)
    assert rack.calls == []


def test_a_photodiode_reads_through_a_card(rack: Rack) -> None:
    rack.volts = [0.0, 3.0]
    diode = Photodiode(
        DAQInput("Dev1", channels=("ai0", "ai1")),
        input=2,
        calibrated=datetime.date(2025, 11, 3),
        responsivity=((450.0, 1000.0), (650.0, 2000.0)),
        relative_std=0.03,
    )
    diode.wavelength = 450.0
    assert diode.power == pytest.approx(3e-3)
    rack.fails = DaqError("gone", -88705)
    with pytest.raises(InstrumentDisconnected, match=r"^photodiode: "):
        _ = diode.power


# In a bench file

BENCH = """
bench: card
instruments:
  shutter: {driver: drivers.daq_shutter.DAQShutter, resource: Dev1/port0/line0,
            sensor: Dev1/port0/line1}
"""
CARD = """
  card: {driver: drivers.daq_input.DAQInput, resource: Dev1, channels: [ai0, ai3]}
  diode: {driver: drivers.photodiode.Photodiode, source: card, input: 2, calibrated: 2025-11-03,
          responsivity: [[532, 1330]], relative_std: 0.03}
"""


def test_a_bench_file_names_the_card(rack: Rack, tmp_path: Path) -> None:
    rack.volts = [0.5, 1.33]
    path = tmp_path / "bench.yaml"
    path.write_text(BENCH + CARD, encoding="utf-8")
    with open_bench(read_bench(path)) as bench:
        opened: Any = bench.instruments
        opened["diode"].wavelength = 532.0
        assert opened["diode"].power == pytest.approx(1e-3)
        assert opened["shutter"].is_closed is True
    assert rack.open_tasks == 0


def test_a_simulated_bench_has_the_shutter(tmp_path: Path) -> None:
    path = tmp_path / "bench.yaml"
    simulation = "simulation: {sample: roman2020-film, clock: virtual}\n"
    path.write_text(BENCH + simulation, encoding="utf-8")
    with open_bench(read_bench(path)) as bench:
        blade: Any = bench.instruments["shutter"]
        blade.open()
        simulation_: Any = bench.simulation
        assert simulation_.devices["shutter"].is_open(bench.clock.now())
    assert not simulation_.devices["shutter"].is_open(bench.clock.now())


def test_a_simulated_photodiode_on_a_card_watches_the_pump(tmp_path: Path) -> None:
    path = tmp_path / "bench.yaml"
    pump = "  pump: {driver: drivers.finesse.Finesse, resource: ASRL1::INSTR, max_power: 0.5}\n"
    simulation = "simulation: {sample: roman2020-film, clock: virtual}\n"
    path.write_text(BENCH + pump + CARD.lstrip("\n") + simulation, encoding="utf-8")
    with open_bench(read_bench(path)) as bench:
        opened: Any = bench.instruments
        assert opened["card"].identity == "simulated card, an object"
        dark = opened["card"].aux_input(1)
        opened["pump"].power_setpoint = 0.4
        simulated: Any = bench.simulation
        simulated.devices["pump"].press_button()
        opened["pump"].open_output()
        opened["shutter"].open()
        bench.clock.sleep(60.0)
        assert opened["card"].aux_input(1) > dark + 0.01
        assert opened["card"].aux_input(2) == 0.0


@pytest.mark.parametrize("answer", [5, None, "7", [1.0, "2"], [1.0], [True, 1.0]])
def test_anything_but_volts_is_garbled(answer: Any) -> None:
    class Inputs:
        product = "USB-6001"
        answer: Any = (0.0, 0.0)

        def read(self) -> Any:
            return self.answer

        def release(self) -> None:
            """Nothing is held."""

    inputs = Inputs()
    card = DAQInput(inputs, "card", channels=("ai0", "ai3"))
    inputs.answer = answer
    with pytest.raises(GarbledAnswer, match=r"^card: "):
        card.aux_input(2)
