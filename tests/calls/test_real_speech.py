"""Calls to a server as a user has it: with the real Whisper, Piper and Smart Turn that `make run` downloads."""

import asyncio
import os
import subprocess
import sys
from pathlib import Path

import pytest
from aiohttp import ClientSession

from tests.alone import Alone, reason_against
from tests.natural_voice import say
from tests.phone import Phone, calling
from tests.real_models import real_model
from tests.socket_phone import SocketPhone
from tests.started import AS_A_USER, ROOT, Started, started

QUESTION = "When do you close on Saturday?"
TRIES = 3
"""How often a caller who is misheard asks again: a busy machine may tear the sound."""


@pytest.fixture(autouse=True)
def models() -> None:
    for kind in ("whisper", "piper", "smart-turn"):
        real_model(kind)


async def ask(phone: Phone | SocketPhone) -> str:
    """Ask when the shop closes, and wait until the answer is there. Returns its words."""
    await phone.until(type="response", final=True)
    before, text = sum(phone.loud), ""
    for number in range(1, TRIES + 1):
        phone.say(say(QUESTION, 48_000))
        text = (await phone.until(type="response", reply=number + 1, final=True))["text"]
        if "Saturday" in text:
            break
    assert (sum(phone.loud) - before) * 0.02 > 1, "the answer is heard"
    return text


async def test_a_question_is_understood_and_answered_aloud() -> None:
    """Nothing is set: the server finds the models, and a spoken question gets its answer, through all of them."""
    with started(**AS_A_USER) as server:
        said = "\n".join(server.lines)
        for engine in ("speech-to-text  whisper", "text-to-speech  piper", "endpoint model  smart-turn"):
            assert engine in said
        assert "antiphon models pull" not in said
        async with asyncio.timeout(90), calling(f"{server.url}/api/offer") as phone:
            assert "Saturday" in await ask(phone)


async def in_the_namespace(url: str) -> None:
    """The call of the next test: it runs as a program, beside the server."""
    async with ClientSession() as http, asyncio.timeout(90):
        phone = SocketPhone(url, http)
        await phone.dial()
        print(await ask(phone))
        await phone.hang_up()


CALL = """
import asyncio, sys
from tests.calls.test_real_speech import in_the_namespace
asyncio.run(in_the_namespace(sys.argv[1]))
"""
CONTROL = "import socket\ntry: socket.getaddrinfo('control.invalid', 80)\nexcept OSError: pass"


@pytest.mark.skipif(reason_against() != "", reason=reason_against())
def test_nobody_is_phoned(tmp_path: Path) -> None:
    """While the server starts and holds a call, no name is looked up, and no id of this machine is written."""
    home, network = tmp_path / "home", Alone(tmp_path)
    home.mkdir()
    server = Started(prefix=network.prefix, HOME=str(home), **AS_A_USER)
    try:
        server.wait()
        beside = (*network.beside(server.process.pid), sys.executable, "-c")
        here = os.environ | {"PYTHONPATH": str(ROOT)}  # the working directory of a process beside is the root
        call = subprocess.run([*beside, CALL, server.url], env=here, capture_output=True, text=True, timeout=120)
        assert "Saturday" in call.stdout, call.stderr
        assert network.asked == []
        subprocess.run([*beside, CONTROL], check=True, timeout=60)
        assert set(network.asked) == {"control.invalid"}
    finally:
        server.stop()
        print(*server.lines, sep="\n")
    assert [path.name for path in home.rglob("*")] == []
