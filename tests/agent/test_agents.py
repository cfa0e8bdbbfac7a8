"""Which agent answers a call, and how the operator names agents."""

from dataclasses import replace
from pathlib import Path

import pytest
from pydantic_ai import Agent

from server.agent.agent_file import AgentFiles, places
from server.agent.agents import Agents
from server.agent.call_info import CallInfo
from server.agent.voice_agent import VoiceAgent
from server.choices import choose_agents
from server.config import load
from server.errors import AgentUnavailable, ConfigError, Forbidden, NotFound

DESK, BILLING = VoiceAgent(Agent(), name="The desk"), VoiceAgent(Agent(), name="Billing")
AGENTS = {"desk": DESK, "billing": BILLING, "+4930123": BILLING}
FILE = """
from pydantic_ai import Agent
from pydantic_ai.models.test import TestModel
from server.agent.voice_agent import VoiceAgent
{name} = VoiceAgent(Agent(TestModel()), name="{name} of {file}")
"""


def dialled(what: str) -> CallInfo:
    return CallInfo(dialled=what)


@pytest.mark.parametrize(
    ("what", "name"),
    [
        ("", "desk"),
        ("billing", "billing"),
        ("Billing", "billing"),
        ("+4930123", "+4930123"),
        ("+49 (30) 1-23", "+4930123"),
    ],
)
async def test_what_was_dialled_decides(what: str, name: str) -> None:
    """Names are compared without regard to capitals, and numbers without regard to how they are written."""
    agents = Agents(AGENTS)
    assert await agents.choose("", dialled(what)) == name
    assert agents.about(what) is AGENTS[name]


@pytest.mark.parametrize("what", ["+49 30 1", "100", "(030) 1/2-3"])
async def test_a_number_that_a_telephone_has_dialled_reaches_somebody(what: str) -> None:
    """The first agent, where no agent has the number. A name has to be that of an agent, and so has anything that is
    not dialled by a telephone."""
    agents, telephone = Agents(AGENTS), CallInfo(dialled=what, transport="telephone")
    assert await agents.choose("", telephone) == agents.first
    for info in (dialled(what), CallInfo(dialled="nobody", transport="telephone")):
        with pytest.raises(NotFound):
            await agents.choose("", info)


@pytest.mark.parametrize("what", ["shop", "4930123", "The desk", "../desk", "desk\0"])
async def test_an_agent_that_is_not_there(what: str) -> None:
    """It is not found, before the call and by the call."""
    agents = Agents(AGENTS)
    with pytest.raises(NotFound):
        await agents.choose("", dialled(what))
    with pytest.raises(NotFound):
        agents.about(what)


async def test_an_agent_that_is_not_listed() -> None:
    """It answers who asks for it by its name, and nobody else. No list has it."""
    hidden = VoiceAgent(Agent(), name="Hidden")
    agents = Agents({"desk": DESK}, unlisted={"client": hidden})
    assert await agents.choose("", dialled("Client")) == "client"
    assert await agents.choose("client", dialled("")) == "client"
    assert agents["client"] is hidden
    assert agents.kept("client") == "client"
    assert await agents.choose("", dialled("")) == "desk"
    assert list(agents) == [DESK]
    assert agents.reached(DESK) == ""
    with pytest.raises(Forbidden):
        await agents.choose("desk", dialled("client"))


def test_the_client_s_agent(tmp_path: Path) -> None:
    """It is there beside the demo agent, unlisted, and where the operator names it. Beside agents of the operator's own
    it is not there."""
    demo = choose_agents(load())
    assert demo["client"].by_client
    assert [agent.by_client for agent in demo] == [False]
    (own,) = choose_agents(load(agent="client", model="test"))
    assert own.by_client
    with pytest.raises(ConfigError, match="client has no model"):
        choose_agents(load(agent="client"))
    (tmp_path / "desk.py").write_text(FILE.format(name="agent", file="desk"))
    with pytest.raises(NotFound):
        choose_agents(load(agent=f"{tmp_path}/desk.py:agent")).find("client")


async def test_a_token_is_for_one_agent() -> None:
    """Its name, or what it is called, decides; who dials another one is refused."""
    agents = Agents(AGENTS, router=lambda info: "desk")
    assert agents.names == {"desk", "billing", "+4930123", "The desk", "Billing"}
    for bound in ("billing", "Billing"):
        assert await agents.choose(bound, CallInfo()) == "billing"
        assert await agents.choose(bound, dialled("billing")) == "billing"
        with pytest.raises(Forbidden):
            await agents.choose(bound, dialled("desk"))


async def test_a_router_decides() -> None:
    """It is told who calls and what was dialled, may be async, and may leave the decision to what was dialled."""

    async def route(info: CallInfo) -> str:
        return "billing" if info.context.get("plan") == "gold" or info.dialled == "sales" else ""

    agents = Agents(AGENTS, route)
    assert await agents.choose("", CallInfo(context={"plan": "gold"}, dialled="desk")) == "billing"
    assert await agents.choose("", dialled("sales")) == "billing"
    assert await agents.choose("", dialled("desk")) == "desk"
    assert await agents.choose("", CallInfo()) == "desk"
    assert agents.about("sales") is DESK
    with pytest.raises(NotFound):
        await agents.choose("", dialled("nobody"))


@pytest.mark.parametrize("answer", ["nobody", 7, KeyError("a column")], ids=["unknown", "no text", "fails"])
async def test_a_router_that_fails(answer: object, caplog: pytest.LogCaptureFixture) -> None:
    """The call is refused in one sentence, and the operator reads why."""

    def route(info: CallInfo) -> object:
        if isinstance(answer, Exception):
            raise answer
        return answer

    with pytest.raises(AgentUnavailable, match=r"^No agent can take this call\. Please try again later\.$"):
        await Agents(AGENTS, route).choose("", dialled("desk"))
    assert [record.getMessage().startswith("x the router failed: ") for record in caplog.records] == [True]


def test_a_call_that_comes_back(caplog: pytest.LogCaptureFixture) -> None:
    """It goes on with the agent that had it. Where that is not known any more, the first one takes it."""
    agents = Agents(AGENTS)
    assert agents.kept("billing") == "billing"
    assert agents.kept("") == "desk"
    assert not caplog.records
    assert agents.kept("gone") == "desk"
    assert len(caplog.records) == 1


async def test_an_agent_with_two_names_is_started_once() -> None:
    started: list[str] = []

    async def start(agent: VoiceAgent) -> VoiceAgent:
        started.append(agent.name)
        return replace(agent, about="ready")

    agents = await Agents(AGENTS).started(start)
    assert started == ["The desk", "Billing"]
    assert agents["+4930123"] is agents["billing"]
    assert [agent.about for agent in agents] == ["ready", "ready"]
    assert agents.reached(agents["billing"]) == " at /agents/billing, /agents/+4930123"


# How they are named


def write(directory: Path, *files: tuple[str, str]) -> None:
    for file, name in files:
        (directory / f"{file}.py").write_text(FILE.format(name=name, file=file))


def test_agents_by_place(tmp_path: Path) -> None:
    """An agent has the name of its file, or its own if that is not just `agent`, or the one that is given."""
    write(tmp_path, ("shop", "agent"), ("all", "billing"))
    (tmp_path / "tools.py").write_text("raise SystemExit('not an agent, and never loaded')")
    shop, billing = f"{tmp_path}/shop.py:agent", f"{tmp_path}/all.py:billing"
    assert places([shop, billing, f"+4930={shop}", "demo"]) == {
        "shop": shop,
        "billing": billing,
        "+4930": shop,
        "demo": "demo",
    }
    assert places([str(tmp_path)]) == {"shop": shop}
    agents = choose_agents(load(agent=f"{shop},{billing},+4930={shop}"))
    assert [agents[name].name for name in ("shop", "billing")] == ["agent of shop", "billing of all"]
    assert agents["+4930"] is agents["shop"]


@pytest.mark.parametrize(
    ("wanted", "why"),
    [
        ([], "name an agent"),
        (["DIR/shop.py:agent", "DIR/other/shop.py:agent"], "two agents are 'shop'"),
        (["a b=DIR/shop.py:agent"], "'a b' is no name"),
        (["x/y=DIR/shop.py:agent"], "'x/y' is no name"),
        (["DIR/other/empty"], "no file in .* has an agent"),
    ],
)
def test_agents_that_cannot_be_named(tmp_path: Path, wanted: list[str], why: str) -> None:
    """The operator reads what is wrong."""
    (tmp_path / "other" / "empty").mkdir(parents=True)
    write(tmp_path, ("shop", "agent"))
    write(tmp_path / "other", ("shop", "agent"))
    with pytest.raises(ConfigError, match=f"^ANTIPHON_AGENT: {why}"):
        places([part.replace("DIR", str(tmp_path)) for part in wanted])


@pytest.mark.parametrize(
    ("place", "why"),
    [
        ("DIR/missing.py:route", "is not path/to/file.py:name"),
        ("DIR/routes.py:missing", "'missing' in .* is not a function of one parameter"),
        ("DIR/routes.py:two", "'two' in .* is not a function of one parameter"),
        ("DIR/broken.py:route", "fails: ZeroDivisionError"),
    ],
)
def test_routers_that_cannot_be_used(tmp_path: Path, place: str, why: str) -> None:
    (tmp_path / "routes.py").write_text("def two(call, other): ...\n")
    (tmp_path / "broken.py").write_text("1 / 0\n")
    with pytest.raises(ConfigError, match=f"^ANTIPHON_ROUTER: .*{why}"):
        AgentFiles().router(place.replace("DIR", str(tmp_path)))
