"""The names by which clients ask for models and voices: our own, and OpenAI's for clients that know no others."""

from collections.abc import Sequence
from dataclasses import dataclass

from server.cluster.speech.asked import Voice
from server.errors import NotFound, PeerError
from server.speech.languages import lookup

SPEECH_TO_TEXT = ("whisper-1", "gpt-4o-transcribe", "gpt-4o-mini-transcribe")
VOICES = "piper"
"""The name of the model that has all voices."""
TEXT_TO_SPEECH = (VOICES, "tts-1", "tts-1-hd", "gpt-4o-mini-tts")
"""What clients of OpenAI call a model when they have not been told another name."""
OPENAI_VOICES = frozenset("alloy ash ballad cedar coral echo fable marin nova onyx sage shimmer verse".split())
"""OpenAI's voices. The default voice speaks in their place."""


@dataclass(frozen=True, slots=True)
class Names:
    """The names of the models that are served; "" for those that are not."""

    speech_to_text: str = ""
    voices: tuple[str, ...] = ()
    endpoint: str = ""

    def own(self, name: str) -> str:
        """What we call the model that a client calls `name`."""
        if name in SPEECH_TO_TEXT:
            return self.speech_to_text
        return VOICES if name in (*TEXT_TO_SPEECH, *self.voices) else name

    def check_speech_to_text(self, name: str) -> None:
        """Raises NotFound when no such model is served."""
        if not self.speech_to_text or name not in (self.speech_to_text, *SPEECH_TO_TEXT):
            raise NotFound(f"There is no speech-to-text model {name!r} here{_else(self.speech_to_text)}.")

    def check_text_to_speech(self, name: str) -> None:
        """Raises NotFound when no such model is served."""
        if not self.voices or name not in (*TEXT_TO_SPEECH, *self.voices):
            raise NotFound(f"There is no text-to-speech model {name!r} here{_else(VOICES if self.voices else '')}.")


def _else(name: str) -> str:
    return f"; there is {name!r}" if name else ""


def voice_for(name: str, voices: Sequence[Voice]) -> tuple[Voice, str]:
    """The voice that a client calls `name`, and its speaker, "" if it has only one.

    A voice is called by its name, by a language that it speaks, or by the name of a speaker. Raises PeerError.
    """
    if not name or name in OPENAI_VOICES:
        return voices[0], ""
    for voice in voices:
        if name == voice.name:
            return voice, ""
        if name in voice.speakers:
            return voice, name
    spoken = lookup(name, [tag for voice in voices for tag in voice.languages])
    for voice in voices:
        if spoken in voice.languages:
            return voice, ""
    raise PeerError(f"There is no voice {name!r} here; there are: {', '.join(voice.name for voice in voices)}.")
