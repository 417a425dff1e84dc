"""Faults of what hangs on the lines of a port or card, and has no bytes that could be wrong."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from simulators._daq_card import DaqCard, OnCard
from simulators._fault_host import FaultHost
from simulators.device import Switch
from simulators.ttl_shutter import ControlLinePort, TTLShutter


class FaultyLine(FaultHost):
    """A device and the port or card on whose lines it hangs; its faults begin when it is used.

    :param device: a shutter, or what is at the voltage inputs of a card.
    :param port: whose lines are looked at and driven.
    """

    _answer_faults = ()

    def __init__(
        self,
        device: TTLShutter | DaqCard,
        port: ControlLinePort | OnCard,
        rng: np.random.Generator | None = None,
    ) -> None:
        super().__init__(device.clock, rng)
        self.device = device
        self._port = port
        port.before_use = self.poke

    def states(self) -> Mapping[str, Switch]:
        """Return the lasting faults that the shutter can have, and that of its port."""

        def disconnect(gone: bool) -> None:
            self.device.silent = gone
            if gone:
                self._port.vanish()

        return {"disconnect": disconnect, **self.device.conditions()}
