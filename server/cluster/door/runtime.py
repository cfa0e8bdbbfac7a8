"""The runtime socket of HAProxy: takes a command, and answers."""

import asyncio
from pathlib import Path

ANSWER_S = 2.0
"""How long HAProxy may take. It takes less than a millisecond."""
MOST_BYTES = 1_000_000
"""How long an answer may be."""


class Runtime:
    """Each command has a connection of its own, so it does not matter what became of the one before."""

    def __init__(self, socket: Path) -> None:
        self._socket = socket

    async def ask(self, command: str) -> str:
        """What HAProxy answers. Raises OSError when it does not."""
        async with asyncio.timeout(ANSWER_S):
            reader, writer = await asyncio.open_unix_connection(self._socket, limit=MOST_BYTES)
            try:
                writer.write(f"{command}\n".encode())
                await writer.drain()
                return (await reader.read(MOST_BYTES)).decode(errors="replace").strip()
            finally:
                writer.close()

    async def do(self, command: str, *fine: str) -> None:
        """Run a command that has nothing to say, or one of the answers that begin with `fine`. Raises OSError."""
        answer = await self.ask(command)
        if answer and not answer.startswith(fine):
            raise ConnectionError(f"HAProxy says to {command!r}: {answer}")
