"""Holding on a simulated Lake Shore controller whose heater is too weak for its ramp."""

from __future__ import annotations

from typing import Any

import pytest

from drivers.lakeshore import LakeShore331, LakeShore335, LakeShore336
from labcool.clock import VirtualClock
from labcool.errors import InstrumentTimeout
from simulators.lakeshore import LakeShore
from simulators.memory import MemoryLink

DRIVERS: dict[str, Any] = {"331": LakeShore331, "335": LakeShore335, "336": LakeShore336}


class Lagging:
    """A set point that has run ahead: after 5 min at 20 K/min it is 100 K above the stage."""

    def __init__(self, model: str, **keywords: Any) -> None:
        self.clock = VirtualClock()
        self.device = LakeShore(self.clock, model=model)
        self.cryostat = DRIVERS[model](
            MemoryLink(self.device, self.clock),
            "cryostat",
            clock=self.clock,
            setpoint_range=(10.0, 300.0),
            ramp_rate=20.0,
            **keywords,
        )
        self.cryostat.go_to(280.0)
        self.clock.sleep(300.0)
        assert self.cryostat.setpoint == pytest.approx(177.0, abs=0.5)
        assert self.temperature < 80.0

    @property
    def temperature(self) -> float:
        return self.device.temperature_at(self.clock.now())


@pytest.fixture(params=["331", "335", "336"])
def model(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def test_hold_ends_the_heating_at_once(model: str) -> None:
    bench = Lagging(model)
    before = bench.temperature
    bench.cryostat.hold()
    assert bench.cryostat.is_ramping is False
    for _ in range(6):
        bench.clock.sleep(60.0)
        assert bench.cryostat.setpoint == pytest.approx(before, abs=0.1)
        assert bench.temperature == pytest.approx(before, abs=0.5)
    assert bench.cryostat.heater_output < 90.0
    bench.cryostat.wait_until_stable(0.2, 0.1, 30.0, 1200.0)


def test_a_safe_state_that_holds_does_so_too(model: str) -> None:
    bench = Lagging(model, on_shutdown="hold")
    before = bench.temperature
    bench.cryostat.shutdown()
    bench.clock.sleep(240.0)
    assert bench.temperature == pytest.approx(before, abs=0.5)
    assert bench.device.heater_power() > 0.0


def test_the_time_out_says_that_the_heater_can_do_no_more(model: str) -> None:
    bench = Lagging(model)
    with pytest.raises(
        InstrumentTimeout, match=r"^cryostat: not stable.*The heater is at 100 % of range low\.$"
    ):
        bench.cryostat.wait_until_stable(0.1, 0.1, 30.0, 120.0)
