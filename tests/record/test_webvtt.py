from pathlib import Path

import av
import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.record.conversation import Conversation, Exchange, Said
from server.record.webvtt import webvtt
from tests.conversations import START_MS, conversation


def captioned(*said: Said, agent: str = "Riverside Books") -> str:
    return webvtt(Conversation("one", agent, START_MS, START_MS, exchanges=(Exchange(said),)))


def test_a_conversation_becomes_captions() -> None:
    """Each thing that was said is a cue with its times and its speaker."""
    assert webvtt(conversation(exchanges=1)) == (
        "WEBVTT\n"
        "\n"
        "00:00:00.000 --> 00:00:01.500\n"
        "<v Caller>Where is my order? Ça va &lt;b&gt;&amp;</v>\n"
        "\n"
        "00:00:02.000 --> 00:00:02.700\n"
        "<v Riverside Books>It was</v>\n"
    )


def test_a_conversation_without_words_has_no_cues() -> None:
    """An empty conversation is valid WebVTT; so is an exchange in which nothing was heard."""
    assert captioned() == captioned(Said("agent", " ", 0, 10)) == "WEBVTT\n"


def test_cues_are_in_the_order_of_time() -> None:
    """Cues are sorted by their start, even when the exchanges have another order, as after an interruption."""
    text = captioned(Said("agent", "late", 3_723_004, 3_724_000), Said("caller", "soon", 5, 5))
    assert text.index("soon") < text.index("late")
    assert "00:00:00.005 --> 00:00:00.006" in text
    assert "01:02:03.004 --> 01:02:04.000" in text


@pytest.mark.parametrize("text", ["a\n\nb", "a --> b", "</v><b>", "&lt;", "a\r\nb\0c", "\x1b[2J\x9b2J"])
def test_words_cannot_end_their_cue(text: str) -> None:
    """No words become markup or another cue."""
    cue = captioned(Said("caller", text, 0, 1_000), agent=text).splitlines()
    assert len(cue) == 4
    assert cue[3].count("<") == cue[3].count(">") == 2
    assert cue[3].isprintable()


@given(st.lists(st.tuples(st.text(), st.integers(0, 10**8), st.integers(0, 10**4)), max_size=5), st.text())
def test_any_words_become_captions(said: list[tuple[str, int, int]], agent: str) -> None:
    """The file has a header and one cue of two lines for each thing that was said, whatever the words are."""
    text = captioned(*(Said("agent", words, start, start + ms) for words, start, ms in said), agent=agent)
    blocks = text.removesuffix("\n").split("\n\n")
    assert blocks[0] == "WEBVTT"
    assert len(blocks) - 1 == len([words for words, _, _ in said if words.replace("\0", "").split()])
    assert all(len(block.split("\n")) == 2 for block in blocks[1:])
    assert all("-->" not in block.split("\n")[1] for block in blocks[1:])


def test_another_program_reads_it(tmp_path: Path) -> None:
    """FFmpeg reads each cue with its times."""
    path = tmp_path / "one.vtt"
    path.write_text(webvtt(conversation(exchanges=2)), encoding="utf-8")
    with av.open(str(path)) as container:
        packets = [packet for packet in container.demux(subtitles=0) if packet.size]
    assert [(packet.pts, packet.duration) for packet in packets] == [
        (0, 1_500), (2_000, 700), (4_000, 1_500), (6_000, 700),
    ]  # fmt: skip
    assert bytes(packets[1]) == b"<v Riverside Books>It was</v>"
