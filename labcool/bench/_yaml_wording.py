"""Validation errors in the words of a bench file."""

from __future__ import annotations

import json
from collections.abc import Mapping
from typing import Any, TypeVar

from pydantic import BaseModel, ValidationError

from labcool.bench._positions import Path
from labcool.bench._yaml_allowed import AllowedWords
from labcool.bench._yaml_fields import RULE
from labcool.bench._yaml_problems import Fault, did_you_mean, shown

M = TypeVar("M", bound=BaseModel)

_MISSING = ("missing", "union_tag_not_found")
_WRONG_LENGTH = ("too_short", "too_long")
_OUT_OF_RANGE = ("greater_than", "greater_than_equal", "less_than", "less_than_equal")


def checked(
    model: type[M], data: Mapping[str, Any], written: Mapping[Path, str] | None = None
) -> tuple[M | None, list[Fault]]:
    """Return the model made of plain data, or None and everything that is wrong with the data.

    Checked with JSON's rules, which are strict about numbers and text but know lists only.

    :param written: how values were typed, by path.
    """
    try:
        return model.model_validate_json(json.dumps(data)), []
    except ValidationError as error:
        words = _Words(model, data, written or {})
        return None, words.faults(error.errors(include_url=False))


class _Words:
    def __init__(
        self, model: type[BaseModel], data: Mapping[str, Any], written: Mapping[Path, str]
    ) -> None:
        self._allowed = AllowedWords(model.model_json_schema())
        self._data = data
        self._written = written
        self._meant: set[Path] = set()

    def faults(self, errors: list[Any]) -> list[Fault]:
        """Return the errors in words, without those that only follow from another one."""
        found: dict[Fault, str] = {}
        for error in errors:
            fault = self.fault(error)
            # Each choice of a union complains for itself; what is allowed names all of them.
            if all(fault.path != other.path for other in found):
                found[fault] = error["type"]
        return [
            fault
            for fault, kind in found.items()
            if not (kind == "missing" and fault.path in self._meant)
            and not (kind in _WRONG_LENGTH and any(_below(f.path, fault.path) for f in found))
        ]

    def fault(self, error: Mapping[str, Any]) -> Fault:
        location: tuple[str | int, ...] = error["loc"]
        kind: str = error["type"]
        if kind in _MISSING:
            return self._missing(location, kind)
        if kind == "extra_forbidden":
            return self._unknown_key(location)
        if location and location[-1] == "[key]":
            path = self._path(location[:-1])
            what = f"{shown(path[-1])} cannot be a name"
            return Fault(path, what, "letters, digits and _, beginning with a letter", on_key=True)
        path = self._path(location)
        if kind == RULE:
            rule = error["ctx"]
            where = path if rule["field"] is None else (*path, rule["field"])
            return Fault(where, rule["what"], rule["allowed"], rule["hint"])
        if kind == "union_tag_invalid":
            tags = self._allowed.tags(location)
            return self._choice((*path, "kind"), tags)
        if kind in ("literal_error", "enum"):
            return Fault(
                path,
                f"{self._shown(path)} is not one of the choices",
                self._allowed.at(location),
                _choice_hint(self._value(path), self._allowed.choices(location)),
            )
        return Fault(path, *self._bad_value(path, kind, self._allowed.at(location)))

    def _missing(self, location: tuple[str | int, ...], kind: str) -> Fault:
        if kind == "union_tag_not_found":
            path = (*self._path(location), "kind")
            return Fault(path, "'kind' is missing", " or ".join(self._allowed.tags(location)))
        parent = self._path(location[:-1])
        if isinstance(location[-1], int):
            what = f"{self._shown(parent)} has the wrong number of entries"
            return Fault(parent, what, self._allowed.at(location[:-1]))
        path = (*parent, location[-1])
        return Fault(path, f"'{location[-1]}' is missing", self._allowed.at(location))

    def _unknown_key(self, location: tuple[str | int, ...]) -> Fault:
        known = self._allowed.keys(location[:-1])
        parent, key = self._path(location[:-1]), location[-1]
        hint = did_you_mean(key, known)
        self._meant.update((*parent, name) for name in known if f"'{name}'" in hint)
        allowed = ", ".join(known) or "no keys"
        return Fault((*parent, key), f"unknown key '{key}'", allowed, hint, on_key=True)

    def _choice(self, path: Path, known: list[str]) -> Fault:
        hint = did_you_mean(self._value(path), known)
        return Fault(path, f"{self._shown(path)} is not known", " or ".join(known), hint)

    def _bad_value(self, path: Path, kind: str, allowed: str) -> tuple[str, str, str]:
        value, text = self._value(path), self._shown(path)
        if kind == "finite_number":
            return f"{text} is not a finite number", allowed, ""
        if kind in _OUT_OF_RANGE:
            return f"{text} is outside the range", allowed, ""
        if kind in _WRONG_LENGTH:
            if value == {}:
                return "the block is empty", allowed, ""
            return f"{text} has the wrong number of entries", allowed, ""
        if kind == "string_too_short":
            return f"{text} is empty", allowed, ""
        if kind == "string_too_long":
            return f"{text} is too long", allowed, ""
        if kind == "string_pattern_mismatch":
            return f"{text} cannot stand here", allowed, _space_hint(value)
        if kind.startswith("date"):
            return f"{text} is not a date", allowed, "write it like 2025-11-03"
        if kind.endswith(("_type", "_parsing")):
            return f"{text} is {_kind_of(value)}", allowed, _type_hint(value, allowed)
        return f"{text} is not accepted", allowed, ""

    def _shown(self, path: Path) -> str:
        return shown(self._value(path), self._written.get(path))

    def _value(self, path: Path) -> Any:
        value: Any = self._data
        for step in path:
            value = value[step]
        return value

    def _path(self, location: tuple[str | int, ...]) -> Path:
        """Return the location without the steps that only the model knows (names of choices)."""
        path: list[str | int] = []
        value: Any = self._data
        for step in location:
            in_list = isinstance(value, list) and isinstance(step, int) and step < len(value)
            if in_list or (isinstance(value, dict) and step in value):
                value = value[step]
                path.append(step)
        return tuple(path)


def _below(path: Path, other: Path) -> bool:
    return len(path) > len(other) and path[: len(other)] == other


def _kind_of(value: object) -> str:
    if isinstance(value, bool):
        return "true/false"
    names = {
        str: "text",
        int: "a whole number",
        float: "a number",
        list: "a list",
        dict: "not a single value",
    }
    return names.get(type(value), "nothing")


def _type_hint(value: object, allowed: str) -> str:
    number_wanted = "number" in allowed
    if isinstance(value, str):
        if number_wanted and _is_number(value.replace(",", ".")):
            return "write it without quotes, with a decimal point"
        if number_wanted:
            return "write the number alone; the key names the unit"
        return "write true or false" if allowed.startswith("true") else ""
    if allowed.startswith("text") and isinstance(value, int | float):
        return f'put it in quotes: "{value}"'
    if isinstance(value, float) and value.is_integer() and "whole number" in allowed:
        return f"write {value:.0f}"
    return ""


def _choice_hint(value: object, choices: list[Any]) -> str:
    if any(type(value) is not type(choice) and str(value) == str(choice) for choice in choices):
        return "take the quotes away" if isinstance(value, str) else f'put it in quotes: "{value}"'
    return did_you_mean(value, [str(choice) for choice in choices])


def _space_hint(value: object) -> str:
    padded = isinstance(value, str) and value != value.strip()
    return "take the spaces at its ends away" if padded else ""


def _is_number(text: str) -> bool:
    try:
        float(text)
    except ValueError:
        return False
    return True
