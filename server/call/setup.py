"""Engines: what a call hears, thinks and speaks with."""

from dataclasses import dataclass

from pydantic_ai.models import Model

from server.speech.protocols import SpeechToText, TextToSpeech, TurnModel, VoiceActivity


@dataclass(frozen=True, slots=True)
class Engines:
    """Of one call; what they are made of is shared by all calls."""

    speech_to_text: SpeechToText
    text_to_speech: TextToSpeech
    voice_activity: VoiceActivity
    turn_model: TurnModel | None = None
    """None leaves it to words and cadence whether the person is done."""
    model: Model | None = None
    """None leaves the agent its own."""
