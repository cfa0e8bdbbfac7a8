"""A real Chromium and a started server: calls with a token, and pages of other sites."""

import http.server
import threading
from collections.abc import Iterator
from functools import partial
from pathlib import Path
from typing import Any
from urllib.request import urlopen

import pytest

from tests.browser.chromium import Chromium, ask
from tests.started import started
from tests.tokens import SECRET, token

pytestmark = pytest.mark.browser

TRIES = """async (server) => {
    const pc = new RTCPeerConnection();
    pc.addTransceiver("audio");
    await pc.setLocalDescription();
    const body = JSON.stringify({ sdp: pc.localDescription.sdp, type: "offer" });
    const json = { "content-type": "application/json" };
    const tried = async (request) => request.then((response) => response.status, () => "blocked");
    const socket = await new Promise((done) => {
        const ws = new WebSocket(server.replace("http", "ws") + "/api/voice/conversation/new");
        ws.onmessage = () => { done("open"); ws.close(); };
        ws.onclose = () => done("closed");
    });
    const blind = [];
    for (let number = 0; number < 8; number++)
        blind.push(await tried(fetch(server + "/api/offer", { method: "POST", mode: "no-cors", body })));
    return {
        socket,
        blind,
        offer: await tried(fetch(server + "/api/offer", { method: "POST", headers: json, body })),
        text: await tried(fetch(server + "/api/offer", { method: "POST", body })),
        servers: await tried(fetch(server + "/api/ice-servers", { headers: { authorization: "Bearer x" } })),
    };
}"""


class _Blank(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(b"<!doctype html><link rel=icon href=data:,>")

    def log_message(self, *_: Any) -> None:
        pass


@pytest.fixture
def elsewhere() -> Iterator[str]:
    """Another site: its pages are empty."""
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), _Blank)
    thread = threading.Thread(target=partial(server.serve_forever, 0.05))
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    thread.join()
    server.server_close()


def test_a_call_with_the_token_of_a_link(chromium: Chromium, tmp_path: Path) -> None:
    """A caller with a link calls a server that others reach, is told that the call is recorded, and is answered."""
    options = ("--host", "0.0.0.0", "--access", "token", "--recordings-dir", str(tmp_path / "sound"))
    with started(*options, ANTIPHON_ACCESS_SECRET=SECRET) as server:
        home = server.url.replace("0.0.0.0", "127.0.0.1")
        with chromium.page(f"{home}/?token={token()}") as page:
            page.click("#call")
            page.locator('#captions > [data-role=agent][data-final="true"]').first.wait_for(timeout=15_000)
            assert page.locator("#recorded").is_visible()
            assert "token" not in page.url
            assert "fifty six" in ask(page, "What is seven times eight?")
        with chromium.page(home) as page:
            page.click("#call")
            page.locator("#notice", has_text="A call needs a token here.").wait_for(timeout=15_000)


def test_a_page_of_another_site_is_blocked(elsewhere: str, chromium: Chromium) -> None:
    """Such a page gets neither a WebSocket nor an answer, and what it posts blindly takes no place."""
    with started("--max-calls", "8") as server:
        with pytest.raises(AssertionError, match="blocked by CORS policy"), chromium.page(elsewhere) as page:
            tried = page.evaluate(TRIES, server.url)
        with urlopen(f"{server.url}/metrics") as response:
            assert "antiphon_call_opened_total 0" in response.read().decode()
    blocked = dict.fromkeys(("offer", "text", "servers"), "blocked")
    assert tried == {"socket": "closed", "blind": [0] * 8, **blocked}


def test_a_page_of_an_allowed_site_calls(elsewhere: str, chromium: Chromium) -> None:
    """A page of a site in ANTIPHON_ALLOWED_ORIGINS uses the whole API, and is told why a request is refused."""
    with started("--allowed-origins", elsewhere) as server, chromium.page(elsewhere) as page:
        tried = page.evaluate(TRIES, server.url)
    assert tried == {"socket": "open", "blind": [0] * 8, "offer": 200, "text": 415, "servers": 200}
