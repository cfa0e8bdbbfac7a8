"""What the door lets through, for whom, and what it says of the caller."""

import asyncio
import re
import ssl
from dataclasses import replace
from pathlib import Path

import pytest
from aiohttp import ClientSession
from yarl import URL

from server.cluster.door import configuration
from server.cluster.door.door import Door
from server.cluster.roster import Roster
from tests.cluster.door.asking import WAIT_S, asked, opened, talks_to, until, whose
from tests.cluster.workers import worker
from tests.deploy.proxies import self_signed
from tests.relay import free_port
from tests.started import ROOT


async def test_the_door_says_who_the_caller_is(roster: Roster) -> None:
    """What the caller writes itself does not count, unless it is a proxy that the operator trusts."""
    said = {"X-Forwarded-For": "198.51.100.9", "X-Forwarded-Proto": "https", "X-Forwarded-Host": "evil.example"}
    said |= {"Forwarded": "for=198.51.100.9", "X-Real-IP": "198.51.100.9"}
    said |= {"Antiphon-Passed-On": "w9 w1 0 198.51.100.9 https 00", "Antiphon-Tried-Again": "yes"}
    async with worker(roster, "w1"):
        async with opened(roster) as (_, session):
            assert await _headers(session, said) == {"x-forwarded-for": "127.0.0.1", "x-forwarded-proto": "http"}
        async with opened(roster, trusted_proxies=("127.0.0.0/8",)) as (_, session):
            kept = {"x-forwarded-for": "198.51.100.9, 127.0.0.1", "x-forwarded-proto": "https"}
            assert await _headers(session, said) == kept | {"x-forwarded-host": "evil.example"}


async def _headers(session: ClientSession, said: dict[str, str]) -> dict[str, str]:
    """What a worker hears of the caller; several lines are one list."""
    _, answer, _ = await asked(session, "GET", "/", headers=said)
    found: dict[str, str] = {}
    for name, value in answer["headers"]:
        if any(part in name.lower() for part in ("forwarded", "real-ip", "antiphon")):
            found[name.lower()] = f"{found[name.lower()]}, {value}" if name.lower() in found else value
    return found


async def test_an_operator_waits_for_a_phone_that_rings(roster: Roster, monkeypatch: pytest.MonkeyPatch) -> None:
    """Longer than for anything else: an answer in place of the worker's would hide a call that begins."""
    monkeypatch.setattr(configuration, "ANSWER_S", 1)
    async with worker(roster, "w1"), opened(roster, operations_port=free_port()) as (it, _):
        async with ClientSession(f"http://127.0.0.1:{it._settings.operations_port}") as session:
            rung, other = await asyncio.gather(
                asked(session, "POST", "/api/calls?wait_s=1.5"), asked(session, "GET", "/api/calls?wait_s=1.5")
            )
    assert (rung[0], other[0], other[1]["error"]["code"]) == (200, 504, "gateway_timeout")


async def test_what_is_for_operators_has_an_address_of_its_own(roster: Roster) -> None:
    async with (
        worker(roster, "w1", state="draining") as one,
        worker(roster, "w2") as two,
        opened(roster, operations_port=(port := free_port())) as (it, session),
        ClientSession(f"http://127.0.0.1:{port}") as operator,
    ):
        await roster.announce(replace(one.announcement, operations_url=two.announcement.url))
        await until(lambda: _leads_to(operator, "/api/calls/w1-x", "w2"))
        hidden = ("/metrics", "/health/ready", "/api/calls", "/api/tokens", "/api/cluster/w1/drain", "/console")
        for path in (*hidden, "/api/conversations/w1-x", "/whep/w1-x", "/%6detrics", "/api/%63alls", "//metrics"):
            status, answer, _ = await asked(session, "GET", URL(it.url + path, encoded=True))
            assert (status, answer["error"]["code"]) == (404, "not_found"), path
        assert await whose(session, "GET", "/api/callsign") == "w2"
        for path in hidden:
            assert await whose(operator, "GET", path) in ("w1", "w2")
        assert (await asked(operator, "GET", "/door/health"))[:2] == (200, {"status": "ready"})
        async with operator.get("/door/metrics") as answer:
            assert "haproxy_server_status" in await answer.text()


def test_the_door_hides_what_the_other_proxies_hide() -> None:
    """deploy/Caddyfile says what is for operators."""
    line = re.search(r"@operators path (.*)", (ROOT / "deploy/Caddyfile").read_text(encoding="utf-8"))
    assert line is not None
    assert {path.removesuffix("/*").strip("/") for path in line[1].split()} <= {*configuration.OPERATORS}


async def _leads_to(session: ClientSession, path: str, name: str) -> bool:
    return await whose(session, "GET", path) == name


async def test_bad_requests_do_not_reach_a_worker(roster: Roster, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(configuration, "PATIENCE_MS", 200)
    async with worker(roster, "w1") as one, opened(roster) as (it, session):
        assert (await asked(session, "POST", "/api/offer", data=b"x" * 200_000))[0] == 413
        assert (await asked(session, "GET", "/", headers={"X-Long": "x" * 20_000}))[0] == 431
        assert await _status(it, b"NONSENSE\r\n\r\n") == 400
        assert await _status(it, b"GET / HTTP/1.1\r\nHost: here\r\nX-Slow: ") == 408
        assert await _status(it, b"POST /api/offer HTTP/1.1\r\nHost: here\r\nContent-Length: 9\r\n\r\n{") == 408
        assert one.got == []


async def _status(it: Door, sent: bytes) -> int:
    reader, writer = await asyncio.open_connection("127.0.0.1", it._settings.port)
    writer.write(sent)
    async with asyncio.timeout(WAIT_S):
        answer = await reader.read()
    writer.close()
    return int(answer.split()[1])


async def test_tls(roster: Roster, tmp_path: Path) -> None:
    certificate, key = self_signed(tmp_path)
    both = tmp_path / "both.pem"
    both.write_bytes(certificate.read_bytes() + key.read_bytes())
    trust = ssl.create_default_context(cafile=str(certificate))
    async with worker(roster, "w1"), opened(roster, certificate=str(both)) as (it, session):
        place = f"https://localhost:{it._settings.port}"
        _, answer, _ = await asked(session, "GET", f"{place}/", ssl=trust)
        assert ["X-Forwarded-Proto", "https"] in answer["headers"]
        assert await talks_to(session, f"{place.replace('https', 'wss')}/rtvi", ssl=trust) == "w1"
