"""The SR830's data buffer (16383 points of both displays) and its fast transfer.

Every transfer has an exact length. There is no checksum, and in ``TRCB?`` and ``TRCL?`` a lost or
surplus byte would shift all values; after each block ``*IDN?`` must therefore be answered in step,
or the block is thrown away and asked for once more. A lost digit of ``TRCA?`` cannot be noticed.
"""

from __future__ import annotations

import logging
import re
from collections.abc import Callable
from typing import Final, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from drivers._sr830_codecs import (
    BYTES_PER_POINT,
    LONGEST_VALUE,
    decode_binary,
    decode_fast,
    decode_native,
    decode_text,
)
from drivers._sr830_settings import SR830Settings
from drivers._sr830_tables import (
    OVERLOADS,
    SAMPLE_RATES_HZ,
    TRIGGERED,
    HardwareError,
    LockInStatus,
    Output,
    spoiling,
)
from labcool.errors import (
    GarbledAnswer,
    InstrumentError,
    InstrumentRefused,
    InstrumentTimeout,
    LimitError,
)
from labcool.numbers import index_of, whole

log = logging.getLogger(__name__)

Values = NDArray[np.float64]
BufferForm = Literal["text", "binary", "native"]

BUFFER_POINTS: Final = 16383
MOST_FAST_SAMPLES: Final = 1_000_000
SCAN_DELAY_S: Final = 0.5
USED_PART_OF_TIMEOUT: Final = 0.5
_COMMANDS: Final[dict[BufferForm, str]] = {"text": "TRCA", "binary": "TRCB", "native": "TRCL"}


class FastScan(NamedTuple):
    """X and Y of a fast transfer, shape (sample,), V or A rms; samples per second, Hz; troubles."""

    x: Values
    y: Values
    sample_rate: float
    overload: bool
    unlocked: bool
    flags: LockInStatus


class SR830Buffer(SR830Settings):
    """Storing and transferring many samples."""

    _timeout: float
    _bytes_per_second: float

    @property
    def sample_rate(self) -> float | Literal["trigger"]:
        """Control the samples per second: 62.5 mHz to 512 Hz by factors of 2, or ``"trigger"``."""
        index = self._ask_whole("SRAT?", TRIGGERED)
        return "trigger" if index == TRIGGERED else SAMPLE_RATES_HZ[index]

    @sample_rate.setter
    def sample_rate(self, rate: float | Literal["trigger"]) -> None:
        field = f"{self.name} sample_rate (Hz)"
        allowed: tuple[float | str, ...] = (*SAMPLE_RATES_HZ, "trigger")
        self._tell(f"SRAT{index_of(field, rate, allowed)}")

    @property
    def buffer_count(self) -> int:
        """Get the number of points stored of each display, 0 to 16383."""
        return self._ask_whole("SPTS?", BUFFER_POINTS)

    def trigger(self) -> None:
        """Trigger by software: store a sample, or start a scan."""
        self._tell("TRIG")

    def start_scan(self) -> None:
        """Start or resume storing."""
        self._tell("STRT")

    def pause_scan(self) -> None:
        """Pause storing."""
        self._tell("PAUS")

    def reset_buffer(self) -> None:
        """Stop storing and erase the buffer."""
        self._tell("REST")

    def read_buffer(
        self,
        channel: int = 1,
        start: int = 0,
        count: int | None = None,
        form: BufferForm = "native",
    ) -> Values:
        """Return stored points of a display, shape (count,), in its unit (V, A or degrees).

        In loop mode storing is paused first and left so, because bins are counted from the newest.
        Overloads and unlocks since the last look are logged, and told by the next reading: nobody
        can say which points they concern. :meth:`record` stores and tells of its own time only.

        :param channel: display 1 or 2.
        :param start: first bin; 0 is the oldest.
        :param count: how many; None: all from ``start``.
        :param form: how they travel; the values are the same but for rounding.
        :raises LimitError: if that many points are not stored.
        """
        channel = self._counted("display", channel, 2)
        if form not in _COMMANDS:
            raise LimitError(f"{self.name} form", form, f"one of {', '.join(_COMMANDS)}")
        start = whole(f"{self.name} start", start, 0)
        count = None if count is None else whole(f"{self.name} count", count, 0)
        if self.buffer_mode == "loop":
            log.info("%s: pausing the scan to read its buffer.", self.name)
            self.pause_scan()
        stored = self.buffer_count
        count = stored - start if count is None else count
        if not (0 <= start <= stored and 0 <= count <= stored - start):
            asked = f"{count} from {start}"
            raise LimitError(f"{self.name} points", asked, f"among the {stored} that are stored")
        self._standing = self.lock_in_status()
        if words := spoiling(self._standing):
            log.warning("%s: %s; stored points may be wrong.", self.name, words)
        return self._stored(channel, start, count, form)

    def _stored(self, channel: int, start: int, count: int, form: BufferForm) -> Values:
        """Return points that are known to be stored, shape (count,)."""
        size = self._points_per_block(LONGEST_VALUE if form == "text" else BYTES_PER_POINT)
        blocks = [
            self._block(form, channel, first, min(size, start + count - first))
            for first in range(start, start + count, size)
        ]
        return np.concatenate([np.empty(0), *blocks])

    def fast_scan(self, count: int, mode: Literal[1, 2] = 2) -> FastScan:
        """Take ``count`` samples of X and Y that the instrument pushes while it takes them.

        GPIB only. Starts 0.5 s after the command. The values are those of the signal: offset and
        expand are undone.

        :param mode: 1 waits for the host and may then miss its rate; 2 queues 63 samples and
            needs firmware 1.06.
        :raises LimitError: on RS-232, or if a sample takes too long for the time-out.
        :raises InstrumentRefused: if the instrument broke the transfer off (the host was late).
        """
        count = whole(f"{self.name} count", count, 1, MOST_FAST_SAMPLES)
        mode_number = self._counted("mode", mode, 2)
        if self._interface != "gpib":
            raise LimitError(f"{self.name} interface", self._interface, "gpib for fast_scan()")
        rate = self.sample_rate
        slowest = 1 / (USED_PART_OF_TIMEOUT * self._timeout)
        if rate == "trigger" or not rate >= slowest:
            allowed = f"at least {slowest:g} Hz with a time-out of {self._timeout:g} s"
            raise LimitError(f"{self.name} sample_rate (Hz)", rate, allowed)
        scales = [self._undo("X"), self._undo("Y")]
        self.lock_in_status()
        self._order(f"FAST{mode_number};STRD")
        try:
            raw = decode_fast(self._pushed(count, rate))
        finally:
            self._stop_pushing()
        x, y = (undo(raw[:, column]) for column, undo in enumerate(scales))
        flags = self.lock_in_status()
        unlocked = bool(flags & LockInStatus.REFERENCE_UNLOCKED)
        return FastScan(x, y, rate, bool(flags & OVERLOADS), unlocked, flags)

    def _undo(self, output: Output) -> Callable[[Values], Values]:
        percent, expand = self.offset(output)
        full_scale = self.sensitivity

        def undone(raw: Values) -> Values:
            return np.asarray((raw / expand + percent / 100) * full_scale, dtype=np.float64)

        return undone

    def _pushed(self, count: int, rate: float) -> bytes:
        """Read what is pushed in blocks that take less than the time-out each."""
        self._unfinished = True
        size = max(1, int(rate * self._timeout * USED_PART_OF_TIMEOUT))
        data = bytearray()
        self._clock.sleep(SCAN_DELAY_S)
        for first in range(0, count, size):
            data += self.read_bytes(BYTES_PER_POINT * min(size, count - first))
        return bytes(data)

    def _stop_pushing(self) -> None:
        """End the fast mode, whatever state it is in.

        :raises InstrumentRefused: if the instrument says that it broke the transfer off.
        """
        self.write("PAUS")
        self.write("FAST0")
        self._unfinished = True
        if self.hardware_errors() & HardwareError.FAST_TRANSFER_ABORTED:
            raise InstrumentRefused(
                self.name, "it broke the fast transfer off because the samples were read too late."
            )

    def _points_per_block(self, bytes_per_point: int) -> int:
        """Return how many points travel in half the time-out."""
        in_time = self._bytes_per_second * self._timeout * USED_PART_OF_TIMEOUT / bytes_per_point
        return max(1, min(BUFFER_POINTS, int(in_time)))

    def _block(self, form: BufferForm, channel: int, first: int, count: int) -> Values:
        question = f"{_COMMANDS[form]}?{channel},{first},{count}"
        try:
            return self._block_once(question, form, count)
        except (GarbledAnswer, InstrumentTimeout) as error:
            log.warning("%s Asking %r once more.", error, question)
        self._explain(question)
        return self._block_once(question, form, count)

    def _block_once(self, question: str, form: BufferForm, count: int) -> Values:
        self._send_in_step(question)
        if form == "text":
            values = decode_text(self._read_line(count * LONGEST_VALUE + 2), count, self.name)
        else:
            block = self.read_bytes(BYTES_PER_POINT * count)
            decode = decode_binary if form == "binary" else decode_native
            values = decode(block, self.name)
        self.end_exchange()
        try:
            self._question_once("*IDN?", re.escape(self._identity), surplus_allowed=False)
        except InstrumentError as error:
            raise GarbledAnswer(
                self.name, f"{question!r} was not answered by exactly {count} points ({error})."
            ) from error
        return values
