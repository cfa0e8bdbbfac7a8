"""The command line for clusters: `antiphon cluster up`, `status`, `scale`, `roll`, `drain`, `down`, with Ray."""

import asyncio
import json
import os
import re
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, replace
from typing import TYPE_CHECKING, Annotated, Any

import typer

from server.cluster_models import with_models, without_models
from server.config import load, variables
from server.errors import ConfigError

if TYPE_CHECKING:
    from server.cluster.plan import Bounds
    from server.cluster.ray.cluster import Overview, RayCluster

app = typer.Typer(
    help="Keep many workers running as one server, on one machine or many, with Ray.", no_args_is_help=True
)
FOR_MODELS = 3
"""How many cores of a Ray that is started the speech models reserve, besides those of the workers."""
SETTLE_S = 300.0
"""How long `up`, `roll`, `scale` and `drain` wait until all is as it is wanted. The cluster goes on without them."""
STORE_S = 20.0
"""How long `up` waits for Redis, which may have been started with it."""
OF_PROVIDERS = re.compile(r"(OPENAI|ANTHROPIC|AWS|AZURE|GOOGLE|GEMINI|OLLAMA|OTEL)_|.*_(API_KEY|BASE_URL)$")
"""Variables that the workers get with the settings, besides those that begin with ANTIPHON_."""

Address = Annotated[
    str, typer.Option(help="Of the Ray to work with, such as 10.0.0.5:6379; auto: the one that runs on this machine.")
]
Json = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command()
def up(
    address: Address = "auto",
    workers: Annotated[int | None, typer.Option(min=1, help="How many workers. [default: one for each core]")] = None,
    least: Annotated[int | None, typer.Option("--min", min=1, help="How many workers at least …")] = None,
    most: Annotated[int | None, typer.Option("--max", min=1, help="… and at most: as many as the calls need.")] = None,
    host: Annotated[str | None, typer.Option(help="Address at which callers find the door.")] = None,
    port: Annotated[int | None, typer.Option(help="Port at which callers find the door.")] = None,
    operations_port: Annotated[int | None, typer.Option(help="Port at which operators find the door.")] = None,
    store: Annotated[str | None, typer.Option(help="Address of the Redis that all workers share.")] = None,
    env: Annotated[list[str] | None, typer.Option(help="Another variable that the workers get.")] = None,
    models: Annotated[bool, typer.Option("--models", help="Serve the speech models on disk, for all workers.")] = False,
) -> None:
    """Bring a cluster up, or change the one that is there. Settings come from the environment and .env."""
    given = {"host": host, "port": port, "operations_port": operations_port, "store": store}
    settings = load(**{name: value for name, value in given.items() if value is not None})
    with _ray() as (joining, cluster_of, check_redis):
        bounds = _bounds(workers, least, most)
        spec = cluster_of(settings, _for_workers(given, env or []), bounds)
        cluster = joining.join(address, max(os.cpu_count() or 1, bounds.most + 1) + (FOR_MODELS if models else 0))
        asyncio.run(check_redis(spec.store, STORE_S))  # before the door looks for its workers there
        more = {"ANTIPHON_DOORS": ",".join(dict.fromkeys(("127.0.0.1", cluster.head)))}
        if models:
            more |= with_models(settings, cluster.head)
        cluster.up(replace(spec, worker=replace(spec.worker, settings={**spec.worker.settings, **more})))
        _wait(cluster)


@app.command()
def status(address: Address = "auto", as_json: Json = False) -> None:
    """Show the workers, where they are, and how many calls they have."""
    with _joined(address) as cluster:
        seen = cluster.overview()
        if seen is None:
            raise ConfigError("there is no cluster here; antiphon cluster up starts one")
        _show(seen, as_json)


@app.command()
def scale(
    workers: Annotated[int, typer.Argument(min=1, help="How many workers.")],
    most: Annotated[int | None, typer.Option("--max", min=1, help="How many at most, when calls need more.")] = None,
    address: Address = "auto",
) -> None:
    """Have so many workers. One that is too many drains first."""
    with _joined(address) as cluster:
        cluster.change(_bounds(workers, workers, most or workers))
        _wait(cluster)


@app.command()
def roll(address: Address = "auto") -> None:
    """Replace all workers, one after the other: a new one is ready before an old one drains. No call is lost."""
    with _joined(address) as cluster:
        cluster.change(roll=True)
        _wait(cluster)


@app.command()
def drain(
    name: Annotated[str, typer.Argument(help="The worker's name, as status shows it.")], address: Address = "auto"
) -> None:
    """Let one worker drain and end. Another one takes its place."""
    with _joined(address) as cluster:
        cluster.drain(name)
        _wait(cluster)


@app.command()
def down(address: Address = "auto") -> None:
    """Let all workers drain and end, close the door, and end the Ray that `up` has started on this machine."""
    with _joined(address) as cluster:
        cluster.down()
        without_models()
    from server.cluster.ray import joining

    typer.echo("The cluster is down" + (", and so is its Ray." if address == "auto" and joining.stop() else "."))


def _bounds(workers: int | None, least: int | None, most: int | None) -> "Bounds":
    """Raises ConfigError."""
    from server.cluster.plan import Bounds

    few = least or workers or (min(os.cpu_count() or 1, most) if most else os.cpu_count() or 1)
    many = most or workers or few
    if many < few:
        raise ConfigError(f"there cannot be at least {few} and at most {many} workers")
    return Bounds(few, many)


def _for_workers(given: Mapping[str, object], more: list[str]) -> dict[str, str]:
    """The variables that every worker gets: all settings, and the keys of providers. Those in `more`, too."""
    named = {f"ANTIPHON_{name.upper()}": str(value) for name, value in given.items() if value is not None}
    ours = {
        name: value
        for name, value in variables().items()
        if name.upper().startswith("ANTIPHON_") or OF_PROVIDERS.match(name) or name in more
    }
    return ours | named


def _wait(cluster: "RayCluster") -> None:
    """Wait until all is as it is wanted, and show it. Ends the program with 1 if a worker cannot start."""
    seen = cluster.wait(lambda seen: seen.settled or seen.stuck, SETTLE_S)
    _show(seen, False)
    if seen.stuck:
        raise typer.Exit(1)


def _show(seen: "Overview", as_json: bool) -> None:
    report = seen.report
    if as_json:
        workers = [{**asdict(worker), "pid": worker.seat.pid if worker.seat else None} for worker in report.workers]
        typer.echo(json.dumps({"door": _door_url(seen), "door_trouble": seen.door.trouble, "settled": seen.settled,
                               "dashboard": seen.dashboard, "machines": seen.machines, "workers": workers,
                               "trouble": report.trouble}))  # fmt: skip
        return
    for worker in report.workers:
        now, seat = worker.worker, worker.seat
        name = now.name if now else f"{worker.key}…"
        state = now.state if now else (seat.trouble or "starting" if seat else "waits for a machine with room")
        calls = f"{now.calls} of {now.places} calls" if now else ""
        old = "" if worker.generation == report.spec.generation else "  to be replaced"
        typer.echo(f"{name:<13} {now.node if now else seat.host if seat else '':<24} {state:<9} {calls}{old}")
    if report.trouble:
        typer.echo(report.trouble)
    bounds = report.spec.bounds
    typer.echo(f"{len(report.workers)} workers on {seen.machines} machines, {bounds.least} to {bounds.most} wanted")
    if seen.dashboard:
        typer.echo(f"Ray's page      {seen.dashboard}")
    typer.echo(seen.door.trouble or f"Antiphon is at  {_door_url(seen)}")
    if not seen.settled:
        typer.echo("Not all is as it is wanted yet: antiphon cluster status", err=True)


def _door_url(seen: "Overview") -> str:
    """Where callers find the door."""
    door = seen.report.spec.door
    host = seen.door.host if door.host in ("0.0.0.0", "::") else door.host
    scheme = "https" if door.certificate else "http"
    return f"{scheme}://{f'[{host}]' if ':' in host else host}:{door.port}"


@contextmanager
def _ray() -> Iterator[tuple[Any, Any, Any]]:
    """What needs Ray. Raises ConfigError if it is not installed."""
    try:
        from server.cluster.ray import joining
        from server.many import check_redis, cluster_spec
    except ImportError as exc:
        raise ConfigError(f'a cluster needs Ray: pip install "antiphon[cluster]" ({exc})') from exc
    try:
        yield joining, cluster_spec, check_redis
    finally:
        joining.leave()


@contextmanager
def _joined(address: str) -> "Iterator[RayCluster]":
    with _ray() as (joining, _, _):
        yield joining.join(address)
