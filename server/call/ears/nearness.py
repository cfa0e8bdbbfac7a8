"""Nearness: is a voice the caller's, or much farther away, as a radio in the room is?

A voice is far if it is much softer than the caller's. How loud that is, is learnt from the utterances that were
answered, and inside an utterance from the utterance itself. A far voice opens no utterance while it is the agent's
turn, and is silence inside an utterance, so that it neither stops the agent nor holds the endpoint open.

Callers turn away, speak softly, or hand the telephone to somebody else. So a far voice opens an utterance like any
other when nobody speaks, unless it has gone on for long while the agent spoke: a person who wants something does not do
that. After a second of silence even such a voice is heard: a person waits to be heard, a radio hardly pauses.
"""

from collections import deque
from math import inf
from statistics import median

import numpy as np

from server.media.frame import FRAME_MS

FAR_DB = 6.0
"""A voice is far when its loudest frame of the last 300 ms is so much softer than the caller's sustained level, which
is the middle of such frames, so about 10 dB softer as a whole. In 78 recordings of people: 99 % of the frames of a
radio that is 15 dB softer than the caller are far, and 94 % at 12 dB. A caller who interrupts 6 dB more softly than
before goes unheard in 1 % of the cases, and in a third at 10 dB."""
WINDOW_FRAMES = 300 // FRAME_MS
"""How much sound is compared. The unstressed syllables of one word are shorter."""
LEAST_FRAMES = 160 // FRAME_MS
"""A level counts when it was sustained for this long. The clatter of a handset is shorter."""
FADE_DB = 1.0 * FRAME_MS / 1000
"""How much the level of an utterance falls with each frame of voice: 1 dB a second. So a caller who began with a shout
is near again after a while."""
TURNED_MS = 1_500
"""So much far voice inside an utterance still counts as the caller's, who may have turned away, unless it is known that
others speak in the room. In the recordings, at most 580 ms of a person's own voice in a row are far."""
RISE, FALL, FALL_FAR = 0.7, 0.4, 0.1
"""How far the caller's level moves to that of the newest answered utterance, if that is louder, softer, or softer by
more than SOFTER_DB. A radio may have been answered before the caller spoke. Callers often begin loudly, and whoever was
10 dB louder at first must soon be able to stop the agent."""
SOFTER_DB = 12.0
"""A voice that is softer by more than this is more likely a radio's than the caller's."""
OTHERS_MS = 3_000
"""So much far voice shows that others speak in the room."""
MOST_MS = 6_000
"""More of it does not count, so that it is forgotten when the others are silent."""
LISTENED = 2
"""One ms of it is forgotten for so many ms of silence while the agent speaks: a person listens to the agent."""
PAUSE_MS = 1_000
"""After so much silence all of it is forgotten when a voice begins while nobody speaks. A radio that pauses for longer
may be answered once for each such pause."""


class Nearness:
    """The voices in one call."""

    def __init__(self) -> None:
        self._levels: deque[float] = deque([-inf] * WINDOW_FRAMES, WINDOW_FRAMES)
        """The level in dB of each of the last frames; -inf: no voice is in it."""
        self._voices: deque[float] = deque(maxlen=WINDOW_FRAMES)
        """The levels of the last frames with a voice."""
        self._own_db = -inf
        """The level of the caller's voice; -inf while unknown."""
        self._present_db: float | None = None
        """The level of the present utterance. None: there is none."""
        self._newest_db = -inf
        """The level of the utterance that was over last."""
        self._turned_ms = 0
        """How much far voice there was in the present utterance since the newest near one."""
        self._others_ms = 0
        """How much far voice there was lately, beside that."""
        self._silent_ms = 0
        """How long no voice has been heard."""

    def hear(self, pcm: bytes, voiced: bool, agents_turn: bool) -> bool:
        """Take the next 20 ms. Returns whether they are `voiced` by a far voice."""
        self._levels.append(_level_db(pcm) if voiced else -inf)
        if not voiced:
            self._silent_ms += FRAME_MS
            if agents_turn and self._present_db is None:
                self._others_ms = max(0, self._others_ms - FRAME_MS // LISTENED)
            return False
        silent_ms, self._silent_ms = self._silent_ms, 0
        self._voices.append(self._levels[-1])
        if self._present_db is not None:
            self._present_db = max(self._present_db - FADE_DB, self._sustained_db)
        far = max(self._levels) < self._reference_db(agents_turn) - FAR_DB
        if far and silent_ms >= PAUSE_MS and not agents_turn and self._present_db is None:
            self.doubt()
            far = False
        self._turned_ms = self._turned_ms + FRAME_MS if far else 0
        if far and self._present_db is not None and not self._others and self._turned_ms <= TURNED_MS:
            return False
        if far:
            self._others_ms = min(MOST_MS, self._others_ms + FRAME_MS)
        return far

    def begin(self) -> None:
        """An utterance begins."""
        self._present_db, self._turned_ms = self._sustained_db, 0

    def rest(self) -> None:
        """The utterance is over."""
        if self._present_db is not None:
            self._newest_db, self._present_db = self._present_db, None

    def answered(self) -> None:
        """The utterance that was over last has words and is answered, so it is taken for the caller's."""
        level_db, self._newest_db = self._newest_db, -inf
        if level_db == -inf:
            return
        softer_db = self._own_db - level_db
        share = RISE if softer_db < 0 else FALL if softer_db <= SOFTER_DB else FALL_FAR
        self._own_db = level_db if self._own_db == -inf else self._own_db + share * (level_db - self._own_db)

    def doubt(self) -> None:
        """The caller has not been heard for long. Perhaps the far voice is the caller's."""
        self._others_ms = 0

    @property
    def _others(self) -> bool:
        return self._others_ms >= OTHERS_MS

    def _reference_db(self, agents_turn: bool) -> float:
        """The level that the newest voice is compared with; -inf: every voice is near."""
        own_db = self._own_db if agents_turn or self._others else -inf
        if self._present_db is None:
            return own_db
        return max(self._present_db, self._own_db if self._others else -inf)

    @property
    def _sustained_db(self) -> float:
        """The level of the newest voice; -inf while there was too little of it."""
        return median(self._voices) if len(self._voices) >= LEAST_FRAMES else -inf


def _level_db(pcm: bytes) -> float:
    samples = np.frombuffer(pcm, "<i2").astype(np.float32)
    return float(10 * np.log10(samples @ samples / len(samples) + 1))
