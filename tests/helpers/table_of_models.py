"""Published numbers that need only models: what was published, what the models give, and why."""

from __future__ import annotations

from dataclasses import dataclass

from labcool.models import (
    AugerLimitedDot,
    best_pump_energy,
    cooling_threshold,
    emission_yield,
    gain_spectrum,
    radiative_temperature_drop,
    urbach_tail,
)

MEAN_ENERGY_EV, PUMP_EV, LIFETIME_S, URBACH_EV = 2.388, 2.33, 29e-9, 0.0155
EDGE_EV, DOT_SIZE_M, ROOM_K = 2.40, 8e-9, 298.0


@dataclass(frozen=True)
class Row:
    """One published number."""

    id: str
    what: str
    published: str
    ours: str
    remark: str


def largest_gain(eqe: float) -> float:
    """Return the largest gain in an Urbach tail over that at a quantum efficiency of 1."""
    best = best_pump_energy(MEAN_ENERGY_EV, eqe, URBACH_EV)
    absorption = urbach_tail(best, EDGE_EV, URBACH_EV)
    return gain_spectrum(best, absorption, mean_emitted_energy=MEAN_ENERGY_EV, eqe=eqe)


def rows() -> list[Row]:
    """Compute the whole table."""
    pump = 1239.842 / 532.0
    near, far = (cooling_threshold(pump + shift, pump) for shift in (0.070, 0.090))
    dot = AugerLimitedDot(MEAN_ENERGY_EV, PUMP_EV, LIFETIME_S)
    where, power = dot.strongest()
    drop = radiative_temperature_drop(power, area=6 * DOT_SIZE_M**2, temperature=ROOM_K)
    left = largest_gain(0.97) / largest_gain(1.0)
    return [
        Row(
            "R threshold",
            "EQE needed for cooling, 70 to 90 meV above 532 nm",
            "about 97 %",
            f"{100 * far:.1f} to {100 * near:.1f} %",
            "E_abs/E_ASPL",
        ),
        Row(
            "Y-cut",
            "with EQE 100 % light cools only below",
            "2.38 eV",
            f"{MEAN_ENERGY_EV:.3f} eV",
            "the mean energy of an emitted photon, which Y-gmax pins to 2.388 eV",
        ),
        Row(
            "Y-eqe",
            "below this EQE hardly any pump energy cools",
            "97 %",
            f"at 97 % the largest gain is {100 * left:.1f} % of that at 100 %",
            f"falls by e for each {100 * URBACH_EV / MEAN_ENERGY_EV:.2f} % of EQE",
        ),
        Row(
            "Y-eta",
            "yields of trion and biexciton",
            "0.26, 0.09",
            f"{emission_yield(3.0e-9, 11.5e-9):.2f}, {emission_yield(0.5e-9, 5.75e-9):.2f}",
            "lifetimes 3.0 and 0.5 ns over radiative 23/2 and 23/4 ns",
        ),
        Row(
            "Y-gmax",
            "largest cooling power of a dot, and where",
            "2.1 fW at 0.014",
            f"{power * 1e15:.2f} fW at {where:.4f}",
            "with 2.380 eV instead of 2.388 it would be 1.61 fW at 0.0117",
        ),
        Row(
            "Y-qd",
            "radiative limit of a single dot",
            "about 1 K",
            f"{drop:.2f} K",
            "a cube of 8 nm, emissivity 1; goes with 1/size²",
        ),
    ]


def as_markdown() -> str:
    """Return the table for docs/published_models.md."""
    lines = ["| id | what | published | ours | remark |", "| --- | --- | --- | --- | --- |"]
    lines += [f"| {r.id} | {r.what} | {r.published} | {r.ours} | {r.remark} |" for r in rows()]
    return "\n".join(lines)


if __name__ == "__main__":
    import sys

    sys.stdout.write(as_markdown() + "\n")
