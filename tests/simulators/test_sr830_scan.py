"""The simulated SR830's data buffer and its fast transfer."""

import numpy as np
import pytest

from labcool.clock import VirtualClock
from simulators.sr830 import SR830

TRIGGERED, ABORTED = 1 << 6, 1 << 5


@pytest.fixture
def clock():
    return VirtualClock()


def ramp(moment):
    return complex(1e-4 * moment, -1e-4 * moment)


def lock_in(clock, signal=ramp, **options):
    device = SR830(clock, signal=signal, reference=lambda _: None, noise_density=0.0, **options)
    device.receive(b"OFLT 0;*CLS\n")
    return device


def ask(device, command):
    device.receive(command.encode() + b"\n")
    device.clock.sleep(0.002)
    return device.transmit()


def points(device):
    return int(ask(device, "SPTS?"))


@pytest.mark.parametrize(("rate", "hertz"), [(0, 0.0625), (4, 1.0), (7, 8.0), (13, 512.0)])
def test_points_are_stored_at_the_sample_rate(clock, rate, hertz):
    device = lock_in(clock)
    ask(device, f"SRAT {rate};SEND 0;REST;STRT")
    clock.sleep(100.5 / hertz - 0.002)
    assert points(device) == 100
    trace = np.frombuffer(ask(device, "TRCB? 1,0,100"), "<f4")
    assert np.diff(trace) == pytest.approx(1e-4 / hertz, rel=0.02)


def test_pause_resume_and_erase(clock):
    device = lock_in(clock)
    ask(device, "SRAT 7;STRT")
    clock.sleep(1)
    ask(device, "PAUS")
    clock.sleep(10)
    assert points(device) == 8
    ask(device, "STRT")
    clock.sleep(1)
    assert points(device) == 16
    ask(device, "REST")
    clock.sleep(1)
    assert points(device) == 0


def test_one_shot_stops_when_full_and_loop_goes_on(clock):
    for mode, last in ((0, 16383 / 512), (1, 100.0)):
        device = lock_in(VirtualClock(), lambda moment: complex(1e-3 * moment))
        ask(device, f"SRAT 13;SEND {mode};OFLT 8;STRT")
        device.clock.sleep(100 - device.clock.now())
        assert points(device) == 16383
        assert int(ask(device, "*STB? 0")) == 1 - mode
        ask(device, "PAUS")
        newest = np.frombuffer(ask(device, "TRCB? 1,16382,1"), "<f4")
        assert newest == pytest.approx(1e-3 * (last - 0.2), rel=2e-4)
        assert ask(device, "TRCA? 1,0,16384") == b""


def test_all_three_formats_tell_the_same(clock):
    device = lock_in(clock, lambda _: 1e-3 + 2e-3j)
    ask(device, "SRAT 4;STRT")
    clock.sleep(3.5)
    assert ask(device, "TRCA?1,0,3") == b"+1.000000e-003,+1.000000e-003,+1.000000e-003,\n"
    assert ask(device, "TRCL?1,0,1") == bytes.fromhex("89416400")
    assert ask(device, "TRCB?1,0,2") == bytes.fromhex("6F12833A") * 2
    assert ask(device, "TRCB?2,0,1") == np.float32(2e-3).tobytes()
    for beyond in ("TRCA?1,0,4", "TRCB?1,3,1", "TRCL?1,0,0", "TRCB?3,0,1", "TRCA?1,0"):
        assert ask(device, beyond) == b""
        assert ask(device, "*ESR?") == b"16\n"


def test_only_what_is_displayed_is_stored(clock):
    device = lock_in(clock, lambda _: 3e-3 + 4e-3j)
    ask(device, "DDEF 1,1,0;DDEF 2,1,0;SRAT 4;STRT")
    clock.sleep(1.5)
    assert np.frombuffer(ask(device, "TRCB?1,0,1"), "<f4") == pytest.approx(5e-3)
    assert np.frombuffer(ask(device, "TRCB?2,0,1"), "<f4") == pytest.approx(53.1301)


def test_triggers_take_single_samples_not_faster_than_512_hertz(clock):
    device = lock_in(clock)
    ask(device, "SRAT 14;TRIG")
    assert points(device) == 0
    ask(device, "STRT;TRIG;TRIG")
    device.trigger()
    clock.sleep(1)
    device.trigger()
    assert points(device) == 3
    assert int(ask(device, "LIAS?")) & TRIGGERED


def test_a_trigger_may_start_a_scan(clock):
    device = lock_in(clock)
    ask(device, "SRAT 4;TSTR 1;REST")
    clock.sleep(5)
    assert points(device) == 0
    ask(device, "TRIG")
    clock.sleep(5)
    assert points(device) == 5
    assert int(ask(device, "LIAS?")) & TRIGGERED


def test_the_fast_transfer_pushes_x_and_y_after_half_a_second(clock):
    device = lock_in(clock, lambda _: 0.25 - 0.5j)
    assert ask(device, "SRAT 10;FAST 2;STRD") == b""
    clock.sleep(0.497)
    assert device.transmit() == b""
    pushed = b""
    for _ in range(64):
        clock.sleep(1 / 64)
        pushed += device.transmit()
    pairs = np.frombuffer(pushed, "<i2").reshape(-1, 2)
    assert len(pairs) == 63
    assert np.all(pairs == [7500, -15000])
    ask(device, "PAUS;FAST 0")
    clock.sleep(1)
    assert device.transmit() == b""
    assert ask(device, "ERRS?") == b"0\n"


def test_the_fast_transfer_is_offset_and_expanded(clock):
    device = lock_in(clock, lambda _: 0.25 - 0.5j)
    ask(device, "SRAT 4;OEXP 1,20,1;OEXP 2,-50,2;FAST 2;STRD")
    clock.sleep(1.6)
    assert np.frombuffer(device.transmit(), "<i2") == pytest.approx([15000, 0], abs=2)


@pytest.mark.parametrize(("mode", "pairs"), [(1, 1), (2, 63)])
def test_a_host_that_is_late_ends_the_fast_transfer(clock, mode, pairs):
    device = lock_in(clock)
    ask(device, f"OFLT 8;SRAT 13;FAST {mode};STRD")
    clock.sleep(0.5 + 0.5)
    assert len(device.transmit()) == 4 * pairs
    assert ask(device, "FAST?;ERRS?;ERRS?") == b"0\n%d\n0\n" % ABORTED
    clock.sleep(1)
    assert device.transmit() == b""


def test_there_is_no_fast_transfer_over_rs232(clock):
    device = lock_in(clock, interface="rs232")
    ask(device, "OUTX 0;SRAT 10;FAST 2;STRD")
    clock.sleep(2)
    assert device.transmit() == b""
    device.receive(b"SPTS?\r")
    clock.sleep(0.1)
    assert int(device.transmit()) > 90


def test_a_lot_may_happen_while_nobody_listens(clock):
    device = lock_in(clock, lambda _: 1e-3 + 0j)
    ask(device, "OFLT 8;SRAT 13;SEND 1;STRT")
    clock.sleep(1e6)
    assert points(device) == 16383
