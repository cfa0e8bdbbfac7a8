"""What is queued to be heard, what has been heard, and how loud.

A Speech is one answer's sound, filled clause by clause by the reply that owns it. The Playout plays one Speech at a
time, 20 ms at a call, and knows at every moment which words have left. A Speech that is not played costs nothing and
reaches nobody: that is how an answer is prepared in a pause and dropped without trace, and how old work cannot reach
new output.
"""

from collections import deque
from dataclasses import dataclass, field
from math import inf

import numpy as np

from server.media.frame import FRAME_MS, SPOKEN_BYTES

FADE = (0.4, 0.1, 0.0)
"""Gain at the end of each frame after a duck: silent within 60 ms, without a click. The answer then holds its place."""
SOFT = 0.5
"""Gain while somebody may be about to speak: 6 dB less is polite, and still understood when nobody does."""
CHARS_PER_FRAME = 15 * FRAME_MS / 1000
"""How fast a clause is spoken whose sound is not complete yet: English has about 15 characters a second."""
MAX_QUEUED_FRAMES = 30_000 // FRAME_MS
"""30 s ahead of the ear is enough; who makes speech waits for room beyond it."""
MAX_KEPT_FRAMES = 10_000 // FRAME_MS
"""So much of what has left can be taken back: longer than it takes to notice that a connection is dead."""


@dataclass(slots=True)
class _Clause:
    text: str
    frames: int = 0
    played: int = 0
    complete: bool = False
    _least_chars: int = 0

    def play(self) -> None:
        """One more frame has left. What has counted as heard stays so, however long the clause turns out to be."""
        self.played += 1
        self._least_chars = self._chars()

    def take_back(self, frames: int) -> None:
        """The newest `frames` that have left were not heard."""
        self.played -= frames
        self._least_chars = 0

    @property
    def heard(self) -> str:
        """The words that have left; a word counts when it is over."""
        if self.complete and self.played == self.frames:
            return self.text
        return self.text[: max(0, self.text.rfind(" ", 0, self._chars() + 1))]

    def _chars(self) -> int:
        total = self.frames if self.complete else max(self.frames, len(self.text) / CHARS_PER_FRAME)
        return max(self._least_chars, int(len(self.text) * self.played / total) if total else 0)


@dataclass(slots=True)
class Speech:
    """One answer's sound: 20 ms frames of mono 24 kHz PCM, and the text that they say."""

    finished: bool = False
    """No more will come."""
    _clauses: list[_Clause] = field(default_factory=list)
    _queue: deque[bytes] = field(default_factory=deque)
    _tail: bytes = b""
    _present: int = 0
    """Index of the clause that was played last."""
    _kept: deque[bytes] = field(default_factory=lambda: deque(maxlen=MAX_KEPT_FRAMES))
    """The newest frames that have left."""

    def begin(self, clause: str) -> None:
        """What is added from now on says `clause`."""
        self._clauses.append(_Clause(clause))

    def add(self, pcm: bytes) -> None:
        """Append PCM of any whole number of samples to the clause that was begun last."""
        pcm = self._tail + pcm
        whole = len(pcm) - len(pcm) % SPOKEN_BYTES
        self._queue.extend(pcm[i : i + SPOKEN_BYTES] for i in range(0, whole, SPOKEN_BYTES))
        self._clauses[-1].frames += whole // SPOKEN_BYTES
        self._tail = pcm[whole:]

    def end(self) -> None:
        """The clause is complete; its last frame is filled up with silence."""
        if self._tail:
            self.add(bytes(SPOKEN_BYTES - len(self._tail)))
        self._clauses[-1].complete = True

    def finish(self) -> None:
        self.finished = True

    @property
    def room(self) -> bool:
        """Whether more may be added now."""
        return len(self._queue) < MAX_QUEUED_FRAMES

    @property
    def begun(self) -> bool:
        """Whether any of it has been heard."""
        return bool(self._clauses) and (self._present > 0 or self._clauses[0].played > 0)

    @property
    def ready(self) -> bool:
        """Whether a frame is there to be played."""
        return bool(self._queue)

    @property
    def over(self) -> bool:
        """Whether all of it has been heard."""
        return self.finished and not self._queue

    @property
    def left_ms(self) -> float:
        """How much is still to be heard; infinite while more may come."""
        return len(self._queue) * FRAME_MS if self.finished else inf

    @property
    def heard(self) -> str:
        """The text that has been heard so far."""
        said = self._clauses[: self._present + 1] if self.begun else []
        return " ".join(part for clause in said if (part := clause.heard))

    def take(self) -> bytes | None:
        """The next frame, which counts as heard."""
        if not self._queue:
            return None
        while self._clauses[self._present].played == self._clauses[self._present].frames:
            self._present += 1
        self._clauses[self._present].play()
        frame = self._queue.popleft()
        self._kept.append(frame)
        return frame

    def ahead(self, frames: int) -> bytes | None:
        """The frame so many after the next one; it does not count as heard."""
        return self._queue[frames] if frames < len(self._queue) else None

    def take_back(self, frames: int) -> None:
        """The newest `frames` that have left were not heard, as far as they are kept: they are played again."""
        left = min(frames, len(self._kept))
        for _ in range(left):
            self._queue.appendleft(self._kept.pop())
        while left:
            clause = self._clauses[self._present]
            from_clause = min(left, clause.played)
            clause.take_back(from_clause)
            left -= from_clause
            if left:
                self._present -= 1

    @property
    def unheard(self) -> str:
        """The text that is still to be heard, whole clauses where a clause has been heard in part."""
        rest = self._clauses[self._present :]
        return " ".join(clause.text for clause in rest if clause.heard != clause.text)


class Playout:
    """Plays one Speech at a time into a connection that asks for a frame every 20 ms."""

    def __init__(self) -> None:
        self._speech: Speech | None = None
        self._ducked = False
        self._softened = False
        self._faded = 0
        """Frames that were faded out since the duck; they are said again, and count as heard only then."""
        self._gain = 1.0

    def play(self, speech: Speech) -> None:
        """From now on this is heard, in place of what was."""
        self.stop()
        self._speech = speech

    def stop(self) -> None:
        """Nothing more of the present speech is heard."""
        self._speech, self._gain, self._faded = None, 1.0, 0

    def soften(self, softened: bool) -> None:
        """Speak more softly, or at full loudness again; what is said so counts as heard."""
        self._softened = softened

    def duck(self) -> None:
        """Fade out and hold the place; a speech that has not begun does not begin."""
        self._ducked = True

    def restore(self) -> None:
        """Go on with the same sound, from before the fade, so that no word is lost."""
        self._ducked = False
        self._faded = 0

    def next(self) -> bytes | None:
        """The next 20 ms, or None when there is nothing to be heard."""
        speech = self._speech
        if speech is None or (self._ducked and (not speech.begun or self._faded == len(FADE))):
            return None
        if not self._ducked:
            return self._loudness(speech.take(), SOFT if self._softened else 1.0)
        frame = speech.ahead(self._faded)
        self._faded += 1
        return self._loudness(frame, FADE[self._faded - 1])

    def _loudness(self, frame: bytes | None, gain: float) -> bytes | None:
        """The frame, from the gain that was to the one that is wanted."""
        if frame is None or self._gain == gain == 1.0:
            return frame
        samples = np.frombuffer(frame, np.int16)
        gains = np.linspace(self._gain, gain, len(samples), dtype=np.float32)
        self._gain = gain
        return (samples * gains).astype(np.int16).tobytes()
