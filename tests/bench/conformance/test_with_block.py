"""``with`` ends the use of every driver's instrument, whatever has ended the block."""

from __future__ import annotations

from typing import Any

import pytest

from labcool.errors import InstrumentDisconnected

NAME = "the one under test"


def ended_by_an_error(instrument: Any, act: Any) -> None:
    with instrument as entered:
        assert entered is instrument
        act(instrument)
        raise ZeroDivisionError


class TestEveryDriver:
    def test_the_end_of_a_with_block_is_the_end_of_its_use(self, rig: Any) -> None:
        if type(rig.connect()).__module__.startswith("labcool."):
            return  # A part of a bench around a driver: the bench ends it.
        instrument = rig.connect()
        with pytest.raises(ZeroDivisionError):
            ended_by_an_error(instrument, rig.case.act)
        assert rig.is_safe
        with pytest.raises(InstrumentDisconnected, match=NAME):
            rig.case.ask(instrument)
