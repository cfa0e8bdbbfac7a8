"""Ears: the frames of the caller become a voice, and the pauses in it.

They keep what was heard just before a voice was noticed, so that no word loses its beginning.
"""

from collections import deque
from typing import Protocol

from server.call.ears.echo import Echo
from server.call.ears.nearness import Nearness
from server.call.ears.stirring import Stirring
from server.call.ears.voicing import Voicing, VoicingSettings
from server.call.turns.judge import HeardVoice
from server.call.turns.sound import Sound
from server.media.frame import FRAME_MS, Frame
from server.speech.protocols import EndpointModel, VoiceActivity

PREROLL_FRAMES = 400 // FRAME_MS
"""How much sound from before the voice an utterance begins with. VAD is about 100 ms late, words begin softly, and
speech-to-text wants a little silence in front."""
ECHO_MS = 1_000
"""Echo ends half a second after the agent was ducked. A sound that lasts longer than this is not echo."""


class Listener(Protocol):
    """Takes the sound of the present utterance."""

    def hear(self, pcm: bytes, voiced: bool) -> None:
        """The next frame, or several frames at once, of 16 kHz PCM; `voiced`: there is a voice in it."""


class Ears:
    """The hearing of one call."""

    def __init__(
        self,
        voice_activity: VoiceActivity,
        settings: VoicingSettings,
        pause_ms: int,
        endpoint_model: EndpointModel | None = None,
    ) -> None:
        self.pause_ms = pause_ms
        """A silence of this length is a pause, at which the sound of the voice is judged."""
        self.voicing = Voicing(settings)
        self.echo = Echo()
        """Knows the agent's own voice in what is heard. That voice opens no utterance, and is silence inside one."""
        self.nearness = Nearness()
        """Knows voices that are much farther away than the caller. They count as silence."""
        self.sound = Sound(endpoint_model)
        self._settings = settings
        self._vad = voice_activity
        self._listener: Listener | None = None
        self._stirring = Stirring()
        self._preroll: deque[bytes] = deque(maxlen=PREROLL_FRAMES)
        self._maybe_echo = False
        """The present utterance began when no echo was known, and not long ago."""

    def hear(self, frame: Frame, agents_turn: bool = False) -> None:
        """Take the next 20 ms. Afterwards `voicing` and `voice` describe the present."""
        probability = self._vad.probability(frame.pcm)
        voiced = probability >= self._settings.stop_probability
        own = self.echo.hear(frame.pcm, voiced)
        far = self.nearness.hear(frame.pcm, voiced and not own, agents_turn)
        self.voicing.receive(0.0 if own or far else probability)
        self._preroll.append(frame.pcm)
        self.sound.hear(frame.pcm, self.voicing.voiced, self.voicing.active)
        if self._listener is None:
            return
        if self.echo.path is None and self.voicing.active_ms > ECHO_MS:
            self._maybe_echo = False
        self._listener.hear(frame.pcm, self.voicing.voiced)

    def listen(self, listener: Listener) -> None:
        """An utterance begins: `listener` gets what was heard just before, and all that follows until `rest`."""
        self._listener = listener
        self._maybe_echo = self.echo.path is None
        self.nearness.begin()
        listener.hear(b"".join(self._preroll), voiced=True)

    def rest(self) -> None:
        """The utterance is over. The next voice begins another one."""
        self._listener = None
        for _ in range(max(0, len(self._preroll) - self.voicing.silence_ms // FRAME_MS)):
            self._preroll.popleft()  # it belongs to the utterance that is over
        self.voicing.rest()
        self.nearness.rest()
        self.sound.rest()

    def reconnect(self) -> None:
        """The sound now comes from a new connection. An utterance that the loss cut off goes on."""
        self._preroll.clear()
        self._vad.reset()
        self.echo, self.nearness = Echo(), Nearness()

    @property
    def pausing(self) -> bool:
        """The caller has been silent for long enough to ask whether the caller is done."""
        return not self.voicing.voiced and self.voicing.silence_ms >= self.pause_ms

    @property
    def voice(self) -> HeardVoice:
        """How the present utterance sounds at this frame."""
        voicing = self.voicing
        return HeardVoice(
            voicing.voiced,
            voicing.active_ms,
            voicing.voiced_ms,
            voicing.silence_ms,
            self._maybe_echo and self.echo.path is not None,
            self.sound.over if self.pausing else None,
            self.sound.judging,
        )

    def stirs(self, pcm: bytes) -> bool:
        """Whether the caller may be about to speak over the agent, by the 20 ms that were heard last."""
        return self._stirring.hear(pcm, self.voicing.voiced, echoes=self.echo.path is not None)
