"""What authors of speech engines import: `from antiphon.speech import Pcm, SpeechToText`. See docs/engines.md."""

from server.errors import EngineError
from server.speech.protocols import ANYBODY, Asker, Pcm, SpeechStream, SpeechToText, TextToSpeech

__all__ = ["ANYBODY", "Asker", "EngineError", "Pcm", "SpeechStream", "SpeechToText", "TextToSpeech"]
