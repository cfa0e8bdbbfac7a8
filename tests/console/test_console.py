"""What operators see and do in the console."""

import json
import re
from typing import Any

import aiohttp
import pytest
from playwright.async_api import Page, Route, expect

from tests.console.conftest import TOKEN, TRACE_ID, Console
from tests.page.test_looks import CONTRASTS
from tests.socket_phone import SocketPhone

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]


AS_LOCAL = "(at) => new Date(new Date(at) - new Date(at).getTimezoneOffset() * 60_000).toISOString()"
"""A moment as an input for local time has it."""
SPEAKS_MS = 30_000
"""How long the agent may take to say a line, after the answer that it gives."""


async def lengthen(route: Route) -> None:
    """Answer as the server does, with long names that have no space."""
    text = await (await route.fetch()).text()
    for name in ("Riverside Books", "openai:gpt", "order_status", "caller 0"):
        text = text.replace(name, name[0] * 90)
    await route.fulfill(body=text, content_type="application/json")


async def go(page: Page, console: Console, where: str) -> None:
    await page.goto(f"{console.page}#/{where}")


async def test_only_the_admin_token_opens_it(page: Page) -> None:
    """A wrong token is refused with a sentence, and shows nothing. Signing out forgets the token."""
    await page.fill("#token", "not the token")
    await page.click("#sign-in button")
    await expect(page.locator(".problem")).to_have_text("The server does not take this token.")
    await expect(page.locator("nav")).to_be_hidden()
    await page.fill("#token", TOKEN)
    await page.press("#token", "Enter")
    await expect(page.locator("h1")).to_have_text("Live")
    await page.reload()
    await expect(page.locator("h1")).to_have_text("Live")
    await page.click("#sign-out")
    await page.reload()
    await expect(page.locator("#token")).to_be_focused()


async def test_a_live_call_is_followed_and_ended(operator: Page, console: Console) -> None:
    """The operator reads what is said, lets the agent say a line, mutes the caller, and ends the call."""
    await expect(operator.locator(".empty")).to_have_text("Nobody calls at present.")
    async with aiohttp.ClientSession() as http:
        phone = SocketPhone(console.server.url, http)
        await phone.dial()
        await phone.until(type="response", final=True)
        row = operator.locator("tbody tr")
        await expect(row).to_have_count(1)
        await expect(row).to_contain_text("WebSocket")
        await row.get_by_role("button").click()
        await expect(operator.locator(".transcript .note")).to_have_text("You read along from here on.")
        phone.send(type="text", text="Where is my order 4271?")
        await expect(operator.locator(".transcript .caller .words")).to_have_text("Where is my order 4271?")
        await expect(operator.locator(".transcript .agent").first).to_contain_text("order_status")
        await operator.click("text=Instruct")
        await expect(operator.locator(".say input")).to_be_focused()  # nothing is to be said yet
        await operator.press(".say input", "Escape")
        await operator.keyboard.press("Escape")
        await expect(row.get_by_role("button")).to_be_focused()
        await operator.keyboard.press("Enter")
        await operator.fill(".say input", "We close in ten minutes.")
        await operator.click(".say button[type=submit]")
        await expect(operator.locator(".transcript")).to_contain_text("We close in ten minutes.", timeout=SPEAKS_MS)
        await operator.click("text=Mute the caller")
        await expect(operator.locator(".actions [aria-pressed=true]")).to_have_text("Let the caller be heard")
        await operator.click("text=Hang up now")
        await expect(operator.locator(".transcript .note").last).to_have_text("The call is over.")
        await phone.hang_up()
    await expect(row).to_have_count(0)
    await expect(operator.locator(".health .state")).to_have_text("Ready for calls.")


async def test_what_is_not_measured_is_not_told(operator: Page) -> None:
    """Where the server has no metrics, or none at all in them, the page has no figures either, and says no zero."""
    await operator.route("**/metrics", lambda route: route.fulfill(body=""))
    async with operator.expect_response("**/metrics"):
        await operator.reload()
    await expect(operator.locator(".health .state")).to_have_text("Ready for calls.")
    await expect(operator.locator(".health dd")).to_have_text(["–"] * 4)


async def test_conversations_are_listed_and_searched(operator: Page, console: Console) -> None:
    """By page, and by each field of the search, which is in the address."""
    await go(operator, console, "conversations")
    rows = operator.locator("tbody tr")
    await expect(rows).to_have_count(50)
    await operator.click("text=Show more")
    await expect(operator.locator(".more")).to_be_hidden()
    everything = await rows.count()
    assert everything >= 60
    await operator.keyboard.press("/")
    await operator.keyboard.type("order")
    await operator.fill("[name=caller]", "caller 3")
    await operator.keyboard.press("Enter")
    await expect(operator).to_have_url(f"{console.page}#/conversations?word=order&caller=caller+3")
    await expect(rows).to_have_count(12)
    await operator.select_option("[name=sort]", "slowest")
    await expect(rows.first).to_contain_text("0.70 s")
    await expect(rows.first).to_contain_text("text-to-speech failed")
    await go(operator, console, "conversations")
    await expect(rows).to_have_count(50)
    third = await operator.locator("a[href='#/conversations/call2'] time").get_attribute("datetime")
    until = (await operator.evaluate(AS_LOCAL, third))[:16]
    await operator.fill("[name=until]", until)
    await operator.click("form.search button")
    await expect(operator.locator("tbody tr a").first).to_have_attribute("href", "#/conversations/call3")
    assert await operator.input_value("[name=until]") == until
    await go(operator, console, "conversations?failure=any&since=100d")
    await expect(rows).to_have_count(50)
    await expect(operator.locator("[name=since]")).to_have_value("100d")  # the page offers no such time
    await go(operator, console, "conversations?word=unicorn")
    await expect(operator.locator("[role=status]")).to_have_text("No conversation is like this.")


async def test_a_conversation_is_read_and_heard(operator: Page, console: Console) -> None:
    """Words, tools, the stages of an answer, and the sound, which plays from where the operator clicks."""
    await go(operator, console, f"conversations/{console.recorded}")
    lines = operator.locator(".spoken > li")
    await expect(lines).to_have_count(2)
    await expect(lines.first).to_contain_text("Where is my order?")
    await expect(lines.last.locator(".tool summary")).to_have_text("order_status")
    await lines.last.locator(".tool summary").click()
    await expect(lines.last.locator(".tool pre").first).to_contain_text('"number": "4271"')
    await expect(lines.last.locator(".failed")).to_contain_text("The engine gave no sound within 3 s.")
    await lines.last.locator(".figures summary").click()
    await expect(lines.last.locator(".waterfall li")).to_have_text(
        ["endpoint200 ms", "transcript250 ms", "model300 ms", "first clause350 ms", "first packet450 ms", "heard500 ms"]
    )
    await expect(lines.last.locator(".facts")).to_contain_text("openai:gpt")
    trace = operator.get_by_role("link", name="Trace")
    await expect(trace).to_have_attribute("href", f"https://traces.example.org/trace/{TRACE_ID}")
    await expect(operator.locator(".wave")).to_have_count(2)
    resumed, wide, sound_ms = 2_300, "Number(document.querySelector('.track svg').getAttribute('width'))", 10_000
    x = await operator.locator(".event.resumed line").first.get_attribute("x1")
    assert float(x or 0) == pytest.approx(resumed / sound_ms * await operator.evaluate(wide), rel=0.02)
    await expect(lines.last).to_contain_text("went on after a sound")
    box = await operator.locator(".track svg").bounding_box()
    assert box is not None
    await operator.mouse.click(box["x"] + box["width"] / 2, box["y"] + 30)
    await operator.wait_for_function("document.querySelector('audio').currentTime > 4")
    await operator.keyboard.press("Space")
    await operator.wait_for_function("document.querySelector('audio').paused")
    await operator.keyboard.press("Escape")
    await expect(operator.locator("h1")).to_have_text("Conversations")


async def test_the_waves_are_loud_where_the_caller_was(operator: Page, console: Console) -> None:
    """The caller is the upper lane: heard for two seconds. Nothing was heard of the agent."""
    await go(operator, console, f"conversations/{console.recorded}")
    await expect(operator.locator(".wave")).to_have_count(2)
    heights = await operator.locator(".wave").evaluate_all("waves => waves.map((wave) => wave.getBBox().height)")
    assert heights[0] > 15
    assert heights[1] < 5


async def test_sound_that_cannot_be_drawn_is_played(operator: Page, console: Console) -> None:
    """It is too long, or the browser cannot decode it: the timeline is as long as the sound all the same."""
    await operator.evaluate("void (OfflineAudioContext.prototype.decodeAudioData = () => Promise.reject(Error()))")
    await go(operator, console, f"conversations/{console.recorded}")
    await expect(operator.locator("audio")).to_be_visible()
    await expect(operator.locator(".wave")).to_have_count(0)
    box = await operator.locator(".track svg").bounding_box()
    assert box is not None
    await operator.mouse.click(box["x"] + box["width"] / 2, box["y"] + 30)
    await operator.wait_for_function("document.querySelector('audio').currentTime > 4")


async def test_it_is_saved_and_deleted(operator: Page, console: Console) -> None:
    """As JSON, as WebVTT and as sound. Deleting asks first."""
    await go(operator, console, f"conversations/{console.recorded}")
    for name, begin in (("JSON", b"{"), ("WebVTT", b"WEBVTT"), ("Sound", b"OggS")):
        async with operator.expect_download() as saving:
            await operator.get_by_role("button", name=name, exact=True).click()
        path = await (await saving.value).path()
        assert path.read_bytes().startswith(begin)
    await go(operator, console, "conversations/call7")
    operator.once("dialog", lambda dialog: dialog.dismiss())
    await operator.click("text=Delete")
    await expect(operator.locator(".spoken > li").first).to_be_visible()
    operator.once("dialog", lambda dialog: dialog.accept())
    await operator.click("text=Delete")
    await expect(operator.locator("h1")).to_have_text("Conversations")
    await go(operator, console, "conversations/call7")
    await expect(operator.locator(".problem")).to_have_text("There is no such conversation.")


async def test_figures_over_time_are_numbers_too(operator: Page, console: Console) -> None:
    """A chart has a table for those who do not see it. The choice is in the address."""
    await go(operator, console, "time?since=7d")
    await expect(operator.locator(".chart")).to_have_count(5)
    await expect(operator.get_by_role("img", name="From the caller's last sound to the answer")).to_be_visible()
    await operator.locator(".numbers summary").first.click()
    numbers = await operator.locator(".numbers").first.locator("td").all_text_contents()
    assert set(numbers) >= {"–", "0.50 s", "0.70 s"}
    ticks = await operator.locator(".chart").nth(1).locator("svg text[text-anchor=end]").all_text_contents()
    assert int(ticks[1]) * 2 == int(ticks[2])
    await operator.select_option("[name=by]", "agent")
    await expect(operator).to_have_url(f"{console.page}#/time?since=7d&by=agent")
    await expect(operator.locator(".legend").first.locator("li")).to_have_text(["Olive", "Riverside Books"])


async def test_a_day_is_called_by_its_date(operator: Page, console: Console) -> None:
    """Days are those of UTC, also for an operator whose clock has another date when they begin."""
    elsewhere = await operator.context.new_cdp_session(operator)
    await elsewhere.send("Emulation.setTimezoneOverride", {"timezoneId": "America/New_York"})
    await go(operator, console, "time?since=7d")
    today = "new Date().toLocaleDateString([], { day: 'numeric', month: 'short', timeZone: 'UTC' })"
    await expect(operator.locator(".numbers tbody tr:last-child th").first).to_have_text(await operator.evaluate(today))
    await expect(operator.locator(".hint")).to_have_text("Each day begins at midnight in UTC.")


async def test_it_is_worked_by_keys(operator: Page, console: Console) -> None:
    """From the list to a conversation and back, without a mouse."""
    await operator.keyboard.press("2")
    await expect(operator.locator("tbody tr")).to_have_count(50)
    for _ in range(2):
        await operator.keyboard.press("j")
    second = operator.locator("tbody tr").nth(1).locator("a")
    await expect(second).to_be_focused()
    await operator.keyboard.press("Enter")
    await expect(operator.locator(".spoken > li").first).to_be_visible()
    await operator.keyboard.press("j")
    await expect(operator.locator(".moment").first).to_be_focused()
    await operator.keyboard.press("Escape")
    await expect(operator.locator("h1")).to_have_text("Conversations")
    await operator.keyboard.press("?")
    await expect(operator.locator("#keys")).to_be_visible()
    await go(operator, console, f"conversations/{console.recorded}")
    await operator.keyboard.press("Escape")
    await expect(operator.locator("#keys")).to_be_hidden()
    await expect(operator.locator(".spoken > li").first).to_be_visible()


async def test_enter_presses_what_has_the_focus(operator: Page, console: Console) -> None:
    """Beside a list, too, where Enter opens the row that was moved to. The page itself has no frame around it."""
    await operator.keyboard.press("2")
    await expect(operator.locator("tbody tr")).to_have_count(50)
    assert await operator.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "none"
    await operator.keyboard.press("j")
    await operator.locator(".more").focus()
    await operator.keyboard.press("Enter")
    await expect(operator.locator(".more")).to_be_hidden()
    assert await operator.locator("tbody tr").count() > 50
    await operator.locator("nav a").last.focus()
    await operator.keyboard.press("Enter")
    await expect(operator.locator("h1")).to_have_text("Over time")


@pytest.mark.parametrize(("width", "scheme"), [(360, "light"), (768, "dark"), (1280, "light")])
async def test_it_fits_and_is_readable(operator: Page, console: Console, width: int, scheme: Any) -> None:
    """On a telephone and on a desk nothing sticks out, and every text has a contrast of 4.5 (WCAG AA)."""
    await operator.set_viewport_size({"width": width, "height": 800})
    await operator.emulate_media(color_scheme=scheme, reduced_motion="reduce")
    recorded = f"conversations/{console.recorded}"
    await operator.route(re.compile(rf"/api/({recorded}$|conversations\?|figures)"), lengthen)
    for where, there in (
        ("live", ".health"),
        ("conversations", "tbody tr"),
        (recorded, ".wave"),
        ("time?by=model", ".chart"),
    ):
        await go(operator, console, where)
        await operator.locator(there).first.wait_for(state="attached")
        await operator.evaluate("document.querySelectorAll('details').forEach((each) => (each.open = true))")
        size = await operator.evaluate("[document.documentElement.scrollWidth, innerWidth]")
        assert size[0] <= size[1], where
        contrasts = await operator.evaluate(CONTRASTS)
        assert [entry for entry in contrasts if entry[1] < 4.5] == [], where
    assert await operator.evaluate("document.querySelector('.chart text').getBoundingClientRect().height") > 9


async def test_what_people_said_is_text_and_never_code(operator: Page, console: Console) -> None:
    """The caller's words have markup in them, and are shown as they were said."""
    async with aiohttp.ClientSession() as http:
        kept = await http.get(
            f"{console.server.url}/api/conversations/{console.recorded}", headers={"Authorization": f"Bearer {TOKEN}"}
        )
        words = json.loads(await kept.text())["exchanges"][0]["said"][0]["text"]
    assert "<b>" in words
    await go(operator, console, f"conversations/{console.recorded}")
    await expect(operator.locator(".spoken .words").first).to_have_text(words)
