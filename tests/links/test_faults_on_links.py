"""Faults over every kind of link: in memory, on a socket, on a pseudo-terminal.

On the two last ones time-outs of the host pass on the wall; the faults are of the kind that costs
none, and whether a copy is noticed at once or with the next question is left to the system.
"""

from __future__ import annotations

import logging
from collections.abc import Callable
from typing import Any

import pytest

from labcool.bench import Bench
from labcool.errors import InstrumentError
from simulators.faults import Fault

Opened = Callable[..., Bench]
Pair = Callable[[Bench, str], tuple[Any, Any]]


def frequencies(lock_in: Any, device: Any, count: int) -> list[float]:
    """Return what is read while the true value rises by 1 Hz each time."""
    found = []
    for step in range(count):
        device.settings.reals["FREQ"] = 500.0 + step
        found.append(lock_in.frequency)
    return found


@pytest.mark.parametrize("kind", ["duplicated", "shifted", "garbled"])
@pytest.mark.parametrize("name", ["lock_in", "lock_in_serial"])
def test_no_answer_is_taken_for_another(
    opened: Opened, pair: Pair, name: str, kind: str, caplog: pytest.LogCaptureFixture
) -> None:
    bench = opened(name)
    lock_in, device = pair(bench, name)
    simulation: Any = bench.simulation
    frequencies(lock_in, device, 2)
    injection = simulation.inject(name, Fault(kind))
    with caplog.at_level(logging.WARNING):
        assert frequencies(lock_in, device, 4) == [500.0, 501.0, 502.0, 503.0]
    assert injection.hits == 1
    assert any(text.startswith(f"{name} (SR830): ") for text in caplog.messages)


def test_a_shutter_that_hears_double_opens_and_closes(opened: Opened, pair: Pair) -> None:
    bench = opened("shutter")
    shutter, device = pair(bench, "shutter")
    simulation: Any = bench.simulation
    simulation.inject("shutter", Fault("duplicated", after=2))
    for _ in range(3):
        try:
            shutter.open()
        except InstrumentError:
            continue
        assert device._blade.is_open(bench.clock.now())
    shutter.close()
    assert not device._blade.is_open(bench.clock.now())


def test_a_port_that_vanishes_and_comes_back(opened: Opened, pair: Pair, link: str) -> None:
    if link == "pty":
        pytest.skip("a pseudo-terminal does not come back under its name: there it falls silent")
    bench = opened("lock_in")
    lock_in, _ = pair(bench, "lock_in")
    simulation: Any = bench.simulation
    assert lock_in.frequency == 1000.0
    simulation.inject("lock_in", Fault("disconnect"))
    for _ in range(2):
        with pytest.raises(InstrumentError, match=r"^lock_in \(SR830\): "):
            _ = lock_in.frequency
    simulation.clear_faults("lock_in")
    with pytest.raises(InstrumentError, match=r"^lock_in \(SR830\): "):
        _ = lock_in.frequency
    place = simulation.connection("lock_in")
    again = type(lock_in)(name="anew", clock=bench.clock, **place)
    assert again.frequency == 1000.0
    again.shutdown()
