"""The example with an MCP server: calls whose tools run in a real process, on real time, over stdio."""

import asyncio
import os
import signal
import sqlite3
import subprocess
import sys
from contextlib import closing
from dataclasses import replace
from pathlib import Path

import pytest

from antiphon import VoiceAgent
from antiphon.testing import ScriptedModel, ToolCall, call
from server.agent.agent_file import AgentFiles

ROOT = Path(__file__).parent.parent
DAY = "2030-05-06"
MODEL = ScriptedModel(
    {
        "free": ToolCall("free_slots", day=DAY),
        "ann": [ToolCall("book", day=DAY, time="10:00", name="Ann"), "Yes."],
        "bob": ToolCall("book", day=DAY, time="10:00", name="Bob"),
        "cancel": [ToolCall("cancel", day=DAY, time="10:00", name="Ann"), "Yes."],
        "someday": ToolCall("free_slots", day="someday"),
    }
)

pytestmark = pytest.mark.filterwarnings("default")  # warnings of the libraries are not ours to mend


@pytest.fixture
def bookings(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("CALENDAR_FILE", str(tmp_path / "calendar.db"))
    return tmp_path / "calendar.db"


@pytest.fixture
def agent(bookings: Path) -> VoiceAgent:
    return replace(AgentFiles().agent(f"{ROOT}/examples/mcp_calendar.py:agent"), greeting="")


def booked(bookings: Path) -> list[tuple[str, str, str]]:
    with closing(sqlite3.connect(bookings)) as calendar:
        return calendar.execute("SELECT * FROM bookings").fetchall()


def servers(bookings: Path) -> list[int]:
    """The processes of the MCP server."""
    found = []
    for process in Path("/proc").glob("[0-9]*"):
        try:
            words = (process / "cmdline").read_bytes().split(b"\0")
        except OSError:  # it has ended meanwhile
            continue
        if str(bookings).encode() in words:
            found.append(int(process.name))
    return found


async def test_an_appointment_is_booked_once(agent: VoiceAgent, bookings: Path) -> None:
    """The tools do what the model asks for, once for each question. At the end of the call no process is left."""
    async with asyncio.timeout(60), call(agent, MODEL) as caller:
        await caller.types("free")
        caller.expect_tool("free_slots", day=DAY)
        caller.expect_said("09:00, 10:00, 11:00")
        assert len(servers(bookings)) == 1
        await caller.says("ann")
        assert booked(bookings) == [(DAY, "10:00", "Ann")]
        await caller.types("bob")
        caller.expect_said("is taken")
        assert booked(bookings) == [(DAY, "10:00", "Ann")]
        await caller.types("someday")
        caller.expect_said("is not a day")
        await caller.types("cancel")
        assert booked(bookings) == []
    assert servers(bookings) == []


async def test_a_server_that_dies_in_a_call_is_started_again(agent: VoiceAgent, bookings: Path) -> None:
    """The model is told that its tool has failed, and may use it again. The call goes on, and a booking counts once."""
    async with asyncio.timeout(60), call(agent, MODEL) as caller:
        await caller.types("ann")
        (first,) = servers(bookings)
        os.kill(first, signal.SIGKILL)
        assert "Connection closed" in await caller.types("bob")
        assert "is taken" in await caller.types("bob")
        assert booked(bookings) == [(DAY, "10:00", "Ann")]
        (second,) = servers(bookings)
        assert second != first
    assert servers(bookings) == []


def test_without_the_package_the_extra_is_named(tmp_path: Path) -> None:
    """The server does not start, and says in one line what to install."""
    (tmp_path / "sitecustomize.py").write_text("import sys\nsys.modules['fastmcp'] = sys.modules['mcp'] = None\n")
    environment = {**os.environ, "PYTHONPATH": f"{tmp_path}:{ROOT}"}
    asked = ["serve", "--port", "0", "--model", "test", "--agent", f"{ROOT}/examples/mcp_calendar.py:agent"]
    result = subprocess.run(
        [sys.executable, "-m", "antiphon", *asked], env=environment, capture_output=True, text=True, cwd=tmp_path,
        timeout=60, check=False,
    )  # fmt: skip
    assert result.returncode == 2
    assert len(result.stderr.splitlines()) == 1
    assert 'a package is missing; install it with pip install "antiphon[mcp]"' in result.stderr
