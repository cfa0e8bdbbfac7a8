"""Connections to hosted speech engines over WebSocket: opened when needed, and kept for the next utterance or text."""

import asyncio
import contextlib
import json
from collections import deque
from typing import Any
from urllib.parse import urlsplit

import aiohttp

from server.errors import ConfigError, EngineError

LOST = (OSError, EOFError, KeyError, TypeError, ValueError, AttributeError, aiohttp.ClientError)
"""What an exchange of messages raises when the server goes away or does not speak the protocol."""

_MAX_MESSAGE_BYTES = 1 << 20
"""How long a message may be. A second of sound has less than a tenth of this."""
_CLOSE_S = 0.3
"""How long a goodbye may take. Nobody needs what a server still has to say."""
KEPT = 8
"""How many connections are kept for later: about as many as there are callers who speak at the same time."""
IDLE_S = 30.0
"""How long a connection is kept without use. A caller mostly speaks again within this time. Nobody reads it meanwhile,
so its server's pings are not answered; most servers wait 40 s for that."""
AGE_S = 25 * 60.0
"""A connection that is older is not used again: OpenAI ends a session after an hour, other servers after half of it."""


class WebSocketAddress:
    """Where a server is: ws://, wss://, http:// or https://. `stage` names the server in errors."""

    def __init__(self, url: str, headers: dict[str, str], stage: str) -> None:
        """`headers` go with the handshake. Raises ConfigError when the address has another form."""
        parts = urlsplit(url)
        if parts.scheme not in ("ws", "wss", "http", "https") or not parts.hostname:
            raise ConfigError(
                f"the address of the {stage} server does not begin with wss://, https://, ws:// or http://"
            )
        try:
            _ = parts.port
        except ValueError as exc:
            raise ConfigError(f"the address of the {stage} server has no valid port") from exc
        self.url, self.headers, self.stage = url, headers, stage


class Line:
    """One connection. `manner` and `over` are its user's: how the session is set up, and which items are over."""

    def __init__(self, socket: aiohttp.ClientWebSocketResponse, now_s: float) -> None:
        self._socket = socket
        self.opened_s = self.used_s = now_s
        self.manner = ""
        self.over: deque[str] = deque(maxlen=16)

    @property
    def closed(self) -> bool:
        return self._socket.closed

    async def send(self, text: str) -> None:
        """Raises one of LOST."""
        await self._socket.send_str(text)

    async def read(self) -> dict[str, Any]:
        """The next message, a JSON object. Raises one of LOST, also when the server has closed the connection."""
        message = await self._socket.receive()
        if message.type is not aiohttp.WSMsgType.TEXT:
            raise EOFError(f"the server has sent {message.type.name}")
        event = json.loads(message.data)
        if not isinstance(event, dict):
            raise TypeError("the server has sent no JSON object")
        return event

    async def close(self) -> None:
        with contextlib.suppress(TimeoutError, *LOST):
            async with asyncio.timeout(_CLOSE_S):
                await self._socket.close()


class Lines:
    """The connections of one client to its server."""

    def __init__(self, address: WebSocketAddress, connect_s: float) -> None:
        self._address, self._connect_s = address, connect_s
        self._session: aiohttp.ClientSession | None = None
        self._kept: list[Line] = []

    async def take(self, fresh: bool = False) -> Line:
        """A connection that nobody else uses: one that was kept, or a new one. Raises EngineError.

        With `fresh` it is new, because one that was kept may have been lost without a word.
        """
        now_s = asyncio.get_running_loop().time()
        while self._kept:
            line = self._kept.pop()
            if not (fresh or line.closed or now_s - line.used_s > IDLE_S or now_s - line.opened_s > AGE_S):
                return line
            await line.close()
        return Line(await self._connect(), now_s)

    def give(self, line: Line) -> bool:
        """Keep a connection on which nothing is to come. Returns whether it is kept; else the giver closes it."""
        line.used_s = asyncio.get_running_loop().time()
        kept = self._session is not None and len(self._kept) < KEPT and not line.closed
        if kept:
            self._kept.append(line)
        return kept

    async def _connect(self) -> aiohttp.ClientWebSocketResponse:
        stage = self._address.stage
        if self._session is None:
            redirects = aiohttp.TraceConfig()
            redirects.on_request_redirect.append(_refuse_redirect)
            self._session = aiohttp.ClientSession(trace_configs=[redirects])  # here, because it needs a running loop
        try:
            async with asyncio.timeout(self._connect_s):
                return await self._session.ws_connect(
                    self._address.url,
                    headers=self._address.headers,
                    max_msg_size=_MAX_MESSAGE_BYTES,
                    timeout=aiohttp.ClientWSTimeout(ws_close=_CLOSE_S),
                )
        except TimeoutError as exc:
            raise EngineError(stage, f"The {stage} server did not answer in time.") from exc
        except aiohttp.WSServerHandshakeError as exc:
            raise EngineError(stage, _refusal(stage, exc.status)) from None  # the error has the headers with the key
        except LOST as exc:
            raise EngineError(stage, f"The {stage} server cannot be reached.") from exc

    async def close(self) -> None:
        session, self._session = self._session, None
        for line in self._kept:
            await line.close()
        self._kept.clear()
        if session is not None:
            await session.close()


async def _refuse_redirect(*_: object) -> None:
    """Follow no redirect, because that could send the key, or what callers say, to another server."""
    raise aiohttp.ClientError("the server redirects")


def _refusal(stage: str, status: int) -> str:
    why = {
        401: ": the key is not accepted",
        403: ": the key is not accepted",
        404: ": it has no such path",
        429: ": it is asked too often",
    }
    return f"The {stage} server answered with status {status}{why.get(status, '')}."
