"""Calls in which languages matter: an agent with other fields, and what was spoken and expected in which language."""

from dataclasses import replace
from typing import Any

from server.agent.voice_agent import VoiceAgent
from server.call.mind.language import LanguageOfCall
from server.call.options import CallOptions
from server.call.setup import CallSetup, Engines
from tests.fakes.engines import EnergyVad, LetterSpeechToText, SteadyTextToSpeech
from tests.fakes.mind import Mind
from tests.fakes.people import Caller

ENGLISH = "good morning everybody"
GERMAN = "guten morgen zusammen"
TELLS = {"morning": "en", "morgen": "de", "matin": "fr"}


class Speaker(Mind):
    """A mind whose agent has other fields."""

    def __init__(self, **fields: Any) -> None:
        super().__init__()
        self.fields = fields

    def agent(self, greeting: str = "") -> VoiceAgent:
        return replace(super().agent(greeting), **self.fields)


def spoken(caller: Caller) -> list[tuple[str, str, str]]:
    """The texts that were spoken, each with its voice and its language."""
    return [(text, *how) for text, how in zip(caller.tts.said, caller.tts.manners, strict=True)]


def told(caller: Caller) -> list[str]:
    return [language for _, language in caller.stt.asked]


def hearing_two() -> LetterSpeechToText:
    return LetterSpeechToText(tells=TELLS)


def lexicon(caller: Caller) -> object:
    return caller.session.dialogue.language.lexicon


def language_of(
    agent: VoiceAgent, options: CallOptions, recorded: str = "", **known: tuple[str, ...]
) -> LanguageOfCall:
    stt = LetterSpeechToText(languages=known.get("heard", ("en", "de", "fr")))
    tts = SteadyTextToSpeech(languages=known.get("spoken", ("en", "de", "fr")))
    return LanguageOfCall(CallSetup(agent, None, Engines(stt, tts, EnergyVad()), options=options), recorded)
