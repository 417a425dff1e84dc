import os
import signal
import sys

import pytest

from labcool.clock import VirtualClock
from labcool.engine.control import LONGEST_NAP_S, Control, stop_on_signals
from labcool.errors import RunAborted


def test_a_wait_lets_exactly_its_time_pass():
    clock, naps = VirtualClock(), []
    Control().wait(clock, 12.34, lambda: naps.append(clock.now()))
    assert clock.now() == pytest.approx(12.34)
    assert max(b - a for a, b in zip([0, *naps], naps, strict=False)) <= LONGEST_NAP_S + 1e-9


def test_a_stop_ends_a_wait_within_one_nap():
    clock, control = VirtualClock(), Control()

    def stop_at_five():
        if clock.now() >= 5:
            control.abort("somebody pressed stop")

    with pytest.raises(RunAborted, match="somebody pressed stop"):
        control.wait(clock, 1000, stop_at_five)
    assert 5 <= clock.now() <= 5 + LONGEST_NAP_S + 1e-9


def test_the_first_reason_is_kept():
    control = Control()
    control.abort("first")
    control.abort("second")
    assert control.stop_reason == "first"


def test_a_stop_before_a_wait_lets_no_time_pass():
    clock, control = VirtualClock(), Control()
    control.abort("too late")
    with pytest.raises(RunAborted):
        control.wait(clock, 1, lambda: None)
    assert clock.now() == 0


@pytest.mark.skipif(sys.platform == "win32", reason="signals can only be sent to oneself on Linux")
@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_signals_raise_the_flag_and_nothing_else(name):
    number, control = getattr(signal, name), Control()
    before = signal.getsignal(number)
    with stop_on_signals(control):
        os.kill(os.getpid(), number)
        os.kill(os.getpid(), number)
        assert control.stop_reason is not None
    assert signal.getsignal(number) is before
