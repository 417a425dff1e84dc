"""Functions that choose amplifier, speeds, gains, shutter and triggers."""

from __future__ import annotations

from ctypes import c_float, c_int, c_ulong

from simulators._andor_codes import GainMode, ShutterMode, Status, TriggerMode
from simulators._andor_ctypes import Out, Refused, TextOut
from simulators._andor_models import Amplifier
from simulators._andor_sdk import SDK2, Sdk, within
from simulators._andor_setup import HIGHEST_SAFE_GAIN

_AMPLITUDES = ("Normal", "+1", "+2", "+3", "+4")


def _amplifier(sdk: Sdk, channel: int, index: int) -> Amplifier:
    within(channel, 0, 0)
    amplifiers = sdk.camera.model.amplifiers
    within(index, 0, len(amplifiers) - 1, 2)
    return amplifiers[index]


@SDK2.add("GetNumberADChannels", Out(c_int))
def _channels(_sdk: Sdk) -> int:
    return 1


@SDK2.add("SetADChannel", c_int, traits="idle")
def _set_channel(_sdk: Sdk, channel: int) -> None:
    within(channel, 0, 0)


@SDK2.add("GetBitDepth", c_int, Out(c_int))
def _bit_depth(sdk: Sdk, channel: int) -> int:
    within(channel, 0, 0)
    return sdk.camera.model.bit_depth


@SDK2.add("GetNumberAmp", Out(c_int))
def _amplifiers(sdk: Sdk) -> int:
    return len(sdk.camera.model.amplifiers)


@SDK2.add("GetAmpDesc", c_int, TextOut(2), c_int)
def _amplifier_name(sdk: Sdk, index: int, size: int) -> str:
    within(index, 0, len(sdk.camera.model.amplifiers) - 1)
    within(size, 1, 1024, 3)
    return sdk.camera.model.amplifiers[index].name


@SDK2.add("SetOutputAmplifier", c_int, traits="idle")
def _set_amplifier(sdk: Sdk, index: int) -> None:
    within(index, 0, len(sdk.camera.model.amplifiers) - 1)
    sdk.camera.setup.amplifier_index = index


@SDK2.add("IsAmplifierAvailable", c_int)
def _amplifier_available(sdk: Sdk, index: int) -> None:
    within(index, 0, len(sdk.camera.model.amplifiers) - 1)


@SDK2.add("IsReadoutFlippedByAmplifier", c_int, Out(c_int))
def _flipped(sdk: Sdk, index: int) -> int:
    within(index, 0, len(sdk.camera.model.amplifiers) - 1)
    return sdk.camera.model.amplifiers[index].multiplies


@SDK2.add("GetAmpMaxSpeed", c_int, Out(c_float))
def _fastest(sdk: Sdk, index: int) -> float:
    within(index, 0, len(sdk.camera.model.amplifiers) - 1)
    return max(sdk.camera.model.amplifiers[index].speeds)


@SDK2.add("GetNumberHSSpeeds", c_int, c_int, Out(c_int))
def _speeds(sdk: Sdk, channel: int, amplifier: int) -> int:
    return len(_amplifier(sdk, channel, amplifier).speeds)


@SDK2.add("GetHSSpeed", c_int, c_int, c_int, Out(c_float))
def _speed(sdk: Sdk, channel: int, amplifier: int, index: int) -> float:
    speeds = _amplifier(sdk, channel, amplifier).speeds
    within(index, 0, len(speeds) - 1, 3)
    return speeds[index]


@SDK2.add("SetHSSpeed", c_int, c_int, traits="idle")
def _set_speed(sdk: Sdk, amplifier: int, index: int) -> None:
    amplifiers = sdk.camera.model.amplifiers
    within(amplifier, 0, len(amplifiers) - 1)
    within(index, 0, len(amplifiers[amplifier].speeds) - 1, 2)
    sdk.camera.setup.speed_index[amplifier] = index


@SDK2.add("GetNumberPreAmpGains", Out(c_int))
def _preamps(sdk: Sdk) -> int:
    return len(sdk.camera.model.preamp_gains)


@SDK2.add("GetPreAmpGain", c_int, Out(c_float))
def _preamp(sdk: Sdk, index: int) -> float:
    within(index, 0, len(sdk.camera.model.preamp_gains) - 1)
    return sdk.camera.model.preamp_gains[index]


@SDK2.add("SetPreAmpGain", c_int, traits="idle")
def _set_preamp(sdk: Sdk, index: int) -> None:
    within(index, 0, len(sdk.camera.model.preamp_gains) - 1)
    sdk.camera.setup.preamp_index = index


@SDK2.add("IsPreAmpGainAvailable", c_int, c_int, c_int, c_int, Out(c_int))
def _preamp_available(sdk: Sdk, channel: int, amplifier: int, index: int, preamp: int) -> int:
    _speed(sdk, channel, amplifier, index)
    within(preamp, 0, len(sdk.camera.model.preamp_gains) - 1, 4)
    return 1


@SDK2.add("GetSensitivity", c_int, c_int, c_int, c_int, Out(c_float))
def _sensitivity(sdk: Sdk, channel: int, index: int, amplifier: int, preamp: int) -> float:
    within(channel, 0, 0)
    amplifiers = sdk.camera.model.amplifiers
    within(amplifier, 0, len(amplifiers) - 1, 3)
    within(index, 0, len(amplifiers[amplifier].speeds) - 1, 2)
    within(preamp, 0, len(sdk.camera.model.preamp_gains) - 1, 4)
    return amplifiers[amplifier].sensitivity / sdk.camera.model.preamp_gains[preamp]


@SDK2.add("GetNumberVSSpeeds", Out(c_int))
def _vertical_speeds(sdk: Sdk) -> int:
    return len(sdk.camera.model.vertical_speeds)


@SDK2.add("GetVSSpeed", c_int, Out(c_float))
def _vertical_speed(sdk: Sdk, index: int) -> float:
    within(index, 0, len(sdk.camera.model.vertical_speeds) - 1)
    return sdk.camera.model.vertical_speeds[index]


@SDK2.add("SetVSSpeed", c_int, traits="idle")
def _set_vertical_speed(sdk: Sdk, index: int) -> None:
    within(index, 0, len(sdk.camera.model.vertical_speeds) - 1)
    sdk.camera.setup.vertical_index = index


@SDK2.add("GetFastestRecommendedVSSpeed", Out(c_int), Out(c_float))
def _recommended(sdk: Sdk) -> tuple[int, float]:
    index = sdk.camera.model.recommended_vertical_speed
    return index, sdk.camera.model.vertical_speeds[index]


@SDK2.add("GetNumberVSAmplitudes", Out(c_int))
def _amplitudes(_sdk: Sdk) -> int:
    return len(_AMPLITUDES)


@SDK2.add("GetVSAmplitudeString", c_int, TextOut())
def _amplitude_name(_sdk: Sdk, index: int) -> str:
    within(index, 0, len(_AMPLITUDES) - 1)
    return _AMPLITUDES[index]


@SDK2.add("SetVSAmplitude", c_int, traits="idle")
def _set_amplitude(_sdk: Sdk, index: int) -> None:
    within(index, 0, len(_AMPLITUDES) - 1)


@SDK2.add("SetEMGainMode", c_int, traits="idle")
def _gain_mode(sdk: Sdk, mode: int) -> None:
    within(mode, GainMode.DAC_8_BIT, GainMode.REAL)
    sdk.camera.setup.gain_mode = GainMode(mode)
    sdk.camera.setup.gain_setting = 0


@SDK2.add("GetEMGainRange", Out(c_int), Out(c_int))
def _gain_range(sdk: Sdk) -> tuple[int, int]:
    return sdk.camera.setup.gain_range


@SDK2.add("GetEMCCDGain", Out(c_int))
def _gain(sdk: Sdk) -> int:
    return sdk.camera.setup.gain_setting


@SDK2.add("SetEMCCDGain", c_int, traits="idle")
def _set_gain(sdk: Sdk, gain: int) -> None:
    if gain != 0:
        within(gain, *sdk.camera.setup.gain_range)
    sdk.camera.setup.gain_setting = gain


@SDK2.add("GetEMAdvanced", Out(c_int))
def _advanced(sdk: Sdk) -> int:
    return sdk.camera.setup.gain_advanced


@SDK2.add("SetEMAdvanced", c_int, traits="idle")
def _set_advanced(sdk: Sdk, state: int) -> None:
    within(state, 0, 1)
    setup = sdk.camera.setup
    setup.gain_advanced = bool(state)
    if not state and setup.gain_mode in (GainMode.LINEAR, GainMode.REAL):
        setup.gain_setting = min(setup.gain_setting, HIGHEST_SAFE_GAIN)


@SDK2.add("GetBaselineClamp", Out(c_int))
def _clamp(sdk: Sdk) -> int:
    return sdk.camera.setup.baseline_clamped


@SDK2.add("SetBaselineClamp", c_int, traits="idle")
def _set_clamp(sdk: Sdk, state: int) -> None:
    within(state, 0, 1)
    sdk.camera.setup.baseline_clamped = bool(state)


@SDK2.add("SetBaselineOffset", c_int, traits="idle")
def _set_offset(sdk: Sdk, offset: int) -> None:
    within(offset, -1000, 1000)
    if offset % 100:
        raise Refused(Status.P1INVALID)
    sdk.camera.setup.baseline_offset = offset


@SDK2.add("GetShutterMinTimes", Out(c_int), Out(c_int))
def _shutter_times(sdk: Sdk) -> tuple[int, int]:
    return sdk.camera.model.shutter_times


@SDK2.add("IsInternalMechanicalShutter", Out(c_int))
def _has_shutter(_sdk: Sdk) -> int:
    return 1


@SDK2.add("SetShutter", c_int, c_int, c_int, c_int, traits="idle")
def _set_shutter(sdk: Sdk, kind: int, mode: int, closing_ms: int, opening_ms: int) -> None:
    camera = sdk.camera
    within(kind, 0, 1)
    within(mode, ShutterMode.AUTO, ShutterMode.CLOSED, 2)
    within(closing_ms, 0, 100_000, 3)
    within(opening_ms, 0, 100_000, 4)
    shortest_closing, shortest_opening = camera.model.shutter_times
    closing = max(closing_ms, shortest_closing) / 1000
    opening = max(opening_ms, shortest_opening) / 1000
    camera.shutter.set(ShutterMode(mode), closing, opening, camera.clock.now())


@SDK2.add("SetTriggerMode", c_int, traits="idle")
def _set_trigger(sdk: Sdk, mode: int) -> None:
    if mode not in list(TriggerMode):
        raise Refused(Status.P1INVALID)
    sdk.camera.setup.trigger_mode = TriggerMode(mode)


@SDK2.add("IsTriggerModeAvailable", c_int)
def _trigger_available(_sdk: Sdk, mode: int) -> None:
    if mode not in list(TriggerMode):
        raise Refused(Status.INVALID_MODE)


@SDK2.add("SetTriggerInvert", c_int, traits="idle")
def _invert(_sdk: Sdk, state: int) -> None:
    within(state, 0, 1)


@SDK2.add("GetTriggerLevelRange", Out(c_float), Out(c_float))
def _trigger_levels(_sdk: Sdk) -> None:
    raise Refused(Status.NOT_SUPPORTED)


@SDK2.add("SetTriggerLevel", c_float, traits="idle")
def _trigger_level(_sdk: Sdk, _volts: float) -> None:
    raise Refused(Status.NOT_SUPPORTED)


@SDK2.add("SetExternalTriggerTermination", c_ulong, traits="idle")
def _termination(_sdk: Sdk, _kind: int) -> None:
    raise Refused(Status.NOT_SUPPORTED)


@SDK2.add("SendSoftwareTrigger")
def _software_trigger(sdk: Sdk) -> None:
    sdk.camera.software_trigger()
