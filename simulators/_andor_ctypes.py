"""C functions made of Python: what a shared library exports, without a compiler.

A :class:`FunctionTable` lists functions as a header does: name, arguments that go in, values that
come out through pointers. :meth:`FunctionTable.export` turns it into objects that ctypes itself
calls through the platform's C convention, so that whoever loaded them sets ``argtypes``,
``restype`` and ``errcheck`` and passes ``byref`` as with any library. ``long`` is the compiler's:
64 bit on Linux, 32 bit on Windows.

An exception cannot pass through C. Whatever a function raises by mistake (and Ctrl+C) is kept and
raised once the call is back.
"""

from __future__ import annotations

import ctypes
import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, Protocol

Body = Callable[..., Any]


class Refused(Exception):
    """Raised by the body of a function that answers with an error code.

    :param code: what the function returns.
    """

    def __init__(self, code: int) -> None:
        super().__init__(code)
        self.code = code


@dataclass(frozen=True)
class Answer:
    """What a function returns if it is not plain success: its code, and values all the same."""

    code: int
    values: tuple[Any, ...] = ()


@dataclass(frozen=True)
class Out:
    """A pointer through which a value comes out.

    :param kind: what it points to, a simple ctypes type.
    """

    kind: type[Any]


@dataclass(frozen=True)
class TextOut:
    """A buffer of characters that is filled.

    :param size_at: which argument (from 0) says how many characters it holds; None: enough.
    """

    size_at: int | None = None


BUFFER: Any = ctypes.c_void_p
"""An argument that goes in as an address (or None), for arrays."""


@dataclass(frozen=True)
class CFunction:
    """One line of the header, and what stands behind it.

    :param arguments: ctypes types of what goes in, :class:`Out` and :class:`TextOut`.
    :param body: called with the library's context and what goes in; it returns the values that
        come out (None, one, or a tuple), an :class:`Answer`, or raises :class:`Refused`.
    :param traits: words that mean something to the context.
    """

    name: str
    arguments: tuple[Any, ...]
    body: Body
    traits: frozenset[str]

    @property
    def argtypes(self) -> list[Any]:
        """The ctypes types of the arguments."""
        return [_argtype(argument) for argument in self.arguments]


class Context(Protocol):
    """What the functions of one loaded library work on."""

    def call(self, function: CFunction, arguments: Sequence[Any]) -> Any:
        """Run the body of a function as the library would: checks, locks, then the body."""


class FunctionTable:
    """The functions of a library.

    :param success: code of success.
    :param invalid: codes of "parameter 1 invalid", "parameter 2 invalid", ...; a null pointer
        where a value should come out is such a parameter.
    """

    def __init__(self, success: int, invalid: Sequence[int]) -> None:
        self.functions: dict[str, CFunction] = {}
        self._success = success
        self._invalid = invalid

    def add(self, name: str, *arguments: Any, traits: str = "") -> Callable[[Body], Body]:
        """Return a decorator that enters a body under the name of its C function."""

        def enter(body: Body) -> Body:
            words = frozenset(traits.split())
            self.functions[name] = CFunction(name, arguments, body, words)
            return body

        return enter

    def export(self, context: Context) -> Library:
        """Return a new library object whose functions work on ``context``."""
        library = Library()
        for name, function in self.functions.items():
            setattr(library, name, _callable(function, self._answering(function, context)))
        return library

    def _answering(self, function: CFunction, context: Context) -> Callable[..., int]:
        def answer(*raw: Any) -> int:
            try:
                self._refuse_null_pointers(function, raw)
                going_in = [
                    value
                    for argument, value in zip(function.arguments, raw, strict=True)
                    if not isinstance(argument, Out | TextOut)
                ]
                result = context.call(function, going_in)
            except Refused as refused:
                return refused.code
            if not isinstance(result, Answer):
                values = result if isinstance(result, tuple) else (result,)
                result = Answer(self._success, () if result is None else values)
            _write_out(function, raw, result.values)
            return result.code

        return answer

    def _refuse_null_pointers(self, function: CFunction, raw: Sequence[Any]) -> None:
        for position, (argument, value) in enumerate(zip(function.arguments, raw, strict=True)):
            if isinstance(argument, Out | TextOut) and not value:
                raise Refused(self._invalid[position])


class Library:
    """What loading a shared library gives: an object with functions as attributes."""


def _argtype(argument: Any) -> Any:
    if isinstance(argument, Out):
        return ctypes.POINTER(argument.kind)
    return ctypes.c_void_p if isinstance(argument, TextOut) else argument


def _write_out(function: CFunction, raw: Sequence[Any], values: Sequence[Any]) -> None:
    ways_out = [
        (argument, pointer)
        for argument, pointer in zip(function.arguments, raw, strict=True)
        if isinstance(argument, Out | TextOut)
    ]
    for (argument, pointer), value in zip(ways_out, values, strict=True):
        if isinstance(argument, Out):
            pointer[0] = value
            continue
        text = str(value).encode("ascii")
        if argument.size_at is not None:
            text = text[: max(raw[argument.size_at] - 1, 0)]
        ctypes.memmove(pointer, text + b"\0", len(text) + 1)


def _callable(function: CFunction, answer: Callable[..., int]) -> Any:
    """Return a C function that calls ``answer``, and raises what went wrong in it."""
    prototype: Any = ctypes.CFUNCTYPE(ctypes.c_uint, *function.argtypes)
    failure = threading.local()

    def guarded(*raw: Any) -> int:
        try:
            return answer(*raw)
        except BaseException as error:  # noqa: BLE001 - `call` raises it, on the other side of C
            failure.error = error
            return 0

    def call(self: Any, *arguments: Any) -> Any:
        failure.error = None
        try:
            return prototype.__call__(self, *arguments)
        finally:
            if failure.error is not None:
                raise failure.error

    inherited = {name: getattr(prototype, name) for name in ("_flags_", "_argtypes_", "_restype_")}
    kind = type(function.name, (prototype,), {**inherited, "__call__": call})
    exported = kind(guarded)
    exported.__name__ = function.name
    return exported
