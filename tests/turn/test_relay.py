"""Calls through coturn, with the configuration in turn/."""

import asyncio
import contextlib
import secrets
import socket
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import aiohttp
import aioice.stun
import pytest
from aioice.turn import create_turn_endpoint
from aiortc import RTCConfiguration, RTCIceServer, RTCIceTransportPolicy, RTCPeerConnection

from server.call.caller import Caller
from server.media.reach import GatherServer
from signaling.ice import credentials
from signaling.ice_servers import turn_user
from tests.exchange import exchange
from tests.media.set_up import candidates, reach
from tests.phone import Phone
from tests.relay import PEERS, SECRET, START, Relay, needs_coturn, relay
from tests.voices import speak

pytestmark = needs_coturn

LOOPBACK = "--allow-loopback-peers"
"""coturn has a rule of its own against loopback. It is switched off, so that our rules are tested."""


@pytest.fixture(scope="module")
def open_relay(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Relay]:
    """A relay that may send to this machine."""
    with relay(tmp_path_factory.mktemp("open"), LOOPBACK, peers=("127.0.0.1",)) as running:
        yield running


@pytest.fixture(scope="module")
def closed_relay(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Relay]:
    """A relay that may send to PEERS only."""
    with relay(tmp_path_factory.mktemp("closed"), LOOPBACK) as running:
        yield running


@pytest.fixture(scope="module")
def ipv6_relay(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Relay]:
    with relay(tmp_path_factory.mktemp("ipv6"), LOOPBACK, address="::1") as running:
        yield running


def through(phone: Phone, server: Relay, only: bool = True) -> None:
    """Let the phone use the relay. With `only`, it uses nothing else."""
    username, password = server.login()
    servers = [RTCIceServer(server.url, username, password)]
    policy = RTCIceTransportPolicy.RELAY if only else RTCIceTransportPolicy.ALL
    phone.use(RTCPeerConnection(RTCConfiguration(iceServers=servers, iceTransportPolicy=policy)))


async def test_a_call_through_the_relay_alone(open_relay: Relay) -> None:
    """A question is heard and its answer comes back. No packet goes another way than through the relay."""
    async with asyncio.timeout(40), exchange() as running, aiohttp.ClientSession() as http:
        phone = Phone(running.url, http)
        through(phone, open_relay)
        await phone.dial()
        assert {words[7] for words in candidates(phone.pc.localDescription.sdp)} == {"relay"}
        await phone.opened.wait()
        await phone.until(type="state", state="listening")
        phone.microphone.say(speak("What time is it?", rate_hz=48_000))
        assert (await phone.until(type="transcription", final=True))["text"] == "what time is it"
        answer = await phone.until(type="response", final=True)
        await phone.until(type="metrics", reply=answer["reply"])
        await phone.hang_up()
    assert sum(phone.loud) * 0.02 >= 1.0


async def test_a_server_behind_the_relay(open_relay: Relay) -> None:
    """A server that gathers by TURN advertises the relay's address, without its own address behind it."""
    username, password = open_relay.login()
    settings = reach(gather_servers=lambda: [GatherServer(open_relay.url, username, password)])
    async with asyncio.timeout(40), exchange(reach=settings) as running, aiohttp.ClientSession() as http:
        phone = Phone(running.url, http)
        answer = await phone.dial()
        await phone.opened.wait()
        await phone.hang_up()
        found = list(candidates(answer["sdp"]))
    relayed = next(words for words in found if words[7] == "relay")
    assert relayed[8:12] == ["raddr", "0.0.0.0", "rport", "9"]


async def test_a_relay_that_does_not_answer_costs_seconds_not_the_call() -> None:
    """If a relay does not answer, the SDP answer leaves without it, and the call works."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as mute:
        mute.bind(("127.0.0.1", 0))
        url = f"127.0.0.1:{mute.getsockname()[1]}"
        servers = [GatherServer(f"turn:{url}", "a", "b"), GatherServer(f"stun:{url}")]
        settings = reach(gather_servers=lambda: servers)
        async with asyncio.timeout(20), exchange(reach=settings) as running, aiohttp.ClientSession() as http:
            phone = Phone(running.url, http)
            answer = await phone.dial()
            await phone.opened.wait()
            await phone.hang_up()
    assert {words[7] for words in candidates(answer["sdp"])} == {"host"}


@pytest.mark.parametrize(
    "peer",
    [
        *("127.0.0.1", "10.0.0.1", "172.16.0.1", "192.168.1.1", "169.254.169.254", "100.64.0.1", "0.0.0.0"),
        *("224.0.0.1", "8.8.8.8", "198.51.100.4", "198.51.100.6", "255.255.255.255"),
    ],
)
async def test_a_peer_that_is_not_the_media_server_is_refused(closed_relay: Relay, peer: str) -> None:
    """The relay sends nothing to addresses inside a network, and nothing to strangers on the Internet."""
    assert await permission(closed_relay, closed_relay.login(), peer) == 403


async def test_the_media_server_is_allowed(closed_relay: Relay) -> None:
    """This shows that the refusals above are because of the address."""
    assert await permission(closed_relay, closed_relay.login(), PEERS[0]) == 200


def test_the_secret_is_in_no_list_of_processes(closed_relay: Relay) -> None:
    """Whoever may list the processes of this machine does not learn the secret."""
    command = Path(f"/proc/{closed_relay.process.pid}/cmdline").read_text()
    assert "turnserver" in command
    assert SECRET not in command


@pytest.mark.parametrize(
    ("environment", "sentence"),
    [
        ({}, "ANTIPHON_TURN_SECRET is empty"),
        ({"TURN_SECRET": "", "TURN_PEERS": "10.0.0.5"}, "ANTIPHON_TURN_SECRET is empty"),
        ({"TURN_SECRET": SECRET, "TURN_PEERS": ","}, "set ANTIPHON_MEDIA_ADDRESSES"),
    ],
)
def test_a_relay_for_everybody_does_not_start(environment: dict[str, str], sentence: str) -> None:
    """Without a secret, or without a media server, there is no relay."""
    refused = subprocess.run(["sh", str(START)], env=environment, capture_output=True, text=True, timeout=10)
    assert refused.returncode == 2
    assert sentence in refused.stderr


@pytest.mark.parametrize("seconds", [-1, 600])
async def test_credentials_that_are_not_ours_or_over_are_refused(open_relay: Relay, seconds: int) -> None:
    """Credentials that have expired are refused, and so are those that are made with another secret."""
    username, password = open_relay.login(seconds)
    if seconds > 0:
        password = credentials("another secret", 2_000_000_000, "tests")[1]
    assert await permission(open_relay, (username, password), "127.0.0.1") == 401


@pytest.mark.parametrize(
    ("peer", "allowed"),
    [
        ("::ffff:127.0.0.1", False),
        ("::ffff:169.254.169.254", False),
        ("::1", False),
        ("64:ff9b::7f00:1", False),
        ("2002:7f00:1::1", False),
        ("fd00:ec2::254", False),
        ("fe80::1", False),
        ("2a00:1450::1", False),
        ("2001:db8::4", False),
        ("2001:db8::5", True),
    ],
)
async def test_an_address_inside_of_an_ipv6_one_is_no_way_around(ipv6_relay: Relay, peer: str, allowed: bool) -> None:
    """An IPv6 address that holds a denied IPv4 address is denied, too (CVE-2026-27624 and similar faults).

    coturn's own client asks for it, because aioice allocates only IPv4 addresses.
    """
    client = await asyncio.create_subprocess_exec(
        *("turnutils_uclient", "-v", "-x", "-n", "1", "-m", "1", "-W", SECRET, "-u", secrets.token_hex(4)),
        *("-p", str(ipv6_relay.port), "-e", peer, "-r", "5000", "::1"),
        stdout=asyncio.subprocess.PIPE,
    )
    assert client.stdout is not None
    bind = answered = ""
    async with asyncio.timeout(10):
        while not answered:
            line = (await client.stdout.readline()).decode()
            assert line, "coturn's client has ended"
            bind = line if "channel bind sent" in line else bind
            answered = line if bind and ("403" in line or "success" in line) else ""
    if client.returncode is None:
        client.kill()
    await client.communicate()
    assert ("success" in answered) is allowed, answered


async def permission(server: Relay, login: tuple[str, str], peer: str) -> int:
    """Allocate a relay and ask for permission to send to `peer` (RFC 8656, section 9). Returns 200 or an error code."""
    address = ("127.0.0.1", server.port)
    try:
        transport, _ = await create_turn_endpoint(asyncio.DatagramProtocol, address, *login)
    except aioice.stun.TransactionFailed as refused:
        return int(refused.response.error_code)
    try:
        client = transport._TurnTransport__inner_protocol  # type: ignore[attr-defined]
        await client.channel_bind(0x4000, (peer, 5000))
    except aioice.stun.TransactionFailed as refused:
        return int(refused.response.error_code)
    else:
        return 200
    finally:
        await transport._close()


async def test_a_caller_has_one_quota_however_often_it_asks(tmp_path: Path) -> None:
    """Credentials that one caller gets at different times share a quota; another caller has one of its own."""
    ann, bob = turn_user(Caller(name="ann")), turn_user(Caller(name="bob"))
    now_s = int(time.time())
    logins = [credentials(SECRET, now_s + 600 + later_s, ann) for later_s in range(3)]
    with relay(tmp_path, *LOOPBACK, "--user-quota=2") as running:
        async with contextlib.AsyncExitStack() as stack:
            for login in (*logins[:2], credentials(SECRET, now_s + 600, bob)):
                stack.callback((await allocation(running, login)).close)
            with pytest.raises(aioice.stun.TransactionFailed) as refusal:
                await allocation(running, logins[2])
            assert refusal.value.response.attributes["ERROR-CODE"][0] == 486  # Allocation Quota Reached


async def allocation(server: Relay, login: tuple[str, str]) -> asyncio.DatagramTransport:
    """Make an allocation."""
    transport, _ = await create_turn_endpoint(
        asyncio.DatagramProtocol, ("127.0.0.1", server.port), username=login[0], password=login[1]
    )
    return transport
