"""What a bench file may hold, as frozen models.

A number must be a finite number (never text, never true/false), an unknown key is an error, and
units stand in the keys. What must fit together *between* sections (a laser that is an instrument of
the bench, two instruments on one port) is checked by :func:`labcool.bench.bench_file.read_bench`.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, Self, TypeAlias

from pydantic import BaseModel, ConfigDict, Field, model_validator

from labcool.bench._yaml_fields import (
    Angle,
    DensityTable,
    Fraction,
    Name,
    NotNegative,
    PastDate,
    Positive,
    Range,
    Text,
    broken_rule,
)

_LARGEST_SEED = 2**63 - 1


class _Section(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, allow_inf_nan=False)


class InstrumentSpec(BaseModel):
    """An instrument: its driver, its port, and the driver's own settings beside them.

    :param driver: dotted path of the class, e.g. ``drivers.sc10.SC10``.
    :param resource: VISA resource string; None for instruments found otherwise (USB serial number).
    """

    model_config = ConfigDict(strict=True, extra="allow", frozen=True, allow_inf_nan=False)

    driver: Text = Field(description="dotted path of a driver class, like drivers.sc10.SC10")
    resource: Text | None = Field(
        default=None, description="VISA resource, like ASRL/dev/ttyUSB0::INSTR or ASRL3::INSTR"
    )

    @property
    def settings(self) -> dict[str, Any]:
        """The remaining keys: keyword arguments of the driver's constructor."""
        return dict(self.model_extra or {})


class GradedFilterSpec(_Section):
    """A graded neutral-density filter on a rotation mount."""

    kind: Literal["graded_filter"]
    table: DensityTable = Field(
        description="rows [angle in degrees, optical density], interpolated between rows"
    )


class HalfWavePlateSpec(_Section):
    """A half-wave plate on a rotation mount, before a polariser."""

    kind: Literal["half_wave_plate"]
    zero_angle: Angle = Field(description="angle of least transmission, degrees")
    extinction: Annotated[float, Field(ge=0, lt=1)] = Field(description="least transmission")
    maximum: Fraction = Field(description="largest transmission")

    @model_validator(mode="after")
    def _extinction_is_less(self) -> Self:
        if not self.extinction < self.maximum:
            raise broken_rule(
                f"{self.extinction:g} is not less than the maximum, {self.maximum:g}",
                f"a number from 0 to below {self.maximum:g}",
                field="extinction",
            )
        return self


OpticSpec: TypeAlias = Annotated[GradedFilterSpec | HalfWavePlateSpec, Field(discriminator="kind")]


class AttenuatorSpec(_Section):
    """A rotation mount of the bench with an optic in it."""

    mount: Name = Field(description="name of an instrument of this file")
    optic: OpticSpec


class SpotSpec(_Section):
    """The dated calibration of the pump spot.

    ``relative_std`` is the relative standard uncertainty of the fluence that follows from it.
    """

    date: PastDate = Field(description="day of the measurement")
    diameter_um: Positive = Field(description="1/e² diameter at the sample, µm")
    path_transmission: Fraction = Field(description="power at the sample over laser power")
    relative_std: NotNegative = Field(description="relative standard uncertainty of the fluence")
    method: Text = Field(description="how it was measured, like knife edge")


class IlluminationSpec(_Section):
    """The pump light: which instruments make it, and what reaches the sample."""

    laser: Name = Field(description="name of an instrument of this file")
    power_W: Positive = Field(description="laser power during runs, W")  # noqa: N815
    shutter: Name = Field(description="name of an instrument of this file")
    attenuator: AttenuatorSpec
    spot: SpotSpec
    power_stability: Annotated[float, Field(ge=0, lt=1)] = Field(
        description="relative standard deviation of the power between reference and measurement"
    )


class LimitsSpec(_Section):
    """What a procedure may ask of this bench at most; refused outside, never clipped."""

    stage_temperature_K: Range | None = Field(default=None, description="K")  # noqa: N815
    fluence_W_cm2: Range | None = Field(default=None, description="W/cm²")  # noqa: N815


class SampleSpec(_Section):
    """What lies in the spot, for the run file."""

    name: Text | None = Field(default=None, description="name of the sample")
    chemical_formula: Text | None = Field(default=None, description="formula, like CsPbBr3")


class FaultSpec(_Section):
    """Something that goes wrong with a simulated instrument, on purpose.

    Which faults there are, and which of them an instrument can have, the simulators say.
    """

    instrument: Name = Field(description="name of an instrument of this file")
    fault: Text = Field(description="what goes wrong, like late, dropped or disconnect")
    after: Annotated[int, Field(ge=0)] = Field(
        default=0, description="how many answers pass before it"
    )
    from_s: NotNegative = Field(default=0.0, description="not before this time, s")
    probability: Fraction = Field(default=1.0, description="diced for each answer")
    times: Annotated[int, Field(ge=1)] | None = Field(
        default=None, description="how many answers it hits"
    )
    for_s: Positive | None = Field(default=None, description="how long it lasts, s")
    delay_s: Positive | None = Field(default=None, description="delay of a late answer, s")

    @property
    def parameters(self) -> dict[str, Any]:
        """What the simulators take: ``kind``, and all but the instrument."""
        given = self.model_dump(exclude={"instrument", "fault"})
        return {"kind": self.fault, **given}


class SimulationSpec(_Section):
    """Makes every instrument of the bench a simulated one."""

    sample: Text = Field(description="name of a sample preset, like roman2020-film")
    link: Literal["memory", "tcp", "pty"] = "memory"
    clock: Literal["virtual", "scaled", "real"] = "virtual"
    speed: Positive = Field(default=60.0, description="how much faster clock: scaled runs")
    seed: Annotated[int, Field(ge=0, le=_LARGEST_SEED)] = 1
    lock_in_input: Literal["photothermal", "luminescence"] | None = Field(
        default=None,
        description="what is at the lock-in's input; if not stated, photothermal where there is a "
        "probe laser besides the pump, else luminescence",
    )
    power_meter: Literal["sample", "laser"] = Field(
        default="sample", description="where the sensor of the power meter stands"
    )
    faults: tuple[FaultSpec, ...] = Field(
        default=(), description="what shall go wrong, like {instrument: …, fault: late, delay_s: 2}"
    )


class BenchSpec(_Section):
    """A whole bench file."""

    bench: Text = Field(description="what this bench is called")
    instruments: dict[Name, InstrumentSpec] = Field(
        min_length=1, description="at least one line like shutter: {driver: …, resource: …}"
    )
    illumination: IlluminationSpec | None = None
    limits: LimitsSpec | None = None
    sample: SampleSpec | None = None
    simulation: SimulationSpec | None = None


def json_schema() -> dict[str, Any]:
    """Return the JSON schema of a bench file, for editors that complete and check YAML."""
    schema = BenchSpec.model_json_schema()
    return {
        "$schema": "https://json-schema.org/draft/2020-12/schema",
        **_without_null(schema),
        "title": "labcool bench file",
    }


def _without_null(node: Any) -> Any:
    if isinstance(node, list):
        return [_without_null(item) for item in node]
    if not isinstance(node, dict):
        return node
    if {"type": "null"} in node.get("anyOf", ()):
        rest = {key: value for key, value in node.items() if key not in ("anyOf", "default")}
        others = [option for option in node["anyOf"] if option != {"type": "null"}]
        return _without_null(
            {**others[0], **rest} if len(others) == 1 else {**rest, "anyOf": others}
        )
    return {key: _without_null(value) for key, value in node.items()}
