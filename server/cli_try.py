"""The command line for authors: `antiphon try` lets one type with an agent, in the terminal and without a server."""

import asyncio
import logging
import sys
import threading
from dataclasses import replace
from math import inf
from typing import Annotated

import typer

from server.config import load

CHARS_PER_S = 3_000
"""How fast the agent "speaks": so fast that one reads, and does not wait."""


def try_agent(
    places: Annotated[
        list[str],
        typer.Argument(
            metavar="FILE[:NAME]...",
            help="The agent: my_agent.py, my_agent.py:name, or demo. It may hand over to those that follow.",
        ),
    ],
    model: Annotated[
        str | None, typer.Option(help="The model that answers, in place of ANTIPHON_MODEL and of the agent's own.")
    ] = None,
) -> None:
    """Type with an agent. It shows what a caller would hear, and which tools run. Ctrl-D ends it."""
    logging.basicConfig(level=logging.ERROR)  # what fails is shown below
    try:
        asyncio.run(_talk([f"{each}:agent" if each.endswith(".py") else each for each in places], model))
    except KeyboardInterrupt:
        typer.echo()
        raise typer.Exit(130) from None


async def _talk(places: list[str], model: str | None) -> None:
    """Raises ConfigError when the agent or its model cannot be used, or when its dependencies cannot be made."""
    from server.agent.call_info import NOTHING_KNOWN
    from server.call.messages import Agent
    from server.call.options import CallOptions
    from server.call.session import Observed
    from server.choices import call_settings, choose_agents, choose_model
    from server.errors import AgentUnavailable, ConfigError, EngineError
    from server.testing.account import reason
    from server.testing.engines import SteadyTextToSpeech
    from server.testing.text_call import TextCall, languages_of, text_setup
    from server.testing.watched import ToolRun

    settings = load(agent=",".join(places), model=model)
    agents = choose_agents(settings)
    agent = agents[agents.first]
    screen = _Screen()

    def show(observed: Observed | ToolRun) -> None:
        match observed:
            case ToolRun(over=True):
                screen.line("tool", str(observed))
            case EngineError():
                screen.line("failed", reason(observed))
            case Agent(agent=name):
                screen.line("", f"{name} has the call now.")

    mouth = SteadyTextToSpeech(languages_of(*agents), CHARS_PER_S, screen.speak)
    try:
        setup = await text_setup(agent, choose_model(settings), NOTHING_KNOWN, mouth, agents.by_name)
    except AgentUnavailable as error:
        raise ConfigError(f"{places[0]}: make_deps has failed: {reason(error)}") from error
    unhurried = replace(call_settings(settings, agent, CallOptions()), idle_prompt_s=inf)
    async with TextCall(replace(setup, settings=unhurried), show) as call:
        await call.settle()
        while not call.over and (text := await screen.read()) is not None:
            try:
                call.type(text)
            except ValueError:
                screen.line("failed", "This is too long.")
            await call.settle()
        screen.line("", "The call is over.")


class _Screen:
    """The terminal: each line begins with who says it."""

    def __init__(self) -> None:
        self._speaking = False
        """The agent's words stand in the line that the cursor is in."""

    def speak(self, clause: str) -> None:
        """The agent says something, after what it has said before."""
        typer.echo(f" {clause}" if self._speaking else f"{'agent':<8}{clause}", nl=False)
        self._speaking = True

    def line(self, who: str, text: str) -> None:
        """Show a whole line."""
        self._end_line()
        typer.echo(f"{who:<8}{text}".strip())

    async def read(self) -> str | None:
        """What the author types next, with at least one letter; None at the end of the input."""
        self._end_line()
        while True:
            typer.echo(f"{'you':<8}", nl=False)
            line = await _read_line()
            if not line:
                typer.echo()
                return None
            if not sys.stdin.isatty():
                typer.echo(line.rstrip())
            if text := line.strip():
                return text

    def _end_line(self) -> None:
        if self._speaking:
            typer.echo()
        self._speaking = False


async def _read_line() -> str:
    """The next line, with its end; "" at the end of the input.

    The thread does not keep the program from ending: a read of a terminal cannot be interrupted.
    """
    loop = asyncio.get_running_loop()
    line: asyncio.Future[str] = loop.create_future()

    def hand_over(text: str) -> None:
        if not line.done():
            line.set_result(text)

    def read() -> None:
        loop.call_soon_threadsafe(hand_over, sys.stdin.readline())

    threading.Thread(target=read, name="keyboard", daemon=True).start()
    return await line
