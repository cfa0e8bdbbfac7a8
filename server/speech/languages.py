"""Languages by their tags (BCP 47): which of those that an engine knows serves the one that a call has chosen."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass


def lookup(wanted: str, known: Iterable[str]) -> str | None:
    """The tag in `known` that serves `wanted`, as it is written there; None when the language is not known.

    The lookup of RFC 4647, section 3.4: `de-AT` is served by `de`. A region is a wish: where there is only another one
    of the same language, that serves too, `en-GB` by `en_US`.
    """
    tags = {tag.lower().replace("_", "-"): tag for tag in known}
    parts = wanted.lower().split("-")
    for length in range(len(parts), 0, -1):
        if (tag := "-".join(parts[:length])) in tags:
            return tags[tag]
    return next((tag for plain, tag in tags.items() if plain.split("-")[0] == parts[0]), None)


@dataclass(frozen=True, slots=True)
class Voice:
    """A voice of a text-to-speech engine, and what it speaks."""

    name: str
    languages: tuple[str, ...]


def choose_voice(language: str, wish: str, voices: Sequence[Voice]) -> str | None:
    """The name of the voice for `language`: the one wished for if it speaks that, else the first; None without any.

    A wish may have a variant after a plus, as eSpeak's "de+f3".
    """
    wished = [voice for voice in voices if voice.name == wish.partition("+")[0]]
    if lookup(language, _tags(wished)) is not None:
        return wish
    tag = lookup(language, _tags(voices))
    return next((voice.name for voice in voices if tag in voice.languages), None)


def _tags(voices: Iterable[Voice]) -> list[str]:
    return [tag for voice in voices for tag in voice.languages]
