"""Instruments that name other instruments of the bench: checks, order of opening and closing."""

from __future__ import annotations

import datetime
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType
from typing import Any, ClassVar

import pytest

from labcool.bench import open_bench, read_bench
from labcool.bench._links import used_first, used_last, with_used
from labcool.bench.bench_file import BenchFileError
from labcool.bench.serving import serve_bench
from labcool.errors import ConfigurationError, InstrumentRefused

DIODE = """  diode:
    driver: drivers.photodiode.Photodiode
    source: lock_in
    input: 1
    calibrated: 2025-11-03
    responsivity: [[450, 1000], [650, 2000]]
    relative_std: 0.03
"""
LOCK_IN = "  lock_in: {driver: drivers.sr830.SR830, resource: GPIB0::8::INSTR}\n"
STAGE = "  stage: {driver: drivers.linkam.LinkamT95, resource: ASRL3::INSTR}\n"
SIMULATION = "simulation: {sample: roman2020-film}\n"

log: list[str] = []


class Part:
    """An instrument that notes what happens to it."""

    instruments: ClassVar[dict[str, tuple[str, ...]]] = {"first": ("volts",), "second": ("volts",)}

    def __init__(
        self,
        name: str = "part",
        *,
        clock: Any = None,
        first: Any = None,
        second: Any = None,
        serial: str = "",
        fails: bool = False,
    ) -> None:
        self.name = name.split()[0]
        self.parts = [part for part in (first, second) if part is not None]
        assert all(isinstance(part, Part) for part in self.parts)
        if fails:
            raise InstrumentRefused(self.name, "no.")
        log.append(f"+{self.name}")

    identity = "part"

    def volts(self) -> float:
        return 1.0

    def settings(self) -> dict[str, Any]:
        return {}

    def make_safe(self) -> None:
        pass

    def shutdown(self) -> None:
        log.append(f"-{self.name}")


@pytest.fixture(autouse=True)
def _driver_module() -> Iterator[None]:
    module = ModuleType("their_parts")
    module.Part = Part  # type: ignore[attr-defined]
    Part.__module__ = "their_parts"
    sys.modules["their_parts"] = module
    log.clear()
    yield
    del sys.modules["their_parts"]


def bench_file(folder: Path, *instruments: str, more: str = "") -> Path:
    path = folder / "bench.yaml"
    path.write_text("bench: b\ninstruments:\n" + "".join(instruments) + more, "utf-8")
    return path


def part(name: str, **links: str) -> str:
    settings = "".join(f", {key}: {value}" for key, value in links.items())
    return f"  {name}: {{driver: their_parts.Part{settings}, serial: s{name}}}\n"


def problems(folder: Path, *instruments: str) -> list[str]:
    with pytest.raises(BenchFileError) as caught:
        read_bench(bench_file(folder, *instruments))
    return str(caught.value).replace(str(folder / "bench.yaml"), "F").splitlines()


class TestReading:
    def test_the_file_gives_a_name(self, tmp_path: Path) -> None:
        spec = read_bench(bench_file(tmp_path, DIODE, LOCK_IN)).spec
        settings = spec.instruments["diode"].settings
        assert settings["source"] == "lock_in"
        assert settings["calibrated"] == datetime.date(2025, 11, 3)

    def test_unknown_name(self, tmp_path: Path) -> None:
        (line,) = problems(tmp_path, DIODE.replace("lock_in", "lokc_in"), LOCK_IN, STAGE)
        assert line == (
            'F:5:13: instruments.diode.source: "lokc_in" is not an instrument of this bench; '
            "allowed: one of lock_in; did you mean 'lock_in'?"
        )

    def test_instrument_of_the_wrong_kind(self, tmp_path: Path) -> None:
        (line,) = problems(tmp_path, DIODE.replace("lock_in", "stage"), LOCK_IN, STAGE)
        assert line == (
            'F:5:13: instruments.diode.source: "stage" (LinkamT95) cannot be used here; '
            "allowed: one of lock_in; it lacks aux_input"
        )

    def test_nothing_there_that_could_be_used(self, tmp_path: Path) -> None:
        (line,) = problems(tmp_path, DIODE.replace("lock_in", "stage"), STAGE)
        assert "allowed: no instrument of this bench" in line

    def test_itself(self, tmp_path: Path) -> None:
        (line,) = problems(tmp_path, part("one", first="one"), part("two"))
        assert line == (
            "F:3:42: instruments.one.first: 'one' cannot use itself; allowed: one of two"
        )

    def test_circle_is_told_where_it_closes(self, tmp_path: Path) -> None:
        ring = part("one", first="two"), part("two", second="three"), part("three", first="one")
        (line,) = problems(tmp_path, *ring)
        assert line.startswith("F:5:44: instruments.three.first: ")
        assert "\"one\" itself uses 'three', directly or through others" in line

    def test_missing_and_of_the_wrong_type(self, tmp_path: Path) -> None:
        (line,) = problems(tmp_path, DIODE.replace("    source: lock_in\n", ""), LOCK_IN)
        assert "instruments.diode" in line
        assert "'source' is missing" in line
        (line,) = problems(tmp_path, DIODE.replace("lock_in", "3"), LOCK_IN)
        assert line.startswith(
            "F:5:13: instruments.diode.source: 3 is a whole number; allowed: text"
        )

    def test_a_port_is_not_taken(self, tmp_path: Path) -> None:
        (line,) = problems(tmp_path, DIODE + "    resource: ASRL1::INSTR\n", LOCK_IN)
        assert "instruments.diode.resource: Photodiode is not connected by a VISA port" in line

    def test_settings_of_the_diode_are_checked_at_their_place(self, tmp_path: Path) -> None:
        wrong = DIODE.replace("input: 1", "input: 0").replace("0.03", "-1")
        lines = problems(tmp_path, wrong, LOCK_IN)
        assert [line.split(":")[1] for line in lines] == ["6", "9"]


class TestOpening:
    RING = (part("c", first="b", second="a"), part("b", first="a"), part("a"), part("d"))

    def test_used_ones_are_opened_first_and_closed_last(self, tmp_path: Path) -> None:
        bench = open_bench(read_bench(bench_file(tmp_path, *self.RING)))
        assert list(bench.instruments) == ["c", "b", "a", "d"]
        assert log == ["+a", "+b", "+c", "+d"]
        c: Any = bench.instruments["c"]
        assert c.parts == [bench.instruments["b"], bench.instruments["a"]]
        log.clear()
        assert bench.close() == []
        assert log == ["-c", "-b", "-a", "-d"]

    def test_only_some_and_what_they_use(self, tmp_path: Path) -> None:
        bench = open_bench(read_bench(bench_file(tmp_path, *self.RING)), only=["b"])
        assert list(bench.instruments) == ["b", "a"]
        bench.close()
        assert log == ["+a", "+b", "-b", "-a"]

    def test_failure_leaves_the_used_ones_safe(self, tmp_path: Path) -> None:
        broken = part("c", first="b", fails="true"), *self.RING[1:]
        with pytest.raises(InstrumentRefused, match=r"^c: "):
            open_bench(read_bench(bench_file(tmp_path, *broken)))
        assert log == ["+a", "+b", "-b", "-a"]

    def test_photodiode_reads_through_the_simulated_lock_in(self, tmp_path: Path) -> None:
        path = bench_file(tmp_path, DIODE, LOCK_IN, more=SIMULATION)
        with open_bench(read_bench(path), only=["diode"]) as bench:
            assert list(bench.instruments) == ["diode", "lock_in"]
            diode: Any = bench.instruments["diode"]
            lock_in: Any = bench.instruments["lock_in"]
            assert diode.voltage == lock_in.aux_input(1) == pytest.approx(0.002, abs=2e-4)
            assert diode.identity.startswith("photodiode on input 1 of lock_in (SR830)")

    def test_photodiode_has_no_port_that_could_be_served(self, tmp_path: Path) -> None:
        path = bench_file(tmp_path, DIODE, LOCK_IN, more=SIMULATION)
        with serve_bench(read_bench(path)) as served:
            assert list(served.endpoints) == ["lock_in"]
            assert served.not_served["diode"].reason == "all that it reads comes through lock_in"
        with pytest.raises(ConfigurationError, match=r"diode \(Photodiode\) cannot be served"):
            serve_bench(read_bench(path), only=["diode"])


class TestOrder:
    def test_names_that_nothing_links_keep_their_order(self) -> None:
        assert used_first("badc", {}) == list("badc")
        assert used_last("badc", {}) == list("badc")

    def test_links_to_what_is_not_wanted_are_passed_over(self) -> None:
        assert used_first("ba", {"b": ["z", "a"]}) == ["a", "b"]
        assert used_last("ab", {"b": ["z", "a"]}) == ["b", "a"]

    def test_all_that_is_used(self) -> None:
        assert with_used(["a"], {"a": ["b"], "b": ["c"], "d": ["a"]}) == {"a", "b", "c"}
