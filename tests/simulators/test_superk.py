"""The simulated SuperK: published bytes, its states over time, and the light behind them."""

from bisect import bisect_right

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labcool.clock import VirtualClock
from labcool.errors import LimitError
from simulators._interbus import Kind, Telegram, TelegramReader
from simulators.superk import SuperK

SOURCE, PANEL, RF, VARIA, SELECT = 15, 1, 16, 17, 18
HOST = 0xA2
EMISSION, SETUP, INTERLOCK, RATIO = 0x30, 0x31, 0x32, 0x34
WATCHDOG, POWER, CURRENT = 0x36, 0x37, 0x38
STATUS, ON, OFF = 0x66, b"\x03", b"\x00"
CONSTANT_CURRENT = b"\x00\x00"


class Light:
    """The lines that leave the filters according to the device's announcements."""

    def __init__(self):
        self.moments, self.lines = [], []

    def __call__(self, lines, moment):
        while self.moments and self.moments[-1] >= moment:
            self.moments.pop(), self.lines.pop()
        self.moments.append(moment)
        self.lines.append(lines)

    def at(self, moment):
        return self.lines[bisect_right(self.moments, moment + 1e-9) - 1]


@pytest.fixture
def clock():
    return VirtualClock()


@pytest.fixture
def light():
    return Light()


@pytest.fixture
def make(clock, light):
    return lambda **settings: SuperK(clock, light_changed=light, **settings)


@pytest.fixture
def device(make):
    return make(varia=VARIA)


def exchange(device, wire):
    device.receive(wire)
    device.clock.sleep(0.005)
    return device.transmit()


def ask(device, kind, address, register, data=b""):
    answer = exchange(device, Telegram(address, HOST, kind, register, data).frame())
    found = list(TelegramReader().feed(answer))
    assert len(found) == 1
    ((telegram, intact),) = found
    assert intact
    assert (telegram.destination, telegram.sender) == (HOST, address)
    assert telegram.register == register
    return telegram


def read(device, address, register, *, signed=False):
    answer = ask(device, Kind.READ, address, register)
    assert answer.kind == Kind.DATAGRAM
    return int.from_bytes(answer.data, "little", signed=signed)


def write(device, address, register, data):
    return ask(device, Kind.WRITE, address, register, data).kind


def u16(value):
    return value.to_bytes(2, "little")


def pm(nm):
    return round(nm * 1000).to_bytes(4, "little")


def switch_on(device, power=1000):
    assert write(device, SOURCE, POWER, u16(power)) == Kind.ACK
    assert write(device, SOURCE, INTERLOCK, u16(1)) == Kind.ACK
    assert write(device, SOURCE, EMISSION, ON) == Kind.ACK


def select_line(device, nm, amplitude=1000, channel=0):
    assert write(device, RF, 0x90 + channel, pm(nm)) == Kind.ACK
    assert write(device, RF, 0xB0 + channel, u16(amplitude)) == Kind.ACK
    assert write(device, RF, 0x30, b"\x01") == Kind.ACK


def test_the_worked_byte_strings(device):
    device.press_reset()
    for question, answer in [
        ("0D 0F A2 04 30 FD 85 0A", "0D A2 0F 08 30 00 16 3D 0A"),
        ("0D 0F A2 04 32 DD C7 0A", "0D A2 0F 08 32 02 00 47 F5 0A"),
        ("0D 0F A2 05 30 03 BC E1 0A", "0D A2 0F 03 30 48 2F 0A"),
        ("0D 0F A2 04 66 C7 B6 0A", "0D A2 0F 08 66 01 00 90 A8 0A"),
        ("0D 0F A2 05 30 00 8C 82 0A", "0D A2 0F 03 30 48 2F 0A"),
        ("0D 0F A2 04 61 B7 51 0A", "0D A2 0F 08 61 60 47 15 0A"),
        ("0D 0F A2 05 37 20 03 61 11 0A", None),
        ("0D 10 A2 05 30 01 FD 00 0A", None),
        ("0D 10 A2 05 90 A8 A8 09 00 3C C3 0A", None),
        ("0D 10 A2 05 B0 F4 01 F9 FD 0A", None),
        ("0D 11 A2 05 33 64 19 55 85 0A", None),
    ]:
        sent = exchange(device, bytes.fromhex(question))
        if answer is None:
            assert sent[3:4] == bytes([Kind.ACK])
        else:
            assert sent == bytes.fromhex(answer)
    assert read(device, SOURCE, POWER) == 800
    assert read(device, VARIA, 0x33) == 6500
    assert len(exchange(device, Telegram(RF, HOST, Kind.READ, 0x90).frame())) == 24
    assert ask(device, Kind.READ, RF, 0x90).data == pm(633) + bytes(12)
    assert len(exchange(device, Telegram(RF, HOST, Kind.READ, 0xB0).frame())) == 12


def test_worked_interlock_bytes_with_the_key_off_and_the_reset(device):
    device.key_off = True
    ask_interlock = bytes.fromhex("0D 0F A2 04 32 DD C7 0A")
    assert exchange(device, ask_interlock) == bytes.fromhex("0D A2 0F 08 32 00 01 31 B6 0A")
    device.key_off = False
    assert read(device, SOURCE, INTERLOCK) == 0x0001
    exchange(device, bytes.fromhex("0D 0F A2 05 32 01 00 8F 55 0A"))
    assert read(device, SOURCE, INTERLOCK) == 0x0002


@pytest.mark.parametrize(
    ("settings", "types"),
    [
        ({}, {1: b"\x61", 15: b"\x60", 16: b"\x66", 18: b"\x67"}),
        (
            {"model": "FIANIUM", "rf_driver": None, "select": None, "varia": 25},
            {1: b"\x61", 15: b"\x88\x00", 25: b"\x68"},
        ),
        ({"rf_driver": 6, "front_panel": False}, {15: b"\x60", 6: b"\x66", 18: b"\x67"}),
    ],
)
def test_a_scan_finds_the_modules_and_silence_elsewhere(make, settings, types):
    device, found = make(**settings), {}
    for address in range(1, 49):
        wire = exchange(device, Telegram(address, HOST, Kind.READ, 0x61).frame())
        for telegram, _ in TelegramReader().feed(wire):
            found[address] = telegram.data
    assert found == types


def test_every_module_has_a_serial_number_of_its_own_and_a_firmware(device):
    serials = [ask(device, Kind.READ, address, 0x65).data for address in device.modules]
    assert len(set(serials)) == 5
    assert all(serial.isdigit() for serial in serials)
    assert all(
        ask(device, Kind.READ, address, 0x64).data[2:].endswith(b"\0") for address in device.modules
    )


def test_an_answer_goes_to_whoever_asked_and_takes_its_time(device, clock):
    device.receive(Telegram(SOURCE, 0x40, Kind.READ, EMISSION).frame())
    assert device.transmit() == b""
    clock.sleep(0.005)
    ((telegram, _),) = TelegramReader().feed(device.transmit())
    assert telegram == Telegram(0x40, SOURCE, Kind.DATAGRAM, EMISSION, OFF)


def test_unknown_and_read_only_registers_and_bad_numbers_are_refused(device):
    nack = exchange(device, Telegram(SOURCE, HOST, Kind.READ, 0x99).frame())
    assert nack == bytes.fromhex("0D A2 0F 00 99 39 BF 0A")
    for address, register, data in [
        (SOURCE, 0x11, u16(250)),
        (SOURCE, 0x61, b"\x60"),
        (RF, 0x75, b"\x02"),
        (RF, 0x34, pm(400)),
        (SELECT, 0x90, pm(400)),
        (SOURCE, POWER, u16(1001)),
        (SOURCE, POWER, b"\x01"),
        (SOURCE, 0x39, u16(1024)),
        (SOURCE, EMISSION, b"\x02"),
        (SOURCE, 0x6C, b"x" * 21),
        (RF, 0x90, pm(651)),
        (RF, 0x90, pm(399)),
        (RF, 0xB0, u16(1001)),
        (RF, 0xB0, bytes(6)),
        (RF, 0x90, pm(500) + b"\x00"),
        (VARIA, 0x32, u16(1001)),
    ]:
        before = ask(device, Kind.READ, address, register).data
        assert write(device, address, register, data) == Kind.NACK
        assert ask(device, Kind.READ, address, register).data == before
    assert ask(device, Kind.WRITE, SOURCE, 0x99, b"\0").kind == Kind.NACK


def test_bits_can_be_set_cleared_and_toggled(device):
    for kind, data, left in [
        (Kind.SET_BITS, u16(6), 6),
        (Kind.CLEAR_BITS, u16(3), 4),
        (Kind.TOGGLE_BITS, u16(5), 1),
    ]:
        assert ask(device, kind, RF, 0x31, data).kind == Kind.ACK
        assert read(device, RF, 0x31) == left
    assert ask(device, Kind.SET_BITS, RF, 0x31, u16(8)).kind == Kind.NACK
    assert ask(device, Kind.SET_BITS, RF, 0x31, b"\x01").kind == Kind.NACK


def test_a_damaged_telegram_is_answered_and_does_nothing(device):
    device.press_reset()
    damaged = Telegram(SOURCE, HOST, Kind.WRITE, EMISSION, ON).frame(crc_mask=1)
    ((answer, intact),) = TelegramReader().feed(exchange(device, damaged))
    assert intact
    assert answer == Telegram(HOST, SOURCE, Kind.CRC_ERROR, EMISSION)
    assert read(device, SOURCE, EMISSION) == 0


def test_faults_of_the_line(device, clock):
    request = Telegram(SOURCE, HOST, Kind.WRITE, POWER, u16(500))
    device.busy = 1
    assert ask(device, Kind.WRITE, SOURCE, POWER, u16(500)).kind == Kind.BUSY
    device.ignored_requests = 1
    assert exchange(device, request.frame()) == b""
    assert read(device, SOURCE, POWER) == 0
    device.garbled_answers = 1
    ((_, intact),) = TelegramReader().feed(exchange(device, request.frame()))
    assert not intact
    assert read(device, SOURCE, POWER) == 500
    device.answer_delay = 0.2
    assert exchange(device, request.frame()) == b""
    clock.sleep(0.2)
    assert device.transmit() != b""
    device.answer_delay = 0.0
    device.module_missing.add(SOURCE)
    assert exchange(device, request.frame()) == b""
    assert ask(device, Kind.READ, PANEL, 0x61).data == b"\x61"


def test_error_codes_and_faults_show_in_the_status(device):
    device.modules[SOURCE].error_code = 7
    device.modules[SOURCE].fault_bits = 1 << 6
    assert read(device, SOURCE, STATUS) == 1 << 15 | 1 << 6 | 1 << 1
    assert read(device, SOURCE, 0x67) == 7


def test_nothing_is_emitted_before_the_interlock_is_reset(device, light, clock):
    select_line(device, 633)
    write(device, SOURCE, POWER, u16(1000))
    assert read(device, SOURCE, INTERLOCK) == 0x0001
    assert read(device, SOURCE, STATUS) == 1 << 1
    assert write(device, SOURCE, EMISSION, ON) == Kind.NACK
    device.nack_when_interlocked = False
    assert write(device, SOURCE, EMISSION, ON) == Kind.ACK
    clock.sleep(10)
    assert read(device, SOURCE, EMISSION) == 0
    assert not any(light.lines)


@pytest.mark.parametrize(("fault", "cause"), [("interlock_open", 2), ("key_off", 1)])
def test_a_broken_loop_ends_the_emission_for_good(make, light, clock, fault, cause):
    device = make()
    select_line(device, 633)
    switch_on(device)
    clock.sleep(5)
    assert light.at(clock.now()) == [(633.0, 1.0)]
    setattr(device, fault, True)
    assert light.at(clock.now()) == []
    assert read(device, SOURCE, INTERLOCK) == cause << 8
    assert read(device, SOURCE, STATUS) == 1 << 1 | 1 << 3
    assert read(device, SELECT, STATUS) == 1 << 1
    write(device, SOURCE, INTERLOCK, u16(1))
    assert read(device, SOURCE, INTERLOCK) == cause << 8
    setattr(device, fault, False)
    assert read(device, SOURCE, INTERLOCK) == 0x0001
    assert write(device, SOURCE, EMISSION, ON) == Kind.NACK
    device.press_reset()
    assert read(device, SOURCE, STATUS) == 0
    assert light.at(clock.now() + 60) == []
    switch_on(device)
    assert light.at(clock.now() + 60) == [(633.0, 1.0)]


def test_the_host_can_open_the_relays_and_other_causes_can_be_told(device):
    switch_on(device)
    assert write(device, SOURCE, INTERLOCK, u16(0)) == Kind.ACK
    assert read(device, SOURCE, EMISSION) == 0
    assert read(device, SOURCE, INTERLOCK) == 7 << 8
    device.interlock_cause = 255
    device.interlock_open = True
    assert read(device, SOURCE, INTERLOCK) == 255 << 8
    with pytest.raises(LimitError):
        device.interlock_cause = 256


def test_the_emission_ramps_up_and_stops_at_once(make, light, clock):
    device = make(ramp_time=2.0)
    select_line(device, 633)
    switch_on(device, power=800)
    begin = clock.now() - 0.005
    powers = [sum(p for _, p in light.at(begin + step / 10)) for step in range(20)]
    expected = [min(step / 20, 0.8) for step in range(20)]
    assert powers == pytest.approx(expected, abs=0.03)
    assert read(device, SOURCE, EMISSION) == 1
    clock.sleep(1.7)
    assert read(device, SOURCE, EMISSION) == 3
    assert light.at(clock.now()) == [(633.0, 0.8)]
    write(device, SOURCE, EMISSION, OFF)
    assert light.at(clock.now() - 0.005) == []


def test_a_new_level_is_approached_from_where_the_output_is(make, light, clock):
    device = make(ramp_time=2.0)
    select_line(device, 500)
    switch_on(device)
    clock.sleep(3)
    write(device, SOURCE, POWER, u16(500))
    begin = clock.now() - 0.005
    assert light.at(begin + 0.5)[0][1] == pytest.approx(0.75, abs=0.03)
    clock.sleep(2)
    assert light.at(clock.now()) == [(500.0, 0.5)]
    assert read(device, SOURCE, EMISSION) == 3


def test_the_mode_chooses_which_level_counts(make, light, clock):
    device = make()
    select_line(device, 500)
    write(device, SOURCE, CURRENT, u16(600))
    switch_on(device, power=1000)
    write(device, SOURCE, SETUP, CONSTANT_CURRENT)
    assert light.at(clock.now() + 10)[0][1] == pytest.approx((0.6 - 0.2) / 0.8)
    write(device, SOURCE, CURRENT, u16(100))
    assert light.at(clock.now() + 10) == []


def test_the_pulse_picker_ratio_is_short_below_256_and_divides_the_light(make, light, clock):
    device = make()
    select_line(device, 500)
    switch_on(device)
    clock.sleep(5)
    assert ask(device, Kind.READ, SOURCE, RATIO).data == b"\x01"
    assert write(device, SOURCE, RATIO, u16(4)) == Kind.ACK
    assert light.at(clock.now()) == [(500.0, 0.25)]
    assert write(device, SOURCE, POWER, u16(500)) == Kind.ACK
    assert light.at(clock.now() - 0.005)[0][1] == pytest.approx(0.25, abs=0.01)
    assert light.at(clock.now() + 10) == [(500.0, 0.125)]
    assert write(device, SOURCE, RATIO, u16(256)) == Kind.ACK
    assert ask(device, Kind.READ, SOURCE, RATIO).data == u16(256)
    assert write(device, SOURCE, RATIO, b"\x00") == Kind.NACK


def test_the_watchdog_ends_the_emission_that_nobody_refreshes(make, light, clock):
    device = make()
    select_line(device, 633)
    write(device, SOURCE, WATCHDOG, b"\x05")
    switch_on(device)
    for _ in range(4):
        clock.sleep(4)
        assert read(device, SOURCE, STATUS) == 1
    fed = clock.now() - 0.005
    assert light.at(fed + 4.99) == [(633.0, 1.0)]
    assert light.at(fed + 5.0) == []
    clock.sleep(4)
    read(device, RF, STATUS)
    clock.sleep(1.5)
    assert read(device, SOURCE, EMISSION) == 0
    assert read(device, SOURCE, STATUS) == 0
    assert light.at(clock.now() + 60) == []
    switch_on(device)
    assert read(device, SOURCE, STATUS) == 1


def test_without_a_watchdog_it_emits_on(make, light, clock):
    device = make()
    select_line(device, 633)
    switch_on(device)
    clock.sleep(1e5)
    assert read(device, SOURCE, EMISSION) == 3
    assert light.at(clock.now()) == [(633.0, 1.0)]


def test_channels_pass_lines_in_the_range_of_the_crystal_that_is_connected(make, light, clock):
    device = make()
    switch_on(device)
    clock.sleep(5)
    select_line(device, 645, amplitude=500)
    select_line(device, 500, amplitude=250, channel=7)
    assert light.at(clock.now()) == [(645.0, 0.5), (500.0, 0.25)]
    assert read(device, SELECT, 0x10) == 750
    assert (read(device, RF, 0x75), read(device, RF, 0x34)) == (1, 400_000)
    assert write(device, SELECT, 0x34, b"\x01") == Kind.NACK
    write(device, RF, 0x30, b"\x00")
    assert light.at(clock.now()) == []
    assert write(device, SELECT, 0x34, b"\x01") == Kind.ACK
    write(device, RF, 0x30, b"\x01")
    assert light.at(clock.now()) == [(645.0, 0.5)]
    assert read(device, RF, 0x75) == 2
    assert read(device, RF, 0x34) == read(device, SELECT, 0xA0)
    assert read(device, RF, 0x35) == read(device, SELECT, 0xA1)
    assert write(device, RF, 0x91, pm(500)) == Kind.NACK
    assert read(device, RF, STATUS) == 1


def test_a_whole_table_can_be_written_and_its_first_entry_makes_the_light(make, light, clock):
    device = make()
    switch_on(device)
    select_line(device, 500)
    assert write(device, RF, 0x90, pm(600) + pm(610) + pm(620) + pm(630)) == Kind.ACK
    assert write(device, RF, 0x90, pm(605)) == Kind.ACK
    assert ask(device, Kind.READ, RF, 0x90).data == pm(605) + pm(610) + pm(620) + pm(630)
    assert light.at(clock.now() + 10) == [(605.0, 1.0)]


def test_without_its_select_the_rf_driver_has_no_crystal(make, light, clock):
    device = make()
    select_line(device, 500)
    switch_on(device)
    device.module_missing.add(SELECT)
    assert read(device, RF, 0x75) == 0
    assert read(device, RF, STATUS) == 1 | 1 << 14
    assert write(device, RF, 0x90, pm(500)) == Kind.NACK
    assert device.light_at(clock.now() + 10) == []


def test_the_varia_moves_its_edges_and_tells_so(make, light, clock):
    device = make(rf_driver=None, select=None, varia=VARIA)
    switch_on(device)
    clock.sleep(5)
    assert sum(p for _, p in light.at(clock.now())) == pytest.approx(50)
    assert write(device, VARIA, 0x33, u16(6500)) == Kind.ACK
    begin = clock.now() - 0.005
    assert read(device, VARIA, STATUS) == 1 << 13
    assert write(device, VARIA, 0x34, u16(6000)) == Kind.ACK
    assert read(device, VARIA, STATUS) == 1 << 13 | 1 << 14
    middle = light.at(begin + 0.05 + 0.7)
    assert sum(p for _, p in middle) == pytest.approx(50, abs=11)
    assert read(device, VARIA, 0x33) == 6500
    clock.sleep(begin + 0.05 + 1.301 - clock.now())
    assert read(device, VARIA, STATUS) == 1 << 14
    clock.sleep(0.1)
    assert read(device, VARIA, STATUS) == 0
    lines = light.at(clock.now())
    assert (lines[0][0], lines[-1][0]) == pytest.approx((600.5, 649.5))
    assert sum(p for _, p in lines) == pytest.approx(50)


def test_a_varia_edge_turns_round_where_it_is(make, light, clock):
    device = make(rf_driver=None, select=None, varia=VARIA)
    switch_on(device)
    clock.sleep(5)
    write(device, VARIA, 0x33, u16(8000))
    clock.sleep(0.045 + 50 * 0.013)
    write(device, VARIA, 0x33, u16(5500))
    begin = clock.now() - 0.005
    assert light.at(begin)[-1][0] == pytest.approx(600, abs=6)
    assert light.at(begin + 0.05 + 25 * 0.013)[-1][0] == pytest.approx(575, abs=6)
    clock.sleep(0.05 + 50 * 0.013 + 0.005)
    assert light.at(clock.now())[-1][0] == pytest.approx(549.5)
    assert read(device, VARIA, STATUS) == 0


def test_the_varia_keeps_its_edges_in_order_and_dims(make, light, clock):
    device = make(rf_driver=None, select=None, varia=VARIA)
    for register, value in [(0x33, 5000), (0x34, 5500), (0x34, 3999), (0x33, 8401)]:
        assert write(device, VARIA, register, u16(value)) == Kind.NACK
    switch_on(device)
    assert write(device, VARIA, 0x32, u16(200)) == Kind.ACK
    assert read(device, VARIA, STATUS) == 1 << 12
    clock.sleep(5)
    assert sum(p for _, p in light.at(clock.now())) == pytest.approx(10)
    assert read(device, VARIA, 0x13) == 1000


def test_without_a_filter_the_whole_spectrum_leaves(make, light, clock):
    device = make(rf_driver=None, select=None)
    switch_on(device, power=500)
    lines = light.at(clock.now() + 10)
    assert (lines[0][0], lines[-1][0]) == (405.0, 2395.0)
    assert sum(p for _, p in lines) == pytest.approx(1000)


def test_the_fianium_has_registers_of_its_own(make):
    device = make(model="FIANIUM")
    for register in (CURRENT, 0x39, 0x6B, 0x6C):
        assert ask(device, Kind.READ, SOURCE, register).kind == Kind.NACK
    assert ask(device, Kind.READ, SOURCE, SETUP).data == b"\x00"
    assert write(device, SOURCE, SETUP, b"\x04") == Kind.ACK
    assert write(device, SOURCE, SETUP, b"\x01") == Kind.NACK
    assert write(device, SOURCE, 0x8D, b"bench 3") == Kind.ACK
    assert ask(device, Kind.READ, SOURCE, 0x8D).data == b"bench 3"
    switch_on(device)
    assert read(device, SOURCE, STATUS) == 1


@pytest.mark.parametrize(
    "settings",
    [
        {"model": "COMPACT"},
        {"rf_driver": 18},
        {"varia": 15},
        {"select": 32},
        {"ramp_time": 0.0},
        {"serial": "é"},
    ],
)
def test_impossible_benches_are_refused(make, settings):
    with pytest.raises(LimitError):
        make(**settings)


REQUEST = st.builds(
    lambda *fields: Telegram(*fields).frame(),
    st.sampled_from([SOURCE, PANEL, RF, VARIA, SELECT, 40]),
    st.integers(0, 255),
    st.integers(0, 12),
    st.sampled_from([*range(0x30, 0x3E), 0x75, 0x66, 0x90, 0xB0]) | st.integers(0, 255),
    st.binary(max_size=8),
)


@settings(max_examples=60, deadline=None)
@given(st.lists(REQUEST | st.binary(max_size=20), max_size=12))
def test_any_bytes_do_no_harm(pieces):
    light = Light()
    device = SuperK(VirtualClock(), light_changed=light, varia=VARIA)
    device.press_reset()
    for piece in pieces:
        assert all(intact for _, intact in TelegramReader().feed(exchange(device, piece)))
        device.clock.sleep(0.3)
        assert all(power > 0 for lines in light.lines for _, power in lines)
    assert ask(device, Kind.READ, SOURCE, 0x61).data == b"\x60"
