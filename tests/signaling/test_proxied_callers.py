"""Who makes a request, as a server behind real proxies sees it. All on 127.0.0.1."""

import contextlib
import logging
import shutil
import socket
import subprocess
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import aiohttp
import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from server.call.caller import Caller
from signaling.access import Access
from signaling.addresses import Proxies

NGINX = shutil.which("nginx", path="/usr/sbin:/usr/bin:/bin")
CADDY = shutil.which("caddy")
FORWARDED = "proxy_set_header X-Forwarded-For $proxy_add_x_forwarded_for; proxy_set_header Host $host;"
WEBSOCKETS = 'proxy_http_version 1.1; proxy_set_header Upgrade $http_upgrade; proxy_set_header Connection "upgrade";'
WITHOUT_A_TRACE = 'proxy_http_version 1.1; proxy_set_header Connection "";'


class Door:
    """A server that only finds out who makes a request."""

    def __init__(self, trusted: tuple[str, ...]) -> None:
        self.callers: list[Caller] = []
        self.access = Access(proxies=Proxies(trusted))
        app = web.Application()
        app.router.add_route("*", "/{path:.*}", self._note)
        self.server = TestServer(app, host="127.0.0.1")

    async def _note(self, request: web.Request) -> web.Response:
        self.callers.append(await self.access.admit(request))
        return web.Response()

    async def asked(self, url: str, local: str = "127.0.0.1", **headers: str) -> Caller:
        """Who makes a request with these headers, which comes from the address `local`."""
        connector = aiohttp.TCPConnector(local_addr=(local, 0))
        async with aiohttp.ClientSession(connector=connector) as http:
            async with http.post(f"{url}/api/offer", json={}, headers=headers) as response:
                assert response.status == 200
        return self.callers[-1]

    @property
    def url(self) -> str:
        return str(self.server.make_url("")).rstrip("/")


@contextlib.asynccontextmanager
async def door(*trusted: str) -> AsyncIterator[Door]:
    there = Door(trusted)
    async with there.server:
        yield there


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


@contextlib.contextmanager
def running(command: list[str], port: int, home: Path) -> Iterator[str]:
    """A proxy that listens on this port, stopped at the end. Gives its URL."""
    with subprocess.Popen(command, env={"HOME": str(home)}, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE) as proxy:
        try:
            for _ in range(400):
                assert proxy.poll() is None, proxy.stderr and proxy.stderr.read()
                with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port)):
                    break
                time.sleep(0.05)
            yield f"http://127.0.0.1:{port}"
        finally:
            proxy.terminate()
            proxy.communicate(timeout=10)


@contextlib.contextmanager
def nginx(target: str, settings: str, folder: Path) -> Iterator[str]:
    """nginx in front of `target`, with these lines in its location."""
    if NGINX is None:
        pytest.skip("nginx is not installed")
    port = free_port()
    temporary = " ".join(f"{kind}_temp_path {folder};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi"))
    location = f"location / {{ proxy_pass {target}; {settings} }}"
    (folder / "nginx.conf").write_text(
        f"daemon off; master_process off; pid {folder}/pid; events {{}}"
        f"http {{ access_log off; {temporary} server {{ listen 127.0.0.1:{port}; {location} }} }}"
    )
    with running([NGINX, "-e", "stderr", "-c", str(folder / "nginx.conf")], port, folder) as url:
        yield url


@contextlib.contextmanager
def caddy(target: str, folder: Path) -> Iterator[str]:
    """Caddy in front of `target`, as its manual shows it."""
    if CADDY is None:
        pytest.skip("Caddy is not installed")
    port = free_port()
    site = f"http://127.0.0.1:{port} {{\n reverse_proxy {target.removeprefix('http://')}\n}}\n"
    (folder / "Caddyfile").write_text(f"{{\n admin off\n auto_https off\n}}\n{site}")
    command = [CADDY, "run", "--adapter", "caddyfile", "--config", str(folder / "Caddyfile")]
    with running(command, port, folder) as url:
        yield url


async def test_a_program_on_this_machine_is_here() -> None:
    """Without a proxy, a program on this machine has no address, and may have local candidates."""
    async with door() as there:
        assert await there.asked(there.url) == Caller("", here=True)
        assert await there.asked(there.url.replace("127.0.0.1", "localhost")) == Caller("", here=True)
        assert await there.asked(there.url, Host="example.org") == Caller("127.0.0.1")


async def test_with_a_trusted_proxy_nobody_is_here() -> None:
    """What comes from the address of a trusted proxy is never taken for a program on this machine."""
    async with door("127.0.0.1") as there:
        assert await there.asked(there.url) == Caller("127.0.0.1")
        assert await there.asked(there.url, **{"X-Forwarded-For": "203.0.113.9"}) == Caller("203.0.113.9")


@pytest.mark.parametrize("settings", ["", WEBSOCKETS, "proxy_http_version 1.1;", FORWARDED])
async def test_nginx_on_this_machine_is_not_here(settings: str, tmp_path: Path) -> None:
    """Strangers behind an nginx that nobody has named share one address, and get no local candidates."""
    async with door() as there:
        with nginx(there.url, settings, tmp_path) as url:
            assert await there.asked(url) == Caller("127.0.0.1")


async def test_caddy_on_this_machine_is_not_here(tmp_path: Path) -> None:
    """Strangers behind a Caddy that nobody has named share one address, and get no local candidates."""
    async with door() as there:
        with caddy(there.url, tmp_path) as url:
            assert await there.asked(url) == Caller("127.0.0.1")


async def test_behind_a_trusted_nginx_each_caller_has_its_address(tmp_path: Path) -> None:
    """nginx adds the address of its client to what the client has written. Only the added address counts."""
    async with door("127.0.0.1") as there:
        with nginx(there.url, FORWARDED, tmp_path) as url:
            assert await there.asked(url, local="127.0.0.9", **{"X-Forwarded-For": "1.2.3.4"}) == Caller("127.0.0.9")


async def test_behind_a_trusted_caddy_each_caller_has_its_address(tmp_path: Path) -> None:
    """Caddy believes nobody, and writes the address of its client instead."""
    async with door("127.0.0.1") as there:
        with caddy(there.url, tmp_path) as url:
            assert await there.asked(url, local="127.0.0.9", **{"X-Forwarded-For": "1.2.3.4"}) == Caller("127.0.0.9")


async def test_a_proxy_without_a_trace_is_told_apart_once_it_was_noticed(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """An nginx that leaves no trace looks like a program. One request with a trace is enough: then nobody is here, and
    the operator is told, once."""
    async with door() as there:
        with nginx(there.url, WITHOUT_A_TRACE, tmp_path) as url, caplog.at_level(logging.WARNING):
            assert (await there.asked(url)).here, "if this fails, there is a trace now: take it as one"
            assert await there.asked(url, Via="1.1 example.org") == Caller("127.0.0.1")
            assert await there.asked(url) == Caller("127.0.0.1")
            assert await there.asked(there.url) == Caller("127.0.0.1")
    assert [record.message for record in caplog.records if "ANTIPHON_TRUSTED_PROXIES" in record.message] != []
    assert len(caplog.records) == 1
