"""What most tests of the page do, and messages that the server may send."""

from typing import Any

from playwright.async_api import Page, expect


def state(name: str) -> dict[str, Any]:
    return {"type": "state", "state": name}


def transcription(utterance: int, text: str, *, final: bool) -> dict[str, Any]:
    return {"type": "transcription", "utterance": utterance, "text": text, "final": final}


def response(reply: int, text: str, *, final: bool, **more: Any) -> dict[str, Any]:
    return {"type": "response", "reply": reply, "text": text, "final": final, **more}


async def is_in(page: Page, state: str) -> None:
    await expect(page.locator("html")).to_have_attribute("data-state", state)


async def call(page: Page) -> None:
    """Connect, and wait for the server's first messages; the channel opens here a moment sooner than there."""
    await page.click("#call")
    await expect(page.locator(".agent-name")).to_have_text("Marta")
    await is_in(page, "listening")


async def fails_with(page: Page, *sentences: str) -> None:
    await is_in(page, "failed")
    for sentence in sentences:
        await expect(page.locator("#notice")).to_contain_text(sentence)
    await expect(page.locator("#call")).to_have_text("Call again")
