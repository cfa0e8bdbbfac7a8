"""The speech engines that the settings choose: started here, and closed by a stack.

With app.py and choices.py this file is the composition root: they alone name concrete engines and stores.
"""

from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from pathlib import Path

from server.config import Settings
from server.errors import ConfigError
from server.speech.by_language import SpeechToTextByLanguage, TextToSpeechByLanguage
from server.speech.endpoint_worker import EndpointWorkers
from server.speech.languages import lookup
from server.speech.local_engines import LocalEngine, speech_to_text_engines, text_to_speech_engines
from server.speech.models.catalogue import Kind
from server.speech.models.disk import find
from server.speech.openai_http import OpenAIServer, OpenAISpeechToText, OpenAITextToSpeech
from server.speech.pool import SpeechToTextPool
from server.speech.protocols import EndpointModel, SpeechToText, TextToSpeech
from server.speech.supervisor import Supervisor
from server.speech.wyoming_stt import WyomingSpeechToText
from server.speech.wyoming_tts import WyomingTextToSpeech
from server.telemetry.monitor import Monitor
from server.telemetry.watched_engines import WatchedSpeechToText, WatchedTextToSpeech

Print = Callable[[str], None]
"""A function that shows a line to the operator, such as `print`."""

ENDPOINT_ENGINE = "smart_turn"
"""The engine of endpoint models. Calls go on without it, so the server stays ready while it is replaced."""


async def speech_to_text(
    settings: Settings, language: str, stack: AsyncExitStack, say: Print, monitor: Monitor
) -> SpeechToText:
    """Start the speech-to-text engines that the settings name. The stack closes them. Raises ConfigError.

    `language` is the one of most calls (BCP 47), or "auto" if it is detected.
    """
    name = settings.stt
    engines: list[SpeechToText]
    if name == "openai":
        address = _needed(settings.stt_url, "ANTIPHON_STT_URL")
        server = OpenAIServer(address, settings.stt_api_key.get_secret_value() or None)
        hosted = OpenAISpeechToText(server, model=settings.stt_model or "whisper-1", languages=settings.stt_languages)
        stack.push_async_callback(hosted.close)
        engines = [hosted]
    elif name.startswith("tcp://"):
        model = settings.stt_model or None
        engines = [await _learned(WyomingSpeechToText(name, model=model, languages=settings.stt_languages), stack)]
    elif here := speech_to_text_engines(name, settings.models_dir, settings.stt_model, language):
        name = _titles(here)
        engines = [await _workers(each, settings, stack, monitor) for each in here]
    else:
        raise ConfigError(f"ANTIPHON_STT: there is no speech-to-text engine {name!r}")
    say(f"speech-to-text  {name}")
    return WatchedSpeechToText(SpeechToTextByLanguage(engines), monitor.watch("speech-to-text"))


async def _workers(
    engine: LocalEngine, settings: Settings, stack: AsyncExitStack, monitor: Monitor
) -> SpeechToTextPool:
    """The engine in as many processes as the settings say."""
    uris = [await _worker(engine, settings, stack, monitor) for _ in range(settings.stt_workers)]
    return SpeechToTextPool([await _learned(WyomingSpeechToText(uri), stack) for uri in uris])


async def _learned(client: WyomingSpeechToText, stack: AsyncExitStack) -> WyomingSpeechToText:
    """The client, after it has asked its server for the languages. The stack closes it."""
    stack.push_async_callback(client.close)
    await client.learn()
    return client


async def text_to_speech(
    settings: Settings, languages: Sequence[str], stack: AsyncExitStack, say: Print, monitor: Monitor
) -> TextToSpeech:
    """Start the text-to-speech engines that the settings name. The stack closes them. Raises ConfigError.

    `languages` are those of the agents (BCP 47).
    """
    name, voice = settings.tts, settings.tts_voice
    engines: list[OpenAITextToSpeech | WyomingTextToSpeech]
    if name == "openai":
        address = _needed(settings.tts_url, "ANTIPHON_TTS_URL")
        server = OpenAIServer(address, settings.tts_api_key.get_secret_value() or None)
        model = settings.tts_model or "gpt-4o-mini-tts"
        engines = [OpenAITextToSpeech(server, model=model, voice=voice or "alloy", languages=settings.tts_languages)]
    elif name.startswith("tcp://"):
        engines = [WyomingTextToSpeech(name, voice=voice, languages=settings.tts_languages)]
    elif here := text_to_speech_engines(name, settings.models_dir, settings.tts_model, languages):
        name = _titles(here)
        engines = [WyomingTextToSpeech(await _worker(each, settings, stack, monitor), voice=voice) for each in here]
    else:
        raise ConfigError(f"ANTIPHON_TTS: there is no text-to-speech engine {name!r}")
    for engine in engines:
        stack.push_async_callback(engine.close)
        if isinstance(engine, WyomingTextToSpeech):
            await engine.learn()
    say(f"text-to-speech  {name}")
    return WatchedTextToSpeech(TextToSpeechByLanguage(engines), monitor.watch("text-to-speech"))


async def endpoint_model(
    settings: Settings, stack: AsyncExitStack, say: Print, monitor: Monitor
) -> EndpointModel | None:
    """Start Smart Turn if its file is on disk. The stack closes it.

    None when there is no file: then only the words decide about the endpoint. Raises ConfigError when the file
    is not a Smart Turn model.
    """
    if settings.endpoint_model == "none":
        return None
    auto = settings.endpoint_model == "auto"
    path = find(settings.models_dir, "smart-turn") if auto else Path(settings.endpoint_model)
    if path is None:
        return None
    engine = LocalEngine(ENDPOINT_ENGINE, path)
    model = EndpointWorkers([await _worker(engine, settings, stack, monitor) for _ in range(settings.endpoint_workers)])
    stack.push_async_callback(model.close)
    say(f"endpoint model  {path.stem}")
    return model


def check_languages(language: str, speech_to_text: SpeechToText, text_to_speech: TextToSpeech) -> None:
    """Raises ConfigError when an agent's own `language` (BCP 47) is not heard or not spoken here.

    An engine that does not tell what it knows is believed to know it.
    """
    heard, spoken = speech_to_text.languages, text_to_speech.languages
    if heard and lookup(language, heard) is None:
        better = f"get a model that does: antiphon models pull --language {language}"
        raise ConfigError(f"the agent's language is {language}, which speech-to-text does not know here; {better}")
    if spoken and lookup(language, spoken) is None:
        better = "ANTIPHON_TTS=auto lets eSpeak NG speak it"
        raise ConfigError(f"the agent's language is {language}, which text-to-speech does not know here; {better}")


def advice(settings: Settings) -> str:
    """A line for the operator: which models would make calls better, and how to get them. "" when none is missed."""
    wishes: dict[Kind, str] = {"whisper": settings.stt, "piper": settings.tts, "smart-turn": settings.endpoint_model}
    missed = [f"no {kind}" for kind, wish in wishes.items() if wish == "auto" and not find(settings.models_dir, kind)]
    better = f"{', '.join(missed)} in {settings.models_dir}; calls go better with them: antiphon models pull"
    return f"models          {better}" if missed else ""


def _titles(engines: list[LocalEngine]) -> str:
    first, *others = (engine.title for engine in engines)
    return f"{first}; for other languages {', '.join(others)}" if others else first


async def _worker(engine: LocalEngine, settings: Settings, stack: AsyncExitStack, monitor: Monitor) -> str:
    """Start a worker process that hosts the engine; returns its URI. Raises ConfigError."""
    model, options = str(engine.model) if engine.model else None, _options(engine.name, settings)
    supervisor = Supervisor(engine.name, model, options=options)
    monitor.watch_worker(supervisor, needed=engine.name != ENDPOINT_ENGINE)
    await supervisor.start()
    stack.push_async_callback(supervisor.close)
    return supervisor.uri


def _options(engine: str, settings: Settings) -> dict[str, object]:
    """What the settings say about an engine in a worker, by the names of its arguments."""
    if engine == "whisper":
        return {
            "device": settings.stt_device,
            "precision": settings.stt_precision,
            "threads": settings.stt_threads,
        }
    return {"speed": settings.tts_speed} if engine in ("piper", "hibari", "espeak") else {}


def _needed(value: str, name: str) -> str:
    """The value of the setting by that name. Raises ConfigError when it is empty."""
    if not value:
        raise ConfigError(f"the engine openai needs {name}")
    return value
