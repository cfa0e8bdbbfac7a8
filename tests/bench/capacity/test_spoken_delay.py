"""The bench of the server's own share beside a speech-to-speech model."""

from aiohttp.test_utils import TestServer

from bench.capacity import spoken_delay


async def test_the_parts_of_a_turn_are_measured() -> None:
    """Both parts of an answer take some time, and less than the answer."""
    async with TestServer(spoken_delay.application(), host="127.0.0.1") as provider:
        [turn], stops = await spoken_delay.talk(str(provider.make_url("")).rstrip("/"), turns=1, stops=0)
    assert stops == []
    assert 0 < turn.to_model < 5_000
    assert 0 < turn.to_packet < 5_000
