"""Folders of recordings, as benches take them."""

from pathlib import Path

import pytest

from bench.speech.recordings import meetings, orders, utterances
from tests.bench.recordings import write_flac, write_utterances
from tests.voices import hum

TONE = hum([120] * 50)
ENTRIES = [
    {"id": "a", "text": "hello there", "set": "one", "speaker": "ann"},
    {"id": "b", "text": "goodbye", "set": "two", "speaker": "bob"},
]


def test_utterances_come_with_their_words(tmp_path: Path) -> None:
    """Each has its text, its set and its sound, as it was recorded."""
    write_utterances(tmp_path, ENTRIES, [TONE, 2 * TONE])
    found = list(utterances(tmp_path))
    assert [(clip.name, clip.kind, clip.text, clip.seconds) for clip in found] == [
        ("a", "one", "hello there", 1.0),
        ("b", "two", "goodbye", 2.0),
    ]
    assert found[0].pcm == TONE


def test_half_of_the_utterances_can_be_taken(tmp_path: Path) -> None:
    """Each speaker is in one half."""
    write_utterances(tmp_path, ENTRIES, [TONE, TONE])
    first, second = ([clip.name for clip in utterances(tmp_path, half)] for half in ("first", "second"))  # type: ignore[arg-type]
    assert sorted(first + second) == ["a", "b"]


def test_an_order_is_cut_to_its_speech(tmp_path: Path) -> None:
    """The silence before and after is left out. Without orders there are none."""
    assert list(orders(tmp_path)) == []
    (tmp_path / "orders.json").write_text('[{"id": "a", "speech_ms": [[100, 300], [400, 600]], "pauses_ms": [100]}]')
    write_flac(tmp_path / "orders" / "a.flac", TONE)
    assert [clip.seconds for clip in orders(tmp_path)] == [0.5]


def test_a_meeting_is_one_whose_speakers_are_known(tmp_path: Path) -> None:
    """Other files beside the meetings may be tests of other things, and a meeting may be missing."""
    write_flac(tmp_path / "meetings" / "talk.flac", TONE)
    write_flac(tmp_path / "meetings" / "noise.flac", TONE)
    lines = [f"SPEAKER {name} 1 0.1 0.5 <NA> <NA> ann <NA> <NA>\n" for name in ("talk", "talk", "elsewhere")]
    (tmp_path / "meetings" / "all.rttm").write_text("".join(lines))
    assert [clip.name for clip in meetings(tmp_path)] == ["talk"]


def test_a_folder_without_utterances_is_named(tmp_path: Path) -> None:
    """The bench ends with a sentence that names the folder."""
    with pytest.raises(SystemExit, match=f"no utterances.json in {tmp_path}"):
        list(utterances(tmp_path))
