"""Playout: what waits to be heard, what the caller has heard, and how loud it is.

A Speech is the sound of one reply. The reply that owns it fills it clause by clause. The Playout plays one Speech at a
time, 20 ms at each call, and knows at every moment which words have left. A Speech that is not played reaches nobody.
So an answer can be prepared in a pause and dropped without trace, and old work cannot reach new output.
"""

import re
from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from math import inf

import numpy as np

from server.media.frame import FRAME_MS, SPOKEN_BYTES

FADE = (0.4, 0.1, 0.0)
"""Gain at the end of each frame after a duck: silent within 60 ms, without a click. The reply then keeps its place."""
SOFT = 0.5
"""Gain while the caller may be about to speak. 6 dB less is polite, and still understood if the caller is silent."""
CHARS_PER_FRAME = 15 * FRAME_MS / 1000
"""Assumed pace of a clause whose sound is not complete yet. English has about 15 characters a second."""
MAX_QUEUED_FRAMES = 30_000 // FRAME_MS
"""30 s ahead of the caller's ear is enough. A reply that has more waits until there is room."""
MAX_KEPT_FRAMES = 10_000 // FRAME_MS
"""How much sound that has left can be taken back. It takes less time to notice that a connection is dead."""


_SENTENCE_END = re.compile(r"[.!?؟।۔]+\s+|[。！？]+\s*")


@dataclass(slots=True)
class _Clause:
    text: str
    aside: bool = False
    frames: int = 0
    played: int = 0
    complete: bool = False
    sentences: bool = False
    """It is a whole answer, and not one sentence."""
    _least_chars: int = 0

    def play(self) -> None:
        """One more frame has left. Text that counted as heard stays heard, however long the clause turns out to be."""
        self.played += 1
        self._least_chars = self._chars()

    def take_back(self, frames: int) -> None:
        """The caller did not hear the newest `frames` that have left."""
        self.played -= frames
        self._least_chars = 0

    @property
    def heard(self) -> str:
        """The words that have left. A word counts when it is over."""
        if self.complete and self.played == self.frames:
            return self.text
        return self.text[: max(0, self.text.rfind(" ", 0, self._chars() + 1))]

    @property
    def unheard(self) -> str:
        """What is left to be said, from the sentence on that was not heard to its end."""
        if not self.sentences:
            return "" if self.heard == self.text else self.text
        heard = len(self.heard)
        ends = [end.end() for end in _SENTENCE_END.finditer(self.text) if end.end() <= heard + 1]
        return "" if heard == len(self.text) else self.text[max(ends, default=0) :].strip()

    def _chars(self) -> int:
        total = self.frames if self.complete else max(self.frames, len(self.text) / CHARS_PER_FRAME)
        return max(self._least_chars, int(len(self.text) * self.played / total) if total else 0)


@dataclass(slots=True)
class Speech:
    """The sound of one reply: 20 ms frames of mono 24 kHz PCM, and the text that they say."""

    finished: bool = False
    """No more sound will come."""
    _clauses: list[_Clause] = field(default_factory=list)
    _queue: deque[bytes] = field(default_factory=deque)
    _tail: bytes = b""
    _present: int = 0
    """Index of the clause that was played last."""
    _kept: deque[bytes] = field(default_factory=lambda: deque(maxlen=MAX_KEPT_FRAMES))
    """The newest frames that have left."""

    def begin(self, clause: str, aside: bool = False) -> None:
        """The sound that is added from now on says `clause`. An `aside` is no part of the answer: the caller waits."""
        self._clauses.append(_Clause(clause, aside))

    def begin_answer(self) -> int:
        """The sound that is added from now on is that of a speech-to-speech model: a whole answer, whose words come
        beside it (`extend`). Returns its number, for `heard_ms`."""
        self._clauses.append(_Clause("", sentences=True))
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
    def texts(self) -> Sequence[str]:
        """What its clauses say, as far as they are begun."""
        return [clause.text for clause in self._clauses]

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
