"""Calls that are transferred to a person."""

from dataclasses import replace

from antiphon import Transfer
from antiphon.testing import call, run
from server.call.switchboard import TRANSFER_FRAMES
from server.media.frame import FRAME_MS
from tests.testing.shop import RECEPTION


def test_a_call_is_transferred_to_a_person() -> None:
    """The line is told when the caller has heard the answer. When a person has the call, it is over here."""
    ends: list[str] = []
    agent = replace(RECEPTION, on_end=lambda deps, end: ends.append(end.reason))

    async def scenario() -> None:
        async with call(agent, transfers=True) as caller:
            await caller.says("a person please", until="I put you")
            assert caller.transfer is None
            await caller.is_silent(10)
            assert caller.transfer == Transfer("+4930123456", "wants a person")
            caller.transferred(ok=True)
            caller.expect_hung_up()

    run(scenario())
    assert ends == ["transferred"]


def test_nobody_takes_the_call() -> None:
    """The agent tells the caller, and the call goes on: the line could not do it, or nobody has answered."""

    async def scenario() -> None:
        for answers in (True, False):
            async with call(RECEPTION, transfers=True) as caller:
                await caller.says("a person please")
                if answers:
                    caller.transferred(ok=False, reason="Busy.")
                await caller.is_silent(5 if answers else TRANSFER_FRAMES * FRAME_MS / 1000 + 5)
                caller.expect_said("Nobody is there at the moment.")
                caller.expect_not_said("still there")
                assert await caller.says("is this the shop") == "This is the shop."

    run(scenario())


def test_a_line_that_cannot_transfer() -> None:
    """The model is told, and nobody promises anything."""

    async def scenario() -> None:
        async with call(RECEPTION) as caller:
            heard = await caller.says("a person please")
            assert heard == "I put you through. The call cannot be transferred from the caller's line."
            assert caller.transfer is None
            caller.transferred(ok=True)
            await caller.is_silent(1)
            assert await caller.says("is this the shop") == "This is the shop."

    run(scenario())
