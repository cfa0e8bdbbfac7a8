"""Clients of OpenAI Live, unmodified, at a server as an operator starts it: pydantic-ai's, and OpenAI's own Python
library. All on 127.0.0.1."""

import asyncio
import json
from collections.abc import Iterator
from typing import Any

import pytest
from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import AudioStreamTrack
from openai import AsyncOpenAI
from pydantic_ai import Agent
from pydantic_ai.messages import ModelRequest, ModelResponse, SpeechPart, ToolReturnPart
from pydantic_ai.providers.openai import OpenAIProvider
from pydantic_ai.realtime import RealtimeTurnCompleteEvent
from pydantic_ai.realtime.openai_live import OpenAILiveModel

from tests.started import Started, started
from tests.voices import silence, speak

FRAME_BYTES = 4_800  # 100 ms
WORDS = "session.output_transcript.delta"


@pytest.fixture(scope="module")
def server() -> Iterator[Started]:
    """Its model calls every tool once, and then says what the tools have returned."""
    with started(ANTIPHON_MODEL="test") as running:
        yield running


async def until(connection: Any, kind: str) -> Any:
    """The next event of this type."""
    while (event := await connection.recv()).type != kind:
        assert event.type != "error", event
    return event


async def test_a_spoken_question_of_pydantic_ai(server: Started) -> None:
    """The tool runs at the client, the answer is heard, and both are in the client's own history."""
    asked: list[str] = []
    sound = bytearray()
    agent = Agent("test", instructions="Be nice.")

    @agent.tool_plain
    def weather(city: str) -> str:
        asked.append(city)
        return "sunny"

    provider = OpenAIProvider(base_url=f"{server.url}/v1", api_key="any")
    model = OpenAILiveModel("gpt-live-1", provider=provider, settings={"openai_live_turn_silence_ms": 500})
    async with asyncio.timeout(40), agent.realtime(model).session() as session:
        pcm = speak("what is the weather like", rate_hz=24_000) + silence(0.5, 24_000)
        for at in range(0, len(pcm), FRAME_BYTES):
            await session.send_audio(pcm[at : at + FRAME_BYTES])
        async for event in session:
            if chunk := getattr(getattr(event, "delta", None), "audio_chunk", None):
                sound += chunk
            if isinstance(event, RealtimeTurnCompleteEvent):
                break
    said = [part for message in session.new_messages() for part in message.parts]
    spoken = [(part.speaker, part.transcript) for part in said if isinstance(part, SpeechPart)]
    assert len(asked) == 1
    assert [part.content for part in said if isinstance(part, ToolReturnPart)] == ["sunny"]
    assert [speaker for speaker, _ in spoken] == ["user", "assistant"]
    assert "weather" in str(spoken[0][1])
    assert "sunny" in str(spoken[1][1])
    assert len(sound) > 24_000
    assert {type(message) for message in session.new_messages()} == {ModelRequest, ModelResponse}


async def test_openai_s_library_by_websocket(server: Started) -> None:
    """The agent delegates to the client, which answers in the words that the caller hears."""
    async with asyncio.timeout(40), AsyncOpenAI(base_url=f"{server.url}/v1", api_key="any") as client:
        async with client.live.connect() as connection:
            await connection.session.start(session={"model": "gpt-live-1", "delegation": {"type": "client"}})
            await until(connection, "session.started")
            await connection.session.commentary.append(content="We close in five minutes.", delegation_id=None)
            await until(connection, "session.commentary.appended")
            heard = await until(connection, WORDS)
            assert "We" in heard.delta
            assert 0 <= heard.start_ms <= heard.end_ms
            await connection.session.input_audio.mute()
            await until(connection, "session.input_audio.muted")
            await connection.session.close()
            closed = await until(connection, "session.closed")
            assert (closed.reason, closed.usage.seconds > 0) == ("close_requested", True)


async def test_a_call_over_webrtc_and_who_watches_it(server: Started) -> None:
    """The page is told words alone, and may say nothing. The backend's sideband runs the session."""
    peer, events = RTCPeerConnection(RTCConfiguration(iceServers=[])), asyncio.Queue[dict[str, Any]]()
    peer.addTrack(AudioStreamTrack())
    channel = peer.createDataChannel("oai-events")
    channel.on("message", lambda text: events.put_nowait(json.loads(text)))
    channel.on("open", lambda: channel.send('{"type": "session.close"}'))
    allowed: Any = {"allowed_client_events": [], "allowed_server_events": [{"type": WORDS}]}
    session: Any = {"model": "gpt-live-1", "client": {"data_channel": allowed}, "audio": {"output": {"voice": "ash"}}}
    try:
        async with asyncio.timeout(40), AsyncOpenAI(base_url=f"{server.url}/v1", api_key="any") as client:
            await peer.setLocalDescription(await peer.createOffer())
            made = await client.live.create(
                session=session, transport={"type": "webrtc", "sdp": peer.localDescription.sdp}
            )
            async with client.live.sideband.connect(session_id=made.session.id) as watcher:
                assert (await until(watcher, "session.started")).session.model == "gpt-live-1"
                await peer.setRemoteDescription(RTCSessionDescription(made.transport.sdp, "answer"))
                assert (await until(watcher, "session.started")).session.id == made.session.id
                await watcher.session.commentary.append(content="Welcome.", delegation_id=None)
                assert "Welcome" in (await until(watcher, WORDS)).delta
                event = await events.get()
                assert (event["type"], "Welcome" in event["delta"]) == (WORDS, True)
                await client.live.sessions.hangup(made.session.id)
                await until(watcher, "session.closed")
        assert events.empty()
    finally:
        await peer.close()
