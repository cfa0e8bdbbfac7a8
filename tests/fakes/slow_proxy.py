"""A slow way to a server: a proxy on a Unix socket that delays the answers."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path


@asynccontextmanager
async def slow_proxy(target: Path, delay_s: float) -> AsyncIterator[str]:
    """Gives the path of a socket that leads to `target` and delays each answer by `delay_s`."""
    path, tasks = target.with_suffix(".slow"), set[asyncio.Task[None] | None]()

    async def pass_on(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, wait_s: float) -> None:
        try:
            while data := await reader.read(65_536):
                await asyncio.sleep(wait_s)
                writer.write(data)
                await writer.drain()
        except OSError:
            pass
        finally:
            writer.close()

    async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        tasks.add(asyncio.current_task())
        upstream, downstream = await asyncio.open_unix_connection(target)
        async with asyncio.TaskGroup() as group:
            group.create_task(pass_on(reader, downstream, 0))
            group.create_task(pass_on(upstream, writer, delay_s))

    server = await asyncio.start_unix_server(serve, path)
    try:
        yield str(path)
    finally:
        server.close()
        for task in tasks:
            if task is not None:
                task.cancel()
        await asyncio.gather(*(task for task in tasks if task is not None), return_exceptions=True)
