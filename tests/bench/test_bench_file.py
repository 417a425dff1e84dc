from __future__ import annotations

import sys
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

import configs
from labcool.bench.bench_file import BenchFileError, LoadedBench, read_bench
from labcool.bench.schema import BenchSpec, json_schema
from labcool.errors import ConfigurationError

GOOD = """\
bench: optical cooling, table 2
instruments:
  shutter: {driver: drivers.sc10.SC10, resource: ASRL/dev/ttyUSB0::INSTR}
  pump: {driver: drivers.finesse.Finesse, resource: ASRL/dev/ttyUSB1::INSTR, wavelength: 532}
  mount: {driver: drivers.elliptec.ELL14, resource: ASRL/dev/ttyUSB2::INSTR, address: "0"}
  stage: {driver: drivers.linkam.LinkamT95, resource: ASRL/dev/ttyUSB3::INSTR}
illumination:
  laser: pump
  power_W: 0.1
  shutter: shutter
  attenuator: {mount: mount, optic: {kind: graded_filter, table: [[0, 0.0], [300, 4]]}}
  spot: {date: 2025-11-03, diameter_um: 100, path_transmission: 0.62, relative_std: 0.05,
         method: knife edge}
  power_stability: 0.001
limits: {stage_temperature_K: [77, 373], fluence_W_cm2: [0, 1.0e5]}
simulation: {sample: roman2020-film, link: memory, clock: virtual, seed: 1}
"""

WAVE_PLATE = "{kind: half_wave_plate, zero_angle: 12.3, extinction: 1.0e-3, maximum: 0.98}"
FILTER = "{kind: graded_filter, table: [[0, 0.0], [300, 4]]}"
SECOND_MOUNT = "  stage: {driver: drivers.elliptec.ELL14, resource: "


def read(folder: Path, content: str | bytes) -> LoadedBench:
    file = folder / "bench.yaml"
    file.write_bytes(content if isinstance(content, bytes) else content.encode())
    return read_bench(file)


def refusal(folder: Path, content: str | bytes) -> BenchFileError:
    with pytest.raises(BenchFileError) as caught:
        read(folder, content)
    return caught.value


def place_of(text: str, mark: str, start: int = 0) -> tuple[int, int]:
    offset = text.index(mark, start)
    return text.count("\n", 0, offset) + 1, offset - text.rfind("\n", 0, offset)


def test_content_of_a_good_file(tmp_path: Path) -> None:
    loaded = read(tmp_path, GOOD)
    spec = loaded.spec
    assert loaded.source_bytes == GOOD.encode()
    assert loaded.path == tmp_path / "bench.yaml"
    assert spec.bench == "optical cooling, table 2"
    assert list(spec.instruments) == ["shutter", "pump", "mount", "stage"]
    assert spec.instruments["pump"].driver == "drivers.finesse.Finesse"
    assert spec.instruments["pump"].resource == "ASRL/dev/ttyUSB1::INSTR"
    assert spec.instruments["mount"].settings == {"address": "0"}
    illumination = spec.illumination
    assert illumination is not None
    assert (illumination.laser, illumination.power_W) == ("pump", 0.1)
    assert illumination.attenuator.optic.kind == "graded_filter"
    assert illumination.attenuator.optic.table == ((0.0, 0.0), (300.0, 4.0))
    assert illumination.spot.date == date(2025, 11, 3)
    assert illumination.spot.method == "knife edge"
    assert spec.limits is not None
    assert spec.limits.fluence_W_cm2 == (0.0, 1e5)
    assert spec.simulation is not None
    assert spec.simulation.seed == 1


def test_a_whole_number_becomes_the_float_that_the_driver_asks_for(tmp_path: Path) -> None:
    wavelength = read(tmp_path, GOOD).spec.instruments["pump"].settings["wavelength"]
    assert (wavelength, type(wavelength)) == (532.0, float)


def test_sections_may_be_left_out(tmp_path: Path) -> None:
    spec = read(tmp_path, GOOD[: GOOD.index("illumination:")]).spec
    assert (spec.illumination, spec.limits, spec.simulation) == (None, None, None)


def test_half_wave_plate(tmp_path: Path) -> None:
    spec = read(tmp_path, GOOD.replace(FILTER, WAVE_PLATE)).spec
    assert spec.illumination is not None
    optic = spec.illumination.attenuator.optic
    assert optic.kind == "half_wave_plate"
    assert (optic.zero_angle, optic.extinction, optic.maximum) == (12.3, 1e-3, 0.98)


def test_today_is_not_in_the_future(tmp_path: Path) -> None:
    today = datetime.now().astimezone().date()
    spec = read(tmp_path, GOOD.replace("2025-11-03", today.isoformat())).spec
    assert spec.illumination is not None
    assert spec.illumination.spot.date == today


def test_byte_order_mark_and_windows_line_ends_are_fine(tmp_path: Path) -> None:
    content = b"\xef\xbb\xbf" + GOOD.replace("\n", "\r\n").encode()
    assert read(tmp_path, content).spec == read(tmp_path, GOOD).spec


BAD_VALUES = [
    # what stands in the good file, what replaces it, where the error points, its key, its words
    ("power_W: 0.1", "power_W: true", "true", "illumination.power_W", "true is", "above 0"),
    ("power_W: 0.1", 'power_W: "0.1"', '"0.1"', "illumination.power_W", '"0.1" is text', "quotes"),
    ("power_W: 0.1", "power_W: 100 mW", "100 mW", "illumination.power_W", '"100 mW"', "unit"),
    ("power_W: 0.1", "power_W: 0,1", "0,1", "illumination.power_W", '"0,1"', "decimal point"),
    ("power_W: 0.1", "power_W: .inf", ".inf", "illumination.power_W", ".inf is not a finite"),
    ("power_W: 0.1", "power_W: .nan", ".nan", "illumination.power_W", ".nan is not a finite"),
    ("power_W: 0.1", "power_W: 1e999", "1e999", "illumination.power_W", "1e999 is not a finite"),
    ("power_W: 0.1", "power_W: 0", "0", "illumination.power_W", "0 is outside", "above 0"),
    ("power_W: 0.1", "power_W: [1]", "[1]", "illumination.power_W", "[1] is a list", "a number"),
    ("power_W: 0.1", "power_W: {a: 1}", "{a", "illumination.power_W", "a block", "a number"),
    ("power_W: 0.1", "power_W:", "power_W", "illumination.power_W", "nothing stands after"),
    ("power_W: 0.1", "power_W: " + "9" * 50, "999", "illumination.power_W", "too many digits"),
    ("power_W: 0.1", "powerW: 0.1", "powerW", "illumination.powerW", "unknown key 'powerW'",
     "laser, power_W", "did you mean 'power_W'?"),
    ("  power_W: 0.1\n", "", "illumination:", "illumination.power_W", "'power_W' is missing",
     "a number above 0"),
    ("laser: pump", "laser: nopump", "nopump", "illumination.laser", '"nopump" is not an instr',
     "one of shutter, pump, mount, stage", "did you mean 'pump'?"),
    ("laser: pump", "laser: ''", "''", "illumination.laser", '"" is empty', "text"),
    ("laser: pump", "laser: 7", "7", "illumination.laser", "7 is a whole number", '"7"'),
    ("laser: pump", "laser: stage", "stage", "illumination.laser", "is not a Laser",
     "allowed: pump"),
    ("shutter: shutter", "shutter: mount", "mount", "illumination.shutter", "is not a Shutter",
     "allowed: shutter"),
    ("{mount: mount", "{mount: pump", "pump", "illumination.attenuator.mount",
     "is not a RotationMount", "allowed: mount"),
    ("{mount: mount", "{mount: mnt", "mnt", "illumination.attenuator.mount", '"mnt"', "one of sh"),
    ("graded_filter", "graded_fliter", "graded_fliter", "illumination.attenuator.optic.kind",
     '"graded_fliter"', "graded_filter or half_wave_plate", "did you mean 'graded_filter'?"),
    ("kind: graded_filter, ", "", "optic:", "illumination.attenuator.optic.kind",
     "'kind' is missing", "graded_filter or half_wave_plate"),
    ("[300, 4]", "[300]", "[300]", "illumination.attenuator.optic.table[1]", "[300] has the wrong",
     "[a number from 0 to below 360, a number 0 or more]"),
    ("[300, 4]", "[360, 4]", "360", "illumination.attenuator.optic.table[1][0]", "360 is outside",
     "from 0 to below 360"),
    ("[[0, 0.0], [300, 4]]", "[[0, 0], [0, 4]]", "[[0", "illumination.attenuator.optic.table",
     "angles do not rise"),
    ("[[0, 0.0], [300, 4]]", "[[0, 0], [9, 1], [10, 1]]", "[[0",
     "illumination.attenuator.optic.table", "neither rise"),
    ("[[0, 0.0], [300, 4]]", "[[0, 0.0]]", "[[0", "illumination.attenuator.optic.table",
     "[[0, 0.0]] has the wrong number", "at least 2"),
    (FILTER, WAVE_PLATE.replace("0.98", "0.0001"), "1.0e-3",
     "illumination.attenuator.optic.extinction", "not less than the maximum", "below 0.0001"),
    (FILTER, WAVE_PLATE.replace("0.98", "1.2"), "1.2", "illumination.attenuator.optic.maximum",
     "1.2 is outside", "above 0 and at most 1"),
    ("2025-11-03", "2999-01-01", "2999", "illumination.spot.date", "2999-01-01 lies in the future",
     "up to today"),
    ("2025-11-03", "2025-13-03", "2025-13", "illumination.spot.date", "2025-13-03", "YYYY-MM-DD"),
    ("2025-11-03", "3.11.2025", "3.11", "illumination.spot.date", '"3.11.2025"', "YYYY-MM-DD"),
    ("2025-11-03", "20251103", "20251103", "illumination.spot.date", "20251103", "YYYY-MM-DD"),
    ("knife edge", '"  "', '"  "', "illumination.spot.method", '"  "', "text"),
    ("[77, 373]", "[373, 77]", "[373", "limits.stage_temperature_K", "[373, 77] is not in asc",
     "[lowest, highest]", "swap"),
    ("[77, 373]", "[77, 77]", "[77", "limits.stage_temperature_K", "[77, 77] is not in asc"),
    ("[77, 373]", "[77, .inf]", ".inf", "limits.stage_temperature_K[1]", ".inf is not a finite"),
    ("[77, 373]", "373", "373", "limits.stage_temperature_K", "373 is a whole number", "[a numb"),
    ("link: memory", "link: tpc", "tpc", "simulation.link", '"tpc"', "one of memory, tcp, pty",
     "did you mean 'tcp'?"),
    ("clock: virtual", "clock: fast", "fast", "simulation.clock", '"fast"', "virtual, scaled, re"),
    ("seed: 1", "seed: 1.0", "1.0", "simulation.seed", "1.0 is a number", "whole number from 0"),
    ("seed: 1", "seed: -1", "-1", "simulation.seed", "-1 is outside", "from 0 to 92233720368547"),
    ("seed: 1", "sed: 1", "sed", "simulation.sed", "unknown key 'sed'", "did you mean 'seed'?"),
    ("simulation:", "simulaton:", "simulaton", "simulaton", "unknown key", "mean 'simulation'?"),
    ("sample: roman2020-film, ", "", "simulation", "simulation.sample", "'sample' is missing"),
    ("bench: optical cooling, table 2", "bench: ''", "''", "bench", '"" is empty', "1 to 300"),
    ("bench: optical cooling, table 2", 'bench: "a\\nb"', '"a', "bench", "line breaks", "single"),
    ("bench: optical cooling, table 2", 'bench: "\\ud800"', '"', "bench", "control characters"),
    ("bench: optical cooling, table 2\n", "", "instruments", "bench", "'bench' is missing"),
    ("  shutter: {", "  shut-ter: {", "shut-ter", "instruments.shut-ter", '"shut-ter" cannot be',
     "letters, digits and _"),
    ("  stage: {", "  7: {", "7", "instruments.7", "7 cannot be a key", "text", "quotes"),
    ("  stage: {", "  '': {", "''", "instruments.", '"" cannot be a name', "letters"),
    ("  stage: {", "  pump: {", "pump", "instruments.pump", "'pump' appears twice",
     "first in line 4"),
    ("seed: 1", "seed: 1, seed: 2", "seed: 2", "simulation.seed", "'seed' appears twice"),
    ("driver: drivers.sc10.SC10, ", "", "shutter", "instruments.shutter.driver",
     "'driver' is missing", "dotted path"),
    ("drivers.sc10.SC10", "drivers.sc1.SC10", "drivers.sc1", "instruments.shutter.driver",
     "no driver module drivers.sc1", "drivers.finesse", "did you mean 'drivers.sc10'?"),
    ("drivers.sc10.SC10", "drivers.sc10.SC20", "drivers.sc10", "instruments.shutter.driver",
     "no class SC20", "allowed: drivers.sc10.SC10", "did you mean 'SC10'?"),
    (", resource: ASRL/dev/ttyUSB0::INSTR", "", "shutter", "instruments.shutter.resource",
     "'resource' is missing", "VISA resource", "SC10 needs the port"),
    ("wavelength: 532", "wavelength: true", "true", "instruments.pump.wavelength", "true is",
     "a number from 200 to 2000"),
    ("wavelength: 532", "wavelength: .nan", ".nan", "instruments.pump.wavelength", ".nan is not"),
    ("wavelength: 532", "wavelength: 53.2", "53.2", "instruments.pump.wavelength", "53.2 is outs",
     "a number from 200 to 2000"),
    ("wavelength: 532", "wavelenght: 532", "wavelenght", "instruments.pump.wavelenght",
     "unknown key", "max_power", "did you mean 'wavelength'?"),
    ('address: "0"', "address: 0", "0}", "instruments.mount.address", "0 is not one of the choi",
     'one of "0", "1"', 'put it in quotes: "0"'),
    ("ASRL/dev/ttyUSB3", "ASRL/dev/TTYUSB0", "ASRL/dev/TTY", "instruments.stage.resource",
     '"ASRL/dev/TTYUSB0::INSTR" is the port of \'shutter\' already', "a port of its own"),
]  # fmt: skip


@pytest.mark.parametrize(
    ("old", "new", "mark", "key", "words"),
    [pytest.param(*case[:4], case[4:], id=f"{case[3]}: {case[1]}"[:60]) for case in BAD_VALUES],
)
def test_a_bad_value_is_told_with_its_place(
    tmp_path: Path, old: str, new: str, mark: str, key: str, words: tuple[str, ...]
) -> None:
    assert GOOD.count(old) >= 1
    text = GOOD.replace(old, new, 1)
    start = GOOD.index(old)
    missing = new == "" and "is missing" in words[0]
    line, column = place_of(text, mark, 0 if missing else start)
    told = str(refusal(tmp_path, text)).splitlines()
    ours = [entry for entry in told if f": {key}: " in entry]
    assert len(ours) == 1, told
    assert ours[0].startswith(f"{tmp_path / 'bench.yaml'}:{line}:{column}: {key}: ")
    for word in words:
        assert word in ours[0]
    assert "pydantic" not in ours[0]
    assert "http" not in ours[0]


UNREADABLE = [
    ("", 1, 1, "the file is empty"),
    ("  \n\n", 1, 1, "the file is empty"),
    ("# nothing\n", 1, 1, "only comments"),
    ("- a\n- b\n", 1, 1, "not a block of keys"),
    ("just text\n", 1, 1, "not a block of keys"),
    ("bench: a\n\tx: 1\n", 2, 1, "a tab character"),
    ("bench:\ta\n", 1, 7, "a tab character"),
    (b"bench: a\nsample: \xb5m\n", 2, 9, "the byte 0xb5 is not UTF-8"),
    ("bench: a\n".encode("utf-16"), 1, 1, "not UTF-8"),
    ("bench: a\n\nx: \x07\n", 3, 4, "the character U+0007"),
    ("bench: a\n---\nbench: b\n", 2, 1, "a second document"),
    ("%YAML 1.1\n---\nbench: on\n", 2, 1, "directive"),
    ("bench: &a x\n", 1, 8, "the anchor '&a'"),
    ("bench: &a x\ninstruments: *a\n", 2, 14, "the alias '*a'"),
    ("bench: !!python/object:os.system x\n", 1, 8, "the tag '!!python/object:os.system'"),
    ("bench: a: b\n", 1, 9, "a second ':'"),
    ("bench: [a\n", 2, 1, "closing bracket is missing (begun in line 1)"),
    ("bench: 'a\n", 2, 1, "quotation mark is missing"),
    ("bench: @a\n", 1, 8, "a sign that YAML reserves"),
    ("bench: a\n  b\nc\n", 4, 1, "without ':'"),
    ("[" * 5000, 1, 13, "more than 12"),
    ("{a: " * 5000, 1, 49, "more than 12"),
    (b"#" * 1_000_001, 1, 1, "too large"),
]


@pytest.mark.parametrize(
    ("content", "line", "column", "words"), UNREADABLE, ids=[case[3] for case in UNREADABLE]
)
def test_an_unreadable_file_is_told_with_its_place(
    tmp_path: Path, content: str | bytes, line: int, column: int, words: str
) -> None:
    told = str(refusal(tmp_path, content)).splitlines()
    ours = [entry for entry in told if words in entry]
    assert len(ours) == 1, told
    assert ours[0].startswith(f"{tmp_path / 'bench.yaml'}:{line}:{column}: ")


def test_all_problems_are_told_in_order_of_position(tmp_path: Path) -> None:
    text = (
        GOOD.replace("power_W: 0.1", "power_W: yes")
        .replace("laser: pump", "laser: nopump")
        .replace("drivers.sc10.SC10", "drivers.sc11.SC10")
        .replace("seed: 1", "seed: 1, seed: 2")
        .replace("bench: optical cooling, table 2", "bench:")
    )
    error = refusal(tmp_path, text)
    assert [problem.fault.path for problem in error.problems] == [
        ("bench",),
        ("instruments", "shutter", "driver"),
        ("illumination", "laser"),
        ("illumination", "power_W"),
        ("simulation", "seed"),
    ]
    assert len(str(error).splitlines()) == 5


def test_a_misspelt_key_is_not_reported_as_missing_too(tmp_path: Path) -> None:
    error = refusal(tmp_path, GOOD.replace("power_W", "powerW"))
    assert [problem.fault.path for problem in error.problems] == [("illumination", "powerW")]


SAME_PORT = [
    ("ASRL/dev/ttyUSB0::INSTR", "ASRL/dev/ttyUSB0"),
    ("ASRL/dev/ttyUSB0::INSTR", "asrl/dev/ttyusb0::instr"),
    ("ASRL3::INSTR", "asrl3"),
    ("ASRL3::INSTR", "ASRLCOM3::INSTR"),
    ("ASRL3::INSTR", "COM3"),
    ("GPIB0::8::INSTR", "GPIB::8"),
    ("TCPIP0::10.0.0.5::5025::SOCKET", "TCPIP::10.0.0.5::5025::SOCKET"),
    ("MYALIAS", "myalias"),
]


@pytest.mark.parametrize(("one", "other"), SAME_PORT)
def test_two_spellings_of_one_port_are_refused(tmp_path: Path, one: str, other: str) -> None:
    text = GOOD.replace("ASRL/dev/ttyUSB0::INSTR", one).replace("ASRL/dev/ttyUSB3::INSTR", other)
    (problem,) = refusal(tmp_path, text).problems
    assert problem.fault.path == ("instruments", "stage", "resource")
    assert f"\"{other}\" is the port of 'shutter' already" in problem.fault.what


def test_ports_that_differ_are_fine(tmp_path: Path) -> None:
    text = GOOD.replace("ASRL/dev/ttyUSB0::INSTR", "ASRL3::INSTR")
    read(tmp_path, text.replace("ASRL/dev/ttyUSB3::INSTR", "ASRL13::INSTR"))


@pytest.mark.skipif(sys.platform == "win32", reason="ports have no paths on Windows")
def test_a_link_to_a_port_in_use_is_refused(tmp_path: Path) -> None:
    device = tmp_path / "ttyUSB0"
    device.touch()
    link = tmp_path / "by-id"
    link.symlink_to(device)
    text = GOOD.replace("/dev/ttyUSB0", str(device)).replace("/dev/ttyUSB3", str(link))
    (problem,) = refusal(tmp_path, text).problems
    assert problem.fault.path == ("instruments", "stage", "resource")


def with_second_mount(address: str) -> str:
    start, end = GOOD.index("  stage: {"), GOOD.index("illumination:")
    line = SECOND_MOUNT + "ASRL/dev/ttyusb2::INSTR" + address + "}\n"
    return GOOD[:start] + line + GOOD[end:]


def test_two_mounts_may_share_a_bus_with_different_addresses(tmp_path: Path) -> None:
    spec = read(tmp_path, with_second_mount(', address: "1"')).spec
    assert spec.instruments["stage"].settings == {"address": "1"}


@pytest.mark.parametrize("address", [', address: "0"', ""])
def test_two_mounts_with_one_address_are_refused(tmp_path: Path, address: str) -> None:
    (problem,) = refusal(tmp_path, with_second_mount(address)).problems
    assert problem.fault.path == ("instruments", "stage", "resource")
    assert 'both have the address "0"' in problem.fault.what


def with_spectrometers(first: str, second: str) -> str:
    driver = "{driver: drivers.ocean.OceanSpectrometer"
    return GOOD.replace(
        "illumination:", f"  one: {driver}{first}}}\n  two: {driver}{second}}}\nillumination:"
    )


@pytest.mark.parametrize(
    ("first", "second", "path", "words"),
    [
        (
            ", serial: F1",
            ", serial: F1",
            ("instruments", "two", "serial"),
            "serial number of 'one'",
        ),
        (", serial: F1", "", ("instruments", "two"), "cannot be told apart"),
        ("", ", serial: F1", ("instruments", "one"), "cannot be told apart"),
        ("", "", ("instruments", "two"), "cannot be told apart"),
    ],
)
def test_usb_spectrometers_that_are_one_device_are_refused(
    tmp_path: Path, first: str, second: str, path: tuple[str, ...], words: str
) -> None:
    (problem,) = refusal(tmp_path, with_spectrometers(first, second)).problems
    assert problem.fault.path == path
    assert words in problem.fault.what


def test_two_usb_spectrometers_with_their_serial_numbers_are_fine(tmp_path: Path) -> None:
    spec = read(tmp_path, with_spectrometers(", serial: F1", ", serial: F2")).spec
    assert spec.instruments["two"].settings == {"serial": "F2"}


def test_missing_file_and_folder(tmp_path: Path) -> None:
    missing = tmp_path / "no.yaml"
    with pytest.raises(ConfigurationError, match="there is no such file") as caught:
        read_bench(missing)
    assert str(missing) in str(caught.value)
    (tmp_path / "mine.yaml").touch()
    with pytest.raises(ConfigurationError, match=r"this is a folder; it holds mine\.yaml"):
        read_bench(tmp_path)
    with pytest.raises(ConfigurationError, match="cannot be read"):
        read_bench("bench\0.yaml")


def test_overrides_are_checked_and_leave_the_original_alone(tmp_path: Path) -> None:
    loaded = read(tmp_path, GOOD)
    changed = loaded.with_overrides(sample="other", seed=7, clock="scaled", speed=10)
    simulation = changed.spec.simulation
    assert simulation is not None
    assert loaded.spec.simulation is not None
    assert simulation.model_dump() == loaded.spec.simulation.model_dump() | {
        "sample": "other",
        "clock": "scaled",
        "speed": 10.0,
        "seed": 7,
    }
    assert changed.source_bytes == loaded.source_bytes
    assert loaded.spec.simulation is not None
    assert loaded.spec.simulation.seed == 1
    assert loaded.with_overrides() is loaded


def test_bad_overrides_are_refused_together(tmp_path: Path) -> None:
    with pytest.raises(ConfigurationError) as caught:
        read(tmp_path, GOOD).with_overrides(clock="vitual", seed=-1)
    lines = str(caught.value).splitlines()
    assert len(lines) == 2
    assert lines[0].startswith('simulation.clock: "vitual" is not one of the choices')
    assert "did you mean 'virtual'?" in lines[0]
    assert lines[1].startswith("simulation.seed: -1 is outside the range")


def test_overrides_need_a_simulated_bench(tmp_path: Path) -> None:
    real = read(tmp_path, GOOD[: GOOD.index("simulation:")])
    with pytest.raises(ConfigurationError, match="is a real bench") as caught:
        real.with_overrides(seed=3)
    assert "seed cannot be set" in str(caught.value)
    assert real.with_overrides() is real


def test_json_schema_knows_sections_and_choices() -> None:
    schema = json_schema()
    assert schema["$schema"].startswith("https://json-schema.org/")
    assert schema["required"] == ["bench", "instruments"]
    assert schema["additionalProperties"] is False
    simulation = schema["$defs"]["SimulationSpec"]["properties"]
    assert simulation["link"]["enum"] == ["memory", "tcp", "pty"]
    assert "null" not in str(schema)
    assert schema["$defs"]["InstrumentSpec"]["additionalProperties"] is True


def test_the_spec_survives_a_round_trip_through_json(tmp_path: Path) -> None:
    spec = read(tmp_path, GOOD).spec
    assert BenchSpec.model_validate_json(spec.model_dump_json()) == spec


SCALARS = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.floats(),
    st.text(max_size=20),
    st.dates(),
    st.sampled_from(["drivers.sc10", "drivers.sc10.SC10.x", "a.b", "..", "*x", "&", "<<", "1e999"]),
)
VALUES = st.one_of(SCALARS, st.lists(SCALARS, max_size=3), st.dictionaries(SCALARS, SCALARS))


def places(data: object, path: tuple[object, ...] = ()) -> list[tuple[object, ...]]:
    if isinstance(data, dict):
        return [path, *(p for k, v in data.items() for p in places(v, (*path, k)))]
    if isinstance(data, list):
        return [path, *(p for i, v in enumerate(data) for p in places(v, (*path, i)))]
    return [path]


def complaint(file: Path) -> str:
    """Return what a ConfigurationError says, nothing if there is none; lets all else through."""
    try:
        read_bench(file)
    except ConfigurationError as error:
        return str(error)
    return ""


PLACES = places(YAML(typ="safe", pure=True).load(GOOD))
QUIET = settings(
    max_examples=60,
    deadline=None,
    derandomize=True,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)


@QUIET
@given(path=st.sampled_from(PLACES), value=VALUES)
def test_any_value_in_any_place_is_accepted_or_refused_as_a_configuration_error(
    tmp_path: Path, path: tuple[object, ...], value: object
) -> None:
    content = YAML(typ="safe", pure=True).load(GOOD)
    if path:
        holder = content
        for step in path[:-1]:
            holder = holder[step]
        holder[path[-1]] = value
    else:
        content = value
    file = tmp_path / "bench.yaml"
    with file.open("w", encoding="utf-8", errors="surrogatepass") as stream:
        YAML(typ="safe", pure=True).dump(content, stream)
    message = complaint(file)
    assert all(line.startswith(f"{file}:") for line in message.split("\n") if message)


@QUIET
@given(start=st.integers(0, len(GOOD)), length=st.integers(0, 12), text=st.text(max_size=8))
def test_any_damage_to_the_text_is_accepted_or_refused_as_a_configuration_error(
    tmp_path: Path, start: int, length: int, text: str
) -> None:
    damaged = GOOD[:start] + text + GOOD[start + length :]
    file = tmp_path / "bench.yaml"
    file.write_bytes(damaged.encode("utf-8", "surrogatepass"))
    message = complaint(file)
    assert all(line.startswith(f"{file}:") for line in message.split("\n") if message)


@QUIET
@given(content=st.binary(max_size=60))
def test_any_bytes_are_refused_as_a_configuration_error(tmp_path: Path, content: bytes) -> None:
    file = tmp_path / "bench.yaml"
    file.write_bytes(content)
    with pytest.raises(ConfigurationError):
        read_bench(file)


def test_tomorrow_is_in_the_future(tmp_path: Path) -> None:
    later = datetime.now(UTC).date() + timedelta(days=2)
    error = refusal(tmp_path, GOOD.replace("2025-11-03", later.isoformat()))
    assert "lies in the future" in str(error)


@pytest.mark.parametrize(
    ("old", "new", "where", "words"),
    [
        (
            "ASRL/dev/ttyUSB0::INSTR",
            "/dev/ttyUSB0",
            "instruments.shutter.resource",
            "write ASRL/dev/ttyUSB0::INSTR",
        ),
        ("power_W: 0.6", "power_W: 1.6", "illumination.power_W", "from above 0 to 1"),
        ("sample: roman2020-film", "sample: roman", "simulation.sample", "one of roman2020-film"),
    ],
)
def test_what_only_shows_on_the_bench_is_refused_with_its_place(
    tmp_path: Path, old: str, new: str, where: str, words: str
) -> None:
    text = (Path(configs.__file__).parent / "simulated_cooling.yaml").read_text(encoding="utf-8")
    assert text.count(old) == 1
    line = 1 + text[: text.index(old)].count("\n")
    bench = tmp_path / "bench.yaml"
    bench.write_text(text.replace(old, new), encoding="utf-8")
    with pytest.raises(BenchFileError) as caught:
        read_bench(bench)
    message = str(caught.value)
    assert f"{bench}:{line}:" in message
    assert where in message
    assert words in message
