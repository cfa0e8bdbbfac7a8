"""Calls by aiortc over loopback to a started server with the embedded engines."""

import asyncio
import contextlib
import os
import signal
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from aiohttp import ClientSession
from aiortc import RTCConfiguration, RTCPeerConnection

from tests.offers import HOST, audio, offer
from tests.phone import Phone, calling
from tests.socket_phone import SocketPhone
from tests.started import Started, started
from tests.voices import speak

ADMIN = {"Authorization": "Bearer a token of the admin"}


@pytest.fixture(scope="module")
def server() -> Iterator[Started]:
    with started(ANTIPHON_ADMIN_TOKEN="a token of the admin") as running:
        yield running


def workers(server: Started) -> dict[str, int]:
    """The process ids of the speech workers, by engine."""
    found = {}
    for pid in Path(f"/proc/{server.process.pid}/task/{server.process.pid}/children").read_text().split():
        arguments = Path(f"/proc/{pid}/cmdline").read_text().split("\0")
        found[arguments[arguments.index("--engine") + 1]] = int(pid)
    return found


async def ask(phone: Phone) -> dict[str, Any] | None:
    """Ask when the shop closes. None when no answer comes: the worker may have died while it worked on the request."""
    phone.microphone.say(speak("What time do you close on Saturday?", rate_hz=48_000))
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(18):
            return await phone.until(type="response", final=True, interrupted=False, tools=["opening_hours"])
    return None


async def test_the_figures_of_a_call_are_in_its_conversation(server: Started) -> None:
    """An operator reads how each exchange of a call went, also what the client has told after it: the stages, the
    tool, the engines and the model, and how the connection carried the sound. They are counted, too."""
    async with asyncio.timeout(50), ClientSession(server.url, headers=ADMIN) as http:
        known, counted = await found(http), await exchanges_by_webrtc(http)
        async with calling(f"{server.url}/api/offer") as phone:
            name = (await phone.until(type="session"))["session_id"]
            await phone.until(type="response", final=True)
            answer = await ask(phone)
            assert answer is not None
            phone.send(type="heard", reply=answer["reply"], gap_ms=750)
            phone.send(type="hangup")
            await phone.until(type="state", state="closed")
        exchanges: list[dict[str, Any]] = []
        for _ in range(50):
            body = await (await http.get(f"/api/conversations/{name}")).json()
            exchanges = body["exchanges"]
            if body["ended_ms"] is not None and exchanges[-1]["figures"].get("gap_ms"):
                break
            await asyncio.sleep(0.1)
        told = next(each["figures"] for each in exchanges if each["figures"]["reply"] == answer["reply"])
        assert (body["transport"], told["transport"], told["gap_ms"]) == ("webrtc", "webrtc", 750)
        assert 0 < told["endpoint_ms"] <= told["first_packet_ms"]
        assert told["first_token_ms"] <= told["first_packet_ms"]
        assert (told["speech_to_text"], told["text_to_speech"]) == ("pocketsphinx", "espeak")
        assert [(run["name"], run["outcome"]) for run in told["tools"]] == [("opening_hours", "returned")]
        assert told["model"]
        line = told["line"]
        assert (line["codec"], line["lost_in_percent"]) == ("opus", pytest.approx(0, abs=2))
        assert line["r_in"] > 80
        assert await found(http) - known == {name}
        assert await exchanges_by_webrtc(http) - counted == len(exchanges)


async def found(http: ClientSession) -> set[str]:
    """The conversations with the word Saturday."""
    body = await (await http.get("/api/conversations", params={"word": "saturday"})).json()
    return {each["id"] for each in body["conversations"]}


async def exchanges_by_webrtc(http: ClientSession) -> int:
    body = await (await http.get("/api/figures", params={"by": "transport"})).json()
    return sum(row["exchanges"] for row in body["rows"] if row["name"] == "webrtc")


async def test_what_happens_in_a_call_is_in_the_metrics(server: Started) -> None:
    """The metrics show the exchange's stages, the client's gap, the tool that ran, and the packets' lateness."""
    counted = (
        'antiphon_exchange_stage_seconds_count{stage="first_packet"}',
        "antiphon_exchange_gap_seconds_sum",
        'antiphon_tool_runs_total{tool="opening_hours"}',
        'antiphon_call_live{state="connected"}',
    )
    async with asyncio.timeout(40), ClientSession(server.url) as http:
        before = await metrics(http)
        async with calling(f"{server.url}/api/offer") as phone:
            await phone.until(type="response", final=True)
            phone.send(type="text", text="What time do you close on Saturday?")
            await phone.until(type="response", reply=2, final=True)
            phone.send(type="heard", reply=2, gap_ms=250)
            phone.send(type="ping", t=1)
            await phone.until(type="pong")
            after = await metrics(http)
    assert [after[name] - before.get(name, 0) for name in counted] == [1, 0.25, 1, 1]
    lateness = "antiphon_packet_lateness_seconds_count"
    assert after[lateness] > before.get(lateness, 0)
    assert "Saturday" not in str(after)


async def metrics(http: ClientSession) -> dict[str, float]:
    """What `/metrics` shows, by the name and the labels."""
    lines = (await (await http.get("/metrics")).text()).splitlines()
    samples = (line.rpartition(" ") for line in lines if not line.startswith("#"))
    return {name: float(value) for name, _, value in samples}


async def test_a_spoken_request_is_understood_and_its_tool_runs(server: Started) -> None:
    """A spoken request gets the right answer aloud, through Opus, VAD, PocketSphinx, rules, tool and eSpeak.

    On a busy machine a delay in the sound may change a word. A caller who is misheard says it again.
    """
    async with asyncio.timeout(60), calling(f"{server.url}/api/offer") as phone:
        await phone.until(type="response", final=True)
        for number in range(1, 4):
            phone.microphone.say(speak("Where is my order four two seven one?", rate_hz=48_000))
            heard = await phone.until(type="transcription", utterance=number, final=True)
            answer = await phone.until(type="response", reply=number + 1, final=True)
            if heard["text"] == "where is my order four two seven one":
                break
    assert heard["text"] == "where is my order four two seven one"
    assert answer["tools"] == ["order_status"]
    assert "four two seven one" in answer["text"]
    assert sum(phone.loud) * 0.02 > 3


async def test_a_language_is_spoken_or_refused(server: Started) -> None:
    """With the embedded engines a call in English begins, and one in another language is refused, both ways."""
    async with ClientSession() as http, asyncio.timeout(40):
        for language, refused in (("de", True), ("en-GB", False)):
            phone = SocketPhone(server.url, http)
            await phone.dial(language=language)
            told = await phone.until(type="error" if refused else "session")
            assert not refused or "speech-to-text does not know" in told["message"]
            await phone.hang_up()
        wanted = {"sdp": offer(audio("0", HOST)), "type": "offer", "requestData": {"language": "de"}}
        async with http.post(f"{server.url}/api/offer", json=wanted) as response:
            assert (response.status, (await response.json())["error"]["code"]) == (400, "bad_request")


@pytest.mark.parametrize("engine", ["espeak", "pocketsphinx"])
async def test_a_worker_that_dies_is_replaced_and_the_call_goes_on(server: Started, engine: str) -> None:
    """A speech worker that is killed during a call is replaced, and the caller's next request is answered."""
    async with asyncio.timeout(60), calling(f"{server.url}/api/offer") as phone:
        await phone.until(type="response", final=True)
        before = workers(server)[engine]
        os.kill(before, signal.SIGKILL)
        answer = await ask(phone) or await ask(phone) or await ask(phone)
        assert answer is not None
        assert "Saturday" in answer["text"]
        assert workers(server)[engine] != before


async def test_a_server_whose_speech_hangs_refuses_new_calls_until_it_is_back() -> None:
    """While two callers wait for a worker that hangs, new calls are refused; afterwards they are admitted."""
    with started("--admission-wait-ms", "3000") as server:
        url = f"{server.url}/api/offer"
        async with asyncio.timeout(90), calling(url) as phone, calling(url) as other, ClientSession(server.url) as http:
            for each in (phone, other):
                await each.until(type="response", final=True)
            await until_ready_is(200, http)
            os.kill(workers(server)["espeak"], signal.SIGSTOP)
            for each in (phone, other):
                each.send(type="text", text="What time do you close on Saturday?")
            await until_ready_is(503, http)
            refused = await http.post("/api/offer", json={"sdp": await an_offer(), "type": "offer"})
            assert (refused.status, (await refused.json())["error"]["code"]) == (503, "at_capacity")
            assert int(refused.headers["Retry-After"]) > 0
            assert 'antiphon_call_refused_total{reason="speech_late"} 1.0' in await (await http.get("/metrics")).text()
            await phone.until(type="response", reply=2, final=True)  # the worker is replaced, and the call goes on
            await until_ready_is(200, http)
            async with calling(f"{server.url}/api/offer") as second:
                await second.until(type="response", final=True)


async def until_ready_is(status: int, http: ClientSession) -> None:
    while (await http.get("/health/ready")).status != status:  # noqa: ASYNC110  # no event comes from another process
        await asyncio.sleep(0.1)


async def an_offer() -> str:
    pc = RTCPeerConnection(RTCConfiguration(iceServers=[]))
    pc.addTransceiver("audio")
    try:
        return (await pc.createOffer()).sdp
    finally:
        await pc.close()


async def test_sigterm_makes_the_server_not_ready_at_once() -> None:
    """After SIGTERM the server is not ready at once, and the running call goes on."""
    with started("--drain-s", "30") as server:
        async with asyncio.timeout(40), calling(f"{server.url}/api/offer") as phone, ClientSession(server.url) as http:
            await phone.until(type="response", final=True)
            server.process.send_signal(signal.SIGTERM)
            await until_ready_is(503, http)
            assert "shutting down" in (await (await http.get("/health/ready")).json())["reason"]
            assert (await http.get("/health/live")).status == 200
            phone.send(type="text", text="What time do you close on Saturday?")
            assert "Saturday" in (await phone.until(type="response", reply=2, final=True))["text"]
            phone.send(type="hangup")
            assert await asyncio.to_thread(server.process.wait, 15) == 0


async def test_sigterm_lets_a_call_go_on_and_then_moves_it() -> None:
    """After SIGTERM the server answers until its deadline, then tells the client to reconnect."""
    with started("--drain-s", "4") as server:
        async with asyncio.timeout(40), calling(f"{server.url}/api/offer") as phone:
            await phone.until(type="response", final=True)
            asked_s = time.monotonic()
            server.process.send_signal(signal.SIGTERM)
            phone.send(type="text", text="What time do you close on Saturday?")
            answer = await phone.until(type="response", reply=2, final=True)
            await phone.until(type="reconnect")
            await phone.until(type="state", state="closed")
            assert await asyncio.to_thread(server.process.wait, 15) == 0
    assert "Saturday" in answer["text"]
    assert time.monotonic() - asked_s < 12
