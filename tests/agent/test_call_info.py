"""How an agent is told who calls."""

import json
from dataclasses import dataclass, field
from functools import partial
from typing import Any

import pytest
from pydantic_ai import Agent

from antiphon import CallInfo, VoiceAgent

INFO = CallInfo("ann", {"plan": "gold"}, "de")


@dataclass
class Order:
    pizzas: list[str] = field(default_factory=list)


@dataclass
class Visit:
    info: CallInfo


def agent(**functions: Any) -> VoiceAgent:
    return VoiceAgent(agent=Agent("test"), **functions)


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
    ],
)
def test_a_function_that_has_a_parameter_is_told_who_calls(make_deps: Any, deps: Any) -> None:
    """A function without a parameter, or with defaults only, is called as it is; one that needs a parameter gets it."""
    assert agent(make_deps=make_deps).deps_of("", INFO) == deps


def test_a_call_that_goes_on_is_told_too() -> None:
    """`load_deps` may take the info as a second parameter; `make_deps` gets it when the state cannot be loaded."""
    assert agent(load_deps=json.loads).deps_of('["a"]', INFO) == ["a"]
    assert agent(load_deps=lambda state, info: (state, info)).deps_of("x", INFO) == ("x", INFO)
    assert agent(load_deps=json.loads, make_deps=lambda info: info).deps_of("broken", INFO) == INFO


@pytest.mark.parametrize("wrong", [{"make_deps": lambda a, b: 0}, {"load_deps": lambda a, b, c: 0}])
def test_a_function_that_no_call_could_use_is_refused(wrong: dict[str, Any]) -> None:
    """A mistake in an agent's file is found when the agent is made, and not in the first call."""
    with pytest.raises(ValueError, match="too many parameters"):
        agent(**wrong)


def test_what_the_backend_says_is_not_shown() -> None:
    """The context is not in the `repr`, so it does not get into a log."""
    assert "gold" not in repr(INFO)
