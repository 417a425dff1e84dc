"""``labcool doctor`` on benches with something wrong: what it tells to check, and to whom."""

from __future__ import annotations

import re
import socket
import sys
from collections.abc import Iterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from serial.tools import list_ports

from labcool.clock import RealClock
from simulators.lakeshore import LakeShore
from simulators.light_path import LightPath
from simulators.link import TcpLink
from simulators.pm100d import PM100D

SIMULATED = """\
bench: small
instruments:
  shutter: {{driver: drivers.sc10.SC10, resource: ASRL1::INSTR}}
  pump: {{driver: drivers.finesse.Finesse, resource: ASRL2::INSTR, wavelength: 532.0}}
  lock_in: {{driver: drivers.sr830.SR830, resource: GPIB0::8::INSTR}}
  stage: {{driver: drivers.linkam.LinkamT95, resource: ASRL3::INSTR}}
simulation: {{sample: roman2020-film, faults: [{faults}]}}
"""
ESCAPES = re.compile(r"\x1b\[[0-9;]*m")


def bench(text: str) -> str:
    Path("bench.yaml").write_text(text, encoding="utf-8")
    return "bench.yaml"


def broken(name: str, fault: str) -> str:
    return bench(SIMULATED.format(faults=f"{{instrument: {name}, fault: {fault}, times: 1000}}"))


def checks(err: str) -> dict[str, list[str]]:
    """Return the sentences by heading, from below the words 'What to check'."""
    _, _, told = err.partition("What to check on the bench:\n")
    found: dict[str, list[str]] = {}
    for line in told.splitlines():
        if line.startswith("  - "):
            found[list(found)[-1]].append(line[4:])
        else:
            found[line] = []
    return found


def one(said: Any, heading: str) -> str:
    """Return all that is to be checked, if it is this heading's and nobody else's."""
    assert said.code == 1
    found = checks(said.err)
    assert list(found) == [heading]
    return "\n".join(found[heading])


@pytest.mark.parametrize(
    ("name", "special"),
    [
        ("shutter", "115200 after baud=1|baud_rate: 115200"),
        ("pump", "key of the fpu60"),
        ("lock_in", r"OUTPUTS must be that of your cable, GPIB or RS232"),
        ("stage", "freezes if anything opens its port at 9600 baud"),
    ],
)
def test_silence(labcool: Any, name: str, special: str) -> None:
    said = labcool("doctor", "--bench", broken(name, "dropped"))
    told = one(said, f"{name}: no answer")
    assert said.err.startswith(f"{name} (")
    assert "Is it switched on, and is the cable in at both ends?" in told
    assert re.search(special, told)
    assert ("Is the address in the bench file" in told) == (name == "lock_in")
    assert ("baud rate, data bits and parity the same" in told) == (name != "lock_in")
    rows = {line.split()[0]: line.split() for line in said.out.splitlines() if line}
    assert {key for key, row in rows.items() if row[2:3] == ["NO"]} == {name}


def test_another_instrument_is_told_with_what_it_said(labcool: Any) -> None:
    clock = RealClock()
    with TcpLink(PM100D(clock, power=lambda _: 0.0, wavelength=532.0), clock) as link:
        text = REAL.format(driver="sr830.SR830", port=link.port, settings="")
        said = labcool("doctor", "--bench", bench(text))
    told = one(said, "it: another instrument")
    assert "'Thorlabs,PM100D,P0000001,2.7.0' answers here, not an SR830" in said.err
    assert "two instruments may have changed places" in told


def test_senseless_answers_may_come_from_a_wrong_baud_rate(labcool: Any) -> None:
    said = labcool("doctor", "--bench", broken("pump", "garbled"))
    told = one(said, "pump: unreadable answer")
    assert "The baud rate, data bits or parity differ at both ends" in told
    assert "19200 baud" in told


def test_who_is_read_through_a_silent_instrument_is_sent_there(labcool: Any) -> None:
    monitor = """\
  monitor: {{driver: drivers.photodiode.Photodiode, source: lock_in, input: 1,
    calibrated: 2025-11-03, responsivity: [[488, 13.8], [532, 15.0]], relative_std: 0.03,
    dark_voltage: 0.0, saturation_voltage: 9.5}}
simulation:"""
    fault = "{instrument: lock_in, fault: dropped, times: 1000}"
    text = bench(SIMULATED.replace("simulation:", monitor).format(faults=fault))
    found = checks(labcool("doctor", "--bench", text).err)
    assert list(found) == ["lock_in: no answer", "monitor: no answer"]
    assert found["monitor: no answer"] == ["It is read through lock_in: see there."]


REAL = """\
bench: real
instruments:
  it: {{driver: drivers.{driver}, resource: TCPIP0::127.0.0.1::{port}::SOCKET{settings}}}
"""
LAKE_SHORE = {"driver": "lakeshore.LakeShore336", "settings": ", timeout: 0.1"}


@pytest.fixture
def taken() -> Iterator[int]:
    """A controller's port, with somebody else connected to it."""
    clock = RealClock()
    with (
        TcpLink(LakeShore(clock), clock) as link,
        socket.create_connection(("127.0.0.1", link.port)) as other,
    ):
        other.sendall(b"*IDN?\n")
        assert other.recv(10)
        yield link.port


def test_a_network_port_that_somebody_else_has(labcool: Any, taken: int) -> None:
    said = labcool("doctor", "--bench", bench(REAL.format(port=taken, **LAKE_SHORE)))
    told = one(said, "it: no answer")
    assert told.startswith("Most instruments serve one connection at a time")
    assert "Ethernet: port 7777" in told


def test_a_network_port_that_is_not_there(labcool: Any) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    said = labcool("doctor", "--bench", bench(REAL.format(port=port, **LAKE_SHORE)))
    assert said.code == 1
    assert "IP address and the port number" in said.err


def test_serial_ports_that_are_there_are_named_once(
    labcool: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = [
        SimpleNamespace(device="/dev/ttyUSB10", description="n/a", serial_number=None),
        SimpleNamespace(device="/dev/ttyUSB9", description="FT232R", serial_number="A50285BI"),
    ]
    monkeypatch.setattr(list_ports, "comports", lambda: there)
    monkeypatch.setattr("platform.system", lambda: "Linux")
    text = SIMULATED.format(faults="").partition("simulation:")[0].replace("ASRL", "ASRL/dev/no")
    said = labcool("doctor", "--bench", bench(text.replace("  lock_in", "  # lock_in")))
    found = checks(said.err)
    assert list(found) == [
        "shutter, pump, stage: not found",
        "This computer has these serial ports: ASRL/dev/ttyUSB9::INSTR (FT232R, serial number "
        "A50285BI), ASRL/dev/ttyUSB10::INSTR.",
    ]


def test_a_package_that_is_missing_is_told_with_the_command(
    labcool: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "pylablib.devices.Andor", None)
    text = "bench: b\ninstruments:\n  camera: {driver: drivers.andor.AndorSpectrometer, %s}\n"
    said = labcool("doctor", "--bench", bench(text % "allow_linux: true"))
    told = one(said, "camera: software missing")
    assert 'python -m pip install "labcool[andor]"' in told


def test_the_json_says_the_same(labcool: Any) -> None:
    said = labcool("doctor", "--json", "--bench", broken("stage", "dropped"))
    assert (said.code, said.err) == (1, "")
    told = said.json
    assert (told["bench"], told["simulated"]) == ("small", True)
    assert {name: each["answers"] for name, each in told["instruments"].items()} == {
        "shutter": True,
        "pump": True,
        "lock_in": True,
        "stage": False,
    }
    assert told["instruments"]["shutter"]["problem"] is None
    problem = told["instruments"]["stage"]["problem"]
    assert problem["kind"] == "silent"
    assert problem["message"].startswith("stage (LinkamT95): ")
    assert any("9600" in check for check in problem["check"])


@pytest.mark.parametrize("columns", [80, 100])
def test_on_a_terminal_no_line_is_too_long_and_only_there_is_colour(
    labcool: Any, monkeypatch: pytest.MonkeyPatch, columns: int
) -> None:
    file = broken("stage", "dropped")
    assert "\x1b" not in labcool("doctor", "--bench", file).out
    monkeypatch.setenv("FORCE_COLOR", "1")
    monkeypatch.setenv("COLUMNS", str(columns))
    said = labcool("doctor", "--bench", file)
    assert "\x1b[" in said.out
    for line in ESCAPES.sub("", said.out + said.err).splitlines():
        assert len(line) <= columns, line


def test_a_question_that_was_repeated_is_told(labcool: Any) -> None:
    fault = "{instrument: stage, fault: dropped, times: 1}"
    said = labcool("doctor", "--bench", bench(SIMULATED.format(faults=fault)))
    assert (said.code, said.err) == (0, "")
    (told,) = [line for line in said.out.splitlines() if line.startswith("stage: ")]
    assert told.startswith("stage: While it was asked: stage (LinkamT95): no complete answer")


def test_nothing_is_opened_or_turned(labcool: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    seen: dict[str, set[object]] = {"shutter_moved": set(), "mount_turned": set()}
    for method, values in seen.items():
        original = getattr(LightPath, method)

        def note(
            self: Any, value: Any, *rest: Any, original: Any = original, values: Any = values
        ) -> None:
            values.add(value)
            original(self, value, *rest)

        monkeypatch.setattr(LightPath, method, note)
    assert labcool("doctor").code == 0
    assert seen["shutter_moved"] == {False}
    assert len(seen["mount_turned"]) == 1
