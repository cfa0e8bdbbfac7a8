"""Chromium offers again on the connection that it has, and calls by WHIP."""

from collections.abc import Iterator
from typing import Any

import pytest
from playwright.sync_api import Page

from tests.browser.chromium import Chromium
from tests.started import Started, started

pytestmark = pytest.mark.browser

CALL = """
window.sleep = (ms) => new Promise((done) => setTimeout(done, ms));
window.begin = async () => {
  window.pc = new RTCPeerConnection();
  window.told = [];
  window.open_channel = (label) => {
    window.channel = pc.createDataChannel(label);
    channel.onmessage = ({ data }) => told.push(JSON.parse(data));
  };
  open_channel("events");
  window.voice = async () => (await navigator.mediaDevices.getUserMedia({ audio: true })).getTracks()[0];
  window.audio = pc.addTransceiver(await voice(), { direction: "sendrecv" });
  return await offer();
};
window.offer = async () => {
  await pc.setLocalDescription();
  await sleep(200);
  const body = JSON.stringify({ sdp: pc.localDescription.sdp, type: "offer", pc_id: window.pcId });
  const response = await fetch("/api/offer", { method: "POST", headers: { "content-type": "application/json" }, body });
  const answer = await response.json();
  if (response.ok) { window.pcId = answer.pc_id; await pc.setRemoteDescription({ type: "answer", sdp: answer.sdp }); }
  return response.status;
};
window.until = async (found, ms = 8000) => {
  for (const end = Date.now() + ms; Date.now() < end; await sleep(30)) if (told.find(found)) return told.find(found);
  throw new Error("it has not come: " + found + JSON.stringify(told.slice(-3)));
};
window.received = async () => {
  const all = [...(await pc.getStats()).values()].filter((s) => s.type === "inbound-rtp" && s.kind === "audio");
  return all.reduce((sum, one) => sum + one.packetsReceived, 0);
};
window.works = async (t) => {
  channel.send(JSON.stringify({ type: "ping", t }));
  await until((m) => m.type === "pong" && m.t === t);
  const before = await received();
  const last = Math.max(0, ...told.filter((m) => m.type === "response").map((m) => m.reply));
  channel.send(JSON.stringify({ type: "text", text: "What is seven times eight?" }));
  await until((m) => m.type === "response" && m.final && m.text && m.reply > last);
  return (await received()) > before + 20;
};
"""


@pytest.fixture(scope="module")
def server() -> Iterator[Started]:
    with started() as running:
        yield running


@pytest.fixture
def page(server: Started, chromium: Chromium) -> Iterator[Page]:
    with chromium.page(server.url) as page:
        page.evaluate(f"() => {{ {CALL} }}")
        assert page.evaluate("begin()") == 200
        page.evaluate("until((m) => m.type === 'response' && m.final)")
        yield page


def run(page: Page, script: str) -> Any:
    return page.evaluate(f"async () => {{ {script} }}")


def test_chromium_restarts_ice_and_reopens_its_channel(page: Page) -> None:
    """After a restart the same channel works, and so does another one that takes its place."""
    assert run(page, "pc.restartIce(); const was = pcId; return [await offer(), pcId === was, await works(1)];") == [
        200, True, True,
    ]  # fmt: skip
    assert run(page, "channel.close(); await sleep(500); open_channel('other'); await sleep(500); return works(2);")
    assert page.evaluate("pc.connectionState") == "connected"


def test_chromium_holds_the_call_and_changes_its_track(page: Page) -> None:
    """On hold nothing comes. After it, and with a track that was removed and added, the call goes on."""
    held = "audio.direction = 'sendonly'; await offer(); await sleep(300); const was = await received();"
    assert run(page, held + "await sleep(1500); return (await received()) - was;") == 0
    assert run(page, "audio.direction = 'sendrecv'; return [await offer(), await works(1)];") == [200, True]
    removed = "pc.removeTrack(audio.sender); await offer(); await sleep(300); const t = await voice();"
    assert run(page, removed + "pc.addTrack(t, new MediaStream([t])); return [await offer(), await works(2)];") == [
        200, True,
    ]  # fmt: skip


def test_chromium_calls_by_whip(page: Page) -> None:
    """A peer connection without a data channel is answered both ways, and hears the greeting."""
    assert run(
        page,
        """
        window.pc = new RTCPeerConnection();
        pc.addTransceiver(await voice(), { direction: "sendrecv" });
        await pc.setLocalDescription();
        const how = { method: "POST", headers: { "content-type": "application/sdp" }, body: pc.localDescription.sdp };
        const response = await fetch("/whip", how);
        await pc.setRemoteDescription({ type: "answer", sdp: await response.text() });
        for (let n = 0; n < 100 && (await received()) < 50; n++) await sleep(50);
        const heard = await received();
        const end = await fetch(response.headers.get("Location"), { method: "DELETE" });
        return [response.status, heard >= 50, end.status];
        """,
    ) == [201, True, 200]
