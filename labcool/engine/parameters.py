"""Setting a procedure's parameters from what people type, with errors that say what is allowed."""

from __future__ import annotations

import difflib
import math
import re
from collections.abc import Mapping

from pymeasure.experiment import IntegerParameter, Parameter

from labcool.engine.procedure import BenchProcedure
from labcool.errors import ConfigurationError, LimitError

_NUMBER_AND_UNIT = re.compile(r"((?>[-+]?[\d.]+(?:[eE][-+]?\d+)?))\s*([A-Za-zµ°%].*)")


def make_procedure(
    kind: type[BenchProcedure], values: Mapping[str, object] | None = None
) -> BenchProcedure:
    """Return a procedure with its defaults and the given parameters.

    :param values: parameter name → text as typed (``"0.5"``, ``"0.5 s"``) or a value.
    :raises ConfigurationError: for a parameter the procedure does not have.
    :raises LimitError: for a value that is not allowed.
    """
    procedure = kind()
    for name, value in (values or {}).items():
        _set(procedure, name, value)
    return procedure


def allowed(parameter: Parameter) -> str:
    """Return what a parameter may be, in words and with its unit."""
    choices = getattr(parameter, "choices", None)
    if choices is not None:
        return "one of " + ", ".join(map(str, choices))
    unit = getattr(parameter, "units", None) or ""
    low, high = getattr(parameter, "minimum", None), getattr(parameter, "maximum", None)
    if low is not None and high is not None:
        whole = "a whole number " if isinstance(parameter, IntegerParameter) else ""
        return f"{whole}from {low:g} to {high:g} {unit}".rstrip()
    return str(getattr(parameter, "allowed", "") or "text")


def _set(procedure: BenchProcedure, name: str, value: object) -> None:
    known = procedure.parameter_objects()
    if name not in known:
        close = difflib.get_close_matches(name, known, n=1)
        hint = f" Did you mean '{close[0]}'?" if close else ""
        raise ConfigurationError(
            f"{procedure.procedure_name()} has no parameter '{name}'.{hint} It has: "
            f"{', '.join(known)}."
        )
    parameter = known[name]
    try:
        parameter.value = _with_spaced_unit(value) if hasattr(parameter, "units") else value
    except ConfigurationError as error:
        raise ConfigurationError(f"{name}: {error}") from error
    except (ValueError, TypeError, OverflowError) as error:
        raise LimitError(name, repr(value), allowed(parameter)) from error
    if isinstance(parameter.value, float) and not math.isfinite(parameter.value):
        raise LimitError(name, repr(value), allowed(parameter), "It must be a finite number.")
    if isinstance(value, float) and parameter.value != value:
        raise LimitError(name, repr(value), allowed(parameter))
    setattr(procedure, name, parameter.value)


def _with_spaced_unit(value: object) -> object:
    """Return a number with its unit as PyMeasure reads it: ``0.5s`` as ``0.5 s``."""
    match = _NUMBER_AND_UNIT.fullmatch(value.strip()) if isinstance(value, str) else None
    return value if match is None else " ".join(match.groups())
