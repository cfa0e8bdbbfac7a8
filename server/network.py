"""Reads from the settings how clients reach us: where media is bound, which addresses it contacts, and which STUN and
TURN servers there are."""

import os
import secrets
import socket
import time
from collections.abc import Callable

from server.config import Settings
from server.errors import ConfigError
from server.media.candidates import Contact
from server.media.reach import GatherServer, PeerSettings, Reach, port_range
from signaling import ice

LOOPBACK = ("127.0.0.1", "::1", "localhost")
"""The values of ANTIPHON_HOST with which only this machine, and proxies on it, reach the server."""


def peer_settings(settings: Settings) -> PeerSettings:
    """The settings of all WebRTC peers. Raises ConfigError."""
    loopback = settings.host in LOOPBACK
    reach = Reach(
        addresses=_addresses(settings),
        loopback=loopback,
        ports=_ports(settings),
        public_address=settings.public_address,
        contact=_contact(settings.remote_candidates),
        local_here=settings.remote_candidates == "auto" and loopback and not settings.trusted_proxies,
        gather_servers=_gather_servers(settings),
    )
    return PeerSettings(reach, vanished_s=settings.vanished_s)


def client_servers(settings: Settings) -> Callable[[str], list[ice.IceServer]]:
    """Return a function that makes the list of ICE servers for a client, with credentials for the user of that name.

    Raises ConfigError if a URL or the TURN secret is missing or wrong.
    """
    return _servers(settings, settings.stun_urls + settings.turn_urls, "ANTIPHON_STUN_URLS or ANTIPHON_TURN_URLS")


def _addresses(settings: Settings) -> tuple[str, ...]:
    """The media addresses, after trying to bind each one."""
    for address in settings.media_addresses:
        with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_DGRAM) as tried:
            try:
                tried.bind((address, 0))
            except OSError as exc:
                reason = os.strerror(exc.errno or 0).lower()
                raise ConfigError(f"ANTIPHON_MEDIA_ADDRESSES: cannot bind {address}: {reason}") from exc
    return settings.media_addresses


def _contact(setting: str) -> Contact:
    """How near the addresses of all callers may be. With "auto" callers on this machine may have local ones, too."""
    return Contact.PRIVATE if setting == "auto" else Contact[setting.upper()]


def _ports(settings: Settings) -> range:
    try:
        ports = port_range(settings.media_ports)
    except ValueError as exc:
        raise ConfigError(f"ANTIPHON_MEDIA_PORTS: {exc}") from exc
    if ports and len(ports) < settings.max_calls:
        raise ConfigError(
            f"ANTIPHON_MEDIA_PORTS: must be at least {settings.max_calls} ports, because ANTIPHON_MAX_CALLS calls need "
            "one each"
        )
    return ports


def _gather_servers(settings: Settings) -> Callable[[], list[GatherServer]]:
    urls = settings.gather_urls
    if any("[" in url or url.startswith("stuns:") for url in urls):
        raise ConfigError(
            "ANTIPHON_GATHER_URLS: name the servers by host name or IPv4 address; STUN works only without TLS"
        )
    servers = _servers(settings, urls, "ANTIPHON_GATHER_URLS")

    def gather() -> list[GatherServer]:
        found = servers(secrets.token_hex(4))  # a name for each call, because the TURN server limits what one may have
        return [GatherServer(url, server.username, server.credential) for server in found for url in server.urls]

    return gather


def _servers(settings: Settings, urls: tuple[str, ...], variable: str) -> Callable[[str], list[ice.IceServer]]:
    """Check the URLs that the setting `variable` has. Returns a function that makes servers with fresh credentials for
    a name."""
    secret = settings.turn_secret.get_secret_value()
    for url in urls:
        if not ice.valid_url(url):
            raise ConfigError(f"{variable}: {url!r} must be like stun:host:3478 or turn:host:3478?transport=udp")
        if ice.is_turn(url) and not secret:
            raise ConfigError(f"{variable}: TURN servers need ANTIPHON_TURN_SECRET")

    def servers(name: str) -> list[ice.IceServer]:
        ends_s = int(time.time()) + settings.turn_ttl_s
        return ice.ice_servers(urls, secret, ends_s, name)

    return servers
