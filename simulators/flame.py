"""Ocean Optics Flame-S, USB2000+ and USB4000 spectrometers: the OOI command set over USB.

Written from the command tables in the makers' USB2000+ and USB4000 data sheets ("OEM data sheet",
USB command summary), the Flame technical manual and the public seabreeze library. Little-endian,
no checksums; a command is one bulk transfer to endpoint 0x01 and begins with its opcode. Short
answers leave through 0x81, spectra through 0x82 followed by the byte 0x69 as a packet of its own;
the first 2048 bytes of a USB4000 spectrum leave through 0x86. What the firmware does not
understand or accept (an integration time out of range, an unknown opcode, a command cut short) it
ignores without a word. The models have no cooler: 0x71 to 0x73 are ignored, too.

Simplifications: a request while another spectrum is being taken is dropped; in external
synchronisation (mode 2) a trigger starts an exposure of the set integration time, where the real
detector integrates from one trigger to the next; detector response is linear.
UNVERIFIED on hardware: numbering of the trigger modes (here as in seabreeze), first byte of the
temperature answer, what a reset keeps, well depth of the USB2000+ and USB4000.
"""

from __future__ import annotations

import struct
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from enum import IntEnum
from typing import Any, ClassVar, TypeAlias

import numpy as np
from numpy.typing import NDArray

from labcool.clock import Clock
from labcool.errors import LimitError
from simulators._usb_ccd import FULL_SCALE, LineDetector
from simulators.device import Switch

Exposure: TypeAlias = "Callable[[float, float], Callable[[], NDArray[Any]]]"
"""Called with the start (clock s) and duration (s) when an exposure begins; what it returns is
called once the exposure has ended and gives the expected photoelectrons, shape (pixel,)."""

COMMANDS_OUT, ANSWERS_IN, SPECTRA_IN, FIRST_PART_IN = 0x01, 0x81, 0x82, 0x86
SYNC = b"\x69"
POWER_ON_INTEGRATION_US = 6000
KELVIN_PER_TEMPERATURE_COUNT = 0.003906
_UNREAD_LIMIT = 8
_SLOT_BYTES = 15
_FLOOD_WELLS = 10.0
_FPGA_VERSION_REGISTER = 0x04


class Trigger(IntEnum):
    """What starts an exposure once a spectrum has been requested."""

    NORMAL = 0
    EXTERNAL_LEVEL = 1
    EXTERNAL_SYNCHRONISATION = 2
    EXTERNAL_EDGE = 3
    SINGLE_SHOT = 4


@dataclass(frozen=True, slots=True)
class FlameModel:
    """What tells one model from another.

    :param illuminated: first and last + 1 pixel that light can reach; the dark pixels that
        seabreeze lists lie outside.
    :param integration_us: shortest and longest integration time, µs.
    :param first_part: bytes of a spectrum that leave through endpoint 0x86.
    :param register_echo: first byte of a register answer; None: the register's own number.
    :param wavelength_coefficients: of the stock grating, about 350 to 1000 nm.
    """

    name: str
    product_id: int
    pixels: int
    illuminated: tuple[int, int]
    integration_us: tuple[int, int]
    trigger_modes: frozenset[int]
    fpga_version: int
    register_echo: int | None
    first_part: int
    well_depth: float
    wavelength_coefficients: tuple[float, float, float, float]


_STOCK_2048 = (350.0, 0.3735, -1.5e-5, -6e-9)
_STOCK_3840 = (350.0, 0.19916, -4.265e-6, -9.096e-10)

MODELS = {
    model.name: model
    for model in (
        FlameModel(
            "FLAME-S", 0x101E, 2048, (21, 2048), (1000, 655_350_000), frozenset(range(5)),
            0x3010, 0xFE, 0, 160_000.0, _STOCK_2048,
        ),
        FlameModel(
            "USB2000+", 0x101E, 2048, (21, 2048), (1000, 655_350_000), frozenset(range(5)),
            0x2010, None, 0, 160_000.0, _STOCK_2048,
        ),
        FlameModel(
            "USB4000", 0x1022, 3840, (21, 3669), (10, 65_535_000), frozenset(range(4)),
            0x2010, None, 2048, 100_000.0, _STOCK_3840,
        ),
    )
}  # fmt: skip


class Flame:
    """A spectrometer as commands in and packets out, without any input or output of its own.

    A spectrum is ready one integration time (and the read-out) after its request, or after its
    trigger in the external modes, which never end without one.

    :param expose: the light path, see :data:`Exposure`.
    :param rng: draws the fixed pattern of the detector now, and its noise later.
    :param model: ``"FLAME-S"``, ``"USB2000+"`` or ``"USB4000"``.
    :param serial: 1 to 14 ASCII characters.
    :param wavelength_coefficients: c0 to c3 of λ = Σ cᵢ pⁱ (nm, pixel p from 0); None: stock.
    :param saturation: raw converter value of a full well, as in EEPROM slot 17, 1 to 65535.
    :param dark_current: mean over the pixels, electrons/s.
    :param bias: mean reading in the dark and no time, counts of a 16-bit full scale.
    :param read_noise: standard deviation, counts of a 16-bit full scale (data sheet: 50).
    :param well_depth: electrons at full scale; None: the model's.
    :param readout: time from the end of an exposure until its spectrum can be read, s.
    :raises LimitError: for a model, serial number or saturation level that cannot be.
    """

    vendor_id: ClassVar[int] = 0x2457
    endpoints: ClassVar[dict[int, int]] = {
        COMMANDS_OUT: 512, ANSWERS_IN: 64, SPECTRA_IN: 512, FIRST_PART_IN: 512,
    }  # fmt: skip
    """Largest packet of each endpoint, bytes."""

    def __init__(
        self,
        clock: Clock,
        *,
        expose: Exposure,
        rng: np.random.Generator,
        model: str = "FLAME-S",
        serial: str = "FLMS12345",
        wavelength_coefficients: tuple[float, float, float, float] | None = None,
        saturation: int = FULL_SCALE,
        dark_current: float = 1500.0,
        bias: float = 1500.0,
        read_noise: float = 50.0,
        well_depth: float | None = None,
        readout: float = 1e-3,
    ) -> None:
        if model not in MODELS:
            raise LimitError("spectrometer model", model, f"one of {', '.join(MODELS)}")
        if not (serial.isascii() and 1 <= len(serial) < _SLOT_BYTES):
            raise LimitError("serial number", serial, "1 to 14 ASCII characters")
        if not 1 <= saturation <= FULL_SCALE:
            raise LimitError("saturation level (counts)", saturation, f"1 to {FULL_SCALE}")
        self.clock = clock
        self.model = MODELS[model]
        self.serial = serial
        self._silent = False
        self._surplus = 0.0
        self.board_temperature = 31.5
        """What its sensor reads, °C."""
        self.trigger_level = False
        """State of the trigger input, for mode 1."""
        self.detector = LineDetector(
            rng,
            pixels=self.model.pixels,
            illuminated=self.model.illuminated,
            saturation=saturation,
            well_depth=self.model.well_depth if well_depth is None else well_depth,
            read_noise=read_noise,
            dark_current=dark_current,
            bias=bias,
        )
        coefficients = wavelength_coefficients or self.model.wavelength_coefficients
        self._slots = _factory_slots(serial, coefficients, saturation)
        self.wavelengths = _wavelengths(self._slots, self.model.pixels)
        """Wavelength of each pixel, shape (pixel,), nm."""
        self._expose = expose
        self._readout = readout
        self._outgoing: dict[int, deque[bytes]] = {
            endpoint: deque() for endpoint in self.endpoints if endpoint & 0x80
        }
        self.power_on()

    def conditions(self) -> dict[str, Switch]:
        """Return what can be wrong: far too much light."""

        def flood(flooded: bool) -> None:
            self._surplus = _FLOOD_WELLS * self.model.well_depth if flooded else 0.0

        return {"saturation": flood}

    @property
    def product_id(self) -> int:
        """USB product number of the model."""
        return self.model.product_id

    @property
    def integration_time(self) -> float:
        """Integration time of the next exposure, s."""
        return self._integration_us / 1_000_000

    @property
    def trigger_mode(self) -> Trigger:
        """Trigger mode now."""
        return self._trigger

    @property
    def silent(self) -> bool:
        """Control whether the device is cut off, for tests of broken benches.

        While it is True the device takes no commands and whatever it sends is lost.
        """
        return self._silent

    @silent.setter
    def silent(self, silent: bool) -> None:
        if self._silent:
            self._settle()
            self._forget_unread()
        self._silent = silent

    def receive(self, data: bytes) -> None:
        """Take one transfer to endpoint 0x01, at the clock's present moment."""
        if self.silent or not data or data[0] not in _COMMANDS:
            return
        self._settle()
        payload, act = _COMMANDS[data[0]]
        if len(data) > payload.size:
            act(self, *payload.unpack_from(data, 1))

    def transmit(self, endpoint: int) -> bytes:
        """Return, once, the next whole answer that has left through an endpoint by now."""
        self._settle()
        waiting = self._outgoing[endpoint]
        return waiting.popleft() if waiting and not self.silent else b""

    def next_transmission(self, endpoint: int) -> float | None:
        """Return when (clock s) an endpoint has something to read; None: unknown or never."""
        self._settle()
        if self.silent:
            return None
        if self._outgoing[endpoint]:
            return self.clock.now()
        if self._running is not None and endpoint in self._spectrum_endpoints():
            return self._running.ready
        return None

    def trigger(self) -> None:
        """Give a rising edge on the trigger input; starts what mode 2 or 3 waits for."""
        self._settle()
        if self._waits_for_trigger and self._trigger in (
            Trigger.EXTERNAL_SYNCHRONISATION,
            Trigger.EXTERNAL_EDGE,
        ):
            self._start()

    def set_trigger_level(self, high: bool) -> None:
        """Hold the trigger input high or low; high starts what mode 1 waits for."""
        self._settle()
        rising = high and not self.trigger_level
        self.trigger_level = high
        if rising and self._waits_for_trigger and self._trigger is Trigger.EXTERNAL_LEVEL:
            self._start()
        elif rising:
            self.trigger()

    def power_on(self) -> None:
        """Begin anew with 6 ms, free-running; the EEPROM keeps what was written."""
        self._integration_us = POWER_ON_INTEGRATION_US
        self._registers = {_FPGA_VERSION_REGISTER: self.model.fpga_version}
        self.lamp_on = False
        self.reset()
        self._initialise()

    def reset(self) -> None:
        """Reset the USB port: unread packets and the running exposure are gone."""
        self._abandon()
        self._forget_unread()

    def _forget_unread(self) -> None:
        for waiting in self._outgoing.values():
            waiting.clear()

    def _spectrum_endpoints(self) -> tuple[int, ...]:
        return (FIRST_PART_IN, SPECTRA_IN) if self.model.first_part else (SPECTRA_IN,)

    def _abandon(self) -> None:
        self._running: _Running | None = None
        self._waits_for_trigger = False

    def _start(self) -> None:
        self._waits_for_trigger = False
        now = self.clock.now()
        duration = self.integration_time
        light = self._expose(now, duration)
        self._running = _Running(now + duration + self._readout, duration, light)

    def _settle(self) -> None:
        """Read the detector out if an exposure has ended by now."""
        running = self._running
        if running is None or self.clock.now() < running.ready:
            return
        self._running = None
        spectrum = self.detector.read_out(
            running.light() + self._surplus, running.duration
        ).tobytes()
        split = self.model.first_part
        if split:
            self._outgoing[FIRST_PART_IN].append(spectrum[:split])
        self._outgoing[SPECTRA_IN].append(spectrum[split:])
        self._outgoing[SPECTRA_IN].append(SYNC)

    def _answer(self, data: bytes) -> None:
        waiting = self._outgoing[ANSWERS_IN]
        if len(waiting) < _UNREAD_LIMIT:
            waiting.append(data)

    def _initialise(self) -> None:
        self._abandon()
        self._trigger: Trigger = Trigger.NORMAL

    def _set_integration_time(self, microseconds: int) -> None:
        shortest, longest = self.model.integration_us
        if shortest <= microseconds <= longest:
            self._integration_us = microseconds

    def _set_lamp(self, state: int) -> None:
        self.lamp_on = bool(state)

    def _read_slot(self, slot: int) -> None:
        self._answer(bytes([0x05, slot]) + self._slots.get(slot, bytes(_SLOT_BYTES)))

    def _write_slot(self, slot: int, content: bytes) -> None:
        self._slots[slot] = content

    def _request_spectrum(self) -> None:
        unread = len(self._outgoing[SPECTRA_IN])
        if self._running is not None or self._waits_for_trigger or unread >= _UNREAD_LIMIT:
            return
        if self._trigger in (Trigger.NORMAL, Trigger.SINGLE_SHOT) or (
            self._trigger is Trigger.EXTERNAL_LEVEL and self.trigger_level
        ):
            self._start()
        else:
            self._waits_for_trigger = True

    def _set_trigger_mode(self, mode: int) -> None:
        if mode in self.model.trigger_modes:
            self._trigger = Trigger(mode)
            self._waits_for_trigger = False

    def _write_register(self, register: int, value: int) -> None:
        if register != _FPGA_VERSION_REGISTER:
            self._registers[register] = value

    def _read_register(self, register: int) -> None:
        echo = register if self.model.register_echo is None else self.model.register_echo
        self._answer(struct.pack("<BH", echo, self._registers.get(register, 0)))

    def _read_temperature(self) -> None:
        counts = round(self.board_temperature / KELVIN_PER_TEMPERATURE_COUNT)
        self._answer(struct.pack("<Bh", 0x08, counts))

    def _report_status(self) -> None:
        packets = self.model.pixels * 2 // self.endpoints[SPECTRA_IN]
        busy = self._running is not None or self._waits_for_trigger
        self._answer(
            struct.pack(
                "<HIBBBBBBBBBB",
                *(self.model.pixels, self._integration_us, self.lamp_on, self._trigger),
                *(busy, packets, 1, 0, 0, 0, 0x80, 0),
            )
        )


@dataclass(frozen=True, slots=True)
class _Running:
    ready: float
    duration: float
    light: Callable[[], NDArray[Any]]


_COMMANDS: dict[int, tuple[struct.Struct, Callable[..., None]]] = {
    0x01: (struct.Struct("<"), Flame._initialise),
    0x02: (struct.Struct("<I"), Flame._set_integration_time),
    0x03: (struct.Struct("<H"), Flame._set_lamp),
    0x05: (struct.Struct("<B"), Flame._read_slot),
    0x06: (struct.Struct("<B15s"), Flame._write_slot),
    0x09: (struct.Struct("<"), Flame._request_spectrum),
    0x0A: (struct.Struct("<H"), Flame._set_trigger_mode),
    0x6A: (struct.Struct("<BH"), Flame._write_register),
    0x6B: (struct.Struct("<B"), Flame._read_register),
    0x6C: (struct.Struct("<"), Flame._read_temperature),
    0xFE: (struct.Struct("<"), Flame._report_status),
}


def _number(value: float) -> str:
    """Write a calibration number into the 14 characters that a slot holds."""
    plain = repr(float(value))
    return plain if len(plain) < _SLOT_BYTES else f"{value:.7e}"


def _factory_slots(
    serial: str, wavelength: tuple[float, float, float, float], saturation: int
) -> dict[int, bytes]:
    texts = {0: serial, 5: "0", 14: "7", 15: "25", 16: "Simulated"}
    texts.update({1 + power: _number(value) for power, value in enumerate(wavelength)})
    texts.update({6 + power: "1.0" if power == 0 else "0.0" for power in range(8)})
    slots = {slot: text.encode("ascii").ljust(_SLOT_BYTES, b"\0") for slot, text in texts.items()}
    slots[17] = struct.pack("<4xH9x", saturation)
    return slots


def _wavelengths(slots: dict[int, bytes], pixels: int) -> NDArray[np.float64]:
    """Return what the host computes, too, from the rounded numbers in the slots."""
    coefficients = [float(slots[1 + power].rstrip(b"\0")) for power in range(4)]
    pixel = np.arange(pixels, dtype=np.float64)
    return np.asarray(np.polynomial.polynomial.polyval(pixel, coefficients))
