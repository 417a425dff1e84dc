from __future__ import annotations

import binascii
import gc
import logging
import threading
from collections.abc import Callable
from contextlib import suppress

import pytest
from foreign_qmi import interbus as qmi
from hypothesis import given, settings
from hypothesis import strategies as st

from drivers._interbus import Kind, Telegram, pack, unpack
from drivers._interbus_bus import EXCHANGE_TIMEOUT_S, HOST_ADDRESSES, Bus, Wire
from drivers._interbus_registers import Register, bits
from labcool.clock import VirtualClock
from labcool.errors import GarbledAnswer, InstrumentTimeout, LabcoolError, LimitError

HOST = 0xA2
SOURCE = 0x0F
WORKED = {
    "0D A2 5E 4A 03 23 81 8D 0A": Telegram(HOST, 10, Kind.ACK, 0x23),
    "0D 5E 4A A2 05 23 88 13 3B 55 0A": Telegram(10, HOST, Kind.WRITE, 0x23, b"\x88\x13"),
    "0D 0F A2 04 30 FD 85 0A": Telegram(SOURCE, HOST, Kind.READ, 0x30),
    "0D A2 0F 08 30 00 16 3D 0A": Telegram(HOST, SOURCE, Kind.DATAGRAM, 0x30, b"\0"),
    "0D 0F A2 05 30 03 BC E1 0A": Telegram(SOURCE, HOST, Kind.WRITE, 0x30, b"\3"),
    "0D A2 0F 03 30 48 2F 0A": Telegram(HOST, SOURCE, Kind.ACK, 0x30),
    "0D 0F A2 05 30 00 8C 82 0A": Telegram(SOURCE, HOST, Kind.WRITE, 0x30, b"\0"),
    "0D A2 0F 08 32 02 00 47 F5 0A": Telegram(HOST, SOURCE, Kind.DATAGRAM, 0x32, b"\2\0"),
    "0D 0F A2 05 37 20 03 61 11 0A": Telegram(SOURCE, HOST, Kind.WRITE, 0x37, b"\x20\x03"),
    "0D 0F A2 05 37 5E 4A 00 B8 5F 0A": Telegram(SOURCE, HOST, Kind.WRITE, 0x37, b"\x0a\0"),
    "0D 10 A2 05 90 A8 A8 09 00 3C C3 0A": Telegram(
        16, HOST, Kind.WRITE, 0x90, (633000).to_bytes(4, "little")
    ),
    "0D 0F A2 04 61 B7 51 0A": Telegram(SOURCE, HOST, Kind.READ, 0x61),
    "0D A2 0F 08 61 60 47 15 0A": Telegram(HOST, SOURCE, Kind.DATAGRAM, 0x61, b"\x60"),
    "0D A2 0F 00 99 39 BF 0A": Telegram(HOST, SOURCE, Kind.NACK, 0x99),
}
TELEGRAMS = st.builds(
    Telegram,
    st.integers(1, 160),
    st.integers(161, 255),
    st.sampled_from(Kind),
    st.integers(0, 255),
    st.binary(max_size=240) | st.lists(st.sampled_from([0x0A, 0x0D, 0x5E, 0x9E, 0x4A])).map(bytes),
)


class Port:
    """What a bus writes to; ``plays`` gives, for each request, what comes back after some time."""

    def __init__(self) -> None:
        self.clock = VirtualClock()
        self.requests: list[Telegram] = []
        self.plays: list[Callable[[Telegram], bytes] | bytes] = []
        self.arrived = bytearray()
        self.bus = Bus("a port")
        self.wire = Wire("NKT", self.clock, self.write, self.read_byte)

    def write(self, frame: bytes) -> None:
        request = unpack(frame)
        self.requests.append(request)
        play = self.plays.pop(0) if self.plays else acknowledged
        self.arrived += play if isinstance(play, bytes) else play(request)

    def read_byte(self) -> bytes:
        if not self.arrived:
            self.clock.sleep(0.25)
            raise InstrumentTimeout("NKT", "no byte.")
        self.clock.sleep(1e-4)
        return bytes((self.arrived.pop(0),))

    def read(self) -> Telegram:
        return self.bus.exchange(self.wire, SOURCE, Kind.READ, 0x37)

    def set(self, attempts: int = 4) -> Telegram:
        return self.bus.exchange(self.wire, SOURCE, Kind.WRITE, 0x37, b"\1\0", attempts=attempts)


def answer(request: Telegram, kind: Kind, data: bytes = b"") -> bytes:
    return pack(Telegram(request.source, request.destination, kind, request.register, data))


def acknowledged(request: Telegram) -> bytes:
    if request.kind == Kind.READ:
        return answer(request, Kind.DATAGRAM, b"\x20\x03")
    return answer(request, Kind.ACK)


def kind_of_answer(kind: Kind) -> Callable[[Telegram], bytes]:
    return lambda request: answer(request, kind)


@pytest.fixture
def port() -> Port:
    return Port()


@pytest.mark.parametrize("worked", WORKED)
def test_the_worked_telegrams_are_packed_and_unpacked(worked: str) -> None:
    assert pack(WORKED[worked]) == bytes.fromhex(worked)
    assert unpack(bytes.fromhex(worked)) == WORKED[worked]


@given(TELEGRAMS)
def test_unpacking_undoes_packing_and_no_marker_is_inside(telegram: Telegram) -> None:
    frame = pack(telegram)
    assert unpack(frame) == telegram
    assert frame.count(0x0D) == frame.count(0x0A) == 1
    assert all(frame[n + 1] in (0x4A, 0x4D, 0x9E) for n, b in enumerate(frame) if b == 0x5E)


@given(TELEGRAMS)
def test_another_drivers_codec_agrees(telegram: Telegram) -> None:
    theirs = qmi.InterbusMessage(
        telegram.destination,
        telegram.source,
        qmi.MessageType(telegram.kind),
        telegram.register,
        telegram.data,
    )
    assert qmi._encode_interbus_message(theirs) == pack(telegram)
    assert qmi._decode_interbus_message(pack(telegram)) == theirs


@given(TELEGRAMS, st.data())
def test_a_flipped_bit_is_always_noticed(telegram: Telegram, data: st.DataObject) -> None:
    content = bytearray((telegram.destination, telegram.source, telegram.kind, telegram.register))
    content += telegram.data
    content += binascii.crc_hqx(bytes(content), 0).to_bytes(2, "big")
    place = data.draw(st.integers(0, 8 * len(content) - 1))
    content[place // 8] ^= 1 << place % 8
    stuffed = b"".join(
        bytes((0x5E, byte + 0x40)) if byte in (0x0A, 0x0D, 0x5E) else bytes((byte,))
        for byte in content
    )
    with pytest.raises(ValueError, match="wrong CRC"):
        unpack(b"\r" + stuffed + b"\n")


@pytest.mark.parametrize(
    "frame",
    [
        "",
        "0D",
        "0D 0A",
        "0F A2 04 30 FD 85 0A",
        "0D 0F A2 04 30 FD 85",
        "0D 0F A2 04 30 5E 0A",
        "0D 0F A2 04 5E 70 FD 85 0A",
        "0D 0F A2 0D 30 FD 85 0A",
        "0D 00 00 00 0A",
    ],
)
def test_what_is_no_telegram_is_a_value_error(frame: str) -> None:
    with pytest.raises(ValueError, match=r"start|escape|inside|bytes"):
        unpack(bytes.fromhex(frame))


@given(st.binary(max_size=60))
def test_arbitrary_bytes_never_do_worse_than_a_value_error(frame: bytes) -> None:
    with pytest.raises(ValueError, match=r".+"):
        unpack(b"\r" + frame + b"!\n")


def test_too_much_data_is_refused() -> None:
    with pytest.raises(ValueError, match="241 bytes"):
        pack(Telegram(1, HOST, Kind.WRITE, 0, bytes(241)))


def test_each_request_has_another_host_address(port: Port) -> None:
    for _ in range(len(HOST_ADDRESSES) + 1):
        assert port.read().data == b"\x20\x03"
    hosts = [request.source for request in port.requests]
    assert len(set(hosts)) == len(HOST_ADDRESSES)
    assert all(161 <= host <= 255 for host in hosts)
    assert hosts[0] == hosts[-1]


def test_a_late_answer_is_not_taken_for_the_answer_to_the_repetition(
    port: Port, caplog: pytest.LogCaptureFixture
) -> None:
    late: list[bytes] = []

    def too_late(request: Telegram) -> bytes:
        late.append(answer(request, Kind.DATAGRAM, b"\xff\xff"))
        return b""

    port.plays = [too_late, lambda request: late[0] + acknowledged(request)]
    with caplog.at_level(logging.INFO):
        assert port.read().data == b"\x20\x03"
    assert [record.levelname for record in caplog.records] == ["WARNING", "WARNING"]
    assert "Repeating the request" in caplog.messages[0]
    assert "passed over DATAGRAM 0x37 [ff ff] from 15" in caplog.messages[1]


def test_a_late_answer_is_not_taken_for_that_of_the_next_exchange(port: Port) -> None:
    late: list[bytes] = []

    def too_late(request: Telegram) -> bytes:
        late.append(answer(request, Kind.DATAGRAM, b"\xff\xff"))
        return b""

    port.plays = [too_late] * 4
    with pytest.raises(InstrumentTimeout):
        port.read()
    port.arrived += b"".join(late)
    assert port.read().data == b"\x20\x03"


def test_answers_of_other_modules_and_echoes_are_passed_over(port: Port) -> None:
    port.plays = [
        lambda request: (
            pack(request)
            + pack(Telegram(request.source, 16, Kind.DATAGRAM, 0x37, b"\0\0"))
            + b"\0\xffnoise"
            + acknowledged(request)
        )
    ]
    assert port.read().data == b"\x20\x03"
    assert len(port.requests) == 1


@pytest.mark.parametrize(
    "spoilt",
    [
        b"",
        b"\r\x0f\xa1",
        b"\r\n",
        b"\rgarbage\n",
        b"\r" + bytes(600),
        kind_of_answer(Kind.CRC_ERROR),
        kind_of_answer(Kind.ACK),
        kind_of_answer(Kind.READ),
        lambda request: answer(request._replace(register=0x38), Kind.DATAGRAM, b"\1\0"),
    ],
)
def test_a_spoilt_answer_is_asked_for_again_then_an_error(
    port: Port, spoilt: bytes, caplog: pytest.LogCaptureFixture
) -> None:
    port.plays = [spoilt] * 3
    assert port.read().data == b"\x20\x03"
    assert len(port.requests) == 4
    assert len(caplog.messages) == 3
    port.plays = [spoilt] * 4
    with pytest.raises((GarbledAnswer, InstrumentTimeout), match=r"^NKT: "):
        port.read()
    assert len(port.requests) == 8


def test_what_must_not_be_repeated_is_sent_once(port: Port) -> None:
    port.plays = [b""]
    with pytest.raises(InstrumentTimeout):
        port.set(attempts=1)
    assert len(port.requests) == 1


def test_no_is_an_answer(port: Port) -> None:
    port.plays = [kind_of_answer(Kind.NACK)]
    assert port.set().kind == Kind.NACK
    assert len(port.requests) == 1


def test_a_busy_module_is_asked_again_for_a_second(port: Port) -> None:
    port.plays = [kind_of_answer(Kind.BUSY)] * 10
    assert port.set().kind == Kind.ACK
    assert len(port.requests) == 11
    port.plays = [kind_of_answer(Kind.BUSY)] * 1000
    begun = port.clock.now()
    with pytest.raises(InstrumentTimeout, match="module 15 stays busy"):
        port.set()
    assert 1.0 <= port.clock.now() - begun < 1.1


@given(st.lists(st.binary(max_size=80), max_size=5))
@settings(deadline=None)
def test_whatever_comes_an_exchange_ends_in_time_with_the_right_value_or_an_error(
    garbage: list[bytes],
) -> None:
    port = Port()
    port.plays = list(garbage)
    with suppress(LabcoolError):
        assert port.read().data == b"\x20\x03"
    assert port.clock.now() <= EXCHANGE_TIMEOUT_S


def test_an_endless_stream_of_other_telegrams_ends_in_time(port: Port) -> None:
    other = pack(Telegram(HOST, 16, Kind.DATAGRAM, 0x37, b"\0\0")) * 4000
    port.plays = [other] * 4
    with pytest.raises(InstrumentTimeout):
        port.read()
    assert port.clock.now() <= EXCHANGE_TIMEOUT_S


def test_one_exchange_at_a_time_on_a_bus() -> None:
    class Threads(Port):
        def __init__(self) -> None:
            super().__init__()
            self.open_requests = 0
            self.most_open = 0

        def write(self, frame: bytes) -> None:
            self.open_requests += 1
            self.most_open = max(self.most_open, self.open_requests)
            super().write(frame)

        def read_byte(self) -> bytes:
            byte = super().read_byte()
            self.open_requests -= byte == b"\n"
            return byte

    port = Threads()
    users = [threading.Thread(target=lambda: [port.read() for _ in range(50)]) for _ in range(4)]
    for user in users:
        user.start()
    for user in users:
        user.join()
    assert len(port.requests) == 200
    assert port.most_open == 1


def test_one_bus_for_each_resource() -> None:
    first = Bus.of("ASRL1::INSTR")
    assert Bus.of("ASRL1::INSTR") is first
    assert Bus.of("ASRL2::INSTR") is not first
    del first
    gc.collect()
    from drivers._interbus_bus import _BUSES

    assert "ASRL1::INSTR" not in _BUSES


LEVEL = Register(0x37, "level (%)", 2, 0.1, 0.0, 100.0)
TEMPERATURE = Register(0x11, "temperature (°C)", 2, 0.1, signed=True)


def test_registers_are_little_endian_and_scaled() -> None:
    assert LEVEL.encoded(80.0) == b"\x20\x03"
    assert LEVEL.decoded(b"\x20\x03") == 80.0
    assert TEMPERATURE.decoded(b"\xfb\xff") == -0.5
    assert Register(1, "x", 4, 0.001).encoded(633.0) == bytes.fromhex("A8A80900")


@pytest.mark.parametrize("value", [-0.1, 100.1, float("nan"), float("inf")])
def test_registers_refuse_what_is_out_of_range(value: float) -> None:
    with pytest.raises(LimitError, match="from 0 to 100"):
        LEVEL.encoded(value)


def test_registers_refuse_readings_of_another_length() -> None:
    assert Register(0x34, "ratio", 2, answers=(1, 2)).decoded(b"\x07") == 7
    assert Register(0x90, "x", 2, answers=(2, 4)).decoded(b"\1\0\7\7") == 1
    for data in (b"", b"\1", b"\1\2\3"):
        with pytest.raises(ValueError, match="level"):
            LEVEL.decoded(data)


def test_bits_are_named_or_numbered() -> None:
    assert bits(0b1011, {0: "on", 3: "open"}) == ("on", "bit 1", "open")
