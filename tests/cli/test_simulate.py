"""``labcool simulate``: what it prints, whom it serves, and how it ends.

Clocks run with the wall here; everything is waited for, and only a failure waits long.
"""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import struct
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import serial
from pymeasure.instruments.novanta import Fpu60
from ruamel.yaml import YAML

import simulators._devices
from drivers.elliptec import ELL14
from drivers.finesse import Finesse
from drivers.linkam import LinkamT95
from drivers.sc10 import SC10
from labcool.bench import read_bench
from labcool.bench.serving import ServedBench, serve_bench
from labcool.cli import _exit_code
from labcool.cli.simulate import SimulateRequest, simulate
from labcool.clock import RealClock
from labcool.errors import ConfigurationError
from simulators.device import LineDevice

ROOT = Path(__file__).parents[2]
REAL_BENCH = ROOT / "configs" / "example_bench.yaml"
PATIENCE_S = 20.0
WIRED = ["shutter", "pump", "attenuator", "stage"]
posix_only = pytest.mark.skipif(os.name != "posix", reason="needs signals or pseudo-terminals")


def start(*options: str) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [sys.executable, "-m", "labcool", "simulate", *options],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )


def first_line(process: subprocess.Popen[str]) -> Any:
    assert process.stdout is not None
    return json.loads(process.stdout.readline())


def connect(address: str) -> socket.socket:
    host, port = address.split(":")
    return socket.create_connection((host, int(port)), timeout=PATIENCE_S)


def ask(link: socket.socket, command: bytes, end: bytes = b"\r\n") -> bytes:
    link.sendall(command)
    answer = b""
    while not answer.endswith(end):
        part = link.recv(100)
        assert part, "the server has hung up"
        answer += part
    return answer


def ask_shutter(link: socket.socket, command: bytes) -> bytes:
    """Return what an SC10 says to a command, without echo and prompt."""
    return ask(link, command + b"\r", b"> ")[len(command) + 1 : -2].rstrip(b"\r")


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as listener:
        return int(listener.getsockname()[1])


def wait_until(condition: Any) -> None:
    turn = threading.Event()
    for _ in range(2000):
        if condition():
            return
        turn.wait(0.01)
    raise AssertionError("it did not happen")


@pytest.fixture(scope="module")
def server() -> Iterator[SimpleNamespace]:
    """One server for all the tests that leave it as it was."""
    port = free_port()
    process = start("--json", "--seed", "7", "--ports", f"shutter={port}")
    try:
        yield SimpleNamespace(bench=first_line(process), shutter_port=port)
    finally:
        process.terminate()
        rest, errors = process.communicate()
    assert rest == ""
    assert errors.startswith("spectrometer (FLAME-S) is not served: ")
    assert errors.count("\n") == 1
    if os.name == "posix":
        assert process.returncode == 0


class TestAnotherProgram:
    def test_reads_where_everything_is(self, server: SimpleNamespace) -> None:
        models = {name: entry["model"] for name, entry in server.bench.items()}
        assert models == {
            "shutter": "SC10", "pump": "Finesse", "attenuator": "ELL14", "stage": "LinkamT95",
        }  # fmt: skip
        for entry in server.bench.values():
            assert set(entry) == {"model", "resource", "address"}
            host, port = entry["address"].split(":")
            assert host == "127.0.0.1"
            assert entry["resource"] == f"TCPIP::127.0.0.1::{port}::SOCKET"
        assert server.bench["shutter"]["address"] == f"127.0.0.1:{server.shutter_port}"

    def test_talks_through_plain_sockets(self, server: SimpleNamespace) -> None:
        said = {"pump": b"SETPOWER?\r", "attenuator": b"0in", "shutter": b"ens?\r", "stage": b"T\r"}
        ends = {"shutter": b"> ", "stage": b"\r"}
        heard = {}
        for name, words in said.items():
            with connect(server.bench[name]["address"]) as link:
                heard[name] = ask(link, words, ends.get(name, b"\r\n"))
        assert heard["pump"] == b" 00.100W\r\n"
        assert heard["attenuator"].startswith(b"0IN0E")
        assert heard["shutter"] == b"ens?\r0\r> "
        assert int(heard["stage"][6:10], 16) == pytest.approx(250, abs=2)

    def test_uses_the_laser_through_pymeasure(self, server: SimpleNamespace) -> None:
        laser = Fpu60(server.bench["pump"]["resource"], visa_library="@py")
        try:
            assert laser.interlock_enabled
            assert laser.emission_enabled
            laser.power_setpoint = 0.42
            assert laser.power_setpoint == 0.42
            laser.shutter_open = True
            assert laser.shutter_open
            laser.shutter_open = False
            assert not laser.shutter_open
            laser.power_setpoint = 0.1
        finally:
            laser.adapter.close()

    def test_uses_labcools_drivers(self, server: SimpleNamespace) -> None:
        def opened(driver: Any, name: str) -> Any:
            return driver(server.bench[name]["resource"], visa_library="@py")

        shutter = opened(SC10, "shutter")
        shutter.open()
        assert not shutter.is_closed
        shutter.shutdown()
        mount = opened(ELL14, "attenuator")
        mount.turn_to(30.0)
        assert mount.angle == pytest.approx(30.0, abs=0.0065)
        mount.shutdown()
        stage = opened(LinkamT95, "stage")
        assert stage.temperature == pytest.approx(298.15, abs=0.2)
        stage.shutdown()
        laser = opened(Finesse, "pump")
        assert laser.power_setpoint == 0.1
        laser.shutdown()

    def test_comes_back_after_it_vanished_in_the_middle_of_a_command(
        self, server: SimpleNamespace
    ) -> None:
        for _ in range(3):
            with connect(server.bench["shutter"]["address"]) as link:
                assert ask(link, b"in", b"in") == b"in"
                # Closed with a reset, not with a farewell.
                link.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            with connect(server.bench["shutter"]["address"]) as link:
                assert ask_shutter(link, b"terlock?") == b"0"

    def test_waits_while_another_is_connected(self, server: SimpleNamespace) -> None:
        address = server.bench["pump"]["address"]
        with connect(address) as first, connect(address) as second:
            second.sendall(b"STATUS?\r")
            assert ask(first, b"SETPOWER?\r") == b" 00.100W\r\n"
            first.close()
            assert ask(second, b"") == b"ENABLED\r\n"


@posix_only
def test_end_by_sigterm_is_0_and_frees_the_port() -> None:
    with start("--json", "--only", "shutter", "--link", "tcp", "--clock", "real") as process:
        bench = first_line(process)
        assert list(bench) == ["shutter"]
        with connect(bench["shutter"]["address"]) as link:
            assert ask_shutter(link, b"ens?") == b"0"
            process.send_signal(signal.SIGTERM)
            assert link.recv(100) == b""
        assert process.wait() == 0
        assert process.communicate() == ("", "")
        port = int(bench["shutter"]["address"].split(":")[1])
        with socket.create_server(("127.0.0.1", port)):
            pass


def test_examples_of_the_document_run() -> None:
    text = (ROOT / "docs" / "simulate.md").read_text("utf-8")
    blocks = re.findall(r"^```python\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)
    assert len(blocks) == 8
    names: dict[str, Any] = {"__name__": "document"}
    try:
        for block in blocks:
            exec(compile(block, "simulate.md", "exec"), names)
    finally:
        if names.get("server") and names["server"].poll() is None:
            names["server"].kill()
            names["server"].communicate()
    assert "SC10" in names["identity"]
    assert names["enabled"] == "1"
    assert names["set_point"] == 0.25
    assert names["degrees"] == pytest.approx(45.0, abs=0.0065)
    assert names["celsius"] == pytest.approx(25.0, abs=0.2)
    assert names["closed"] is True
    assert names["spectrum"].counts.size == 2048


@pytest.fixture
def served() -> Iterator[ServedBench]:
    threads = set(threading.enumerate())
    with serve_bench(read_bench()) as bench:
        yield bench
    assert set(threading.enumerate()) <= threads


@pytest.fixture
def fast() -> Iterator[ServedBench]:
    """A bench that runs 60 times as fast as the wall."""
    with serve_bench(read_bench(), clock="scaled") as bench:
        yield bench


class TestOneLightBehindAllPorts:
    def absorbed(self, bench: ServedBench) -> float:
        simulated: Any = bench.simulated
        simulated.pass_time()
        return float(simulated.light_path.sample.energy.absorbed)

    def test_light_passes_while_laser_and_shutter_are_open(self, served: ServedBench) -> None:
        with (
            connect(served.endpoints["shutter"].address) as shutter,
            connect(served.endpoints["pump"].address) as laser,
        ):
            ask_shutter(shutter, b"ens")
            wait_until(lambda: ask_shutter(shutter, b"closed?") == b"0")
            assert self.absorbed(served) == 0.0
            assert ask(laser, b"SHUTTER OPEN\r") == b"\r\n"
            wait_until(lambda: self.absorbed(served) > 0.0)
            ask_shutter(shutter, b"ens")
            wait_until(lambda: ask_shutter(shutter, b"closed?") == b"1")
            total = self.absorbed(served)
            asked = served.simulated.light_path.clock.now()  # type: ignore[attr-defined]
            wait_until(lambda: served.simulated.light_path.clock.now() > asked + 0.05)  # type: ignore[attr-defined]
            assert self.absorbed(served) == total > 0.0

    def test_light_follows_the_mount(self, served: ServedBench) -> None:
        path: Any = served.simulated.light_path  # type: ignore[attr-defined]
        with connect(served.endpoints["attenuator"].address) as mount:
            assert ask(mount, b"0ma%08X" % (143_360 // 4)).startswith(b"0PO0000")
        served.pass_time()
        assert path._angle.value == pytest.approx(90.0, abs=0.0065)

    def test_what_has_passed_is_forgotten(self, served: ServedBench) -> None:
        simulated: Any = served.simulated
        with connect(served.endpoints["pump"].address) as laser:
            for _ in range(5):
                ask(laser, b"SHUTTER OPEN\r")
                ask(laser, b"SHUTTER CLOSE\r")
        served.pass_time()
        assert len(simulated.light_path._power._coming) == 0
        assert len(simulated.truth) == 0

    def test_devices_live_on_while_nobody_is_connected(
        self, fast: ServedBench, caplog: pytest.LogCaptureFixture
    ) -> None:
        """A mount that turns until it is stopped makes known 10 s at a time."""
        simulated: Any = fast.simulated
        path, mount = simulated.light_path, simulated.devices["attenuator"]
        with connect(fast.endpoints["attenuator"].address) as link:
            assert ask(link, b"0fw") == b"0GS00\r\n"
        begin = path.clock.now()
        while path.clock.now() < begin + 25.0:
            fast.pass_time()
        fast.pass_time()
        behind = (mount.angle_at(path._now) - path._angle.value) % 360
        assert behind <= 430.0 * 0.01 + 1e-6
        assert caplog.messages == []


def test_devices_are_never_spoken_to_by_two_threads_at_once(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    """They act on one light path, and the path asks the stage how warm it is."""
    inside: list[int] = []
    crowds: list[int] = []
    pause = threading.Event()

    class Slow(LineDevice):
        def receive(self, data: bytes) -> None:
            inside.append(1)
            pause.wait(0.002)
            crowds.append(len(inside))
            inside.pop()
            super().receive(data)

        def _handle(self, line: bytes) -> None:
            self._send(line + b"\r\n")

    for driver in ("drivers.sc10.SC10", "drivers.finesse.Finesse", "drivers.elliptec.ELL14"):
        monkeypatch.setitem(simulators._devices.DEVICES, driver, lambda around: Slow(around.clock))
    with serve_bench(read_bench()) as bench:
        links = [connect(bench.endpoints[name].address) for name in WIRED[:3]]
        talking = [
            threading.Thread(target=lambda k=k: [ask(k, b"x\r") for _ in range(20)]) for k in links
        ]
        for thread in talking:
            thread.start()
        while any(thread.is_alive() for thread in talking):
            bench.pass_time()
        for thread, link in zip(talking, links, strict=True):
            thread.join()
            link.close()
    assert len(crowds) > 60
    assert set(crowds) == {1}


def test_all_instruments_at_once_from_several_threads(fast: ServedBench) -> None:
    words = {
        "shutter": (b"ens\r", b"> "),
        "pump": (b"POWER=0.500\r", b"\r\n"),
        "attenuator": (b"0mr00000100", b"\r\n"),
        "stage": (b"T\r", b"\r"),
    }
    answers: dict[str, list[bytes]] = {name: [] for name in words}

    def talk(name: str) -> None:
        with connect(fast.endpoints[name].address) as link:
            answers[name] = [ask(link, *words[name]) for _ in range(12)]

    threads = [threading.Thread(target=talk, args=(name,)) for name in words]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        fast.pass_time()
    assert {name: len(heard) for name, heard in answers.items()} == dict.fromkeys(words, 12)
    assert answers["shutter"] == [b"ens\r> "] * 12
    assert answers["pump"] == [b"\r\n"] * 12
    steps = [int(answer[3:11], 16) for answer in answers["attenuator"]]
    assert steps == [pytest.approx(0x100 * (n + 1), abs=3 * (n + 1)) for n in range(12)]
    assert all(len(answer) == 11 for answer in answers["stage"])


@posix_only
def test_serial_ports() -> None:
    with serve_bench(read_bench(), link="pty", only=["attenuator", "shutter"]) as bench:
        assert list(bench.endpoints) == ["shutter", "attenuator"]
        there = bench.endpoints["attenuator"]
        assert there.address.startswith("/dev/")
        assert there.resource == f"ASRL{there.address}::INSTR"
        with serial.Serial(there.address, 9600, timeout=PATIENCE_S) as port:
            port.write(b"0gs")
            assert port.read_until(b"\r\n") == b"0GS00\r\n"
        shutter = SC10(bench.endpoints["shutter"].resource, visa_library="@py")
        assert shutter.is_closed
        shutter.shutdown()


@pytest.fixture
def bus_file(tmp_path: Path) -> Path:
    mount = {"driver": "drivers.elliptec.ELL14", "resource": "ASRL1::INSTR"}
    data = {
        "bench": "two mounts",
        "instruments": {
            "one": {**mount, "address": "1"},
            "two": {**mount, "address": "2"},
            "alone": {**mount, "resource": "ASRL2::INSTR"},
        },
    }
    path = tmp_path / "bus.yaml"
    with path.open("w", encoding="utf-8") as file:
        YAML().dump(data, file)
    return path


class TestBus:
    def test_both_answer_on_one_port(self, bus_file: Path) -> None:
        port = free_port()
        with serve_bench(read_bench(bus_file), ports={"two": port}) as bench:
            assert bench.endpoints["one"].address == f"127.0.0.1:{port}"
            assert bench.endpoints["two"].address == f"127.0.0.1:{port}"
            assert bench.endpoints["alone"].address != f"127.0.0.1:{port}"
            with connect(f"127.0.0.1:{port}") as link:
                assert ask(link, b"1gs") == b"1GS00\r\n"
                assert ask(link, b"2gs") == b"2GS00\r\n"

    def test_who_is_not_named_is_not_on_it(self, bus_file: Path) -> None:
        with (
            serve_bench(read_bench(bus_file), only=["two"]) as bench,
            connect(bench.endpoints["two"].address) as link,
        ):
            assert ask(link, b"1gs2gs") == b"2GS00\r\n"

    def test_has_one_number(self, bus_file: Path) -> None:
        with pytest.raises(ConfigurationError, match="one and two are on one port"):
            serve_bench(read_bench(bus_file), ports={"one": 5001, "two": 5002})


class TestClockAndSeed:
    def test_scaled_time_runs_at_the_speed_of_the_bench_file(self) -> None:
        with serve_bench(read_bench(), clock="scaled", only=["stage"]) as bench:
            assert bench.simulated._clock.speed == 60.0  # type: ignore[attr-defined]

    def test_real_time_whatever_the_bench_file_says(self, served: ServedBench) -> None:
        assert isinstance(served.simulated._clock, RealClock)  # type: ignore[attr-defined]

    @pytest.mark.parametrize(("seeds", "same"), [((None, 1), True), ((5, 6), False)])
    def test_seed(self, seeds: tuple[int | None, int], same: bool) -> None:
        """The mount stops within ±2 pulses of its target, by chance."""
        stops = []
        for seed in seeds:
            with (
                serve_bench(read_bench(), seed=seed, only=["attenuator"], clock="scaled") as bench,
                connect(bench.endpoints["attenuator"].address) as mount,
            ):
                stops.append([ask(mount, b"0ma00000000") for _ in range(6)])
        assert (stops[0] == stops[1]) is same


class TestTheProgramItself:
    @pytest.fixture
    def _ends_at_once(self, monkeypatch: pytest.MonkeyPatch) -> None:
        def told_to_stop(_clock: RealClock, _seconds: float) -> None:
            signal.raise_signal(signal.SIGINT)

        monkeypatch.setattr(RealClock, "sleep", told_to_stop)

    @pytest.mark.usefixtures("_ends_at_once")
    def test_table(self, capsys: pytest.CaptureFixture[str]) -> None:
        before = signal.getsignal(signal.SIGINT)
        assert _exit_code(["simulate"]) == 0
        assert signal.getsignal(signal.SIGINT) == before
        out, err = capsys.readouterr()
        lines = out.splitlines()
        assert lines[0].split() == ["name", "model", "resource", "address"]
        assert [line.split()[:2] for line in lines[1:6]] == [
            ["shutter", "SC10"],
            ["pump", "Finesse"],
            ["attenuator", "ELL14"],
            ["stage", "LinkamT95"],
            ["spectrometer", "FLAME-S"],
        ]
        assert all(re.search(r" 127\.0\.0\.1:\d+$", line) for line in lines[1:5])
        assert lines[5].endswith("not served                       -")
        assert "seabreeze" in lines[6]
        assert err == ""

    @pytest.mark.usefixtures("_ends_at_once")
    @pytest.mark.parametrize(
        "options",
        [
            [
                "--only",
                "pump",
                "--only",
                "shutter",
                "--ports",
                "pump={0}",
                "--ports",
                "shutter={1}",
            ],
            ["--only", "pump", "shutter", "--ports", "pump={0}", "shutter={1}"],
            ["--ports", "pump={0}", "shutter={1}", "--only", "shutter", "pump"],
        ],
    )
    def test_options_can_be_repeated_or_lists(
        self, capsys: pytest.CaptureFixture[str], options: list[str]
    ) -> None:
        ports = free_port(), free_port()
        assert _exit_code(["simulate", "--json", *(o.format(*ports) for o in options)]) == 0
        out, err = capsys.readouterr()
        addresses = {name: entry["address"] for name, entry in json.loads(out).items()}
        assert addresses == {"shutter": f"127.0.0.1:{ports[1]}", "pump": f"127.0.0.1:{ports[0]}"}
        assert out.count("\n") == 1
        assert err == ""

    @pytest.mark.usefixtures("_ends_at_once")
    def test_real_bench_is_served_and_told(self, capsys: pytest.CaptureFixture[str]) -> None:
        request = SimulateRequest(bench=REAL_BENCH, as_json=True, only=("shutter",), seed=3)
        assert simulate(request) == 0
        out, err = capsys.readouterr()
        assert list(json.loads(out)) == ["shutter"]
        assert "is a real bench" in err
        assert "not touched" in err
        assert "roman2020-film" in err

    @pytest.mark.parametrize(
        ("wrong", "words"),
        [
            ({"only": ("pmup",)}, "no instrument 'pmup' on this bench; did you mean 'pump'?"),
            ({"only": ("spectrometer",)}, "spectrometer (FLAME-S) cannot be served"),
            ({"only": ("pump", "spectrometer")}, "spectrometer (FLAME-S) cannot be served"),
            ({"ports": ("spectrometer=5001",)}, "spectrometer (FLAME-S) cannot be served"),
            ({"ports": ("laser=5001",)}, "no instrument 'laser'"),
            ({"ports": ("pump",)}, "NAME=PORT"),
            ({"ports": ("pump=many",)}, "NAME=PORT"),
            ({"ports": ("pump=5_001",)}, "NAME=PORT"),
            ({"ports": ("=5001",)}, "NAME=PORT"),
            ({"ports": ("pump=0",)}, "1 to 65535"),
            ({"ports": ("pump=-1",)}, "1 to 65535"),
            ({"ports": ("pump=65536",)}, "1 to 65535"),
            ({"ports": ("pump=5001", "pump=5002")}, "pump is given twice"),
            ({"ports": ("pump=5001", "stage=5001")}, "5001 is given to pump and to stage"),
            ({"ports": ("pump=5001",), "only": ("stage",)}, "pump, which is not to be served"),
            ({"ports": ("pump=5001",), "link": "pty"}, "only be given to TCP ports"),
            ({"link": "usb"}, "tcp, pty"),
            ({"clock": "virtual"}, "virtual clock"),
            ({"clock": "fast"}, "real, scaled"),
            ({"seed": -1}, "seed"),
            ({"bench": Path("nowhere.yaml")}, "nowhere.yaml"),
            ({"more": ("my.yaml",)}, "--bench"),
            ({"more": ("pump=5001",), "only": ("pump",)}, "--ports"),
        ],
    )
    def test_wrong_input_is_refused_in_plain_words(
        self, capsys: pytest.CaptureFixture[str], wrong: dict[str, Any], words: str
    ) -> None:
        threads = threading.active_count()
        assert simulate(SimulateRequest(as_json=True, **wrong)) == 2
        out, err = capsys.readouterr()
        assert out == ""
        assert err.startswith("labcool simulate: ")
        assert words in err
        assert "Traceback" not in err
        assert threading.active_count() == threads

    def test_port_in_use_is_refused_and_frees_those_before(
        self, capsys: pytest.CaptureFixture[str]
    ) -> None:
        free = free_port()
        with socket.create_server(("127.0.0.1", 0)) as other:
            taken = other.getsockname()[1]
            request = SimulateRequest(ports=(f"stage={taken}", f"shutter={free}"))
            assert simulate(request) == 2
        assert str(taken) in capsys.readouterr().err
        with socket.create_server(("127.0.0.1", free)):
            pass

    def test_bench_with_nothing_to_serve(
        self, capsys: pytest.CaptureFixture[str], tmp_path: Path
    ) -> None:
        eye = {"driver": "drivers.ocean.OceanSpectrometer", "serial": "FLMS1"}
        with (tmp_path / "eye.yaml").open("w", encoding="utf-8") as file:
            YAML().dump({"bench": "eye", "instruments": {"eye": eye}}, file)
        assert simulate(SimulateRequest(bench=tmp_path / "eye.yaml")) == 2
        assert "eye (FLAME-S) cannot be served" in capsys.readouterr().err

    def test_unknown_option_is_wrong_usage(self, capsys: pytest.CaptureFixture[str]) -> None:
        assert _exit_code(["simulate", "--prots", "pump=1"]) == 2
        assert "--prots" in capsys.readouterr().err
