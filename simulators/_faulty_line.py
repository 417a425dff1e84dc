"""Faults of a shutter on a control line, which has no bytes that could be wrong."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from simulators._fault_host import FaultHost
from simulators.device import Switch
from simulators.ttl_shutter import ControlLinePort, TTLShutter


class FaultyLine(FaultHost):
    """A shutter and the port on whose lines it hangs; its faults begin as soon as it is used.

    :param port: whose lines are looked at and driven.
    """

    _answer_faults = ()

    def __init__(
        self, shutter: TTLShutter, port: ControlLinePort, rng: np.random.Generator | None = None
    ) -> None:
        super().__init__(shutter.clock, rng)
        self.device = shutter
        self._port = port
        port.before_use = self.poke

    def states(self) -> Mapping[str, Switch]:
        """Return the lasting faults that the shutter can have, and that of its port."""

        def disconnect(gone: bool) -> None:
            self.device.silent = gone
            if gone:
                self._port.vanish()

        return {"disconnect": disconnect, **self.device.conditions()}
