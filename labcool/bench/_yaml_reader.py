"""From the bytes of a bench file to plain data, with the place of everything in it.

Only the plain part of YAML 1.2 is taken: mappings with text keys, lists, text, numbers and
true/false; a date is text until the schema reads it. What a reader of the file could overlook
(duplicate keys, aliases, tags, a second document, tabs) is refused. The file is composed by
ruamel.yaml's round-trip loader, which keeps the positions; the scalars are turned into values here,
so that each bad one is reported at its place instead of the first one ending everything.
"""

from __future__ import annotations

import math
import unicodedata
from dataclasses import dataclass, field
from typing import Any

from ruamel.yaml.nodes import MappingNode, Node, ScalarNode, SequenceNode

from labcool.bench._positions import Path, Place, Positions
from labcool.bench._yaml_problems import Fault, Problem, shown
from labcool.bench._yaml_text import compose, decode

_TAG = "tag:yaml.org,2002:"
_MOST_DIGITS = 40


@dataclass
class Document:
    """A bench file as plain data (dict, list, str, int, float, bool)."""

    data: dict[str, Any] = field(default_factory=dict)
    positions: Positions = field(default_factory=Positions)
    problems: list[Problem] = field(default_factory=list)

    def is_faulty(self, path: Path) -> bool:
        """True if this value, or what contains it, has a problem already."""
        faulty = {problem.fault.path for problem in self.problems}
        return any(path[:depth] in faulty for depth in range(len(path) + 1))


def read_document(source: bytes) -> Document:
    """Read a bench file.

    Problems are collected in the document; one that makes the rest unreadable stands alone in it.
    """
    text, problems = decode(source)
    if problems:
        return Document(problems=problems)
    root, problems = compose(text)
    if problems or root is None:
        return Document(problems=problems)
    builder = _Builder()
    if not isinstance(root, MappingNode):
        return Document(
            problems=[
                Problem(
                    _place(root),
                    Fault((), "the file is not a block of keys", "lines like 'bench: my bench'"),
                )
            ]
        )
    builder.document.data = builder.mapping(root, ())
    return builder.document


class _Unreadable(Exception):
    """A scalar that stands for no value; carries what is wrong, what is allowed and a hint."""

    def __init__(self, what: str, allowed: str = "", hint: str = "") -> None:
        super().__init__(what)
        self.what, self.allowed, self.hint = what, allowed, hint


class _Builder:
    def __init__(self) -> None:
        self.document = Document()

    def value(self, node: Node, path: Path) -> Any:
        self.document.positions.values[path] = _place(node)
        if isinstance(node, MappingNode):
            return self.mapping(node, path)
        if isinstance(node, SequenceNode):
            return [self.value(item, (*path, index)) for index, item in enumerate(node.value)]
        if node.tag != _TAG + "str":
            self.document.positions.written[path] = node.value
        try:
            return _scalar(node)
        except _Unreadable as error:
            place = self.document.positions.of(path, key=node.value == "")
            self._report(place, path, error.what, error.allowed, error.hint)
            return None

    def mapping(self, node: MappingNode, path: Path) -> dict[str, Any]:
        self.document.positions.values.setdefault(path, _place(node))
        content: dict[str, Any] = {}
        for key_node, value_node in node.value:
            key = self._key(key_node, path)
            if key is None:
                continue
            here = (*path, key)
            if key in content:
                first = self.document.positions.keys[here].line
                self._report(
                    _place(key_node), here, f"the key '{key}' appears twice (first in line {first})"
                )
                continue
            self.document.positions.keys[here] = _place(key_node)
            content[key] = self.value(value_node, here)
        return content

    def _key(self, node: Node, path: Path) -> str | None:
        if not isinstance(node, ScalarNode) or node.tag != _TAG + "str":
            written = node.value if isinstance(node, ScalarNode) else "a list or block"
            self._report(
                _place(node),
                (*path, str(written)),
                f"{written} cannot be a key",
                "text",
                "put it in quotes if it is meant to be text",
            )
            return None
        try:
            return _text(node.value)
        except _Unreadable as error:
            here = (*path, shown(node.value))
            self._report(_place(node), here, f"the key {error.what}", error.allowed, error.hint)
            return None

    def _report(
        self, place: Place, path: Path, what: str, allowed: str = "", hint: str = ""
    ) -> None:
        self.document.problems.append(Problem(place, Fault(path, what, allowed, hint)))


def _place(node: Node) -> Place:
    return Place(node.start_mark.line + 1, node.start_mark.column + 1)


def _scalar(node: Node) -> Any:
    kind = str(node.tag).removeprefix(_TAG)
    if kind == "null":
        raise _Unreadable("nothing stands after the colon", hint="write a value or remove the key")
    if kind == "bool":
        return node.value.lower() == "true"
    if kind == "int":
        return _integer(node.value)
    if kind == "float":
        return _float(node.value)
    return _text(node.value)


def _integer(text: str) -> int:
    digits = text.replace("_", "")
    if len(digits) > _MOST_DIGITS:
        raise _Unreadable(f"{shown(None, text)} has too many digits", f"at most {_MOST_DIGITS}")
    try:
        return int(digits, 0 if digits.lower().lstrip("+-").startswith(("0x", "0o", "0b")) else 10)
    except ValueError:
        raise _Unreadable(f"{shown(None, text)} is not a whole number") from None


def _float(text: str) -> float:
    number = text.replace("_", "").lower()
    if number.lstrip("+-") in (".inf", ".nan"):
        return math.nan if number.endswith("nan") else float(number.replace(".", ""))
    try:
        return float(number)
    except ValueError:
        raise _Unreadable(f"{shown(None, text)} is not a number") from None


def _text(text: str) -> str:
    if any(unicodedata.category(character) in ("Cc", "Cs") for character in text):
        raise _Unreadable(
            f"{shown(text)} contains control characters or line breaks", "text on a single line"
        )
    return text
