"""Pipecat's client library, unmodified, calls a started server with both of its transports."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, sync_playwright

from tests.browser.bundles import bundle, needs_npm
from tests.browser.chromium import ARGS, CHROMIUM, microphone
from tests.started import Started, started

pytestmark = [pytest.mark.browser, needs_npm]

DESK = """
import json
from dataclasses import dataclass
from pydantic_ai import Agent, RunContext
from pydantic_ai.messages import ToolReturnPart, UserPromptPart
from pydantic_ai.models.function import DeltaToolCall, FunctionModel
from antiphon import VoiceAgent

@dataclass
class Deps:
    hang_up_requested: bool = False

async def think(messages, info):
    newest = messages[-1].parts[-1]
    said = [part.content for each in messages for part in each.parts if isinstance(part, UserPromptPart)][-1].lower()
    if "bye" in said:
        if isinstance(newest, ToolReturnPart):
            yield "Goodbye."
        else:
            yield {0: DeltaToolCall("hang_up", "{}", tool_call_id="bye")}
    elif "order" in said and isinstance(newest, ToolReturnPart):
        yield f"The page says {json.loads(newest.model_response_str())['answer']}. " + "It goes on and on and on. " * 20
    elif "order" in said:
        yield {0: DeltaToolCall("ask_page", '{"what": "order"}', tool_call_id="page")}
    else:
        yield "Fine."

agent = Agent(FunctionModel(stream_function=think), deps_type=Deps)

@agent.tool
def hang_up(context: RunContext[Deps]) -> str:
    context.deps.hang_up_requested = True
    return "ok"

desk = VoiceAgent(agent=agent, name="Desk", greeting="Hello.", make_deps=lambda info: Deps(), by_client=True,
                  phrases=["where is my order four two seven one", "stop"])
"""
"""An agent that asks the page, tells long stories, and hangs up when it hears a goodbye."""
STORY = "It goes on and on and on."
TOOL = {"name": "ask_page", "parameters": {"type": "object", "properties": {"what": {"type": "string"}}}}


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Started]:
    file = tmp_path_factory.mktemp("pipecat") / "desk.py"
    file.write_text(DESK)
    with started("--agent", f"{file}:desk") as running:
        yield running


class Client:
    """A PipecatClient in a page."""

    def __init__(self, page: Page) -> None:
        self._page = page
        self.requests: list[str] = []
        page.on("request", lambda request: self.requests.append(f"{request.method} {request.url}"))

    def dial(self, kind: str, transport: str) -> Any:
        request = {"transport": transport, "body": {"tools": [TOOL], "x_page": "orders"}}
        return self._page.evaluate("([kind, request]) => dial(kind, request, 'ask_page')", [kind, request])

    def do(self, script: str) -> Any:
        return self._page.evaluate(f"() => {{ {script} }}")

    @property
    def events(self) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self._page.evaluate("events")
        return found

    def told(self, name: str) -> list[Any]:
        return [event["data"] for event in self.events if event["name"] == name]

    def until(self, name: str, count: int = 1, limit_s: float = 15) -> list[Any]:
        """Wait until the client was told this so many times."""
        end = time.monotonic() + limit_s
        while len(told := self.told(name)) < count:
            assert time.monotonic() < end, (name, [event["name"] for event in self.events][-30:])
            self._page.wait_for_timeout(50)
        return told

    def energy(self) -> float:
        return float(self._page.evaluate("ear.energy"))

    def pause(self, ms: int) -> None:
        self._page.wait_for_timeout(ms)


@contextmanager
def client(server: Started, microphone_file: str) -> Iterator[Client]:
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(
            executable_path=CHROMIUM, args=[*ARGS, f"--use-file-for-fake-audio-capture={microphone_file}"]
        )
        try:  # the libraries load audio worklets from blobs, which the policy of our own page does not allow
            page = browser.new_context(bypass_csp=True).new_page()
            page.goto(server.url)
            page.evaluate(bundle("pipecat.js"))
            yield Client(page)
        finally:
            browser.close()


@pytest.mark.parametrize(("kind", "transport"), [("rtc", "webrtc"), ("socket", "websocket")])
def test_a_call(server: Started, tmp_path: Path, kind: str, transport: str) -> None:
    """The client connects, is heard, runs a tool, hears the answer, cuts it off, and is disconnected at the end."""
    file = microphone(
        tmp_path / "mic.wav", "Where is my order four two seven one?", "Stop.", "Stop.", before_s=2, after_s=5
    )
    before = len(server.lines)
    with client(server, file) as phone:
        assert phone.dial(kind, transport)["version"].startswith("2.")
        assert phone.until("onServerMessage")[0]["type"] == "session"
        phone.until("onUserStartedSpeaking")
        phone.until("onLLMFunctionCallStopped")
        assert [call["arguments"] for call in phone.told("onLLMFunctionCallInProgress")] == [{"what": "order"}]
        assert "order" in next(said["text"] for said in phone.told("onUserTranscript") if said["final"])
        silent = phone.energy()
        phone.until("onBotStartedSpeaking", 2)
        phone.pause(1000)
        assert phone.energy() > silent * 1.2, "the answer is heard"
        assert any("page says 42" in each["text"] for each in phone.told("onBotOutput"))
        phone.until("onBotStoppedSpeaking", 2)
        story = [each["spoken_status"] for each in phone.told("onBotOutput") if each["text"] == STORY]
        assert story.count("new") > story.count("completed") > 0, "only a part was heard"
        phone.do("client.sendText('Goodbye.')")
        phone.until("onDisconnected")
        assert server.logs("is over", since=before)
        if kind == "rtc":
            calls = list(phone.requests)
            phone.pause(2500)  # the library tries again after 2 s
            assert phone.requests == calls, "no second ring"
            assert phone.told("onBotDisconnected")
            assert not phone.told("onError")
