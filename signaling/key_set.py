"""KeySet: the keys that tokens are checked with: the shared secret, and the public keys at an address.

The public keys are read anew while the server runs: when they are old, and when a token names a key that is not among
them. If they cannot be read, the last good ones go on.
"""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable, Sequence
from concurrent.futures import Executor
from pathlib import Path

from aiohttp import ClientError, ClientSession

from server.errors import AtCapacity
from server.pace import Pace
from signaling.keys import PUBLIC_ALGORITHMS, Key, fitting, read_key_set
from signaling.tokens import Header

MAX_BYTES = 64 * 1024
"""How large a set of keys may be. One key has half a kilobyte."""
READ_S = 3.0
"""How long the reading may take. Callers with a new key wait for it, and nobody else."""
FILE_IS_OLD_S = 5.0
URL_IS_OLD_S = 300.0
"""After how long the keys are read again, so that a key that was taken away is soon refused."""
ASK_AGAIN_S = 30.0
"""How often, at most, the keys are read because a token names an unknown one. Anybody can send such tokens."""

NO_KEYS = "The server cannot check tokens at present. Please call again in a moment."

Read = Callable[[], Awaitable[bytes]]
"""Reads the text of a set of keys. Raises OSError, ClientError or ValueError."""

log = logging.getLogger(__name__)


class KeySet:
    """The keys of one server: `own`, and those that `read` finds. They are old after `old_s`."""

    def __init__(
        self,
        own: Sequence[Key] = (),
        read: Read | None = None,
        old_s: float = URL_IS_OLD_S,
        now_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._own = tuple(own)
        self._read = read
        self._now_s = now_s
        self._old = Pace(1 / old_s, burst=1)
        self._unknown = Pace(1 / ASK_AGAIN_S, burst=1)
        self._reading = asyncio.Lock()
        self._text = b""
        self._found: tuple[Key, ...] = ()
        self.trouble = ""
        """Why the keys could not be read the last time, for the operator; "" when they were."""

    async def find(self, header: Header) -> Sequence[Key]:
        """The keys that may have signed a token with this header. Raises AtCapacity while none were ever read."""
        if own := fitting(self._own, header.algorithm, header.kid):
            return own
        if self._read is None or header.algorithm not in PUBLIC_ALGORITHMS:
            return ()
        if old := self._old.admits(self._now_s()):
            await self.refresh()
        if not (found := self._fitting(header)) and not old:
            async with self._reading:  # another caller's request may be reading just now
                if not self._fitting(header) and self._unknown.admits(self._now_s()):
                    await self._refresh()
            found = self._fitting(header)
        if not self._found:
            raise AtCapacity(NO_KEYS, int(ASK_AGAIN_S))
        return found

    async def refresh(self) -> None:
        """Read the keys. `trouble` says afterwards whether that went well."""
        async with self._reading:
            await self._refresh()

    def _fitting(self, header: Header) -> list[Key]:
        return fitting(self._found, header.algorithm, header.kid)

    async def load(self) -> None:
        """Read the keys. Raises ValueError, with the reason, if that fails; then the keys stay as they were."""
        assert self._read is not None, "because there is something to read"
        try:
            async with asyncio.timeout(READ_S):
                text = await self._read()
            if text != self._text:
                self._found, self._text = read_key_set(text), text
        except (OSError, ClientError, ValueError) as error:  # TimeoutError is an OSError
            raise ValueError(_reason(error)) from error

    async def _refresh(self) -> None:
        before = self.trouble
        try:
            await self.load()
        except ValueError as error:
            self.trouble = f"The keys of callers' tokens cannot be read: {error}."
            if self.trouble != before:
                log.warning("x %s", self.trouble)
        else:
            self.trouble = ""


def _reason(error: Exception) -> str:
    """What went wrong. Of a foreign exception only the kind, because its message may have the address with a secret."""
    if isinstance(error, OSError) and error.strerror:
        return error.strerror.lower()
    return str(error) if type(error) is ValueError else type(error).__name__


def from_url(url: str, http: ClientSession) -> Read:
    """Read a set of keys by HTTP. The session must not unpack what is compressed: a few bytes may become gigabytes."""

    async def read() -> bytes:
        headers = {"Accept": "application/json", "Accept-Encoding": "identity"}
        async with http.get(url, headers=headers, allow_redirects=False) as response:
            if response.status != 200:
                raise ValueError(f"the answer has the status {response.status}")
            text = b""
            async for piece in response.content.iter_chunked(MAX_BYTES):
                text = _bounded(text + piece)
            return text

    return read


def from_file(path: Path, thread: Executor) -> Read:
    """Read a set of keys from a file, on a thread of its own: the disk may hang."""

    def read_file() -> bytes:
        with path.open("rb") as file:
            return _bounded(file.read(MAX_BYTES + 1))

    async def read() -> bytes:
        return await asyncio.get_running_loop().run_in_executor(thread, read_file)

    return read


def _bounded(text: bytes) -> bytes:
    if len(text) > MAX_BYTES:
        raise ValueError(f"the set has more than {MAX_BYTES} bytes")
    return text
