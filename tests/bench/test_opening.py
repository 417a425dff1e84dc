"""Opening a bench: everything or nothing, one connection a port, and the true cause of a failure.

All ports here are simulated; what a failed opening leaves behind is counted in threads and
descriptors.
"""

from __future__ import annotations

import datetime
import itertools
import os
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import seabreeze.pyseabreeze.protocol
from pymeasure.adapters import Adapter
from pyvisa.errors import InvalidSession
from ruamel.yaml import YAML

import simulators.bench
from labcool.bench import LoadedBench, open_bench, read_bench
from labcool.bench._shared_port import SharedPort
from labcool.clock import RealClock, ScaledClock, VirtualClock
from labcool.errors import (
    ConfigurationError,
    InstrumentDisconnected,
    InstrumentError,
    InstrumentTimeout,
    WrongInstrument,
)
from simulators._bus import Bus
from simulators.bench import DEVICES
from simulators.elliptec import ELL14
from simulators.link import TcpLink
from simulators.memory import MemoryLink

SHUTTER, LASER = "drivers.sc10.SC10", "drivers.finesse.Finesse"
MOUNT, STAGE = "drivers.elliptec.ELL14", "drivers.linkam.LinkamT95"
SPECTROMETER = "drivers.ocean.OceanSpectrometer"
WIRED = [SHUTTER, LASER, MOUNT, STAGE]
INSTRUMENTS: dict[str, dict[str, Any]] = {
    "shutter": {"driver": SHUTTER, "resource": "ASRL1::INSTR"},
    "pump": {"driver": LASER, "resource": "ASRL2::INSTR"},
    "attenuator": {"driver": MOUNT, "resource": "ASRL3::INSTR"},
    "stage": {"driver": STAGE, "resource": "ASRL4::INSTR"},
    "spectrometer": {"driver": SPECTROMETER, "serial": "FLMS12345"},
}
ILLUMINATION = {
    "laser": "pump",
    "power_W": 0.6,
    "shutter": "shutter",
    "attenuator": {
        "mount": "attenuator",
        "optic": {"kind": "graded_filter", "table": [[0, 0.0], [300, 4.0]]},
    },
    "spot": {
        "date": datetime.date(2025, 11, 3),
        "diameter_um": 100,
        "path_transmission": 0.62,
        "relative_std": 0.05,
        "method": "knife edge",
    },
    "power_stability": 0.001,
}
posix_only = pytest.mark.skipif(os.name != "posix", reason="no pseudo-terminals on this system")
SERVED = ["tcp", pytest.param("pty", marks=posix_only)]
LINKS = ["memory", *SERVED]

Load = Callable[..., LoadedBench]
Devices = dict[str, list[Any]]


@pytest.fixture(autouse=True)
def _usb_without_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Spare the 0.1 s of wall time that seabreeze waits for a real spectrometer to wake up."""
    pauses = SimpleNamespace(sleep=lambda _: None)
    monkeypatch.setattr(seabreeze.pyseabreeze.protocol, "time", pauses)


@pytest.fixture
def load(tmp_path: Path) -> Load:
    def load(
        *names: str, link: str = "memory", illumination: bool = False, **more: dict[str, Any]
    ) -> LoadedBench:
        data: dict[str, Any] = {
            "bench": "table 2",
            "instruments": {name: INSTRUMENTS[name] for name in names} | more,
            "simulation": {"sample": "roman2020-film", "link": link},
        }
        if illumination:
            data["illumination"] = ILLUMINATION
        path = tmp_path / "bench.yaml"
        with path.open("w", encoding="utf-8") as file:
            YAML().dump(data, file)
        return read_bench(path)

    return load


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> Devices:
    """All simulated devices made in this test, by driver."""
    devices: Devices = {driver: [] for driver in DEVICES}

    def recording(driver: str, make: Callable[[Any], Any]) -> Callable[[Any], Any]:
        def factory(around: Any) -> Any:
            devices[driver].append(make(around))
            return devices[driver][-1]

        return factory

    for driver, make in list(DEVICES.items()):
        monkeypatch.setitem(DEVICES, driver, recording(driver, make))
    return devices


def change(monkeypatch: pytest.MonkeyPatch, driver: str, *changes: Callable[[Any], object]) -> None:
    """Let something happen to every new device behind a driver."""
    make = DEVICES[driver]

    def factory(around: Any) -> Any:
        device = make(around)
        for happen in changes:
            happen(device)
        return device

    monkeypatch.setitem(DEVICES, driver, factory)


def left_open(device: Any) -> None:
    """Leave a shutter, or a laser's head, open before anybody connects."""
    device.receive({"SC10": b"ens\r", "Finesse": b"SHUTTER OPEN\r"}[type(device).__name__])
    device.clock.sleep(0.05)
    device.transmit()


def another_serial(device: Any) -> None:
    device._slots[0] = b"FLMS99999".ljust(15, b"\0")


def beam_is_open(devices: Devices) -> tuple[bool, bool]:
    shutter, laser = devices[SHUTTER][-1], devices[LASER][-1]
    return shutter._blade.is_open(shutter.clock.now()), laser._shutter_open


def descriptors() -> int:
    folder = Path("/proc/self/fd")
    return len(list(folder.iterdir())) if folder.is_dir() else 0


@pytest.fixture
def nothing_left() -> Iterator[None]:
    """Nothing that was opened in the test may be open after it."""
    threads, files = set(threading.enumerate()), descriptors()
    yield
    assert set(threading.enumerate()) <= threads
    assert descriptors() <= files


@pytest.mark.usefixtures("nothing_left")
class TestWholeBench:
    @pytest.mark.parametrize("link", LINKS)
    def test_opens_all_and_leaves_nothing_behind(self, load: Load, link: str) -> None:
        with open_bench(load(*INSTRUMENTS, link=link, illumination=True)) as bench:
            assert {name: i.name for name, i in bench.instruments.items()} == {
                "shutter": "shutter (SC10)",
                "pump": "pump (Finesse)",
                "attenuator": "attenuator (ELL14)",
                "stage": "stage (LinkamT95)",
                "spectrometer": "spectrometer (OceanSpectrometer)",
            }
            assert bench.illumination is not None
            assert bench.illumination.laser is bench.instruments["pump"]
            assert bench.illumination.shutter is bench.instruments["shutter"]
            assert threading.active_count() == (1 if link == "memory" else 5)

    def test_connecting_moves_nothing(
        self, load: Load, made: Devices, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        change(monkeypatch, SHUTTER, left_open)
        change(monkeypatch, LASER, left_open)
        with open_bench(load(*INSTRUMENTS, illumination=True)):
            assert beam_is_open(made) == (True, True)
        assert beam_is_open(made) == (False, False)

    def test_only_some(self, load: Load) -> None:
        loaded = load(*INSTRUMENTS, illumination=True)
        with open_bench(loaded, only=["stage", "shutter"]) as bench:
            assert list(bench.instruments) == ["shutter", "stage"]
            assert bench.illumination is None

    def test_only_what_there_is(self, load: Load, made: Devices) -> None:
        with pytest.raises(ConfigurationError, match=r"'sutter'.*: shutter, pump\.$"):
            open_bench(load("shutter", "pump"), only=["sutter"])
        assert not any(made.values())

    @pytest.mark.parametrize(
        ("clock", "kind"), [("virtual", VirtualClock), ("scaled", ScaledClock), ("real", RealClock)]
    )
    def test_clock_of_the_simulation(self, load: Load, clock: str, kind: type) -> None:
        loaded = load("shutter").with_overrides(clock=clock, speed=250.0)
        with open_bench(loaded) as bench:
            assert type(bench.clock) is kind
            assert getattr(bench.clock, "speed", None) == {"scaled": 250.0, "real": 1.0}.get(clock)


@pytest.mark.usefixtures("nothing_left")
class TestFailingHalfWay:
    @pytest.mark.parametrize("link", LINKS)
    def test_what_was_connected_is_left_safe_and_released(
        self, load: Load, made: Devices, monkeypatch: pytest.MonkeyPatch, link: str
    ) -> None:
        change(monkeypatch, SHUTTER, left_open)
        change(monkeypatch, LASER, left_open)
        change(monkeypatch, SPECTROMETER, another_serial)
        with pytest.raises(WrongInstrument) as caught:
            open_bench(load(*INSTRUMENTS, link=link, illumination=True))
        assert caught.value.instrument == "spectrometer (OceanSpectrometer)"
        assert beam_is_open(made) == (False, False)

    @pytest.mark.parametrize("link", SERVED)
    def test_cause_is_told_also_if_leaving_fails(
        self,
        load: Load,
        made: Devices,
        monkeypatch: pytest.MonkeyPatch,
        caplog: pytest.LogCaptureFixture,
        link: str,
    ) -> None:
        change(monkeypatch, SHUTTER, left_open, lambda device: setattr(device, "stuck", True))
        change(monkeypatch, LASER, left_open)
        change(monkeypatch, SPECTROMETER, another_serial)
        loaded = load("pump", "shutter", "spectrometer", link=link)
        with pytest.raises(WrongInstrument, match="FLMS99999"):
            open_bench(loaded)
        assert beam_is_open(made) == (True, False)
        errors = [r.getMessage() for r in caplog.records if r.levelname == "ERROR"]
        assert len(errors) == 1
        assert errors[0].startswith("shutter (SC10): the beam is not confirmed to be blocked")

    @pytest.mark.parametrize("driver", WIRED)
    def test_interrupt_releases_everything(
        self, load: Load, monkeypatch: pytest.MonkeyPatch, driver: str
    ) -> None:
        def interrupted(*_: object) -> None:
            raise KeyboardInterrupt

        change(monkeypatch, driver, lambda device: setattr(device, "silent", True))
        monkeypatch.setattr(VirtualClock, "sleep", interrupted)
        with pytest.raises(KeyboardInterrupt):
            open_bench(load(*INSTRUMENTS))

    @pytest.mark.parametrize("link", SERVED)
    def test_link_that_cannot_be_made_releases_those_before(
        self, load: Load, monkeypatch: pytest.MonkeyPatch, link: str
    ) -> None:
        make, number = simulators.bench.SERVED_LINKS[link], itertools.count(1)

        def third_fails(*arguments: Any) -> Any:
            if next(number) == 3:
                raise ConfigurationError("no port is free")
            return make(*arguments)

        monkeypatch.setitem(simulators.bench.SERVED_LINKS, link, third_fails)
        with pytest.raises(ConfigurationError, match="no port is free"):
            open_bench(load(*INSTRUMENTS, link=link))

    def test_optic_that_cannot_be_releases_everything(
        self, load: Load, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        def impossible(_: object) -> None:
            raise ConfigurationError("no such spot")

        monkeypatch.setattr("labcool.bench.opening.spot_calibration", impossible)
        with pytest.raises(ConfigurationError, match="no such spot"):
            open_bench(load(*INSTRUMENTS, link="tcp", illumination=True))


class TestWrongDeviceOnThePort:
    @pytest.mark.parametrize(("driver", "there"), [(a, b) for a in WIRED for b in WIRED if a != b])
    def test_is_an_error_that_names_the_instrument(
        self,
        load: Load,
        made: Devices,
        monkeypatch: pytest.MonkeyPatch,
        driver: str,
        there: str,
    ) -> None:
        change(monkeypatch, SHUTTER, left_open)
        change(monkeypatch, LASER, left_open)
        first = "pump" if driver == SHUTTER else "shutter"
        wrong = next(name for name, entry in INSTRUMENTS.items() if entry["driver"] == driver)
        loaded = load(first, wrong)
        monkeypatch.setitem(DEVICES, driver, DEVICES[there])
        with pytest.raises(InstrumentError) as caught:
            open_bench(loaded)
        assert caught.value.instrument == f"{wrong} ({driver.rpartition('.')[2]})"
        if first == "shutter":
            blade = made[SHUTTER][0]._blade
            assert not blade.is_open(made[SHUTTER][0].clock.now())
        else:
            assert not made[LASER][0]._shutter_open

    def test_nothing_on_the_port_is_a_timeout(
        self, load: Load, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        change(monkeypatch, STAGE, lambda device: setattr(device, "silent", True))
        with pytest.raises(InstrumentTimeout, match=r"^stage \(LinkamT95\): "):
            open_bench(load("shutter", "stage"))


TWO_MOUNTS = {
    "first": {"driver": MOUNT, "resource": "ASRL7::INSTR", "address": "0"},
    "second": {"driver": MOUNT, "resource": "ASRL7::INSTR", "address": "A"},
}


@pytest.mark.usefixtures("nothing_left")
class TestMountsOnOneBus:
    @pytest.mark.parametrize("link", LINKS)
    def test_each_turns_for_itself(self, load: Load, made: Devices, link: str) -> None:
        with open_bench(load(link=link, **TWO_MOUNTS)) as bench:
            assert threading.active_count() == (1 if link == "memory" else 2)
            mounts: Any = bench.instruments
            mounts["first"].turn_to(20.0)
            mounts["second"].turn_to(300.0)
            mounts["first"].turn_to(40.0)
            angles = [device.angle_at(bench.clock.now()) for device in made[MOUNT]]
            assert angles == pytest.approx([40.0, 300.0], abs=0.0051)
            assert mounts["second"].angle == pytest.approx(angles[1], abs=1e-9)
            mounts["first"].shutdown()
            mounts["second"].turn_to(310.0)
            with pytest.raises(InstrumentDisconnected, match="first"):
                mounts["first"].turn_to(50.0)

    @pytest.mark.parametrize("name", TWO_MOUNTS)
    def test_one_alone(self, load: Load, name: str) -> None:
        with open_bench(load(link="tcp", **TWO_MOUNTS), only=[name]) as bench:
            mount: Any = bench.instruments[name]
            mount.turn_to(10.0)
            assert mount.angle == pytest.approx(10.0, abs=0.0051)

    @pytest.mark.parametrize("missing", [0, 1])
    def test_one_that_is_not_there(
        self, load: Load, monkeypatch: pytest.MonkeyPatch, missing: int
    ) -> None:
        make, number = DEVICES[MOUNT], itertools.count()

        def one_is_silent(around: Any) -> Any:
            device = make(around)
            device.silent = next(number) == missing
            return device

        monkeypatch.setitem(DEVICES, MOUNT, one_is_silent)
        with pytest.raises(InstrumentTimeout) as caught:
            open_bench(load(**TWO_MOUNTS))
        assert caught.value.instrument == f"{list(TWO_MOUNTS)[missing]} (ELL14)"

    def test_a_real_port_is_opened_once(
        self, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("PYVISA_LIBRARY", "@py")
        clock = RealClock()
        on_bus = [ELL14(clock, turned=lambda *_: None, address=address) for address in "0A"]
        with TcpLink(Bus(clock, on_bus), clock) as link:
            mounts = {
                name: {**entry, "resource": link.resource} for name, entry in TWO_MOUNTS.items()
            }
            path = tmp_path / "real.yaml"
            with path.open("w", encoding="utf-8") as file:
                YAML().dump({"bench": "real", "instruments": mounts}, file)
            with open_bench(read_bench(path)) as bench:
                second: Any = bench.instruments["second"]
                second.turn_to(5.0)
            assert on_bus[1].angle_at(clock.now()) == pytest.approx(5.0, abs=0.0051)
            assert on_bus[0].angle_at(clock.now()) == 0.0


class TestSharedPort:
    def test_is_opened_for_the_first_and_closed_by_the_last(self) -> None:
        port, opened = self.port()
        first = port.open(timeout=7, read_termination="!")
        second = port.open(timeout=7, read_termination="!")
        assert len(opened) == 1
        assert opened[0].timeout == 7
        first.close()
        first.close()
        assert not opened[0]._closed
        second.write_bytes(b"0gs")
        assert second.read_bytes(7) == b"0GS00\r\n"
        with pytest.raises(InvalidSession):
            first.read_bytes(1)
        second.close()
        assert opened[0]._closed
        port.open().close()
        assert len(opened) == 2

    @staticmethod
    def port() -> tuple[SharedPort, list[Any]]:
        clock = VirtualClock()
        wire = MemoryLink(ELL14(clock, turned=lambda *_: None), clock)
        opened: list[Any] = []

        class Wire:
            def open(self, **settings: Any) -> Adapter:
                opened.append(wire.open(**settings))
                return opened[-1]

        return SharedPort(Wire()), opened
