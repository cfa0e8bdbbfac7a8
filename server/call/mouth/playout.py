"""Playout: what waits to be heard, what the caller has heard, and how loud it is.

A Speech is the sound of one reply. The reply that owns it fills it clause by clause. The Playout plays one Speech at a
time, 20 ms at each call, and knows at every moment which words have left. A Speech that is not played reaches nobody.
So an answer can be prepared in a pause and dropped without trace, and old work cannot reach new output.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from math import inf

import numpy as np

from server.call.mouth.clause import Clause
from server.media.frame import FRAME_MS, SPOKEN_BYTES

FADE = (0.4, 0.1, 0.0)
"""Gain at the end of each frame after a duck: silent within 60 ms, without a click. The reply then keeps its place."""
SOFT = 0.5
"""Gain while the caller may be about to speak. 6 dB less is polite, and still understood if the caller is silent."""
MAX_QUEUED_FRAMES = 30_000 // FRAME_MS
"""30 s ahead of the caller's ear is enough. A reply that has more waits until there is room."""
MAX_KEPT_FRAMES = 10_000 // FRAME_MS
"""How much sound that has left can be taken back. It takes less time to notice that a connection is dead."""


@dataclass(slots=True)
class Speech:
    """The sound of one reply: 20 ms frames of mono 24 kHz PCM, and the text that they say."""

    finished: bool = False
    """No more sound will come."""
    _clauses: list[Clause] = field(default_factory=list)
    _queue: deque[bytes] = field(default_factory=deque)
    _tail: bytes = b""
    _present: int = 0
    """Index of the clause that was played last."""
    _kept: deque[bytes] = field(default_factory=lambda: deque(maxlen=MAX_KEPT_FRAMES))
    """The newest frames that have left."""

    def begin(self, clause: str, aside: bool = False) -> None:
        """The sound that is added from now on says `clause`. An `aside` is no part of the answer: the caller waits."""
        self._clauses.append(Clause(clause, aside))

    def begin_answer(self) -> int:
        """The sound that is added from now on is that of a speech-to-speech model: a whole answer, whose words come
        beside it (`extend`). Returns its number, for `heard_ms`."""
        self._clauses.append(Clause("", sentences=True))
        return len(self._clauses) - 1

    def extend(self, text: str) -> None:
        """The clause that was begun last says this, too."""
        self._clauses[-1].text += text

    def heard_ms(self, number: int) -> int:
        """How much of this clause the caller has heard."""
        return self._clauses[number].played * FRAME_MS if number < len(self._clauses) else 0

    def add(self, pcm: bytes) -> None:
        """Append PCM, any whole number of samples, to the clause that was begun last."""
        pcm = self._tail + pcm
        whole = len(pcm) - len(pcm) % SPOKEN_BYTES
        self._queue.extend(pcm[i : i + SPOKEN_BYTES] for i in range(0, whole, SPOKEN_BYTES))
        self._clauses[-1].frames += whole // SPOKEN_BYTES
        self._tail = pcm[whole:]

    def end(self) -> None:
        """The clause is complete. Silence fills up its last frame."""
        if self._tail:
            self.add(bytes(SPOKEN_BYTES - len(self._tail)))
        self._clauses[-1].complete = True

    def end_answer(self, lost: bool) -> str:
        """The answer is complete, or `lost` before its end. Returns the words of it that have no sound, which it does
        not say then. How many these are is a guess where some sound has come."""
        rest = self._clauses[-1].shorten(lost)
        self.end()
        return rest

    def finish(self) -> None:
        """No more sound will come."""
        self.finished = True

    def shorten(self, clauses: int) -> int:
        """Say no more than the first `clauses`, and the one that is being heard. Returns how many that are."""
        kept = max(clauses, self._present + 1 if self.begun else 0)
        for clause in self._clauses[kept:]:
            for _ in range(clause.frames):
                self._queue.pop()
            self._tail = b""
        del self._clauses[kept:]
        return kept

    @property
    def pronounced(self) -> bool:
        """Whether text-to-speech says any of it."""
        return any(not clause.sentences for clause in self._clauses)

    def announce(self) -> Sequence[str]:
        """What is to be heard next and was not announced before, as far as it is known: clauses, and sentences of an
        answer that a speech-to-speech model gives."""
        return [text for clause in self._clauses for text in clause.announce()]

    @property
    def room(self) -> bool:
        """Whether more may be added now."""
        return len(self._queue) < MAX_QUEUED_FRAMES

    @property
    def ahead_ms(self) -> int:
        """How much sound waits to be heard."""
        return len(self._queue) * FRAME_MS

    @property
    def begun(self) -> bool:
        """Whether the caller has heard any of it."""
        return bool(self._clauses) and (self._present > 0 or self._clauses[0].played > 0)

    @property
    def answering(self) -> bool:
        """Whether the caller has heard any of the answer itself."""
        return any(clause.played and not clause.aside for clause in self._clauses[: self._present + 1])

    @property
    def ready(self) -> bool:
        """Whether a frame is there to be played."""
        return bool(self._queue)

    @property
    def over(self) -> bool:
        """Whether the caller has heard all of it."""
        return self.finished and not self._queue

    @property
    def left_ms(self) -> float:
        """How much sound is left to be heard; infinite while more may come."""
        return self.ahead_ms if self.finished else inf

    @property
    def heard(self) -> str:
        """The text that the caller has heard so far."""
        said = self._clauses[: self._present + 1] if self.begun else []
        return " ".join(part for clause in said if (part := clause.heard))

    def take(self) -> bytes | None:
        """The next frame. From now on it counts as heard."""
        if not self._queue:
            return None
        while self._clauses[self._present].played == self._clauses[self._present].frames:
            self._present += 1
        self._clauses[self._present].play()
        frame = self._queue.popleft()
        self._kept.append(frame)
        return frame

    def ahead(self, frames: int) -> bytes | None:
        """The frame that comes `frames` after the next one. It does not count as heard."""
        return self._queue[frames] if frames < len(self._queue) else None

    def take_back(self, frames: int) -> None:
        """The caller did not hear the newest `frames` that have left: they are played again, if they are kept."""
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
        """The text that is left to be heard. A sentence that was heard in part counts as a whole."""
        return " ".join(rest for clause in self._clauses[self._present :] if (rest := clause.unheard))


class Playout:
    """Plays one Speech at a time into a connection that asks for a frame every 20 ms."""

    def __init__(self) -> None:
        self._speech: Speech | None = None
        self.ducked = False
        """It has faded out, and keeps its place."""
        self._softened = False
        self._faded = 0
        """How many frames were faded out since the duck. They are said again, and count as heard only then."""
        self._gain = 1.0

    def play(self, speech: Speech) -> None:
        """From now on the caller hears this speech, and no other."""
        self.stop()
        self._speech = speech

    def stop(self) -> None:
        """The caller hears no more of the present speech."""
        self._speech, self._gain, self._faded = None, 1.0, 0

    def soften(self, softened: bool) -> None:
        """Speak more softly, or at full loudness again. Soft sound counts as heard."""
        self._softened = softened

    def duck(self) -> None:
        """Fade out and keep the place. A speech that has not begun does not begin."""
        self.ducked = True

    def restore(self) -> None:
        """Go on with the same sound from before the fade, so that no word is lost."""
        self.ducked = False
        self._faded = 0

    def next(self) -> bytes | None:
        """The next 20 ms, or None when there is nothing to hear."""
        speech = self._speech
        if speech is None or (self.ducked and (not speech.begun or self._faded == len(FADE))):
            return None
        if not self.ducked:
            return self._loudness(speech.take(), SOFT if self._softened else 1.0)
        frame = speech.ahead(self._faded)
        self._faded += 1
        return self._loudness(frame, FADE[self._faded - 1])

    def _loudness(self, frame: bytes | None, gain: float) -> bytes | None:
        """The frame, with its loudness going from the present gain to the wanted one."""
        if frame is None or self._gain == gain == 1.0:
            return frame
        samples = np.frombuffer(frame, np.int16)
        gains = np.linspace(self._gain, gain, len(samples), dtype=np.float32)
        self._gain = gain
        return (samples * gains).astype(np.int16).tobytes()
