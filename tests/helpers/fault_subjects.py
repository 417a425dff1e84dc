"""Every driver as the table of faults needs it; a new one is one more line in one of the parts."""

from __future__ import annotations

from collections.abc import Mapping

import fault_andor
import fault_daq
import fault_detection
import fault_light
import fault_photodiode
import fault_supercontinuum
import fault_temperature
from fault_rig import Subject

SUBJECTS: Mapping[str, Subject] = {
    **fault_light.SUBJECTS,
    **fault_supercontinuum.SUBJECTS,
    **fault_temperature.SUBJECTS,
    **fault_andor.SUBJECTS,
    **fault_detection.SUBJECTS,
    **fault_photodiode.SUBJECTS,
    **fault_daq.SUBJECTS,
}
