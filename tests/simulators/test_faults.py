"""Faults between a simulated device and its host: which answers they hit, and what is left."""

from __future__ import annotations

import math
from typing import Any

import numpy as np
import pytest
from pyvisa.constants import StatusCode
from pyvisa.errors import VisaIOError

from labcool.clock import VirtualClock
from labcool.errors import ConfigurationError, LimitError
from simulators.device import LineDevice, Switch
from simulators.faults import ANSWER_FAULTS, KINDS, Fault, FaultyDevice
from simulators.memory import MemoryLink


class Counter(LineDevice):
    """Answers each line by its number, 10 ms later."""

    def __init__(self, clock: VirtualClock) -> None:
        super().__init__(clock)
        self.number = 0
        self.jammed = False
        self.restarts = 0

    def conditions(self) -> dict[str, Switch]:
        return self._by_attribute(stuck="jammed")

    def _begin_anew(self) -> None:
        self.number = 0
        self.restarts += 1

    def _handle(self, line: bytes) -> None:
        self.number += 1
        self._send(f"answer {self.number}\r".encode(), 0.01)


class Bench:
    def __init__(self, seed: int = 0) -> None:
        self.clock = VirtualClock()
        self.device = Counter(self.clock)
        self.faulty = FaultyDevice(self.device, np.random.default_rng(seed))

    def ask(self, patience: float = 0.02) -> bytes:
        self.faulty.receive(b"?\r")
        self.clock.sleep(patience)
        return self.faulty.transmit()

    def inject(self, kind: str, **parameters: Any) -> Any:
        return self.faulty.inject(Fault(kind, **parameters))


@pytest.fixture
def bench() -> Bench:
    return Bench()


class TestWithoutAFault:
    def test_everything_passes_as_it_is(self, bench: Bench) -> None:
        bench.faulty.receive(b"?\r")
        assert bench.faulty.next_transmission() == bench.device.next_transmission() == 0.01
        assert bench.faulty.next_departure() == 0.01
        assert bench.faulty.transmit() == b""
        bench.clock.sleep(0.01)
        assert bench.faulty.transmit() == b"answer 1\r"
        assert bench.faulty.next_transmission() is None

    def test_silence_is_that_of_the_device(self, bench: Bench) -> None:
        bench.faulty.silent = True
        assert bench.device.silent
        assert bench.ask() == b""


class TestAnswers:
    def test_late(self, bench: Bench) -> None:
        bench.inject("late", delay_s=0.5)
        assert bench.ask() == b""
        bench.clock.sleep(0.48)
        assert bench.faulty.next_transmission() == pytest.approx(0.51)
        assert bench.faulty.transmit() == b""
        bench.clock.sleep(0.02)
        assert bench.faulty.transmit() == b"answer 1\r"

    def test_nothing_overtakes_a_late_answer(self, bench: Bench) -> None:
        bench.inject("late", delay_s=0.5)
        assert bench.ask() + bench.ask() == b""
        bench.clock.sleep(0.5)
        assert bench.faulty.transmit() == b"answer 1\ranswer 2\r"
        assert bench.ask() == b"answer 3\r"

    def test_a_late_answer_that_is_due_after_another_does_not_overtake_it(
        self, bench: Bench
    ) -> None:
        bench.faulty.receive(b"?\r")
        bench.inject("duplicated")
        bench.faulty.receive(b"?\r")
        bench.clock.sleep(0.01)
        assert bench.faulty.transmit() == b"answer 1\ranswer 2\ranswer 2\r"

    def test_dropped(self, bench: Bench) -> None:
        bench.inject("dropped")
        assert bench.ask(1.0) == b""
        assert bench.ask() == b"answer 2\r"

    def test_duplicated(self, bench: Bench) -> None:
        bench.inject("duplicated")
        assert bench.ask() == b"answer 1\ranswer 1\r"
        assert bench.ask() == b"answer 2\r"

    def test_shifted_by_the_answer_before(self, bench: Bench) -> None:
        bench.inject("shifted", after=1)
        assert bench.ask() == b"answer 1\r"
        assert bench.ask() == b"answer 1\ranswer 2\r"
        assert bench.ask() == b"answer 3\r"

    def test_truncated_somewhere(self) -> None:
        left = set()
        for seed in range(40):
            bench = Bench(seed)
            bench.inject("truncated")
            left.add(bench.ask(1.0))
        assert left == {b"answer 1\r"[:count] for count in range(9)}

    def test_garbled_by_one_bit_that_no_text_has(self) -> None:
        spoiled = set()
        for seed in range(60):
            bench = Bench(seed)
            bench.inject("garbled")
            answer = bench.ask()
            wrong = [
                at for at, (a, b) in enumerate(zip(answer, b"answer 1\r", strict=True)) if a != b
            ]
            assert len(wrong) == 1
            assert answer[wrong[0]] ^ 0x80 == b"answer 1\r"[wrong[0]]
            spoiled.add(wrong[0])
        assert spoiled == set(range(9))

    def test_garbled_only_where_the_protocol_can_tell(self, bench: Bench) -> None:
        bench.device.telltale = slice(0, 2)  # type: ignore[misc]
        bench.inject("garbled", times=20)
        for number in range(1, 21):
            assert bench.ask()[2:] == f"answer {number}\r".encode()[2:]

    def test_two_faults_of_one_answer(self, bench: Bench) -> None:
        bench.inject("duplicated")
        bench.inject("late", delay_s=0.1)
        assert bench.ask() == b""
        assert bench.ask(0.1) == b"answer 1\ranswer 1\ranswer 2\r"


class TestWhen:
    def test_after_some_answers_and_for_some(self, bench: Bench) -> None:
        injection = bench.inject("dropped", after=2, times=2)
        heard = [bench.ask() for _ in range(6)]
        assert [bool(answer) for answer in heard] == [True, True, False, False, True, True]
        assert injection.hits == 2
        assert injection.is_over

    def test_from_a_moment_on_and_for_a_while(self, bench: Bench) -> None:
        bench.inject("dropped", from_s=0.05, for_s=0.05)
        heard = [bool(bench.ask(0.02)) for _ in range(8)]
        assert heard == [True, True, True, False, False, False, True, True]

    def test_with_a_probability_and_the_same_each_time(self) -> None:
        def hits(seed: int) -> list[bool]:
            bench = Bench(seed)
            bench.inject("dropped", probability=0.3)
            return [not bench.ask() for _ in range(500)]

        assert hits(1) == hits(1) != hits(2)
        # Binomial, 500 times 0.3: mean 150, standard deviation 10.
        assert 110 < sum(hits(1)) < 190

    def test_cleared(self, bench: Bench) -> None:
        injection = bench.inject("dropped", times=100)
        assert bench.ask() == b""
        bench.faulty.clear()
        assert bench.ask() == b"answer 2\r"
        assert injection.hits == 1


class TestStates:
    def test_a_condition_of_the_device_begins_and_ends(self, bench: Bench) -> None:
        bench.inject("stuck", after=1, for_s=0.5)
        assert not bench.device.jammed
        bench.ask()
        bench.ask()
        assert bench.device.jammed
        bench.clock.sleep(0.5)
        bench.ask()
        assert not bench.device.jammed

    def test_a_power_cut_ends_everything_and_the_boot_takes_its_time(self, bench: Bench) -> None:
        bench.ask()
        bench.faulty.receive(b"?\r")
        bench.inject("power_cycle")
        assert bench.device.restarts == 1
        assert bench.faulty.next_transmission() is None
        assert bench.ask(1.0) == b""
        bench.clock.sleep(1.0)
        assert bench.ask() == b"answer 1\r"
        assert bench.device.restarts == 1

    def test_something_else_answers_and_then_not_any_more(self, bench: Bench) -> None:
        bench.inject("wrong_device", for_s=1.0)
        assert b"answer" not in bench.ask(0.1)
        bench.clock.sleep(1.0)
        assert bench.ask() == b"answer 1\r"

    def test_what_does_not_apply_is_refused_with_what_does(self, bench: Bench) -> None:
        with pytest.raises(ConfigurationError, match=r"'saturation' does not apply.*late, dropped"):
            bench.inject("saturation")
        assert "stuck" in bench.faulty.kinds
        assert set(ANSWER_FAULTS) <= set(bench.faulty.kinds)


class TestPort:
    def test_it_fails_as_an_unplugged_port_does_and_for_good(self, bench: Bench) -> None:
        link = MemoryLink(bench.faulty, bench.clock)
        adapter = link.open(read_termination="\r", write_termination="\r")
        adapter.write("?")
        assert adapter.read() == "answer 1"
        bench.inject("disconnect", for_s=5.0)
        for use in (lambda: adapter.write("?"), adapter.read, adapter.flush_read_buffer):
            with pytest.raises(VisaIOError) as caught:
                use()
            assert caught.value.error_code == StatusCode.error_connection_lost
        with pytest.raises(VisaIOError) as caught:
            link.open()
        assert caught.value.error_code == StatusCode.error_resource_not_found
        bench.clock.sleep(5.0)
        with pytest.raises(VisaIOError):
            adapter.write("?")
        other = link.open(read_termination="\r", write_termination="\r")
        other.write("?")
        assert other.read() == "answer 2"

    def test_what_was_on_its_way_is_lost(self, bench: Bench) -> None:
        bench.faulty.receive(b"?\r")
        bench.inject("disconnect", for_s=1.0)
        assert bench.faulty.plug_number is None
        bench.clock.sleep(1.0)
        assert bench.faulty.plug_number == 1
        assert bench.faulty.transmit() == b""
        assert bench.ask() == b"answer 2\r"


class TestWhatIsNotAllowed:
    def test_an_unknown_fault_is_told_with_all_there_are(self) -> None:
        with pytest.raises(ConfigurationError, match="'lat'") as caught:
            Fault("lat")
        assert all(kind in str(caught.value) for kind in KINDS)

    @pytest.mark.parametrize(
        "parameters",
        [
            {"after": -1},
            {"after": True},
            {"after": 1.5},
            {"from_s": -1.0},
            {"from_s": math.nan},
            {"probability": 0.0},
            {"probability": 1.1},
            {"probability": True},
            {"times": 0},
            {"for_s": 0.0},
            {"for_s": math.inf},
            {"delay_s": -2.0},
        ],
    )
    def test_values_out_of_range(self, parameters: dict[str, Any]) -> None:
        (field,) = parameters
        with pytest.raises(LimitError, match=field):
            Fault("late", **parameters)

    @pytest.mark.parametrize(("kind", "field"), [("stuck", "times"), ("dropped", "delay_s")])
    def test_parameters_that_a_fault_does_not_have(self, kind: str, field: str) -> None:
        with pytest.raises(ConfigurationError, match=f"'{kind}' has no {field}"):
            Fault(kind, **{field: 3})
