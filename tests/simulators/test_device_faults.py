"""What every simulated device can suffer itself, and how it starts after a power cut."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from instrument_rig import ignore

from labcool.clock import VirtualClock
from simulators._surroundings import Surroundings
from simulators.bench import DEVICES
from simulators.cobolt import Cobolt06
from simulators.device import SimulatedDevice
from simulators.elliptec import ELL14
from simulators.faults import KINDS, STATE_FAULTS, Fault, FaultyDevice, FaultyLine, kinds_for
from simulators.finesse import Finesse
from simulators.flame import Flame
from simulators.k10cr1 import K10CR1
from simulators.ksc101 import KSC101
from simulators.lakeshore import LakeShore
from simulators.linkam import LinkamT95
from simulators.mc2000b import MC2000B
from simulators.obis import Obis
from simulators.pm100d import PM100D
from simulators.sc10 import SC10
from simulators.sr830 import SR830
from simulators.superk import SuperK
from simulators.ttl_shutter import ControlLinePort, TTLShutter


def told(device: Any, *commands: bytes, wait: float = 0.1) -> bytes:
    """Return what a device answers to commands, each after a pause."""
    answers = b""
    for command in commands:
        device.receive(command)
        device.clock.sleep(wait)
        answers += device.transmit()
    return answers


@pytest.fixture
def clock() -> VirtualClock:
    return VirtualClock()


@pytest.mark.parametrize("driver", DEVICES)
def test_every_device_of_a_bench_can_have_faults(driver: str) -> None:
    around = Surroundings(VirtualClock(), np.random.default_rng(1), {}, in_beam=False)
    device = DEVICES[driver](around)
    host = around.fault_host(device)
    assert host is not None
    assert host.kinds == kinds_for("it", driver, {})
    assert {"disconnect", "power_cycle"} <= set(host.kinds)
    assert set(STATE_FAULTS) <= set(KINDS)
    if isinstance(device, SimulatedDevice | Flame):  # the others are below a library, in their host
        assert set(device.conditions()) <= set(STATE_FAULTS)
        for condition in device.conditions().values():
            condition(True)
            condition(False)
    if isinstance(device, SimulatedDevice) and not isinstance(device, TTLShutter):
        device.power_cycle()
        assert device.next_departure() is None


class TestAfterAPowerCut:
    def test_shutters_are_closed(self, clock: VirtualClock) -> None:
        sc10 = SC10(clock, moved=ignore)
        told(sc10, b"rep=7\r", b"savp\r", b"rep=9\r", b"mode=2\r", b"mode=1\r", b"ens\r")
        assert sc10._blade.is_open(clock.now())
        sc10.power_cycle()
        clock.sleep(0.1)
        assert not sc10._blade.is_open(clock.now())
        assert told(sc10, b"ens?\r", b"rep?\r") == b"ens?\r0\r> rep?\r7\r> "

        ksc101 = KSC101(clock, moved=ignore)
        told(ksc101, bytes.fromhex("cb 04 01 01 50 01"))
        assert ksc101._blade.is_open(clock.now())
        ksc101.power_cycle()
        clock.sleep(0.1)
        assert not ksc101._blade.is_open(clock.now())

    def test_lasers_are_dark(self, clock: VirtualClock) -> None:
        finesse = Finesse(clock, power_changed=ignore)
        told(finesse, b"POWER=0.5\r", b"SHUTTER OPEN\r")
        finesse.power_cycle()
        assert told(finesse, b"STATUS?\r", b"SHUTTER?\r") == b"DISABLED\r\nSHUTTER CLOSED\r\n"
        assert finesse.power_in_head(clock.now()) == 0.0

        obis = Obis(clock, power_changed=ignore, warm_up=10.0)
        clock.sleep(10.0)
        told(obis, b"SOUR:AM:STAT ON\r\n")
        clock.sleep(6.0)
        assert obis.power_at(clock.now()) > 0
        obis.power_cycle()
        assert obis.power_at(clock.now() + 60.0) == 0.0
        assert told(obis, b"SYST:STAT?\r\n").startswith(b"C8000100")

    def test_a_laser_with_autostart_emits_again(self, clock: VirtualClock) -> None:
        cobolt = Cobolt06(clock, power_changed=ignore, autostart=True, start_up=5.0)
        told(cobolt, b"p 0.0500\r")
        clock.sleep(5.0)
        assert cobolt.power_at(clock.now()) == 0.05
        cobolt.power_cycle()
        assert cobolt.power_at(clock.now()) == 0.0
        clock.sleep(5.0)
        assert cobolt.power_at(clock.now()) == 0.05
        dark = Cobolt06(clock, power_changed=ignore)
        told(dark, b"p 0.0500\r", b"l1\r")
        dark.power_cycle()
        assert dark.power_at(clock.now() + 60.0) == 0.0

    def test_mounts_do_not_know_where_they_stand(self, clock: VirtualClock) -> None:
        ell14 = ELL14(clock, turned=ignore)
        told(ell14, b"0ma00004600", wait=3.0)
        truth = ell14.angle_at(clock.now())
        assert truth == pytest.approx(45.0, abs=0.01)
        ell14.power_cycle()
        assert ell14.angle_at(clock.now()) == truth
        assert told(ell14, b"0gp") == b"0PO00000000\r\n"

        k10cr1 = K10CR1(clock, turned=ignore)
        told(k10cr1, bytes.fromhex("43 04 01 00 50 01"), wait=60.0)
        assert k10cr1._is_homed
        here = k10cr1.angle_at(clock.now())
        k10cr1.power_cycle()
        assert not k10cr1._is_homed
        assert k10cr1.angle_at(clock.now()) == pytest.approx(here, abs=1e-5)

    def test_nothing_heats(self, clock: VirtualClock) -> None:
        linkam = LinkamT95(clock)
        told(linkam, b"T\r", b"R11000\r", b"L11000\r", b"S\r", wait=5.0)
        linkam.power_cycle()
        assert told(linkam, b"S\r") == b""
        assert told(linkam, b"T\r")[:2] == b"\x01\x80"

        lakeshore = LakeShore(clock, model="336")
        told(lakeshore, b"RAMP 1,1,3\n", b"SETP 1,120\n", b"RANGE 1,3\n", wait=20.0)
        assert lakeshore.heater_power() > 0
        lakeshore.power_cycle()
        clock.sleep(0.2)
        assert lakeshore.heater_power() == 0.0
        assert told(lakeshore, b"RANGE? 1;RAMPST? 1;*ESR?\n") == b"0;0;128\r\n"

    def test_the_rest(self, clock: VirtualClock) -> None:
        chopper = MC2000B(clock)
        told(chopper, b"freq=350\r", b"enable=1\r")
        chopper.power_cycle()
        answers = told(chopper, b"enable?\r", b"freq?\r")
        assert answers == b"enable?\r0\r> freq?\r350\r> "

        meter = PM100D(clock, power=lambda _: 1e-3, wavelength=532.0)
        told(meter, b"SENS:CORR:WAV 532\n", b"*ESR?\n")
        meter.power_cycle()
        assert float(told(meter, b"SENS:CORR:WAV?\n")) == 635.0

        lock_in = SR830(clock, signal=lambda _: 0j, reference=lambda _: None, interface="rs232")
        told(lock_in, b"OUTX0\r", b"FREQ 777\r")
        lock_in.power_cycle()
        assert told(lock_in, b"FREQ?\r") == b""
        assert float(told(lock_in, b"OUTX0\r", b"FREQ?\r")) == 777.0

        supercontinuum = SuperK(clock, light_changed=ignore)
        supercontinuum.press_reset()
        supercontinuum._source._power.value = 400
        assert supercontinuum._source._write_emission(b"\x03")
        clock.sleep(3.0)
        assert supercontinuum._source.output_at(clock.now()) > 0
        supercontinuum.power_cycle()
        assert supercontinuum._source.output_at(clock.now() + 60.0) == 0.0
        assert not supercontinuum._source.interlock_is_ok


def test_a_line_has_only_faults_that_a_line_can_have(clock: VirtualClock) -> None:
    shutter = TTLShutter(clock, moved=ignore)
    port = ControlLinePort(shutter, None)
    port.port = "simulated"
    host = FaultyLine(shutter, port)
    assert host.kinds == ("disconnect", "power_cycle", "stuck", "sensor_open")
    port.dtr = port.rts = False
    port.open()
    host.inject(Fault("stuck", from_s=1.0))
    port.dtr = True
    clock.sleep(0.5)
    assert not port.cts
    clock.sleep(1.0)
    assert not port.cts
    port.dtr = False
    clock.sleep(0.5)
    assert shutter.is_open(clock.now())
    assert not port.cts


def test_a_fault_between_says_what_the_device_says(clock: VirtualClock) -> None:
    device = SC10(clock, moved=ignore)
    faulty = FaultyDevice(device)
    faulty.inject(Fault("interlock_open", for_s=1.0))
    assert told(faulty, b"interlock?\r") == b"interlock?\r1\r> "
    clock.sleep(1.0)
    assert told(faulty, b"interlock?\r") == b"interlock?\r0\r> "
