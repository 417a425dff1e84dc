"""Stanford Research Systems SR830 lock-in amplifier (GPIB or RS-232).

A command is four letters and its arguments; a question has a ``?`` after the letters. Both
interfaces listen, but only the one that ``OUTX`` names answers, so ``OUTX`` is sent before the
first question. Answers end with a line feed on GPIB and a carriage return on RS-232; there is no
checksum, and nothing is acknowledged: after every command ``*ESR?`` tells whether it was accepted,
and a command the instrument does not understand is met by silence (manual, pages 5-1 to 5-25).

This class does not build on PyMeasure's ``SR830``, which clips values out of range, sends the value
instead of the index of an expand, knows no ``OUTX`` and no current input, and ends each transfer of
the buffer by a time-out.

Safety
    Sine output and aux outputs keep their voltages when a program ends. The safe state is 0 V at
    all aux outputs and 4 mV at the sine output: the instrument cannot set less. Whatever must not
    be driven by 4 mV needs a switch of its own. Connecting changes nothing but ``OUTX``.

Readings
    Overload and unlock bits stay set until they are read. :meth:`SR830.settle` forgets what was
    before, and settles again if an overload or an unlocked reference has spoilt the settling; what
    cannot be mended so is told by the next reading. :meth:`SR830.read` returns values with flags:
    whoever uses them looks at ``overload`` and ``unlocked``. So do :meth:`SR830.record` and
    :meth:`SR830.fast_scan`. Bare numbers (``x``, ``snap()``...) have no flags: they raise instead.

Retries, each logged as a warning
    A question with a broken or missing answer is asked once more, after ``*IDN?`` has brought
    question and answer back into step and ``*ESR?`` has not named a reason. Status bytes, which
    reading clears, are never asked for twice, and no command is repeated. Whatever has arrived
    unasked is discarded before each question, and an answer with more behind it is none.

Checked: same bytes and same values as PyMeasure's ``SR830`` where that is right; worked bytes of
the manual for ``SNAP?``, ``OUTP?`` and the three buffer formats. UNVERIFIED on hardware: baud rates
and parity on RS-232; that a device clear empties the output queue; whether ``*STB?`` is answered
during an auto function, and with which bit 1 (both possibilities are handled); the byte order of
the fast transfer and its 0.5 s delay; that automatic gain does nothing above a time constant of
1 s; how an offset that is set shows in X and Y of ``SNAP?``; the settling times (computed for
ideal filters).
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Final, Literal, get_args

from annotated_types import Interval
from pyvisa.constants import Parity

from drivers import _bench_advice
from drivers._sr830_buffer import FastScan
from drivers._sr830_reading import Reading, SR830Reading
from drivers._sr830_recording import Recording
from drivers._sr830_settings import Display, OffsetExpand
from drivers._sr830_tables import OVERLOADS, HardwareError, Interface, LockInStatus, StandardEvent
from drivers._wire import Resource, connect, released_on_failure
from labcool.clock import Clock, RealClock
from labcool.errors import InstrumentError, InstrumentRefused, WrongInstrument
from labcool.numbers import one_of, within

__all__ = [
    "SR830",
    "Display",
    "FastScan",
    "HardwareError",
    "LockInStatus",
    "OffsetExpand",
    "Reading",
    "Recording",
    "StandardEvent",
]

IDENTITY: Final = r"Stanford_Research_Systems,SR830,.*"
GPIB_BYTES_PER_SECOND: Final = 10_000.0
LOWEST_SINE_V: Final = 0.004
AUX_TOLERANCE_V: Final = 0.002
SINE_TOLERANCE_V: Final = 0.001
STATUS_RENEWED_S: Final = 0.1

BaudRate = Literal[300, 600, 1200, 2400, 4800, 9600, 19200]
ParityName = Literal["none", "even", "odd"]


class SR830(SR830Reading):
    """An SR830; fills the role LockIn. Safe state: 0 V at the aux outputs, 4 mV at the sine output.

    :param resource: VISA resource string, PyMeasure adapter, or simulated link.
    :param clock: runs the waiting; default: the wall's time.
    :param visa_library: PyVISA backend, e.g. ``"@py"``.
    :param interface: to which of its two interfaces the instrument shall answer.
    :param baud_rate: RS-232 only; as set on the front panel.
    :param parity: RS-232 only; as set on the front panel.
    :param timeout: longest wait for an answer, s.
    :raises LimitError: if a keyword is not allowed; nothing has been sent.
    :raises WrongInstrument: if something else than an SR830 answers.
    """

    bench_advice = _bench_advice.SR830

    def __init__(
        self,
        resource: Resource,
        name: str = "SR830",
        *,
        clock: Clock | None = None,
        visa_library: str = "",
        interface: Interface = "gpib",
        baud_rate: BaudRate = 9600,
        parity: ParityName = "none",
        timeout: Annotated[float, Interval(ge=0.2, le=60.0)] = 2.0,
    ) -> None:
        one_of(f"{name} interface", interface, get_args(Interface))
        one_of(f"{name} baud_rate", baud_rate, get_args(BaudRate))
        one_of(f"{name} parity", parity, get_args(ParityName))
        self._timeout = within(f"{name} timeout (s)", timeout, 0.2, 60.0)
        self._clock = clock or RealClock()
        self._interface = interface
        serial = interface == "rs232"
        self._clears_device = not serial
        self._bytes_per_second = baud_rate / 11 if serial else GPIB_BYTES_PER_SECOND
        self._preamble = (f"OUTX{0 if serial else 1}",)
        self._line_end = b"\r" if serial else b"\n"
        adapter = connect(
            resource,
            name,
            visa_library=visa_library,
            write_termination=self._line_end.decode(),
            read_termination=self._line_end.decode(),
            timeout=round(self._timeout * 1000),
            asrl=_port_settings(baud_rate, parity),
        )
        with released_on_failure(adapter):
            super().__init__(adapter, name, includeSCPI=False)
            if not self._identify(IDENTITY).startswith("Stanford_Research_Systems,SR830,"):
                raise WrongInstrument(name, f"{self._identity!r} answers here, not an SR830.")
            self.standard_events()

    @property
    def identity(self) -> str:
        """Get maker, model, serial number and firmware as read on connecting (str)."""
        return self._identity

    def ask(self, command: str, _query_delay: float | None = None) -> str:
        """Return the answer to any question, whatever it is."""
        return self._question(command, ".*")

    @property
    def id(self) -> str:
        """Get :attr:`identity` under PyMeasure's name (str)."""
        return self._identity

    def settings(self) -> Mapping[str, float | int | str | bool]:
        """Return the settings that say what a reading means, and those of the outputs."""
        unit = self.input_unit
        offsets = {output: self.offset(output) for output in ("X", "Y", "R")}
        return {
            "interface": self._interface,
            "reference_source": self.reference_source,
            "reference_slope": self.reference_slope,
            "reference_frequency_Hz": self.frequency,
            "harmonic": self.harmonic,
            "phase_deg": self.phase,
            "sine_voltage_V": self.sine_voltage,
            "input_config": self.input_config,
            "input_grounding": self.input_grounding,
            "input_coupling": self.input_coupling,
            "line_filter": self.line_filter,
            f"sensitivity_{unit}": self.sensitivity,
            "time_constant_s": self.time_constant,
            "filter_slope_dB_per_octave": self.filter_slope,
            "filter_synchronous": self.filter_synchronous,
            "reserve": self.reserve,
            "sample_rate_Hz": self.sample_rate,
            **{f"display_{number}": self._displayed_words(number) for number in (1, 2)},
            **{f"offset_{key}_percent": value.percent for key, value in offsets.items()},
            **{f"expand_{key}": value.expand for key, value in offsets.items()},
            **{f"aux_output_{number}_V": self.aux_output(number) for number in range(1, 5)},
        }

    def _displayed_words(self, number: int) -> str:
        quantity, ratio = self.display(number)
        return quantity if ratio == "none" else f"{quantity} / {ratio}"

    def clear(self) -> None:
        """Clear all status bytes, ``*CLS``."""
        self._tell("*CLS")

    def reset(self) -> None:
        """Take all settings back to the standard ones, ``*RST``: among them 1 V sine output."""
        self._tell_and_stay_connected("*RST")

    def make_safe(self) -> None:
        """Set the aux outputs to 0 V and the sine output to 4 mV, and read them back.

        Goes on with the other outputs if one fails, and then raises.

        :raises InstrumentError: the first failure.
        """
        failures: list[InstrumentError] = []
        for number in range(1, 5):
            try:
                self._still_aux_output(number)
            except InstrumentError as error:
                failures.append(error)
        try:
            self._still_sine_output()
        except InstrumentError as error:
            failures.append(error)
        if failures:
            raise failures[0]

    def attention(self) -> tuple[str, ...]:
        """Return what a person should see to, as sentences; only reads."""
        self.lock_in_status()
        self._clock.sleep(STATUS_RENEWED_S)
        status = self.lock_in_status()
        told = []
        if status & LockInStatus.REFERENCE_UNLOCKED:
            told.append("It is not locked to its reference: check the cable to REF IN.")
        if status & OVERLOADS:
            told.append("It is overloaded: choose a less sensitive range, or more reserve.")
        return tuple(told)

    def shutdown(self) -> None:
        """Make the outputs safe and release the port; the first time only."""
        self.end_use(self.make_safe)

    def _still_aux_output(self, number: int) -> None:
        self.set_aux_output(number, 0.0)
        if abs(volts := self.aux_output(number)) > AUX_TOLERANCE_V:
            raise InstrumentRefused(self.name, f"aux output {number} stays at {volts:g} V.")

    def _still_sine_output(self) -> None:
        self.sine_voltage = LOWEST_SINE_V
        if abs((volts := self.sine_voltage) - LOWEST_SINE_V) > SINE_TOLERANCE_V:
            raise InstrumentRefused(self.name, f"the sine output stays at {volts:g} V.")


def _port_settings(baud_rate: int, parity: ParityName) -> dict[str, object]:
    """Return the settings of a serial port; parity only if any, as some ports refuse to be told."""
    settings: dict[str, object] = {"baud_rate": baud_rate}
    if parity != "none":
        settings["parity"] = Parity[parity]
    return settings
