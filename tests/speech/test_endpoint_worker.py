"""The client of an endpoint model: its limits, and what it does when the worker is slow or gone."""

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from wyoming.asr import Transcript
from wyoming.audio import AudioStop

from server.speech.endpoint_worker import EndpointWorkers
from server.speech.judgements import MAX_WAITING
from server.speech.supervisor import Supervisor
from tests.fakes.wyoming_script import Talk, hang, server
from tests.tiny_models import make_smart_turn
from tests.voices import hum, silence

PATIENT_S = 20.0


@pytest.fixture
async def uri(tmp_path: Path) -> AsyncIterator[str]:
    supervisor = Supervisor("smart_turn", str(make_smart_turn(tmp_path)))
    await supervisor.start()
    yield supervisor.uri
    await supervisor.close()


async def judged(model: EndpointWorkers, pcm: bytes) -> float:
    told = asyncio.get_running_loop().create_future()
    model.judge(pcm, told.set_result)
    assert not told.done()  # the answer comes later: `judge` itself computes nothing
    return await asyncio.wait_for(told, PATIENT_S)


async def all_judged() -> None:
    await asyncio.wait({task for task in asyncio.all_tasks() if task.get_name() == "endpoint judgement"})
    await asyncio.sleep(0)


async def test_it_tells_a_probability(uri: str) -> None:
    """`tell` gets a probability on the loop, and other sound gives another one."""
    model = EndpointWorkers([uri], PATIENT_S)
    humming, nothing = await judged(model, hum([120] * 400)), await judged(model, silence(1.0))
    assert 0 <= nothing < humming <= 1
    await model.close()
    await model.close()


async def test_a_limited_number_of_pauses_waits(uri: str) -> None:
    """When too many pauses wait, new ones are not judged. When there is room, they are judged again."""
    model = EndpointWorkers([uri], PATIENT_S)
    told: asyncio.Queue[float | None] = asyncio.Queue()
    for _ in range(3 * MAX_WAITING):
        model.judge(silence(0.1), told.put_nowait)
    answers = [await asyncio.wait_for(told.get(), PATIENT_S) for _ in range(3 * MAX_WAITING)]
    assert answers[: 2 * MAX_WAITING] == [None] * (2 * MAX_WAITING)
    assert None not in answers[2 * MAX_WAITING :]
    await judged(model, silence(0.1))
    assert told.empty()
    await model.close()


async def test_an_answer_that_takes_too_long_is_no_answer() -> None:
    """When the deadline passes before the worker answers, that is told, and there is room again."""
    async with server(hang) as uri:
        model = EndpointWorkers([uri], 0.05)
        told: list[float | None] = []
        for _ in range(2 * MAX_WAITING):
            model.judge(silence(0.1), told.append)
        await all_judged()
        assert model.waiting == 0
        assert told == [None] * (2 * MAX_WAITING)
        await model.close()


async def test_an_answer_that_nobody_wants_makes_room() -> None:
    """When the caller has gone on, the worker is free for other pauses at once, and nothing is told."""
    async with server(hang) as uri:
        model = EndpointWorkers([uri], PATIENT_S)
        told: list[float | None] = []
        for _ in range(2 * MAX_WAITING):
            forget = model.judge(silence(0.1), told.append)
            await asyncio.sleep(0)
            forget()
            forget()
            await asyncio.sleep(0)
            await asyncio.sleep(0)
        await all_judged()
        assert model.waiting == 0
        assert told == []
        await model.close()


async def test_pauses_are_shared_out(tmp_path: Path, uri: str) -> None:
    """With two workers, one of which hangs, every second pause is judged."""
    async with server(hang) as hanging:
        model = EndpointWorkers([hanging, uri], PATIENT_S)
        told: asyncio.Queue[float] = asyncio.Queue()
        for _ in range(2):
            model.judge(silence(0.1), told.put_nowait)
            await asyncio.sleep(0)
        await asyncio.wait_for(told.get(), PATIENT_S)
        assert model.waiting == 1
        await model.close()


async def test_a_failure_is_logged_once(caplog: pytest.LogCaptureFixture) -> None:
    """An answer that is no probability is logged once, and the call is told that there is no answer."""

    async def nonsense(talk: Talk) -> None:
        await talk.hear(AudioStop)
        await talk.say(Transcript("perhaps"))

    async with server(nonsense) as uri:
        model = EndpointWorkers([uri], PATIENT_S)
        told: list[float | None] = []
        for _ in range(3):
            model.judge(silence(0.1), told.append)
        await all_judged()
        assert model.waiting == 0
        assert told == [None] * 3
        (record,) = caplog.records
        assert "calls go on without its judgement" in record.message
        await model.close()


async def test_a_call_that_ends_leaves_nothing() -> None:
    """After `close` no judgement is under way."""
    before = asyncio.all_tasks()
    async with server(hang) as uri:
        model = EndpointWorkers([uri], PATIENT_S)
        model.judge(silence(0.1), lambda probability: None)
        await asyncio.sleep(0)
        await model.close()
        assert model.waiting == 0
    assert asyncio.all_tasks() == before
