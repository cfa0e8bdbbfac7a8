"""Finds which of an engine's languages and voices serves the language that a call has chosen. Languages are tags
(BCP 47)."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass


def lookup(wanted: str, known: Iterable[str]) -> str | None:
    """The tag in `known` that serves `wanted`, spelled as in `known`; None when no tag does.

    This is the lookup of RFC 4647, section 3.4: `de` serves `de-AT`. When the wanted region is missing, another region
    of the same language serves too: `en_US` serves `en-GB`.
    """
    tags = {tag.lower().replace("_", "-"): tag for tag in known}
    parts = wanted.lower().split("-")
    for length in range(len(parts), 0, -1):
        if (tag := "-".join(parts[:length])) in tags:
            return tags[tag]
    return next((tag for plain, tag in tags.items() if plain.split("-")[0] == parts[0]), None)


_NAMES = {
    "arabic": "ar", "bulgarian": "bg", "catalan": "ca", "chinese": "zh", "croatian": "hr", "czech": "cs",
    "danish": "da", "dutch": "nl", "english": "en", "finnish": "fi", "french": "fr", "german": "de", "greek": "el",
    "hebrew": "he", "hindi": "hi", "hungarian": "hu", "indonesian": "id", "italian": "it", "japanese": "ja",
    "korean": "ko", "norwegian": "no", "persian": "fa", "polish": "pl", "portuguese": "pt", "romanian": "ro",
    "russian": "ru", "slovak": "sk", "spanish": "es", "swedish": "sv", "thai": "th", "turkish": "tr", "ukrainian": "uk",
    "urdu": "ur", "vietnamese": "vi",
}  # fmt: skip


def tag_of(name: str) -> str:
    """The tag of a language that a server calls by its tag or by its English name, as OpenAI does; else the name."""
    return _NAMES.get(name.lower(), name)


@dataclass(frozen=True, slots=True)
class Voice:
    """A voice of a text-to-speech engine, and the languages that it speaks."""

    name: str
    languages: tuple[str, ...]


def choose_voice(language: str, wish: str, voices: Sequence[Voice]) -> str | None:
    """The name of the voice for `language`: the voice `wish` if it speaks the language, else the first voice that does.

    None when no voice speaks the language. A wish may have a variant after a plus sign, as "de+f3" for eSpeak.
    """
    wished = [voice for voice in voices if voice.name == wish.partition("+")[0]]
    if lookup(language, _tags(wished)) is not None:
        return wish
    tag = lookup(language, _tags(voices))
    return next((voice.name for voice in voices if tag in voice.languages), None)


def _tags(voices: Iterable[Voice]) -> list[str]:
    return [tag for voice in voices for tag in voice.languages]
