"""Several drivers on one Interbus: whose answer it is, how long, and whom a silence harms."""

from __future__ import annotations

import logging
from contextlib import suppress
from typing import Any

import pytest

from drivers._interbus import HOSTS, Kind, Telegram, pack, unpack
from drivers._interbus_bus import HOST_ADDRESSES, LATEST_ANSWER_S
from drivers._interbus_registers import Register
from drivers.superk import SuperK
from drivers.superk_select import SuperKSelect
from labcool.clock import VirtualClock
from labcool.errors import GarbledAnswer, InstrumentTimeout, LimitError
from simulators import superk as superk_device
from simulators.memory import MemoryLink

STATUS = 0x66


class Bench:
    """A source and a SELECT on one wire, and all telegrams that were sent to them."""

    def __init__(self) -> None:
        self.clock = VirtualClock()
        self.device = superk_device.SuperK(self.clock, light_changed=lambda lines, moment: None)
        self.device.press_reset()
        self.heard: list[Telegram] = []
        receive = self.device.receive

        def listening(data: bytes) -> None:
            if data:
                self.heard.append(unpack(data))
            receive(data)

        self.device.receive = listening  # type: ignore[method-assign]
        link: Any = MemoryLink(self.device, self.clock)
        self.white = SuperK(link, "white", clock=self.clock, watchdog=8)
        self.select = SuperKSelect(
            link, "select", clock=self.clock, rf_address=16, select_address=18
        )
        self.heard.clear()

    def heard_by(self, module: int) -> list[Telegram]:
        return [telegram for telegram in self.heard if telegram.destination == module]


@pytest.fixture
def bench() -> Bench:
    return Bench()


def test_host_addresses_are_those_of_hosts_and_need_no_escape() -> None:
    assert set(HOST_ADDRESSES) < set(HOSTS)
    assert not {0x0A, 0x0D, 0x5E} & set(HOST_ADDRESSES)


def test_an_address_whose_answer_never_came_rests_until_none_can_come(bench: Bench) -> None:
    bench.device.ignored_requests = 1
    given_up_at = bench.clock.now()
    _ = bench.white.interlock
    missed = bench.heard[0].source
    bench.heard.clear()
    while bench.clock.now() < given_up_at + LATEST_ANSWER_S:
        _ = bench.select.emission, bench.white.interlock
    resting = {telegram.source for telegram in bench.heard[:-4]}
    assert len(bench.heard) > 10 * len(HOST_ADDRESSES)
    assert resting == set(HOST_ADDRESSES) - {missed}
    bench.clock.sleep(1.0)
    bench.heard.clear()
    for _ in range(len(HOST_ADDRESSES)):
        _ = bench.white.interlock
    assert missed in {telegram.source for telegram in bench.heard}


def test_answers_go_on_if_every_address_rests(bench: Bench) -> None:
    bench.device.garbled_answers = len(HOST_ADDRESSES) + 40
    for _ in range(30):
        with suppress(GarbledAnswer):
            _ = bench.white.interlock
    assert bench.device.garbled_answers == 0
    assert bench.white.interlock == "ok"


@pytest.mark.parametrize("wait", [0.0, 0.3, 3.0, 9.0])
def test_an_answer_that_comes_seconds_late_is_nobody_s(bench: Bench, wait: float) -> None:
    """The late answer says 'ok', the true one 'open': whoever mistook it would start emission."""
    bench.device.ignored_requests = 1
    _ = bench.white.interlock
    late = bench.heard[0]
    bench.clock.sleep(wait)
    bench.device.interlock_open = True
    answer = pack(Telegram(late.source, late.destination, Kind.DATAGRAM, late.register, b"\2\0"))
    for _ in range(2 * len(HOST_ADDRESSES)):
        bench.device._send(answer)
        assert bench.white.interlock == "open (door)"


def test_the_source_is_asked_while_only_its_filter_is_in_use(bench: Bench) -> None:
    bench.white.start_emission()
    bench.heard.clear()
    for _ in range(8):
        bench.clock.sleep(1.0)
        _ = bench.select.status
    fed = bench.heard_by(15)
    assert 2 <= len(fed) <= 5
    assert {(telegram.kind, telegram.register) for telegram in fed} == {(Kind.READ, STATUS)}
    bench.white.stop_emission()
    bench.heard.clear()
    for _ in range(8):
        bench.clock.sleep(1.0)
        _ = bench.select.status
    assert bench.heard_by(15) == []


def test_a_source_that_does_not_hear_costs_its_filter_no_answer(
    bench: Bench, caplog: pytest.LogCaptureFixture
) -> None:
    bench.white.start_emission()
    bench.device.module_missing.add(15)
    bench.clock.sleep(4.0)
    begin = bench.clock.now()
    with caplog.at_level(logging.WARNING):
        assert bench.select.emission is False
    assert bench.clock.now() - begin < 1.0
    assert [m for m in caplog.messages if m.startswith("white: its watchdog may not have been fed")]
    with pytest.raises(InstrumentTimeout, match=r"^white: "):
        bench.white.keep_alive()


def test_an_ended_driver_is_not_fed_any_more(bench: Bench) -> None:
    bench.white.start_emission()
    bench.white.shutdown()
    bench.heard.clear()
    bench.clock.sleep(30.0)
    _ = bench.select.emission
    assert bench.heard_by(15) == []


@pytest.mark.parametrize("value", [2.5, True, float("nan"), -1, 256])
def test_a_register_that_counts_takes_whole_numbers_only(value: float) -> None:
    counter = Register(0x10, "count", 1, lowest=0, highest=255)
    with pytest.raises(LimitError, match="count"):
        counter.encoded(value)
    assert counter.encoded(2.0) == b"\2"
