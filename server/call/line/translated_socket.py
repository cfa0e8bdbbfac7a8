"""TranslatedSocket: takes the place of a client's socket for a call, when the client speaks another protocol."""

import asyncio
from collections import deque
from collections.abc import Sequence

from server.call.line.telephone_line import PLAYED_S
from server.call.line.translator import Translator
from server.call.line.ws_call import Socket
from server.call.messages import parse_server


class TranslatedSocket:
    """A `Socket` for `WsCall`. What the call reads and sends is our own protocol; the client's is on the other side."""

    def __init__(self, socket: Socket, translator: Translator) -> None:
        self._socket = socket
        self._translator = translator
        self._told = deque[str | bytes]()
        """What was read and the call has not taken yet: no more than one message of the client becomes."""
        self._said_s = 0.0
        """When sound was sent last."""

    @property
    def flooded(self) -> bool:
        return self._socket.flooded

    @property
    def hung_up(self) -> bool:
        return self._socket.hung_up

    async def receive(self) -> str | bytes | None:
        """The next message or sound of our own protocol. A message that becomes neither is only a sign of life."""
        if not self._told:
            item = await self._socket.receive()
            if not item:
                return item
            read = self._translator.read(item)
            self._told.extend(read.told)
            await self.tell(read.answers)
        return self._told.popleft() if self._told else b""

    async def send(self, item: str | bytes) -> None:
        if isinstance(item, bytes):
            self._said_s = asyncio.get_running_loop().time()
            await self.tell(self._translator.say(item))
        else:
            await self.tell(self._translator.write(parse_server(item)))

    async def ping(self) -> None:
        await self._socket.ping()

    async def close(self, reason: str) -> None:
        """Close the socket. At the end of a call the client hears first what was said last: many stop at once."""
        if not reason and not self.hung_up:
            await asyncio.sleep(max(0.0, self._said_s + PLAYED_S - asyncio.get_running_loop().time()))
        await self._socket.close(reason)

    async def tell(self, items: Sequence[str | bytes]) -> None:
        """Send the client what the translator has made."""
        for item in items:
            await self._socket.send(item)
