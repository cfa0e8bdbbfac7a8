"""Ears: frames in, the present utterance and its silence out.

Keeps what was heard just before a voice was noticed, so that no word loses its beginning.
"""

from collections import deque
from collections.abc import Callable, Sequence

from server.call.reply import Reply
from server.call.stopwatch import Stopwatch
from server.call.voicing import Voicing, VoicingSettings
from server.media.frame import FRAME_MS, Frame
from server.speech.protocols import SpeechToText, Transcription, VoiceActivity

PREROLL_FRAMES = 400 // FRAME_MS
"""VAD is ~100 ms late, words begin softly, and speech-to-text wants a little silence in front."""
PAUSES_SMOOTHING = 0.3
"""Weight of the newest pause in a person's usual pause: about the last five count."""


class Utterance:
    """What the person is saying, on its way to words and to an answer."""

    def __init__(self, number: int, transcription: Transcription | None, stopwatch: Stopwatch) -> None:
        self.number = number
        self.transcription = transcription
        """None when the utterance was typed."""
        self.stopwatch = stopwatch
        self.text = ""
        """The words so far, as last known."""
        self.settled = False
        """`text` covers all that was heard."""
        self.attempts = 0
        """How often an answer was prepared."""
        self.prepared: Reply | None = None
        """The answer to the settled text, made before it is known that the person is done."""


class Ears:
    """The hearing of one call."""

    def __init__(
        self,
        voice_activity: VoiceActivity,
        speech_to_text: SpeechToText,
        phrases: Sequence[str],
        settings: VoicingSettings,
        now: Callable[[], float],
    ) -> None:
        self.voicing = Voicing(settings)
        self.utterance: Utterance | None = None
        self.usual_pause_ms = 0.0
        self._vad = voice_activity
        self._stt = speech_to_text
        self._phrases = phrases
        self._now = now
        self._preroll: deque[bytes] = deque(maxlen=PREROLL_FRAMES)

    def hear(self, frame: Frame) -> None:
        """Take the next 20 ms. Afterwards `voicing` and `utterance` tell of the present."""
        silence_ms = self.voicing.silence_ms
        self.voicing.receive(self._vad.probability(frame.pcm))
        self._preroll.append(frame.pcm)
        if self.utterance is None:
            return
        if self.voicing.voiced:
            self.utterance.stopwatch.restart()
            self._note_pause(silence_ms)
        if self.utterance.transcription is not None:
            self.utterance.transcription.feed(frame.pcm)

    def open(self, number: int, on_partial: Callable[[Utterance], None]) -> Utterance:
        """Begin utterance `number` with what was heard just before. `on_partial` is told of new words."""

        def partial(text: str) -> None:
            if not utterance.settled:
                utterance.text = text
                on_partial(utterance)

        transcription = self._stt.listen(self._phrases, partial)
        utterance = self.utterance = Utterance(number, transcription, Stopwatch(self._now))
        transcription.feed(b"".join(self._preroll))
        return utterance

    def rest(self) -> None:
        """The utterance is over; the next voice begins another."""
        self.utterance = None
        self._preroll.clear()
        self.voicing.rest()

    def _note_pause(self, silence_ms: int) -> None:
        """The person has gone on after `silence_ms`; pauses of a consonant's length are none."""
        if silence_ms >= 100:
            change = PAUSES_SMOOTHING * (silence_ms - self.usual_pause_ms)
            self.usual_pause_ms = self.usual_pause_ms + change if self.usual_pause_ms else float(silence_ms)
