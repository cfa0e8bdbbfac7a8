"""The order in which a replica of Whisper answers, with the real model and without Ray."""

import asyncio
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

import pytest

from bench.speech.recordings import utterances
from server.cluster.speech.asked import Busy, Failed, Utterance, Words
from server.cluster.speech.recognizer import MOST_DRAFTS, Recognizer
from server.errors import ConfigError
from tests.real_models import real_model
from tests.started import ROOT

PEOPLE = ROOT / "bench" / "recordings" / "people"


@pytest.fixture(scope="module")
def sounds() -> Sequence[bytes]:
    """Short utterances of people."""
    return [clip.pcm for clip in utterances(PEOPLE) if clip.name.startswith("osr")]


@contextmanager
def whisper(batch: int) -> Iterator[Recognizer]:
    replica = Recognizer("whisper", str(real_model("whisper", "tiny.en")), {"batch": batch})
    yield replica
    replica.close()


async def test_final_words_come_before_drafts(sounds: Sequence[bytes]) -> None:
    """Final words overtake the drafts that were asked for before them."""
    order: list[str] = []

    async def ask(replica: Recognizer, kind: str, pcm: bytes) -> Words | Failed | Busy:
        found = await replica.hear(Utterance(pcm, "en", draft=kind == "draft"))
        order.append(kind)
        return found

    with whisper(batch=1) as replica:
        drafts = [ask(replica, "draft", pcm) for pcm in sounds[:4]]
        found = await asyncio.gather(*drafts, *(ask(replica, "final", pcm) for pcm in sounds[:4]))
        assert (await replica.counts()).drafts == 4
    assert order == ["final"] * 4 + ["draft"] * 4
    assert found[:4] == found[4:], "a draft of the whole sound has the same words"


async def test_drafts_take_no_more_than_their_places(sounds: Sequence[bytes]) -> None:
    """Too many of them are refused at once, so that they cannot fill the queue."""
    draft = Utterance(sounds[0], "en", draft=True)
    with whisper(batch=8) as replica:
        found = await asyncio.gather(*(replica.hear(draft) for _ in range(MOST_DRAFTS + 2)))
    assert [type(each) for each in found] == [Words] * MOST_DRAFTS + [Busy] * 2


@pytest.mark.parametrize("batch", [1, 4])
async def test_a_go_has_no_more_than_a_batch(sounds: Sequence[bytes], batch: int) -> None:
    """All utterances get the words that they get alone, in goes of at most a batch."""
    with whisper(batch) as replica:
        alone = [await replica.hear(Utterance(pcm, "en")) for pcm in sounds[:4]]
        together = await asyncio.gather(*(replica.hear(Utterance(pcm, "en")) for pcm in sounds[:4]))
        counts = await replica.counts()
    assert list(together) == alone
    assert max(counts.together) == batch


async def test_words_that_nobody_wants_are_not_looked_for(sounds: Sequence[bytes]) -> None:
    """A client that leaves makes room for the others."""
    with whisper(batch=1) as replica:
        left = [asyncio.create_task(replica.hear(Utterance(pcm, "en")), name="left") for pcm in sounds[1:]]
        await asyncio.sleep(0)
        for task in left:
            task.cancel()
        await asyncio.wait(left)
        assert isinstance(await replica.hear(Utterance(sounds[0], "en")), Words)
        assert (await replica.counts()).finals <= 2, "the first of the others may have been begun"


def test_a_model_that_is_not_there_is_told(tmp_path: Path) -> None:
    """A replica without its model does not start."""
    with pytest.raises(ConfigError, match="cannot load a Whisper model"):
        Recognizer("whisper", str(tmp_path), {})
