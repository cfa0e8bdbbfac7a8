"""How a call is set up: where clients reach it, which addresses it contacts, and what is freed if it stops half-way."""

import asyncio
import gc
import inspect
import os
import socket
import threading
from collections.abc import Iterator
from typing import Any

import aiohttp
import pytest
from aioice.ice import Connection
from aioice.stun import Class, Message, Method

from server.errors import AtCapacity
from server.media import ice
from server.media.candidates import Contact
from server.media.ice import MAX_REMOTE, Ice, _bind
from server.media.reach import PeerSettings, Reach
from tests.exchange import Exchange, exchange
from tests.loopback import SETTINGS
from tests.offers import audio, data, offer
from tests.phone import Phone, calling

pytestmark = pytest.mark.loopback_time


def reach(**changes: object) -> Reach:
    return Reach(**{"addresses": ("127.0.0.1",), "contact": Contact.LOCAL, **changes})  # type: ignore[arg-type]


def free_ports(count: int) -> range:
    """So many free ports in a row."""
    for first in range(20_000, 60_000, count):
        try:
            for port in range(first, first + count):
                _bind("127.0.0.1", range(port, port + 1)).close()
        except AtCapacity:
            continue
        return range(first, first + count)
    raise AssertionError("no free ports")


def candidates(sdp: str) -> Iterator[list[str]]:
    return (line.split() for line in sdp.splitlines() if line.startswith("a=candidate:"))


async def post(running: Exchange, http: aiohttp.ClientSession, sdp: str) -> aiohttp.ClientResponse:
    return await http.post(running.url, json={"sdp": sdp, "type": "offer"})


async def until_free(running: Exchange) -> None:
    while len(running.directory):  # noqa: ASYNC110  # real sockets are closing
        await asyncio.sleep(0.01)


def held() -> tuple[int, int, int]:
    """How many tasks, threads, and open files and sockets this process has. Threads of the loop's pool do not count."""
    gc.collect()
    threads = [thread for thread in threading.enumerate() if not thread.name.startswith("asyncio_")]
    return len(asyncio.all_tasks()), len(threads), len(os.listdir("/proc/self/fd"))


async def until_held(before: tuple[int, int, int]) -> None:
    """Wait until the process holds as much as before: aiortc's tasks end a moment after they are cancelled."""
    while held() != before:  # noqa: ASYNC110
        await asyncio.sleep(0.01)


async def test_media_stays_in_its_ports() -> None:
    """Each call takes a port of the range. If none is left, a client is told to wait. A call that ends frees it."""
    ports = free_ports(2)
    async with asyncio.timeout(20), exchange(reach=reach(ports=ports)) as running, aiohttp.ClientSession() as http:
        answers = [await (await post(running, http, offer(audio(), data()))).json() for _ in ports]
        taken = {int(words[5]) for answer in answers for words in candidates(answer["sdp"])}
        assert taken == set(ports)
        refused = await post(running, http, offer(audio()))
        assert (refused.status, (await refused.json())["error"]["code"]) == (503, "at_capacity")
        assert int(refused.headers["Retry-After"]) > 0
        assert len(running.directory) == len(ports)
        await http.delete(f"{running.url}?pc_id={answers[0]['pc_id']}")
        assert (await post(running, http, offer(audio()))).status == 200


async def test_a_port_that_another_program_has_is_passed_over() -> None:
    """If another program has a port of the range, the next one is taken."""
    ports = free_ports(2)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind(("127.0.0.1", ports[0]))
        for _ in range(9):
            bound = _bind("127.0.0.1", ports)
            assert bound.getsockname()[1] == ports[1]
            bound.close()


async def test_a_public_address_stands_for_the_private_one() -> None:
    """Behind 1:1 NAT, the answer has the public address and no private one."""
    settings = reach(public_address="203.0.114.7")
    async with asyncio.timeout(20), exchange(reach=settings) as running, aiohttp.ClientSession() as http:
        sdp = (await (await post(running, http, offer(audio(), data()))).json())["sdp"]
    assert {words[4] for words in candidates(sdp)} == {"203.0.114.7"}
    assert "127.0.0.1" not in sdp
    assert "raddr" not in sdp


async def test_an_address_of_another_machine_is_the_operators_mistake() -> None:
    """If a media address is not this machine's, the client learns only that the server is not set up."""
    settings = reach(addresses=("203.0.114.7",))
    async with asyncio.timeout(20), exchange(reach=settings) as running, aiohttp.ClientSession() as http:
        response = await post(running, http, offer(audio()))
        assert response.status == 500
        assert "203" not in await response.text()
        assert len(running.directory) == 0


@pytest.mark.parametrize(
    ("contact", "in_offer", "mid", "checked"),
    [
        (Contact.PRIVATE, True, "0", False),
        (Contact.PRIVATE, False, "0", False),
        (Contact.LOCAL, True, "0", True),
        (Contact.LOCAL, False, "0", True),
        (Contact.LOCAL, False, None, True),
        (Contact.LOCAL, False, "7", False),
    ],
)
async def test_a_client_may_not_choose_whom_we_contact(
    contact: Contact, in_offer: bool, mid: str | None, checked: bool
) -> None:
    """We send no packet to an address that no client can have, nor to a candidate of a section that is not used."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as victim:
        victim.bind(("127.0.0.1", 0))
        victim.setblocking(False)
        line = f"candidate:1 1 udp 1 127.0.0.1 {victim.getsockname()[1]} typ host"
        settings = reach(contact=contact)
        async with asyncio.timeout(20), exchange(reach=settings) as running, aiohttp.ClientSession() as http:
            sections = audio("0", *([f"a={line}"] if in_offer else [])), data()
            answer = await (await post(running, http, offer(*sections))).json()
            if not in_offer:
                body = {"pc_id": answer["pc_id"], "candidates": [{"candidate": line, "sdp_mid": mid}]}
                assert (await http.patch(running.url, json=body)).status == 200
            await asyncio.sleep(0.3)  # checks are 20 ms apart
        assert _received(victim) is checked


@pytest.mark.parametrize(("headers", "checked"), [({}, True), ({"Via": "1.1 example.org"}, False)])
async def test_only_a_caller_on_this_machine_may_have_its_addresses(headers: dict[str, str], checked: bool) -> None:
    """A caller who came through a proxy cannot make us contact the loopback address, although the proxy is here."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as victim:
        victim.bind(("127.0.0.1", 0))
        victim.setblocking(False)
        line = f"a=candidate:1 1 udp 1 127.0.0.1 {victim.getsockname()[1]} typ host"
        settings = reach(contact=Contact.PRIVATE, local_here=True)
        async with asyncio.timeout(20), exchange(reach=settings) as running:
            async with aiohttp.ClientSession(headers=headers) as http:
                assert (await post(running, http, offer(audio("0", line), data()))).status == 200
            await asyncio.sleep(0.3)  # checks are 20 ms apart
        assert _received(victim) is checked


def _received(bound: socket.socket) -> bool:
    try:
        return bool(bound.recv(2048))
    except BlockingIOError:
        return False


async def test_names_are_not_looked_up() -> None:
    """A client whose candidates are mDNS names connects by its own checks. The names are not looked up."""
    async with asyncio.timeout(20), exchange() as running, aiohttp.ClientSession() as http:
        phone = Phone(running.url, http)
        phone.hide_addresses()
        await phone.dial()
        await phone.opened.wait()
        await phone.hang_up()


async def test_an_offer_without_a_client_frees_all(caplog: pytest.LogCaptureFixture) -> None:
    """After twenty answers to clients that never connect, no task and no socket is left."""
    caplog.set_level("INFO", "server.media.peer")
    async with asyncio.timeout(30), exchange(limit=20, ice_s=0.3) as running, aiohttp.ClientSession() as http:
        await (await post(running, http, "v=0")).read()
        before = held()
        for _ in range(20):
            response = await post(running, http, offer(audio(), data()))
            assert response.status == 200
            await response.read()
        await until_free(running)
        await until_held(before)
    assert caplog.text.count("no ICE") == 20


@pytest.mark.parametrize("request_data", [{}, {"session_id": "some", "resume": "guess"}])
async def test_offers_and_moves_and_guesses_come_at_a_pace(request_data: dict[str, str]) -> None:
    """A client that moves its call, or guesses a token, again and again is told to wait. Others are not."""
    settings: dict[str, Any] = {"trusted": ["127.0.0.1"], "ice_s": 60}  # the call waits however slow the machine is
    async with asyncio.timeout(20), exchange(**settings) as running, aiohttp.ClientSession() as http:
        answer = await (await post(running, http, offer(audio(), data()))).json()
        again = {"pc_id": answer["pc_id"]} if not request_data else {"requestData": request_data}
        body = {"sdp": offer(audio(), data()), "type": "offer", **again}
        statuses: list[int] = []
        while 429 not in statuses and len(statuses) < 60:  # a second 429 would come a second later
            statuses.append((await http.post(running.url, json=body)).status)
        assert statuses[-1] == 429
        assert set(statuses) == {429, 404 if request_data else 200}
        elsewhere = {"X-Forwarded-For": "203.0.113.1"}
        first = {"sdp": offer(audio(), data()), "type": "offer"}
        assert (await http.post(running.url, json=first, headers=elsewhere)).status == 200


async def test_an_offer_that_gives_way_frees_its_peer() -> None:
    """On a server full of offers that never connect, each new one takes the place of an old one, whose peer is closed
    at once. So there are never more peers than places for long."""
    settings: dict[str, Any] = {"limit": 8, "trusted": ["127.0.0.1"], "ice_s": 60}  # no deadline frees a peer here
    async with asyncio.timeout(12), exchange(**settings) as running, aiohttp.ClientSession() as http:
        offers = [f"203.0.113.{number}" for number in (1, 1, 1, 1, 2, 2, 2, 2, 3, 4, 5, 6, 7, 8)]
        for address in offers:
            body = {"sdp": offer(audio(), data()), "type": "offer"}
            async with http.post(running.url, json=body, headers={"X-Forwarded-For": address}) as response:
                assert response.status == 200
        while len(running.calls._tasks) > 8:  # noqa: ASYNC110  # real sockets are closing
            await asyncio.sleep(0.01)
        assert len(running.directory) == 8


async def test_a_client_that_stops_half_way_frees_all(caplog: pytest.LogCaptureFixture) -> None:
    """A client that does ICE but no DTLS is dropped at the deadline of that stage."""
    caplog.set_level("INFO", "server.media.peer")
    async with asyncio.timeout(30), exchange(limit=3, dtls_s=0.4) as running, aiohttp.ClientSession() as http:
        await (await post(running, http, "v=0")).read()
        before = held()
        phones = [Phone(running.url, http) for _ in range(3)]
        try:
            for phone in phones:
                phone.skip_dtls()
                await phone.dial()
            await until_free(running)
        finally:
            for phone in phones:
                await phone.hang_up()
        await until_held(before)
    assert caplog.text.count("no DTLS") == 3


async def test_a_client_on_hold_is_kept() -> None:
    """A client whose sound stops after a while, and that sends no message, is kept because it answers STUN checks."""
    async with asyncio.timeout(20), exchange(vanished_s=1.5) as running, calling(running.url) as phone:
        await phone.until(type="state", state="listening")
        phone.microphone.say(bytes(9600))
        await phone.microphone.quiet.wait()
        phone.microphone.hush()
        await asyncio.sleep(3)
        assert len(running.directory) == 1
        phone.vanish()
        await until_free(running)


async def test_a_relay_that_is_not_given_is_in_the_log(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """If the TURN server is down or refuses our credentials, only the relay is missing, and the log says so."""
    monkeypatch.setattr(ice, "GATHER_S", 0.1)
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as silent:
        silent.bind(("127.0.0.1", 0))
        agent = Connection(
            ice_controlling=False, turn_server=silent.getsockname(), turn_username="us", turn_password="wrong"
        )
        Ice(agent, reach(), lambda: None).close()
        await agent.gather_candidates()
    assert [candidate.type for candidate in agent.local_candidates] == ["host"]
    assert caplog.text.count("x TURN server gives no relay") == 1
    await agent.close()


async def test_checks_from_ever_more_addresses_are_not_taken() -> None:
    """If checks with the right password come from too many addresses, only a limited number become candidates."""
    agent = Connection(ice_controlling=False)
    guarded = Ice(agent, reach(), lambda: None)
    agent.remote_username, agent.remote_password = "caller", "p" * 22
    await agent.gather_candidates()
    connecting = asyncio.ensure_future(agent.connect())
    address = ("127.0.0.1", agent.local_candidates[0].port)
    answered = 0
    for _ in range(MAX_REMOTE + 9):
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as caller:
            caller.setblocking(False)
            caller.sendto(_check(agent), address)
            await asyncio.get_running_loop().sock_recv(caller, 2048)
            answered += 1
    assert answered == MAX_REMOTE + 9
    assert len(agent.remote_candidates) == MAX_REMOTE
    guarded.close()
    await agent.close()
    await asyncio.wait([connecting])
    assert isinstance(connecting.exception(), ConnectionError)


def _check(agent: Connection) -> bytes:
    """A check as an ICE agent sends it that knows the user name and the password of `agent`."""
    request = Message(message_method=Method.BINDING, message_class=Class.REQUEST)
    request.attributes["USERNAME"] = f"{agent.local_username}:caller"
    request.attributes["PRIORITY"] = 1
    request.attributes["ICE-CONTROLLING"] = 1
    request.add_message_integrity(agent.local_password.encode())
    return bytes(request)


def test_the_defaults_notice_a_vanished_client_in_seconds() -> None:
    """By default a vanished client is noticed within 4 s, and the set-up takes no longer than clients wait: 15 s."""
    settings = PeerSettings()
    assert settings.vanished_s <= 4
    assert settings.ice_s + settings.dtls_s <= 15
    assert SETTINGS.reach.contact is Contact.LOCAL


def test_aioice_is_as_the_adapter_knows_it() -> None:
    """The private names of aioice that we use still exist. If not, an aioice release has changed them."""
    connection = Connection(ice_controlling=False)
    for name in ("_nominated", "_protocols", "_remote_candidates", "check_incoming"):
        assert hasattr(connection, name), f"aioice's Connection.{name} is gone: see Ice"
    assert list(inspect.signature(connection.get_component_candidates).parameters) == [
        "component", "addresses", "timeout",
    ], "aioice's Connection.get_component_candidates has changed: see Ice._gather"  # fmt: skip
    assert "get_component_candidates" in inspect.getsource(Connection.gather_candidates)


@pytest.mark.parametrize("address", ["127.0.0.1", "::1"])
def test_what_is_sent_is_marked_for_expedited_forwarding(address: str) -> None:
    """A datagram from a media socket arrives with DSCP 46 (EF) in its IP header."""
    version = socket.AF_INET6 if ":" in address else socket.AF_INET
    with socket.socket(version, socket.SOCK_DGRAM) as receiver:
        try:
            receiver.bind((address, 0))
        except OSError:
            pytest.skip("this machine has no IPv6")
        if version == socket.AF_INET6:
            receiver.setsockopt(socket.IPPROTO_IPV6, socket.IPV6_RECVTCLASS, 1)
        else:
            receiver.setsockopt(socket.IPPROTO_IP, socket.IP_RECVTOS, 1)
        receiver.settimeout(5)
        with _bind(address, range(0)) as sender:
            sender.sendto(b"sound", receiver.getsockname())
        data, ancillary, _, _ = receiver.recvmsg(100, 100)
    assert data == b"sound"
    [(_, _, field)] = ancillary
    assert field[0] >> 2 == 46


def test_a_system_that_refuses_the_mark_takes_the_call(monkeypatch: pytest.MonkeyPatch) -> None:
    """If the system does not let us mark datagrams, the socket is opened all the same."""
    monkeypatch.setattr(ice, "EXPEDITED_FORWARDING", 1 << 20)
    with _bind("::1" if socket.has_ipv6 and os.path.exists("/proc/net/if_inet6") else "127.0.0.1", range(0)) as opened:
        assert opened.getsockname()[1] > 0
