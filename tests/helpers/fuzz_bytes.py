"""What a script can make of an answer: bytes near the grammar, and bytes far from it."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from hypothesis import strategies as st

NUMBER = re.compile(rb"[-+]?\d[\d.]*(?:[eE][-+]?\d+)?")
WORDS = (
    *(b"nan", b"NaN", b"+nan", b"inf", b"-inf", b"Infinity", b"1e999", b"-1e999", b"1e-999"),
    *(b"9" * 400, b"9" * 400 + b".0", b"0" * 300 + b"1", b"1e5", b"1E+99", b"9.9E37", b"3.0e"),
    *(b"-1", b"-0", b"-0.001", b"0", b"1", b"2", b"3", b"7", b"9", b"15", b"16", b"99", b"255"),
    *(b"256", b"65535", b"99999", b"4294967295", b"-32768", b"0.0", b"0.5", b"5000.0", b"300000.0"),
    *(
        b"",
        b" ",
        b"  ",
        b"   ",
        b",",
        b";",
        b"+",
        b".",
        b"5.",
        b".5",
        b"--5",
        b"5-",
        b"1.2.3",
        b"1,5",
        b"0x1F",
    ),
    *(b"1_000", b"1_0.0", b"True", b"None", b"\x00", b"\xff", b"5\x00", b"\x1a", b"5\r", b"\n5"),
    *(b"FFFFFFFF", b"7FFFFFFF", b"ffff", b"g000", b"OK", b"ERROR", b"no sensor", b"SC10"),
    "٣٢١".encode(),
    "२.५".encode(),
    "²".encode(),
    "１２".encode(),
)
"""What comes in the place of a number: not finite, huge, negative, empty, no ASCII, no number."""
PATTERNS = (b"7", b"\x00", b"\xff", b"\r\n", b"> ", b"OK\r\n", b"0\r", b"1\n", b"\x0d", b"ab\n")
KINDS_OF_BYTES = ("insert", "delete", "flip", "truncate", "twice", "number", "end")


@dataclass(frozen=True)
class Change:
    """What becomes of one answer.

    :param kind: how it is changed.
    :param at: where, counted round.
    :param many: how many bytes, which bit, which of the earlier answers.
    :param content: bytes to be put in.
    :param forever: for a stream: whether it goes on after the next question.
    """

    kind: str
    at: int = 0
    many: int = 1
    content: bytes = b""
    forever: bool = False

    @property
    def streams(self) -> bool:
        """Whether the answer never ends."""
        return self.kind in ("stream", "babble", "trickle")

    @property
    def interval(self) -> float:
        """Time between the pieces of a stream, s; a trickle stays within any time-out."""
        return 0.18 if self.kind == "trickle" else 0.0064

    def applied(
        self,
        answer: bytes,
        earlier: Sequence[bytes],
        reseal: Callable[[bytes, Callable[[bytes], bytes]], bytes] | None = None,
    ) -> bytes:
        """Return what comes instead of ``answer``; of a stream: what is repeated without end."""
        if self.kind == "inside":
            inner = Change(KINDS_OF_BYTES[self.many % 5], self.at, self.many, self.content)
            return reseal(answer, inner._changed) if reseal else inner._changed(answer)
        if self.kind == "other":
            return earlier[self.many % len(earlier)] if earlier else b""
        if self.kind == "late":
            return (earlier[self.many % len(earlier)] if earlier else b"") + answer
        return self._changed(answer)

    def _changed(self, answer: bytes) -> bytes:
        at = self.at % (len(answer) + 1)
        if self.kind in ("keep", "babble"):
            return answer
        if self.kind in ("bytes", "stream", "trickle"):
            return self.content
        if self.kind == "insert":
            return answer[:at] + self.content + answer[at:]
        if self.kind == "delete":
            return answer[:at] + answer[at + 1 + self.many % 4 :]
        if self.kind == "truncate":
            return answer[:at]
        if self.kind == "twice":
            return answer[:at] + answer
        if self.kind == "end":
            return answer[:-2] + self.content + answer[-2:]
        if self.kind == "long":
            return self.content * (1 + self.many * 40)
        if self.kind == "flip":
            at = self.at % max(len(answer), 1)
            return bytes(b ^ 1 << self.many % 8 if i == at else b for i, b in enumerate(answer))
        numbers = list(NUMBER.finditer(answer))
        if not numbers:
            return answer[:at] + self.content
        found = numbers[self.at % len(numbers)]
        return answer[: found.start()] + self.content + answer[found.end() :]


KEEP = Change("keep")
_AT = st.integers(0, 127)
_MANY = st.integers(0, 31)
_WORD = st.sampled_from(WORDS)
_SHORT = st.one_of(_WORD, st.binary(min_size=1, max_size=6))

CHANGES: st.SearchStrategy[Change] = st.one_of(
    st.builds(Change, st.just("number"), _AT, content=_WORD),
    st.builds(Change, st.sampled_from(("insert", "end")), _AT, content=_SHORT),
    st.builds(Change, st.sampled_from(("delete", "truncate", "flip", "twice")), _AT, _MANY),
    st.builds(Change, st.sampled_from(("other", "late")), many=_MANY),
    st.builds(Change, st.just("inside"), _AT, _MANY, _SHORT),
    st.builds(Change, st.just("bytes"), content=st.binary(max_size=40)),
    st.builds(Change, st.just("long"), many=_MANY, content=_SHORT),
    st.builds(
        Change,
        st.sampled_from(("stream", "babble", "trickle")),
        content=st.one_of(st.sampled_from(PATTERNS), _WORD, st.binary(min_size=1, max_size=5)),
        forever=st.booleans(),
    ),
)


@st.composite
def scripts(
    draw: Any, changes: st.SearchStrategy[Change] = CHANGES, deepest: int = 30
) -> tuple[tuple[Change, ...], Change]:
    """Draw the changes of the next answers, and what becomes of all later ones.

    The first few are often left as they are, so that a driver gets on to where it is hit.
    """
    healthy = draw(st.integers(0, deepest)) if draw(st.booleans()) else 0
    changed = draw(st.lists(st.one_of(changes, st.just(KEEP)), max_size=6))
    afterwards = draw(st.one_of(st.just(KEEP), st.just(KEEP), changes))
    return (KEEP,) * healthy + tuple(changed), afterwards
