"""Every class that fills a role, with its simulated device behind it."""

from __future__ import annotations

from collections.abc import Mapping

import cases_of_andor
import cases_of_detection
import cases_of_light
import cases_of_spectral
import cases_of_temperature
from instrument_rig import Case

CASES: Mapping[str, Case] = {
    **cases_of_light.CASES,
    **cases_of_spectral.CASES,
    **cases_of_temperature.CASES,
    **cases_of_detection.CASES,
    **cases_of_andor.CASES,
}
