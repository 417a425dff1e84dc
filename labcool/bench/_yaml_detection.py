"""Whether a simulated bench has what the detectors of its ``simulation:`` section need."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from labcool.bench._yaml_problems import Fault
from labcool.bench.roles import Laser, LockIn, PowerMeter, missing_members

TUNABLE_SOURCES = "drivers.superk"
"""How the modules begin whose classes are tunable sources: a pump that is no laser."""

_WHOSE: Mapping[str, type] = {"lock_in_input": LockIn, "power_meter": PowerMeter}


def detection_faults(data: Mapping[str, Any], drivers: Mapping[str, type[Any]]) -> Iterator[Fault]:
    """Yield what is wrong with the plain data of a bench file.

    :param drivers: classes of the instruments, by name.
    """
    simulation = data.get("simulation")
    if not isinstance(simulation, dict):
        return
    for key, role in _WHOSE.items():
        if key in simulation and not _with_role(drivers, role):
            what = f"no instrument of this bench is a {role.__name__}"
            yield Fault(("simulation", key), what, hint="remove the key", on_key=True)
    lasers = _with_role(drivers, Laser)
    tunable = any(d.__module__.startswith(TUNABLE_SOURCES) for d in drivers.values())
    if simulation.get("lock_in_input") == "photothermal" and len(lasers) + tunable < 2:
        there = f"has only {lasers[0]}" if lasers else "has none"
        yield Fault(
            ("simulation", "lock_in_input"),
            f"photothermal needs a probe laser besides the pump, and this bench {there}",
            "luminescence",
            "add the probe laser to the instruments, like drivers.obis.Obis",
        )


def _with_role(drivers: Mapping[str, type[Any]], role: type) -> list[str]:
    return [name for name, driver in drivers.items() if not missing_members(driver, role)]
