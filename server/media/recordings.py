"""Recordings: calls as sound, on disk. One thread writes for all, so that neither codec nor disk stops the loop."""

import asyncio
import logging
import re
import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeVar

import av

from server.errors import ConfigError, StoreError
from server.media.frame import FRAME_MS, HEARD_BYTES, SPOKEN_BYTES, Frame
from server.media.ogg import StereoFile
from server.media.tape import PIECE_TICKS, Piece, Tape

MAX_PIECES = 200
"""Pieces of half a second that wait for the disk, of all calls: 8 MB. Beyond it they are dropped, heard as silence."""
MAX_SKIP_MS = 300_000
"""Silence that a recording may be made longer by at once: five minutes without a connection."""

_NAME = re.compile(r"[A-Za-z0-9_-]+")
_T = TypeVar("_T")

log = logging.getLogger(__name__)


class Recorder:
    """One call's sound: the caller on the left, the agent on the right. Nothing here waits or raises."""

    def __init__(self, name: str, recordings: "Recordings") -> None:
        self.name = name
        self._recordings = recordings
        self._tape = Tape()

    def heard(self, frame: Frame) -> None:
        """What the caller said, as it comes."""
        self._tape.hear(frame)

    def spoken(self, pcm: bytes | None) -> None:
        """What the agent says in the next 20 ms: 24 kHz PCM, None for silence. Called at every tick."""
        self._hand_on(self._tape.speak(pcm))

    def skip(self, ms: int) -> None:
        """So long there was no connection, and no tick: the recording is silent."""
        self._hand_on(self._tape.skip(min(ms, MAX_SKIP_MS) // FRAME_MS))

    def close(self) -> None:
        """The call is over; idempotent."""
        self._hand_on(self._tape.finish())
        self._recordings.finish(self.name)

    def _hand_on(self, piece: Piece | None) -> None:
        if piece is not None:
            self._recordings.write(self.name, piece)


class Recordings:
    """The recordings in `directory`, which is made when it is not there. Raises ConfigError when there can be none.

    A name's first file is `name.1.opus`; who goes on with it in another process begins the next one.
    """

    def __init__(self, directory: Path) -> None:
        try:
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        except OSError as exc:
            raise ConfigError(f"ANTIPHON_RECORDINGS_DIR: {exc}") from exc
        self._directory = directory
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="recordings")
        self._room = threading.Semaphore(MAX_PIECES)
        self._open: dict[str, _Open] = {}
        """The files being written. This and the next two are the thread's alone."""
        self._forgotten: set[str] = set()
        """Calls that were deleted while they were recorded, until they are over."""
        self._refused: set[str] = set()
        """Calls of which the log says that something could not be written, until they are over."""
        self._closed = False
        self.dropped = 0
        """Pieces that the disk was too slow for, or that it refused."""

    def recorder(self, name: str) -> Recorder:
        """Record a call. `name` is a part of a file name: letters, digits, - and _."""
        if not _NAME.fullmatch(name):
            raise ValueError("not a name for a recording")
        return Recorder(name, self)

    def write(self, name: str, piece: Piece) -> None:
        """Have a piece written soon; never waits."""
        if not self._closed and self._room.acquire(blocking=False):
            self._thread.submit(self._write, name, piece)
        else:
            self.dropped += 1

    def finish(self, name: str) -> None:
        """Nothing more comes of it; idempotent."""
        if not self._closed:
            self._thread.submit(self._finish, name)

    def files(self, name: str) -> list[Path]:
        """The recordings of one call, oldest first."""
        if not _NAME.fullmatch(name):
            return []
        return sorted(self._directory.glob(f"{name}.*.opus"), key=lambda path: int(path.name.split(".")[1]))

    async def parts(self, name: str) -> list[Path]:
        """As `files`, without keeping the loop waiting for the disk."""
        return await self._run(lambda: self.files(name))

    async def delete(self, name: str) -> bool:
        """Forget the sound; a call that is still being recorded is not recorded further. False when there is none."""
        return await self._run(lambda: self._delete(name))

    async def sweep(self, before_ms: int) -> int:
        """Forget what was last written before then, in Unix milliseconds; returns how many files."""
        return await self._run(lambda: self._sweep(before_ms))

    async def close(self, deadline_s: float = 5.0) -> None:
        """Finish every file; a disk that hangs is not waited for longer. Idempotent."""
        if self._closed:
            return
        self._closed = True
        try:
            async with asyncio.timeout(deadline_s):
                await self._run(self._finish_all)
        except TimeoutError:
            log.error("x recordings are not finished: the disk hangs")
        self._thread.shutdown(wait=False)

    async def _run(self, work: Callable[[], _T]) -> _T:
        try:
            return await asyncio.wrap_future(self._thread.submit(work))
        except OSError as exc:
            raise StoreError("The recordings cannot be had.") from exc

    # On the thread

    def _write(self, name: str, piece: Piece) -> None:
        self._room.release()
        if name in self._forgotten:
            return
        try:
            if name not in self._open:
                self._open[name] = _Open(self._new_path(name))
            self._open[name].write(piece)
        except (OSError, av.FFmpegError) as error:
            self.dropped += 1
            self._complain(name, error)

    def _complain(self, name: str, error: Exception) -> None:
        """Once a call: it has two pieces a second, and a disk that is full may have the log, too."""
        if name not in self._refused:
            self._refused.add(name)
            log.error("x recording %s: %s; what else of it is lost is only counted", name, error)

    def _new_path(self, name: str) -> Path:
        number = 1 + max((int(path.name.split(".")[1]) for path in self.files(name)), default=0)
        return self._directory / f"{name}.{number}.opus"

    def _finish(self, name: str) -> None:
        self._forgotten.discard(name)
        recording = self._open.pop(name, None)
        try:
            if recording is not None:
                recording.file.close()
        except (OSError, av.FFmpegError) as error:
            self._complain(name, error)
        self._refused.discard(name)

    def _finish_all(self) -> None:
        for name in tuple(self._open):
            self._finish(name)

    def _delete(self, name: str) -> bool:
        if name in self._open:
            self._finish(name)
            self._forgotten.add(name)
        paths = self.files(name)
        for path in paths:
            path.unlink(missing_ok=True)
        return bool(paths)

    def _sweep(self, before_ms: int) -> int:
        old = [path for path in self._directory.glob("*.*.opus") if path.stat().st_mtime * 1000 < before_ms]
        for path in old:
            path.unlink(missing_ok=True)
        return len(old)


class _Open:
    """A file that is being written; what was dropped before a piece is silence."""

    def __init__(self, path: Path) -> None:
        self.file = StereoFile(path)
        self._ticks = 0

    def write(self, piece: Piece) -> None:
        while (missing := min(PIECE_TICKS, piece.tick - self._ticks)) > 0:
            self.file.write(bytes(missing * HEARD_BYTES), bytes(missing * SPOKEN_BYTES))
            self._ticks += missing
        self.file.write(piece.heard, piece.spoken)
        self._ticks += len(piece.spoken) // SPOKEN_BYTES
