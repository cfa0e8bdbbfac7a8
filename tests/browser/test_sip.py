"""Real softphones of browsers: JsSIP and SIP.js, unmodified, call a started server by SIP over WebSocket."""

import hashlib
import json
import time
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import Request, urlopen

import pytest
from playwright.sync_api import Page

from tests.browser.bundles import needs_npm
from tests.browser.chromium import microphone
from tests.browser.softphones import Softphone, phone_page
from tests.started import Started, started
from tests.tokens import SECRET, token

pytestmark = [pytest.mark.browser, needs_npm]

QUESTION = "Where is my order four two seven one?"
GREETING_S = 5.5
ADMIN = "a token of the admin"


DESK = """
from pydantic_ai import Agent
from pydantic_ai.messages import ToolReturnPart
from pydantic_ai.models.function import DeltaToolCall, FunctionModel
from antiphon import Transfer, VoiceAgent

async def think(messages, info):
    if isinstance(messages[-1].parts[-1], ToolReturnPart):
        yield "One moment."
    else:
        yield {0: DeltaToolCall("pass_on", "{}", tool_call_id="1")}

agent = Agent(FunctionModel(stream_function=think))

@agent.tool_plain
def pass_on() -> Transfer:
    return Transfer("bob", note="Wants a refund.")

desk = VoiceAgent(agent=agent, name="Desk", greeting="Hello.")
"""
"""An agent that transfers each caller to bob."""


@pytest.fixture(scope="module")
def server() -> Iterator[Started]:
    with started() as running:
        yield running


@pytest.fixture(scope="module")
def page(server: Started, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Page]:
    """A page whose microphone is silent."""
    quiet = microphone(tmp_path_factory.mktemp("sip") / "quiet.wav", before_s=60, after_s=0)
    with phone_page(server, quiet) as page:
        yield page


def sip(server: Started, path: str = "/sip") -> str:
    return f"{server.url.replace('http', 'ws')}{path}"


def until(true: Callable[[], object], limit_s: float = 15.0) -> None:
    end = time.monotonic() + limit_s
    while not true():
        assert time.monotonic() < end, "not in time"
        time.sleep(0.05)


def grows(phone: Softphone, for_s: float = 1.0) -> bool:
    """Whether the agent is heard. What is heard in silence is 100 times softer than speech."""
    before = phone.do("energy")
    time.sleep(for_s)
    return bool(phone.do("energy") > before + 5e-3)


def answers(server: Started) -> int:
    return sum("answers: reply=" in line for line in server.lines)


def test_a_spoken_call_by_jssip(server: Started, tmp_path: Path) -> None:
    """JsSIP registers and calls; what the caller says is answered, and then the caller says goodbye: the agent hangs
    up."""
    file = microphone(tmp_path / "mic.wav", QUESTION, "Goodbye.", "Goodbye.", before_s=GREETING_S, after_s=9.0)
    before = answers(server)
    with phone_page(server, file) as page:
        phone = Softphone(page, "JsSipPhone", sip(server))
        assert phone.do("registered") == "registered"
        assert phone.do("call", "demo") == "confirmed"
        until(lambda: grows(phone, 0.2))
        until(lambda: answers(server) > before, 20)
        assert phone.do("over", 25_000) == "ended Terminated"
        assert "progress" in phone.get("heard")


@pytest.mark.parametrize(("kind", "path"), [("JsSipPhone", "/sip"), ("SipJsPhone", "/")])
def test_keys_words_hold_and_hanging_up(server: Started, page: Page, kind: str, path: str) -> None:
    """Keys come by INFO and words by MESSAGE. On hold nothing is heard; afterwards the agent goes on."""
    phone = Softphone(page, kind, sip(server, path))
    assert phone.do("registered") == "registered"
    assert phone.do("call", "demo") in ("confirmed", "established")
    until(lambda: grows(phone, 0.2))
    phone.do("hold")
    time.sleep(0.3)
    assert not grows(phone)
    phone.do("unhold")
    until(lambda: grows(phone, 0.2))
    before = answers(server)
    for key in "4271#":
        phone.do("key", key)
    until(lambda: answers(server) > before)
    phone.do("hangUp")
    phone.do("over", 5_000)
    until(lambda: server.lines[-1].endswith("is over"))


def test_the_connection_is_cut_in_mid_call(server: Started, page: Page) -> None:
    """The sound goes on, JsSIP comes back by itself, and the call takes typed words again."""
    phone = Softphone(page, "JsSipPhone", sip(server))
    phone.do("registered")
    assert phone.do("call", "demo") == "confirmed"
    until(lambda: grows(phone, 0.2))
    phone.do("cut")
    assert grows(phone)
    assert phone.do("registered") == "registered"
    before = answers(server)
    assert phone.do("text", "What is seven times eight?")
    until(lambda: answers(server) > before)
    until(lambda: not grows(phone))
    assert phone.do("text", "Goodbye.")
    assert phone.do("over", 20_000) == "ended Terminated"


def test_a_transfer(server: Started, page: Page, tmp_path: Path) -> None:
    """The agent passes the call on: JsSIP calls the other one itself, tells so, and the first call is over."""
    (tmp_path / "desk.py").write_text(DESK)
    options = ("--agent", f"desk={tmp_path}/desk.py:desk", "--agent", "bob=demo", "--allowed-origins", server.url)
    with started(*options) as desk:
        phone = Softphone(page, "JsSipPhone", sip(desk))
        phone.do("registered")
        assert phone.do("call", "desk") == "confirmed"
        until(lambda: grows(phone, 0.2))
        phone.do("follow")
        assert phone.do("text", "Bob, please.")
        assert phone.do("over", 20_000) == "ended Terminated"
        assert phone.get("subject") == "Wants a refund."
        until(lambda: any("is transferred" in line for line in desk.lines))
        until(lambda: sum("begins by sip" in line for line in desk.lines) == 2)


def test_passwords_and_tokens(server: Started, page: Page, tmp_path: Path) -> None:
    """JsSIP answers the challenge, or brings a token; a wrong password and an unknown agent are told.

    The page is another server's, as that of an own web site would be.
    """
    users = tmp_path / "phones"
    users.write_text(f"alice:shop:{hashlib.md5(b'alice:shop:secret').hexdigest()}\n")
    options = ("--sip-users", str(users), "--access-secret", SECRET, "--allowed-origins", server.url)
    with started(*options) as server:
        wrong = Softphone(page, "JsSipPhone", sip(server), password="guess")
        assert wrong.do("registered") == "registrationFailed Authentication Error"
        token_phone = Softphone(page, "JsSipPhone", sip(server), user="ann", token=token("ann"))
        assert token_phone.do("registered") == "registered"
        assert token_phone.do("call", "nobody") == "failed Not Found"
        js = Softphone(page, "SipJsPhone", sip(server), user="alice", password="secret")
        assert js.do("registered") == "registered"
        assert js.do("call", "demo") == "established"
        js.do("hangUp")
        phone = Softphone(page, "JsSipPhone", sip(server), password="secret")
        assert phone.do("registered") == "registered"
        assert phone.do("call", "demo") == "confirmed"


def test_calls_to_phones(server: Started, page: Page) -> None:
    """The server calls: JsSIP declines, then takes a call, hears the greeting, holds, restarts ICE, and hangs up.
    SIP.js takes a call, hears the greeting, holds, types, and hangs up."""
    with started("--allowed-origins", server.url, ANTIPHON_ADMIN_TOKEN=ADMIN) as caller, ThreadPoolExecutor(1) as pool:
        phone = Softphone(page, "JsSipPhone", sip(caller), user="carol")
        assert phone.do("registered") == "registered"
        phone.do("wait", False)
        assert pool.submit(ring, caller, "carol").result(20) == (409, "declined")
        phone.do("wait", True)
        status, call_id = pool.submit(ring, caller, "carol").result(30)
        assert status == 200
        assert caller.logs(f"call {call_id} begins")
        until(lambda: "confirmed" in phone.get("heard"))
        until(lambda: grows(phone, 0.2))
        phone.do("hold")
        time.sleep(0.3)
        assert not grows(phone)
        phone.do("unhold")
        until(lambda: grows(phone, 0.2))
        phone.do("restart")
        until(lambda: grows(phone, 0.2))
        assert phone.do("text", "What is seven times eight?")
        until(lambda: any(f"call {call_id} answers" in line for line in caller.lines))
        phone.do("hangUp")
        until(lambda: any(f"call {call_id} is over" in line for line in caller.lines))
        js = Softphone(page, "SipJsPhone", sip(caller), user="dave")
        assert js.do("registered") == "registered"
        js.do("wait")
        status, call_id = pool.submit(ring, caller, "dave").result(30)
        assert status == 200
        until(lambda: js.get("pc") is not None)
        until(lambda: grows(js, 0.2))
        js.do("hold")
        time.sleep(0.3)
        assert not grows(js)
        js.do("unhold")
        until(lambda: grows(js, 0.2))
        assert js.do("text", "What is seven times eight?")
        until(lambda: any(f"call {call_id} answers" in line for line in caller.lines))
        js.do("hangUp")
        until(lambda: any(f"call {call_id} is over" in line for line in caller.lines))


def ring(server: Started, user: str) -> tuple[int, str]:
    """Let the server call a phone. Returns the status, and the id of the call or why there is none."""
    headers = {"Authorization": f"Bearer {ADMIN}", "Content-Type": "application/json"}
    body = json.dumps({"to": f"sip:{user}@127.0.0.1", "timeout_s": 10}).encode()
    try:
        with urlopen(Request(f"{server.url}/api/calls", body, headers), timeout=30) as answer:
            return answer.status, json.load(answer)["id"]
    except HTTPError as error:
        return error.code, json.load(error)["error"]["code"]
