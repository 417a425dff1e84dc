"""The SR830's settings as properties, in the order of the manual's command list."""

from __future__ import annotations

from typing import Literal, NamedTuple

from drivers._sr830_parameters import Choice, Flag, Mask, Number
from drivers._sr830_tables import (
    AUX_V,
    BUFFER_MODES,
    COUPLINGS,
    CURRENT_INPUTS,
    DISPLAYS,
    EXPANDS,
    FILTER_SLOPES,
    FREQUENCIES_HZ,
    GROUNDINGS,
    HIGHEST_DETECTION_HZ,
    INPUT_CONFIGS,
    LINE_FILTERS,
    OUTPUTS,
    RATIOS,
    REFERENCE_SLOPES,
    REFERENCE_SOURCES,
    REMOTE_STATES,
    RESERVES,
    SENSITIVITIES_A,
    SENSITIVITIES_V,
    TIME_CONSTANTS_S,
    Display1,
    Display2,
    Output,
    Ratio,
)
from drivers._sr830_wire import SR830Wire
from labcool.errors import GarbledAnswer, InstrumentRefused, LimitError
from labcool.numbers import index_of, real, whole, within

HIGHEST_HARMONIC = 19999
LARGEST_AUX_V = 10.5
LARGEST_OFFSET_PERCENT = 105.0


class Display(NamedTuple):
    """What a display (and its output socket) shows, and by which input it is divided."""

    quantity: str
    ratio: Ratio


class OffsetExpand(NamedTuple):
    """Offset of an output in percent of full scale, and its magnification 1, 10 or 100."""

    percent: float
    expand: int


class SR830Settings(SR830Wire):
    """The settings; a value that is not allowed raises LimitError before anything is sent."""

    phase = Number("PHAS{:.2f}", -360.0, 729.99, "Control the reference phase, degrees.")
    reference_source = Choice("FMOD {}", REFERENCE_SOURCES, "Control the reference source.")
    reference_slope = Choice("RSLP {}", REFERENCE_SLOPES, "Control how a reference triggers.")
    sine_voltage = Number("SLVL{:.3f}", 0.004, 5.0, "Control the sine output, V rms; never 0.")
    input_config = Choice("ISRC {}", INPUT_CONFIGS, "Control what is measured, and how.")
    input_grounding = Choice("IGND {}", GROUNDINGS, "Control the grounding of the shields.")
    input_coupling = Choice("ICPL {}", COUPLINGS, "Control the coupling of the input.")
    line_filter = Choice("ILIN {}", LINE_FILTERS, "Control the notch filters of the mains.")
    filter_slope = Choice("OFSL{}", FILTER_SLOPES, "Control the filter's slope, dB/octave.")
    filter_synchronous = Flag("SYNC {}", "Control the synchronous filter (below 200 Hz only).")
    reserve = Choice("RMOD{}", RESERVES, "Control the dynamic reserve.")
    buffer_mode = Choice("SEND {}", BUFFER_MODES, "Control what happens when the buffer is full.")
    trigger_starts_scan = Flag("TSTR {}", "Control whether a trigger starts a scan.")
    remote_state = Choice("LOCL {}", REMOTE_STATES, "Control who may use the front panel.")
    panel_stays_usable = Flag("OVRM {}", "Control whether the panel works in remote state.")
    key_click = Flag("KCLK {}", "Control the clicking of the keys.")
    alarm = Flag("ALRM {}", "Control the audible alarm.")
    event_mask = Mask("*ESE {}", "Control which standard events count in the status byte.")
    service_mask = Mask("*SRE {}", "Control which bits of the status byte request service.")
    error_mask = Mask("ERRE {}", "Control which hardware errors count in the status byte.")
    lock_in_mask = Mask("LIAE {}", "Control which lock-in bits count in the status byte.")
    power_on_clears_masks = Flag("*PSC {}", "Control whether power-on clears these masks.")

    @property
    def frequency(self) -> float:
        """Control the reference frequency, Hz; settable only with the internal reference.

        From 0.001 Hz to 102 kHz divided by the harmonic, sent with six digits.

        :raises InstrumentRefused: if the reference is external.
        """
        return self._ask_number("FREQ?", FREQUENCIES_HZ)

    @frequency.setter
    def frequency(self, hertz: float) -> None:
        field = f"{self.name} frequency (Hz)"
        hertz = within(field, hertz, 0.001, HIGHEST_DETECTION_HZ)
        harmonic = self.harmonic
        advice = f"The harmonic is {harmonic}."
        within(field, hertz, 0.001, HIGHEST_DETECTION_HZ / harmonic, advice)
        if self.reference_source != "internal":
            raise InstrumentRefused(self.name, "the reference is external; its source sets it.")
        self._tell(f"FREQ{hertz:.5e}")

    @property
    def harmonic(self) -> int:
        """Control the detected harmonic, 1 to 19999, at most 102 kHz / :attr:`frequency`."""
        if (harmonic := self._ask_whole("HARM?", HIGHEST_HARMONIC)) == 0:
            raise GarbledAnswer(self.name, "there is no harmonic 0.")
        return harmonic

    @harmonic.setter
    def harmonic(self, number: int) -> None:
        field = f"{self.name} harmonic"
        number = whole(field, number, 1, HIGHEST_HARMONIC)
        frequency = self.frequency
        if number * frequency > HIGHEST_DETECTION_HZ:
            allowed = f"at most {HIGHEST_DETECTION_HZ:g} Hz / {frequency:g} Hz"
            raise LimitError(field, number, allowed)
        self._tell(f"HARM{number}")

    @property
    def input_unit(self) -> Literal["V", "A"]:
        """Get the unit of signal and sensitivity (str): V, or A with a current input."""
        return "A" if self.input_config in CURRENT_INPUTS else "V"

    @property
    def sensitivity_range(self) -> tuple[float, ...]:
        """Get all sensitivities of the present input, V or A rms, ascending."""
        return SENSITIVITIES_A if self.input_unit == "A" else SENSITIVITIES_V

    @property
    def sensitivity(self) -> float:
        """Control the full scale: 2 nV to 1 V rms, or 2 fA to 1 uA, in steps of 1, 2, 5.

        :raises LimitError: for any other value; none is rounded.
        :raises InstrumentRefused: if the instrument does not keep it.
        """
        return self.sensitivity_range[self._sensitivity_index()]

    @sensitivity.setter
    def sensitivity(self, full_scale: float) -> None:
        field = f"{self.name} sensitivity"
        full_scale = real(field, full_scale)
        self._set_sensitivity(index_of(field, full_scale, self.sensitivity_range))

    def _sensitivity_index(self) -> int:
        return self._ask_whole("SENS?", len(SENSITIVITIES_V) - 1)

    def _set_sensitivity(self, index: int) -> None:
        self._tell(f"SENS{index}")
        if (kept := self._sensitivity_index()) != index:
            raise InstrumentRefused(self.name, f"kept sensitivity {kept} instead of {index}.")

    @property
    def time_constant(self) -> float:
        """Control the filter's time constant, s: 10 us to 30 ks in steps of 1, 3.

        Above a detection frequency of 200 Hz at most 30 s.

        :raises InstrumentRefused: if the instrument does not keep it.
        """
        return TIME_CONSTANTS_S[self._ask_whole("OFLT?", len(TIME_CONSTANTS_S) - 1)]

    @time_constant.setter
    def time_constant(self, seconds: float) -> None:
        index = index_of(f"{self.name} time_constant (s)", seconds, TIME_CONSTANTS_S)
        self._tell(f"OFLT{index}")
        if (kept := self.time_constant) != TIME_CONSTANTS_S[index]:
            raise InstrumentRefused(
                self.name,
                f"the time constant is {kept:g} s although {seconds:g} s was set. The detection "
                "frequency, the reserve, the slope or an expand does not allow it.",
            )

    def display(self, channel: int) -> Display:
        """Return what display 1 or 2 shows."""
        channel = self._counted("display", channel, 2)
        names = DISPLAYS[channel]
        quantity, ratio = self._indices(f"DDEF?{channel}", len(names), len(RATIOS[channel]))
        return Display(names[quantity], RATIOS[channel][ratio])

    def set_display(
        self, channel: int, quantity: Display1 | Display2, ratio: Ratio = "none"
    ) -> None:
        """Choose what display 1 or 2 shows and its buffer stores.

        :param channel: 1 or 2.
        :param quantity: X, R, X noise, aux in 1 or 2; or Y, theta, Y noise, aux in 3 or 4.
        :param ratio: the aux input by which it is divided: 1 or 2; or 3 or 4.
        """
        channel = self._counted("display", channel, 2)
        shown = index_of(f"{self.name} display {channel}", quantity, DISPLAYS[channel])
        divided = index_of(f"{self.name} ratio of display {channel}", ratio, RATIOS[channel])
        self._tell(f"DDEF{channel},{shown},{divided}")

    def offset(self, output: Output) -> OffsetExpand:
        """Return the offset (%) and the expand (1, 10, 100) of X, Y or R."""
        number = self._output_number(output)
        limit = LARGEST_OFFSET_PERCENT
        limits = (-limit, limit), (0.0, len(EXPANDS) - 1.0)
        percent, expand = self._ask_numbers(f"OEXP? {number}", *limits)
        if not expand.is_integer():
            raise GarbledAnswer(self.name, f"there is no expand with the index {expand:g}.")
        return OffsetExpand(percent, EXPANDS[int(expand)])

    def set_offset(self, output: Output, percent: float, expand: int = 1) -> None:
        """Set the offset (-105 to 105 % of full scale) and the expand (1, 10, 100) of X, Y or R."""
        number = self._output_number(output)
        limit = LARGEST_OFFSET_PERCENT
        percent = within(f"{self.name} offset of {output} (%)", percent, -limit, limit)
        index = index_of(f"{self.name} expand of {output}", expand, EXPANDS)
        self._tell(f"OEXP {number},{percent:.2f},{index}")

    def auto_offset(self, output: Output) -> None:
        """Make the present value of X, Y or R its offset."""
        self._tell(f"AOFF {self._output_number(output)}")

    def aux_input(self, number: int) -> float:
        """Measure the voltage at aux input 1 to 4, V, in steps of 1/3 mV."""
        number = self._counted("aux input", number, 4)
        return self._ask_number(f"OAUX?{number}", AUX_V)

    def aux_output(self, number: int) -> float:
        """Return the voltage set for aux output 1 to 4, V."""
        number = self._counted("aux output", number, 4)
        return self._ask_number(f"AUXV?{number}", (-LARGEST_AUX_V, LARGEST_AUX_V))

    def set_aux_output(self, number: int, volts: float) -> None:
        """Set aux output 1 to 4, V, from -10.5 to 10.5 in steps of 1 mV."""
        number = self._counted("aux output", number, 4)
        field = f"{self.name} aux output {number} (V)"
        volts = within(field, volts, -LARGEST_AUX_V, LARGEST_AUX_V)
        self._tell(f"AUXV{number},{volts:.3f}")

    def save_setup(self, number: int) -> None:
        """Save all settings in memory 1 to 9."""
        self._tell(f"SSET{self._counted('setup', number, 9)}")

    def recall_setup(self, number: int) -> None:
        """Take all settings from memory 1 to 9, those of the outputs too."""
        self._tell_and_stay_connected(f"RSET{self._counted('setup', number, 9)}")

    def _output_number(self, output: Output) -> int:
        return index_of(f"{self.name} output", output, OUTPUTS) + 1

    def _counted(self, what: str, number: int, last: int) -> int:
        return whole(f"{self.name} {what}", number, 1, last)

    def _indices(self, question: str, *counts: int) -> list[int]:
        values = self._ask_numbers(question, *((0.0, count - 1.0) for count in counts))
        if not all(value.is_integer() for value in values):
            raise GarbledAnswer(self.name, f"{question!r} was answered by {values}.")
        return [int(value) for value in values]
