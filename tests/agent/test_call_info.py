"""How an agent is told who calls, and how its dependencies are made."""

import asyncio
import json
import logging
import threading
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import pytest
from pydantic_ai import Agent

from antiphon import CallInfo, VoiceAgent
from server.agent.dependencies import dependencies
from server.agent.functions import MOST_THREADS, Functions
from server.errors import AgentUnavailable
from tests.virtual_time import run_virtual

INFO = CallInfo("ann", {"plan": "gold"}, "de", "webrtc", {"page": "prices"})


@dataclass
class Order:
    pizzas: list[str] = field(default_factory=list)


@dataclass
class Visit:
    info: CallInfo


def agent(**functions: Any) -> VoiceAgent:
    return VoiceAgent(agent=Agent("test"), name="Shop", **functions)


async def deps_of(state: str, limit_s: float = 5.0, **functions: Any) -> Any:
    return await dependencies(agent(**functions), Functions(limit_s), state, INFO)


async def later(info: CallInfo) -> Visit:
    await asyncio.sleep(3)
    return Visit(info)


@pytest.mark.parametrize(
    ("make_deps", "deps"),
    [
        (lambda: "nothing", "nothing"),
        (lambda info: info, INFO),
        (lambda info, more=2: (info, more), (INFO, 2)),
        (lambda *, keyword=1: keyword, 1),
        (lambda *rest: rest, ()),
        (Order, Order()),
        (Visit, Visit(INFO)),
        (partial(Visit, INFO), Visit(INFO)),
        (dict, {}),
        (later, Visit(INFO)),
        (lambda info: later(info), Visit(INFO)),
        (partial(later, INFO), Visit(INFO)),
    ],
)
def test_a_function_that_has_a_parameter_is_told_who_calls(make_deps: Any, deps: Any) -> None:
    """A function without a parameter, or with defaults only, is called as it is; one that needs a parameter gets it.
    An `async` one is awaited."""
    assert run_virtual(deps_of("", make_deps=make_deps)) == deps


def test_a_call_that_goes_on_is_told_too() -> None:
    """`load_deps` may take the info as a second parameter; `make_deps` gets it when the state cannot be loaded."""

    async def load(state: str, info: CallInfo) -> Any:
        return state, info

    assert run_virtual(deps_of('["a"]', load_deps=json.loads)) == ["a"]
    assert run_virtual(deps_of("x", load_deps=lambda state, info: (state, info))) == ("x", INFO)
    assert run_virtual(deps_of("x", load_deps=load)) == ("x", INFO)
    assert run_virtual(deps_of("broken", load_deps=json.loads, make_deps=lambda info: info)) == INFO


async def hang(*given: object) -> None:
    await asyncio.sleep(60)


def fail(*given: object) -> None:
    raise KeyError("what Ann has said")


@pytest.mark.parametrize(
    ("function", "reason"), [(hang, "TimeoutError at functions.py"), (fail, "KeyError at test_call_info.py")]
)
def test_what_fails_or_hangs_is_one_line_in_the_log(
    caplog: pytest.LogCaptureFixture, function: Any, reason: str
) -> None:
    """Without the error's message. A call whose state is lost begins anew; one without dependencies is refused."""
    caplog.set_level(logging.INFO)
    assert run_virtual(deps_of("old", load_deps=function, make_deps=Order)) == Order()
    with pytest.raises(AgentUnavailable, match="cannot take this call"):
        run_virtual(deps_of("", make_deps=function))
    lines = caplog.text.splitlines()
    assert ["load_deps of Shop failed" in lines[0], "make_deps of Shop failed" in lines[1]] == [True, True]
    assert [reason in line for line in lines] == [True, True]
    assert "Ann" not in caplog.text


def test_every_error_of_a_thread_is_handed_on() -> None:
    """Also the one that asyncio refuses; nobody waits for it until the time limit."""
    with pytest.raises(AgentUnavailable):
        run_virtual(deps_of("", make_deps=lambda: next(iter(()))))


async def test_a_normal_function_holds_nothing_up() -> None:
    """It waits in a thread, while the loop goes on; one that hangs is left behind."""
    held, here = threading.Event(), threading.get_ident()

    def wait(info: CallInfo) -> int:
        held.wait(20)
        return threading.get_ident()

    making = asyncio.ensure_future(deps_of("", 20, make_deps=wait))
    with pytest.raises(AgentUnavailable):
        await deps_of("", 0.01, make_deps=wait)
    assert not making.done()
    held.set()
    assert await making != here


async def test_threads_that_hang_are_few() -> None:
    """When all hang, a function fails at once; when they return, it has a thread again."""
    held, functions = threading.Event(), Functions(20)
    waiting = [asyncio.ensure_future(functions.call(held.wait, 20)) for _ in range(MOST_THREADS)]
    await asyncio.sleep(0)
    with pytest.raises(RuntimeError, match="have not returned yet"):
        await functions.call(dict)
    held.set()
    await asyncio.gather(*waiting)
    assert await functions.call(dict) == {}


@pytest.mark.parametrize(
    "wrong",
    [
        {"make_deps": lambda a, b: 0},
        {"load_deps": lambda a, b, c: 0},
        {"greeting": lambda a, b: ""},
        {"on_start": lambda a, b: 0},
        {"on_exchange": lambda a, b, c: 0},
        {"on_end": lambda a, b, c: 0},
    ],
)
def test_a_function_that_no_call_could_use_is_refused(wrong: dict[str, Any]) -> None:
    """A mistake in an agent's file is found when the agent is made, and not in the first call."""
    with pytest.raises(ValueError, match="too many parameters"):
        agent(**wrong)


def test_a_greeting_does_not_wait() -> None:
    """An `async` function is refused: the caller would wait for it in silence."""
    with pytest.raises(ValueError, match="greeting is async"):
        agent(greeting=later)


def test_what_others_say_is_not_shown() -> None:
    """Neither the context nor the request is in the `repr`, so they do not get into a log."""
    assert "gold" not in repr(INFO)
    assert "prices" not in repr(INFO)
