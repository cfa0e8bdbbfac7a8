"""Fellows: the other workers, and how a request is passed on to one of them by HTTP."""

import asyncio
import time
from collections.abc import Mapping
from contextlib import suppress

from aiohttp import (
    ClientConnectorError,
    ClientError,
    ClientResponse,
    ClientSession,
    ClientTimeout,
    ConnectionTimeoutError,
    DummyCookieJar,
    TCPConnector,
    web,
)
from multidict import CIMultiDict
from yarl import URL

from server.cluster.announcement import Announcement
from server.cluster.member import Member
from server.cluster.seal import HEADER, Asked, Seal
from server.errors import PeerError, TooLarge, Unreachable
from signaling.addresses import Proxies
from signaling.bodies import MAX_BODY_BYTES

CONNECT_S = 1.0
"""How long the way to another worker may take. It is in the same network."""
SILENT_S = 40.0
"""After how long without a byte a response that has begun is given up. Server-sent events come every 15 s."""
WRITE_S = 5.0
"""How long a client may take for one piece of a response. One whose network takes nothing for so long is cut off."""
AT_ONCE = 1_000
"""How many requests to other workers there may be at the same time. Others wait."""
ASK_S = 2.0
"""How long all workers together may take to answer a question to all of them."""
ASKED_AT_ONCE = 64
"""How many workers are asked at the same time."""
KEPT_S = 5.0
"""How long an idle connection to another worker is kept. Workers close them after 15 s (`Site`)."""
MISDIRECTED = web.HTTPMisdirectedRequest.status_code
_OF_CONNECTION = {
    *("connection", "keep-alive", "proxy-connection", "te", "trailer", "transfer-encoding", "upgrade"),
    *("content-length", "host", "proxy-authorization", "proxy-authenticate", "expect"),
}
"""Headers that concern one connection (RFC 9110, section 7.6.1), and those that are written anew."""
_OF_PROXIES = ("forwarded", "via", "x-real-ip", "vary")
"""Headers that proxies write about the client; and one of a response, which our own answer writes again."""
NO_WAY = (ClientConnectorError, ConnectionTimeoutError)
"""What aiohttp raises when a request was certainly not sent."""
_OF_READING = "content-encoding"
"""A header of a request whose body aiohttp decodes when it is read. It is passed on decoded."""
_NOT_ADDED = ("Accept", "Accept-Encoding", "Content-Type", "User-Agent")
"""What aiohttp would add to a request that does not have it. It might change the answer."""
_OF_SOCKET = ("sec-websocket-key", "sec-websocket-version", "sec-websocket-extensions", "sec-websocket-protocol")


class Fellows:
    """The other workers of the cluster. Needs a running event loop."""

    def __init__(self, member: Member, proxies: Proxies) -> None:
        self.member = member
        self._proxies = proxies
        self.http = ClientSession(
            connector=TCPConnector(limit=AT_ONCE, keepalive_timeout=KEPT_S),
            timeout=_limits(SILENT_S),
            skip_auto_headers=_NOT_ADDED,
            cookie_jar=DummyCookieJar(),
            auto_decompress=False,
        )

    async def close(self) -> None:
        await self.http.close()

    def headers(self, request: web.Request, to: Announcement, target: str = "", method: str = "") -> CIMultiDict[str]:
        """The headers of a client's request, for the worker that it is passed on to.

        They may be for another request, made in the client's name: `target` is its path with its query.
        """
        left_out = {name.strip().lower() for name in request.headers.get("Connection", "").split(",")} | {_OF_READING}
        headers = CIMultiDict(
            (name, value)
            for name, value in request.headers.items()
            if not _stays(name.lower()) and name.lower() not in left_out
        )
        scheme, host = self._proxies.origin_of(request)
        address = self._proxies.address_of(request).partition("/")[0]
        headers["Host"] = host
        asked = Asked(method or request.method, target or request.rel_url.raw_path_qs, host)
        seal = Seal(self.member.name, to.name, int(time.time()), address, scheme)
        headers[HEADER] = seal.written(self.member.secret, asked)
        return headers

    async def send(self, request: web.Request, to: Announcement, url: str, answer_s: float) -> ClientResponse:
        """Pass a request on, and wait for the beginning of the response.

        Raises Unreachable, also if that worker does not have the call, PeerError and TooLarge.
        """
        body = await read_body(request)
        try:
            async with asyncio.timeout(answer_s):
                return await self.http.request(
                    request.method,
                    URL(url + request.rel_url.raw_path_qs, encoded=True),
                    headers=self.headers(request, to),
                    data=body or None,
                    allow_redirects=False,
                    timeout=_limits(max(answer_s, SILENT_S)),
                )
        except NO_WAY as exc:
            raise Unreachable(sent=False) from exc
        except (ClientError, OSError) as exc:  # TimeoutError is an OSError
            raise Unreachable(sent=True) from exc

    async def answer(self, request: web.Request, to: Announcement, url: str, answer_s: float) -> web.StreamResponse:
        """Pass a request on, and give its client the response as it comes. Raises what `send` raises."""
        async with await self.send(request, to, url, answer_s) as found:
            if found.status == MISDIRECTED:
                raise Unreachable(sent=False)
            headers = CIMultiDict((name, value) for name, value in found.headers.items() if not _stays(name.lower()))
            response = web.StreamResponse(status=found.status, reason=found.reason, headers=headers)
            if found.content_length is not None:
                response.content_length = found.content_length
            await response.prepare(request)
            with suppress(ClientError, OSError):  # TimeoutError is an OSError
                async for piece in found.content.iter_any():
                    async with asyncio.timeout(WRITE_S):
                        await response.write(piece)
                await response.write_eof()
                return response
            if request.transport is not None:
                request.transport.abort()  # so the client knows that the response is not whole
        return response

    async def ask(self, request: web.Request, target: str) -> Mapping[str, object]:
        """Ask all other workers, at their sites for operators, in the name of whoever makes this request.

        Returns the JSON of their answers by their names; None for those that have not answered with 200 in time.
        """
        others = [worker for worker in (await self.member.seen()).present if worker.name != self.member.name]
        room = asyncio.Semaphore(ASKED_AT_ONCE)

        async def one(worker: Announcement) -> object:
            url = URL(worker.for_operators + target, encoded=True)
            try:
                async with room, self.http.get(url, headers=self.headers(request, worker, target, "GET")) as response:
                    answer: object = await response.json() if response.status == web.HTTPOk.status_code else None
                    return answer
            except (ClientError, OSError, ValueError):
                return None

        tasks = {
            worker.name: asyncio.get_running_loop().create_task(one(worker), name="ask-worker") for worker in others
        }
        if tasks:
            await asyncio.wait(tasks.values(), timeout=ASK_S)
        for task in tasks.values():
            task.cancel()
        await asyncio.gather(*tasks.values(), return_exceptions=True)
        return {name: None if task.cancelled() else task.result() for name, task in tasks.items()}


def _limits(silent_s: float) -> ClientTimeout:
    return ClientTimeout(total=None, sock_connect=CONNECT_S, sock_read=silent_s)


async def read_body(request: web.Request) -> bytes:
    """Raises TooLarge and PeerError."""
    try:
        return await request.read()
    except web.HTTPRequestEntityTooLarge as exc:
        raise TooLarge(f"The body may have at most {MAX_BODY_BYTES} bytes.") from exc
    except web.RequestPayloadError as exc:
        raise PeerError("The body does not match its headers.") from exc


def for_socket(headers: Mapping[str, str]) -> CIMultiDict[str]:
    """The headers for a WebSocket, without those that make it one."""
    return CIMultiDict((name, value) for name, value in headers.items() if name.lower() not in _OF_SOCKET)


def _stays(name: str) -> bool:
    """Whether a header, in lower case, is not passed on."""
    return name in _OF_CONNECTION or name in _OF_PROXIES or name.startswith("x-forwarded-") or name == HEADER.lower()
