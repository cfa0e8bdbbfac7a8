"""The runtime socket of HAProxy: takes a command, and answers."""

import asyncio
from pathlib import Path

ANSWER_S = 2.0
"""How long HAProxy may take. It takes less than a millisecond."""


class Runtime:
    """Each command has a connection of its own, so it does not matter what became of the one before."""

    def __init__(self, socket: Path) -> None:
        self._socket = socket

    async def ask(self, command: str) -> str:
        """What HAProxy answers. Raises OSError when it does not."""
        async with asyncio.timeout(ANSWER_S):
            reader, writer = await asyncio.open_unix_connection(self._socket)
            try:
                writer.write(f"{command}\n".encode())
                await writer.drain()
                return (await reader.read()).decode(errors="replace").strip()
            finally:
                writer.close()

    async def do(self, command: str, *fine: str) -> None:
        """Run commands (with `; ` in between) that say nothing, or lines that begin with `fine`. Raises OSError."""
        answer = await self.ask(command)
        for line in filter(None, map(str.strip, answer.splitlines())):
            if not line.startswith(fine):
                raise ConnectionError(f"HAProxy says to {command[:200]!r}: {line}")
