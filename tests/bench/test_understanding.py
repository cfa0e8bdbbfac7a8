"""The bench of understanding: what it makes of words that are known."""

from collections.abc import Sequence
from pathlib import Path

import pytest

from bench.understanding import Sample, figures, hear, recorded
from tests.bench.recordings import write_utterances
from tests.voices import hum

TONE = hum([120] * 50)


class Scripted:
    """A SpeechToTextEngine that hears the same words in every sound."""

    languages: Sequence[str] = ("en",)

    def __init__(self, words: str) -> None:
        self._words = words

    def start(self, phrases: Sequence[str], language: str) -> "Scripted":
        return self

    def feed(self, pcm: bytes) -> str | None:
        return None

    def finish(self) -> str:
        return self._words

    def discard(self) -> None:
        pass


@pytest.mark.parametrize(
    ("group", "said", "heard", "understood", "wrong"),
    [
        ("request", "what is seven times eight", "What's 7 times 8?", True, 2),
        ("request", "what is seven times eight", "What is 7 times 18?", False, 1),
        ("other", "ten of spades", "10 of spades.", True, 0),
        ("other", "ten of spades", "When do you close?", False, 4),
    ],
)
def test_a_request_is_understood_by_what_the_agent_does(
    group: str, said: str, heard: str, understood: bool, wrong: int
) -> None:
    """A wrong word does no harm if the agent does the same. What it can't help with must be refused."""
    result = hear(Scripted(heard), (), Sample(group, "ann", "", said, TONE))
    assert (result.understood, result.errors.wrong) == (understood, wrong)


def test_figures_are_by_group_and_by_voice() -> None:
    """The share of wrong words is of all words, and the share of exact sentences of all sentences."""
    samples = [Sample("other", "ann", "", "ten of spades", TONE), Sample("other", "bob", "", "go on", TONE)]
    found = figures([hear(Scripted("ten of spades"), (), sample) for sample in samples])
    assert found["other"] == {
        "n": 2,
        "understood": 2,
        "understood_percent": 100.0,
        "words": 5,
        "word_error_percent": 60.0,
        "exact_percent": 50.0,
    }
    assert [found["by_voice"][name]["exact_percent"] for name in ("ann", "bob")] == [100.0, 0.0]


def test_recordings_are_requests_or_not(tmp_path: Path) -> None:
    """What the demo agent can help with is a request. All else is for it to refuse. The set stands for the voice."""
    entries = [
        {"id": "a", "text": "where is my order", "set": "calls", "speaker": "ann"},
        {"id": "b", "text": "go forward ten meters", "set": "robot", "speaker": "bob"},
    ]
    write_utterances(tmp_path, entries, [TONE, TONE])
    found = list(recorded(tmp_path, "all"))
    assert [(one.group, one.voice, one.name) for one in found] == [("request", "calls", "a"), ("other", "robot", "b")]
    assert all(len(one.pcm) > len(TONE) for one in found)
