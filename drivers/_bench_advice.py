"""What to check at an instrument that is not there, beyond its kind of port; texts for people.

A driver class has one of these as ``bench_advice``. Keys: ``not_found``, ``in_use``, ``forbidden``,
``missing`` (software), ``silent``, ``garbled``, ``wrong``, ``lost``, ``refused``, ``setup``.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Final, TypeAlias

BenchAdvice: TypeAlias = Mapping[str, tuple[str, ...]]

_ONE_AT_A_TIME: Final = "End the maker's own program, which keeps the port to itself: {}."
_KINESIS: Final = _ONE_AT_A_TIME.format("Kinesis or APT User (its server may stay in the tray)")
_NKT: Final = _ONE_AT_A_TIME.format("NKT Control")
_VIRTUAL_COM: Final = (
    "Windows: a COM port appears only with 'Load VCP' ticked (Device Manager, USB controllers, APT "
    "USB Device, Advanced). Linux: the FTDI driver must be told its number (0403 faf0)."
)
_OCEAN_SETUP: Final = (
    "Linux: run seabreeze_os_setup once, then plug it in again. Windows: it needs the WinUSB "
    "driver (seabreeze_os_setup, or Zadig)."
)

SC10: Final[BenchAdvice] = {
    "silent": (
        "The SC10 speaks 9600 baud as delivered; if somebody has set baud=1, put baud_rate: 115200 "
        "into the bench file.",
    ),
    "garbled": ("baud_rate is 9600 as delivered, 115200 after baud=1.",),
    "refused": ("Is the interlock plug in, at the back of the controller?",),
}
KSC101: Final[BenchAdvice] = {
    "not_found": (_VIRTUAL_COM,),
    "in_use": (_KINESIS,),
    "silent": (_KINESIS, "The cube needs its own supply (or the hub's) beside the USB cable."),
    "wrong": ("KSC101 serial numbers begin with 68; each cube has a port of its own.",),
    "refused": ("Is the key of the KSC101 turned on, and its interlock plug in?",),
}
K10CR1: Final[BenchAdvice] = {
    "not_found": (_VIRTUAL_COM,),
    "in_use": (_KINESIS,),
    "silent": (_KINESIS, "The mount needs its own supply beside the USB cable."),
    "wrong": ("K10CR1 serial numbers begin with 55; each mount has a port of its own.",),
}
ELL14: Final[BenchAdvice] = {
    "in_use": (_ONE_AT_A_TIME.format("Elliptec (ELLO)"),),
    "silent": (
        "Is the address in the bench file the mount's? On a bus each has another, 0 to F; new "
        "ones have 0.",
        "Several mounts on one interface board need its 5 V supply beside the USB cable.",
    ),
    "garbled": ("Do two mounts of the bus have the same address? Then both answer at once.",),
    "wrong": ("Another mount of the bus may have this address: ELL14 and ELL18 turn, others not.",),
}
MC2000B: Final[BenchAdvice] = {
    "in_use": (_ONE_AT_A_TIME.format("the MC2000B application"),),
    "silent": ("It always speaks 115200 baud over USB; it answers with its blade standing, too.",),
    "garbled": (
        "The MC2000B echoes each command. If it has been set to 'verbose', send verbose=0 once.",
    ),
}
FINESSE: Final[BenchAdvice] = {
    "silent": ("Is the key of the fpu60 supply turned? It speaks 19200 baud.",),
    "garbled": ("The fpu60 speaks 19200 baud 8N1. Other supplies (SMD, MPC) speak otherwise.",),
    "refused": ("Is the interlock plug in, and the supply set to remote control?",),
}
OBIS: Final[BenchAdvice] = {
    "in_use": (_ONE_AT_A_TIME.format("Coherent Connection"),),
    "silent": (
        "Over RS-232 public drivers disagree: try baud_rate: 9600 and 115200. USB has none.",
    ),
    "garbled": ("Over RS-232: try baud_rate: 9600 and 115200.",),
    "wrong": ("Is wavelength in the bench file that of the laser on this port?",),
    "refused": ("Switch its handshaking on once: SYST:COMM:HAND ON (Coherent Connection).",),
}
COBOLT: Final[BenchAdvice] = {
    "in_use": (_ONE_AT_A_TIME.format("Cobolt Monitor"),),
    "silent": ("Cobolts speak 115200 baud, older ones 19200: see baud_rate in the bench file.",),
    "garbled": ("Cobolts speak 115200 baud, older ones 19200: see baud_rate in the bench file.",),
}
SUPERK: Final[BenchAdvice] = {
    "in_use": (_NKT,),
    "silent": (
        _NKT,
        "Is the address that of the module: 15 for the source, 16 plus the rotary switch for "
        "filters? They answer with the key off, but not without mains.",
    ),
    "garbled": ("SuperK modules speak 115200 baud.", "Do two modules have the same address?"),
    "wrong": ("Turn the module's rotary switch, or write its address into the bench file.",),
    "refused": ("Key turned, door closed, interlock plug in? Interlock reset at the panel?",),
}
ACTON: Final[BenchAdvice] = {
    "silent": (
        "After power-on it looks for its grating first: wait a minute.",
        "After a move that it has not ended it may be silent for 30 s.",
    ),
    "garbled": ("It speaks 9600 baud. Whether it echoes (ECHO, NO-ECHO) does not matter.",),
    "wrong": ("Spectrometers other than the SP-2300 are not known here.",),
}
LINKAM: Final[BenchAdvice] = {
    "in_use": (_ONE_AT_A_TIME.format("LINK"),),
    "silent": (
        "The controller freezes if anything opens its port at 9600 baud (a terminal, a search for "
        "instruments). Switch it off and on. It speaks 19200 baud 8N1.",
        "Its cable crosses RTS and CTS; if yours does and it still is silent, try rts_cts: true "
        "in the bench file.",
    ),
    "garbled": (
        "The controller speaks 19200 baud 8N1. Never search with 9600: a TMS94 freezes.",
        "A T96 speaks another protocol.",
    ),
}
LAKESHORE_331: Final[BenchAdvice] = {
    "silent": ("Interface menu: 9600 baud. It always has 7 data bits, odd parity, 1 stop bit.",),
    "garbled": ("It has 7 data bits, odd parity, 1 stop bit, and 9600 baud in its menu.",),
}
LAKESHORE: Final[BenchAdvice] = {
    "not_found": ("Windows needs Lake Shore's USB driver; Linux has it (cp210x).",),
    "silent": (
        "Interface menu: is USB (or Ethernet) enabled? USB: 57600 baud, 7 data bits, odd parity.",
        "Ethernet: port 7777, and its menu shows the address that it was given.",
    ),
    "garbled": ("USB: 57600 baud, 7 data bits, odd parity, 1 stop bit.",),
    "wrong": ("A controller that emulates an older model says that model's name.",),
}
DIGISENSE: Final[BenchAdvice] = {
    "silent": (
        "Does yours have a computer port at all? Only some models do. The driver is experimental: "
        "9600 baud, address 1.",
    ),
    "garbled": ("Only one public driver is known for it; yours may speak otherwise.",),
}
SR830: Final[BenchAdvice] = {
    "silent": (
        "The SR830 listens on both sockets and answers on one. [Setup]: OUTPUTS must be that of "
        "your cable, GPIB or RS232; interface in the bench file says the same.",
        "[Setup]: GPIB address (8), or baud rate and parity, as in the bench file.",
    ),
    "garbled": ("[Setup]: baud rate and parity as in the bench file; 8 data bits always.",),
}
PM100D: Final[BenchAdvice] = {
    "in_use": (_ONE_AT_A_TIME.format("Thorlabs Optical Power Monitor"),),
    "not_found": (
        "Thorlabs' driver switcher must give it the NI-VISA driver, not Thorlabs' own (TLPM).",
    ),
    "refused": ("Is a power sensor connected? Energy sensors are not known here.",),
}
OCEAN: Final[BenchAdvice] = {
    "in_use": (_ONE_AT_A_TIME.format("OceanView or SpectraSuite"),),
    "not_found": (_OCEAN_SETUP,),
    "forbidden": (_OCEAN_SETUP,),
    "missing": (
        "Install libusb 1.0 (Linux: your distribution's libusb-1.0-0), or write backend: "
        "cseabreeze into the bench file, which needs none.",
    ),
    "lost": (_OCEAN_SETUP, _ONE_AT_A_TIME.format("OceanView or SpectraSuite")),
    "silent": ("Unplug it, wait for ten seconds, and plug it in again.",),
    "wrong": ("Is serial in the bench file the number on its housing?",),
}
TTL_SHUTTER: Final[BenchAdvice] = {
    "refused": ("Does the sensor's wire go to the input that the bench file names?",),
    "silent": ("Has the shutter its own supply, and does the line reach it?",),
}
DAQ: Final[BenchAdvice] = {
    "not_found": ("NI MAX shows which cards there are, and under which names (Dev1).",),
    "missing": (
        'python -m pip install "labcool[daq]"',
        "NI's driver NI-DAQmx has to be installed too, from NI's pages.",
    ),
    "in_use": ("End LabVIEW, and the test panel of NI MAX.",),
    "refused": ("Does the sensor's wire go to the input that the bench file names?",),
    "silent": ("Has the shutter its own supply, and does the line reach it?",),
}
ANDOR: Final[BenchAdvice] = {
    "missing": ('python -m pip install "labcool[andor]"',),
    "setup": ("Real cameras: Windows, with Andor's SDK2 or Solis installed.",),
    "lost": (
        _ONE_AT_A_TIME.format("Solis"),
        "Has the camera its own power (cooling!), and is its fan running?",
    ),
    "refused": ("Is the cooler cold, and its fan or water running? See require_cold.",),
    "silent": ("Switch the camera off and on, then start the program again.",),
}
