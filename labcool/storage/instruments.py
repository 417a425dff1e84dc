"""The instruments of a run under ``/entry/instrument``: one group each, by role, and one beam."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Final

import h5py

from labcool.storage.layout import InstrumentRecord, RunDescription
from labcool.storage.values import read_settings, write_settings

_GROUPS: Final = {
    "spectrometer": ("detector", "NXdetector"),
    "lockin": ("detector", "NXdetector"),
    "powermeter": ("detector", "NXdetector"),
    "laser": ("source", "NXsource"),
    "tunablesource": ("source", "NXsource"),
    "attenuator": ("attenuator", "NXattenuator"),
    "temperaturecontroller": ("environment", "NXenvironment"),
    "rotationmount": ("positioner", "NXpositioner"),
    "focusstage": ("positioner", "NXpositioner"),
    "chopper": ("chopper", "NXdisk_chopper"),
}
_OTHER: Final = ("device", "NXcollection")
BEAM: Final = "beam_pump"


@dataclass(frozen=True, slots=True)
class InstrumentState:
    """One instrument as a run file describes it; settings are empty where none were written."""

    role: str
    driver: str
    identity: str
    settings_before: Mapping[str, Any] = field(default_factory=dict)
    settings_after: Mapping[str, Any] = field(default_factory=dict)


def group_name(name: str, role: str) -> str:
    """Return the name of an instrument's group: its kind, then its name on the bench."""
    return f"{_kind(role)[0]}_{name.replace('/', '_')}"


def write_instruments(
    instrument: h5py.Group, run: RunDescription, wavelength: h5py.Dataset
) -> None:
    """Write every instrument, the pump beam, and the detector that takes the spectra."""
    records = dict(run.instruments)
    if run.detector not in records:
        records[run.detector] = InstrumentRecord("Spectrometer", "", "", {})
    for name, record in records.items():
        group = instrument.create_group(group_name(name, record.role))
        group.attrs["NX_class"] = _kind(record.role)[1]
        group.attrs["instrument"] = name
        group.attrs["role"] = record.role
        group.attrs["driver"] = record.driver
        group.attrs["identity"] = record.identity
        _write_kind(group, name, record)
        _write_snapshot(group, "settings_before", record.settings_before)
    detector = instrument[group_name(run.detector, records[run.detector].role)]
    detector["wavelength"] = wavelength
    _write_beam(instrument, records, run.beam)


def write_settings_after(instrument: h5py.Group, settings: Mapping[str, Mapping[str, Any]]) -> None:
    """Add the snapshot taken at the end of the run to each instrument it has one of."""
    by_name = {group.attrs.get("instrument"): group for group in instrument.values()}
    for name, snapshot in settings.items():
        group = by_name.get(name)
        if group is None:
            group = instrument.create_group(group_name(name, ""))
            group.attrs.update({"NX_class": _OTHER[1], "instrument": name})
        _write_snapshot(group, "settings_after", snapshot)


def read_instruments(instrument: h5py.Group) -> dict[str, InstrumentState]:
    """Return every instrument by its name on the bench."""
    return {
        str(group.attrs["instrument"]): InstrumentState(
            role=str(group.attrs.get("role", "")),
            driver=str(group.attrs.get("driver", "")),
            identity=str(group.attrs.get("identity", "")),
            settings_before=_read_snapshot(group, "settings_before"),
            settings_after=_read_snapshot(group, "settings_after"),
        )
        for group in instrument.values()
        if "instrument" in group.attrs
    }


def _kind(role: str) -> tuple[str, str]:
    return _GROUPS.get(role.replace("_", "").replace(" ", "").lower(), _OTHER)


def _write_kind(group: h5py.Group, name: str, record: InstrumentRecord) -> None:
    kind = _kind(record.role)[0]
    if kind == "detector":
        channels = "multichannel" if record.role.lower() == "spectrometer" else "single-channel"
        group["detector_channel_type"] = channels
    elif kind == "source":
        group["type"] = (
            "Laser" if record.role.lower() == "laser" else "Broadband Tunable Light Source"
        )
        group["name"] = record.identity or name
        group["associated_beam"] = f"/entry/instrument/{BEAM}"
    if record.identity:
        device = group.create_group("device_information")
        device.attrs["NX_class"] = "NXfabrication"
        device["identifier"] = record.identity


def _write_beam(
    instrument: h5py.Group, records: Mapping[str, InstrumentRecord], known: Mapping[str, Any]
) -> None:
    beam = instrument.create_group(BEAM)
    beam.attrs["NX_class"] = "NXbeam"
    beam["parameter_reliability"] = "nominal"
    write_settings(beam, known)
    sources = [(n, r) for n, r in records.items() if _kind(r.role)[0] == "source"]
    sources.sort(key=lambda source: source[0] != "pump")
    for name, record in sources[:1]:
        beam["associated_source"] = f"/entry/instrument/{group_name(name, record.role)}"
        wavelength = record.settings_before.get("wavelength_nm")
        if isinstance(wavelength, int | float):
            beam["incident_wavelength"] = float(wavelength)
            beam["incident_wavelength"].attrs["units"] = "nm"


def _write_snapshot(group: h5py.Group, key: str, settings: Mapping[str, Any]) -> None:
    inner = group.create_group(key)
    inner.attrs["NX_class"] = "NXcollection"
    write_settings(inner, settings)


def _read_snapshot(group: h5py.Group, key: str) -> dict[str, Any]:
    return read_settings(group[key]) if key in group else {}
