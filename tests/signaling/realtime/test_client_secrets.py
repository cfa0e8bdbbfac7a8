"""The secrets of pages: what they open, and how their sessions begin."""

import aiohttp
import pytest

from signaling.access import Access
from signaling.json_values import MAX_VALUES
from signaling.keys import secret_key
from signaling.realtime.page_secret import unsigned
from signaling.tokens import read_claims, read_header
from tests.exchange import exchange
from tests.fakes.guided_mind import GuidedMind
from tests.fakes.mind import Mind
from tests.signaling.realtime.asking import ADMIN, OneKey, first_event
from tests.tokens import SECRET


async def test_a_secret_is_a_token_of_this_server() -> None:
    """A backend gets it with the admin token. It opens the WebSocket of a page, and sets what the session says."""
    async with exchange(GuidedMind().agent(), access=Access(OneKey())) as running, aiohttp.ClientSession() as http:
        url = f"{running.home}/v1/realtime/client_secrets"
        tools = [{"type": "function", "name": "look_up", "parameters": {"type": "object"}}]
        voice = {"output": {"voice": "ash"}}
        session = {"type": "realtime", "temperature": 0, "tools": tools, "instructions": "Be nice.", "audio": voice}
        body = {"expires_after": {"anchor": "created_at", "seconds": 60}, "session": session}
        assert (await http.post(url, json=body)).status == 401
        made = await (await http.post(url, json=body, headers=ADMIN)).json()
        assert made["value"].startswith("ek_")
        assert made["session"]["audio"]["output"]["voice"] == "ash"
        offered = ("realtime", f"openai-insecure-api-key.{made['value']}", "openai-agents-sdk.0.20.0")
        assert (await first_event(running, http, protocols=offered))["type"] == "session.created"
        assert running.options[-1].temperature == 0
        assert [tool.name for tool in running.options[-1].tools] == ["look_up"]
        bearer = {"Authorization": f"Bearer {made['value']}"}
        assert (await first_event(running, http, headers=bearer))["type"] == "session.created"
        for bad in ({"audio": 5}, {"a": [[]] * MAX_VALUES}):
            assert (await http.post(url, json={"session": bad}, headers=ADMIN)).status == 400


@pytest.mark.parametrize("open_to_all", [True, False])
async def test_a_session_begins_as_its_secret_says(open_to_all: bool) -> None:
    """So a page has nothing to set, as at OpenAI. On a server that everybody may call an agent that takes no
    instructions is called all the same, and the client is told of it."""
    access = None if open_to_all else Access(OneKey())
    async with exchange(Mind().agent(), access=access) as running, aiohttp.ClientSession() as http:
        sound = {"format": {"type": "audio/pcmu"}, "turn_detection": None, "transcription": {"model": "m"}}
        session = {"type": "realtime", "model": "m", "output_modalities": ["text"], "audio": {"input": sound}}
        if open_to_all:
            session["instructions"] = "Be nice."
        body = {"session": session}
        made = await (await http.post(f"{running.home}/v1/realtime/client_secrets", json=body, headers=ADMIN)).json()
        bearer = {"Authorization": f"Bearer {made['value']}"}
        async with http.ws_connect(f"{running.home}/v1/realtime", headers=bearer) as socket:
            told = (await socket.receive_json())["session"]
            assert {**told, "id": "", "expires_at": 0, "antiphon": 0} == {
                **made["session"], "id": "", "expires_at": 0, "antiphon": 0
            }  # fmt: skip
            assert told["expires_at"] > 1_700_000_000
            assert running.options[-1].turns == "manual"
            if open_to_all:
                error = (await socket.receive_json())["error"]
                assert "takes no instructions" in error["message"]


async def test_a_secret_that_says_what_no_session_can_be_is_refused() -> None:
    """Whoever may call can write one, where nobody signs them."""
    async with exchange(GuidedMind().agent()) as running, aiohttp.ClientSession() as http:
        bearer = {"Authorization": f"Bearer {unsigned({'type': 5}, 'abc')}"}
        with pytest.raises(aiohttp.WSServerHandshakeError, match="400"):
            await first_event(running, http, headers=bearer)


async def test_a_page_that_speaks_of_words_alone_gets_them_by_its_secret() -> None:
    async with exchange(GuidedMind().agent()) as running, aiohttp.ClientSession() as http:
        body = {"session": {"type": "transcription"}}
        made = await (await http.post(f"{running.home}/v1/realtime/client_secrets", json=body)).json()
        offered = ("realtime", f"openai-insecure-api-key.{made['value']}")
        told = (await first_event(running, http, protocols=offered))["session"]
        assert (told["type"], told["object"]) == ("transcription", "realtime.transcription_session")
        assert made["session"]["object"] == told["object"]


async def test_a_secret_for_an_agent_is_for_no_other_one() -> None:
    """A page could ask for any agent of the server otherwise."""
    async with exchange(Mind().agent(), access=Access(OneKey())) as running, aiohttp.ClientSession() as http:
        url = f"{running.home}/v1/realtime/client_secrets"
        for model, agent in (("reception", "reception"), ("gpt-realtime", "")):
            made = await (await http.post(url, json={"session": {"model": model}}, headers=ADMIN)).json()
            given = made["value"].removeprefix("ek_")
            assert read_claims(given, read_header(given), [secret_key(SECRET)]).agent == agent
