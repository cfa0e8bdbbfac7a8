"""A real MCP server over stdio: its process is started once, and replaced when it dies or hangs."""

import asyncio
import os
import signal
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from pydantic_ai import Agent
from pydantic_ai.models.function import FunctionModel

from server.agent.limits import RunLimits
from server.agent.run import AgentRun
from server.agent.run_setup import RunSetup
from server.agent.toolsets import Toolsets
from server.agent.voice_agent import VoiceAgent
from server.errors import EngineError
from tests.agent.clock import think

WHY = 'needs `pip install "pydantic-ai-slim[mcp]"`'

SERVER = """
import os, sys
from pathlib import Path
from mcp.server.mcpserver import MCPServer

server = MCPServer("clock")

@server.tool()
def tell() -> str:
    "Tell the time."
    return "noon"

with Path(sys.argv[1]).open("a") as started:
    started.write(f"{os.getpid()} ")
server.run()
"""


@pytest.mark.filterwarnings("default")  # warnings of the libraries are not ours to mend
@pytest.mark.parametrize("keep_alive", [None, False])
async def test_the_process_of_an_mcp_server_is_started_once_and_replaced(
    keep_alive: bool | None, tmp_path: Path
) -> None:
    """The reply after the process was killed fails, and the next one has a new process. A process that hangs costs as
    much. When the toolsets are closed, no process is left."""
    mcp: Any = pytest.importorskip("pydantic_ai.mcp", reason=WHY, exc_type=ImportError)
    transports: Any = pytest.importorskip("fastmcp.client.transports", reason=WHY, exc_type=ImportError)
    program, notes = tmp_path / "server.py", tmp_path / "started"
    program.write_text(SERVER)
    environment = {"PYTHONPATH": os.environ.get("PYTHONPATH", "")}
    transport = transports.StdioTransport(
        sys.executable, [str(program), str(notes)], env=environment, keep_alive=keep_alive
    )
    toolset = mcp.MCPToolset(transport, init_timeout=30, tool_error_behavior="error")
    limits = RunLimits(tools_s=2, first_token_s=20)
    toolsets = Toolsets(VoiceAgent(Agent(FunctionModel(stream_function=think), toolsets=[toolset])), limits)

    def started() -> list[int]:
        return [int(pid) for pid in notes.read_text().split()]

    async def ask() -> str:
        said, committed = list[str](), asyncio.Event()
        committed.set()
        await AgentRun(RunSetup(agent, limits=limits), "what time is it", list).speak(said.append, committed)
        return "".join(said).strip()

    try:
        agent = await toolsets.start()
        for number, sent in enumerate((signal.SIGKILL, signal.SIGSTOP), start=1):
            assert [await ask(), await ask()] == ["It is noon."] * 2
            assert len(started()) == number
            os.kill(started()[-1], sent)
            with pytest.raises(EngineError, match="The tool tell"):
                await ask()
        assert await ask() == "It is noon."
        assert len(started()) == 3
    finally:
        began = time.monotonic()
        await toolsets.close()
    assert time.monotonic() - began < 2
    for pid in started():
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)
