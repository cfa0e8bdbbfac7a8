"""How fast the console shows and searches many conversations, in Chromium.

python -m bench.console --conversations 10000

It makes a store with so many conversations, starts a server on it, and asks for lists and searches again and again. A
time is from the operator's key to the first rows on the page.
"""

import argparse
import asyncio
import json
import shutil
import tempfile
import time
from dataclasses import replace
from pathlib import Path

from playwright.async_api import Page, async_playwright

from server.record.conversation import Exchange
from server.record.stores.sqlite import SqliteStore
from tests.conversations import conversation
from tests.started import started

TOKEN = "the operator's own token"
VIEWS = {
    "list": "conversations",
    "word": "conversations?word=delivery",
    "word that nobody said": "conversations?word=unicorn",
    "caller": "conversations?caller=caller%2017",
    "tool": "conversations?tool=order_status",
    "failure": "conversations?failure=text-to-speech",
    "slowest": "conversations?sort=slowest",
    "slowest with a word": "conversations?sort=slowest&word=delivery",
    "a week": "time?since=7d",
}
SHOWN = """() => {
  const rows = document.querySelectorAll('tbody tr, .chart');
  const none = document.querySelector('[role=status]')?.textContent.startsWith('No conversation');
  return (rows.length > 0 || none) && performance.now();
}"""


async def fill(path: Path, count: int) -> None:
    """Keep so many conversations of two exchanges, five minutes apart. One in twenty speaks of a delivery."""
    store = SqliteStore(str(path))
    await store.open()
    now_ms = int(time.time() * 1000)
    for number in range(count):
        began_ms = now_ms - (number + 1) * 300_000
        kept = replace(
            conversation(f"call{number}", 2, began_ms), caller=f"caller {number % 50}", ended_ms=began_ms + 60_000
        )
        if number % 20 == 0:
            kept = replace(kept, exchanges=(*kept.exchanges[:-1], _of_a_delivery(kept.exchanges[-1])))
        await store.save(kept)
    await store.close()


def _of_a_delivery(exchange: Exchange) -> Exchange:
    asked, *rest = exchange.said
    return replace(exchange, said=(replace(asked, text="What about my delivery?"), *rest))


async def shown_ms(page: Page, view: str) -> float:
    """How long the console takes to show this view, after another one."""
    await page.evaluate("location.hash = '#/live'")
    await page.wait_for_selector(".health")
    await page.evaluate("(hash) => { window.begun = performance.now(); location.hash = hash; }", f"#/{view}")
    until = await page.wait_for_function(SHOWN, polling="raf")
    return float(await until.json_value()) - float(await page.evaluate("window.begun"))


async def measure(url: str, times: int) -> dict[str, dict[str, float]]:
    async with async_playwright() as playwright:
        browser = await playwright.chromium.launch(
            executable_path=shutil.which("chromium"), args=["--no-sandbox", "--disable-gpu"]
        )
        page = await browser.new_page(viewport={"width": 1280, "height": 860})
        await page.goto(f"{url}/console/")
        await page.fill("#token", TOKEN)
        await page.click("#sign-in button")
        await page.wait_for_selector(".health")
        found: dict[str, list[float]] = {name: [] for name in VIEWS}
        for _ in range(times):
            for name, view in VIEWS.items():
                found[name].append(await shown_ms(page, view))
        await browser.close()
    return {
        name: {"p50_ms": round(sorted(taken)[len(taken) // 2], 1), "max_ms": round(max(taken), 1)}
        for name, taken in found.items()
    }


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--conversations", type=int, default=10_000)
    parser.add_argument("--times", type=int, default=10)
    chosen = parser.parse_args()
    with tempfile.TemporaryDirectory() as directory:
        path = Path(directory) / "conversations.db"
        asyncio.run(fill(path, chosen.conversations))
        with started(ANTIPHON_STORE=str(path), ANTIPHON_ADMIN_TOKEN=TOKEN) as server:
            print(json.dumps(asyncio.run(measure(server.url, chosen.times)), indent=2))


if __name__ == "__main__":
    main()
