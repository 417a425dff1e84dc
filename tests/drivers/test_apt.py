from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from thorlabs_apt_device.protocol import functions

from drivers import _apt as apt
from drivers._apt import DATA_LENGTHS, Framer, Message, pack, unpack

WORKED = {
    "05 00 00 00 50 01": Message(apt.HW_REQ_INFO),
    "cb 04 01 01 50 01": Message(apt.SOL_SET_STATE, 1, 1),
    "cb 04 01 02 50 01": Message(apt.SOL_SET_STATE, 1, 2),
    "cc 04 01 00 50 01": Message(apt.SOL_REQ_STATE, 1),
    "c0 04 01 01 50 01": Message(apt.SOL_SET_OPERATINGMODE, 1, 1),
    "29 04 01 00 50 01": Message(apt.MOT_REQ_STATUSBITS, 1),
    "43 04 01 00 50 01": Message(apt.MOT_MOVE_HOME, 1),
    "65 04 01 02 50 01": Message(apt.MOT_MOVE_STOP, 1, 2),
    "53 04 06 00 d0 01 01 00 00 c0 5d 00": Message(
        apt.MOT_MOVE_ABSOLUTE, data=bytes.fromhex("010000c05d00")
    ),
    "cd 04 01 01 01 50": Message(
        apt.SOL_GET_STATE, 1, 1, destination=apt.HOST, source=apt.CONTROLLER
    ),
    "2a 04 06 00 81 50 01 00 01 20 00 00": Message(
        apt.MOT_GET_STATUSBITS,
        data=bytes.fromhex("010001200000"),
        destination=apt.HOST,
        source=apt.CONTROLLER,
    ),
}
ANSWER = bytes.fromhex("cd0401010150")
STATUS = bytes.fromhex("2a0406008150010001200000")
COMPLETED = bytes.fromhex("64040e008150") + bytes(range(14))


@pytest.mark.parametrize("worked", WORKED)
def test_the_worked_bytes_are_packed_and_unpacked(worked: str) -> None:
    frame = bytes.fromhex(worked)
    assert pack(WORKED[worked]) == frame
    assert unpack(frame) == WORKED[worked]


@given(
    st.integers(0, 0xFFFF),
    st.integers(0, 0x7F),
    st.integers(0, 0xFF),
    st.one_of(
        st.tuples(st.integers(0, 0xFF), st.integers(0, 0xFF), st.just(b"")),
        st.tuples(st.just(0), st.just(0), st.binary(min_size=1, max_size=600)),
    ),
)
def test_unpacking_undoes_packing(
    identifier: int, destination: int, source: int, body: tuple[int, int, bytes]
) -> None:
    message = Message(identifier, *body, destination, source)
    assert unpack(pack(message)) == message


@pytest.mark.parametrize(
    "message",
    [
        Message(0x10000),
        Message(1, 256),
        Message(1, 0, -1),
        Message(1, 1, 0, b"x"),
        Message(1, 0, 0, b"", 0xD0),
        Message(1, 0, 0, bytes(65536)),
    ],
)
def test_what_fits_no_header_is_refused(message: Message) -> None:
    with pytest.raises(ValueError, match=r"header|parameters|bit 7"):
        pack(message)


@pytest.mark.parametrize("frame", [b"", ANSWER[:5], ANSWER + b"\0", STATUS[:-1], STATUS + b"\0"])
def test_a_frame_of_another_length_is_refused(frame: bytes) -> None:
    with pytest.raises(ValueError, match=r"APT header|bytes of data"):
        unpack(frame)


def test_a_stream_is_cut_into_its_messages() -> None:
    framer = Framer()
    messages = framer.feed(ANSWER + COMPLETED + STATUS)
    assert [m.id for m in messages] == [0x04CD, 0x0464, 0x042A]
    assert messages[1].data == bytes(range(14))
    assert framer.skipped == 0


def test_wanting_leads_to_exactly_one_message_at_a_time() -> None:
    stream = ANSWER + COMPLETED + STATUS
    framer, ids = Framer(), []
    while stream:
        taken, stream = stream[: framer.wanting], stream[framer.wanting :]
        messages = framer.feed(taken)
        assert len(messages) <= 1
        ids += [m.id for m in messages]
    assert ids == [0x04CD, 0x0464, 0x042A]


@pytest.mark.parametrize(
    "stray",
    [
        b"\xff",
        b"\x50",
        bytes(5),
        b"\xcd\x04\x01\x01\x01",
        bytes.fromhex("64041200815001"),
        bytes.fromhex("2a0406000150"),
        bytes.fromhex("cd0401015001"),
        bytes.fromhex("ffff0101 0150"),
    ],
    ids=lambda stray: stray.hex(),
)
def test_bytes_that_begin_no_message_are_passed_over(stray: bytes) -> None:
    framer = Framer()
    messages = framer.feed(stray + STATUS)
    assert [m.data for m in messages] == [STATUS[6:]]
    assert framer.skipped == len(stray)


def test_a_move_completed_with_18_bytes_of_data_is_no_message() -> None:
    framer = Framer()
    wrong = bytes.fromhex("640412008150") + bytes(18)
    assert [m.id for m in framer.feed(wrong + ANSWER)] == [0x04CD]
    assert framer.skipped == len(wrong)


def test_a_message_that_has_begun_can_be_forgotten() -> None:
    framer = Framer()
    assert framer.feed(STATUS[:9]) == []
    assert framer.wanting == 3
    framer.clear()
    assert framer.wanting == 6
    assert len(framer.feed(ANSWER)) == 1


@given(st.lists(st.binary(max_size=40), max_size=20))
def test_any_bytes_give_only_messages_that_controllers_send(chunks: list[bytes]) -> None:
    framer = Framer()
    messages = [m for chunk in chunks for m in framer.feed(chunk)]
    assert all(len(m.data) == DATA_LENGTHS[m.id] for m in messages)
    assert framer.wanting > 0


@given(st.binary(max_size=60), st.sampled_from([ANSWER, STATUS, COMPLETED]))
def test_a_message_is_found_again_after_any_bytes(noise: bytes, frame: bytes) -> None:
    framer = Framer()
    framer.feed(noise)
    found = framer.feed(frame * 20)
    assert unpack(frame) in found


def test_an_independent_encoder_makes_the_same_bytes() -> None:
    to = {"dest": apt.CONTROLLER, "source": apt.HOST}
    assert functions.hw_req_info(**to) == pack(Message(apt.HW_REQ_INFO))
    for code, state in ((1, True), (2, False)):
        theirs = functions.mot_set_sol_state(**to, chan_ident=1, state=state)
        assert theirs == pack(Message(apt.SOL_SET_STATE, 1, code))
    theirs = functions.mot_req_sol_state(**to, chan_ident=1)
    assert theirs == pack(Message(apt.SOL_REQ_STATE, 1))
    theirs = functions.mot_move_stop(**to, chan_ident=1, stop_mode=2)
    assert theirs == pack(Message(apt.MOT_MOVE_STOP, 1, 2))
