"""The real seabreeze library on simulated spectrometers."""

from __future__ import annotations

import gc
import math
import weakref
from contextlib import contextmanager

import numpy as np
import pytest
import seabreeze.backends
import seabreeze.pyseabreeze.transport
import usb.core
from seabreeze.spectrometers import SeaBreezeError, Spectrometer

from labcool.clock import VirtualClock
from simulators.flame import ANSWERS_IN, MODELS, SPECTRA_IN, Flame
from simulators.usb_backend import FlameLink, SimulatedUsb

NAMES = {"FLAME-S": "FLAMES", "USB2000+": "USB2000PLUS", "USB4000": "USB4000"}
READOUT = 0.001


class PlannedClock(VirtualClock):
    """A clock that does something once, when its time comes."""

    def __init__(self):
        super().__init__()
        self.plan = None

    def at(self, moment, action):
        self.plan = (moment, action)

    def sleep(self, seconds):
        super().sleep(seconds)
        if self.plan is not None and self.now() >= self.plan[0]:
            (_, action), self.plan = self.plan, None
            action()


class Rig:
    """A spectrometer under a light that shines the same on all pixels, electrons/s."""

    def __init__(self, model="FLAME-S", rate=0.0, **settings):
        self.clock = PlannedClock()
        self.rate = rate
        pixels = MODELS[model].pixels
        self.flame = Flame(
            self.clock,
            model=model,
            rng=np.random.default_rng(3),
            expose=lambda _start, duration: lambda: np.full(pixels, self.rate * duration),
            readout=READOUT,
            **settings,
        )
        self.link = FlameLink(self.flame, self.clock)
        self.gain = MODELS[model].well_depth / 65535

    @contextmanager
    def opened(self, exposure_us=10_000):
        spectrometer = self.link.open()
        spectrometer.integration_time_micros(exposure_us)
        try:
            yield spectrometer
        finally:
            spectrometer.close()


def took(clock, action):
    start = clock.now()
    result = action()
    return clock.now() - start, result


class TestThreeModels:
    @pytest.mark.parametrize("model", list(NAMES))
    def test_seabreeze_sees_the_instrument(self, model):
        rig = Rig(model, rate=5e5, serial="SN-00017", saturation=60_000)
        limits = {"USB4000": (10, 65_535_000)}.get(model, (1000, 655_350_000))
        with rig.opened(100_000) as spectrometer:
            assert isinstance(spectrometer, Spectrometer)
            assert spectrometer.serial_number == "SN-00017"
            assert spectrometer.model == NAMES[model]
            assert spectrometer.pixels == MODELS[model].pixels
            assert spectrometer.integration_time_micros_limits == limits
            assert spectrometer.max_intensity == 65535
            assert spectrometer.wavelengths() == pytest.approx(rig.flame.wavelengths, abs=1e-9)

            elapsed, counts = took(rig.clock, spectrometer.intensities)
            assert elapsed == pytest.approx(0.100 + READOUT, rel=1e-9)
            lit = slice(*MODELS[model].illuminated)
            mean = 1500 + (5e4 + 150) / rig.gain
            spread = math.sqrt(5e4) / rig.gain + 50
            tolerance = 4.5 * spread / math.sqrt(counts[lit].size)
            assert counts[lit].mean() == pytest.approx(mean, abs=tolerance + 1)
            dark = np.ravel(spectrometer.f.spectrometer.get_electric_dark_pixel_indices())
            assert set(dark.tolist()) <= set(range(MODELS[model].illuminated[0]))
            assert counts[dark].mean() == pytest.approx(1500 + 150 / rig.gain, abs=60)

    def test_two_hundred_spectra_keep_their_time(self):
        rig = Rig()
        with rig.opened(25_000) as spectrometer:
            elapsed, spectra = took(
                rig.clock, lambda: [spectrometer.intensities() for _ in range(200)]
            )
        assert elapsed == pytest.approx(200 * (0.025 + READOUT), rel=1e-9)
        assert len({spectrum.tobytes() for spectrum in spectra}) == 200

    def test_dark_correction_of_seabreeze_works_and_the_detector_is_linear(self):
        rig = Rig(rate=1e6)
        with rig.opened(50_000) as spectrometer:
            nonlinearity = spectrometer.f.nonlinearity_coefficients
            assert nonlinearity.get_nonlinearity_coefficients() == [1.0] + [0.0] * 7
            counts = spectrometer.intensities(correct_dark_counts=True)
        assert counts[21:].mean() == pytest.approx(5e4 / rig.gain, abs=60)

    @pytest.mark.parametrize("saturation", [65535, 30_000])
    def test_saturated_pixels_read_exactly_the_maximum(self, saturation):
        rig = Rig(rate=1e6, saturation=saturation)
        with rig.opened(100_000) as spectrometer:
            bright = spectrometer.intensities()
            rig.rate = 1e8
            saturated = spectrometer.intensities()
        assert bright[21:].mean() == pytest.approx(1500 + 1.0015e5 / rig.gain, abs=15)
        steps = bright * saturation / 65535
        assert steps == pytest.approx(np.rint(steps), abs=1e-6)
        assert set(saturated[21:].tolist()) == {65535.0}
        assert saturated[:21].max() < 2000

    def test_status_and_temperature_over_the_raw_bus(self):
        rig = Rig()
        with rig.opened(20_000) as spectrometer:
            raw = spectrometer.f.raw_usb_bus_access
            raw.raw_usb_write(b"\xfe", "primary_out")
            status = raw.raw_usb_read("primary_in", 16)
            raw.raw_usb_write(b"\x6c", "primary_out")
            temperature = raw.raw_usb_read("primary_in", 3)
        assert status == bytes.fromhex("00 08 20 4e 00 00 00 00 00 08 01 00 00 00 80 00")
        assert temperature == bytes.fromhex("08 81 1f")

    def test_seabreeze_reads_the_eeprom(self):
        rig = Rig(wavelength_coefficients=(400.0, 0.15, -1e-6, 0.0))
        with rig.opened() as spectrometer:
            slots = [spectrometer.f.eeprom.eeprom_read_slot(slot) for slot in (0, 1, 2, 14)]
        assert slots == ["FLMS12345", "400.0", "0.15", "7"]

    def test_continuous_strobe_reaches_the_registers(self):
        rig = Rig()
        with rig.opened() as spectrometer:
            spectrometer.f.continuous_strobe.set_enable(True)
            spectrometer.f.continuous_strobe.set_period_micros(10_000)
        rig.flame.receive(bytes.fromhex("6b 08"))
        rig.flame.receive(bytes.fromhex("6b 0c"))
        high, low = rig.flame.transmit(ANSWERS_IN), rig.flame.transmit(ANSWERS_IN)
        assert rig.flame.lamp_on
        assert (high[1:], low[1:]) == (b"\x07\x00", b"\x00\x53")

    def test_exposure_out_of_range_is_refused_by_seabreeze(self):
        rig = Rig()
        with rig.opened() as spectrometer, pytest.raises(SeaBreezeError, match="Integration"):
            spectrometer.integration_time_micros(999)
        assert rig.flame.integration_time == 0.010


class TestWaiting:
    def test_no_trigger_no_spectrum_but_a_timeout(self):
        rig = Rig()
        with rig.opened(10_000) as spectrometer:
            spectrometer.trigger_mode(3)
            start = rig.clock.now()
            with pytest.raises(usb.core.USBTimeoutError) as caught:
                spectrometer.intensities()
        assert caught.value.errno == 110
        assert rig.clock.now() - start == pytest.approx(0.010 + 1.0, rel=1e-9)

    def test_trigger_while_the_host_waits(self):
        rig = Rig()
        with rig.opened(10_000) as spectrometer:
            spectrometer.trigger_mode(3)
            rig.clock.at(rig.clock.now() + 0.5, rig.flame.trigger)
            elapsed, counts = took(rig.clock, spectrometer.intensities)
        assert counts.size == 2048
        assert elapsed == pytest.approx(0.5 + 0.010 + READOUT, rel=1e-9)

    def test_late_spectrum_is_read_instead_of_the_next(self):
        rig = Rig(rate=0.0)
        with rig.opened(10_000) as spectrometer:
            spectrometer.trigger_mode(3)
            with pytest.raises(usb.core.USBTimeoutError):
                spectrometer.intensities()
            rig.flame.trigger()
            rig.clock.sleep(1.0)
            spectrometer.trigger_mode(0)
            rig.rate = 1e7
            late, fresh = spectrometer.intensities(), spectrometer.intensities()
        assert late[21:].mean() < 2_000
        assert fresh[21:].mean() > 30_000

    def test_silent_instrument_is_a_timeout(self):
        rig = Rig()
        with rig.opened() as spectrometer:
            rig.flame.silent = True
            with pytest.raises(usb.core.USBTimeoutError):
                spectrometer.intensities()
            rig.flame.silent = False
            assert spectrometer.intensities().size == 2048

    def test_longest_default_timeout_is_bounded(self):
        rig = Rig()
        spectrometer = rig.link.open()
        spectrometer.trigger_mode(2)
        with pytest.raises(usb.core.USBTimeoutError):
            spectrometer.intensities()
        spectrometer.close()
        assert rig.clock.now() == pytest.approx(655.35 + 1.0, rel=1e-9)

    def test_packet_that_does_not_fit_is_an_overflow(self):
        rig = Rig()
        with rig.opened() as spectrometer:
            raw = spectrometer.f.raw_usb_bus_access
            raw.raw_usb_write(b"\xfe", "primary_out")
            with pytest.raises(usb.core.USBError) as caught:
                raw.raw_usb_read("primary_in", 15)
            assert caught.value.errno == 75
            raw.raw_usb_write(b"\xfe", "primary_out")
            assert len(raw.raw_usb_read("primary_in", 64)) == 16

    def test_part_of_a_spectrum_is_returned_as_it_is(self):
        rig = Rig()
        device = usb.core.find(backend=rig.link.usb)
        device.set_configuration()
        device.write(0x01, b"\x09")
        rig.clock.sleep(1.0)
        assert len(device.read(0x82, 1024, timeout=10)) == 1024
        assert len(device.read(0x82, 8192, timeout=10)) == 3073
        usb.util.dispose_resources(device)

    def test_read_without_a_timeout_ends_nevertheless(self):
        rig = Rig()
        device = usb.core.find(backend=rig.link.usb)
        device.set_configuration()
        with pytest.raises(usb.core.USBTimeoutError):
            device.read(0x81, 64, timeout=0)
        assert rig.clock.now() == pytest.approx(60.0, rel=1e-9)
        device.write(0x01, b"\x02" + (100_000_000).to_bytes(4, "little"))
        device.write(0x01, b"\x09")
        assert len(device.read(0x82, 4097, timeout=0)) == 4097
        assert rig.clock.now() == pytest.approx(160.001, rel=1e-9)
        usb.util.dispose_resources(device)


class TestCable:
    def test_unplugged_between_spectra(self):
        rig = Rig()
        with rig.opened() as spectrometer:
            spectrometer.intensities()
            rig.link.unplug()
            for action in (spectrometer.intensities, lambda: spectrometer.trigger_mode(0)):
                with pytest.raises(usb.core.USBError) as caught:
                    action()
                assert caught.value.errno == 19

    def test_unplugged_during_an_exposure(self):
        rig = Rig()
        with rig.opened(60_000_000) as spectrometer:
            rig.clock.at(5.0, rig.link.unplug)
            with pytest.raises(usb.core.USBError) as caught:
                spectrometer.intensities()
        assert caught.value.errno == 19
        assert rig.clock.now() == pytest.approx(5.0, abs=0.11)

    def test_opening_what_is_not_there(self):
        rig = Rig()
        rig.link.unplug()
        with pytest.raises(SeaBreezeError, match="attached"):
            rig.link.open()

    def test_plugged_in_again_it_begins_with_its_power_on_settings(self):
        rig = Rig()
        with rig.opened(500_000) as old:
            rig.link.unplug()
            rig.link.plug()
            assert rig.flame.integration_time == 0.006
            with rig.opened(20_000) as new:
                assert new.intensities().size == 2048
                with pytest.raises(usb.core.USBError):
                    old.intensities()

    def test_closing_an_unplugged_instrument_is_quiet(self):
        rig = Rig()
        spectrometer = rig.link.open()
        rig.link.unplug()
        spectrometer.close()
        del spectrometer
        gc.collect()


class TestManyInstruments:
    def test_opening_touches_no_other_device_and_no_network(self, monkeypatch):
        def no_network(*_args):
            raise AssertionError("a socket was made")

        monkeypatch.setattr(seabreeze.pyseabreeze.transport.socket, "socket", no_network)
        requested = seabreeze.backends.BackendConfig.requested
        first, second = Rig(serial="A"), Rig("USB4000", serial="B")
        with first.opened(100_000) as a:
            first.flame.receive(b"\x09")
            with second.opened(100_000) as b:
                assert (a.serial_number, b.serial_number) == ("A", "B")
                gc.collect()
                assert first.flame.next_transmission(SPECTRA_IN) is not None
                assert b.intensities().size == 3840
        assert seabreeze.backends.BackendConfig.requested == requested

    def test_two_on_one_bus(self):
        rig, other = Rig(serial="A"), Rig(serial="B")
        bus = SimulatedUsb(rig.clock)
        addresses = {bus.plug(rig.flame), bus.plug(other.flame)}
        found = list(usb.core.find(find_all=True, backend=bus))
        assert {device.address for device in found} == addresses
        bus.unplug(rig.flame)
        assert bus.address_of(rig.flame) is None
        assert len(list(bus.enumerate_devices())) == 1

    def test_a_second_opening_is_refused(self):
        rig = Rig()
        with rig.opened() as spectrometer:
            with pytest.raises(SeaBreezeError, match="already opened"):
                rig.link.open()
            gc.collect()
            assert spectrometer.intensities().size == 2048

    def test_another_handle_finds_the_interface_busy(self):
        rig = Rig()
        with rig.opened():
            stranger = usb.core.find(backend=rig.link.usb)
            with pytest.raises(usb.core.USBError) as caught:
                stranger.set_configuration()
            assert caught.value.errno == 16

    def test_closed_and_opened_again(self):
        rig = Rig()
        for _ in range(2):
            with rig.opened() as spectrometer:
                assert spectrometer.intensities().size == 2048

    def test_benches_one_after_the_other_leave_nothing_behind(self):
        ghosts = []
        for number in range(2):
            rig = Rig(serial=f"BENCH{number}")
            with rig.opened() as spectrometer:
                assert spectrometer.serial_number == f"BENCH{number}"
                assert spectrometer.intensities().size == 2048
            ghosts += [weakref.ref(rig.flame), weakref.ref(rig.link.usb)]
            del rig, spectrometer
        gc.collect()
        assert [ghost() for ghost in ghosts] == [None] * 4
