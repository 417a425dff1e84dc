"""What ``labcool doctor`` passes on of instruments that answer, and want something of a person."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

BENCH = """\
bench: white light
instruments:
  white: {{driver: drivers.superk.SuperK, resource: ASRL1::INSTR}}
  select: {{driver: drivers.superk_select.SuperKSelect, resource: ASRL1::INSTR}}
simulation:
  sample: roman2020-film
  faults: [{faults}]
"""


@pytest.mark.parametrize("name", ["white", "select"])
def test_an_open_interlock_is_told_in_words_and_is_no_failure(labcool: Any, name: str) -> None:
    fault = f"{{instrument: {name}, fault: interlock_open}}"
    Path("bench.yaml").write_text(BENCH.format(faults=fault), encoding="utf-8")
    said = labcool("doctor", "--bench", "bench.yaml")
    assert (said.code, said.err) == (0, "")
    lines = said.out.splitlines()
    told = [line for line in lines if line.startswith("white: ")]
    assert told == [
        "white: Interlock open (door). Close the door, or check the plug of the door circuit at "
        "the back of the source. Nobody in the beam? Then reset it at the front panel, or with "
        "reset_interlock() of the source."
    ]
    assert "select: Its interlock is off: see the source." in lines
    assert [line.split()[1] for line in lines if line.split()[0] in ("white", "select")] == [
        "SupercontinuumSource",
        "TunableSource",
    ]


def test_nothing_is_said_if_all_is_well(labcool: Any) -> None:
    Path("bench.yaml").write_text(BENCH.format(faults=""), encoding="utf-8")
    said = labcool("doctor", "--bench", "bench.yaml")
    assert (said.code, said.err) == (0, "")
    assert not [line for line in said.out.splitlines() if ": " in line and "Bench" not in line]
