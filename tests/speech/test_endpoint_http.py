"""The client of an endpoint model behind HTTP: what it sends, and a server that is slow or wrong."""

import asyncio

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from server.errors import ConfigError
from server.speech.endpoint_http import EndpointServer
from tests.voices import silence

KEY = "sk-nobody-may-see-this"


async def judged(answer: web.Response | None, pcm: bytes = silence(10.0)) -> tuple[float | None, web.Request]:
    """What a call is told when the server answers so (None: never), and the request."""
    requests: list[web.Request] = []
    sizes: list[int] = []

    async def turn(request: web.Request) -> web.Response:
        requests.append(request)
        sizes.append(len(await request.read()))
        if answer is None:
            await asyncio.sleep(10)
        assert answer is not None
        return answer

    app = web.Application()
    app.router.add_post("/v1/audio/turn", turn)
    async with TestServer(app) as server:
        model = EndpointServer(str(server.make_url("/v1")), KEY, 5.0 if answer is not None else 0.2)
        told: asyncio.Future[float | None] = asyncio.get_running_loop().create_future()
        model.judge(pcm, told.set_result)
        assert model.waiting == 1
        found = await told
        await model.close()
        await model.close()
    assert sizes == [8 * 32_000], "the last 8 s"
    return found, requests[0]


async def test_a_judgement_is_asked_for() -> None:
    """The last 8 s are sent as PCM, with the key."""
    found, request = await judged(web.json_response({"probability": 0.25}))
    assert found == 0.25
    assert request.headers["Content-Type"] == "audio/pcm;rate=16000"
    assert request.headers["Authorization"] == f"Bearer {KEY}"


@pytest.mark.parametrize(
    "answer",
    [
        web.json_response({"probability": 7}),
        web.json_response({"probability": None}),
        web.json_response([]),
        web.Response(text="{"),
        web.Response(text="x" * 10_000),
        web.Response(status=503),
    ],
    ids=["range", "null", "list", "json", "long", "busy"],
)
async def test_a_server_that_is_wrong_is_no_judge(answer: web.Response, caplog: pytest.LogCaptureFixture) -> None:
    """The pause is judged without the model, and that is logged, without the key."""
    found, _request = await judged(answer)
    assert found is None
    (record,) = caplog.records
    assert "calls go on without its judgement" in record.message
    assert KEY not in record.message


async def test_a_server_that_is_slow_is_no_judge() -> None:
    """Nobody waits longer than the deadline."""
    found, _request = await judged(None)
    assert found is None


def test_an_address_has_to_be_http() -> None:
    """Anything else is a mistake in the settings."""
    with pytest.raises(ConfigError, match="does not begin with http"):
        EndpointServer("tcp://127.0.0.1:9")
