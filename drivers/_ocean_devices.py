"""The USB spectrometers of this process, listed once.

Listing resets every spectrometer on the bus when the handles of an earlier list are collected, also
one that another session of this process is reading. So the first list is kept, and the bus is
listed again only while no spectrometer is in use. With pyseabreeze only the USB bus is listed:
``SeaBreezeAPI.list_devices()`` would also send a UDP multicast into the network and wait for a
second.
"""

from __future__ import annotations

import logging
import threading
from typing import Any, Final, Literal, TypeAlias

import seabreeze
import seabreeze.backends
import seabreeze.spectrometers
from seabreeze.pyseabreeze.transport import USBTransport, USBTransportDeviceInUse

from drivers._ocean_errors import ocean_errors
from labcool.errors import ConfigurationError, InstrumentDisconnected

log = logging.getLogger(__name__)

Backend: TypeAlias = Literal["cseabreeze", "pyseabreeze"]

_lock: Final = threading.RLock()
_listed: Final[dict[tuple[str, str | None], list[Any]]] = {}
_in_use: Final[set[str]] = set()
_chosen: Final[set[Backend]] = set()
_api: Final[list[Any]] = []


def open_by_serial(name: str, serial: str | None, backend: Backend, usb_backend: str | None) -> Any:
    """Return an opened ``seabreeze.spectrometers.Spectrometer``, in use until released.

    :param serial: serial number; None: the only one connected.
    :raises ConfigurationError: if it is not clear which, or the process uses the other backend.
    :raises InstrumentDisconnected: if it is not there, or in use already.
    """
    with _lock, ocean_errors(name):
        _choose(name, backend)
        device = _pick(name, _devices(backend, usb_backend), serial)
        if device is None and not _in_use:
            _listed.clear()
            device = _pick(name, _devices(backend, usb_backend), serial)
        if device is None:
            raise InstrumentDisconnected(name, _not_found(serial))
        number = str(device.serial_number)
        if number in _in_use:
            raise InstrumentDisconnected(name, f"{number} is in use already in this program.")
        try:
            spectrometer = seabreeze.spectrometers.Spectrometer(device)
        except BaseException:
            close_quietly(device)
            if not _in_use:
                _listed.clear()
            raise
        _in_use.add(number)
        return spectrometer


def close_quietly(device: Any) -> None:
    """Give a device back that could not be opened to the end; that is the error to be told."""
    try:
        device.close()
    except Exception as error:  # noqa: BLE001 - whatever seabreeze and USB raise by then
        log.info("Closing a spectrometer that could not be opened failed, too (%r).", error)


def release(serial: str) -> None:
    """Note that a spectrometer is in use no longer."""
    with _lock:
        _in_use.discard(serial)


def _choose(name: str, backend: Backend) -> None:
    if not _chosen and seabreeze.backends.BackendConfig.requested != backend:
        seabreeze.use(backend)
    module: Any = seabreeze.spectrometers.Spectrometer._backend
    if module.__name__ != f"seabreeze.{backend}":
        raise ConfigurationError(
            f"{name}: this program already uses {module.__name__}, and seabreeze allows one "
            "backend for each program. Give all spectrometers of the bench the same backend."
        )
    _chosen.add(backend)


def _devices(backend: Backend, usb_backend: str | None) -> list[Any]:
    key = (backend, usb_backend)
    if key not in _listed:
        _listed[key] = _list_pyusb(usb_backend) if backend == "pyseabreeze" else _list_c()
    return _listed[key]


def _list_pyusb(usb_backend: str | None) -> list[Any]:
    from seabreeze.pyseabreeze import SeaBreezeDevice

    devices = []
    for handle in USBTransport.list_devices(pyusb_backend=usb_backend):
        device = SeaBreezeDevice(handle)
        try:
            device.open()  # the serial number is known only then
        except USBTransportDeviceInUse:
            log.warning("A spectrometer that another program has open was passed over.")
            continue
        device.close()
        devices.append(device)
    return devices


def _list_c() -> list[Any]:
    from seabreeze.cseabreeze import SeaBreezeAPI

    if not _api:
        _api.append(SeaBreezeAPI())
    return list(_api[0].list_devices())


def _pick(name: str, devices: list[Any], serial: str | None) -> Any:
    if serial is not None:
        return next((d for d in devices if str(d.serial_number) == serial), None)
    if len(devices) > 1:
        raise ConfigurationError(
            f"{name}: several spectrometers are connected "
            f"({', '.join(str(d.serial_number) for d in devices)}); name one by serial."
        )
    return devices[0] if devices else None


def _not_found(serial: str | None) -> str:
    which = f"no spectrometer {serial} is" if serial else "no spectrometer is"
    return (
        f"{which} connected. Check the USB cable; if it was plugged in again during this session, "
        "end the use of all other spectrometers first."
    )
