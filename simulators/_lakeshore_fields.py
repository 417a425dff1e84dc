"""The parameters of Lake Shore commands: how they are read, kept and written.

A missing or empty parameter keeps its value; parameters beyond the last are ignored. UNVERIFIED on
hardware for every command (the 331 manual shows both ``ALARM A,0`` and ``PID 1,10,50``).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Protocol, TypeAlias

Value: TypeAlias = float | str

_WHOLE: Final = re.compile(r"[+-]?\d{1,9}", re.ASCII)
_NUMBER: Final = re.compile(r"[+-]?(\d{1,12}\.?\d{0,12}|\.\d{1,12})([eE][+-]?\d{1,2})?", re.ASCII)


class ExecutionError(Exception):
    """A command is known, but cannot be carried out with these parameters."""


class Field(Protocol):
    """One parameter."""

    @property
    def default(self) -> Value:
        """What it is after power-up."""

    def parse(self, text: str) -> Value:
        """Return the value of a text; raises ExecutionError if it is not allowed."""

    def show(self, value: Value) -> str:
        """Return a value as the instrument writes it."""


@dataclass(frozen=True)
class Whole:
    """A whole number from ``lowest`` to ``highest``, written with at least ``digits`` digits."""

    lowest: int
    highest: int
    default: int = 0
    digits: int = 1

    def parse(self, text: str) -> int:
        """Return the number."""
        if not _WHOLE.fullmatch(text) or not self.lowest <= int(text) <= self.highest:
            raise ExecutionError
        return int(text)

    def show(self, value: Value) -> str:
        """Return the digits."""
        return f"{int(value):0{self.digits}d}"


@dataclass(frozen=True)
class Number:
    """A decimal number from ``lowest`` to ``highest``, kept and written to the style's digits."""

    lowest: float = -1e9
    highest: float = 1e9
    default: float = 0.0
    style: str = "+08.3f"

    def parse(self, text: str) -> float:
        """Return the number."""
        if not _NUMBER.fullmatch(text) or not self.lowest <= float(text) <= self.highest:
            raise ExecutionError
        return float(self.show(float(text)))

    def show(self, value: Value) -> str:
        """Return the number in the field's style."""
        return format(float(value), self.style)


@dataclass(frozen=True)
class Text:
    """A text of at most ``length`` characters, with or without quotes, padded with blanks."""

    length: int
    default: str = ""

    def parse(self, text: str) -> str:
        """Return the text without quotes; what is too long is cut off."""
        return text.removeprefix('"').removesuffix('"')[: self.length].rstrip()

    def show(self, value: Value) -> str:
        """Return the padded text."""
        return f"{value:{self.length}}"


@dataclass(frozen=True)
class Choice:
    """One of some words, e.g. the name of an input."""

    words: tuple[str, ...]
    default: str = ""

    def parse(self, text: str) -> str:
        """Return the word in upper case."""
        if text.upper() not in self.words:
            raise ExecutionError
        return text.upper()

    def show(self, value: Value) -> str:
        """Return the word."""
        return str(value)


@dataclass(frozen=True)
class Setting:
    """A command ``NAME keys,fields`` with its query ``NAME? keys``."""

    name: str
    keys: tuple[Choice, ...]
    fields: tuple[Field, ...]

    def key(self, arguments: Sequence[str]) -> tuple[str, ...]:
        """Return the parameters that say which one is meant."""
        if len(arguments) < len(self.keys):
            raise ExecutionError
        return tuple(key.parse(text) for key, text in zip(self.keys, arguments, strict=False))

    def merge(self, present: Sequence[Value], arguments: Sequence[str]) -> list[Value]:
        """Return the values after a command with these parameters (keys included)."""
        given = list(arguments[len(self.keys) : len(self.keys) + len(self.fields)])
        if not any(given):
            raise ExecutionError
        given += [""] * (len(self.fields) - len(given))
        return [
            field.parse(text) if text else old
            for field, text, old in zip(self.fields, given, present, strict=True)
        ]


class Settings:
    """Everything that a controller keeps, by command and keys."""

    def __init__(self, table: Sequence[Setting]) -> None:
        self._table = {setting.name: setting for setting in table}
        self._values: dict[tuple[str, ...], list[Value]] = {}

    def __contains__(self, name: str) -> bool:
        return name in self._table

    def __getitem__(self, address: tuple[str, ...]) -> list[Value]:
        """Return the values of ``(name, *keys)``."""
        if address not in self._values:
            defaults = [field.default for field in self._table[address[0]].fields]
            self._values[address] = defaults
        return self._values[address]

    def number(self, name: str, *keys: str, field: int = 0) -> float:
        """Return one value that is a number."""
        return float(self[(name, *keys)][field])

    def write(self, name: str, arguments: Sequence[str]) -> tuple[str, ...]:
        """Obey a command; returns its keys."""
        setting = self._table[name]
        key = setting.key(arguments)
        self[(name, *key)][:] = setting.merge(self[(name, *key)], arguments)
        return key

    def read(self, name: str, arguments: Sequence[str]) -> str:
        """Answer a query."""
        setting = self._table[name]
        values = self[(name, *setting.key(arguments))]
        return ",".join(f.show(v) for f, v in zip(setting.fields, values, strict=True))
