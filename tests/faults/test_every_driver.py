"""Every driver with every fault: the right value after a logged retry, or an error with its name.

What is asked, and how the device shows that it came out right, is data: ``tests/helpers/fault_*``.
Each fault hits each of the first answers of an exchange, the last one, and all of them; afterwards
the driver must work again, and nothing old may pass for new. The clock is virtual.

"Garbled" is one wrong bit where the protocol can tell; what no program can notice is listed in
``docs/instruments.md``.
"""

from __future__ import annotations

import importlib
import pkgutil

import pytest
from fault_rig import Outcome, rig_of
from fault_subjects import SUBJECTS
from fault_table import RESULTS, Counter, outcomes, reason_to_leave_out

import drivers
from labcool.errors import ConfigurationError
from simulators.faults import ANSWER_FAULTS, KINDS, Fault

BESIDES_ERRORS = {Outcome.RETRIED, Outcome.ERROR, Outcome.IN_TIME, Outcome.UNAWAITED}


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("name", SUBJECTS)
def test_a_fault_ends_in_a_retry_or_in_an_error_with_the_name(name: str, kind: str) -> None:
    if reason := reason_to_leave_out(name, kind):
        RESULTS[name, kind] = Counter()
        host = rig_of(SUBJECTS[name]).host
        if kind not in host.kinds:
            with pytest.raises(ConfigurationError, match=f"'{kind}' does not apply"):
                host.inject(Fault(kind))
        assert len(reason.split()) > 2
        return
    found = RESULTS[name, kind] = outcomes(name, kind)
    if kind in ANSWER_FAULTS:
        assert set(found) <= BESIDES_ERRORS
        assert found[Outcome.RETRIED] + found[Outcome.ERROR] > found[Outcome.UNAWAITED]
    else:
        assert found[Outcome.ERROR] + found[Outcome.RETRIED] or kind in SUBJECTS[name].told


def test_every_driver_is_in_the_table() -> None:
    modules = [
        importlib.import_module(f"drivers.{found.name}")
        for found in pkgutil.iter_modules(drivers.__path__)
        if not found.name.startswith("_")
    ]
    classes = {
        candidate
        for module in modules
        for candidate in vars(module).values()
        if isinstance(candidate, type) and candidate.__module__ == module.__name__
        if hasattr(candidate, "shutdown")
    }
    assert classes == {subject.case.driver for subject in SUBJECTS.values()}
