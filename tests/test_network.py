"""How the settings decide where clients reach calls, and which addresses calls contact."""

import pytest

from server.config import load
from server.errors import ConfigError
from server.media.candidates import Contact
from server.network import client_servers, peer_settings

TURN = {"turn_urls": "turn:a:3478", "turn_secret": "s"}


@pytest.mark.parametrize(
    ("given", "contact", "contact_here"),
    [
        ({}, Contact.PRIVATE, Contact.LOCAL),
        ({"trusted_proxies": "127.0.0.1"}, Contact.PRIVATE, Contact.PRIVATE),
        ({"host": "0.0.0.0"}, Contact.PRIVATE, Contact.PRIVATE),
        ({"host": "0.0.0.0", "remote_candidates": "public"}, Contact.PUBLIC, Contact.PUBLIC),
        ({"host": "0.0.0.0", "remote_candidates": "local"}, Contact.LOCAL, Contact.LOCAL),
        ({"remote_candidates": "private"}, Contact.PRIVATE, Contact.PRIVATE),
    ],
)
def test_which_addresses_are_contacted(given: dict[str, str], contact: Contact, contact_here: Contact) -> None:
    """Only callers on this machine may have local addresses, and only on a server that the network does not reach,
    unless a setting allows more."""
    reach = peer_settings(load(**given)).reach
    assert (reach.contact_of(False), reach.contact_of(True)) == (contact, contact_here)


def test_settings_reach_the_peers() -> None:
    """Each setting of the media reaches the peers' settings."""
    given = {"vanished_s": "7", "media_ports": "40000-40099"}
    peers = peer_settings(load(media_addresses="127.0.0.2", public_address="203.0.114.7", **given))
    assert peers.vanished_s == 7
    assert (peers.reach.addresses, peers.reach.public_address) == (("127.0.0.2",), "203.0.114.7")
    assert peers.reach.ports == range(40_000, 40_100)


def test_clients_get_servers_with_credentials_of_their_own() -> None:
    """Two callers get two TURN user names, so that one does not use up the other's quota."""
    servers = client_servers(load(stun_urls="stun:b", **TURN))
    (stun, one), (_, other) = servers("one"), servers("other")
    assert stun.urls == ("stun:b",)
    assert one.urls == ("turn:a:3478",)
    assert [server.username.partition(":")[2] for server in (one, other)] == ["one", "other"]
    assert client_servers(load())("one") == []


def test_the_server_gathers_by_servers_of_its_own() -> None:
    """The servers by which the server itself gathers candidates have credentials if they are TURN servers."""
    settings = load(gather_urls="stun:b:3478, turn:a:3478", turn_secret="s")
    stun, turn = peer_settings(settings).reach.gather_servers()
    assert (stun.url, stun.credential) == ("stun:b:3478", "")
    assert (turn.url, bool(turn.credential)) == ("turn:a:3478", True)


@pytest.mark.parametrize(
    ("given", "named"),
    [
        ({"media_addresses": "127.0.0.1,203.0.114.7"}, r"ANTIPHON_MEDIA_ADDRESSES: cannot bind 203\.0\.114\.7: "),
        ({"media_ports": "40000"}, "ANTIPHON_MEDIA_PORTS"),
        ({"media_ports": "40000-40001", "max_calls": "3"}, "ANTIPHON_MEDIA_PORTS"),
        ({"gather_urls": "turn:a:3478"}, "ANTIPHON_TURN_SECRET"),
        ({"gather_urls": "stun:[::1]", "turn_secret": "s"}, "ANTIPHON_GATHER_URLS"),
        ({"gather_urls": "a:3478"}, "ANTIPHON_GATHER_URLS"),
    ],
)
def test_settings_with_which_no_call_works_are_refused_at_the_start(given: dict[str, str], named: str) -> None:
    """Settings with which no client could reach a call raise ConfigError, which names the setting."""
    with pytest.raises(ConfigError, match=named):
        peer_settings(load(**given))


@pytest.mark.parametrize("given", [{"turn_urls": "turn:a:3478"}, {**TURN, "turn_urls": "http://a"}, {"stun_urls": "x"}])
def test_servers_that_no_client_could_use_are_refused_at_the_start(given: dict[str, str]) -> None:
    """A URL that is not valid, or a TURN server without a secret, raises ConfigError."""
    with pytest.raises(ConfigError, match=r"ANTIPHON_TURN|ANTIPHON_STUN"):
        client_servers(load(**given))
