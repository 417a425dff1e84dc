"""One cell of the table of faults: a driver and a fault, in every exchange and at every answer."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterator
from functools import cache
from typing import Any

from fault_rig import (
    Exchange,
    FaultRig,
    Outcome,
    Subject,
    check_error,
    rig_of,
    warnings_of_drivers,
)
from fault_subjects import SUBJECTS

from labcool.errors import InstrumentDisconnected, LabcoolError
from simulators.faults import ANSWER_FAULTS, Fault, Injection

CONNECTING = "connecting"
CONNECTING_LIMIT_S = 45.0
FIRST_ANSWERS = 5
FOREVER = 10**6
PAUSE_S = 90.0
ACTING_S = {"cooler_drift": 120.0}
"""How long a state has lasted before anything is asked, s; all others: 0.5."""
DELAYS_S = (0.7, 1.4)
"""Longer than one time-out of most drivers, so that the answer comes while they ask again."""
QUESTIONS = ("question", "reading")
REASONS = {
    "interlock_open": "it has no interlock",
    "stuck": "nothing in it moves",
    "sensor_open": "it has no sensor that could break off",
    "heater_open": "it heats nothing",
    "saturation": "it measures nothing that could be too much",
    "cooler_drift": "it has no cooler",
}
"""Why a driver is not tried with a fault, unless its own ``exclusions`` say so."""

RESULTS: dict[tuple[str, str], Counter[Outcome]] = {}
"""What came of each cell that has been tried; empty for those left out."""


def reason_to_leave_out(name: str, kind: str) -> str:
    """Return why a fault is not tried with a driver; empty if it is."""
    subject = SUBJECTS[name]
    if kind in subject.exclusions:
        return subject.exclusions[kind]
    return "" if kind in rig_of(subject).host.kinds else REASONS[kind]


def outcomes(name: str, kind: str) -> Counter[Outcome]:
    """Run all of a cell and return what came of each exchange."""
    found: Counter[Outcome] = Counter()
    subject = SUBJECTS[name]
    for exchange in subject.only.get(kind, (*subject.exchanges, CONNECTING)):
        for fault in faults(name, exchange, kind):
            try:
                found[one_exchange(subject, exchange, fault)] += 1
            except AssertionError as error:
                raise AssertionError(f"{name}, {exchange}, {fault}: {error}") from error
    return found


def faults(name: str, exchange: str, kind: str) -> Iterator[Fault]:
    """Yield a fault at the first answers of an exchange and the last, and one that does not end."""
    count = answers(name, exchange)
    if kind not in ANSWER_FAULTS:
        # A reading that has begun before the light came need not tell of it.
        last = 1 if kind == "saturation" else min(count, 3)
        yield from (Fault(kind, after=position) for position in range(last))
        return
    exchanges = SUBJECTS[name].exchanges
    longest = exchanges["question" if exchange == CONNECTING else exchange].late_s
    for delay in (*DELAYS_S, longest) if kind == "late" else (None,):
        for position in sorted({*range(min(count, FIRST_ANSWERS)), count - 1}):
            yield Fault(kind, after=position, delay_s=delay)
        yield Fault(kind, times=FOREVER, delay_s=delay)


@cache
def answers(name: str, exchange: str) -> int:
    """Return how many answers an exchange takes if nothing goes wrong; at least 1."""
    rig = rig_of(SUBJECTS[name])
    instrument = rig.ready()
    counted = 0
    original = rig.host._hits

    def count(**options: Any) -> Any:
        nonlocal counted
        counted += 1
        return original(**options)

    rig.host._hits = count  # type: ignore[method-assign]
    if exchange == CONNECTING:
        instrument.shutdown()
        counted = 0
        rig.connect()
    else:
        SUBJECTS[name].exchanges[exchange].do(instrument)
    return max(counted, 1)


def one_exchange(subject: Subject, exchange: str, fault: Fault) -> Outcome:
    """Run one exchange with a fault in it, and see that the driver works again afterwards."""
    rig = rig_of(subject)
    instrument = rig.ready()
    do, is_right, limit = _what_to_do(rig, subject, exchange, instrument)
    rig.fault = fault.kind
    injection = rig.host.inject(fault)
    if injection.acts and not fault.hits_answers:
        rig.clock.sleep(ACTING_S.get(fault.kind, 0.5))
    begin = rig.clock.now()
    value = problem = None
    with warnings_of_drivers() as warnings:
        try:
            value = do()
        except LabcoolError as error:
            problem = error
            check_error(error)
    took = rig.clock.now() - begin
    assert took <= limit, f"took {took:.2f} s"
    assert injection.hits, "the fault has hit nothing"
    if problem is None:
        assert is_right(value), f"wrong value: {value!r}"
    if exchange == CONNECTING:
        instrument = value if problem is None else None
    if warnings or problem is not None or not fault.hits_answers:
        outcome = _told(fault, problem, warnings)
    else:
        outcome = _unharmed(rig, instrument, injection, took)
    rig.host.clear()
    if exchange == CONNECTING and instrument is not None and fault.kind not in subject.dies_of:
        _try(lambda: subject.prepare(instrument))
    _works_again(rig, subject, instrument, fault)
    return outcome


def _what_to_do(
    rig: FaultRig, subject: Subject, exchange: str, instrument: Any
) -> tuple[Callable[[], Any], Callable[[Any], bool], float]:
    if exchange == CONNECTING:
        identity = instrument.identity
        instrument.shutdown()
        return rig.connect, lambda new: _name(new.identity) == _name(identity), CONNECTING_LIMIT_S
    asked: Exchange = subject.exchanges[exchange]
    return (
        lambda: rig.ask(asked, instrument),
        lambda value: bool(asked.is_right(rig, value)),
        asked.limit * (1 if exchange not in QUESTIONS else 2),
    )


def _name(identity: str) -> str:
    """Return an identity without the state in which a device was found."""
    return identity.partition(", status")[0]


def _told(fault: Fault, problem: Exception | None, warnings: list[str]) -> Outcome:
    if problem is not None:
        assert fault.kind != "disconnect" or fault.after or _is_disconnected(problem), problem
        return Outcome.ERROR
    return Outcome.RETRIED if warnings else Outcome.TOLD


def _unharmed(rig: FaultRig, instrument: Any, injection: Injection, took: float) -> Outcome:
    """Return why an answer could be hit without a word; there are few good reasons."""
    fault, asides = injection.fault, rig.subject.asides
    if fault.delay_s is not None and took > fault.delay_s - 1e-6:
        return Outcome.IN_TIME
    concerns = injection.concerns if fault.kind == "shifted" else injection.concerns[:1]
    unawaited = any(answer.startswith(asides) for answer in concerns)
    if fault.kind == "duplicated" and not unawaited:
        # A copy may lie on the line until the next exchange, which has to recognise it.
        with warnings_of_drivers() as later:
            _never_wrong(rig, rig.subject, instrument)
        unawaited = bool(later)
    assert unawaited, "right, but nothing logged"
    return Outcome.UNAWAITED


def _is_disconnected(problem: Exception) -> bool:
    return isinstance(problem, InstrumentDisconnected) or isinstance(
        problem.__cause__, InstrumentDisconnected
    )


def _works_again(rig: FaultRig, subject: Subject, instrument: Any, fault: Fault) -> None:
    """See that nothing stale is taken for new, at once or later, and that all is well at last."""
    if instrument is not None and fault.kind not in subject.dies_of:
        _never_wrong(rig, subject, instrument)
    rig.clock.sleep(PAUSE_S)
    if fault.kind in subject.dies_of and instrument is not None:
        _stays_dead(subject, instrument)
        instrument = None
    if instrument is not None:
        _never_wrong(rig, subject, instrument)
    if instrument is None:
        instrument = rig.connect()
    if fault.kind == "power_cycle":
        instrument = subject.revive(rig, instrument)
    subject.prepare(instrument)
    if fault.kind in ANSWER_FAULTS or fault.kind in ("disconnect", "power_cycle", "wrong_device"):
        _all_right(rig, subject, instrument)
        with warnings_of_drivers() as warnings:
            _all_right(rig, subject, instrument)
        assert not warnings, f"still not in order: {warnings}"


def _try(act: Callable[[], object]) -> None:
    try:
        act()
    except LabcoolError as error:
        check_error(error)


def _never_wrong(rig: FaultRig, subject: Subject, instrument: Any) -> None:
    for kind, exchange in subject.exchanges.items():
        if kind in QUESTIONS:
            try:
                value = rig.ask(exchange, instrument)
            except LabcoolError as error:
                check_error(error)
            else:
                assert exchange.is_right(rig, value), f"wrong {kind} afterwards: {value!r}"


def _stays_dead(subject: Subject, instrument: Any) -> None:
    """See that a driver whose port has vanished says so for good, and lets itself be ended."""
    for attempt in (lambda: subject.exchanges["question"].do(instrument), instrument.shutdown):
        try:
            attempt()
        except LabcoolError as error:
            check_error(error)
        else:
            assert attempt == instrument.shutdown, "answers although its port had vanished"


def _all_right(rig: FaultRig, subject: Subject, instrument: Any) -> None:
    for kind in (*QUESTIONS, "setting", *QUESTIONS):
        exchange = subject.exchanges.get(kind)
        if exchange is not None:
            value = rig.ask(exchange, instrument)
            assert exchange.is_right(rig, value), f"wrong {kind} in the end: {value!r}"
