from __future__ import annotations

from datetime import datetime, timedelta, timezone
from pathlib import Path

import pytest

from labcool.storage.names import plain_name, run_path

DATE = datetime(2026, 1, 2, 23, 4, 5, tzinfo=timezone(timedelta(hours=9)))


def test_a_name_says_when_what_and_of_what(tmp_path: Path) -> None:
    path = run_path(tmp_path, DATE, "Cooling", "CsPbBr3 film 3/4")
    assert path == tmp_path / "2026-01-02" / "20260102-230405_Cooling_CsPbBr3-film-3-4.h5"
    assert not path.parent.exists()


def test_no_name_is_given_twice(tmp_path: Path) -> None:
    names = []
    for _ in range(3):
        path = run_path(tmp_path, DATE, "Cooling")
        path.parent.mkdir(exist_ok=True)
        path.touch()
        names.append(path.name)
    assert names == [f"20260102-230405_Cooling{end}.h5" for end in ("", "-2", "-3")]


def test_a_name_about_to_be_written_is_taken(tmp_path: Path) -> None:
    first = run_path(tmp_path, DATE, "Cooling")
    first.parent.mkdir()
    first.with_name(first.name + ".lock").touch()
    assert run_path(tmp_path, DATE, "Cooling").name == "20260102-230405_Cooling-2.h5"


@pytest.mark.parametrize(
    ("text", "plain"),
    [
        ("a:b*c?d", "a-b-c-d"),
        ("..\\..\\up", "up"),
        ("Grüße µ", "Grue"),
        ("end. ", "end"),
        ("", ""),
        ("x" * 100, "x" * 60),
    ],
)
def test_names_are_safe_on_every_system(text: str, plain: str) -> None:
    assert plain_name(text) == plain
