"""Thorlabs MC2000B optical chopper (USB, virtual COM port, 115200 8N1).

A command is lower case and ends with CR; the controller echoes it, answers with a value and CR if
there is one, and ends with the prompt ``"> "``. The commands are those of the *MC2000B Optical
Chopper* manual, chapter 8.

A chopper is never a shutter: a standing blade lets the beam pass or blocks it, as chance has it.

Connecting changes nothing. Blade, reference, output and harmonics can be changed only while the
blade stands. The manual has no question for "locked"; :attr:`MC2000B.is_locked` compares
``refoutfreq?`` with the frequency asked for, five times within 0.8 s, which also shows whether the
blade is still on its way. That means something only if the output follows the blade and not the
target, so :meth:`MC2000B.start` selects that output first.

Retries, each logged as a warning
    Public drivers report dropped characters. A question or a setting (which may be repeated) with
    a wrong echo or a missing answer is sent once more, after an empty command that ends whatever
    has come of the first, and after ``id?``: whatever comes before its answer is late and passed
    over. Every setting is read back.

Checked against the byte strings that public drivers report from real choppers, and by running the
driver ``thorlabs_mc2000b`` and this one against the same device. UNVERIFIED on hardware: the time
to lock (seconds; ``lock_timeout``), how well ``refoutfreq?`` agrees with ``freq?`` when locked, to
which ring ``freq`` refers with the two-frequency blades MC2F… (taken to be the outer one; if not,
it never locks here), and whether ``freq`` takes decimals with slow blades (whole Hz are sent).
"""

from __future__ import annotations

import logging
from collections.abc import Mapping
from typing import Annotated, Final

from annotated_types import Interval

from drivers import _bench_advice, _mc2000b_lock
from drivers._mc2000b_blades import BLADES, NUMBERS, Blade
from drivers._mc2000b_wire import MC2000BWire
from drivers._wire import Resource, connect, released_on_failure
from labcool.clock import Clock, RealClock
from labcool.errors import (
    GarbledAnswer,
    InstrumentError,
    InstrumentRefused,
    InstrumentTimeout,
    LimitError,
    WrongInstrument,
)
from labcool.numbers import real, whole, within

log = logging.getLogger(__name__)

POLL_S: Final = 0.1
FASTEST_HZ: Final = 10_000.0
"""A hundred slots a hundred times a second."""
FASTEST_OUTPUT_HZ: Final = 2 * FASTEST_HZ
"""The output can be the sum of two rings."""
FASTEST_INPUT_HZ: Final = 15 * FASTEST_HZ
"""An external reference can be divided by 15."""


class MC2000B(MC2000BWire):
    """A Thorlabs MC2000B; fills the role Chopper. Safe state: the blade stands.

    ``make_safe()`` always stops the blade. ``shutdown()`` does so only if *this* object has
    started it: a chopper that somebody else runs goes on.

    :param resource: VISA resource string, PyMeasure adapter, or simulated link.
    :param clock: runs the waiting; default: the wall's time.
    :param visa_library: PyVISA backend, e.g. ``"@py"``.
    :param lock_timeout: longest time from starting to being locked, s.
    :param lock_tolerance: largest deviation of a locked blade from the frequency asked for, as a
        part of it; on average never less than half of the 1 Hz in which the controller counts.
    :raises WrongInstrument: if something else than an MC2000B answers.
    """

    bench_advice = _bench_advice.MC2000B

    def __init__(
        self,
        resource: Resource,
        name: str = "MC2000B",
        *,
        clock: Clock | None = None,
        visa_library: str = "",
        lock_timeout: Annotated[float, Interval(ge=1.0, le=300.0)] = 30.0,
        lock_tolerance: Annotated[float, Interval(ge=0.0001, le=0.1)] = 0.002,
    ) -> None:
        self._lock_timeout = within(f"{name} lock_timeout (s)", lock_timeout, 1.0, 300.0)
        self._tolerance = within(f"{name} lock_tolerance", lock_tolerance, 0.0001, 0.1)
        self._clock: Clock = clock or RealClock()
        self._started = False
        adapter = connect(
            resource,
            name,
            visa_library=visa_library,
            write_termination="\r",
            read_termination="\r",
            timeout=500,
            asrl={"baud_rate": 115200},
        )
        with released_on_failure(adapter):
            super().__init__(adapter, name, self._clock)
            self._identity = self._query("id?", ".+")
            if "MC2000B" not in self._identity.upper():
                raise WrongInstrument(name, f"{self._identity!r} answers here, not an MC2000B.")

    @property
    def identity(self) -> str:
        """Get maker, model and firmware as the controller gave them on connecting (str)."""
        return self._identity

    @property
    def blade(self) -> str:
        """Control which blade is mounted, by its name, e.g. ``"MC1F10HP"`` (str).

        The controller cannot see the blade: a wrong name means a wrong frequency. Selecting one can
        change the reference, the output and the frequency.

        :raises LimitError: if there is no such blade.
        :raises InstrumentRefused: if the chopper runs.
        """
        return self._blade().name

    @blade.setter
    def blade(self, name: str) -> None:
        if name not in NUMBERS:
            raise LimitError(f"{self.name} blade", name, f"one of {', '.join(NUMBERS)}")
        self._set_standing("blade", NUMBERS[name])

    @property
    def reference(self) -> str:
        """Control the reference (str): internal or external, of a ring if the blade has two.

        :raises LimitError: if the blade has no such reference.
        :raises InstrumentRefused: if the chopper runs.
        """
        return self._reference(self._blade())

    @reference.setter
    def reference(self, name: str) -> None:
        references = self._blade().references
        if name not in references:
            raise LimitError(f"{self.name} reference", name, f"one of {', '.join(references)}")
        self._set_standing("ref", references.index(name))

    @property
    def frequency(self) -> float:
        """Control the chopping frequency asked for, Hz, within :attr:`frequency_range`.

        Whole Hz. With an external reference it is that times N/D and cannot be set.

        :raises LimitError: outside this range, or not a whole number; nothing is set.
        :raises InstrumentRefused: with an external reference.
        """
        if not self.reference.startswith("external"):
            return self._number("freq?", FASTEST_HZ)
        multiplier, divider = self.harmonics
        return self._number("input?", FASTEST_INPUT_HZ) * multiplier / divider

    @frequency.setter
    def frequency(self, hertz: float) -> None:
        field = f"{self.name} frequency (Hz)"
        hertz = real(field, hertz)
        blade = self._blade()
        reference = self._reference(blade)
        low, high = blade.frequency_range(reference)
        within(field, hertz, low, high, f"This is the range of {blade.name}, {reference}.")
        if hertz != round(hertz):
            raise LimitError(field, hertz, f"a whole number from {low:g} to {high:g}")
        if reference.startswith("external"):
            raise InstrumentRefused(
                self.name, "the reference is external: its frequency is set at its source."
            )
        self._set("freq", round(hertz))

    @property
    def frequency_range(self) -> tuple[float, float]:
        """Get the lowest and highest frequency of the blade (and ring) selected, Hz."""
        blade = self._blade()
        return blade.frequency_range(self._reference(blade))

    @property
    def output_frequency(self) -> float:
        """Measure the frequency at the reference output, ``refoutfreq?``, Hz."""
        return self._number("refoutfreq?", FASTEST_OUTPUT_HZ)

    @property
    def phase(self) -> int:
        """Control the phase against the reference, whole degrees from 0 to 360 (int).

        :raises LimitError: outside this range; nothing is sent.
        """
        return self._integer("phase?", 0, 360)

    @phase.setter
    def phase(self, degrees: int) -> None:
        self._set("phase", whole(f"{self.name} phase (degrees)", degrees, 0, 360))

    @property
    def harmonics(self) -> tuple[int, int]:
        """Control N and D: an external reference is multiplied by N/D; each from 1 to 15.

        :raises LimitError: outside this range; nothing is sent.
        :raises InstrumentRefused: if the chopper runs.
        """
        return self._integer("nharmonic?", 1, 15), self._integer("dharmonic?", 1, 15)

    @harmonics.setter
    def harmonics(self, ratio: tuple[int, int]) -> None:
        field = f"{self.name} harmonics"
        if not isinstance(ratio, tuple | list) or len(ratio) != 2:
            raise LimitError(field, ratio, "two whole numbers from 1 to 15")
        multiplier, divider = (whole(field, number, 1, 15) for number in ratio)
        self._set_standing("nharmonic", multiplier)
        self._set_standing("dharmonic", divider)

    @property
    def is_running(self) -> bool:
        """Get whether the motor is enabled, ``enable?`` (bool)."""
        return self._query("enable?", "[01]") == "1"

    @property
    def is_locked(self) -> bool:
        """Get whether the blade follows its reference (bool): five readings, 0.2 s apart.

        They must be near the frequency asked for, and steady. False if the motor is off, or the
        output is set to a signal that says nothing of the blade.
        """
        if not self.is_running or not self._output_shows_blade():
            return False
        target = self.frequency
        readings: list[float] = []
        for number in range(_mc2000b_lock.READINGS):
            if number:
                self._clock.sleep(_mc2000b_lock.POLL_S)
            readings.append(self.output_frequency)
            if not _mc2000b_lock.could_be_locked(readings[-1], target, self._tolerance):
                return False
        return _mc2000b_lock.is_locked(readings, target, self._tolerance)

    def settings(self) -> Mapping[str, float | int | str | bool]:
        """Return what the controller reports: blade, references, frequencies, phase, state."""
        blade = self._blade()
        multiplier, divider = self.harmonics
        return {
            "running": self.is_running,
            "blade": blade.name,
            "reference": self._reference(blade),
            "output": self._output(blade),
            "frequency_Hz": self.frequency,
            "output_frequency_Hz": self.output_frequency,
            "phase_deg": self.phase,
            "harmonic_multiplier": multiplier,
            "harmonic_divider": divider,
        }

    def start(self) -> None:
        """Start the blade and return once it is locked; at once if it is.

        On any failure the blade is stopped before the error goes on.

        :raises InstrumentTimeout: if it is not locked within ``lock_timeout``.
        :raises InstrumentRefused: if it runs already with an output that says nothing of the blade.
        """
        if not self.is_running:
            self._select_measured_output()
        elif not self._output_shows_blade():
            raise InstrumentRefused(
                self.name,
                "it runs, but its reference output does not follow the blade, so that nobody can "
                "tell whether it is locked. Call stop(), then start().",
            )
        self._started = True
        try:
            self._set("enable", 1)
            self._wait_for_lock()
        except BaseException:
            self.stop()
            raise

    def stop(self) -> None:
        """Switch the motor off; return when the controller reports it. The blade coasts down.

        The standing blade may let the beam pass.

        :raises InstrumentRefused: if it stays on after one more (logged) attempt.
        """
        try:
            self._set("enable", 0)
        except InstrumentError as error:
            log.warning("%s Trying once more to stop.", error)
            self.write("")
            self.write("enable=0")
            self._unfinished = True
            self._set("enable", 0)

    def make_safe(self) -> None:
        """Stop the blade and verify it, as :meth:`stop`."""
        self.stop()

    def attention(self) -> tuple[str, ...]:
        """Return what a person should see to, as sentences; only reads."""
        if self.is_running and not self.is_locked:
            return ("The blade turns and does not follow its reference: check its input.",)
        return ()

    def shutdown(self) -> None:
        """Stop the blade if this object has started it, and release the port; once only."""
        self.end_use(self.make_safe if self._started else _nothing)

    def _blade(self) -> Blade:
        number = self._integer("blade?")
        if number >= len(BLADES):
            raise GarbledAnswer(self.name, f"{number} is no blade.")
        return BLADES[number]

    def _reference(self, blade: Blade) -> str:
        return self._one_of("ref?", blade.references)

    def _output(self, blade: Blade) -> str:
        return self._one_of("output?", blade.outputs)

    def _one_of(self, question: str, names: tuple[str, ...]) -> str:
        number = self._integer(question)
        if number >= len(names):
            raise GarbledAnswer(self.name, f"{question} was answered by {number}, not by {names}.")
        return names[number]

    def _output_shows_blade(self) -> bool:
        blade = self._blade()
        return self._output(blade) == blade.measured_output(self._reference(blade))

    def _select_measured_output(self) -> None:
        blade = self._blade()
        wanted = blade.measured_output(self._reference(blade))
        if (present := self._output(blade)) != wanted:
            log.info("%s: reference output %r instead of %r.", self.name, wanted, present)
            self._set("output", blade.outputs.index(wanted))

    def _wait_for_lock(self) -> None:
        deadline = self._clock.now() + self._lock_timeout
        while not self.is_locked:
            if self._clock.now() >= deadline:
                raise InstrumentTimeout(
                    self.name,
                    f"not locked {self._lock_timeout:g} s after the start: the blade turns at "
                    f"{self.output_frequency:g} Hz instead of {self.frequency:g} Hz.",
                )
            self._clock.sleep(POLL_S)

    def _set_standing(self, setting: str, value: int) -> None:
        if self.is_running:
            raise InstrumentRefused(
                self.name, f"{setting!r} can be changed only while the blade stands. Stop it first."
            )
        self._set(setting, value)

    def _set(self, setting: str, value: int) -> None:
        self._query(f"{setting}={value}", "")
        if (found := self._number(f"{setting}?")) != value:
            raise InstrumentRefused(
                self.name, f"{setting!r} is {found:g} although it was set to {value}."
            )


def _nothing() -> None:
    """Leave a chopper alone that this driver has not started."""
