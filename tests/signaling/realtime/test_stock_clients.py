"""OpenAI's own libraries for Python and Node, unmodified, at a server as an operator starts it. All on 127.0.0.1."""

import asyncio
import base64
import json
import re
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from aiortc import RTCConfiguration, RTCPeerConnection, RTCSessionDescription
from aiortc.mediastreams import AudioStreamTrack
from openai import AsyncOpenAI

from tests.browser.bundles import installed, needs_npm
from tests.browser.node import Program, running
from tests.signaling.realtime.certificate import certify
from tests.started import Started, started
from tests.voices import silence, speak

WEATHER = {
    "type": "function",
    "name": "weather",
    "parameters": {"type": "object", "properties": {"city": {"type": "string"}}, "required": ["city"]},
}
ASK = {"type": "message", "role": "user", "content": [{"type": "input_text", "text": "What is the weather?"}]}
PAGE = Path(__file__).parents[3] / "docs" / "realtime.md"
FRAME_BYTES = 4_800  # 100 ms


@pytest.fixture(scope="module")
def server() -> Iterator[Started]:
    """Its model calls every tool once, and then says what the tools have returned."""
    with started(ANTIPHON_MODEL="test") as running:
        yield running


def client_of(server: Started) -> AsyncOpenAI:
    return AsyncOpenAI(base_url=f"{server.url}/v1", api_key="any", max_retries=0)


async def until(connection: Any, kind: str) -> Any:
    """The next event of this type, and all events up to it."""
    seen = []
    while True:
        event = await connection.recv()
        seen.append(event)
        assert event.type != "error", event
        if event.type == kind:
            return event, seen


async def test_a_spoken_question_over_a_websocket(server: Started) -> None:
    """The function is run by the client; the answer is sound and words; and the conversation goes on after a drop."""
    async with asyncio.timeout(40), client_of(server) as client:
        async with client.realtime.connect(model="gpt-realtime") as connection:
            created, _ = await until(connection, "session.created")
            own = created.session.antiphon
            sound: Any = {"input": {"transcription": {"model": "any"}, "turn_detection": {"type": "semantic_vad"}}}
            session: Any = {"type": "realtime", "instructions": "Be nice.", "tools": [WEATHER], "audio": sound}
            await connection.session.update(session=session)
            pcm = speak("what is the weather like", rate_hz=24_000) + silence(0.5, 24_000)
            for at in range(0, len(pcm), FRAME_BYTES):
                piece = base64.b64encode(pcm[at : at + FRAME_BYTES]).decode()
                await connection.input_audio_buffer.append(audio=piece)
            spoken, _ = await until(connection, "conversation.item.input_audio_transcription.completed")
            assert spoken.transcript
            call, _ = await until(connection, "response.function_call_arguments.done")
            assert (call.name, list(json.loads(call.arguments))) == ("weather", ["city"])
            await until(connection, "response.done")
            output: Any = {"type": "function_call_output", "call_id": call.call_id, "output": "sunny"}
            await connection.conversation.item.create(item=output)
            await connection.response.create()
            done, seen = await until(connection, "response.done")
            assert done.response.status == "completed"
            assert "sunny" in done.response.output[0].content[0].transcript
            audio = [base64.b64decode(event.delta) for event in seen if event.type == "response.output_audio.delta"]
            assert len(b"".join(audio)) > 24_000
            await connection.close(code=4000)  # 1000 would hang up
        back = {"session_id": own["session_id"], "resume": own["resume"]}
        async with client.realtime.connect(model="gpt-realtime", extra_query=back) as connection:
            created, _ = await until(connection, "session.created")
            assert created.session.antiphon["resumed"]
            assert created.session.antiphon["session_id"] == own["session_id"]


async def test_a_call_over_webrtc_and_who_watches_it(server: Started) -> None:
    """The events go over the data channel. A second connection sees them, and controls the call."""
    peer, events = RTCPeerConnection(RTCConfiguration(iceServers=[])), asyncio.Queue[dict[str, Any]]()
    peer.addTrack(AudioStreamTrack())
    channel = peer.createDataChannel("oai-events")
    channel.on("message", lambda text: events.put_nowait(json.loads(text)))
    try:
        async with asyncio.timeout(40), client_of(server) as client:
            await peer.setLocalDescription(await peer.createOffer())
            session: Any = {"type": "realtime", "model": "gpt-realtime", "audio": {"output": {"voice": "ash"}}}
            answer = await client.realtime.calls.create(sdp=peer.localDescription.sdp, session=session)
            assert answer.response.status_code == 201
            call_id = answer.response.headers["Location"].rpartition("/")[2]
            await peer.setRemoteDescription(RTCSessionDescription(answer.text, "answer"))
            assert (await events.get())["type"] == "session.created"
            async with client.realtime.connect(call_id=call_id) as watcher:
                await until(watcher, "session.created")
                item: Any = ASK
                await watcher.conversation.item.create(item=item)
                await watcher.response.create()
                done, seen = await until(watcher, "response.done")
                assert done.response.output[0].content[0].transcript
                assert not [each for each in seen if each.type == "response.output_audio.delta"]
                types = []
                while "response.done" not in types:
                    types.append((await events.get())["type"])
                assert {"conversation.item.added", "output_audio_buffer.started"} <= set(types)
                await client.realtime.calls.hangup(call_id)
                with pytest.raises(Exception, match="1000"):
                    await until(watcher, "no such event")
    finally:
        await peer.close()


async def test_a_secret_for_a_page(server: Started) -> None:
    """Stock clients take no other keys in a browser than those that begin like this."""
    async with client_of(server) as client:
        session: Any = {"type": "realtime", "model": "gpt-realtime"}
        made = await client.realtime.client_secrets.create(session=session)
    assert made.value.startswith("ek_")
    assert made.session.type == "realtime"


@needs_npm
def test_the_libraries_for_node(server: Started, tmp_path: Path) -> None:
    """`openai` and `@openai/agents-realtime` ask aloud over a WebSocket, run the functions, hear the answer, and cut it
    off by voice. Both run at the same time."""
    sounds = {"question": "what is the weather like", "cut_in": "please stop and tell me something else"}
    for name, words in sounds.items():
        (tmp_path / name).write_bytes(speak(words, rate_hz=24_000))
    given = (server.url, *(str(tmp_path / name) for name in sounds))
    place, keys = installed(), certify(tmp_path)
    since = len(server.lines)
    openai = Program(place, "openai.mjs", *given, *keys, NODE_EXTRA_CA_CERTS=keys[1])
    agents = Program(place, "agents.mjs", *given)
    with running(openai, agents):
        by_openai, by_agents = openai.result(), agents.result()
    for seen in (by_openai, by_agents):
        assert seen["errors"] == []
        assert (len(seen["cities"]), seen["clocks"]) == (1, 1), "each of the two functions ran once"
        assert "input_audio_buffer.speech_started" in seen["events"]
    assert "weather" in by_openai["transcripts"][0]
    assert [(said["status"], said["reason"]) for said in by_openai["said"]] == [
        ("completed", None), ("completed", None), ("cancelled", "turn_detected"),
    ]  # fmt: skip
    assert "sun" in by_openai["said"][2]["words"]
    calls = ["function_call"] * 2 + ["function_call_output"] * 2
    assert by_openai["history"] == ["user", *calls, "assistant", "user"]
    question, call, clock, answer, cut_in, second = by_agents["history"]
    assert (question["role"], question["status"]) == ("user", "completed")
    assert "weather" in question["words"]
    assert (call["type"], call["name"]) == ("function_call", "weather")
    assert "sun shines" in call["output"]
    assert (clock["name"], clock["output"]) == ("clock", "noon")
    assert (answer["role"], answer["status"]) == ("assistant", "incomplete")
    assert 0 < len(answer["words"]) < len(call["output"]) / 2, "only what was heard"
    assert (cut_in["role"], second["role"]) == ("user", "assistant")
    assert server.logs("is over", count=2, since=since), "closing the client has hung up"


async def test_the_example_of_the_documentation(server: Started) -> None:
    """It prints the words of the answer."""
    found = re.search(r"^```python\n(.*?)^```", PAGE.read_text(encoding="utf-8"), re.DOTALL | re.MULTILINE)
    assert found is not None
    source = found[1].replace("http://127.0.0.1:8080", server.url)
    program = await asyncio.create_subprocess_exec(sys.executable, "-c", source, stdout=asyncio.subprocess.PIPE)
    try:
        printed, _ = await asyncio.wait_for(program.communicate(), 30)
    finally:
        if program.returncode is None:
            program.kill()
    assert printed.decode().startswith("success")
