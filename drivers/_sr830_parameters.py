"""Properties of the SR830 that are one question and one command."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Sequence
from typing import Any, Generic, Self, TypeVar, overload

from drivers._sr830_wire import SR830Wire
from labcool.numbers import index_of, truth, whole, within

Value = TypeVar("Value", bound=float | str | bool)


class Parameter(Generic[Value]):
    """Base of the properties.

    :param command: what sets it, with ``{}`` for the argument; its first four letters ask for it.
    :param doc: the property's docstring.
    """

    def __init__(self, command: str, doc: str) -> None:
        self._command = command
        self._query = command[:4] + "?"
        self._name = ""
        self.__doc__ = doc

    def __set_name__(self, owner: type, name: str) -> None:
        self._name = name

    @overload
    def __get__(self, instrument: None, owner: Any) -> Self: ...

    @overload
    def __get__(self, instrument: SR830Wire, owner: Any) -> Value: ...

    def __get__(self, instrument: SR830Wire | None, owner: Any) -> Self | Value:
        return self if instrument is None else self._get(instrument)

    def __set__(self, instrument: SR830Wire, value: Value) -> None:
        field = f"{instrument.name} {self._name}"
        instrument._tell(self._command.format(self._argument(field, value)))

    @abstractmethod
    def _get(self, instrument: SR830Wire) -> Value: ...

    @abstractmethod
    def _argument(self, field: str, value: Value) -> float: ...


class Choice(Parameter[Value]):
    """One of a few values, which the wire knows by its index."""

    def __init__(self, command: str, allowed: Sequence[Value], doc: str) -> None:
        super().__init__(command, doc)
        self._allowed = allowed

    def _get(self, instrument: SR830Wire) -> Value:
        return self._allowed[instrument._ask_whole(self._query, len(self._allowed) - 1)]

    def _argument(self, field: str, value: Value) -> float:
        return index_of(field, value, self._allowed)


class Flag(Parameter[bool]):
    """True or False; 1 or 0 on the wire."""

    def _get(self, instrument: SR830Wire) -> bool:
        return instrument._ask_whole(self._query, 1) == 1

    def _argument(self, field: str, value: bool) -> float:
        return int(truth(field, value))


class Number(Parameter[float]):
    """A number within a range."""

    def __init__(self, command: str, lowest: float, highest: float, doc: str) -> None:
        super().__init__(command, doc)
        self._lowest = lowest
        self._highest = highest

    def _get(self, instrument: SR830Wire) -> float:
        return instrument._ask_number(self._query, (self._lowest, self._highest))

    def _argument(self, field: str, value: float) -> float:
        return within(field, value, self._lowest, self._highest)


class Mask(Parameter[int]):
    """The bits of a status byte that count further up; a number from 0 to 255."""

    def _get(self, instrument: SR830Wire) -> int:
        return instrument._ask_whole(self._query, 255)

    def _argument(self, field: str, value: int) -> float:
        return whole(field, value, 0, 255)
