"""A spectrometer on USB whose answers a script changes, below pyusb and seabreeze.

Besides the bytes, a transfer may raise what libusb, pyusb or seabreeze raise on a bad day.
"""

from __future__ import annotations

import itertools
import struct
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import numpy as np
import usb.core
from cases_of_detection import CASES
from fuzz_bytes import CHANGES, KEEP, Change
from fuzz_case import FuzzCase, Log, Reading, assigned, attribute, same
from fuzz_port import MOST_LOOKS, Exchange, Unbounded
from fuzz_rig import FuzzRig
from hypothesis import strategies as st

from labcool.clock import VirtualClock
from simulators.flame import Flame
from simulators.usb_backend import FlameLink

SPECTRA_IN, FIRST_PART_IN = 0x82, 0x86
TROUBLES: tuple[Callable[[], Exception], ...] = (
    *(
        partial(usb.core.USBError, words, code, number)
        for words, code, number in (
            ("Pipe error", -9, 32),
            ("No such device (it may have been disconnected)", -4, 19),
            ("Overflow", -8, 75),
            ("Input/Output Error", -1, 5),
            ("Access denied (insufficient permissions)", -3, 13),
            ("Unknown error", -99, None),
        )
    ),
    partial(usb.core.USBTimeoutError, "Operation timed out", -7, 110),
    partial(usb.core.USBTimeoutError, "Operation timed out", -116, 10060),
    partial(NotImplementedError, "Operation not supported or unimplemented on this platform"),
    partial(OSError, 5, "Input/output error"),
    partial(RuntimeError, "device not opened"),
    partial(ValueError, "could not convert"),
    partial(struct.error, "unpack requires a buffer of 2 bytes"),
    partial(IndexError, "index out of range"),
    partial(KeyError, "high_speed"),
    partial(TypeError, "'NoneType' object is not subscriptable"),
    partial(AttributeError, "'NoneType' object has no attribute 'read'"),
    partial(OverflowError, "cannot convert float infinity to integer"),
    AssertionError,
)
USB_CHANGES = st.one_of(
    CHANGES, st.builds(Change, st.just("raise"), many=st.integers(0, len(TROUBLES) - 1))
)


@dataclass
class Transfers(Exchange):
    """What was written at once, and all that then came through each endpoint."""

    through: dict[int, bytes] = field(default_factory=dict)


class FuzzedUsb:
    """A spectrometer as the bus sees it; one change for each answer that leaves an endpoint."""

    def __init__(self, device: Flame) -> None:
        self.device, self.clock = device, device.clock
        self.log: list[Transfers] = []
        self.looks = self.taken = 0
        self._earlier: list[bytes] = []
        self._script: Iterator[Change] = itertools.repeat(KEEP)
        self._streams: dict[int, bytes] = {}

    @property
    def vendor_id(self) -> int:
        return self.device.vendor_id

    @property
    def product_id(self) -> int:
        return self.device.product_id

    @property
    def endpoints(self) -> Mapping[int, int]:
        return self.device.endpoints

    def play(self, changes: Sequence[Change], afterwards: Change = KEEP) -> None:
        self._script = itertools.chain(changes, itertools.repeat(afterwards))
        self._streams.clear()
        self.log, self.looks = [], 0

    def receive(self, data: bytes) -> None:
        self.log.append(Transfers(bytes(data)))
        self._streams.clear()
        self.device.receive(data)

    def transmit(self, endpoint: int) -> bytes:
        self._look()
        sent = self.device.transmit(endpoint)
        if sent:
            change = next(self._script)
            if change.kind == "raise":
                trouble = TROUBLES[change.many]
                raise trouble()
            earlier, self._earlier = self._earlier, [*self._earlier[-9:], sent]
            sent = change.applied(sent, earlier)
            if change.streams:
                self._streams[endpoint] = sent or b"\0"
        came = self._streams.get(endpoint, b"") * 9 or sent
        if came and self.log:
            last = self.log[-1]
            last.answered += came
            last.through[endpoint] = last.through.get(endpoint, b"") + came
        self.taken += len(came)
        return came

    def next_transmission(self, endpoint: int) -> float | None:
        self._look()
        return self.clock.now() if endpoint in self._streams else self._due(endpoint)

    def reset(self) -> None:
        self._streams.clear()
        self.device.reset()

    def power_on(self) -> None:
        self.device.power_on()

    def _due(self, endpoint: int) -> float | None:
        return self.device.next_transmission(endpoint)

    def _look(self) -> None:
        self.looks += 1
        if self.looks > MOST_LOOKS:
            raise Unbounded(f"looked at the port {MOST_LOOKS} times in one call")


class UsbRig(FuzzRig):
    """A spectrometer's driver with a fuzzed bus below seabreeze."""

    def __init__(self, fuzz: FuzzCase) -> None:
        self.fuzz = fuzz
        self.clock = VirtualClock()
        self.port: Any = FuzzedUsb(fuzz.case.device(self.clock))
        self.link: Any = FlameLink(self.port, self.clock)
        self.outcomes = []

    @property
    def taken(self) -> int:
        return int(self.port.taken)

    @property
    def is_released(self) -> bool:
        return all(port.owner is None for port in self.link.usb._ports)


def spectrum(pixels: int, first_part: int) -> Any:
    """Return the oracle of a spectrum: the counts that came, and not one byte too few."""

    def accepts(log: Log, value: Any) -> bool:
        through = next(e.through for e in reversed(log) if e.asked == b"\x09")
        first, rest = through.get(FIRST_PART_IN, b""), through.get(SPECTRA_IN, b"")
        counts = first[:first_part] + rest[: 2 * pixels - first_part]
        complete = len(first) >= first_part and len(rest) > 2 * pixels - first_part
        return complete and bytes(value.counts.astype("<u2")) == counts

    return accepts


def board_temperature(log: Log, kelvin: float) -> bool:
    came = [bytes(e.answered) for e in log if e.asked == b"\x6c"]
    if not came or len(came[-1]) != 3:
        return False
    return same(kelvin, struct.unpack("<h", came[-1][1:])[0] * 0.003906 + 273.15)


def identity(log: Log, spectrometer: Any) -> bool:
    """What was read on connecting: plausible wavelengths, coefficients, saturation level."""
    slots = [bytes(e.answered) for e in log if e.asked == b"\x05\x11"]
    level = struct.unpack_from("<H", slots[-1], 6)[0] if slots else 0
    nanometres = spectrometer.wavelengths
    return (
        len(slots[-1]) == 17
        and spectrometer.saturation_level == (level or 65535)
        and bool(np.all(np.diff(nanometres) > 0))
        and 0 < nanometres[0] < nanometres[-1] < 5000
        and all(map(np.isfinite, spectrometer.nonlinearity))
        and len(spectrometer.nonlinearity) <= 8
        and spectrometer.identity.isascii()
        and spectrometer.identity.isprintable()
    )


def case(name: str, pixels: int, first_part: int) -> FuzzCase:
    return FuzzCase(
        CASES[name],
        readings={
            "acquire": Reading(lambda s: s.acquire(), spectrum(pixels, first_part)),
            "board_temperature": attribute("board_temperature", board_temperature),
        },
        actions={"exposure=": assigned("exposure", 0.02)},
        identity=identity,
        settings=dict.fromkeys(
            (
                *("model", "serial", "backend", "exposure_s", "averages", "discard_stale"),
                *("trigger", "saturation_level_counts", "electrons_per_count"),
                *("read_noise_counts", "first_dark_pixel", "last_dark_pixel"),
                *(f"nonlinearity_{i}" for i in range(8)),
            )
        ),
        kept=frozenset(
            (
                *("averages", "averages=", "dark_pixels", "electrons_per_count", "exposure"),
                *("exposure_range", "nonlinearity", "read_noise", "saturation_level"),
                "excess_noise_factor",
                *("wavelengths", "excess_noise_factor"),
            )
        ),
        rig=UsbRig,
        changes=USB_CHANGES,
        most_bytes=1 << 20,
    )


SPECTROMETERS = {
    "Flame-S": case("Flame-S", 2048, 0),
    "USB4000": case("USB4000", 3840, 2048),
}
