"""What all roles promise, asked of every class that fills one."""

from __future__ import annotations

import importlib
import json
import pkgutil
import re
from typing import Any

import pytest

import drivers
from labcool.bench.roles import ROLES, missing_members, roles_of
from labcool.errors import InstrumentDisconnected, InstrumentError, LimitError

NAME = "the one under test"


def test_every_class_of_the_drivers_that_fills_a_role_is_here(cases: Any) -> None:
    modules = [
        importlib.import_module(f"drivers.{found.name}")
        for found in pkgutil.iter_modules(drivers.__path__)
        if not found.name.startswith("_")
    ]
    filling = {
        candidate
        for module in modules
        for candidate in vars(module).values()
        if isinstance(candidate, type) and candidate.__module__ == module.__name__
        if roles_of(candidate)
    }
    assert filling == {case.driver for case in cases.values()}


class TestEveryInstrument:
    def test_fills_one_role_whole(self, rig: Any) -> None:
        instrument = rig.connect()
        assert missing_members(type(instrument), rig.case.role) == []
        whole = [role.__name__ for role in ROLES if role in rig.case.role.__mro__]
        assert roles_of(type(instrument)) == whole
        assert instrument.name == NAME

    def test_says_who_it_is(self, rig: Any) -> None:
        identity = rig.connect().identity
        assert type(identity) is str
        assert re.search(r"\w", identity)
        assert identity == identity.strip()

    def test_connecting_changes_nothing(self, rig: Any) -> None:
        rig.interfere()
        assert not rig.is_safe or rig.case.ends_in_silence
        if rig.is_busy:
            rig.clock.sleep(5.0)
        before = rig.state()
        instrument = rig.connect()
        if rig.case.connecting_makes_safe:
            rig.clock.sleep(0.1)
            assert rig.is_safe
            before = rig.state()
        assert rig.state() == before
        instrument.settings()
        assert instrument.identity
        assert rig.state() == before

    def test_settings_are_a_snapshot_of_plain_values(self, rig: Any) -> None:
        settings = rig.connect().settings()
        assert settings
        for key, value in settings.items():
            assert re.fullmatch(r"[a-z][a-z0-9]*(_[A-Za-z0-9]+)*", key)
            assert type(value) in (float, int, str, bool), key
        assert json.loads(json.dumps(dict(settings), allow_nan=False)) == settings

    def test_make_safe_at_any_time(self, rig: Any) -> None:
        instrument = rig.connect()
        instrument.make_safe()
        assert rig.is_safe
        rig.interfere()
        instrument.make_safe()
        assert rig.is_safe
        rig.case.act(instrument)
        instrument.make_safe()
        instrument.make_safe()
        assert rig.is_safe
        assert rig.case.ask(instrument) is not None

    def test_shutdown_leaves_the_device_safe_and_the_second_does_nothing(self, rig: Any) -> None:
        instrument = rig.connect()
        rig.case.act(instrument)
        instrument.shutdown()
        assert rig.is_safe
        rig.interfere()
        before, told = rig.state(), len(rig.received)
        instrument.shutdown()
        assert len(rig.received) == told
        assert rig.state() == before

    def test_shutdown_gives_the_port_back(self, rig: Any) -> None:
        first = rig.connect()
        first.shutdown()
        second = rig.connect()
        with pytest.raises(InstrumentDisconnected, match=NAME):
            rig.case.ask(first)
        first.shutdown()
        rig.case.ask(second)
        second.shutdown()

    def test_shutdown_gives_the_port_back_even_if_nothing_answers(self, rig: Any) -> None:
        instrument = rig.connect()
        rig.case.act(instrument)
        rig.device.silent = True
        if rig.case.ends_in_silence:
            instrument.shutdown()
        else:
            with pytest.raises(InstrumentError, match=f"^{NAME}: "):
                instrument.shutdown()
        instrument.shutdown()
        rig.device.silent = False
        with pytest.raises(InstrumentDisconnected):
            rig.case.ask(instrument)
        rig.connect().make_safe()
        assert rig.is_safe

    def test_silence_is_a_timeout_with_its_name_in_the_stated_time(self, rig: Any) -> None:
        instrument = rig.connect()
        rig.case.ask(instrument)
        rig.device.silent = True
        start = rig.clock.now()
        with pytest.raises(rig.case.silence, match=f"^{NAME}: ") as caught:
            rig.case.ask(instrument)
        assert caught.value.instrument == NAME
        took = rig.clock.now() - start
        assert took <= rig.case.patience
        assert took > 0.1 or rig.case.silence is InstrumentDisconnected

    def test_works_again_once_it_answers_again(self, rig: Any) -> None:
        instrument = rig.connect()
        rig.device.silent = True
        with pytest.raises(rig.case.silence):
            rig.case.ask(instrument)
        rig.device.silent = False
        rig.case.act(instrument)
        rig.case.ask(instrument)
        instrument.make_safe()
        assert rig.is_safe

    def test_nothing_there_is_an_error_on_connecting(self, rig: Any) -> None:
        rig.device.silent = True
        with pytest.raises(InstrumentError, match=NAME):
            rig.connect()
        rig.device.silent = False
        rig.connect().shutdown()

    def test_what_is_not_allowed_is_refused_before_anything_is_sent(
        self, rig: Any, call: str
    ) -> None:
        instrument = rig.connect()
        rig.case.ask(instrument)
        before, values = rig.state(), dict(instrument.settings())
        told = len(rig.received)
        with pytest.raises(LimitError, match=NAME) as caught:
            rig.case.refused[call](instrument)
        assert caught.value.allowed
        sent = rig.received[told:]
        assert sent == [] or (rig.case.limits_are_asked and all(map(rig.case.is_question, sent)))
        assert rig.state() == before
        assert stable(instrument.settings()) == stable(values)


def stable(settings: Any) -> dict[str, Any]:
    """Settings without what a sensor's noise changes."""
    return {key: value for key, value in settings.items() if not key.startswith("temperature")}
