"""A server that clients of speech engines ask over HTTP, over connections that are kept alive.

No redirect is followed, because that could send the key to another server.
"""

import json
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

import aiohttp

from server.errors import REFUSED, ConfigError, EngineError


class HttpApi:
    """The requests of one client to its server."""

    def __init__(self, base_url: str, api_key: str | None, timeout: aiohttp.ClientTimeout, stage: str) -> None:
        """`stage` names the server in errors. Raises ConfigError when the address is not HTTP."""
        parts = urlsplit(base_url)
        if parts.scheme not in ("http", "https") or not parts.hostname:
            raise ConfigError(f"the address of the {stage} server does not begin with http:// or https://")
        try:
            _ = parts.port
        except ValueError as exc:
            raise ConfigError(f"the address of the {stage} server has no valid port") from exc
        self._base_url = base_url.rstrip("/")
        self._headers = {"Authorization": f"Bearer {api_key}"} if api_key else {}
        self._session: aiohttp.ClientSession | None = None
        self._timeout, self._stage = timeout, stage

    @asynccontextmanager
    async def ask(
        self, method: str, path: str, *, headers: Mapping[str, str] | None = None, **body: Any
    ) -> AsyncIterator[aiohttp.ClientResponse]:
        """The server's answer with status 200; `body` is as in aiohttp's requests.

        Raises EngineError for every failure, also while the answer is read.
        """
        if self._session is None:
            self._session = aiohttp.ClientSession()  # made here, because it needs a running event loop
        try:
            async with self._session.request(
                method,
                f"{self._base_url}/{path}",
                headers=self._headers | dict(headers or {}),
                timeout=self._timeout,
                allow_redirects=False,
                **body,
            ) as response:
                if response.status != 200:
                    refused = response.status in REFUSED
                    raise EngineError(self._stage, self._refusal(response.status), refused=refused)
                yield response
        except TimeoutError as exc:
            raise EngineError(self._stage, f"The {self._stage} server did not answer in time.") from exc
        except (aiohttp.ClientError, OSError) as exc:
            raise EngineError(self._stage, f"The {self._stage} server cannot be reached or hung up.") from exc

    async def ask_for_json(self, method: str, path: str, most_bytes: int, **body: Any) -> Any:
        """The server's answer as JSON. Raises EngineError, also when it is longer than `most_bytes`, or no JSON."""
        answer = bytearray()
        async with self.ask(method, path, **body) as response:
            async for chunk in response.content.iter_any():
                answer += chunk
                if len(answer) > most_bytes:
                    raise EngineError(self._stage, f"The {self._stage} server's answer is too long.")
        try:
            return json.loads(answer)
        except ValueError as exc:
            raise EngineError(self._stage, f"The {self._stage} server's answer is not JSON.") from exc

    def _refusal(self, status: int) -> str:
        why = {
            401: ": the key is not accepted",
            403: ": the key is not accepted",
            404: ": it has no such model or path",
        }
        return f"The {self._stage} server answered with status {status}{why.get(status, '')}."

    async def close(self) -> None:
        session, self._session = self._session, None
        if session is not None:
            await session.close()
