"""``labcool simulate``: the simulated bench on ports of this computer, for any other program."""

from __future__ import annotations

import json
import re
import sys
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Final

from labcool.bench import LoadedBench, read_bench
from labcool.bench.serving import ServedBench, serve_bench
from labcool.cli.exit_codes import FINISHED, WRONG_USAGE
from labcool.cli.screen import LastingStream, error_console
from labcool.clock import RealClock
from labcool.engine.control import Control, stop_on_signals
from labcool.errors import ConfigurationError

_NAP_S: Final = 0.1


@dataclass(frozen=True)
class SimulateRequest:
    """The options of ``labcool simulate``.

    :param only: names of instruments.
    :param ports: ``NAME=PORT`` each.
    :param more: what else was typed: further names after ``--only``, ports after ``--ports``.
    """

    bench: Path | None = None
    link: str = "tcp"
    only: tuple[str, ...] = ()
    ports: tuple[str, ...] = ()
    more: tuple[str, ...] = ()
    seed: int | None = None
    clock: str = "real"
    as_json: bool = False


def simulate(request: SimulateRequest) -> int:
    """Serve a simulated bench until told to stop by a signal. Returns the exit code."""
    control = Control()
    with stop_on_signals(control):
        try:
            served = _served(request)
        except ConfigurationError as error:
            error_console().print(f"labcool simulate: {error}")
            return WRONG_USAGE
        with served:
            _announce(served, as_json=request.as_json)
            clock = RealClock()
            while control.stop_reason is None:
                served.pass_time()
                clock.sleep(_NAP_S)
    return FINISHED


def _served(request: SimulateRequest) -> ServedBench:
    only, ports = _sorted(request)
    loaded = read_bench(request.bench)
    served = serve_bench(
        loaded,
        link=request.link,
        only=only,
        ports=_numbers(ports),
        seed=request.seed,
        clock=request.clock,
    )
    if loaded.spec.simulation is None:
        error_console().print(_about_a_real_bench(loaded, served))
    return served


def _sorted(request: SimulateRequest) -> tuple[tuple[str, ...], tuple[str, ...]]:
    """Return names and ports, with what follows the first of each after its option."""
    names = tuple(word for word in request.more if "=" not in word)
    ports = tuple(word for word in request.more if "=" in word)
    for words, option, given in (
        (names, "--only", request.only),
        (ports, "--ports", request.ports),
    ):
        if words and not given:
            raise ConfigurationError(
                f"'{words[0]}' stands alone. Instruments are named after {option}, a bench file "
                "after --bench."
            )
    return request.only + names, request.ports + ports


def _numbers(ports: tuple[str, ...]) -> dict[str, int]:
    numbers: dict[str, int] = {}
    for text in ports:
        typed = re.fullmatch(r"([^=]+)=(-?[0-9]{1,9})", text, re.ASCII)
        if typed is None:
            raise ConfigurationError(
                f"--ports '{text}' is not allowed: write it as NAME=PORT, like --ports shutter=5001"
            )
        name, number = typed[1].strip(), int(typed[2])
        if name in numbers:
            raise ConfigurationError(f"--ports {name} is given twice. Leave one out.")
        numbers[name] = number
    return numbers


def _about_a_real_bench(loaded: LoadedBench, served: ServedBench) -> str:
    simulation = served.loaded.spec.simulation
    sample = "" if simulation is None else f" The sample is {simulation.sample}."
    return (
        f"{loaded.label} is a real bench (it has no 'simulation:' section). What is served are "
        f"simulated instruments in its place; the real ones are not touched.{sample}"
    )


def _announce(served: ServedBench, *, as_json: bool) -> None:
    if as_json:
        content = {name: asdict(endpoint) for name, endpoint in served.endpoints.items()}
        _print(json.dumps(content))
        for name, there in served.not_served.items():
            error_console().print(f"{name} ({there.model}) is not served: {there.reason}.")
        return
    rows = [("name", "model", "resource", "address")]
    rows += [(name, e.model, e.resource, e.address) for name, e in served.endpoints.items()]
    rows += [(name, there.model, "not served", "-") for name, there in served.not_served.items()]
    _print(_aligned(rows))
    for name, there in served.not_served.items():
        _print(f"{name} is not served: {there.reason}.")
    _print("Serving until Ctrl+C.")


def _aligned(rows: list[tuple[str, str, str, str]]) -> str:
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ["  ".join(map(str.ljust, row, widths)).rstrip() for row in rows]
    return "\n".join(lines)


def _print(text: str) -> None:
    stream = LastingStream(sys.stdout)
    stream.write(f"{text}\n")
    stream.flush()
