"""Several simulated devices on one wire, as addressed modules on a bus are."""

from __future__ import annotations

from collections.abc import Sequence

from labcool.clock import Clock
from simulators.device import SimulatedDevice


class Bus(SimulatedDevice):
    """One wire to several devices: each hears everything and answers what is addressed to it.

    :param devices: at least one, each with an address of its own.
    """

    def __init__(self, clock: Clock, devices: Sequence[SimulatedDevice]) -> None:
        super().__init__(clock)
        self.devices = devices

    @property
    def plug_number(self) -> int | None:
        """Get a number that changes each time the port comes back; None while it is gone."""
        numbers = [device.plug_number for device in self.devices]
        return None if None in numbers else sum(number or 0 for number in numbers)

    def transmit(self) -> bytes:
        """Return, once, all bytes that any of the devices has sent by now."""
        sent = b"".join(device.transmit() for device in self.devices)
        return b"" if self.silent else sent

    def next_transmission(self) -> float | None:
        """Return the moment (clock s) at which bytes may leave next, None if none are due."""
        if self.silent:
            return None
        moments = [device.next_transmission() for device in self.devices]
        return min((moment for moment in moments if moment is not None), default=None)

    def next_departure(self) -> float | None:
        """Return the moment (clock s) at which the rest of an answer leaves, None without one."""
        moments = [device.next_departure() for device in self.devices]
        return min((moment for moment in moments if moment is not None), default=None)

    def _accept(self, data: bytes) -> None:
        for device in self.devices:
            device.receive(data)
