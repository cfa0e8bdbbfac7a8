"""Records the sound of calls on disk. One thread writes for all calls, so the loop never waits for encoder or disk."""

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
"""How many pieces (half a second of sound) of all calls may wait for the disk: 8 MB. More are dropped; the recording is
silent in their place."""
MAX_SKIP_MS = 300_000
"""How much silence a recording gets at most for a time without a connection: five minutes."""

_NAME = re.compile(r"[A-Za-z0-9_-]+")
"""What the name of a recording may contain. The name becomes a part of a file name."""
_T = TypeVar("_T")

log = logging.getLogger(__name__)


class Recorder:
    """Records one call: the caller on the left, the agent on the right. Its methods never wait and never raise."""

    def __init__(self, name: str, recordings: "Recordings") -> None:
        self.name = name
        self._recordings = recordings
        self._tape = Tape()

    def heard(self, frame: Frame) -> None:
        """Record a frame of the caller, when it arrives."""
        self._tape.hear(frame)

    def spoken(self, pcm: bytes | None) -> None:
        """Record the agent's next 20 ms: 24 kHz PCM, or None for silence. Call it at every tick."""
        self._hand_on(self._tape.speak(pcm))

    def skip(self, ms: int) -> None:
        """Record silence for a time without a connection, in which there were no ticks."""
        self._hand_on(self._tape.skip(min(ms, MAX_SKIP_MS) // FRAME_MS))

    def close(self) -> None:
        """End the recording. Idempotent."""
        self._hand_on(self._tape.finish())
        self._recordings.finish(self.name)

    def _hand_on(self, piece: Piece | None) -> None:
        if piece is not None:
            self._recordings.write(self.name, piece)


class Recordings:
    """All recordings in `directory`. It makes the directory if there is none; raises ConfigError if that fails.

    The first file of a call is `name.1.opus`. If the call is resumed, also in another process, the next file begins.
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
        """The files that are being written, by name. Only the thread uses `_open`, `_forgotten` and `_refused`."""
        self._forgotten: set[str] = set()
        """The names of calls that were deleted while they were recorded. A name stays here until its call is over."""
        self._refused: set[str] = set()
        """The names of calls that could not be written, which the log says already. A name stays here until its call is
        over."""
        self._closed = False
        self.dropped = 0
        """How many pieces were not written, because the disk was too slow or refused them."""

    def recorder(self, name: str) -> Recorder:
        """Begin to record a call. `name` becomes a part of a file name: letters, digits, - and _.

        Raises ValueError for any other name.
        """
        if not _NAME.fullmatch(name):
            raise ValueError("not a name for a recording")
        return Recorder(name, self)

    def write(self, name: str, piece: Piece) -> None:
        """Let the thread write a piece. Never waits."""
        if not self._closed and self._room.acquire(blocking=False):
            self._thread.submit(self._write, name, piece)
        else:
            self.dropped += 1

    def finish(self, name: str) -> None:
        """Let the thread close the file of a call that is over. Idempotent."""
        if not self._closed:
            self._thread.submit(self._finish, name)

    def files(self, name: str) -> list[Path]:
        """The recordings of one call, oldest first."""
        if not _NAME.fullmatch(name):
            return []
        return sorted(self._directory.glob(f"{name}.*.opus"), key=lambda path: int(path.name.split(".")[1]))

    async def parts(self, name: str) -> list[Path]:
        """Return what `files` returns, without making the loop wait for the disk. Raises StoreError."""
        return await self._run(lambda: self.files(name))

    async def delete(self, name: str) -> bool:
        """Delete all files of a call. If the call is still being recorded, its recording ends.

        Returns False if there are none. Raises StoreError if they cannot be deleted.
        """
        return await self._run(lambda: self._delete(name))

    async def sweep(self, before_ms: int) -> int:
        """Delete the files that were last written before this time, in Unix milliseconds. Returns how many they were.

        Raises StoreError if they cannot be deleted.
        """
        return await self._run(lambda: self._sweep(before_ms))

    async def close(self, deadline_s: float = 5.0) -> None:
        """Close every file. If the disk hangs, give up after `deadline_s`. Idempotent."""
        if self._closed:
            return
        self._closed = True
        try:
            async with asyncio.timeout(deadline_s):
                await self._run(self._finish_all)
        except TimeoutError:
            log.error("x the recordings were not closed in time: the disk hangs")
        self._thread.shutdown(wait=False)

    async def _run(self, work: Callable[[], _T]) -> _T:
        try:
            return await asyncio.wrap_future(self._thread.submit(work))
        except OSError as exc:
            raise StoreError("The recordings are not available.") from exc

    # Called on the thread

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
        """Log a failure, once per call. A call has two pieces a second, and a full disk may be the log's disk, too."""
        if name not in self._refused:
            self._refused.add(name)
            log.error("x recording %s: %s; further failures of this recording are only counted", name, error)

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
    """A file that is being written. It is silent in the place of pieces that were dropped."""

    def __init__(self, path: Path) -> None:
        self.file = StereoFile(path)
        self._ticks = 0

    def write(self, piece: Piece) -> None:
        while (missing := min(PIECE_TICKS, piece.tick - self._ticks)) > 0:
            self.file.write(bytes(missing * HEARD_BYTES), bytes(missing * SPOKEN_BYTES))
            self._ticks += missing
        self.file.write(piece.heard, piece.spoken)
        self._ticks += len(piece.spoken) // SPOKEN_BYTES
