"""What an Andor camera has beyond a spectrometer: EM gain, cooler, shutter, spectrograph."""

from __future__ import annotations

import logging
from collections.abc import Callable, Sequence
from typing import Final

from drivers._andor_axis import WavelengthAxis
from drivers._andor_camera import AndorCamera
from drivers._andor_cooler import AndorCooler
from drivers._andor_em import ElectronMultiplication
from drivers._andor_frames import Timing
from drivers._andor_readout import excess_noise
from drivers._andor_shutter import MODES, CameraShutter, Mode
from drivers._with_block import WithBlock
from drivers.shamrock import Shamrock
from labcool.errors import InstrumentDisconnected, InstrumentError, InstrumentRefused
from labcool.numbers import one_of, within

log = logging.getLogger(__name__)

LONGEST_WAIT_S: Final = 7200.0


class AndorControls(WithBlock):
    """Mix-in: the controls of a camera whose parts the class provides."""

    name: str
    _camera: AndorCamera
    _cooler: AndorCooler
    _shutter: CameraShutter
    _em: ElectronMultiplication
    _axis: WavelengthAxis
    _spectrograph: Shamrock | None
    _timing: Timing
    _require_cold: bool
    _cooling_timeout: float

    def make_safe(self) -> None:
        """Stop an acquisition, switch the EM gain off and close the shutter.

        All three are tried, whatever fails; the first error is raised then.
        """
        first_error(self.name, self._camera.abort, self._em.switch_off, self._shutter.close)

    @property
    def em_gain(self) -> int:
        """Control the EM gain, 1 (off) to 300 at most; only with the amplifier ``"em"``.

        :raises LimitError: outside the camera's range; nothing is sent.
        :raises InstrumentRefused: if the last spectrum, multiplied, would saturate, or there is
            none since the light last changed (as far as this object knows).
        """
        return self._em.gain

    @em_gain.setter
    def em_gain(self, gain: int) -> None:
        self._em.set(gain, self._timing.exposure)

    @property
    def excess_noise_factor(self) -> float:
        """Get the factor F by which multiplication widens the shot noise: 1 without, √2 at most.

        Robbins and Hadwen, IEEE Trans. Electron Devices 50, 1227 (2003): F² goes to 2 at high gain.
        """
        return excess_noise(self.em_gain)

    @property
    def sensor_temperature(self) -> float:
        """Measure the temperature of the sensor, K."""
        return self._cooler.read()[0]

    @property
    def temperature_status(self) -> str:
        """Get what the camera says of its temperature: off, not reached, … stabilized, drift."""
        return self._cooler.read()[1]

    @property
    def temperature_setpoint(self) -> float | None:
        """Control the sensor's set point, K, in whole °C; setting it switches the cooler on.

        None if this object has set none.

        :raises LimitError: outside the camera's range; nothing is sent.
        """
        return self._cooler.setpoint

    @temperature_setpoint.setter
    def temperature_setpoint(self, temperature: float) -> None:
        self._cooler.cool_to(temperature)

    def wait_until_cold(self, timeout: float = 1800.0) -> None:
        """Return once the sensor has its temperature; waits at most ``timeout`` s.

        :raises InstrumentRefused: if the cooler is off or overheats.
        :raises InstrumentTimeout: if the sensor is not cold by then.
        """
        self._protected_wait(within(f"{self.name} timeout (s)", timeout, 0.0, LONGEST_WAIT_S))

    @property
    def shutter(self) -> Mode:
        """Control the camera's shutter for the next spectra: auto, open or closed (dark)."""
        return self._shutter.wanted

    @shutter.setter
    def shutter(self, mode: Mode) -> None:
        self._shutter.wanted = one_of(f"{self.name} shutter", mode, MODES)
        if mode == "closed":
            self._shutter.close()

    @property
    def spectrograph(self) -> Shamrock | None:
        """Get the spectrograph, None without one. It refuses to move while the EM gain is on."""
        return self._spectrograph

    @property
    def wavelength_coefficients(self) -> tuple[float, ...] | None:
        """Control the polynomial of the wavelengths, nm, by pixel number, lowest order first.

        None with a spectrograph of Andor's. To be set after each move of another spectrograph.

        :raises LimitError: if the wavelengths would not all rise or all fall.
        """
        return self._axis.coefficients

    @wavelength_coefficients.setter
    def wavelength_coefficients(self, values: Sequence[float]) -> None:
        self._axis.coefficients = values
        self._em.forget()

    def _prepare(self) -> None:
        """Bring the camera into the state in which a series can start, or raise."""
        _ = self._axis.wavelengths
        self._em.require_not_tripped()
        self._camera.abort()
        if self._require_cold:
            self._protected_wait(self._cooling_timeout)
        else:
            self._protected(self._cooler.check_overheating)
        self._shutter.prepare()

    def _protected_wait(self, timeout: float) -> None:
        self._protected(lambda: self._cooler.wait_until_cold(timeout))

    def _protected(self, call: Callable[[], None]) -> None:
        try:
            call()
        except InstrumentRefused:
            if self._cooler.overheats:
                self.make_safe()
            raise

    def _before_move(self) -> None:
        if self._camera.is_acquiring():
            raise InstrumentRefused(self.name, "the spectrograph moves only between acquisitions.")
        if (gain := self._em.gain) > 1:
            raise InstrumentRefused(
                self.name,
                f"the spectrograph does not move while the EM gain is {gain}: any wavelength may "
                "cross the sensor. Set em_gain to 1 first.",
            )
        self._shutter.close()

    def _after_move(self) -> None:
        self._axis.forget()
        self._em.forget()


def first_error(name: str, *steps: Callable[[], object]) -> None:
    """Take all steps, whatever fails; raise the first error afterwards, log the others.

    Those that follow from a lost connection are not worth a line each.
    """
    first: InstrumentError | None = None
    for step in steps:
        try:
            step()
        except InstrumentError as error:
            if first is None:
                first = error
            elif not isinstance(first, InstrumentDisconnected):
                log.warning("%s: also: %s", name, error)
    if first is not None:
        raise first
