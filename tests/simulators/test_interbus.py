"""Interbus telegrams: published bytes, stuffing, and streams of anything."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from simulators._interbus import LONGEST_DATA, Kind, Telegram, TelegramReader

BYTE = st.integers(0, 255)
TELEGRAM = st.builds(
    Telegram, BYTE, BYTE, st.sampled_from(Kind), BYTE, st.binary(max_size=LONGEST_DATA)
)

WORKED = [
    (Telegram(0xA2, 0x0A, Kind.ACK, 0x23), "0D A2 5E 4A 03 23 81 8D 0A"),
    (Telegram(0x0A, 0xA2, Kind.WRITE, 0x23, b"\x88\x13"), "0D 5E 4A A2 05 23 88 13 3B 55 0A"),
    (Telegram(15, 0xA2, Kind.READ, 0x30), "0D 0F A2 04 30 FD 85 0A"),
    (Telegram(0xA2, 15, Kind.DATAGRAM, 0x30, b"\x00"), "0D A2 0F 08 30 00 16 3D 0A"),
    (Telegram(15, 0xA2, Kind.WRITE, 0x37, b"\x0a\x00"), "0D 0F A2 05 37 5E 4A 00 B8 5F 0A"),
    (Telegram(0xA2, 15, Kind.NACK, 0x99), "0D A2 0F 00 99 39 BF 0A"),
    (Telegram(17, 0xA2, Kind.WRITE, 0x33, b"\x64\x19"), "0D 11 A2 05 33 64 19 55 85 0A"),
]


@pytest.mark.parametrize(("telegram", "wire"), WORKED)
def test_published_telegrams(telegram, wire):
    assert telegram.frame() == bytes.fromhex(wire)
    assert list(TelegramReader().feed(bytes.fromhex(wire))) == [(telegram, True)]


def test_no_bare_special_byte_inside_a_frame_and_the_crc_is_stuffed_too():
    frames = [Telegram(1, 0xA2, Kind.WRITE, 0x30, bytes([n])).frame() for n in range(256)]
    assert all(b"\x0d" not in frame[1:] and b"\x0a" not in frame[:-1] for frame in frames)
    stuffed_crc = [frame for n, frame in enumerate(frames) if 0x5E in frame[6:-1] and n != 0x5E]
    assert stuffed_crc
    reader = TelegramReader()
    assert [t.data[0] for f in frames for t, intact in reader.feed(f) if intact] == list(range(256))


@given(TELEGRAM, st.binary(max_size=30).filter(lambda noise: b"\x0d" not in noise))
def test_a_telegram_is_found_behind_noise_and_byte_by_byte(telegram, noise):
    reader = TelegramReader()
    found = [hit for byte in noise + telegram.frame() for hit in reader.feed(bytes([byte]))]
    assert found == [(telegram, True)]


@given(TELEGRAM, st.integers(1, 0xFFFF))
def test_a_wrong_crc_is_told(telegram, mask):
    assert list(TelegramReader().feed(telegram.frame(crc_mask=mask))) == [(telegram, False)]


def test_a_new_start_drops_what_was_begun_and_too_long_frames_are_dropped():
    wire = Telegram(15, 0xA2, Kind.READ, 0x30).frame()
    reader = TelegramReader()
    assert [t.register for t, _ in reader.feed(wire[:5] + wire)] == [0x30]
    too_long = Telegram(15, 0xA2, Kind.WRITE, 0x30, b"\x55" * (LONGEST_DATA + 1)).frame()
    endless = b"\x0d" + b"\x5e\x4a" * 500
    assert list(reader.feed(too_long + endless + b"\x0a")) == []
    assert list(reader.feed(b"\x0d\x0f\xa2\x04\x0a")) == []
    assert len(list(reader.feed(wire))) == 1


@given(st.lists(st.sampled_from([b"\x0d", b"\x0a", b"\x5e", b"\x0f\xa2\x04\x30"]) | st.binary()))
def test_any_stream_gives_telegrams_of_legal_size_only(pieces):
    for telegram, _ in TelegramReader().feed(b"".join(pieces)):
        assert len(telegram.data) <= LONGEST_DATA
