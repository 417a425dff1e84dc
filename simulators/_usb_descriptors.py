"""What a simulated USB device says about itself: one configuration, one interface, bulk endpoints.

The fields are those of the USB 2.0 specification (chapter 9.6), under the names that pyusb reads.
"""

from __future__ import annotations

from types import SimpleNamespace

BUS = 250
BULK = 0x02

_DEVICE = {
    "bLength": 18,
    "bDescriptorType": 1,
    "bcdUSB": 0x0200,
    "bDeviceClass": 0xFF,
    "bDeviceSubClass": 0,
    "bDeviceProtocol": 0,
    "bMaxPacketSize0": 64,
    "bcdDevice": 0x0002,
    "iManufacturer": 0,
    "iProduct": 0,
    "iSerialNumber": 0,
    "bNumConfigurations": 1,
    "bus": BUS,
    "port_number": None,
    "port_numbers": None,
    "speed": 3,
}
_CONFIGURATION = {
    "bLength": 9,
    "bDescriptorType": 2,
    "bNumInterfaces": 1,
    "bConfigurationValue": 1,
    "iConfiguration": 0,
    "bmAttributes": 0x80,
    "bMaxPower": 125,
}
_INTERFACE = {
    "bLength": 9,
    "bDescriptorType": 4,
    "bInterfaceNumber": 0,
    "bAlternateSetting": 0,
    "bInterfaceClass": 0xFF,
    "bInterfaceSubClass": 0,
    "bInterfaceProtocol": 0,
    "iInterface": 0,
}
_ENDPOINT = {
    "bLength": 7,
    "bDescriptorType": 5,
    "bmAttributes": BULK,
    "bInterval": 0,
    "bRefresh": 0,
    "bSynchAddress": 0,
}


def device_descriptor(vendor: int, product: int, address: int) -> SimpleNamespace:
    """Return the device descriptor; its strings are absent (index 0)."""
    return SimpleNamespace(**_DEVICE, idVendor=vendor, idProduct=product, address=address)


def configuration_descriptor(endpoints: int) -> SimpleNamespace:
    """Return the descriptor of the only configuration, given the number of endpoints."""
    length = _CONFIGURATION["bLength"] + _INTERFACE["bLength"] + endpoints * _ENDPOINT["bLength"]
    return SimpleNamespace(**_CONFIGURATION, wTotalLength=length, extra_descriptors=[])


def interface_descriptor(endpoints: int) -> SimpleNamespace:
    """Return the descriptor of the only interface, given the number of endpoints."""
    return SimpleNamespace(**_INTERFACE, bNumEndpoints=endpoints, extra_descriptors=[])


def endpoint_descriptor(address: int, largest_packet: int) -> SimpleNamespace:
    """Return the descriptor of one bulk endpoint."""
    return SimpleNamespace(
        **_ENDPOINT, bEndpointAddress=address, wMaxPacketSize=largest_packet, extra_descriptors=[]
    )


def only(*indices: int) -> None:
    """Refuse every logical index but 0.

    :raises IndexError: by which pyusb finds the end of a list of descriptors.
    """
    if any(indices):
        raise IndexError(indices)
