"""Looking after the instruments of a bench: which of them answer, and what to check if not.

A driver may say two things about its instrument, both optional:

- ``bench_advice``, a class attribute: a mapping from a kind of failure (the values of
  :class:`~labcool.bench.failure_kinds.FailureKind`) to sentences on what to check, beyond what
  holds for every instrument on such a port;
- ``attention()``, a method that only reads: sentences about what a person should see to at an
  instrument that answers (a key, an interlock, a sensor).
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from labcool.bench.bench_file import LoadedBench
from labcool.bench.driver_settings import load_driver
from labcool.bench.failure_kinds import FailureKind, kind_of
from labcool.bench.opening import open_bench
from labcool.bench.port_advice import port_advice
from labcool.bench.roles import roles_of
from labcool.errors import InstrumentError, LabcoolError


@dataclass(frozen=True)
class Problem:
    """Why an instrument is not ready.

    :param message: the error, with the instrument's name in it.
    :param at_port: what to check at any instrument on such a port, a sentence or two each.
    :param at_instrument: what to check at this instrument.
    """

    kind: FailureKind
    message: str
    at_port: tuple[str, ...]
    at_instrument: tuple[str, ...]


@dataclass(frozen=True)
class Finding:
    """What is known of an instrument of the bench after asking it.

    :param role: the first role that it fills; "-" for none.
    :param identity: what it says it is; "" if it did not say.
    :param attention: what a person should see to although it answers.
    """

    name: str
    driver: str
    role: str
    resource: str | None
    identity: str = ""
    problem: Problem | None = None
    attention: tuple[str, ...] = field(default=())


def findings(loaded: LoadedBench) -> Iterator[Finding]:
    """Connect to one instrument after another, and tell what each says.

    Nothing is opened, turned or started. At its end each is left as every use leaves it: see its
    driver's ``shutdown()``.

    :raises ConfigurationError: if the bench as a whole cannot be used (simulated).
    """
    with open_bench(loaded, only=()):
        pass
    for name in loaded.spec.instruments:
        yield _ask(loaded, name)


def _ask(loaded: LoadedBench, name: str) -> Finding:
    entry = loaded.spec.instruments[name]
    driver = load_driver(entry.driver)
    role = next(iter(roles_of(driver)), "-")
    identity = ""
    problem = None
    attention: tuple[str, ...] = ()
    with _warnings() as heard:
        try:
            with open_bench(loaded, only=[name]) as bench:
                instrument = bench.instruments[name]
                identity = instrument.identity
                attention = tuple(getattr(instrument, "attention", tuple)())
        except LabcoolError as error:
            problem = _problem(name, driver, entry.resource, error)
    if problem is None:
        attention += tuple(f"While it was asked: {words}" for words in heard)
    return Finding(name, entry.driver, role, entry.resource, identity, problem, attention)


@contextmanager
def _warnings() -> Iterator[list[str]]:
    """Collect what is logged as a warning (a question that was repeated), so that it is told."""
    heard: list[str] = []
    handler = _Listener(heard)
    root = logging.getLogger()
    root.addHandler(handler)
    try:
        yield heard
    finally:
        root.removeHandler(handler)


class _Listener(logging.Handler):
    def __init__(self, heard: list[str]) -> None:
        super().__init__(logging.WARNING)
        self._heard = heard

    def emit(self, record: logging.LogRecord) -> None:
        self._heard.append(record.getMessage())


def _problem(name: str, driver: type, resource: str | None, error: LabcoolError) -> Problem:
    kind = kind_of(error)
    if isinstance(error, InstrumentError) and not _is_about(name, error):
        other = error.instrument.partition(" (")[0]
        message = f"{name}: cannot be asked, because of {error}"
        return Problem(kind, message, (), (f"It is read through {other}: see there.",))
    special: tuple[str, ...] = getattr(driver, "bench_advice", {}).get(kind.value, ())
    return Problem(kind, str(error), port_advice(resource, kind), special)


def _is_about(name: str, error: InstrumentError) -> bool:
    return error.instrument == name or error.instrument.startswith(f"{name} (")
