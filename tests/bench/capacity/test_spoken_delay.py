"""The bench of the server's own share beside a speech-to-speech model."""

import pytest
from aiohttp.test_utils import TestServer

from bench.capacity import spoken_delay


async def test_the_parts_of_a_turn_are_measured(monkeypatch: pytest.MonkeyPatch) -> None:
    """The request comes after the commit, and the packet after the sound."""
    monkeypatch.setenv("OPENAI_API_KEY", "")
    monkeypatch.setattr(spoken_delay, "QUESTION", "hello")
    monkeypatch.setattr(spoken_delay, "ANSWER", "Yes.")
    async with TestServer(spoken_delay.application(), host="127.0.0.1") as provider:
        [turn], stops = await spoken_delay.talk(str(provider.make_url("")).rstrip("/"), turns=1, stops=0)
    assert stops == []
    assert turn.to_model > 0
    assert turn.to_packet > 0
