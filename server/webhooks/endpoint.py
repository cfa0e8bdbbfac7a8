"""Endpoint: one address of the operator's own systems, to which signed events are posted."""

import hashlib
import time
from collections.abc import AsyncIterator, Sequence
from dataclasses import dataclass
from urllib.parse import urlsplit

from aiohttp import ClientError, ClientSession, ClientTimeout, DummyCookieJar, TCPConnector

from server.webhooks.schedule import retry_after_s
from server.webhooks.signature import signature

AT_ONCE = 8
"""How many events are on their way to one endpoint at the same time."""
PIECE_BYTES = 64 * 1024
"""Of a long event, so much is handed to the connection at a time."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What came of a try. `status` is the HTTP status; None when no answer came, and `trouble` says why then."""

    status: int | None
    trouble: str = ""
    retry_after_s: float = 0.0

    def __str__(self) -> str:
        return self.trouble if self.status is None else f"status {self.status}"


class Endpoint:
    """Posts to `url`, signed with each of `keys`, within `timeout_s`. Follows no redirects, and keeps no cookies.

    Needs a running event loop.
    """

    def __init__(self, url: str, keys: Sequence[bytes], timeout_s: float) -> None:
        parts = urlsplit(url)
        self.key = hashlib.sha256(url.encode()).hexdigest()[:16]
        """The name of the address in the store. It is the same on every server."""
        self.name = f"{parts.scheme}://{parts.netloc.rpartition('@')[2]}"
        """For the log. Passwords, paths and queries may be secret, so it has none."""
        self.timeout_s = timeout_s
        self._url = url
        self._keys = keys
        self._http = ClientSession(
            connector=TCPConnector(limit=AT_ONCE),
            timeout=ClientTimeout(total=timeout_s),
            cookie_jar=DummyCookieJar(),
            headers={"User-Agent": "antiphon", "Content-Type": "application/json"},
        )

    async def send(self, event_id: str, body: bytes) -> Answer:
        """Post an event. Whatever goes wrong is in the answer."""
        now_s = int(time.time())
        headers = {
            "webhook-id": event_id,
            "webhook-timestamp": str(now_s),
            "webhook-signature": signature(self._keys, event_id, now_s, body),
            "Content-Length": str(len(body)),
        }
        try:
            async with self._http.post(
                self._url, data=_pieces(body), headers=headers, allow_redirects=False
            ) as response:
                return Answer(
                    response.status, retry_after_s=retry_after_s(response.headers.get("Retry-After", ""), now_s)
                )
        except TimeoutError:
            return Answer(None, f"no answer within {self.timeout_s:g} s")
        except (ClientError, OSError, ValueError) as error:
            return Answer(None, type(error).__name__)  # its message may repeat the whole address

    async def close(self) -> None:
        """Idempotent."""
        await self._http.close()


async def _pieces(body: bytes) -> AsyncIterator[bytes]:
    for start in range(0, len(body), PIECE_BYTES):
        yield body[start : start + PIECE_BYTES]
