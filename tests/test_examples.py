"""The examples, in calls as `antiphon.testing` makes them."""

from pathlib import Path

from antiphon.testing import ScriptedModel, ToolCall, call, run
from server.agent.agent_file import AgentFiles

ROOT = Path(__file__).parent.parent

MODEL = ScriptedModel(
    {
        "nothing": ToolCall("hang_up"),
        r"an? (\w+) and an? (\w+)": [
            ToolCall("add_pizza", name=r"\1"),
            ToolCall("add_pizza", name=r"\2"),
            "All right.",
        ],
        r"an? (\w+)": ToolCall("add_pizza", name=r"\1"),
        "that is all": ToolCall("hang_up"),
    }
)


def test_a_pizza_is_ordered() -> None:
    """Each call has an order of its own, and ends when the caller says goodbye."""
    agent = AgentFiles().agent(f"{ROOT}/examples/pizzeria.py:agent")

    async def scenario(first: str, *pizzas: str) -> None:
        async with call(agent, MODEL) as caller:
            await caller.says(first)
            assert sorted(caller.deps.pizzas) == sorted(pizzas)
            await caller.says("no that is all thank you")
            caller.expect_tool("hang_up")
            caller.expect_hung_up()

    run(scenario("a Margherita please", "Margherita"))
    run(scenario("a Salami and a Funghi please", "Salami", "Funghi"))
