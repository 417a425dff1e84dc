"""Stanford Research SR830 lock-in amplifier, as bytes.

Source: SR830 user manual, remote programming (p. 5-1 to 5-22). Both interfaces always listen, only
the one chosen by ``OUTX`` (0 RS-232, 1 GPIB) answers. Commands end with CR or LF on RS-232, with LF
on GPIB; several on a line are separated by semicolons. Answers end with CR on RS-232 and LF on
GPIB, one for each query; binary answers have no end. A bad command is not answered at all: it only
sets bit 4 or 5 of ``*ESR?`` and lights ERROR. One command is worked on at a time; what comes
meanwhile waits in a buffer of 256 characters. That holds for ``*STB?`` too: while an auto function
works, only a GPIB serial poll is answered (p. 5-2; here :meth:`SR830.serial_poll`), unless
``status_while_busy`` is chosen.

The outputs follow the signal through the real filter (``_sr830_filter``); overloads, unlock and
range switches are watched all the time (``_sr830_detector``); the data buffer fills by itself
(``_sr830_scan``). Checked against PyMeasure's driver where that one follows the manual, and against
the worked bytes of the binary formats.

UNVERIFIED on hardware:

- the duration of ``AGAN``, ``ARSV`` and ``APHS``, and that ``AGAN`` does nothing above 1 s;
- that a command line goes on after a bad command; that a fraction is refused where an integer is
  due; that a harmonic above 102 kHz is refused (and not reduced);
- sizes of queues (256), and that an overflow empties them; baud rate 9600;
- the byte order of the fast transfer (lowest first here); that FAST 1 may be one sample late and
  that an abort drops nothing that was queued; the resolution 2 mV of ``SLVL``;
- the state after power-on (``OUTX`` back to GPIB, as on the SR850).

Input coupling, grounding, line notches and the synchronous filter are settings only: they act on
what this signal does not have. EOI does not exist on a byte stream. CR on GPIB counts as a space.
"""

from __future__ import annotations

import math
from collections import deque
from collections.abc import Callable
from typing import Final, Literal

import numpy as np

from labcool.clock import Clock
from simulators._sr830_commands import Commands
from simulators._sr830_detector import Detector
from simulators._sr830_formats import fast_pair
from simulators._sr830_front import Front
from simulators._sr830_scan import Scan, State
from simulators._sr830_settings import Settings
from simulators._sr830_signal import Harmonics, Signal, pure_sine
from simulators._sr830_status import (
    EXECUTION,
    FAST_ABORTED,
    ILLEGAL,
    INPUT_QUEUE,
    KEY,
    OUTPUT_QUEUE,
    TRIGGERED,
    Status,
)
from simulators._sr830_words import BadParameterError, Command, UnknownCommandError
from simulators.device import LineDevice, Switch

_QUEUE_SIZE: Final = 256
_ANSWER_TIME_S: Final = 0.002
_BAUD: Final = 9600
_BITS_PER_BYTE: Final = 10
_BURST_BYTES: Final = 16
_FAST_QUEUE_PAIRS: Final = {1: 1, 2: 63}
_GPIB: Final = 1
_OVERLOAD_V: Final = 100.0
_ERRORS: Final = 1 << INPUT_QUEUE | 1 << OUTPUT_QUEUE | 1 << EXECUTION | 1 << ILLEGAL


def _nothing(_channel: int, _moment: float) -> float:
    return 0.0


def _silent(_moment: float) -> float:
    return 0.0


class SR830(LineDevice):
    """SR830 with its standard settings, on one of its two interfaces.

    :param signal: amplitude at the input by moment (s), V rms, in-phase + i·quadrature relative to
        the reference.
    :param reference: frequency at the reference input (Hz) by moment, None if there is none. With
        the internal oscillator and no reference, the experiment is taken to follow the oscillator;
        with one, the signal beats.
    :param noise_density: white noise of the input itself, V/√Hz.
    :param source_noise: white noise of what is connected to it, V/√Hz, by moment.
    :param aux_in: voltage (V) at aux input 1 to 4 by moment.
    :param harmonics: amplitude of harmonic n of the signal relative to its fundamental.
    :param interface: which of its ports this is.
    :param serial: serial number.
    :param status_while_busy: whether ``*STB?`` is answered during the auto functions.
    """

    def __init__(
        self,
        clock: Clock,
        *,
        signal: Signal,
        reference: Callable[[float], float | None],
        noise_density: float = 5e-9,
        source_noise: Callable[[float], float] = _silent,
        aux_in: Callable[[int, float], float] = _nothing,
        harmonics: Harmonics = pure_sine,
        rng: np.random.Generator | None = None,
        interface: Literal["gpib", "rs232"] = "gpib",
        serial: str = "12345",
        status_while_busy: bool = False,
    ) -> None:
        super().__init__(clock, terminator=b"\n", limit=_QUEUE_SIZE)
        rng = np.random.default_rng(0) if rng is None else rng
        self._is_gpib = interface == "gpib"
        self._status_while_busy = status_while_busy
        self.status = Status()
        settings = Settings()
        self.detector = Detector(
            clock.now(),
            settings=settings,
            signal=signal,
            reference=reference,
            noise_density=noise_density,
            source_noise=source_noise,
            harmonics=harmonics,
            rng=rng,
            report=lambda bit: self.status.report("LIAS", bit),
        )
        self.scan = Scan()
        self.front = Front(settings, self.detector, aux_in, rng)
        self._commands = Commands(self, serial)
        self._waiting: deque[str] = deque()
        self._is_busy = False
        self._pushing: int | None = None
        self._unread_pairs = 0

    @property
    def settings(self) -> Settings:
        """Everything that ``*RST`` resets."""
        return self.detector.settings

    @settings.setter
    def settings(self, settings: Settings) -> None:
        self.detector.settings = settings
        self.front.settings = settings
        self.settings_changed()

    @property
    def interference(self) -> float:
        """Control the voltage at the input away from the reference frequency, V rms."""
        return self.detector.interference

    @interference.setter
    def interference(self, volts: float) -> None:
        self.catch_up()
        self.detector.interference = volts

    @property
    def reference_unplugged(self) -> bool:
        """Control whether the cable at the reference input is out."""
        return self.detector.reference_unplugged

    @reference_unplugged.setter
    def reference_unplugged(self, unplugged: bool) -> None:
        self.catch_up()
        self.detector.reference_unplugged = unplugged

    @property
    def error_lit(self) -> bool:
        """True while there is an error that nobody has read or cleared."""
        return bool(self.status.events["*ESR"] & _ERRORS or self.status.events["ERRS"])

    @property
    def sine_out(self) -> float:
        """Amplitude of the sine output, V rms."""
        return self.settings.reals["SLVL"]

    def aux_out(self, channel: int) -> float:
        """Return the voltage at aux output 1 to 4, V."""
        return self.settings.aux_out[channel - 1]

    def serial_poll(self) -> int:
        """Return the serial poll byte as the GPIB hardware does, even while a command works."""
        self._keep_appointments()
        return self.status_byte()

    def trigger(self) -> None:
        """Raise the trigger input, as TRIG does."""
        self._keep_appointments()
        self.take_trigger()

    def take_trigger(self) -> None:
        """Store a point or start a scan, whatever a trigger is for."""
        self.catch_up()
        if self.settings.integers["TSTR"] and self.scan.state in (State.RESET, State.PAUSED):
            self.status.report("LIAS", TRIGGERED)
            self.start_scan(0.0)
        elif self.scan.accepts_trigger(self.now):
            self.status.report("LIAS", TRIGGERED)
            self._store(self.now)

    def press_key(self) -> None:
        """Touch the front panel: this only sets bit 6 of the standard event byte."""
        self.status.report("*ESR", KEY)

    def conditions(self) -> dict[str, Switch]:
        """Return what can be wrong: an input that is overloaded."""
        return self._by_attribute(saturation="overloaded")

    @property
    def overloaded(self) -> bool:
        """Control whether far too much comes in away from the reference frequency."""
        return self.interference > 0

    @overloaded.setter
    def overloaded(self, overloaded: bool) -> None:
        self.interference = _OVERLOAD_V if overloaded else 0.0

    def _begin_anew(self) -> None:
        """Keep the settings; the data buffer and what was queued are lost."""
        self._waiting.clear()
        self._is_busy = False
        self._unread_pairs = 0
        self.scan.reset()
        self._commands.start_up()
        self.status.start_up(clear_enables=bool(self._commands.interface["*PSC"]))

    @property
    def now(self) -> float:
        """The moment at which the device acts, s."""
        return self.clock.now() if self._acting_at is None else self._acting_at

    def status_byte(self) -> int:
        """Return the serial poll byte."""
        return self.status.summary(
            has_scan=self.scan.state in (State.RUNNING, State.PAUSED),
            is_busy=self._is_busy,
            has_message=bool(self._outbox),
        )

    def catch_up(self) -> None:
        """Measure and store everything up to now."""
        if not self._pushes:
            self.scan.skip_overwritten(self.now)
        while (due := self.scan.next_sample()) <= self.now:
            self._store(due)
        self.detector.advance(self.now)

    def start_scan(self, delay: float) -> None:
        """Start or resume storing ``delay`` seconds from now."""
        self.scan.start(self.now + delay)
        self.schedule_push()

    def settings_changed(self) -> None:
        """Have the detector and the scan look at new settings."""
        integers = self.settings.integers
        self.scan.configure(integers["SRAT"], loops=bool(integers["SEND"]), moment=self.now)
        self.detector.watch()
        self.schedule_push()

    def schedule_push(self) -> None:
        """See to it that fast samples leave when they are taken."""
        self._cancel(self._pushing)
        due = self.scan.next_sample()
        self._pushing = None
        if self._pushes and math.isfinite(due):
            self._pushing = self._appoint(due, self._push)

    def be_busy(self, seconds: float, finish: Callable[[], None]) -> None:
        """Work for a while, then ``finish``; other commands wait."""

        def end(_: float) -> None:
            self.catch_up()
            finish()
            self.settings_changed()
            self._is_busy = False
            self._work()

        self._is_busy = True
        self._appoint(self.now + seconds, end)

    def transmit(self) -> bytes:
        """Return, once, all bytes that the device has sent by now."""
        sent = super().transmit()
        self._unread_pairs = 0
        return sent

    @property
    def _pushes(self) -> bool:
        return self._is_gpib and self._answers and bool(self._commands.interface["FAST"])

    @property
    def _answers(self) -> bool:
        return (self._commands.interface["OUTX"] == _GPIB) == self._is_gpib

    def _accept(self, data: bytes) -> None:
        super()._accept(data if self._is_gpib else data.replace(b"\r", b"\n"))

    def _handle_overrun(self) -> None:
        self._waiting.clear()
        self.status.report("*ESR", INPUT_QUEUE)

    def _handle(self, line: bytes) -> None:
        commands = [text for text in line.decode("latin-1").split(";") if text.strip()]
        if self._is_busy and sum(map(len, (*self._waiting, *commands))) > _QUEUE_SIZE:
            self._handle_overrun()
            return
        for text in commands:
            if self._status_while_busy and not self._waiting and "*STB?" in text.upper():
                self._obey(text)
            else:
                self._waiting.append(text)
        self._work()

    def _work(self) -> None:
        while self._waiting and not self._is_busy:
            self._obey(self._waiting.popleft())

    def _obey(self, text: str) -> None:
        self.catch_up()
        try:
            answer = self._commands.obey(Command.parse(text))
        except UnknownCommandError:
            self.status.report("*ESR", ILLEGAL)
        except BadParameterError:
            self.status.report("*ESR", EXECUTION)
        else:
            if isinstance(answer, bytes):
                self._answer(answer)
            elif answer is not None:
                self._answer_text(answer)

    def _answer_text(self, answer: str) -> None:
        unread = sum(len(data) for _, data in self._outbox)
        if unread > _QUEUE_SIZE and not self._pushes:
            self._outbox.clear()
            self._waiting.clear()
            self.status.report("*ESR", OUTPUT_QUEUE)
            return
        self._answer(answer.encode() + (b"\n" if self._is_gpib else b"\r"))

    def _answer(self, data: bytes) -> None:
        if not self._answers:
            return
        if self._is_gpib:
            self._send(data, _ANSWER_TIME_S)
            return
        delay = _ANSWER_TIME_S
        for first in range(0, len(data), _BURST_BYTES):
            burst = data[first : first + _BURST_BYTES]
            delay += len(burst) * _BITS_PER_BYTE / _BAUD
            self._send(burst, delay)

    def _push(self, _: float) -> None:
        self._pushing = None
        self.catch_up()
        self.schedule_push()

    def _store(self, moment: float) -> None:
        self.detector.advance(moment)
        point = (self.front.display(1, moment), self.front.display(2, moment))
        self.scan.store(point)
        if not self._pushes:
            return
        if self._unread_pairs >= _FAST_QUEUE_PAIRS[self._commands.interface["FAST"]]:
            self._commands.interface["FAST"] = 0
            self.status.report("ERRS", FAST_ABORTED)
            return
        self._unread_pairs += 1
        self._send(fast_pair(*self.front.fast_sample()))
