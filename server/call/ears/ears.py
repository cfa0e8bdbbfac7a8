"""Ears: frames in, the present utterance and its silence out.

Keeps what was heard just before a voice was noticed, so that no word loses its beginning, and holds silence back from
speech-to-text while its words are being settled, so that they stay so until there is a voice again.
"""

import asyncio
import re
from collections import deque
from collections.abc import Callable, Sequence

from server.call.ears.echo import Echo
from server.call.ears.voicing import Voicing, VoicingSettings
from server.call.mouth.reply import Reply
from server.call.mouth.stopwatch import Stopwatch
from server.call.turns.sound import Sound
from server.media.frame import FRAME_MS, Frame
from server.speech.protocols import SpeechStream, SpeechToText, TurnModel, VoiceActivity

PREROLL_FRAMES = 400 // FRAME_MS
"""VAD is ~100 ms late, words begin softly, and speech-to-text wants a little silence in front."""
PAUSE_MS = 100
"""A shorter silence is part of a consonant."""
ECHO_MS = 1_000
"""Echo ends half a second after the agent was ducked; what goes on for longer is somebody."""
PAUSES_SMOOTHING = 0.3
"""Weight of the newest pause in a person's usual pause: it takes a few of them to know a slow speaker."""


class Utterance:
    """What the person is saying, on its way to words and to an answer."""

    def __init__(self, number: int, transcription: SpeechStream | None, stopwatch: Stopwatch, text: str = "") -> None:
        self.number = number
        self.stopwatch = stopwatch
        self.began_s = stopwatch.start_s
        self.text = text
        """The words so far, as last known."""
        self.told = False
        """The client knows the words already, from an utterance before."""
        self.settled = False
        """`text` covers all that was heard."""
        self.settling: asyncio.Task[None] | None = None
        """Asks for the words, and then begins the answer."""
        self.prepared: Reply | None = None
        """The answer to the settled words, made before it is known that the person is done."""
        self._transcription = transcription  # None when the utterance was typed
        self._asked = False
        self._held: list[bytes] = []

    def hear(self, pcm: bytes, voiced: bool) -> None:
        """More of it; silence after the words were asked for is held back."""
        if self._transcription is None:
            return
        if self._asked and not voiced:
            self._held.append(pcm)
            return
        self._transcription.feed(b"".join([*self._held, pcm]))
        self._asked = False
        self._held.clear()

    async def words(self) -> str:
        """The words of all that was heard; marks without a letter, as engines write for a noise, are none.

        Raises EngineError.
        """
        if self._transcription is None:
            return self.text
        self._asked = True
        text = await self._transcription.transcript()
        return text if re.search(r"\w", text) else ""

    async def close(self) -> None:
        if self._transcription is not None:
            await self._transcription.close()


class Ears:
    """The hearing of one call."""

    def __init__(
        self,
        voice_activity: VoiceActivity,
        speech_to_text: SpeechToText,
        settings: VoicingSettings,
        now: Callable[[], float],
        turn_model: TurnModel | None = None,
    ) -> None:
        self.voicing = Voicing(settings)
        self.echo = Echo()
        """The agent's own voice in what is heard: it opens no utterance, and is silence in one."""
        self.sound = Sound(turn_model)
        self.utterance: Utterance | None = None
        self.usual_pause_ms = 0.0
        """How long this person's pauses inside utterances are; it grows from 0 as they are heard."""
        self._settings = settings
        self._vad = voice_activity
        self._stt = speech_to_text
        self._now = now
        self._preroll: deque[bytes] = deque(maxlen=PREROLL_FRAMES)
        self._maybe_echo = False
        """The present utterance began when no echo was known, and not long ago."""

    def hear(self, frame: Frame) -> None:
        """Take the next 20 ms. Afterwards `voicing`, `sound` and `utterance` tell of the present."""
        silence_ms = self.voicing.silence_ms
        probability = self._vad.probability(frame.pcm)
        own = self.echo.hear(frame.pcm, probability >= self._settings.stop_probability)
        self.voicing.receive(0.0 if own else probability)
        self._preroll.append(frame.pcm)
        self.sound.hear(frame.pcm, self.voicing.voiced, self.voicing.active)
        if self.utterance is None:
            return
        if self.echo.path is None and self.voicing.active_ms > ECHO_MS:
            self._maybe_echo = False
        if self.voicing.voiced:
            self.utterance.stopwatch.restart()
            self._note_pause(silence_ms)
        self.utterance.hear(frame.pcm, self.voicing.voiced)

    def open(
        self, number: int, phrases: Sequence[str], language: str, on_partial: Callable[[Utterance], None]
    ) -> Utterance:
        """Begin utterance `number` with what was heard just before. `on_partial` is told of new words."""

        def partial(text: str) -> None:
            if not utterance.settled:
                utterance.text = text
                on_partial(utterance)

        transcription = self._stt.listen(phrases, partial, language)
        utterance = self.utterance = Utterance(number, transcription, Stopwatch(self._now))
        self._maybe_echo = self.echo.path is None
        utterance.hear(b"".join(self._preroll), voiced=True)
        return utterance

    @property
    def echoed(self) -> bool:
        """The present utterance is the agent's own voice: it is by this one that the echo became known."""
        return self._maybe_echo and self.echo.path is not None

    def rest(self) -> None:
        """The utterance is over; the next voice begins another."""
        self.utterance = None
        for _ in range(max(0, len(self._preroll) - self.voicing.silence_ms // FRAME_MS)):
            self._preroll.popleft()  # it belongs to the utterance that is over
        self.voicing.rest()
        self.sound.rest()

    def reconnect(self) -> None:
        """The sound comes from a new connection; an utterance that was cut off goes on."""
        self._preroll.clear()
        self._vad.reset()
        self.echo = Echo()

    def _note_pause(self, silence_ms: int) -> None:
        """The person has gone on after `silence_ms`."""
        if silence_ms >= PAUSE_MS:
            self.usual_pause_ms += PAUSES_SMOOTHING * (silence_ms - self.usual_pause_ms)
