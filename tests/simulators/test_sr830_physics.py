"""The simulated SR830: what it measures, with which filter, and what overloads it."""

import cmath
import math

import numpy as np
import pytest

from labcool.clock import VirtualClock
from simulators._sr830_signal import square_wave
from simulators.sr830 import SR830

INPUT, FILTER, OUTPUT, UNLOCK, RANGE, TC_CHANGED = (1 << bit for bit in range(6))
SLOPES = (6, 12, 18, 24)


@pytest.fixture
def clock():
    return VirtualClock()


def lock_in(clock, volts=0.5e-3, *, reference=None, noise=0.0, **options):
    signal = volts if callable(volts) else lambda _: complex(volts)
    hertz = reference if callable(reference) else lambda _: reference
    return SR830(clock, signal=signal, reference=hertz, noise_density=noise, **options)


def ask(device, command):
    device.receive(command.encode() + b"\n")
    device.clock.sleep(0.002)
    return device.transmit().decode().strip()


def numbers(device, command):
    return [float(part) for part in ask(device, command).split(",")]


def settled(order, passed, constant):
    """Return the step response of ``order`` equal RC stages."""
    steps = passed / constant
    return 1 - math.exp(-steps) * sum(steps**k / math.factorial(k) for k in range(order))


@pytest.mark.parametrize("slope", range(4))
def test_a_step_passes_the_filter_as_the_theory_says(clock, slope):
    device = lock_in(clock, lambda moment: 0.8e-3 if moment >= 5.0 else 0.1e-3)
    ask(device, f"SENS 17;OFLT 10;OFSL {slope}")
    for moment in (5.5, 6.0, 8.0, 12.0):
        clock.sleep(moment - clock.now())
        expected = 0.1e-3 * settled(slope + 1, moment, 1.0)
        expected += 0.7e-3 * settled(slope + 1, moment - 5, 1.0)
        assert float(ask(device, "OUTP? 1")) == pytest.approx(expected, abs=2e-6)


def test_how_often_one_asks_changes_nothing(clock):
    other_clock = VirtualClock()

    def signal(moment):
        return 1e-3 * complex(math.sin(moment), math.cos(0.3 * moment))

    often, seldom = lock_in(clock, signal), lock_in(other_clock, signal)
    for device in (often, seldom):
        ask(device, "OFLT 10")
    for _ in range(400):
        clock.sleep(0.02)
        ask(often, "OUTP? 1")
    other_clock.sleep(clock.now() - other_clock.now())
    assert numbers(often, "SNAP? 1,2") == pytest.approx(numbers(seldom, "SNAP? 1,2"), rel=0.01)


def test_phase_and_magnitude(clock):
    device = lock_in(clock, cmath.rect(1e-3, math.radians(70)))
    clock.sleep(10)
    assert numbers(device, "SNAP? 1,2,3,4") == pytest.approx(
        [1e-3 * math.cos(math.radians(70)), 1e-3 * math.sin(math.radians(70)), 1e-3, 70], rel=1e-5
    )
    ask(device, "PHAS 25")
    clock.sleep(10)
    assert numbers(device, "SNAP? 3,4") == pytest.approx([1e-3, 45], rel=1e-5)
    ask(device, "APHS")
    clock.sleep(10)
    assert ask(device, "PHAS?") == "70"
    assert numbers(device, "SNAP? 1,2") == pytest.approx([1e-3, 0.0], abs=2e-7)


@pytest.mark.parametrize("slope", range(4))
def test_noise_has_the_equivalent_bandwidth_of_the_filter(clock, slope):
    device = lock_in(clock, 0.0, noise=1e-6, rng=np.random.default_rng(3))
    ask(device, f"OFLT 8;OFSL {slope};SENS 17")
    clock.sleep(3)
    readings = []
    for _ in range(1500):
        clock.sleep(0.7)
        readings.append(numbers(device, "SNAP? 1,2"))
    bandwidth = (1 / 4, 1 / 8, 3 / 32, 5 / 64)[slope] / 0.1
    deviation = np.std(readings, axis=0)
    assert deviation == pytest.approx(1e-6 * math.sqrt(bandwidth), rel=0.08)
    assert abs(np.corrcoef(np.transpose(readings))[0, 1]) < 0.1


def test_noise_is_correlated_for_about_a_time_constant(clock):
    device = lock_in(clock, 0.0, noise=1e-6, rng=np.random.default_rng(4))
    ask(device, "OFLT 10;OFSL 0;SENS 17;SRAT 5;SEND 0;STRT")
    clock.sleep(2500)
    trace = np.array(numbers_of_trace(device, 4900))
    for lag in (1, 2, 4):
        found = np.corrcoef(trace[:-lag], trace[lag:])[0, 1]
        assert found == pytest.approx(math.exp(-lag * 0.5), abs=0.08)


def numbers_of_trace(device, count):
    device.receive(f"TRCB? 1,0,{count}\n".encode())
    device.clock.sleep(0.01)
    return np.frombuffer(device.transmit(), "<f4")


@pytest.mark.parametrize(("harmonic", "part"), [(1, 1.0), (2, 0.0), (3, 1 / 3), (5, 0.2)])
def test_harmonics_of_a_chopped_beam(clock, harmonic, part):
    device = lock_in(clock, 1e-3 * cmath.exp(0.2j), harmonics=square_wave, reference=137.0)
    ask(device, f"FMOD 0;HARM {harmonic}")
    clock.sleep(10)
    magnitude, theta = numbers(device, "SNAP? 3,4")
    assert magnitude == pytest.approx(part * 1e-3, abs=1e-9)
    assert part == 0 or theta == pytest.approx(math.degrees(0.2 * harmonic), rel=1e-5)
    assert ask(device, "FREQ?") == "137"


def test_a_sine_has_no_harmonics(clock):
    device = lock_in(clock, 1e-3)
    ask(device, "HARM 3")
    clock.sleep(10)
    assert float(ask(device, "OUTP? 3")) == pytest.approx(0.0, abs=1e-12)


@pytest.mark.parametrize("slope", range(4))
def test_a_signal_off_the_oscillator_beats_and_is_attenuated(clock, slope):
    device = lock_in(clock, 1e-3, reference=1001.0)
    ask(device, f"OFSL {slope};OFLT 8")
    clock.sleep(5)
    phases = []
    for _ in range(10):
        clock.sleep(0.05 - 0.002)
        magnitude, theta = numbers(device, "SNAP? 3,4")
        assert magnitude == pytest.approx(1e-3 / abs(1 + 0.2j * math.pi) ** (slope + 1), rel=1e-3)
        phases.append(math.radians(theta))
    assert np.diff(np.unwrap(phases)) == pytest.approx(2 * math.pi * 0.05, rel=1e-2)


def test_without_a_reference_it_is_unlocked_and_sees_nothing(clock):
    gone = {"at": math.inf}
    device = lock_in(clock, 1e-3, reference=lambda moment: 137.0 if moment < gone["at"] else None)
    ask(device, "FMOD 0;SENS 17")
    clock.sleep(10)
    ask(device, "LIAS?")
    assert ask(device, "LIAS?;OUTP? 3") == "0\n0.001"
    gone["at"] = clock.now() + 1
    clock.sleep(10)
    assert int(ask(device, "LIAS?")) == UNLOCK
    assert float(ask(device, "OUTP? 3")) < 1e-9
    assert ask(device, "FREQ?") == "137"


@pytest.mark.parametrize(("slope", "locked"), [(0, False), (1, True), (2, True)])
def test_below_one_hertz_the_reference_must_be_digital(clock, slope, locked):
    device = lock_in(clock, 1e-3, reference=0.5)
    ask(device, f"FMOD 0;RSLP {slope};*CLS")
    assert (int(ask(device, "LIAS?")) & UNLOCK == 0) is locked


def test_the_range_switch_turns_long_time_constants_off(clock):
    hertz = {"now": 150.0}
    device = lock_in(clock, 1e-3, reference=lambda _: hertz["now"])
    ask(device, "FMOD 0")
    ask(device, "OFLT 15;SYNC 1;*CLS")
    assert ask(device, "OFLT?;SYNC?") == "15\n1"
    hertz["now"] = 201.0
    assert ask(device, "LIAS?;OFLT?") == "0\n15"
    hertz["now"] = 204.0
    clock.sleep(1)
    assert ask(device, "LIAS?;OFLT?;SYNC?") == f"{RANGE | TC_CHANGED}\n13\n0"
    ask(device, "OFLT 14")
    assert int(ask(device, "*ESR?")) & 1 << 4
    hertz["now"] = 198.0
    clock.sleep(1)
    assert ask(device, "LIAS?;OFLT?") == f"{RANGE}\n13"


@pytest.mark.parametrize(("mode", "decibels"), [(0, 60), (1, 40), (2, 10)])
def test_the_input_stands_full_scale_times_the_reserve(clock, mode, decibels):
    device = lock_in(clock, 0.5e-3)
    ask(device, f"SENS 17;RMOD {mode}")
    limit = 1.09e-3 * 10 ** (decibels / 20)
    device.interference = 0.98 * limit - 0.5e-3
    clock.sleep(5)
    ask(device, "LIAS?")
    assert int(ask(device, "LIAS?")) == 0
    assert float(ask(device, "OUTP? 3")) == pytest.approx(0.5e-3)
    device.interference = 2 * limit - 0.5e-3
    clock.sleep(5)
    assert int(ask(device, "LIAS?")) == INPUT
    assert float(ask(device, "OUTP? 3")) == pytest.approx(0.25e-3)


def test_an_overload_in_the_past_stays_until_it_is_read(clock):
    device = lock_in(clock, lambda moment: 1.0 if 20 < moment < 200 else 0.1e-3)
    ask(device, "SENS 17")
    clock.sleep(1000)
    assert int(ask(device, "LIAS? 0")) == 1
    assert int(ask(device, "LIAS?")) & INPUT == 0


def test_outputs_end_at_109_percent_and_say_so(clock):
    device = lock_in(clock, 1.5e-3)
    ask(device, "SENS 17;RMOD 0")
    clock.sleep(5)
    assert int(ask(device, "LIAS?")) == OUTPUT
    assert float(ask(device, "OUTP? 1")) == pytest.approx(1.09e-3)
    ask(device, "SENS 18;*CLS")
    assert int(ask(device, "LIAS?")) == 0
    assert float(ask(device, "OUTP? 1")) == pytest.approx(1.5e-3)


def test_far_above_full_scale_the_filter_overloads_too(clock):
    device = lock_in(clock, 5e-3)
    ask(device, "RMOD 0;SENS 17")
    clock.sleep(5)
    assert int(ask(device, "LIAS?")) == FILTER | OUTPUT


def test_offset_and_expand(clock):
    device = lock_in(clock, 0.5 + 0j)
    ask(device, "OEXP 1,40,1")
    clock.sleep(5)
    assert numbers(device, "*CLS;SNAP? 1,3") == pytest.approx([0.1, 0.5])
    assert int(ask(device, "LIAS?")) == 0
    ask(device, "OEXP 1,35,1")
    assert int(ask(device, "LIAS?")) == OUTPUT
    assert float(ask(device, "OUTP? 1")) == pytest.approx(0.109)
    ask(device, "AOFF 1")
    assert ask(device, "OEXP? 1") == "50.00,1"
    assert float(ask(device, "OUTP? 1")) == pytest.approx(0.0, abs=1e-6)


def test_displays_ratios_and_aux_inputs(clock):
    device = lock_in(clock, 0.3 + 0.4j, aux_in=lambda channel, _: channel * 0.50001)
    clock.sleep(5)
    assert [float(ask(device, f"OAUX? {channel}")) for channel in (1, 4)] == [0.5, 2.0]
    ask(device, "DDEF 1,1,2;DDEF 2,1,0")
    assert float(ask(device, "OUTR? 1")) == pytest.approx(0.5)
    assert float(ask(device, "OUTR? 2")) == pytest.approx(53.1301)
    ask(device, "DDEF 1,4,0;DDEF 2,3,2")
    assert numbers(device, "SNAP? 10,11,8") == pytest.approx([1.0, 0.75, 2.0])


def test_the_noise_display_shows_the_density(clock):
    device = lock_in(clock, 0.0, noise=7e-9)
    ask(device, "DDEF 1,2,0")
    shown = [float(ask(device, "OUTR? 1")) for _ in range(100)]
    assert np.mean(shown) == pytest.approx(7e-9, rel=0.05)


def test_a_current_input_measures_microamperes(clock):
    device = lock_in(clock, 0.5e-3)
    ask(device, "ISRC 2;SENS 17")
    clock.sleep(5)
    assert ask(device, "OUTP? 1;LIAS?") == "5e-010\n0"
    ask(device, "ISRC 3;SENS 20")
    assert ask(device, "ISRC?") == "3"
    ask(device, "SENS 21")
    assert ask(device, "ISRC?") == "2"


def test_auto_gain_takes_its_time_and_finds_the_scale(clock):
    device = lock_in(clock, 0.6e-3)
    ask(device, "RMOD 0")
    clock.sleep(5)
    ask(device, "AGAN")
    assert device.serial_poll() & 2 == 0
    assert ask(device, "SENS?;*STB?") == ""
    clock.sleep(5)
    assert device.transmit() == b"17\n19\n"
    assert device.serial_poll() & 2


def test_the_status_may_be_told_while_it_is_busy(clock):
    device = lock_in(clock, 0.6e-3, status_while_busy=True)
    ask(device, "ARSV")
    assert int(ask(device, "*STB?")) & 2 == 0
    clock.sleep(5)
    assert int(ask(device, "*STB?")) & 2 == 2


def test_auto_gain_does_nothing_with_long_time_constants(clock):
    device = lock_in(clock, 0.6e-3)
    ask(device, "OFLT 11;AGAN")
    assert device.serial_poll() & 2
    assert ask(device, "SENS?") == "26"


@pytest.mark.parametrize(("interference", "mode"), [(0.0, 2), (0.05, 1), (0.5, 0)])
def test_auto_reserve_takes_the_lowest_that_stands_the_input(clock, interference, mode):
    device = lock_in(clock, 0.6e-3)
    device.interference = interference
    ask(device, "SENS 17;ARSV")
    clock.sleep(5)
    assert ask(device, "RMOD?") == str(mode)


def test_while_busy_the_input_buffer_overflows(clock):
    device = lock_in(clock)
    ask(device, "*CLS;AGAN")
    for _ in range(60):
        ask(device, "SENS 3")
    clock.sleep(10)
    assert int(ask(device, "*ESR?")) == 1
