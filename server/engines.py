"""What speech engines of both kinds need: workers, values of a list, checks. And the endpoint model.

With app.py, choices.py, speech_to_text.py and text_to_speech.py this file is the composition root: they alone name
concrete engines and stores.
"""

from collections.abc import Callable, Sequence
from contextlib import AsyncExitStack
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from server.config import Settings
from server.errors import ConfigError
from server.speech.endpoint_http import EndpointServer
from server.speech.endpoint_worker import EndpointWorkers
from server.speech.fallbacks import Candidate
from server.speech.languages import lookup
from server.speech.local_engines import LocalEngine
from server.speech.models.catalogue import Kind
from server.speech.models.disk import find
from server.speech.protocols import EndpointModel, SpeechToText, TextToSpeech
from server.speech.supervisor import Supervisor
from server.telemetry.monitor import Monitor

T = TypeVar("T", SpeechToText, TextToSpeech)

Print = Callable[[str], None]
"""A function that shows a line to the operator, such as `print`."""

ENDPOINT_ENGINE = "smart_turn"
"""The engine of endpoint models. Calls go on without it, so the server stays ready while it is replaced."""


async def endpoint_model(
    settings: Settings, stack: AsyncExitStack, say: Print, monitor: Monitor
) -> EndpointModel | None:
    """Start Smart Turn if its file is on disk, or connect to the server that the settings name. The stack closes it.

    None when there is no file: then only the words decide about the endpoint. Raises ConfigError when the file
    is not a Smart Turn model.
    """
    if settings.endpoint_model == "none":
        return None
    if settings.endpoint_model.startswith(("http://", "https://")):
        server = EndpointServer(settings.endpoint_model, settings.endpoint_api_key.get_secret_value() or None)
        stack.push_async_callback(server.close)
        say(f"endpoint model  {settings.endpoint_model}")
        return server
    auto = settings.endpoint_model == "auto"
    path = find(settings.models_dir, "smart-turn") if auto else Path(settings.endpoint_model)
    if path is None:
        return None
    engine = LocalEngine(ENDPOINT_ENGINE, path)
    model = EndpointWorkers([await worker(engine, settings, stack, monitor) for _ in range(settings.endpoint_workers)])
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
    missed = [
        f"no {kind}"
        for kind, wish in wishes.items()
        if "auto" in wish.split(",") and not find(settings.models_dir, kind)
    ]
    better = f"{', '.join(missed)} in {settings.models_dir}; calls go better with them: antiphon models pull"
    return f"models          {better}" if missed else ""


def titles(engines: list[LocalEngine]) -> str:
    """The local engines for the operator."""
    first, *others = (engine.title for engine in engines)
    return f"{first}; for other languages {', '.join(others)}" if others else first


def listed(value: str) -> list[str]:
    """The engines that ANTIPHON_STT or ANTIPHON_TTS names, the best one first. Raises ConfigError."""
    names = [name.strip() for name in value.split(",")]
    if not all(names):
        raise ConfigError(f"{value!r} is no list of speech engines: there is an empty name in it")
    return names


def value_for(value: str, number: int, count: int) -> str:
    """What a setting says to engine `number` of `count`. With several, the setting is a list in the same order."""
    if count == 1:
        return value
    values = value.split(",")
    return values[number].strip() if number < len(values) else ""


def distinct(chosen: Sequence[Candidate[T]]) -> list[Candidate[T]]:
    """The same engines; the second one with the same name gets a number behind it, as openai 2."""
    names = [candidate.name for candidate in chosen]
    counts = [names[:at].count(name) + 1 for at, name in enumerate(names)]
    return [
        replace(each, name=f"{each.name} {count}", model=each.model and f"{each.model} {count}") if count > 1 else each
        for each, count in zip(chosen, counts, strict=True)
    ]


def is_own(name: str) -> bool:
    """Whether the name of an engine is path/to/file.py:name."""
    return ".py:" in name


async def worker(engine: LocalEngine, settings: Settings, stack: AsyncExitStack, monitor: Monitor) -> str:
    """Start a worker process that hosts the engine; returns its URI. Raises ConfigError."""
    model, options = str(engine.model) if engine.model else None, _options(engine.name, settings)
    supervisor = Supervisor(engine.name, model, options=options, log_format=settings.log_format)
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


def needed(value: str, engine: str, name: str) -> str:
    """The value of the setting by that name. Raises ConfigError when it is empty."""
    if not value:
        raise ConfigError(f"the engine {engine} needs {name}")
    return value
