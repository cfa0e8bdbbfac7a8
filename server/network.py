"""Settings → how callers reach us: where media is bound, whom it contacts, which STUN and TURN servers there are."""

import os
import secrets
import socket
import time
from collections.abc import Callable

from server.config import Settings
from server.errors import ConfigError
from server.media.candidates import Contact
from server.media.reach import IceServer, PeerSettings, Reach, port_range
from signaling import ice

LOOPBACK = ("127.0.0.1", "::1", "localhost")


def peer_settings(settings: Settings) -> PeerSettings:
    """What peers are made by. Raises ConfigError."""
    loopback = settings.host in LOOPBACK
    reach = Reach(
        addresses=_addresses(settings),
        loopback=loopback,
        ports=_ports(settings),
        public_address=settings.public_address,
        contact=_contact(settings.remote_candidates, loopback),
        ice_servers=_own_servers(settings),
    )
    return PeerSettings(reach, vanished_s=settings.vanished_s)


def client_servers(settings: Settings) -> Callable[[], list[ice.IceServer]]:
    """→ a function that gives what clients are told to use, with credentials of their own. Raises ConfigError."""
    return _servers(settings, settings.stun_urls + settings.turn_urls, "ANTIPHON_STUN_URLS or ANTIPHON_TURN_URLS")


def _addresses(settings: Settings) -> tuple[str, ...]:
    for address in settings.media_addresses:
        with socket.socket(socket.AF_INET6 if ":" in address else socket.AF_INET, socket.SOCK_DGRAM) as tried:
            try:
                tried.bind((address, 0))
            except OSError as exc:
                reason = os.strerror(exc.errno or 0).lower()
                raise ConfigError(f"ANTIPHON_MEDIA_ADDRESSES: cannot bind {address}: {reason}") from exc
    return settings.media_addresses


def _contact(setting: str, loopback: bool) -> Contact:
    if setting == "auto":
        return Contact.LOCAL if loopback else Contact.PRIVATE
    return Contact[setting.upper()]


def _ports(settings: Settings) -> range:
    try:
        ports = port_range(settings.media_ports)
    except ValueError as exc:
        raise ConfigError(f"ANTIPHON_MEDIA_PORTS: {exc}") from exc
    if ports and len(ports) < settings.max_calls:
        raise ConfigError(f"ANTIPHON_MEDIA_PORTS: {settings.max_calls} calls (ANTIPHON_MAX_CALLS) need as many ports")
    return ports


def _own_servers(settings: Settings) -> Callable[[], list[IceServer]]:
    urls = settings.gather_urls
    if any("[" in url or url.startswith("stuns:") for url in urls):
        raise ConfigError("ANTIPHON_GATHER_URLS: servers are reached by name or IPv4 address, STUN without TLS")
    servers = _servers(settings, urls, "ANTIPHON_GATHER_URLS")
    return lambda: [IceServer(url, s.username, s.credential) for s in servers() for url in s.urls]


def _servers(settings: Settings, urls: tuple[str, ...], variable: str) -> Callable[[], list[ice.IceServer]]:
    secret = settings.turn_secret.get_secret_value()
    for url in urls:
        if not ice.valid_url(url):
            raise ConfigError(f"{variable}: {url!r} is not like stun:host:3478 or turn:host:3478?transport=udp")
        if ice.is_turn(url) and not secret:
            raise ConfigError(f"{variable}: TURN needs ANTIPHON_TURN_SECRET")

    def servers() -> list[ice.IceServer]:
        ends_s = int(time.time()) + settings.turn_ttl_s
        return ice.ice_servers(urls, secret, ends_s, secrets.token_hex(4))

    return servers
