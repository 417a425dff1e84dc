"""The registers of the NKT modules of a SuperK system, as data.

Source: the register files (``60.txt``, ``66.txt``, ``67.txt``, ``68.txt``, ``88.txt``) of NKT's
software development kit and public drivers that quote them. Where those contradict each other
(set-up 0x31 or 0x16, NIM delay 0x39 or 0x38) the register files count. Percentages are in steps of
0.1, wavelengths of AOTF channels in pm, of VARIA edges in 0.1 nm.
"""

from __future__ import annotations

from typing import Final, TypeAlias

from drivers._interbus_registers import Register

Pair: TypeAlias = tuple[Register, Register]

MODULE_TYPE: Final = 0x61
FIRMWARE: Final = 0x64
SERIAL: Final = 0x65
STATUS: Final = Register(0x66, "status bits", 2, answers=(1, 2, 4))
ERROR_CODE: Final = Register(0x67, "error code", 2, answers=(1, 2))

EXTREME: Final = 0x60
FIANIUM: Final = 0x88
RF_DRIVER: Final = 0x66
SELECT: Final = 0x67
VARIA: Final = 0x68
MODELS: Final = {
    EXTREME: "SuperK EXTREME",
    0x61: "SuperK front panel",
    0x65: "SuperK booster",
    RF_DRIVER: "SuperK RF driver",
    SELECT: "SuperK SELECT",
    VARIA: "SuperK VARIA",
    0x6B: "SuperK EXTEND-UV",
    0x74: "SuperK COMPACT",
    0x7D: "SuperK EVO",
    0x81: "Ethernet module",
    FIANIUM: "SuperK FIANIUM",
}

ABSOLUTE_ZERO_C: Final = -273.15
LONGEST_NM: Final = 5000.0
"""Beyond what any of these modules passes."""

ON_OFF: Final = Register(0x30, "emission", 1)
OFF: Final = 0

# Light sources
EMITTING: Final = 3
INLET_TEMPERATURE: Final = Register(
    0x11, "inlet temperature (°C)", 2, 0.1, ABSOLUTE_ZERO_C, signed=True
)
SETUP: Final = {
    EXTREME: Register(0x31, "operating mode", 2, answers=(1, 2)),
    FIANIUM: Register(0x31, "operating mode", 1, answers=(1, 2)),
}
INTERLOCK: Final = Register(0x32, "interlock", 2)
PULSE_PICKER: Final = Register(
    0x34, "pulse_picker_ratio", 2, lowest=1, highest=0xFFFF, answers=(1, 2)
)
WATCHDOG: Final = Register(0x36, "watchdog (s)", 1, lowest=0, highest=255, answers=(1, 2))
POWER_LEVEL: Final = Register(0x37, "power_level (%)", 2, 0.1, 0.0, 100.0)
CURRENT_LEVEL: Final = Register(0x38, "power_level (%)", 2, 0.1, 0.0, 100.0)
NIM_DELAY: Final = {
    EXTREME: Register(0x39, "nim_delay", 2, lowest=0, highest=1023),
    FIANIUM: Register(0x3A, "nim_delay", 2, lowest=0, highest=1023),
}
MODES: Final = {
    EXTREME: {
        0: "constant current",
        1: "constant power",
        2: "externally modulated current",
        3: "externally modulated power",
        4: "external feedback",
    },
    FIANIUM: {0: "constant power", 4: "external feedback"},
}
CURRENT_MODES: Final = (0, 2)
INTERLOCK_STATES: Final = {0: "open", 1: "waiting for reset", 2: "ok"}
INTERLOCK_OK: Final = 2
INTERLOCK_PLACES: Final = {
    1: "front panel or key",
    2: "door",
    3: "external module",
    4: "application",
    5: "internal module",
    6: "power failure",
    7: "disabled by the light source",
    255: "circuit failure",
}
INTERLOCK_ADVICE: Final = {
    0: "Release it at the front panel: turn the key off and on.",
    1: "Turn the key at the front panel.",
    2: "Close the door, or check the plug of the door circuit at the back of the source.",
    3: "Check the filter or other module on the bus: its lid, its bus cable, its interlock plug.",
    4: "A program has opened it: reset_interlock() closes it.",
    5: "Check the status at the front panel; the source itself has opened it.",
    6: "Check the mains and the supply of the interlock circuit.",
    7: "The source has switched itself off: look at its error code.",
    255: "Check the wiring of the interlock circuit: its two channels do not agree.",
}
INTERLOCK_RESET: Final = 1
EMISSION_BIT: Final = 1 << 0
SOURCE_FAULTS: Final = {
    1: "interlock relays off",
    2: "interlock supply voltage low",
    3: "interlock loop open",
    4: "output control signal low",
    5: "supply voltage low",
    6: "temperature out of range",
    13: "CRC error on start-up (two modules with one address?)",
    15: "error code present",
}
SOURCE_FAULT_BITS: Final = sum(1 << bit for bit in SOURCE_FAULTS)
INTERLOCK_BITS: Final = 1 << 1 | 1 << 3
"""Relays off and loop open: what the interlock register tells in more detail."""
SOURCE_STATUS: Final = {
    0: "emission on",
    7: "clock battery low",
    8: "date and time not set",
    14: "log error code present",
    **SOURCE_FAULTS,
}

# RF driver of an AOTF
CHANNELS: Final = range(8)
LOWEST_WAVELENGTH: Final = Register(0x34, "lowest wavelength (nm)", 4, 0.001, 0.0, LONGEST_NM)
HIGHEST_WAVELENGTH: Final = Register(0x35, "highest wavelength (nm)", 4, 0.001, 0.0, LONGEST_NM)
CRYSTAL_TEMPERATURE: Final = Register(
    0x38, "crystal temperature (°C)", 2, 0.1, ABSOLUTE_ZERO_C, signed=True
)
CONNECTED_CRYSTAL: Final = Register(0x75, "connected crystal", 1)
WAVELENGTHS: Final = tuple(
    Register(
        0x90 + n, f"wavelength of channel {n} (nm)", 4, 0.001, 0.0, LONGEST_NM, answers=(4, 16)
    )
    for n in CHANNELS
)
AMPLITUDES: Final = tuple(
    Register(0xB0 + n, f"amplitude of channel {n} (%)", 2, 0.1, 0.0, 100.0, answers=(2, 4))
    for n in CHANNELS
)
RF_FAULTS: Final = {
    5: "supply voltage low",
    6: "temperature out of range",
    13: "communication with the AOTF timed out",
    14: "no data of the crystal",
    15: "error code present",
}
RF_FAULT_BITS: Final = sum(1 << bit for bit in RF_FAULTS)
RF_STATUS: Final = {0: "RF on", **RF_FAULTS}
HEALTHY_CRYSTAL_C: Final = (18.0, 28.0)

# SELECT housing
MONITORS: Final = tuple(Register(0x10 + n, f"monitor {n + 1} (%)", 2, 0.1) for n in range(2))
RF_SWITCH: Final = Register(0x34, "RF switch", 1, lowest=0, highest=1)
CRYSTAL_LIMITS: Final[tuple[Pair, ...]] = tuple(
    (
        Register(first, f"lowest wavelength of crystal {crystal} (nm)", 4, 0.001, 0.0, LONGEST_NM),
        Register(
            first + 1, f"highest wavelength of crystal {crystal} (nm)", 4, 0.001, 0.0, LONGEST_NM
        ),
    )
    for crystal, first in ((1, 0x90), (2, 0xA0))
)
HOUSING_INTERLOCK_BIT: Final = 1 << 1
HOUSING_FAULTS: Final = {
    1: "interlock off",
    5: "supply voltage low",
    6: "temperature out of range",
    15: "error code present",
}
HOUSING_STATUS: Final = {
    2: "interlock loop in",
    3: "interlock loop out",
    8: "shutter sensor 1",
    9: "shutter sensor 2",
    10: "new temperature of crystal 1",
    11: "new temperature of crystal 2",
    **HOUSING_FAULTS,
}

# VARIA
VARIA_MONITOR: Final = Register(0x13, "monitor (%)", 2, 0.1)
ND_SETPOINT: Final = Register(0x32, "nd_setpoint (%)", 2, 0.1, 0.0, 100.0)
SHORT_WAVE_PASS: Final = Register(0x33, "short-wave-pass edge (nm)", 2, 0.1, 0.0, LONGEST_NM)
LONG_WAVE_PASS: Final = Register(0x34, "long-wave-pass edge (nm)", 2, 0.1, 0.0, LONGEST_NM)
MOVING_BITS: Final = 0b111 << 12
VARIA_FAULTS: Final = {
    5: "supply voltage low",
    6: "temperature out of range",
    15: "error code present",
}
VARIA_FAULT_BITS: Final = sum(1 << bit for bit in VARIA_FAULTS)
VARIA_STATUS: Final = {
    1: "interlock off",
    2: "interlock loop in",
    3: "interlock loop out",
    8: "shutter sensor 1",
    9: "shutter sensor 2",
    12: "filter 1 moving",
    13: "filter 2 moving",
    14: "filter 3 moving",
    **VARIA_FAULTS,
}


def module_type(data: bytes) -> int:
    """Return the type that a module gives: one byte, or two, after which text may follow.

    An answer without data is no type: -1.
    """
    if not data:
        return -1
    return data[0] if len(data) == 1 else int.from_bytes(data[:2], "little")
