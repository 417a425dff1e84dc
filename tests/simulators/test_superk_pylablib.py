"""pylablib's Interbus classes (1.4.5) on the simulated SuperK, over a socket.

pylablib reads with a time-out of 10 s; its scan of the bus, which gives a module 50 ms of the
wall's time, is left out.
"""

from __future__ import annotations

import pytest
from pylablib.devices.NKT import interbus as nkt

from labcool.clock import VirtualClock
from simulators.link import TcpLink
from simulators.superk import SuperK

SOURCE, PANEL, RF, VARIA, SELECT = 15, 1, 16, 17, 18


@pytest.fixture
def device():
    made = SuperK(VirtualClock(), light_changed=lambda lines, moment: None, varia=VARIA)
    made.press_reset()
    return made


@pytest.fixture
def bus(device):
    with TcpLink(device, device.clock) as link:
        opened = nkt.GenericInterbusDevice((f"socket://{link.address}", 115200))
        yield opened
        opened.close()


def test_every_module_tells_its_type_and_serial_number(bus):
    for address, kind, serial in [
        (PANEL, 0x61, "15120005"),
        (SOURCE, 0x60, "15120001"),
        (RF, 0x66, "16030002"),
        (VARIA, 0x68, "17050004"),
        (SELECT, 0x67, "16030003"),
    ]:
        module = nkt._ib_modules.get(kind, nkt.GenericInterbusModule)(bus, address)
        assert (module.dtype, module.serial) == (kind, serial)


def test_the_whole_source_as_pylablib_reads_it(bus):
    source = nkt.SuperKExtremeInterbusModule(bus, SOURCE)
    found = {
        name: source.get_register(name) for name in source._ib_registers if "ratio" not in name
    }
    assert found == {
        "type": 0x60,
        "serial": "15120001",
        "status_bits": 0,
        "system_type": 0,
        "emission": 0,
        "setup": 1,
        "interlock": 2,
        "watchdog_interval": 0,
        "temperature_inlet": pytest.approx(24.1),
        "power": 0.0,
        "current": 0.0,
        "nim_delay": 0.0,
    }


def test_a_small_pulse_picker_ratio_is_one_byte_which_pylablib_refuses(bus):
    source = nkt.SuperKExtremeInterbusModule(bus, SOURCE)
    with pytest.raises(nkt.InterbusError, match="expects 2 bytes, got 1"):
        source.get_register("pulse_picker_ratio")
    assert source.set_register("pulse_picker_ratio", 300) == 300


def test_emission_follows_what_pylablib_writes(bus, device):
    source = nkt.SuperKExtremeInterbusModule(bus, SOURCE)
    assert source.set_register("power", 80.0) == pytest.approx(80.0)
    assert source.set_register("watchdog_interval", 20) == 20
    source.set_register("emission", 3)
    device.clock.sleep(5.0)
    assert source.get_register("emission") == 3
    assert source.get_status() == ["emission"]
    device.interlock_open = True
    assert source.get_register("interlock") == 2 << 8
    assert source.get_status() == ["interlock_off", "interlock_loop_off"]
    with pytest.raises(nkt.InterbusError, match="has not understood"):
        source.set_register("emission", 3)
    assert source.get_register("emission") == 0


def test_a_line_through_the_select(bus, device):
    source = nkt.SuperKExtremeInterbusModule(bus, SOURCE)
    driver = nkt.SuperKSelectDriverInterbusModule(bus, RF)
    housing = nkt.SuperKSelectInterbusModule(bus, SELECT)
    assert driver.get_register("crystal") == 1
    limits = [driver.get_register(name) for name in ("min_wavelength", "max_wavelength")]
    assert limits == pytest.approx([400e-9, 650e-9])
    assert [
        housing.get_register(f"{end}_wavelength{number}")
        for number in (1, 2)
        for end in ("min", "max")
    ] == pytest.approx([400e-9, 650e-9, 640e-9, 1100e-9])
    source.set_register("power", 100.0)
    source.set_register("emission", 3)
    device.clock.sleep(5.0)
    assert driver.set_register("wavelength0", 600e-9) == pytest.approx([600e-9, 0, 0, 0])
    assert driver.set_register("amplitude0", 25.0) == pytest.approx([25.0, 0])
    assert driver.set_register("power_on", 1) == 1
    assert device.light_at(device.clock.now())[0] == (600.0, 0.25)
    with pytest.raises(nkt.InterbusError, match="has not understood"):
        housing.set_register("rf_switch", 1)
    with pytest.raises(nkt.InterbusError, match="has not understood"):
        driver.set_register("wavelength0", 700e-9)
    driver.set_register("power_on", 0)
    assert housing.set_register("rf_switch", 1) == 1
    assert driver.set_register("wavelength0", 700e-9)[0] == pytest.approx(700e-9)


def test_edges_of_a_varia(bus, device):
    assert bus.ib_set_reg(VARIA, 0x33, 6500, "u16") == 6500
    assert bus.ib_get_reg(VARIA, 0x66, "u16") & 0x7000
    device.clock.sleep(10.0)
    assert bus.ib_get_reg(VARIA, 0x66, "u16") & 0x7000 == 0
    assert device._varia._travels["swp"].position(device.clock.now()) == 6500
