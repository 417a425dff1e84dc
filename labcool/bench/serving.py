"""A simulated bench on ports of this computer, for programs that know nothing of labcool."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from itertools import combinations
from types import TracebackType
from typing import Any, Final, Protocol, Self, cast

from labcool.bench._links import has_own_device, links_of
from labcool.bench._yaml_problems import did_you_mean
from labcool.bench.bench_file import LoadedBench, read_bench
from labcool.bench.driver_settings import load_driver
from labcool.bench.opening import make_clock, ports_of, start_simulation
from labcool.bench.schema import BenchSpec, SimulationSpec
from labcool.errors import ConfigurationError, LimitError

LINKS: Final = ("tcp", "pty")
CLOCKS: Final = ("real", "scaled")
_PORT_RANGE: Final = (1, 65535)
_ANOTHER_PORT: Final = "Choose another, or leave it out for any free one."


@dataclass(frozen=True)
class Endpoint:
    """Where an instrument is served.

    :param model: what the simulated device is.
    :param resource: VISA resource string.
    :param address: ``host:port`` of a socket, or the path of a serial port.
    """

    model: str
    resource: str
    address: str


@dataclass(frozen=True)
class NotServed:
    """An instrument that no other program can reach, and why."""

    model: str
    reason: str


class _Link(Protocol):
    @property
    def resource(self) -> str: ...

    @property
    def address(self) -> str: ...


class _Simulated(Protocol):
    def model(self, name: str) -> str: ...

    def why_not_served(self, name: str) -> str | None: ...

    def serve(
        self, names: Iterable[str], *, link: str, tcp_ports: Mapping[str, int]
    ) -> Mapping[str, _Link]: ...

    def pass_time(self) -> None: ...

    def close(self) -> None: ...


class ServedBench:
    """A bench whose simulated instruments can be reached; a context manager that ends that.

    Made by :func:`serve_bench`.

    :param loaded: the bench as it is simulated.
    :param endpoints: by name, in the order of the bench file.
    :param not_served: the other instruments of the bench that were asked for.
    """

    def __init__(
        self,
        loaded: LoadedBench,
        simulated: _Simulated,
        endpoints: Mapping[str, Endpoint],
        not_served: Mapping[str, NotServed],
    ) -> None:
        self.loaded = loaded
        self.simulated = simulated
        self.endpoints = endpoints
        self.not_served = not_served

    def pass_time(self) -> None:
        """Let the sample and idle devices live on up to now; call it about every 0.1 s."""
        self.simulated.pass_time()

    def close(self) -> None:
        """Close all ports; a second call does nothing."""
        self.simulated.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


def serve_bench(
    loaded: LoadedBench,
    *,
    link: str = "tcp",
    only: Collection[str] = (),
    ports: Mapping[str, int] | None = None,
    seed: int | None = None,
    clock: str = "real",
) -> ServedBench:
    """Simulate a bench and open a port of this computer for each of its instruments.

    All instruments of the bench are simulated, also those that are not served, so that the light
    passes the same parts. Of the bench file's ``simulation:`` only the sample, the seed and the
    speed of a scaled clock count; a bench without that section is simulated with the sample of the
    built-in bench.

    :param link: ``tcp`` or ``pty``.
    :param only: names of the instruments to serve; empty: all that can be.
    :param ports: name → TCP port, 1 to 65535; all others: any free one.
    :param seed: of the noise; None: that of the bench file.
    :param clock: ``real`` or ``scaled``.
    :raises ConfigurationError: if an option is not acceptable, an instrument cannot be simulated
        or served, or a port is in use; no port is open then.
    """
    if link not in LINKS:
        raise ConfigurationError(f"link '{link}' is not possible. Allowed: {', '.join(LINKS)}.")
    if clock not in CLOCKS:
        raise ConfigurationError(_clock_refused(clock))
    spec = loaded.spec
    ports = ports or {}
    _check_names([*only, *ports], spec)
    for name, port in ports.items():
        _check_port(name, port, link)
    _check_apart(ports, spec)
    simulation = _simulation(spec)
    as_simulated = replace(loaded, spec=spec.model_copy(update={"simulation": simulation}))
    loaded = as_simulated.with_overrides(seed=seed, clock=clock)
    with ExitStack() as undo:
        simulated = cast(_Simulated, start_simulation(loaded.spec, make_clock(loaded.spec)))
        undo.callback(simulated.close)
        wanted = [name for name in spec.instruments if not only or name in only]
        not_served = _not_served(simulated, wanted, spec)
        served = [name for name in wanted if name not in not_served]
        _check_served(served, not_served, only, ports)
        links = simulated.serve(served, link=link, tcp_ports=ports)
        undo.pop_all()
    endpoints = {
        name: Endpoint(simulated.model(name), links[name].resource, links[name].address)
        for name in served
    }
    return ServedBench(loaded, simulated, endpoints, not_served)


def _clock_refused(clock: str) -> str:
    allowed = f"Allowed: {', '.join(CLOCKS)}."
    if clock == "virtual":
        return (
            "a virtual clock jumps over every wait, and other programs wait on the wall's time: "
            f"they and the instruments would not agree on how much has passed. {allowed}"
        )
    return f"clock '{clock}' is not possible. {allowed}"


def _check_names(names: Collection[str], spec: BenchSpec) -> None:
    for name in names:
        if name not in spec.instruments:
            hint = did_you_mean(name, list(spec.instruments))
            raise ConfigurationError(
                f"there is no instrument '{name}' on this bench{f'; {hint}' if hint else ''}. "
                f"It has: {', '.join(spec.instruments)}."
            )


def _check_port(name: str, port: int, link: str) -> None:
    if link != "tcp":
        raise ConfigurationError(
            f"{name}={port}: a number can only be given to TCP ports; the system names the others."
        )
    lowest, highest = _PORT_RANGE
    if not lowest <= port <= highest:
        raise LimitError(f"TCP port of {name}", port, f"{lowest} to {highest}", _ANOTHER_PORT)


def _check_apart(ports: Mapping[str, int], spec: BenchSpec) -> None:
    wires = ports_of(spec)
    for one, other in combinations(ports, 2):
        together = wires.get(one, one) == wires.get(other, other)
        if together and ports[one] != ports[other]:
            raise ConfigurationError(
                f"{one} and {other} are on one port of this bench, so they have one TCP port, not "
                f"{ports[one]} and {ports[other]}. Leave one out."
            )
        if not together and ports[one] == ports[other]:
            raise ConfigurationError(
                f"TCP port {ports[one]} is given to {one} and to {other}. {_ANOTHER_PORT}"
            )


def _simulation(spec: BenchSpec) -> SimulationSpec:
    written = spec.simulation or read_bench().spec.simulation
    if written is None:
        raise ConfigurationError("the built-in bench has no 'simulation:' section.")
    return written.model_copy(update={"link": "memory"})


def _not_served(
    simulated: _Simulated, names: Iterable[str], spec: BenchSpec
) -> dict[str, NotServed]:
    links = links_of(spec)
    found: dict[str, NotServed] = {}
    for name in names:
        driver = load_driver(spec.instruments[name].driver)
        if not has_own_device(driver):
            used = ", ".join(links[name].values())
            found[name] = NotServed(driver.__name__, f"all that it reads comes through {used}")
        elif (reason := simulated.why_not_served(name)) is not None:
            found[name] = NotServed(simulated.model(name), reason)
    return found


def _check_served(
    served: Collection[str],
    not_served: Mapping[str, NotServed],
    only: Collection[str],
    ports: Mapping[str, Any],
) -> None:
    for name, there in not_served.items():
        if name in only or name in ports or not served:
            raise ConfigurationError(
                f"{name} ({there.model}) cannot be served: {there.reason}. "
                "'labcool run' uses it on the simulated bench."
            )
    for name in ports:
        if name not in served:
            raise ConfigurationError(
                f"a port is given for {name}, which is not to be served. Leave one of both out."
            )
