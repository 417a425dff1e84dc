import math

import pytest

from labcool.bench.limited_stage import LimitedStage
from labcool.bench.roles import TemperatureController, missing_members
from labcool.errors import LimitError


class Controller:
    name = "stage (T95)"
    identity = "T95"
    temperature = 298.0
    temperature_range = (77.15, 873.15)
    ramp_rate = 10.0
    is_holding = False

    def __init__(self):
        self.went_to = []

    def go_to(self, temperature):
        self.went_to.append(temperature)

    def settings(self):
        return {"temperature_K": 298.0}

    def make_safe(self):
        self.went_to.append("safe")

    def shutdown(self):
        self.went_to.append("shut down")


@pytest.fixture
def stage():
    return LimitedStage(Controller(), (77.0, 373.0))


def test_it_fills_the_role():
    assert missing_members(LimitedStage, TemperatureController) == []


def test_the_range_is_what_both_allow(stage):
    assert stage.temperature_range == (77.15, 373.0)


@pytest.mark.parametrize("temperature", [77.0, 373.1, -1.0, math.nan, math.inf])
def test_a_set_point_outside_is_refused_and_not_sent(stage, temperature):
    with pytest.raises(LimitError, match=r"stage \(T95\) temperature") as caught:
        stage.go_to(temperature)
    assert "from 77.15 to 373." in str(caught.value)
    assert stage.controller.went_to == []


def test_a_set_point_inside_is_passed_on(stage):
    stage.go_to(350.0)
    stage.ramp_rate = 5.0
    stage.make_safe()
    stage.shutdown()
    assert stage.controller.went_to == [350.0, "safe", "shut down"]
    assert stage.controller.ramp_rate == stage.ramp_rate == 5.0
    assert stage.settings() == {"temperature_K": 298.0}
    assert (stage.temperature, stage.identity, stage.is_holding) == (298.0, "T95", False)
