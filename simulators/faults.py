"""Faults: what goes wrong between a driver and its instrument, on demand and repeatably.

A :class:`Fault` is data: its kind, after how many answers, from when on, with what probability, how
often, how long. It is put into a *host*, which stands between a simulated device and its link:
:class:`FaultyDevice` for everything that speaks in bytes, whatever the link; :class:`FaultyUsb` for
a spectrometer below its USB library; :class:`FaultyLine` for a shutter on a control line;
:class:`FaultyAndor` and :class:`FaultyShamrock` in the calls of the vendor's libraries. A
:class:`~simulators.bench.SimulatedBench` has a host for each instrument, and a bench file can give
faults under ``simulation: {faults: [...]}``.

    faulty = FaultyDevice(device)
    link = MemoryLink(faulty, clock)
    late = faulty.inject(Fault("late", after=3, delay_s=2.0))
    ...
    assert late.hits == 1

What a fault of the device itself does (``stuck``, ``interlock_open`` …) the device says, in
:meth:`~simulators.device.SimulatedDevice.conditions`. Chance is diced by the host's own seeded
generator, so that the same faults hit the same answers each time.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np

from labcool.clock import VirtualClock
from simulators._devices import factory
from simulators._fault import ANSWER_FAULTS, KINDS, PARAMETERS, STATE_FAULTS, Fault
from simulators._fault_host import FaultHost, Injection
from simulators._faulty_andor import FaultyAndor, FaultyShamrock
from simulators._faulty_device import FaultyDevice
from simulators._faulty_line import FaultyLine
from simulators._faulty_usb import FaultyFlameLink, FaultyUsb
from simulators._surroundings import Surroundings

__all__ = [
    "ANSWER_FAULTS",
    "KINDS",
    "PARAMETERS",
    "STATE_FAULTS",
    "Fault",
    "FaultHost",
    "FaultyAndor",
    "FaultyDevice",
    "FaultyFlameLink",
    "FaultyLine",
    "FaultyShamrock",
    "FaultyUsb",
    "Injection",
    "kinds_for",
]


def kinds_for(name: str, driver: str, settings: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the names of the faults that the device behind a driver can have.

    :param name: of the instrument.
    :param driver: its dotted path, as in bench files.
    :param settings: those of the driver.
    :raises ConfigurationError: if there is no simulated device for the driver.
    """
    dice = np.random.default_rng(0)
    around = Surroundings(VirtualClock(), dice, settings, in_beam=False)
    host = around.fault_host(factory(name, driver)(around))
    return () if host is None else host.kinds
