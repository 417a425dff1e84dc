"""The spectrometer model by itself: its bytes, its moments, its noise."""

from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labcool.clock import VirtualClock, sleep_until
from labcool.errors import LimitError
from simulators._usb_ccd import LineDetector
from simulators.flame import ANSWERS_IN, FIRST_PART_IN, MODELS, SPECTRA_IN, Flame, Trigger

SPECTRUM = bytes([0x09])


class Lamp:
    """A light path that notes when it is asked."""

    def __init__(self, clock, pixels=2048, rate=0.0):
        self.clock = clock
        self.rate = np.full(pixels, rate)
        self.exposures = []
        self.ends = []

    def __call__(self, start, duration):
        self.exposures.append((start, duration))

        def electrons():
            self.ends.append(self.clock.now())
            return self.rate * duration

        return electrons


def make(model="FLAME-S", rate=0.0, **settings):
    clock = VirtualClock()
    lamp = Lamp(clock, MODELS[model].pixels, rate)
    rng = np.random.default_rng(7)
    return clock, lamp, Flame(clock, expose=lamp, rng=rng, model=model, **settings)


def ask(flame, command):
    flame.receive(bytes.fromhex(command))
    return flame.transmit(ANSWERS_IN)


def counts(flame):
    return np.frombuffer(flame.transmit(SPECTRA_IN), "<u2")


class TestWorkedBytes:
    def test_integration_time_little_endian(self):
        _, _, flame = make()
        flame.receive(bytes.fromhex("02 20 4e 00 00"))
        assert flame.integration_time == pytest.approx(0.020, rel=1e-12)
        flame.receive(bytes.fromhex("02 a0 86 01 00"))
        assert flame.integration_time == pytest.approx(0.100, rel=1e-12)

    def test_trigger_mode(self):
        _, _, flame = make()
        assert ask(flame, "0a 03 00") == b""
        assert flame.trigger_mode is Trigger.EXTERNAL_EDGE

    def test_wavelength_slot(self):
        _, _, flame = make(wavelength_coefficients=(340.0, 0.37, 0.0, 0.0))
        assert ask(flame, "05 01") == bytes.fromhex("05 01 33 34 30 2e 30") + bytes(10)

    def test_saturation_slot(self):
        _, _, flame = make(saturation=55000)
        assert ask(flame, "05 11") == bytes.fromhex("05 11 00 00 00 00 d8 d6") + bytes(9)

    def test_serial_slot(self):
        _, _, flame = make(serial="FLMS00042")
        assert ask(flame, "05 00") == b"\x05\x00FLMS00042" + bytes(6)

    @pytest.mark.parametrize(
        ("model", "answer"), [("FLAME-S", "fe 10 30"), ("USB2000+", "04 10 20")]
    )
    def test_fpga_version_tells_the_models_apart(self, model, answer):
        _, _, flame = make(model)
        assert ask(flame, "6b 04") == bytes.fromhex(answer)

    def test_status(self):
        _, _, flame = make()
        flame.receive(bytes.fromhex("02 20 4e 00 00"))
        expected = "00 08 20 4e 00 00 00 00 00 08 01 00 00 00 80 00"
        assert ask(flame, "fe") == bytes.fromhex(expected)

    def test_status_of_a_usb4000_at_work(self):
        _, _, flame = make("USB4000")
        flame.receive(bytes.fromhex("03 01 00"))
        flame.receive(SPECTRUM)
        expected = "00 0f 70 17 00 00 01 00 01 0f 01 00 00 00 80 00"
        assert ask(flame, "fe") == bytes.fromhex(expected)

    def test_temperature(self):
        _, _, flame = make()
        assert ask(flame, "6c") == bytes.fromhex("08 81 1f")
        flame.board_temperature = -10.0
        assert int.from_bytes(ask(flame, "6c")[1:], "little", signed=True) == -2560


class TestCommands:
    def test_slot_can_be_written_and_survives_power(self):
        _, _, flame = make()
        ask(flame, "06 0f" + b"bench 7".ljust(15, b"\0").hex())
        flame.power_on()
        assert ask(flame, "05 0f") == b"\x05\x0fbench 7" + bytes(8)

    def test_empty_slot_is_all_zero(self):
        _, _, flame = make()
        assert ask(flame, "05 c8") == b"\x05\xc8" + bytes(15)

    def test_registers_but_not_the_version_can_be_written(self):
        _, _, flame = make()
        ask(flame, "6a 08 34 12")
        ask(flame, "6a 04 00 00")
        assert ask(flame, "6b 08") == bytes.fromhex("fe 34 12")
        assert ask(flame, "6b 04") == bytes.fromhex("fe 10 30")

    @pytest.mark.parametrize(
        ("model", "outside"),
        [
            ("FLAME-S", (999, 655_350_001)),
            ("USB2000+", (0, 655_350_001)),
            ("USB4000", (9, 65_535_001)),
        ],
    )
    def test_integration_time_out_of_range_is_ignored(self, model, outside):
        _, _, flame = make(model)
        for microseconds in (*MODELS[model].integration_us, *outside):
            flame.receive(b"\x02" + microseconds.to_bytes(4, "little"))
        assert flame.integration_time == pytest.approx(MODELS[model].integration_us[1] / 1e6)

    @pytest.mark.parametrize("command", ["71 01 00", "72", "73 00 00", "ff", "02 20 4e", "05", ""])
    def test_what_it_does_not_know_is_ignored(self, command):
        _, _, flame = make()
        assert ask(flame, command) == b""
        assert flame.integration_time == 0.006

    def test_unsupported_trigger_mode_is_ignored(self):
        _, _, flame = make("USB4000")
        ask(flame, "0a 04 00")
        assert flame.trigger_mode is Trigger.NORMAL

    def test_silent_device_takes_nothing_and_what_it_sends_is_lost(self):
        clock, lamp, flame = make()
        flame.receive(SPECTRUM)
        flame.silent = True
        assert ask(flame, "fe") == b""
        clock.sleep(1.0)
        flame.receive(SPECTRUM)
        assert flame.transmit(SPECTRA_IN) == b""
        assert flame.next_transmission(SPECTRA_IN) is None
        flame.silent = False
        assert flame.next_transmission(SPECTRA_IN) is None
        assert len(lamp.exposures) == 1

    def test_unread_answers_are_bounded(self):
        _, _, flame = make()
        for _ in range(1000):
            flame.receive(b"\xfe")
        answers = list(iter(lambda: flame.transmit(ANSWERS_IN), b""))
        assert answers == [answers[0]] * 8


class TestSpectra:
    @pytest.mark.parametrize("model", ["FLAME-S", "USB2000+"])
    def test_packets_of_2048_pixels(self, model):
        clock, _, flame = make(model)
        flame.receive(SPECTRUM)
        sleep_until(clock, flame.next_transmission(SPECTRA_IN))
        assert len(flame.transmit(SPECTRA_IN)) == 2 * 2048
        assert flame.transmit(SPECTRA_IN) == b"\x69"
        assert flame.transmit(SPECTRA_IN) == b""

    def test_packets_of_a_usb4000_come_over_two_endpoints(self):
        clock, lamp, flame = make("USB4000", rate=1e7)
        lamp.rate[1024:] = 0
        flame.receive(SPECTRUM)
        assert flame.next_transmission(FIRST_PART_IN) == flame.next_transmission(SPECTRA_IN)
        sleep_until(clock, flame.next_transmission(FIRST_PART_IN))
        first = np.frombuffer(flame.transmit(FIRST_PART_IN), "<u2")
        rest = counts(flame)
        assert (first.size, rest.size) == (1024, 3840 - 1024)
        assert first[21:].min() > 20_000 > 2_000 > rest.max()
        assert flame.transmit(SPECTRA_IN) == b"\x69"

    def test_exposure_begins_at_the_request_and_light_is_counted_after_it(self):
        clock, lamp, flame = make(readout=0.002)
        clock.sleep(3.0)
        flame.receive(bytes.fromhex("02 a0 86 01 00"))
        flame.receive(SPECTRUM)
        assert lamp.exposures == [(3.0, 0.1)]
        assert flame.next_transmission(SPECTRA_IN) == pytest.approx(3.102, rel=1e-12)
        sleep_until(clock, 3.1)
        assert flame.transmit(SPECTRA_IN) == b""
        assert lamp.ends == []
        sleep_until(clock, 3.102)
        assert len(flame.transmit(SPECTRA_IN)) == 4096
        assert lamp.ends == [clock.now()]

    def test_request_during_an_exposure_is_dropped(self):
        clock, lamp, flame = make()
        flame.receive(SPECTRUM)
        flame.receive(SPECTRUM)
        clock.sleep(1.0)
        flame.receive(SPECTRUM)
        assert [start for start, _ in lamp.exposures] == [0.0, 1.0]

    def test_integration_time_changes_with_the_next_exposure(self):
        clock, lamp, flame = make()
        flame.receive(SPECTRUM)
        flame.receive(bytes.fromhex("02 a0 86 01 00"))
        assert flame.next_transmission(SPECTRA_IN) == pytest.approx(0.007)
        clock.sleep(0.01)
        flame.receive(SPECTRUM)
        assert lamp.exposures == [(0.0, 0.006), (0.01, 0.1)]

    @pytest.mark.parametrize("mode", [2, 3])
    def test_external_trigger_never_completes_without_one(self, mode):
        clock, lamp, flame = make()
        ask(flame, f"0a 0{mode} 00")
        flame.receive(SPECTRUM)
        clock.sleep(1e6)
        assert flame.next_transmission(SPECTRA_IN) is None
        assert flame.transmit(SPECTRA_IN) == b""
        assert lamp.exposures == []
        flame.trigger()
        assert lamp.exposures == [(1e6, 0.006)]
        clock.sleep(0.01)
        assert len(flame.transmit(SPECTRA_IN)) == 4096

    def test_trigger_without_a_request_does_nothing(self):
        _, lamp, flame = make()
        ask(flame, "0a 03 00")
        flame.trigger()
        flame.receive(SPECTRUM)
        assert lamp.exposures == []

    def test_level_trigger_waits_for_the_high_level(self):
        clock, lamp, flame = make()
        ask(flame, "0a 01 00")
        flame.receive(SPECTRUM)
        flame.trigger()
        clock.sleep(2.0)
        assert lamp.exposures == []
        flame.set_trigger_level(True)
        clock.sleep(1.0)
        flame.receive(SPECTRUM)
        assert [start for start, _ in lamp.exposures] == [2.0, 3.0]

    def test_new_trigger_mode_drops_what_waited(self):
        _, lamp, flame = make()
        ask(flame, "0a 03 00")
        flame.receive(SPECTRUM)
        ask(flame, "0a 00 00")
        flame.trigger()
        assert lamp.exposures == []
        flame.receive(SPECTRUM)
        assert len(lamp.exposures) == 1

    def test_reset_forgets_the_running_exposure_and_unread_packets(self):
        clock, _, flame = make()
        flame.receive(SPECTRUM)
        clock.sleep(1.0)
        flame.receive(SPECTRUM)
        flame.reset()
        clock.sleep(1.0)
        assert flame.transmit(SPECTRA_IN) == b""
        assert flame.next_transmission(SPECTRA_IN) is None

    def test_unread_spectra_are_bounded(self):
        clock, _, flame = make()
        for _ in range(20):
            flame.receive(SPECTRUM)
            clock.sleep(0.01)
        chunks = list(iter(lambda: flame.transmit(SPECTRA_IN), b""))
        assert [len(chunk) for chunk in chunks] == [4096, 1] * 4

    @pytest.mark.parametrize(
        ("light", "problem"),
        [
            (np.zeros(2047), "2047"),
            (np.full(2048, -1.0), "finite"),
            (np.full(2048, math.nan), "finite"),
            (np.full(2048, math.inf), "finite"),
        ],
    )
    def test_light_that_cannot_be_is_refused(self, light, problem):
        _, _, flame = make()
        with pytest.raises(ValueError, match=problem):
            flame.detector.read_out(light, 0.1)


class TestWavelengths:
    @pytest.mark.parametrize("model", list(MODELS))
    def test_stock_grating(self, model):
        _, _, flame = make(model)
        wavelengths = flame.wavelengths
        assert wavelengths.shape == (MODELS[model].pixels,)
        assert wavelengths[[0, -1]] == pytest.approx([350.0, 1000.0], abs=1.0)
        assert np.all(np.diff(wavelengths) > 0.1)
        assert np.count_nonzero(np.abs(wavelengths - 515.0) <= 10.0) >= 50

    def test_own_coefficients_as_rounded_in_the_slots(self):
        coefficients = (400.123456789, 0.15, -1.23456789e-6, -1e-10)
        _, _, flame = make(wavelength_coefficients=coefficients)
        pixel = np.arange(2048.0)
        exact = sum(c * pixel**power for power, c in enumerate(coefficients))
        assert flame.wavelengths == pytest.approx(exact, abs=5e-5)
        assert ask(flame, "05 03")[2:].rstrip(b"\0") == b"-1.2345679e-06"


class TestBadSettings:
    @pytest.mark.parametrize(
        "settings",
        [
            {"model": "USB650"},
            {"serial": ""},
            {"serial": "FLMS00000012345"},
            {"serial": "ÄÖ"},
            {"saturation": 0},
            {"saturation": 65536},
        ],
    )
    def test_are_refused(self, settings):
        clock = VirtualClock()
        with pytest.raises(LimitError):
            Flame(clock, expose=Lamp(clock), rng=np.random.default_rng(1), **settings)


def chi_square_is_plausible(value, freedom):
    """Tell whether a χ² value lies within 4.5 of its standard deviations."""
    return abs(value - freedom) < 4.5 * math.sqrt(2 * freedom)


class TestNoise:
    """Against theory: with means and variances known, the sums below follow χ² distributions."""

    EXPOSURE = 0.1
    FRAMES = 80

    def frames(self, flame, light):
        return np.array(
            [flame.detector.read_out(light, self.EXPOSURE) for _ in range(self.FRAMES)], float
        )

    def expected(self, flame, light, read_noise):
        gain = flame.detector.electrons_per_count
        seen = light.copy()
        seen[:21] = 0.0
        electrons = seen + flame.detector.dark_current * self.EXPOSURE
        mean = flame.detector.offsets + electrons / gain
        return mean, electrons / gain**2 + read_noise**2 + 1 / 12

    @pytest.mark.parametrize(
        ("read_noise", "top"), [(50.0, 1.5e5), (50.0, 0.0), (50.0, 300.0), (2.0, 60.0), (2.0, 0.0)]
    )
    def test_mean_and_variance_from_no_photon_to_a_full_well(self, read_noise, top):
        _, _, flame = make(read_noise=read_noise)
        light = np.linspace(0.0, top, 2048)
        frames = self.frames(flame, light)
        mean, variance = self.expected(flame, light, read_noise)
        deviation = (frames.mean(axis=0) - mean) ** 2 / (variance / self.FRAMES)
        assert chi_square_is_plausible(deviation.sum(), 2048)
        scatter = (self.FRAMES - 1) * frames.var(axis=0, ddof=1) / variance
        for part in np.split(scatter, 16):
            assert chi_square_is_plausible(part.sum(), 128 * (self.FRAMES - 1))

    @pytest.mark.parametrize(("model", "gain"), [("FLAME-S", 2.4414), ("USB4000", 1.5259)])
    def test_photon_transfer_gives_the_gain_and_the_read_noise(self, model, gain):
        _, _, flame = make(model)
        pixels = MODELS[model].pixels
        light = np.linspace(0.0, 0.9, pixels) * MODELS[model].well_depth
        frames = self.frames(flame, light)
        lit = slice(*MODELS[model].illuminated)
        signal = (frames.mean(axis=0) - flame.detector.offsets)[lit]
        variance = frames.var(axis=0, ddof=1)[lit]
        weight = 1 / (signal / gain + 2500)
        terms = np.stack([np.ones_like(signal), signal], axis=1)
        relative = math.sqrt(2 / (self.FRAMES - 1))
        covariance = np.linalg.inv((terms * weight[:, None] ** 2).T @ terms) * relative**2
        read, slope = np.linalg.lstsq(terms * weight[:, None], variance * weight, rcond=None)[0]
        assert abs(slope - 1 / gain) < 4 * math.sqrt(covariance[1, 1])
        assert abs(read - 2500) < 4 * math.sqrt(covariance[0, 0])
        assert math.sqrt(covariance[1, 1]) * gain < 0.01

    def test_no_pixel_knows_of_another_nor_a_frame_of_the_next(self):
        _, _, flame = make()
        frames = self.frames(flame, np.full(2048, 5e4))
        mean, variance = self.expected(flame, np.full(2048, 5e4), 50.0)
        z = (frames - mean) / np.sqrt(variance)
        for neighbour in (z[:, 1:] * z[:, :-1], z[1:] * z[:-1]):
            assert abs(neighbour.mean()) < 4.5 / math.sqrt(neighbour.size)

    def test_dark_current_and_its_pattern(self):
        _, _, flame = make(dark_current=20_000.0)
        dark = flame.detector.dark_current
        assert dark.mean() == pytest.approx(20_000, rel=0.03)
        assert dark.std() / dark.mean() == pytest.approx(0.2, rel=0.1)
        assert dark.min() > 0
        long = np.mean([flame.detector.read_out(np.zeros(2048), 2.0) for _ in range(50)], axis=0)
        grown = (long - flame.detector.offsets) * flame.detector.electrons_per_count
        assert np.corrcoef(grown, dark)[0, 1] > 0.99
        assert grown.mean() == pytest.approx(dark.mean() * 2.0, rel=0.01)

    @pytest.mark.parametrize("model", list(MODELS))
    def test_dark_pixels_see_no_light(self, model):
        _, _, flame = make(model)
        full = np.full(MODELS[model].pixels, 0.8 * MODELS[model].well_depth)
        frame = flame.detector.read_out(full, 1e-3).astype(float)
        first, end = MODELS[model].illuminated
        assert np.all(np.abs(frame[:first] - 1500) < 6 * 51)
        assert np.all(np.abs(frame[end:] - 1500) < 6 * 51)
        assert frame[first:end].min() > 45_000

    @pytest.mark.parametrize("saturation", [65535, 55000, 300])
    def test_saturated_pixels_are_exactly_at_the_level(self, saturation):
        _, _, flame = make(saturation=saturation)
        frame = flame.detector.read_out(np.full(2048, 1e9), 0.1)
        assert set(frame[21:].tolist()) == {saturation}
        assert frame[:21].max() < saturation / 10

    def test_converter_does_not_go_below_zero(self):
        _, _, flame = make(bias=0.0, dark_current=0.0)
        frame = flame.detector.read_out(np.zeros(2048), 0.1)
        assert frame.min() == 0
        assert np.count_nonzero(frame == 0) == pytest.approx(0.504 * 2048, abs=4.5 * math.sqrt(512))

    def test_same_seed_same_spectra(self):
        first, second = (make(rate=1e5)[2].detector for _ in range(2))
        light = np.full(2048, 1e4)
        assert np.array_equal(first.read_out(light, 0.1), second.read_out(light, 0.1))
        assert not np.array_equal(first.read_out(light, 0.1), first.read_out(light, 0.1))

    def test_light_is_left_as_it_is(self):
        detector = LineDetector(
            np.random.default_rng(1),
            pixels=64,
            illuminated=(8, 64),
            saturation=4095,
            well_depth=1e5,
            read_noise=50.0,
            dark_current=10.0,
            bias=1000.0,
        )
        light = np.full(64, 123.0)
        detector.read_out(light, 1.0)
        assert set(light.tolist()) == {123.0}


@settings(max_examples=150, deadline=None)
@given(
    model=st.sampled_from(list(MODELS)),
    transfers=st.lists(
        st.binary(max_size=20)
        | st.builds(
            lambda opcode, rest: bytes([opcode]) + rest,
            st.sampled_from([1, 2, 3, 5, 6, 9, 0x0A, 0x6A, 0x6B, 0x6C, 0x71, 0x72, 0x73, 0xFE]),
            st.binary(max_size=20),
        ),
        max_size=30,
    ),
    pause=st.floats(0.0, 1.0),
)
def test_arbitrary_bytes_neither_crash_nor_block_it(model, transfers, pause):
    clock, _, flame = make(model, rate=1e4)
    for data in transfers:
        flame.receive(data)
        clock.sleep(pause)
        for endpoint in (ANSWERS_IN, SPECTRA_IN, FIRST_PART_IN):
            flame.transmit(endpoint)
    flame.reset()
    flame.receive(b"\x01")
    flame.receive(b"\x02" + (1000).to_bytes(4, "little"))
    flame.receive(SPECTRUM)
    clock.sleep(0.01)
    assert len(ask(flame, "fe")) == 16
    size = len(flame.transmit(FIRST_PART_IN)) + len(flame.transmit(SPECTRA_IN))
    assert size == 2 * MODELS[model].pixels
    assert flame.transmit(SPECTRA_IN) == b"\x69"
