"""A USB bus that exists in memory only, below pyusb, so that the real seabreeze library runs on it.

:class:`SimulatedUsb` is a pyusb backend (``usb.backend.IBackend``). Transfers behave as libusb's:
a read ends when it is full or with a packet shorter than the endpoint's largest, raises
``USBTimeoutError`` (errno 110) if nothing came in time, returns what there is if only part came,
and raises ``USBError`` with errno 75 for a packet that does not fit, 16 for an interface that
another handle holds and 19 once the device is unplugged. Waiting is done on the injected clock.

seabreeze itself sleeps 0.1 s of wall time whenever it opens a device.
"""

from __future__ import annotations

import itertools
from array import array
from collections import deque
from collections.abc import Iterator, Mapping
from contextlib import suppress
from types import SimpleNamespace
from typing import Any, Protocol, cast

import seabreeze.pyseabreeze
import usb.backend
import usb.core
from seabreeze.pyseabreeze.api import _seabreeze_device_factory
from seabreeze.pyseabreeze.transport import USBTransportHandle
from seabreeze.spectrometers import SeaBreezeError, Spectrometer

from labcool.clock import Clock
from simulators._usb_descriptors import (
    configuration_descriptor,
    device_descriptor,
    endpoint_descriptor,
    interface_descriptor,
    only,
)

WATCH_S = 0.1
"""A wait looks this often whether the device has been unplugged or triggered, clock s."""
UNLIMITED_S = 60.0
"""A read without time-out is ended if nothing has come by then, so that no test hangs, clock s."""

_IN = 0x80
_addresses = itertools.count(1)


class UsbDevice(Protocol):
    """What a simulated instrument on the bus offers."""

    @property
    def vendor_id(self) -> int:
        """USB vendor number."""

    @property
    def product_id(self) -> int:
        """USB product number."""

    @property
    def endpoints(self) -> Mapping[int, int]:
        """Largest packet (bytes) of each bulk endpoint; bit 7 of the address: to the host."""

    def receive(self, data: bytes) -> None:
        """Take one transfer from the host."""

    def transmit(self, endpoint: int) -> bytes:
        """Return, once, the next answer that has left through an endpoint by now."""

    def next_transmission(self, endpoint: int) -> float | None:
        """Return when (clock s) an endpoint has something to read; None: unknown or never."""

    def reset(self) -> None:
        """Forget unread packets and what is going on."""

    def power_on(self) -> None:
        """Begin with the settings of a device that has just got its power."""


class _Port:
    """A device for as long as it is plugged in. A new plug gets a new address, as on a real bus:
    seabreeze keeps one object for each address in the process.
    """

    def __init__(self, device: UsbDevice) -> None:
        self.device = device
        self.address = next(_addresses)
        self.connected = True
        self.owner: _Handle | None = None
        self.unread: dict[int, deque[bytes]] = {
            endpoint: deque() for endpoint in device.endpoints if endpoint & _IN
        }

    def require_connected(self) -> None:
        if not self.connected:
            raise usb.core.USBError("No such device (it may have been disconnected)", -4, 19)

    def collect(self, endpoint: int) -> deque[bytes]:
        """Return the packets that can be read now, which may be none."""
        packets = self.unread[endpoint]
        if not packets:
            answer = self.device.transmit(endpoint)
            size = self.device.endpoints[endpoint]
            packets.extend(answer[at : at + size] for at in range(0, len(answer), size))
        return packets

    def reset(self) -> None:
        for packets in self.unread.values():
            packets.clear()
        self.device.reset()


class _Handle:
    def __init__(self, port: _Port) -> None:
        self.port = port
        self.configuration = 1


class SimulatedUsb(usb.backend.IBackend):
    """A pyusb backend whose devices are simulated instruments.

    :param clock: the clock on which transfers wait.
    """

    def __init__(self, clock: Clock) -> None:
        self.clock = clock
        self._ports: list[_Port] = []

    def plug(self, device: UsbDevice) -> int:
        """Connect a device, anew if it is connected already, and return its bus address.

        The bus powers it: what had been set is gone.
        """
        self.unplug(device)
        device.power_on()
        self._ports.append(_Port(device))
        return self._ports[-1].address

    def unplug(self, device: UsbDevice) -> None:
        """Disconnect a device: from now on every transfer to it fails with errno 19."""
        for port in [port for port in self._ports if port.device is device]:
            port.connected = False
            port.reset()
            self._ports.remove(port)

    def address_of(self, device: UsbDevice) -> int | None:
        """Return the bus address of a device, None if it is not plugged in."""
        return next((port.address for port in self._ports if port.device is device), None)

    def enumerate_devices(self) -> Iterator[_Port]:
        """Yield the ports in use."""
        return iter(list(self._ports))

    def get_device_descriptor(self, dev: _Port) -> SimpleNamespace:
        """Return what a device says about itself."""
        return device_descriptor(dev.device.vendor_id, dev.device.product_id, dev.address)

    def get_configuration_descriptor(self, dev: _Port, config: int) -> SimpleNamespace:
        """Return the only configuration."""
        only(config)
        return configuration_descriptor(len(dev.device.endpoints))

    def get_interface_descriptor(
        self, dev: _Port, intf: int, alt: int, config: int
    ) -> SimpleNamespace:
        """Return the only interface."""
        only(intf, alt, config)
        return interface_descriptor(len(dev.device.endpoints))

    def get_endpoint_descriptor(
        self, dev: _Port, ep: int, intf: int, alt: int, config: int
    ) -> SimpleNamespace:
        """Return the endpoint with the logical index ``ep``."""
        only(intf, alt, config)
        return endpoint_descriptor(*list(dev.device.endpoints.items())[ep])

    def open_device(self, dev: _Port) -> _Handle:
        """Return a new handle."""
        dev.require_connected()
        return _Handle(dev)

    def close_device(self, dev_handle: _Handle) -> None:
        """Give the interface back; never fails, as in libusb."""
        if dev_handle.port.owner is dev_handle:
            dev_handle.port.owner = None

    def set_configuration(self, dev_handle: _Handle, config_value: int) -> None:
        """Select the configuration; unread packets are forgotten."""
        self._require_free(dev_handle)
        dev_handle.configuration = config_value
        dev_handle.port.reset()

    def get_configuration(self, dev_handle: _Handle) -> int:
        """Return the configuration selected."""
        dev_handle.port.require_connected()
        return dev_handle.configuration

    def claim_interface(self, dev_handle: _Handle, intf: int) -> None:
        """Take the interface for this handle alone."""
        only(intf)
        self._require_free(dev_handle)
        dev_handle.port.owner = dev_handle

    def release_interface(self, dev_handle: _Handle, intf: int) -> None:
        """Give the interface back."""
        only(intf)
        dev_handle.port.require_connected()
        self.close_device(dev_handle)

    def reset_device(self, dev_handle: _Handle) -> None:
        """Reset the device, whoever uses it."""
        dev_handle.port.require_connected()
        dev_handle.port.reset()

    def clear_halt(self, dev_handle: _Handle, ep: int) -> None:  # noqa: ARG002 - pyusb's signature
        """Do nothing: simulated endpoints never halt."""
        dev_handle.port.require_connected()

    def is_kernel_driver_active(self, dev_handle: _Handle, intf: int) -> bool:
        """Return False: nobody else drives a simulated device."""
        only(intf)
        dev_handle.port.require_connected()
        return False

    def bulk_write(
        self, dev_handle: _Handle, ep: int, intf: int, data: array[int], timeout: int
    ) -> int:
        """Send one transfer to the device and return its length, bytes."""
        del ep, intf, timeout
        dev_handle.port.require_connected()
        dev_handle.port.device.receive(data.tobytes())
        return len(data) * data.itemsize

    def bulk_read(
        self, dev_handle: _Handle, ep: int, intf: int, buff: array[int], timeout: int
    ) -> int:
        """Fill ``buff`` from the device and return the number of bytes that came.

        :param timeout: ms; 0: none, but see :data:`UNLIMITED_S`.
        """
        del intf
        port = dev_handle.port
        space = memoryview(buff).cast("B")
        deadline = self.clock.now() + (timeout / 1000 if timeout else UNLIMITED_S)
        filled = 0
        while filled < len(space):
            if not self._wait(port, ep, deadline, unlimited=not timeout):
                if filled:
                    break
                raise usb.core.USBTimeoutError("Operation timed out", -7, 110)
            packet = port.unread[ep].popleft()
            if len(packet) > len(space) - filled:
                raise usb.core.USBError("Overflow", -8, 75)
            space[filled : filled + len(packet)] = packet
            filled += len(packet)
            if len(packet) < port.device.endpoints[ep]:
                break
        return filled

    def _wait(self, port: _Port, endpoint: int, deadline: float, *, unlimited: bool) -> bool:
        """Let time pass until a packet can be read, and tell whether it came in time."""
        while True:
            port.require_connected()
            if port.collect(endpoint):
                return True
            now = self.clock.now()
            due = port.device.next_transmission(endpoint)
            until = deadline if due is None or not unlimited else max(due, deadline)
            if now >= until:
                return False
            moment = until if due is None else min(due, until)
            self.clock.sleep(min(moment - now, WATCH_S))

    def _require_free(self, handle: _Handle) -> None:
        handle.port.require_connected()
        if handle.port.owner not in (None, handle):
            raise usb.core.USBError("Resource busy", -6, 16)


class _PySpectrometer(Spectrometer):
    """seabreeze's own class, pinned to its pure Python backend for this object alone.

    ``seabreeze.use`` would switch the whole process, real spectrometers included.
    """

    _backend = cast("Any", seabreeze.pyseabreeze)


class FlameLink:
    """Where the spectrometer driver may connect instead of to the USB port.

    :param device: the simulated spectrometer; plugged in at once.
    :param clock: the clock on which transfers wait.
    """

    def __init__(self, device: UsbDevice, clock: Clock) -> None:
        self.device = device
        self.usb = SimulatedUsb(clock)
        self.usb.plug(device)

    def open(self, **_settings: Any) -> Spectrometer:
        """Return seabreeze's spectrometer object, opened on this very device.

        No other device is listed, opened or reset, and no network discovery is sent. The settings
        that a real connection would need (serial number, ...) are not needed and ignored.

        :raises SeaBreezeError: if the device is unplugged or open already, as from seabreeze.
        """
        device = _find(self.usb, self.usb.address_of(self.device))
        if device.is_open:
            raise SeaBreezeError("Device already opened.")
        try:
            return _PySpectrometer(device)
        except BaseException:
            with suppress(SeaBreezeError, usb.core.USBError):
                device.close()
            raise

    def unplug(self) -> None:
        """Pull the cable."""
        self.usb.unplug(self.device)

    def plug(self) -> None:
        """Put the cable back; what was open before stays dead, as on a real bus."""
        self.usb.plug(self.device)


def _find(bus: SimulatedUsb, address: int | None) -> Any:
    found = None if address is None else usb.core.find(backend=bus, address=address)
    if found is None:
        raise SeaBreezeError("No such device attached.")
    return _seabreeze_device_factory(USBTransportHandle(found))
