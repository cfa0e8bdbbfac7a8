"""The command line for the door: `antiphon door` puts one address in front of the workers of a cluster."""

import asyncio
import logging
import signal
from contextlib import AsyncExitStack
from typing import Annotated

import typer

from server.cluster.door.configuration import DoorSettings
from server.config import Settings, load
from server.errors import ConfigError

_SETTING = "[default: the setting of this name]"


def door(
    store: Annotated[str | None, typer.Option(help=f"The Redis of the workers, redis://… {_SETTING}")] = None,
    host: Annotated[str | None, typer.Option(help=f"Address for callers {_SETTING}.")] = None,
    port: Annotated[str | None, typer.Option(help=f"Port for callers {_SETTING}.")] = None,
    operations_host: Annotated[str | None, typer.Option(help=f"Address for operators {_SETTING}.")] = None,
    operations_port: Annotated[
        str | None, typer.Option(help=f"Port for operators; callers then see nothing of theirs {_SETTING}.")
    ] = None,
    trusted_proxies: Annotated[
        str | None, typer.Option(help=f"Proxies in front of the door, whose X-Forwarded-For counts {_SETTING}.")
    ] = None,
    certificate: Annotated[str, typer.Option(help="File with certificate, chain and key (PEM). Empty: no TLS.")] = "",
    threads: Annotated[int, typer.Option(min=1, max=64, help="How many cores HAProxy may use.")] = 1,
) -> None:
    """Give the workers of a cluster one address, and each call to a worker that has room."""
    settings = load(
        store=store, host=host, port=port, operations_host=operations_host, operations_port=operations_port,
        trusted_proxies=trusted_proxies,
    )  # fmt: skip
    logging.basicConfig(level=settings.log_level.upper(), format="%(asctime)s %(levelname)-7s %(name)s: %(message)s")
    asyncio.run(_serve(settings, door_settings(settings, certificate, threads)))


def door_settings(settings: Settings, certificate: str = "", threads: int = 1) -> DoorSettings:
    """The door where the settings say that callers and operators come."""
    return DoorSettings(
        host=settings.host,
        port=settings.port,
        operations_host=settings.operations_host,
        operations_port=settings.operations_port,
        certificate=certificate,
        trusted_proxies=settings.trusted_proxies,
        threads=threads,
    )


async def _serve(settings: Settings, where: DoorSettings) -> None:
    """Keep the door open until SIGINT or SIGTERM. Raises ConfigError."""
    from server.cluster.door.door import Door
    from server.cluster.roster import Roster
    from server.record.stores.redis import RedisStore
    from server.record.stores.redis_client import is_redis

    url = settings.store.get_secret_value()
    if not is_redis(url):
        raise ConfigError("ANTIPHON_STORE: the door finds the workers in their Redis, so this has to name it")
    loop, stop = asyncio.get_running_loop(), asyncio.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    async with AsyncExitStack() as stack:
        store = RedisStore(url)
        stack.push_async_callback(store.close)
        opened = Door(Roster(store.redis, store.prefix), where)
        await opened.start()
        stack.push_async_callback(opened.close)
        typer.echo(f"The door is at  {opened.url}")
        await stop.wait()
        typer.echo(f"Stopping: connections may go on for {settings.drain_s:g} s.")
        await opened.close(settings.drain_s)
