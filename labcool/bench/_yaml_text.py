"""The outermost checks of a bench file: its encoding, its tabs, and YAML's grammar."""

from __future__ import annotations

from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import (
    AliasEvent,
    CollectionEndEvent,
    CollectionStartEvent,
    DocumentStartEvent,
    Event,
    NodeEvent,
)
from ruamel.yaml.nodes import Node
from ruamel.yaml.reader import ReaderError

from labcool.bench._positions import TOP, Place
from labcool.bench._yaml_problems import Fault, Problem

_MOST_BYTES = 1_000_000
_DEEPEST = 12

_GRAMMAR = (
    (
        "mapping values are not allowed",
        "a second ':' in one value",
        "put text with ': ' in quotes, and look at the indentation and the quotation marks above",
    ),
    ("could not find expected ':'", "a key without ':'", "write 'key: value'"),
    ("expected ',' or", "a comma or a closing bracket is missing", "look at the line above too"),
    ("expected the node content", "a value or a closing bracket is missing", ""),
    ("unexpected end of stream", "a closing quotation mark is missing", ""),
    ("expected <block end>", "the indentation does not fit the lines above", ""),
    ("cannot start any token", "a value begins with a sign that YAML reserves", "use quotes"),
    ("undefined alias", "'*' cannot begin a value", "put text that begins with it in quotes"),
)


def decode(source: bytes) -> tuple[str, list[Problem]]:
    """Return the text of a file, and what keeps it from being one."""
    if len(source) > _MOST_BYTES:
        return "", [_problem(TOP, "the file is too large for a bench file", "at most 1 MB")]
    try:
        text = source.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        before = source[: error.start].decode("utf-8-sig", errors="replace")
        return "", [
            _problem(
                _place_after(before),
                f"the byte 0x{source[error.start]:02x} is not UTF-8",
                "text in UTF-8",
                "save the file as UTF-8 in your editor",
            )
        ]
    if not text.strip():
        return "", [_problem(TOP, "the file is empty", hint="'labcool init' writes an example")]
    if (tab := text.find("\t")) >= 0:
        lines = sum("\t" in line for line in text.splitlines())
        return "", [
            _problem(
                _place_after(text[:tab]),
                "a tab character",
                "spaces",
                f"{lines} line(s) of the file have tabs",
            )
        ]
    return text, []


def compose(text: str) -> tuple[Node | None, list[Problem]]:
    """Return the root of the file's tree of nodes, or what keeps it from being read."""
    try:
        problems = _refused_events(text)
        if problems:
            return None, problems
        root = YAML(typ="rt").compose(text)
    except MarkedYAMLError as error:
        return None, [_grammar_problem(error)]
    except ReaderError as error:
        return None, [
            _problem(
                _place_after(text[: error.position]),
                f"the character U+{ord(text[error.position]):04X} is not allowed in YAML",
                "printable text",
            )
        ]
    except YAMLError as error:
        return None, [_problem(TOP, f"not readable as YAML ({error})".replace("\n", " "))]
    if root is None:
        return None, [_problem(TOP, "the file holds only comments", hint="see 'labcool init'")]
    return root, []


def _refused_events(text: str) -> list[Problem]:
    problems: list[Problem] = []
    depth = documents = 0
    for event in YAML(typ="rt").parse(text):
        depth += isinstance(event, CollectionStartEvent) - isinstance(event, CollectionEndEvent)
        documents += isinstance(event, DocumentStartEvent)
        what = _refusal(event, documents)
        if what:
            problems.append(_problem(_mark(event.start_mark), what, "plain keys and values"))
        if depth > _DEEPEST or documents > 1:
            if depth > _DEEPEST:
                what = f"more than {_DEEPEST} blocks or lists inside one another"
                problems.append(_problem(_mark(event.start_mark), what))
            break
    return problems


def _refusal(event: Event, documents: int) -> str:
    if isinstance(event, DocumentStartEvent):
        if documents > 1:
            return "a second document begins ('---'); a bench file has only one"
        return "a '%' directive" if event.version or event.tags else ""
    if isinstance(event, AliasEvent):
        return f"the alias '*{event.anchor}'; write the value out"
    if isinstance(event, NodeEvent) and event.anchor:
        return f"the anchor '&{event.anchor}'"
    tag = getattr(event, "tag", None)
    return f"the tag '{str(tag).replace('tag:yaml.org,2002:', '!!')}'" if tag else ""


def _grammar_problem(error: MarkedYAMLError) -> Problem:
    said = " ".join(str(error.problem or error.context).split())
    mark = error.problem_mark or error.context_mark
    place = TOP if mark is None else _mark(mark)
    begun = error.context_mark
    since = f" (begun in line {begun.line + 1})" if begun and _mark(begun).line < place.line else ""
    for sign, what, hint in _GRAMMAR:
        if sign in said:
            return _problem(place, what + since, hint=hint)
    return _problem(place, f"not readable as YAML ({said})")


def _mark(mark: Any) -> Place:
    return Place(mark.line + 1, mark.column + 1)


def _place_after(text: str) -> Place:
    return Place(text.count("\n") + 1, len(text) - text.rfind("\n"))


def _problem(place: Place, what: str, allowed: str = "", hint: str = "") -> Problem:
    return Problem(place, Fault((), what, allowed, hint))
