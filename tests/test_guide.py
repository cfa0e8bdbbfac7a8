"""The guide for authors: every example in it runs, as it stands there."""

import re
import sys
from pathlib import Path
from types import ModuleType
from typing import Any

import pytest

from antiphon import CallInfo, VoiceAgent
from antiphon.testing import Caller, ScriptedModel, call, run

ROOT = Path(__file__).parent.parent
GUIDE = (ROOT / "docs/agents.md").read_text(encoding="utf-8")
EXAMPLES = {
    heading: source
    for heading, section in re.findall(r"^##+ (.*?)$(.*?)(?=^##|\Z)", GUIDE, re.DOTALL | re.MULTILINE)
    for source in re.findall(r"^```python\n(.*?)^```", section, re.DOTALL | re.MULTILINE)
}
"""By the heading above it; the last one, where a section has several."""


@pytest.fixture(autouse=True)
def beside_the_example(monkeypatch: pytest.MonkeyPatch) -> None:
    """The files of an author lie in one directory; the key of a provider is in the environment."""
    monkeypatch.syspath_prepend(str(ROOT / "examples"))
    monkeypatch.setenv("OPENAI_API_KEY", "none")


def names_of(source: str, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    """What the example defines."""
    module = ModuleType("guide")
    monkeypatch.setitem(sys.modules, "guide", module)  # a dataclass looks for its module
    exec(source, module.__dict__)
    return vars(module)


def examples() -> list[Any]:
    """Each example of the guide, with the line in which it begins."""
    found = re.finditer(r"^```python\n(.*?)^```", GUIDE, re.DOTALL | re.MULTILINE)
    return [pytest.param(each[1], id=f"line {GUIDE.count(chr(10), 0, each.start(1)) + 1}") for each in found]


@pytest.mark.parametrize("source", examples())
def test_each_example_runs(source: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """It needs nothing but what it imports. Its agent answers a call, and its tests pass."""
    names = names_of(source, monkeypatch)
    tests = [value for name, value in names.items() if name.startswith("test_")]
    for test in tests:
        test()

    async def scenario() -> None:
        async with call(names["agent"], ScriptedModel({"hello": "How are you?"})) as caller:
            await caller.says("hello hello over")
            caller.expect_said("How are you?")

    if "route" in names:
        assert isinstance(names["route"](CallInfo()), str)
    else:
        run(scenario())


def test_the_agent_of_the_guide_knows_who_calls(monkeypatch: pytest.MonkeyPatch) -> None:
    """The agent in the guide tells its model the name that the token's context has."""
    agent: VoiceAgent = names_of(EXAMPLES["Who calls"], monkeypatch)["agent"]

    async def told(info: CallInfo) -> str:
        model = ScriptedModel({"hello": "Hello."})
        async with call(agent, model, info) as caller:
            await caller.says("hello")
        return model.instructions[-1]

    assert run(told(CallInfo("ann", {"name": "Ann"}))).endswith("You are talking with Ann.")
    assert run(told(CallInfo())).endswith("You are talking with somebody who gave no name.")


def test_the_error_in_the_guide_is_the_one_that_one_gets(monkeypatch: pytest.MonkeyPatch) -> None:
    """Word by word."""
    names = names_of(EXAMPLES["Testing your agent"], monkeypatch)

    async def scenario() -> None:
        async with call(names["agent"], names["MODEL"]) as caller:
            await caller.says("I would like a Margherita")
            caller.expect_tool("add_pizza", name="Salami")

    with pytest.raises(AssertionError) as raised:
        run(scenario())
    assert f"```text\nAssertionError: {raised.value}\n```" in GUIDE


def test_the_guide_has_every_name_for_tests() -> None:
    """The table names what a caller can do, and what there is to look at."""
    table = GUIDE[GUIDE.index("| `call(agent, model, info, others, transfers)`") : GUIDE.index("**The model.**")]
    public = {name for name in vars(Caller) if not name.startswith("_")}
    assert public <= set(re.findall(r"`(\w+)", table))
