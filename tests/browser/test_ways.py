"""Calls whose connection breaks: Chromium and a started server in a network that the test breaks and repairs."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from playwright.sync_api import Page

from tests.browser.chromium import Chromium, ask, lines, microphone, wait_for_line
from tests.browser.namespace import Namespace, reason_against
from tests.started import Started, started

pytestmark = pytest.mark.browser

BREAK = """() => {
    antiphon.seen = [];
    antiphon.call.addEventListener("line", (event) => antiphon.seen.push(event.detail));
    antiphon.before = antiphon.call.pc;
    antiphon.before.close();
}"""
"""Closes the peer connection, and notes every line that the page shows afterwards, even for a short moment."""
WITH_NAMESPACE = pytest.mark.skipif(reason_against() != "", reason=reason_against() or "-")


@pytest.fixture(scope="module")
def server() -> Iterator[Started]:
    with started() as running:
        yield running


@pytest.fixture(scope="module")
def namespace() -> Iterator[Namespace]:
    made = Namespace()
    yield made
    made.close()


@pytest.fixture(scope="module")
def walled_server(namespace: Namespace) -> Iterator[Started]:
    with started(prefix=namespace.prefix) as running:
        yield running


def call(page: Page) -> None:
    """Call, and hear the whole greeting."""
    page.click("#call")
    page.locator('#captions > [data-role=agent][data-final="true"]').first.wait_for(timeout=30_000)


def way(page: Page) -> str:
    carried_by: str = page.evaluate("antiphon.call.pc ? 'WebRTC' : 'WebSocket'")
    return carried_by


def test_a_connection_that_breaks_is_made_anew(server: Started, chromium: Chromium) -> None:
    """The conversation goes on over another peer connection, and remembers what was said before."""
    with chromium.page(server.url) as page:
        call(page)
        ask(page, "My name is Anna.")
        page.evaluate(BREAK)
        page.wait_for_function("() => antiphon.seen.includes('reconnecting')")
        wait_for_line(page, "")
        assert page.evaluate("antiphon.call.pc !== antiphon.before")
        assert way(page) == "WebRTC"
        assert "Anna" in ask(page, "What is my name?")
        assert lines(page, "caller") == ["My name is Anna.", "What is my name?"]


def test_a_page_that_is_loaded_anew_is_back_in_its_call(server: Started, chromium: Chromium) -> None:
    """After a reload the captions are still there, and the agent still knows what was said."""
    with chromium.page(server.url) as page:
        call(page)
        ask(page, "My name is Anna.")
        before = lines(page, "agent")
        page.reload()
        page.locator("#announcer", has_text="You are back in your call.").wait_for(state="attached", timeout=10_000)
        assert lines(page, "agent")[: len(before)] == before
        assert "Anna" in ask(page, "What is my name?")
        page.click("#hangup")
        page.reload()
        assert page.locator("html[data-state=idle]").count() == 1


def test_a_server_that_is_restarted_goes_on_with_its_calls(chromium: Chromium, tmp_path: Path) -> None:
    """The page calls again until the next server is there, which reads the conversation from its store."""
    store = str(tmp_path / "conversations.db")
    with ExitStack() as servers:
        first = servers.enter_context(started(ANTIPHON_STORE=store))
        with chromium.page(first.url) as page:
            call(page)
            ask(page, "My name is Anna.")
            first.stop()
            wait_for_line(page, "reconnecting")
            port = str(urlsplit(first.url).port)
            servers.enter_context(started("--port", port, ANTIPHON_STORE=store))
            wait_for_line(page, "")
            assert "Anna" in ask(page, "What is my name?")


@WITH_NAMESPACE
def test_a_firewall_comes_and_goes(namespace: Namespace, walled_server: Started, chromium: Chromium) -> None:
    """Without UDP the same conversation goes on by WebSocket, and returns to WebRTC when UDP works again."""
    with chromium.page(walled_server.url, namespace=namespace) as page:
        call(page)
        ask(page, "My name is Anna.")
        namespace.block_udp()
        wait_for_line(page, "slow", limit_ms=30_000)
        assert way(page) == "WebSocket"
        assert "Anna" in ask(page, "What is my name?")
        namespace.let_udp_through()
        wait_for_line(page, "", limit_ms=40_000)
        assert way(page) == "WebRTC"
        assert "Anna" in ask(page, "What is my name?")


@WITH_NAMESPACE
def test_a_call_behind_a_firewall_from_the_start(
    namespace: Namespace, walled_server: Started, chromium: Chromium, tmp_path: Path
) -> None:
    """Over the WebSocket alone, the caller is understood and hears the answer."""
    namespace.block_udp()
    file = microphone(tmp_path / "mic.wav", "Where is my order four two seven one?", before_s=14, after_s=60)
    with chromium.page(walled_server.url, file, namespace) as page:
        call(page)
        assert way(page) == "WebSocket"
        assert page.locator("#line").inner_text() == "On a slower line"
        page.wait_for_function("() => antiphon.call.levels().agent === 0")
        page.locator("html[data-state=speaking]").wait_for(state="attached", timeout=30_000)
        page.wait_for_function("() => antiphon.call.levels().agent > 0.3", timeout=5_000)
        page.locator('#captions > [data-role=agent][data-final="true"]').nth(1).wait_for(timeout=15_000)
        assert lines(page, "caller") == ["where is my order four two seven one"]
        assert "four two seven one" in lines(page, "agent")[1]
