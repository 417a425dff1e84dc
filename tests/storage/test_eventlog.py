from __future__ import annotations

from pathlib import Path

import h5py
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from labcool import open_run
from labcool.storage.eventlog import Event, as_array, from_rows, to_rows
from labcool.storage.writer import RunWriter

texts = st.text(st.characters(exclude_characters="\0", exclude_categories=("Cs",)), max_size=700)


@settings(deadline=None, max_examples=60)
@given(st.lists(st.tuples(st.integers(1, 127), texts), min_size=1, max_size=4))
def test_texts_of_any_length_come_back(entries: list[tuple[int, str]]) -> None:
    events = [Event(0.5 * i, level, "runner", text) for i, (level, text) in enumerate(entries)]
    rows = as_array(row for event in events for row in to_rows(event))
    assert from_rows(rows) == events


def test_a_row_is_never_cut_within_a_character() -> None:
    rows = to_rows(Event(1.0, 30, "runner", "x" + "é" * 150))
    assert [len(row[3]) for row in rows] == [199, 102]
    assert [row[1] for row in rows] == [30, -30]
    assert "".join(row[3].decode() for row in rows) == "x" + "é" * 150


def test_a_long_source_is_kept_in_the_text() -> None:
    source = "labcool.engine.some.very.long.module.name"
    (event,) = from_rows(as_array(to_rows(Event(0.0, 20, source, "done"))))
    assert event.source == source[:32]
    assert event.text == f"{source}: done"


def test_zero_bytes_stay_visible() -> None:
    (event,) = from_rows(as_array(to_rows(Event(0.0, 20, "a", "b\0"))))
    assert event.text == "b\\0"


def test_the_log_grows_with_the_file(tmp_path: Path, describe, block, end) -> None:
    path = tmp_path / "run.h5"
    writer = RunWriter(path, describe())
    writer.append(block(0, 2))
    long = "°" * 500
    for number in range(100):
        writer.log(number, 20, "runner", f"{number} {long}")
        if number % 9 == 0:
            writer.flush()
    writer.finish("finished", end)
    with open_run(path) as run:
        assert [event.text for event in run.events] == [f"{n} {long}" for n in range(100)]
        assert [event.time for event in run.events] == list(range(100))
    with h5py.File(path, "r") as file:
        assert file["entry/events/log"].shape == (600,)


def test_a_run_without_entries_has_no_log(tmp_path: Path, describe, block, end) -> None:
    path = tmp_path / "run.h5"
    writer = RunWriter(path, describe())
    writer.append(block(0, 2))
    writer.finish("finished", end)
    with open_run(path) as run:
        assert run.events == []


@pytest.mark.parametrize("level", [0, -20, 128])
def test_levels_a_row_cannot_hold_are_refused(level: int) -> None:
    with pytest.raises(ValueError, match="level of a log entry"):
        to_rows(Event(0.0, level, "a", "b"))
