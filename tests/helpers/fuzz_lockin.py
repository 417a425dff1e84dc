"""What the fuzz knows of the lock-in amplifier SR830."""

from __future__ import annotations

from typing import Any

from cases_of_detection import CASES
from fuzz_case import (
    Action,
    FuzzCase,
    Log,
    Oracle,
    Reading,
    Said,
    assigned,
    attribute,
    called,
    same,
)
from fuzz_sr830_answers import (
    ANGLE,
    AUX,
    CHOICES,
    HARDWARE,
    HARMONIC,
    HERTZ,
    MASKS,
    OUTPUT,
    SENSITIVITY,
    SNAPPED,
    SNAPPED_AUX,
    STANDARD,
    STATUS,
    all_sensitivities,
    display,
    fast,
    number,
    offset_of,
    part_of_offset,
    pick,
    reading,
    recording,
    sensitivity,
    settling_time,
    stored,
    unit,
    unspoilt,
    whole,
)


def prepare(amplifier: Any) -> None:
    amplifier.sensitivity = 0.02
    amplifier.time_constant = 0.01
    amplifier.record(0.5, 16.0)
    amplifier.settle()
    amplifier.lock_in_status()


READINGS: dict[str, Reading] = {
    **{name: attribute(name, pick(f"{word}?", c)) for name, (word, c) in CHOICES.items()},
    **{name: attribute(name, whole(f"{word}?", 0, 255)) for name, word in MASKS.items()},
    "phase": attribute("phase", number("PHAS?", -360.0, 729.99)),
    "sine_voltage": attribute("sine_voltage", number("SLVL?", 0.004, 5.0)),
    "frequency": attribute("frequency", number("FREQ?", *HERTZ)),
    "reference_frequency": attribute("reference_frequency", number("FREQ?", *HERTZ)),
    "harmonic": attribute("harmonic", HARMONIC),
    "input_unit": attribute("input_unit", unit),
    "sensitivity": attribute("sensitivity", sensitivity),
    "sensitivity_range": attribute("sensitivity_range", all_sensitivities),
    "settling_time": attribute("settling_time", settling_time),
    "x": attribute("x", unspoilt(number("OUTP?1", *OUTPUT))),
    "y": attribute("y", unspoilt(number("OUTP?2", *OUTPUT))),
    "magnitude": attribute("magnitude", unspoilt(number("OUTP?3", *OUTPUT))),
    "theta": attribute("theta", unspoilt(number("OUTP?4", *ANGLE))),
    "displayed(1)": Reading(lambda a: a.displayed(1), unspoilt(number("OUTR?1", -1e30, 1e30))),
    "snap(x,y,r,theta)": Reading(lambda a: a.snap("x", "y", "r", "theta"), unspoilt(SNAPPED)),
    "snap(aux,f)": Reading(lambda a: a.snap("aux in 1", "frequency"), SNAPPED_AUX),
    "read()": Reading(lambda a: a.read(), reading),
    "aux_input(2)": Reading(lambda a: a.aux_input(2), number("OAUX?2", *AUX)),
    "aux_output(3)": Reading(lambda a: a.aux_output(3), number("AUXV?3", -10.5, 10.5)),
    "display(1)": Reading(lambda a: a.display(1), display(1)),
    "display(2)": Reading(lambda a: a.display(2), display(2)),
    "offset(R)": Reading(lambda a: a.offset("R"), offset_of(3)),
    "buffer_count": attribute("buffer_count", whole("SPTS?", 0, 16383)),
    "lock_in_status": Reading(lambda a: int(a.lock_in_status()), STATUS),
    "standard_events": Reading(lambda a: int(a.standard_events()), STANDARD),
    "hardware_errors": Reading(lambda a: int(a.hardware_errors()), HARDWARE),
    "read_buffer(native)": Reading(
        lambda a: a.read_buffer(1, 1, 5), stored("native", "TRCL?1,1,5", 5)
    ),
    "read_buffer(binary)": Reading(
        lambda a: a.read_buffer(2, 0, 5, "binary"), stored("binary", "TRCB?2,0,5", 5)
    ),
    "read_buffer(text)": Reading(
        lambda a: a.read_buffer(1, 0, 3, "text"), stored("text", "TRCA?1,0,3", 3)
    ),
    "record(8)": Reading(lambda a: a.record(0.5, 16.0), recording),
    "fast_scan(10)": Reading(lambda a: a.fast_scan(10), fast),
    "ask": Reading(
        lambda a: a.ask("OUTP?1"),
        Said(b"OUTP?1\n", rb"([ -~]*)\s*\n", lambda found: found[1].decode().strip()),
    ),
    "attention": Reading(lambda a: a.attention(), lambda log, told: bool(log)),
}


def kept(question: Said, value: float) -> Any:
    return lambda log: same(float(question.last(log) or 0), value)


def accepted(log: Log) -> bool:
    """A command counts only if the standard events say so: no bit 0, 2, 4, 5."""
    events = STANDARD.last(log)
    return events is not None and not events & 0b110101


SETTABLE: dict[str, Any] = {
    **{name: c[-1] for name, (_, c) in CHOICES.items()},
    **{name: 12 for name in MASKS if name != "status_byte"},
    "phase": 45.0,
    "sine_voltage": 0.1,
    "frequency": 1234.0,
    "harmonic": 2,
    "time_constant": 0.03,
    "sample_rate": 8.0,
}
ACTIONS: dict[str, Action] = {
    **{f"{name}=": assigned(name, value, accepted) for name, value in SETTABLE.items()},
    "sensitivity=": assigned("sensitivity", 0.5, kept(SENSITIVITY, 25)),
    "set_aux_output": called("set_aux_output", 1, 2.0, promise=accepted),
    "set_display": called("set_display", 1, "R", promise=accepted),
    "set_offset": called("set_offset", "X", 10.0, 10, promise=accepted),
    "auto_offset": called("auto_offset", "X", promise=accepted),
    "auto_gain": called("auto_gain", 20.0, promise=accepted),
    "auto_reserve": called("auto_reserve", 20.0, promise=accepted),
    "auto_phase": called("auto_phase", 20.0, promise=accepted),
    "auto_range": called("auto_range", 60.0),
    "settle": called("settle", promise=lambda log: STATUS.last(log) is not None),
    "save_setup": called("save_setup", 3, promise=accepted),
    "recall_setup": called("recall_setup", 3, promise=accepted),
    "clear": called("clear", promise=accepted),
    "reset": called("reset", promise=accepted),
    "trigger": called("trigger", promise=accepted),
    "start_scan": called("start_scan", promise=accepted),
    "pause_scan": called("pause_scan", promise=accepted),
    "reset_buffer": called("reset_buffer", promise=accepted),
}


def outputs_are_still(log: Log) -> bool:
    """0 V at all aux outputs, 4 mV at the sine output."""
    aux = [number(f"AUXV?{n}", -10.5, 10.5).last(log) for n in range(1, 5)]
    sine = number("SLVL?", 0.004, 5.0).last(log)
    still = all(volts is not None and abs(volts) <= 0.002 for volts in aux)
    return still and sine is not None and abs(sine - 0.004) <= 0.001


def identity(log: Log, amplifier: Any) -> bool:
    said = [bytes(e.answered) for e in log if e.asked == b"*IDN?\n"]
    first = said[-1].partition(b"\n")[0].decode("ascii", "replace").strip()
    return amplifier.identity == first and first.startswith("Stanford_Research_Systems,SR830,")


def read_of(name: str) -> Oracle:
    return READINGS[name].accepts


SETTINGS: dict[str, Oracle | None] = {
    "interface": None,
    "reference_source": read_of("reference_source"),
    "reference_slope": read_of("reference_slope"),
    "reference_frequency_Hz": read_of("frequency"),
    "harmonic": HARMONIC,
    "phase_deg": read_of("phase"),
    "sine_voltage_V": read_of("sine_voltage"),
    "sensitivity_V": sensitivity,
    "sensitivity_A": sensitivity,
    "time_constant_s": read_of("time_constant"),
    "filter_slope_dB_per_octave": read_of("filter_slope"),
    "sample_rate_Hz": read_of("sample_rate"),
    **{
        key: read_of(key)
        for key in (
            *("input_config", "input_grounding", "input_coupling", "line_filter"),
            *("filter_synchronous", "reserve"),
        )
    },
    **{f"display_{n}": display(n) for n in (1, 2)},
    **{f"offset_{key}_percent": part_of_offset(i, 0) for i, key in enumerate("XYR", 1)},
    **{f"expand_{key}": part_of_offset(i, 1) for i, key in enumerate("XYR", 1)},
    **{f"aux_output_{n}_V": number(f"AUXV?{n}", -10.5, 10.5) for n in range(1, 5)},
}

CASE = FuzzCase(
    CASES["SR830"],
    readings=READINGS,
    actions=ACTIONS,
    identity=identity,
    settings=SETTINGS,
    is_safe=outputs_are_still,
    kept=frozenset(),
    prepare=prepare,
    longest=120.0,
    longest_action=600.0,
)

LOCK_INS = {"SR830": CASE}
