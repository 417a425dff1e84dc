"""What the simulated bench calls its instruments (``labcool simulate`` prints it)."""

from __future__ import annotations

import pytest

from labcool.clock import VirtualClock
from simulators.bench import SimulatedBench


@pytest.mark.parametrize("model", ["331", "335", "336"])
def test_a_lake_shore_is_named_with_its_model(model: str) -> None:
    bench = SimulatedBench(
        clock=VirtualClock(),
        instruments={"cryostat": (f"drivers.lakeshore.LakeShore{model}", {})},
        optics={},
        sample="roman2020-film",
        link="memory",
        seed=1,
    )
    assert bench.model("cryostat") == f"LakeShore {model}"
