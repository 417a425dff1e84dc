"""The thermoelectric cooler of an Andor camera: on only when asked for, watched, and ended.

The SDK's temperatures are whole degrees Celsius; K here. 20036 (stabilized) is what counts as cold;
a sensor within 1 K of its set point for two minutes does, too, because a camera in a warm room may
never report more. 20040 (drift) is worth a warning: the gain of an EMCCD follows its temperature.
"""

from __future__ import annotations

import logging
import math
from typing import Final, Literal, TypeAlias

from drivers._andor_camera import AndorCamera
from drivers._andor_errors import ACQUIRING, NO_NEW_DATA, status_of
from labcool.clock import Clock
from labcool.errors import (
    GarbledAnswer,
    InstrumentDisconnected,
    InstrumentRefused,
    InstrumentTimeout,
)
from labcool.numbers import within
from labcool.units import celsius, kelvin

log = logging.getLogger(__name__)

Status: TypeAlias = Literal["off", "not stabilized", "stabilized", "not reached", "drift"]

STATUS: Final[dict[int, Status]] = {
    20034: "off",
    20035: "not stabilized",
    20036: "stabilized",
    20037: "not reached",
    20040: "drift",
}
GONE_CELSIUS: Final = -999.0
COLDEST_CELSIUS: Final = -150.0
WARMEST_CELSIUS: Final = 100.0
BAND_K: Final = 1.0
SETTLED_S: Final = 120.0
POLL_S: Final = 1.0
BUSY_S: Final = 2.0
BUSY_POLL_S: Final = 0.1
WARM_K: Final = kelvin(-20.0)
"""Above this the camera may lose its power without harm (a rule for older cameras)."""


class AndorCooler:
    """The cooler of one camera.

    :ivar drifted: whether the last :meth:`wait_until_cold` found the temperature drifting.
    :ivar overheats: whether the last :meth:`check_overheating` found the cooler too hot.
    """

    def __init__(self, camera: AndorCamera, clock: Clock) -> None:
        self._camera = camera
        self._clock = clock
        self._name = camera.name
        self._setpoint_celsius: int | None = None
        self._in_band_since: float | None = None
        self.drifted = False
        self.overheats = False
        with camera.talking() as (_, library):
            lowest, highest = library.GetTemperatureRange()
        if not COLDEST_CELSIUS <= lowest < highest <= WARMEST_CELSIUS:
            raise GarbledAnswer(self._name, f"{lowest} to {highest} °C is no range of a cooler.")
        self.range = _kelvin(int(lowest)), _kelvin(int(highest))

    @property
    def setpoint(self) -> float | None:
        """Set point, K, as set by this object; None if it has set none (the SDK tells none)."""
        return None if self._setpoint_celsius is None else _kelvin(self._setpoint_celsius)

    @property
    def is_on(self) -> bool:
        """Whether the cooler is on."""
        with self._camera.talking() as (_, library):
            return bool(library.IsCoolerOn())

    def cool_to(self, temperature: float) -> None:
        """Set the set point (K, to the nearest whole °C) and switch the cooler on.

        :raises LimitError: outside the camera's range; nothing is sent.
        :raises InstrumentRefused: if the cooler does not go on.
        """
        within(f"{self._name} temperature (K)", temperature, *self.range)
        degrees = round(celsius(temperature))
        with self._camera.talking() as (device, library):
            device.set_fan_mode("full")
            library.SetTemperature(degrees)
            library.CoolerON()
        self._setpoint_celsius, self._in_band_since = degrees, None
        if not self.is_on:
            raise InstrumentRefused(self._name, "the cooler does not go on.")

    def switch_off(self) -> None:
        """Switch the cooler off; returns once the camera says that it is.

        :raises InstrumentRefused: if it stays on.
        """
        with self._camera.talking() as (_, library):
            library.CoolerOFF()
        self._setpoint_celsius = self._in_band_since = None
        if self.is_on:
            raise InstrumentRefused(self._name, "the cooler does not go off.")

    def read(self) -> tuple[float, Status]:
        """Measure the sensor's temperature, K, and what the camera says of it.

        :raises InstrumentTimeout: if an acquisition does not end, during which there is none.
        :raises InstrumentDisconnected: if the camera is gone (-999 °C, or no new data).
        """
        deadline = self._clock.now() + BUSY_S
        while True:
            with self._camera.talking() as (_, library):
                try:
                    code, degrees = library.GetTemperatureF()
                    break
                except Exception as error:
                    if status_of(error) == NO_NEW_DATA:
                        raise self._gone() from error
                    if status_of(error) != ACQUIRING:
                        raise
            if self._clock.now() >= deadline:
                raise InstrumentTimeout(
                    self._name, "no temperature, because an acquisition does not end."
                )
            self._clock.sleep(BUSY_POLL_S)
        return self._checked(int(code), float(degrees))

    def wait_until_cold(self, timeout: float) -> None:
        """Return once the sensor has its temperature; waits at most ``timeout`` s (0: not at all).

        A temperature that was stable and drifts is only warned of.

        :raises InstrumentRefused: if the cooler is off or overheats, or the sensor is not cold and
            ``timeout`` is 0.
        :raises InstrumentTimeout: if the sensor is not cold by then.
        """
        deadline = self._clock.now() + timeout
        while True:
            self.check_overheating()
            temperature, status = self.read()
            self.drifted = status == "drift"
            if self.drifted:
                log.warning("%s: the sensor's temperature drifts: %.1f K.", self._name, temperature)
            if self.drifted or self._is_cold(temperature, status):
                return
            problem = (
                f"the sensor is at {temperature:.1f} K ({status}), not at {_words(self.setpoint)}."
            )
            if status == "off":
                raise InstrumentRefused(self._name, f"{problem} {_SET_IT}")
            if timeout <= 0:
                raise InstrumentRefused(self._name, f"{problem} {_WAIT}")
            if self._clock.now() >= deadline:
                raise InstrumentTimeout(self._name, f"after {timeout:g} s {problem} {_WARMER}")
            self._clock.sleep(POLL_S)

    def check_overheating(self) -> None:
        """Raise if the cooler overheats (GetTECStatus); cameras without this pass.

        :raises InstrumentRefused: if it does; the cooler is switched off first.
        """
        self.overheats = bool(self._camera.optional("GetTECStatus"))
        if not self.overheats:
            return
        self.switch_off()
        raise InstrumentRefused(
            self._name,
            "its cooler overheats and has been switched off. Check that the fan runs and the "
            "air (or water) flows, let it cool down, and set temperature_setpoint again.",
        )

    def end(self, policy: Literal["warm", "keep cold"], warm_up_timeout: float) -> None:
        """Leave the cooler as the policy says; logged.

        :param warm_up_timeout: longest time to wait until the sensor is above -20 °C, s.
        :raises InstrumentTimeout: if it is not by then; the cooler is off nevertheless.
        """
        cold = policy == "keep cold" and self.is_on
        if not self._camera.do_optional("SetCoolerMode", int(cold)) and cold:
            log.warning("%s: this camera cannot stay cold once it is released.", self._name)
        if cold:
            log.warning("%s: the cooler stays on, as asked for.", self._name)
            return
        self.switch_off()
        log.info("%s: the cooler is off.", self._name)
        if warm_up_timeout <= 0:
            return
        start = self._clock.now()
        while (temperature := self.read()[0]) <= WARM_K:
            if self._clock.now() - start >= warm_up_timeout:
                raise InstrumentTimeout(
                    self._name,
                    f"after {warm_up_timeout:g} s with the cooler off the sensor is still at "
                    f"{temperature:.1f} K. Leave the camera powered until it is above "
                    f"{WARM_K:.2f} K.",
                )
            self._clock.sleep(POLL_S)
        log.info("%s: the sensor has warmed up to %.1f K.", self._name, temperature)

    def _is_cold(self, temperature: float, status: Status) -> bool:
        setpoint = self.setpoint
        if setpoint is None or status == "off" or abs(temperature - setpoint) > BAND_K:
            self._in_band_since = None
        elif self._in_band_since is None:
            self._in_band_since = self._clock.now()
        if status == "stabilized":
            return True
        since = self._in_band_since
        return since is not None and self._clock.now() - since >= SETTLED_S

    def _checked(self, code: int, degrees: float) -> tuple[float, Status]:
        if degrees <= GONE_CELSIUS:
            raise self._gone()
        if code not in STATUS:
            raise GarbledAnswer(self._name, f"{code} is no known status of the temperature.")
        if not (math.isfinite(degrees) and COLDEST_CELSIUS <= degrees <= WARMEST_CELSIUS):
            raise GarbledAnswer(self._name, f"{degrees} °C is no temperature of a sensor.")
        return kelvin(degrees), STATUS[code]

    def _gone(self) -> InstrumentDisconnected:
        return InstrumentDisconnected(
            self._name, "the camera is gone. Check USB cable and power, then connect again."
        )


_SET_IT: Final = "Set temperature_setpoint (in the bench file: temperature, in K)."
_WAIT: Final = "Call wait_until_cold, or give a cooling_timeout."
_WARMER: Final = "Wait longer, or choose a warmer set point."


def _kelvin(degrees: int) -> float:
    return round(kelvin(degrees), 2)


def _words(setpoint: float | None) -> str:
    return "a set point" if setpoint is None else f"{setpoint:.2f} K"
