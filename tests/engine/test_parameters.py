from __future__ import annotations

import importlib.metadata
import math
from typing import Any

import pytest
from pymeasure.experiment import (
    BooleanParameter,
    FloatParameter,
    IntegerParameter,
    ListParameter,
    Parameter,
)

from labcool.engine.parameters import allowed, make_procedure
from labcool.engine.procedure import BenchProcedure
from labcool.engine.registry import procedure_class, procedure_names
from labcool.errors import ConfigurationError, LimitError


class Soup(BenchProcedure):
    """Has one parameter of every kind."""

    exposure = FloatParameter("Exposure", units="s", minimum=0.001, maximum=60, default=0.8)
    share = FloatParameter("Share", minimum=0, maximum=1, default=0.5)
    averages = IntegerParameter("Averages", minimum=1, maximum=1000, default=1)
    mode = ListParameter("Mode", choices=["fast", "slow"], default="fast")
    note = Parameter("Note", default="none")
    careful = BooleanParameter("Careful", default=True)

    @classmethod
    def procedure_name(cls) -> str:
        return "soup"

    def check(self) -> None:
        pass

    def estimate_duration(self) -> float:
        return 0.0

    def execute(self) -> None:
        pass


def soup(**values: object) -> Any:
    return make_procedure(Soup, values)


def test_without_values_all_have_their_defaults() -> None:
    made = soup()
    assert (made.exposure, made.averages, made.mode, made.note) == (0.8, 1, "fast", "none")


@pytest.mark.parametrize(
    ("typed", "seconds"),
    [
        ("0.5", 0.5),
        ("0.5 s", 0.5),
        ("0.5s", 0.5),
        (" 5e-1 ", 0.5),
        ("5e-1s", 0.5),
        ("1e0", 1.0),
        (".25  s", 0.25),
        (2, 2.0),
    ],
)
def test_a_number_with_or_without_its_unit(typed: object, seconds: float) -> None:
    made = soup(exposure=typed)
    assert made.exposure == seconds
    assert made.parameter_objects()["exposure"].value == seconds


@pytest.mark.parametrize(
    "typed",
    ["abc", "", "nan", "inf", "0.5 kg", "500ms", "0", "60.1", "-1", "0.5 s s", math.nan, [], None],
)
def test_what_is_no_allowed_number_is_refused(typed: object) -> None:
    with pytest.raises(LimitError) as caught:
        soup(exposure=typed)
    assert caught.value.field == "exposure"
    assert caught.value.value == repr(typed)
    assert caught.value.allowed == "from 0.001 to 60 s"


@pytest.mark.parametrize("typed", ["2.5", "1e1", "0", "1001", "two", 2.5, math.inf])
def test_a_whole_number_is_never_rounded(typed: object) -> None:
    with pytest.raises(LimitError) as caught:
        soup(averages=typed)
    assert caught.value.allowed == "a whole number from 1 to 1000"


def test_a_whole_number_is_taken() -> None:
    assert soup(averages="12").averages == 12
    assert soup(averages=3.0).averages == 3


def test_a_choice_is_one_of_them() -> None:
    assert soup(mode="slow").mode == "slow"
    with pytest.raises(LimitError, match=r"mode = 'sloow' .* one of fast, slow"):
        soup(mode="sloow")


def test_an_unknown_parameter_is_told_with_the_closest_and_all_there_are() -> None:
    with pytest.raises(ConfigurationError) as caught:
        soup(exposur="1")
    message = str(caught.value)
    assert "soup has no parameter 'exposur'. Did you mean 'exposure'?" in message
    assert message.endswith("averages, careful, exposure, mode, note, share.")


def test_a_programme_with_a_mistake_shows_where_it_is() -> None:
    with pytest.raises(ConfigurationError) as caught:
        make_procedure(procedure_class("cooling"), {"programme": "120 s at 300"})
    first, text, caret = str(caught.value).splitlines()
    assert first.startswith("programme: ")
    assert text[caret.index("^")] == "a"


def test_allowed_values_in_words() -> None:
    parameters = soup().parameter_objects()
    assert allowed(parameters["exposure"]) == "from 0.001 to 60 s"
    assert allowed(parameters["share"]) == "from 0 to 1"
    assert allowed(parameters["averages"]) == "a whole number from 1 to 1000"
    assert allowed(parameters["mode"]) == "one of fast, slow"
    assert allowed(parameters["note"]) == "text"


def test_procedures_are_found_by_name() -> None:
    assert "cooling" in procedure_names()
    assert procedure_class("cooling").procedure_name() == "cooling"
    with pytest.raises(ConfigurationError, match=r"no procedure 'coolin'\. Did you mean 'cooling'"):
        procedure_class("coolin")


def test_a_procedure_that_cannot_be_imported_is_named(monkeypatch: pytest.MonkeyPatch) -> None:
    broken = importlib.metadata.EntryPoint(
        "ghost", "no_such_package.ghost:Ghost", "labcool.procedures"
    )
    monkeypatch.setattr("labcool.engine.registry.entry_points", lambda group: [broken])
    with pytest.raises(ConfigurationError) as caught:
        procedure_class("ghost")
    assert "'ghost' (no_such_package.ghost:Ghost) cannot be loaded" in str(caught.value)
    assert "no_such_package" in str(caught.value)
