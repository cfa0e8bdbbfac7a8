"""The ICE of a call: its ports and addresses, whom it contacts, and what it knows of aioice."""

import asyncio
import inspect
import os
import socket

import aiohttp
import pytest
from aioice.ice import Connection
from aioice.stun import Class, Message, Method

from server.errors import AtCapacity
from server.media import ice
from server.media.candidates import Contact
from server.media.ice import MAX_REMOTE, Ice, _bind
from tests.exchange import exchange
from tests.media.set_up import candidates, post, reach
from tests.offers import audio, data, offer
from tests.phone import Phone

pytestmark = pytest.mark.loopback_time


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
