"""Every class that fills a role, with its simulated device behind it (``tests/helpers``).

A class of tests may name the cases it is for in ``CASES``; others are run for all.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import SimpleNamespace

import case_of_daq_shutter
import case_of_photodiode
import instrument_cases
import pytest
import seabreeze.pyseabreeze.protocol
from instrument_rig import Case, Rig

CASES: Mapping[str, Case] = {
    **instrument_cases.CASES,
    **case_of_photodiode.CASES,
    **case_of_daq_shutter.CASES,
}
RIGS: Mapping[type, type[Rig]] = {
    case_of_photodiode.Photodiode: case_of_photodiode.PhotodiodeRig,
    case_of_daq_shutter.DAQShutter: case_of_daq_shutter.CardRig,
}


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    names = getattr(metafunc.cls, "CASES", tuple(CASES))
    if "call" in metafunc.fixturenames:
        pairs = [(name, call) for name in names for call in CASES[name].refused]
        metafunc.parametrize(
            ("case", "call"),
            [(CASES[name], call) for name, call in pairs],
            ids=[f"{name}-{call}" for name, call in pairs],
        )
    elif "rig" in metafunc.fixturenames:
        metafunc.parametrize("case", [CASES[name] for name in names], ids=names)


@pytest.fixture(autouse=True)
def _usb_without_pauses(monkeypatch: pytest.MonkeyPatch) -> None:
    """Spare the 0.1 s of wall time that seabreeze waits for a real spectrometer to wake up."""
    pauses = SimpleNamespace(sleep=lambda _: None)
    monkeypatch.setattr(seabreeze.pyseabreeze.protocol, "time", pauses)


@pytest.fixture
def cases() -> Mapping[str, Case]:
    return CASES


@pytest.fixture
def rig(case: Case) -> Rig:
    return RIGS.get(case.driver, Rig)(case)
