"""The simulated MC2000B: worked bytes, the wheel behind them, and a foreign driver on it."""

from itertools import pairwise

import pytest
import thorlabs_mc2000b as foreign
from hypothesis import given, settings
from hypothesis import strategies as st

from labcool.clock import VirtualClock, sleep_until
from simulators._chopper_wheel import BLADES
from simulators.mc2000b import ARGUMENT_INVALID, MC2000B, NOT_DEFINED


@pytest.fixture
def clock():
    return VirtualClock()


@pytest.fixture
def device(clock):
    return MC2000B(clock, lock_time=5.0)


def exchange(device, command, wait=0.003):
    device.receive(command)
    device.clock.sleep(wait)
    return device.transmit()


def ask(device, command):
    """Return the answer, in proof that it stands between echo and prompt."""
    raw = exchange(device, command + b"\r")
    assert raw.startswith(command + b"\r")
    assert raw.endswith(b"> ")
    return raw[len(command) + 1 : -2].removesuffix(b"\r").decode()


def tell(device, *commands):
    for command in commands:
        assert ask(device, command) == ""


def test_the_worked_byte_strings(device):
    sent = bytes.fromhex("667265713d3331370d")
    assert exchange(device, sent) == bytes.fromhex("667265713d3331370d3e20")
    assert exchange(device, b"freq?\r") == b"freq?\r317\r> "
    assert exchange(device, b"id?\r") == b"id?\rTHORLABS MC2000B 1.1.1\r> "


def test_every_character_is_echoed_as_it_comes(device):
    assert exchange(device, b"fr", wait=0) == b"fr"
    assert exchange(device, b"eq?\r", wait=0) == b"eq?\r"
    assert exchange(device, b"") == b"500\r> "


def test_an_empty_command_resynchronises_after_lost_characters(device):
    device.characters_to_lose = 2
    assert exchange(device, b"blade?") == b"ade?"
    assert exchange(device, b"\r").endswith(NOT_DEFINED.encode() + b"\r> ")
    assert exchange(device, b"\r") == b"\r> "
    assert ask(device, b"blade?") == "6"
    device.characters_to_lose = 7
    assert exchange(device, b"blade?\r") == b""
    assert ask(device, b"blade?") == "6"


def test_it_runs_up_to_the_target_and_locks_in_the_stated_time(device, clock):
    tell(device, b"output=1", b"freq=1000", b"enable=1")
    begin = clock.now() - 0.003
    assert not device.is_locked(begin + 4.9)
    assert device.is_locked(begin + 5.1)
    assert device.frequency_at(begin + 5) == pytest.approx(1000 * (1 - 1e-3))
    assert ask(device, b"refoutfreq?") != "1000"
    sleep_until(clock, begin + 10)
    assert ask(device, b"refoutfreq?") == "1000"
    tell(device, b"freq=900")
    assert not device.is_locked(clock.now())
    clock.sleep(10)
    assert device.is_locked(clock.now())
    assert ask(device, b"refoutfreq?") == "900"


def test_in_standby_it_runs_down_and_the_beam_passes_or_not_by_chance(device, clock):
    tell(device, b"freq=1000", b"enable=1")
    stopped = set()
    for pause in range(20):
        clock.sleep(10 + pause / 70000)
        tell(device, b"enable=0")
        clock.sleep(60)
        assert device.frequency_at(clock.now()) == pytest.approx(0, abs=1e-6)
        assert not device.is_locked(clock.now())
        stopped.add(device.passes(clock.now()))
        assert device.passes(clock.now()) == device.passes(clock.now() + 3600)
        tell(device, b"enable=1")
    assert stopped == {True, False}


def test_the_chopped_beam_has_the_frequency_and_half_the_light(device, clock):
    tell(device, b"freq=200", b"enable=1")
    clock.sleep(60)
    now = clock.now()
    assert device.cycles_at(now + 1) - device.cycles_at(now) == pytest.approx(200)
    samples = [device.passes(now + 0.1 * index / 10007) for index in range(10007)]
    assert sum(samples) / len(samples) == pytest.approx(0.5, abs=0.01)
    edges = sum(a != b for a, b in pairwise(samples))
    assert edges == pytest.approx(2 * 20, abs=1)


def test_the_cycles_are_the_integral_of_the_frequency(device, clock):
    tell(device, b"freq=300", b"enable=1")
    begin, steps = clock.now(), 4000
    middles = [device.frequency_at(begin + (step + 0.5) / 1000) for step in range(steps)]
    expected = sum(middles) / 1000
    counted = device.cycles_at(begin + 4) - device.cycles_at(begin)
    assert counted == pytest.approx(expected, rel=1e-4)


def test_the_phase_shifts_the_chopping(device, clock):
    assert ask(device, b"phase?") == "0"
    before = device.cycles_at(clock.now())
    tell(device, b"phase=90")
    assert device.phase == 90
    assert device.cycles_at(clock.now()) - before == pytest.approx(0.25)


def test_the_beam_may_pass_the_inner_ring(clock):
    device = MC2000B(clock, beam_ring="inner")
    tell(device, b"freq=1000", b"enable=1")
    clock.sleep(60)
    now = clock.now()
    assert device.cycles_at(now + 1) - device.cycles_at(now) == pytest.approx(100)


@pytest.mark.parametrize(
    ("output", "expected"),
    [(b"0", "47"), (b"1", "47"), (b"2", "27"), (b"3", "74"), (b"4", "20")],
)
def test_the_outputs_of_a_blade_with_two_frequencies(device, clock, output, expected):
    tell(device, b"blade=11", b"output=" + output, b"freq=47", b"enable=1")
    clock.sleep(60)
    assert ask(device, b"refoutfreq?") == expected


def test_the_target_is_told_even_in_standby_and_the_wheel_is_not(device):
    tell(device, b"freq=400")
    assert ask(device, b"refoutfreq?") == "400"
    tell(device, b"output=1")
    assert ask(device, b"refoutfreq?") == "0"


def test_the_external_reference_is_followed_with_its_harmonic(device, clock):
    tell(device, b"ref=2", b"output=1", b"nharmonic=3", b"dharmonic=2", b"enable=1")
    device.external_hz = 400
    clock.sleep(60)
    assert ask(device, b"input?") == "400"
    assert ask(device, b"refoutfreq?") == "600"
    assert device.is_locked(clock.now())
    device.external_hz = 0
    clock.sleep(60)
    assert ask(device, b"refoutfreq?") == "0"
    assert not device.is_locked(clock.now())


def test_a_reference_beyond_the_blade_is_not_followed(device, clock):
    tell(device, b"ref=3", b"output=2", b"enable=1")
    device.external_hz = 1001
    clock.sleep(60)
    assert ask(device, b"refoutfreq?") == "0"
    device.external_hz = 999.5
    clock.sleep(60)
    assert ask(device, b"refoutfreq?") == "999.5"


def test_faults_show_in_the_frequency_only(device, clock):
    tell(device, b"output=1", b"freq=1000", b"enable=1")
    device.out_of_sync = True
    clock.sleep(60)
    assert ask(device, b"refoutfreq?") == "930"
    assert not device.is_locked(clock.now())
    device.stalled = True
    clock.sleep(60)
    assert (ask(device, b"refoutfreq?"), ask(device, b"enable?")) == ("0", "1")
    device.out_of_sync = device.stalled = False
    clock.sleep(60)
    assert ask(device, b"refoutfreq?") == "1000"


@pytest.mark.parametrize("keyword", [b"blade", b"ref", b"output", b"nharmonic", b"dharmonic"])
def test_some_settings_are_refused_while_running(device, keyword):
    before = ask(device, keyword + b"?")
    tell(device, b"enable=1")
    assert ask(device, keyword + b"=1") == ARGUMENT_INVALID
    assert ask(device, keyword + b"?") == before
    tell(device, b"enable=0", keyword + b"=1")
    assert ask(device, keyword + b"?") == "1"


@pytest.mark.parametrize(
    ("keyword", "lowest", "highest"),
    [
        (b"blade", 0, 14),
        (b"nharmonic", 1, 15),
        (b"dharmonic", 1, 15),
        (b"phase", 0, 360),
        (b"enable", 0, 1),
        (b"oncycle", 0, 50),
        (b"intensity", 1, 10),
        (b"verbose", 0, 1),
    ],
)
def test_settings_are_kept_within_their_range_and_refused_outside(device, keyword, lowest, highest):
    for value in (highest, lowest):
        tell(device, b"%s=%d" % (keyword, value))
        assert ask(device, keyword + b"?") == str(value)
    for refused in (b"%d" % (highest + 1), b"-1", b"", b"0.5", b"\xb2"):
        assert ask(device, keyword + b"=" + refused) == ARGUMENT_INVALID
    assert ask(device, keyword + b"?") == str(lowest)


@pytest.mark.parametrize(
    ("blade", "ref", "accepted", "refused"),
    [
        (3, 0, ["60", "3000"], ["59", "3001", "60.5"]),
        (6, 0, ["200", "10000", "200.1"], ["199.9", "10000.1", "200.15"]),
        (6, 1, ["20", "1000"], ["19.9", "1000.1"]),
        (0, 1, ["4", "200", "4.01"], ["3.99", "200.01", "4.001"]),
        (14, 1, ["120", "6000"], ["119", "6001"]),
    ],
)
def test_the_frequency_range_and_step_are_the_blades(device, blade, ref, accepted, refused):
    tell(device, b"blade=%d" % blade, b"ref=%d" % ref)
    for value in accepted:
        tell(device, b"freq=" + value.encode())
        assert ask(device, b"freq?") == value
    for value in [*refused, "", "-60", "1e3", "nan"]:
        assert ask(device, b"freq=" + value.encode()) == ARGUMENT_INVALID
    assert ask(device, b"freq?") == accepted[-1]


@pytest.mark.parametrize("number", range(len(BLADES)))
def test_references_and_outputs_are_those_of_the_blade(device, number):
    tell(device, b"blade=%d" % number)
    two_rings = BLADES[number].name in ("MC1F2", "MC1F10HP", "MC1F2P10")
    two_frequencies = BLADES[number].name.startswith("MC2F")
    references = 4 if two_rings else 2
    outputs = 3 if two_rings else 5 if two_frequencies else 2
    tell(device, b"ref=%d" % (references - 1), b"output=%d" % (outputs - 1))
    assert ask(device, b"ref=%d" % references) == ARGUMENT_INVALID
    assert ask(device, b"output=%d" % outputs) == ARGUMENT_INVALID


def test_a_new_blade_takes_its_own_options_and_an_allowed_frequency(device):
    tell(device, b"ref=3", b"output=2", b"freq=1000", b"blade=8")
    assert [ask(device, query) for query in (b"ref?", b"output?", b"freq?")] == ["0", "0", "600"]


def test_the_list_of_keywords_is_true_and_restoring_stops(device, clock):
    for keyword in ask(device, b"?").split("\r"):
        answer = ask(device, keyword.replace("freq=n", "freq=500").replace("=n", "=1").encode())
        assert "error" not in answer or keyword in ("blade=n", "ref=n", "output=n", "nharmonic=n")
    tell(device, b"enable=1", b"restore")
    assert [ask(device, query) for query in (b"enable?", b"blade?", b"freq?")] == ["0", "6", "500"]


@pytest.mark.parametrize("command", [b"FREQ?", b"freq", b"\nid?", b"hello", b"x" * 99, b"input=1"])
def test_what_is_no_keyword_gets_an_error_text(device, command):
    assert ask(device, command) == NOT_DEFINED


class FakePort:
    """What pyserial's ``Serial`` is to the foreign driver: here, a wire to the device."""

    def __init__(self, device):
        self.device = device
        self._arrived = b""

    def write(self, data):
        self.device.receive(bytes(data))

    def read(self, count):
        self._arrived += self.device.transmit()
        if not self._arrived and (due := self.device.next_transmission()) is not None:
            sleep_until(self.device.clock, due)
            self._arrived = self.device.transmit()
        taken, self._arrived = self._arrived[:count], self._arrived[count:]
        return taken

    def close(self):
        pass


def test_a_foreign_driver_runs_it(device, clock, monkeypatch):
    monkeypatch.setattr(foreign.serial, "Serial", lambda **_: FakePort(device))
    chopper = foreign.MC2000B("memory")
    assert chopper.id == "THORLABS MC2000B 1.1.1"
    assert chopper.get_blade_string() == "MC1F10HP"
    chopper.freq = 317
    chopper.set_outref_string("outer")
    chopper.enable = True
    clock.sleep(60)
    assert (chopper.freq, chopper.refoutfreq, chopper.enable) == (317, 317, 1)
    assert device.is_locked(clock.now())
    chopper.enable = False
    chopper.set_inref_string("external-inner")
    chopper.nharmonic, chopper.dharmonic = 1, 2
    assert (chopper.ref, chopper.dharmonic, chopper.phase) == (3, 2, 0)
    for number in range(15):
        chopper.blade = number
        blade = foreign.Blade(number)
        assert BLADES[number].name == blade.name
        assert list(BLADES[number].references) == list(blade.inrefs)
        assert list(BLADES[number].outputs) == list(blade.outrefs)


COMMANDS = [b"enable=1", b"freq=317", b"blade=11", b"ref=3", b"output=4", b"?", b"restore"]
LINES = st.lists(
    st.sampled_from([*COMMANDS, b"refoutfreq?", b"input?"])
    | st.binary(max_size=90).filter(lambda line: b"\r" not in line),
    max_size=8,
)


@settings(deadline=None, derandomize=True, max_examples=60)
@given(LINES, st.floats(0, 1e6))
def test_whatever_arrives_is_answered_by_echo_answer_prompt(lines, wait):
    device = MC2000B(VirtualClock())
    for line in lines:
        raw = exchange(device, line + b"\r", wait + 0.003)
        assert raw.startswith(line + b"\r")
        answer = raw[len(line) + 1 :]
        assert answer == b"> " or answer.endswith(b"\r> ")
    assert device.passes(device.clock.now()) in (True, False)
