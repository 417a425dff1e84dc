"""Acton (Princeton Instruments) SpectraPro SP-2300i spectrograph (RS-232 or USB, 9600 8N1).

The controller answers ``ok`` to almost everything: it turns to the end of its range instead of a
wavelength beyond it, and takes grating numbers that do not exist. What counts is what is read back
(``?NM``, ``?GRATING``, ``?NM/MIN`` …) after every change; anything else than was asked for raises
:class:`labcool.errors.InstrumentRefused`.

Safety
    Connecting asks only; nothing moves. The wavelength is not known during a move, and the zero
    order can cross a sensor: keep the shutter closed and an EMCCD's gain off, and discard spectra
    until :meth:`ActonSP2300.go_to` has returned. Safe state: standing still.

Retries, each logged as a warning
    After an exchange that went wrong (a move: after ``MONO-STOP``), ``MODEL`` is asked and
    everything before its answer discarded. A question whose answer is broken or missing is asked
    once more; commands are not repeated.

Checked against the example bytes of the SpectraPro manuals (``546.074 GOTO``, ``?NM``) and the
command strings and sample answers in the sources of public drivers (ScopeFoundry, yaqd-acton,
nplab). UNVERIFIED on hardware: the case of commands (one public driver found that its unit takes
lower case only: ``case``), whether ``MONO-STOP`` ends a ``GOTO`` or is heard after it, whether the
gratings of another turret than the selected one are refused, the range of scan rates, the answers
of slits, exit mirror and filter wheel (0 is taken for the front port), the longest wavelength
(1400 nm at 1200 g/mm, from the manual).
"""

from __future__ import annotations

import logging
import re
from collections.abc import Mapping
from typing import Annotated, Final, Literal, get_args

from annotated_types import Interval
from pymeasure.instruments import Instrument

from drivers import _bench_advice
from drivers._acton_accessories import ActonAccessories
from drivers._acton_gratings import GRATINGS_PER_TURRET, Grating, parse_gratings
from drivers._acton_wire import CHUNK_MS, STOP, WHO
from drivers._wire import Resource, connect, released_on_failure
from labcool.clock import Clock, RealClock
from labcool.errors import (
    GarbledAnswer,
    InstrumentRefused,
    InstrumentTimeout,
    LimitError,
    WrongInstrument,
)
from labcool.numbers import one_of, real, whole, within

log = logging.getLogger(__name__)

Port = Literal["USB", "RS-232"]

POLL_S: Final = 0.2
TOLERANCE_NM: Final = 0.2
BESIDE_NM: Final = 10.0
"""How far beyond the ends of its scale the drive may stand to be believed."""
MODEL: Final = re.compile(r"SP-?2-?3\d\d\w*", re.IGNORECASE)
NANOMETRES: Final = r"(-?\d{1,5}\.\d{1,4})\s*nm"
NM_PER_MINUTE: Final = r"(\d{1,5}\.\d{1,4})\s*nm/min"
SLOWEST_NM_PER_MIN: Final = 0.1
FASTEST_NM_PER_MIN: Final = 2000.0
MOST_TURRETS: Final = 3
MOST_GRATINGS: Final = MOST_TURRETS * GRATINGS_PER_TURRET


class ActonSP2300(ActonAccessories, Instrument):
    """An SP-2300i: a 300 mm spectrograph with three gratings on each of up to three turrets.

    :param resource: VISA resource string, PyMeasure adapter, or simulated link.
    :param clock: runs the waiting; default: the wall's time.
    :param visa_library: PyVISA backend, e.g. ``"@py"``.
    :param case: in which commands are sent; "lower" for firmware that takes nothing else.
    :param port: in which of its sockets the cable is. RS-232 echoes every command: an answer
        without the echo of its command is refused there, so that no old one passes for it.
    :param move_timeout: longest time a change of grating or a short move may take, s; a move over
        the whole range of the grating may take twice as long.
    :raises WrongInstrument: if the answer to ``MODEL`` is not an SP-2300.
    """

    bench_advice = _bench_advice.ACTON

    def __init__(
        self,
        resource: Resource,
        name: str = "SP-2300i",
        *,
        clock: Clock | None = None,
        visa_library: str = "",
        case: Literal["upper", "lower"] = "upper",
        port: Port = "USB",
        move_timeout: Annotated[float, Interval(ge=5.0, le=300.0)] = 30.0,
    ) -> None:
        self._echoes = one_of(f"{name} port", port, get_args(Port)) == "RS-232"
        self._move_timeout = within(f"{name} move_timeout (s)", move_timeout, 5.0, 300.0)
        if case not in ("upper", "lower"):
            raise LimitError(f"{name} case", case, "'upper' or 'lower'")
        self._case = case
        self._clock = clock or RealClock()
        adapter = connect(
            resource,
            name,
            visa_library=visa_library,
            write_termination="\r",
            read_termination="\n",
            timeout=CHUNK_MS,
            asrl={"baud_rate": 9600},
        )
        with released_on_failure(adapter):
            super().__init__(adapter, name, includeSCPI=False)
            model = self._query(WHO, "(.+)")
            if not MODEL.fullmatch(model):
                raise WrongInstrument(name, f"{model!r} answers here, not an SP-2300.")
            self._model = model
            self._serial = self._query("SERIAL", r"([\w-]+)")
            self._gratings = self._read_gratings()

    @property
    def identity(self) -> str:
        """Get maker, model and serial number as read on connecting (str)."""
        return f"Princeton Instruments {self._model}, serial number {self._serial}"

    @property
    def gratings(self) -> tuple[Grating, ...]:
        """Get the gratings and mirrors of all turrets as read on connecting."""
        return self._gratings

    @property
    def wavelength(self) -> float:
        """Get the wavelength at the centre of the exit, nm."""
        nanometres = float(self._query("?NM", NANOMETRES))
        longest = max(grating.longest_wavelength for grating in self._gratings)
        if not -BESIDE_NM <= nanometres <= longest + BESIDE_NM:
            raise self._garbled("?NM", f"{nanometres:g} nm")
        return nanometres

    @property
    def wavelength_range(self) -> tuple[float, float]:
        """Get the wavelengths that the present grating reaches, nm; (0, 0) with a mirror."""
        return 0.0, self._mounted(self.grating).longest_wavelength

    @property
    def wavelength_tolerance(self) -> float:
        """Get how far a wavelength read back may be from the one asked for, nm."""
        return TOLERANCE_NM

    @property
    def grating(self) -> int:
        """Control the grating in the beam, by its number in :attr:`gratings`; up to 20 s.

        :raises LimitError: if it is not installed, on another turret, or does not reach the
            present wavelength; nothing moves.
        :raises InstrumentRefused: if another grating is read back.
        """
        return int(self._query("?GRATING", "([1-9])"))

    @grating.setter
    def grating(self, number: int) -> None:
        field = f"{self.name} grating"
        number = whole(field, number, 1, MOST_GRATINGS)
        turret = self.turret
        usable = [grating.number for grating in self._gratings if grating.turret == turret]
        if number not in usable:
            raise LimitError(field, number, f"one of {usable}, which are on turret {turret}")
        longest, wavelength = self._mounted(number).longest_wavelength, self.wavelength
        if wavelength > longest + TOLERANCE_NM:
            raise LimitError(
                field,
                number,
                f"a grating that reaches {wavelength:g} nm",
                f"This one ends at {longest:g} nm: go to a shorter wavelength first.",
            )
        self._move(f"{number} GRATING")
        if (found := self.grating) != number:
            raise InstrumentRefused(self.name, f"grating {found} is in the beam, not {number}.")

    @property
    def turret(self) -> int:
        """Control which turret the controller takes to be mounted, 1 to 3.

        Setting it moves the drive; the turret itself is exchanged by hand.

        :raises LimitError: outside this range; nothing moves.
        :raises InstrumentRefused: if another turret is read back.
        """
        return int(self._query("?TURRET", "([1-3])"))

    @turret.setter
    def turret(self, number: int) -> None:
        number = whole(f"{self.name} turret", number, 1, MOST_TURRETS)
        self._move(f"{number} TURRET")
        if (found := self.turret) != number:
            raise InstrumentRefused(self.name, f"turret {found} stays selected, not {number}.")

    @property
    def scan_rate(self) -> float:
        """Control the speed of :meth:`scan_to`, nm/min, from 0.1 to 2000.

        :raises LimitError: outside this range; nothing is sent.
        :raises InstrumentRefused: if another rate is read back.
        """
        return float(self._query("?NM/MIN", NM_PER_MINUTE))

    @scan_rate.setter
    def scan_rate(self, nm_per_minute: float) -> None:
        nm_per_minute = within(
            f"{self.name} scan_rate (nm/min)",
            nm_per_minute,
            SLOWEST_NM_PER_MIN,
            FASTEST_NM_PER_MIN,
        )
        self._order(f"{nm_per_minute:.2f} NM/MIN")
        if abs((rate := self.scan_rate) - nm_per_minute) > 0.1:
            raise InstrumentRefused(
                self.name, f"the rate is {rate:g} nm/min although {nm_per_minute:g} was set."
            )

    def go_to(self, wavelength: float) -> None:
        """Turn to a wavelength (nm) as fast as possible; return once it is read back.

        :raises LimitError: if the present grating does not reach it; nothing moves.
        :raises InstrumentTimeout: if the move is not done within ``move_timeout``, and in
            proportion to its length up to as long again.
        :raises InstrumentRefused: if another wavelength is read back.
        """
        wavelength, longest = self._checked(wavelength)
        part = abs(wavelength - self.wavelength) / longest if longest else 0.0
        self._move(f"{wavelength:.3f} GOTO", self._move_timeout * (1.0 + part))
        self._confirm(wavelength)

    def scan_to(self, wavelength: float) -> None:
        """Turn to a wavelength (nm) at ``scan_rate``; return once it is read back.

        :raises LimitError, InstrumentTimeout, InstrumentRefused: as :meth:`go_to`; the time-out is
            that of a move and half as long again as the scan should take.
        """
        wavelength, _ = self._checked(wavelength)
        distance, rate = abs(wavelength - self.wavelength), self.scan_rate
        if rate <= 0:
            raise InstrumentRefused(self.name, "its scan rate is 0. Set scan_rate first.")
        deadline = self._clock.now() + self._move_timeout + 90.0 * distance / rate
        arrived = False
        try:
            self._moving = True
            self._order(f"{wavelength:.3f} >NM")
            while self._query("MONO-?DONE", "([01])") == "0":
                if self._clock.now() >= deadline:
                    raise InstrumentTimeout(self.name, f"still scanning to {wavelength:g} nm.")
                self._clock.sleep(POLL_S)
            self._order(STOP)
            arrived = True
            self._moving = False
        finally:
            if not arrived:
                self._halt()
        self._confirm(wavelength)

    def settings(self) -> Mapping[str, float | int | str | bool]:
        """Return wavelength, grating, turret, scan rate and accessories as it reports them.

        An accessory that has no motor is told as such; one whose answer nobody understands, as
        that answer (logged).
        """
        grating = self._mounted(self.grating)
        return {
            "wavelength_nm": self.wavelength,
            "grating": grating.number,
            "grooves_per_mm": grating.grooves_per_mm,
            "blaze": grating.blaze,
            "turret": self.turret,
            "scan_rate_nm_per_min": self.scan_rate,
            **self.accessories(),
        }

    def make_safe(self) -> None:
        """Stop a move that did not come to its end; else nothing."""
        self._halt()

    def shutdown(self) -> None:
        """Make safe and release the port, also if that fails; the first time only."""
        self.end_use(self.make_safe)

    def _checked(self, wavelength: float) -> tuple[float, float]:
        """Return a wavelength that can be reached, and the longest one, nm."""
        field = f"{self.name} wavelength (nm)"
        real(field, wavelength)
        shortest, longest = self.wavelength_range
        advice = "The limit is that of the grating in the beam."
        return within(field, wavelength, shortest, longest, advice), longest

    def _confirm(self, wavelength: float) -> None:
        if abs((found := self.wavelength) - wavelength) > TOLERANCE_NM:
            raise InstrumentRefused(
                self.name,
                f"stands at {found:.3f} nm although {wavelength:.3f} nm was asked for and "
                "answered by 'ok': the end of its range, or a move broken off.",
            )

    def _mounted(self, number: int) -> Grating:
        for grating in self._gratings:
            if grating.number == number:
                return grating
        raise GarbledAnswer(self.name, f"grating {number} is in the beam but not in its list.")

    def _read_gratings(self) -> tuple[Grating, ...]:
        answer = self._query("?GRATINGS", "(.*)")
        try:
            gratings = parse_gratings(answer)
        except ValueError as error:
            raise GarbledAnswer(self.name, f"'?GRATINGS': {error}") from error
        if not gratings:
            raise GarbledAnswer(self.name, "'?GRATINGS' names no grating at all.")
        return gratings
