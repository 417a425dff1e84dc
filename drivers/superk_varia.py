"""NKT Photonics SuperK VARIA tunable band-pass filter (Interbus).

Two graded edge filters pass what lies between the long-wave-pass edge (lower end of the band) and
the short-wave-pass edge (upper end); a third, neutral, sets the transmission. Registers are those
of NKT's register file ``68.txt``; see :mod:`drivers._nkt_registers`.

A move has ended when the three "moving" status bits are clear twice in a row and both edges read
back as set. While the band moves, other wavelengths than both the old and the new band may pass:
block the beam, which is the duty of whoever combines shutter and filter. The edges are set in the
order in which the upper one always stays above the lower one.

The filter has no shutter that can be commanded. Its *emission* is that of the source before it, on
the same port: it is started and stopped as :mod:`drivers.superk` does it, with the watchdog armed,
and what is told there about safety holds here. Made safe, the source is dark.

Checked against a published telegram (short-wave-pass edge of 650.0 nm) and QMI's encoder.
UNVERIFIED on hardware: the tuning range (``lowest_wavelength``, ``highest_wavelength``), how long a
move takes (``move_timeout``), how soon after a command the "moving" bits are set, and whether the
neutral filter's set point is a transmission or an attenuation.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Final

from annotated_types import Interval

from drivers import _nkt_registers as registers
from drivers._interbus_instrument import POLL_S, module_address
from drivers._interbus_registers import Register, bits
from drivers._superk_emission import MAIN_BOARDS, EmittingInstrument
from drivers._wire import Resource
from labcool.clock import Clock, RealClock
from labcool.errors import InstrumentTimeout, LimitError
from labcool.numbers import real, whole, within

START_OF_MOVE_S: Final = 0.1
NARROWEST_NM: Final = 0.1


class SuperKVaria(EmittingInstrument):
    """A SuperK VARIA behind its source. Safe state: the source dark, verified; filters standing.

    :param resource: VISA resource string, PyMeasure adapter, or link; the same one as for the other
        modules on the port.
    :param clock: runs the waiting; default: the wall's time.
    :param visa_library: PyVISA backend, e.g. ``"@py"``.
    :param address: Interbus address, 16 plus the rotary switch.
    :param lowest_wavelength: lowest edge that may be set, nm.
    :param highest_wavelength: highest edge that may be set, nm.
    :param move_timeout: longest time a move may take, s.
    :param source_address: Interbus address of the source's main board.
    :param watchdog: after how many seconds without traffic the source switches off, s.
    :param emission_timeout: longest time emission may take to start, s.
    :raises WrongInstrument: if other modules answer.
    """

    def __init__(
        self,
        resource: Resource,
        name: str = "SuperK VARIA",
        *,
        clock: Clock | None = None,
        visa_library: str = "",
        address: Annotated[int, Interval(ge=1, le=160)] = 17,
        lowest_wavelength: Annotated[float, Interval(ge=100.0, le=3000.0)] = 400.0,
        highest_wavelength: Annotated[float, Interval(ge=100.0, le=3000.0)] = 840.0,
        move_timeout: Annotated[float, Interval(ge=0.1, le=120.0)] = 20.0,
        source_address: Annotated[int, Interval(ge=1, le=160)] = 15,
        watchdog: Annotated[int, Interval(ge=2, le=255)] = 10,
        emission_timeout: Annotated[float, Interval(ge=0.1, le=60.0)] = 10.0,
    ) -> None:
        self._address = module_address(f"{name} address", address)
        self._lowest = within(f"{name} lowest_wavelength (nm)", lowest_wavelength, 100.0, 3000.0)
        self._highest = within(
            f"{name} highest_wavelength (nm)", highest_wavelength, self._lowest + 1.0, 3000.0
        )
        self._move_timeout = within(f"{name} move_timeout (s)", move_timeout, 0.1, 120.0)
        self._source = module_address(f"{name} source_address", source_address)
        if self._source == self._address:
            raise LimitError(f"{name} source_address", source_address, "another than address")
        self._watchdog = whole(f"{name} watchdog (s)", watchdog, 2, 255)
        self._emission_timeout = within(f"{name} emission_timeout (s)", emission_timeout, 0.1, 60.0)
        super().__init__(
            resource,
            name,
            clock=clock or RealClock(),
            visa_library=visa_library,
            modules={
                self._address: {registers.VARIA: registers.MODELS[registers.VARIA]},
                self._source: MAIN_BOARDS,
            },
        )

    @property
    def is_moving(self) -> bool:
        """Get whether one of the three filters moves (bool)."""
        return bool(self._status(self._address) & registers.MOVING_BITS)

    @property
    def status(self) -> tuple[str, ...]:
        """Get the meanings of the status bits that are set (str)."""
        return bits(self._status(self._address), registers.VARIA_STATUS)

    @property
    def band(self) -> tuple[float, float]:
        """Get lower and upper edge of the band, as set, nm."""
        return (
            self._get(self._address, registers.LONG_WAVE_PASS),
            self._get(self._address, registers.SHORT_WAVE_PASS),
        )

    @property
    def wavelength(self) -> float:
        """Control the centre of the band, nm; its width stays. Waits until the filters stand.

        :raises LimitError: if an edge would leave the tuning range; nothing moves.
        :raises InstrumentRefused, InstrumentTimeout: as :meth:`set_band`.
        """
        lower, upper = self.band
        return round((lower + upper) / 2, 2)

    @wavelength.setter
    def wavelength(self, centre: float) -> None:
        field = f"{self.name} wavelength (nm)"
        centre = real(field, centre)
        width = self.bandwidth
        lowest, highest = self._lowest + width / 2, self._highest - width / 2
        within(field, centre, lowest, highest, "Or narrow the band first.")
        lower = round(centre - width / 2, 1)
        self.set_band(lower, lower + width)

    @property
    def wavelength_range(self) -> tuple[float, float]:
        """Get the lowest and the highest centre that the present band can have, nm."""
        half = self.bandwidth / 2
        return self._lowest + half, self._highest - half

    @property
    def wavelength_ranges(self) -> tuple[tuple[float, float], ...]:
        """Get :attr:`wavelength_range` alone: it is one range without a gap, nm."""
        return (self.wavelength_range,)

    @property
    def bandwidth(self) -> float:
        """Control the width of the band, nm; its centre stays. Waits until the filters stand.

        :raises LimitError: if an edge would leave the tuning range; nothing moves.
        :raises InstrumentRefused, InstrumentTimeout: as :meth:`set_band`.
        """
        lower, upper = self.band
        return round(upper - lower, 1)

    @bandwidth.setter
    def bandwidth(self, width: float) -> None:
        field = f"{self.name} bandwidth (nm)"
        width = real(field, width)
        centre = self.wavelength
        widest = 2 * min(centre - self._lowest, self._highest - centre)
        within(field, width, NARROWEST_NM, widest)
        lower = round(centre - width / 2, 1)
        self.set_band(lower, lower + width)

    @property
    def nd_setpoint(self) -> float:
        """Control the set point of the neutral filter, %, 0 to 100 in 0.1 %; waits likewise.

        :raises LimitError: outside this range; nothing moves.
        """
        return self._get(self._address, registers.ND_SETPOINT)

    @nd_setpoint.setter
    def nd_setpoint(self, percent: float) -> None:
        self._set_and_confirm(self._address, registers.ND_SETPOINT, percent)
        self._wait_until_standing()

    @property
    def power_level(self) -> float:
        """Control :attr:`nd_setpoint`, %: that it is the transmitted part is UNVERIFIED."""
        return self.nd_setpoint

    @power_level.setter
    def power_level(self, percent: float) -> None:
        self.nd_setpoint = percent

    def set_band(self, lower: float, upper: float) -> None:
        """Move both edges; return once the filters stand and both edges read back as set.

        :param lower: long-wave-pass edge, nm.
        :param upper: short-wave-pass edge, nm, above ``lower``.
        :raises LimitError: if an edge leaves the tuning range, or they cross; nothing moves.
        :raises InstrumentRefused: if a fault is reported, or an edge is not confirmed.
        :raises InstrumentTimeout: if the filters still move after ``move_timeout``.
        """
        lower = within(f"{self.name} lower edge (nm)", lower, self._lowest, self._highest)
        upper = within(f"{self.name} upper edge (nm)", upper, self._lowest, self._highest)
        if upper - lower < NARROWEST_NM / 2:
            raise LimitError(
                f"{self.name} upper edge (nm)", upper, f"above the lower edge of {lower:g} nm"
            )
        self._refuse_if(self._status(self._address), registers.VARIA_FAULTS, "move")
        edges: list[tuple[Register, float]] = [
            (registers.LONG_WAVE_PASS, lower),
            (registers.SHORT_WAVE_PASS, upper),
        ]
        if upper > self.band[1]:
            edges.reverse()
        for register, edge in edges:
            self._set_and_confirm(self._address, register, edge)
        self._wait_until_standing()

    def settings(self) -> Mapping[str, float | int | str | bool]:
        """Return what filter and source report: emission, edges, neutral filter, status."""
        lower, upper = self.band
        return {
            "emission": self.emission,
            "interlock": self._interlock_words(),
            "long_wave_pass_nm": lower,
            "short_wave_pass_nm": upper,
            "nd_setpoint_percent": self.nd_setpoint,
            "monitor_percent": self._get(self._address, registers.VARIA_MONITOR),
            "status": ", ".join(self.status),
        }

    def make_safe(self) -> None:
        """Switch the source's emission off and verify it; then wait until the filters stand.

        :raises ShutterNotClosed: if emission is not confirmed to be off.
        :raises InstrumentTimeout: if the filters still move after ``move_timeout``.
        """
        self.stop_emission()
        if self.is_moving:
            self._wait_until_standing()

    def attention(self) -> tuple[str, ...]:
        """Return what a person should see to at the source and the filter."""
        faults = self._status(self._address) & registers.VARIA_FAULT_BITS
        told = bits(faults, registers.VARIA_FAULTS)
        return (*super().attention(), *(f"The filter reports: {words}." for words in told))

    def _wait_until_standing(self) -> None:
        self._clock.sleep(START_OF_MOVE_S)
        if not self._comes_true(self._stands, self._move_timeout):
            raise InstrumentTimeout(
                self.name, f"still moves after {self._move_timeout:g} s. Is a filter blocked?"
            )
        self._refuse_if(self._status(self._address), registers.VARIA_FAULTS, "last move")

    def _stands(self) -> bool:
        if self.is_moving:
            return False
        self._clock.sleep(POLL_S)
        return not self.is_moving
