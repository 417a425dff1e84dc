"""Modules on one Interbus as one simulated SuperK, and which of a bench's instruments they are.

Each module of a SuperK has a driver of its own in a bench file, all on one port; behind them is one
device, because the source sees the bus and the light passes from module to module.

On a bench a person has reset the interlock. If no driver of the bench can start the source (that of
a SELECT cannot), the person has started it as well, at full power.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Final

from labcool.errors import ConfigurationError
from simulators._light_history import Lines
from simulators._surroundings import Instruments, Surroundings
from simulators.superk import SuperK

SOURCE: Final = "drivers.superk.SuperK"
SELECT: Final = "drivers.superk_select.SuperKSelect"
VARIA: Final = "drivers.superk_varia.SuperKVaria"
MODULES: Final = (SOURCE, SELECT, VARIA)

_RF_ADDRESS: Final = 16
_SELECT_ADDRESS: Final = 18
_VARIA_ADDRESS: Final = 17
_W_PER_NM: Final = 2e-3
"""Of a source at full power; about what leaves a SELECT in one line at full amplitude, too."""


def superk(around: Surroundings) -> SuperK:
    """Return the device whose modules are the instruments on one port.

    :raises ConfigurationError: if two of them are the same kind of module.
    """
    found = _by_driver(around.modules)
    select, varia = found.get(SELECT), found.get(VARIA)

    def light_changed(lines: Lines, moment: float) -> None:
        watts = [(nm, power * _W_PER_NM) for nm, power in lines]
        around.tunable_light_changed(watts, moment)

    device = SuperK(
        around.clock,
        light_changed=light_changed,
        rf_driver=None if select is None else int(select.get("rf_address", _RF_ADDRESS)),
        select=None if select is None else int(select.get("select_address", _SELECT_ADDRESS)),
        varia=None if varia is None else int(varia.get("address", _VARIA_ADDRESS)),
    )
    device.press_reset()
    if SOURCE not in found and VARIA not in found:
        device.press_emission()
    return device


def one_device_each(
    instruments: Instruments, ports: Mapping[str, str]
) -> dict[str, tuple[str, ...]]:
    """Return the names of a bench's instruments by device, under the first name of each."""
    groups: dict[object, list[str]] = {}
    for name, (driver, _) in instruments.items():
        is_module = driver in MODULES and name in ports
        groups.setdefault((ports[name],) if is_module else name, []).append(name)
    return {names[0]: tuple(names) for names in groups.values()}


def _by_driver(modules: Instruments) -> dict[str, Mapping[str, Any]]:
    found: dict[str, tuple[str, Mapping[str, Any]]] = {}
    for name, (driver, settings) in modules.items():
        if driver in found:
            raise ConfigurationError(
                f"instruments.{name}: only one module of each kind can be simulated on one port, "
                f"and {found[driver][0]} is a {driver.rpartition('.')[2]} already."
            )
        found[driver] = name, settings
    return {driver: settings for driver, (_, settings) in found.items()}
