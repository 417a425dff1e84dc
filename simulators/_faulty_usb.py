"""A spectrometer on USB with faults between it and the host: on packets, below the USB library."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from functools import partial
from typing import Any

import numpy as np

from simulators._fault_answers import Answer, altered
from simulators._fault_host import FaultHost
from simulators.device import Switch
from simulators.flame import MODELS, Flame
from simulators.usb_backend import FlameLink


class FaultyUsb(FaultHost):
    """A Flame as the bus sees it; without a fault everything passes as it is.

    An answer is what leaves through an endpoint at once: a slot of the EEPROM, a spectrum, or the
    byte behind it. None is garbled or comes twice: each packet on the bus has a checksum and a
    number, and is repeated or dropped by the controllers at both ends.
    """

    _answer_faults = ("late", "dropped", "shifted", "truncated")

    def __init__(self, device: Flame, rng: np.random.Generator | None = None) -> None:
        super().__init__(device.clock, rng)
        self.device = device
        self._stranger: Flame | None = None
        self._waiting: dict[int, deque[tuple[float, bytes]]] = {
            endpoint: deque() for endpoint in device.endpoints
        }
        self._before: dict[int, bytes] = {}
        self._plugging: Switch = lambda _: None

    @property
    def vendor_id(self) -> int:
        """USB vendor number."""
        return self._speaker.vendor_id

    @property
    def product_id(self) -> int:
        """USB product number."""
        return self._speaker.product_id

    @property
    def endpoints(self) -> Mapping[int, int]:
        """Largest packet (bytes) of each bulk endpoint."""
        return self._speaker.endpoints

    def states(self) -> Mapping[str, Switch]:
        """Return the lasting faults that the spectrometer can have, and those of its plug."""
        return {
            "disconnect": self._unplug,
            "power_cycle": self._unplug,
            "wrong_device": self._replace,
            **self.device.conditions(),
        }

    def receive(self, data: bytes) -> None:
        """Take one transfer from the host."""
        self.poke()
        self._speaker.receive(data)

    def transmit(self, endpoint: int) -> bytes:
        """Return, once, the next answer that has left through an endpoint by now."""
        self.poke()
        self._collect(endpoint)
        waiting = self._waiting[endpoint]
        if waiting and waiting[0][0] <= self.device.clock.now():
            return waiting.popleft()[1]
        return b""

    def next_transmission(self, endpoint: int) -> float | None:
        """Return when (clock s) an endpoint has something to read; None: unknown or never."""
        self.poke()
        self._collect(endpoint)
        if self._waiting[endpoint]:
            return self._waiting[endpoint][0][0]
        return self._speaker.next_transmission(endpoint)

    def reset(self) -> None:
        """Forget unread packets and what is going on."""
        for waiting in self._waiting.values():
            waiting.clear()
        self._speaker.reset()

    def power_on(self) -> None:
        """Begin with the settings of a device that has just got its power."""
        self._speaker.power_on()

    def plug_into(self, plugging: Switch) -> None:
        """Have the cable pulled (True) and put back (False) by ``plugging``."""
        self._plugging = plugging

    @property
    def _speaker(self) -> Flame:
        return self.device if self._stranger is None else self._stranger

    def _collect(self, endpoint: int) -> None:
        while sent := self._speaker.transmit(endpoint):
            now = self.device.clock.now()
            answer: Answer = [(now, sent)]
            before = self._before.get(endpoint, b"")
            self._before[endpoint] = sent
            for fault in self._hits(answer=sent, before=before):
                if answer:
                    answer = altered(answer, fault, before, slice(None), self._fault_rng)
            self._waiting[endpoint].extend((when, piece) for when, piece in answer if piece)

    def _unplug(self, unplugged: bool) -> None:
        self._plugging(unplugged)

    def _replace(self, replaced: bool) -> None:
        other = "USB4000" if self.device.model.name != "USB4000" else "FLAME-S"
        self._unplug(True)
        self._stranger = None
        if replaced:
            pixels = MODELS[other].pixels
            self._stranger = Flame(
                self.device.clock,
                expose=lambda _start, _duration: partial(np.zeros, pixels),
                rng=np.random.default_rng(0),
                model=other,
                serial="OTHER00001",
            )
        self._unplug(False)


class FaultyFlameLink(FlameLink):
    """Where the spectrometer driver may connect; its faults begin as soon as it is used.

    :param device: the simulated spectrometer.
    """

    def __init__(self, device: Flame, rng: np.random.Generator | None = None) -> None:
        self.faulty = FaultyUsb(device, rng)
        super().__init__(self.faulty, device.clock)
        self.faulty.plug_into(lambda unplug: self.unplug() if unplug else self.plug())

    def open(self, **settings: Any) -> Any:
        """Return seabreeze's spectrometer object, opened on this very device.

        :raises SeaBreezeError: if the device is unplugged or open already.
        """
        self.faulty.poke()
        return super().open(**settings)
