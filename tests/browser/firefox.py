"""A real Firefox, driven by WebDriver BiDi (W3C), which it speaks itself: no other program stands in between."""

import asyncio
import json
import re
import shutil
import tempfile
from pathlib import Path
from typing import Any

from aiohttp import ClientSession, ClientWebSocketResponse, WSMsgType

FIREFOX = shutil.which("firefox-esr") or shutil.which("firefox")
LISTENS = re.compile(r"WebDriver BiDi listening on (ws://\S+)")
START_S = 90
COMMAND_S = 30
"""How long one command may take. A page that does not answer for so long is frozen."""
STOP_S = 20
MOST_LINES = 200
"""How much of what Firefox prints is kept."""

Preferences = dict[str, bool | int | str]
PREFERENCES: Preferences = {
    # The microphone is given without a question, and sound plays without a click.
    "media.navigator.permission.disabled": True,
    "media.autoplay.default": 0,
    # Without it Firefox gathers no candidates on loopback, where the tests' server is.
    "media.peerconnection.ice.loopback": True,
    # Nobody looks at the page, so it need not move, nor be drawn often.
    "ui.prefersReducedMotion": 1,
    "layout.frame_rate": 10,
    # Nothing asks any host outside of the test: what is not on loopback goes to a proxy that is not there.
    "network.proxy.type": 1,
    "network.proxy.http": "127.0.0.1",
    "network.proxy.http_port": 1,
    "network.proxy.ssl": "127.0.0.1",
    "network.proxy.ssl_port": 1,
    "network.dns.disablePrefetch": True,
    "network.trr.mode": 5,
    "doh-rollout.disable-heuristics": True,
    # And most of what would ask does not even try.
    "app.normandy.enabled": False,
    "app.update.disabledForTesting": True,
    "browser.newtabpage.enabled": False,
    "browser.region.network.url": "",
    "browser.safebrowsing.malware.enabled": False,
    "browser.safebrowsing.phishing.enabled": False,
    "datareporting.healthreport.uploadEnabled": False,
    "datareporting.policy.dataSubmissionEnabled": False,
    "dom.push.connection.enabled": False,
    "extensions.systemAddon.update.enabled": False,
    "extensions.update.enabled": False,
    "media.gmp-manager.updateEnabled": False,
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
    "services.settings.server": "data:,nothing/v1",  # heeded with MOZ_REMOTE_SETTINGS_DEVTOOLS only
    "toolkit.telemetry.unified": False,
}


class Firefox:
    """One headless Firefox with a fresh profile and one page at a time, whose errors on the console are in `faults`."""

    def __init__(self, environment: dict[str, str], preferences: Preferences | None = None) -> None:
        self.faults: list[str] = []
        self._environment = environment | {"MOZ_CRASHREPORTER_DISABLE": "1", "MOZ_REMOTE_SETTINGS_DEVTOOLS": "1"}
        self._preferences = PREFERENCES | (preferences or {})
        self._profile = tempfile.TemporaryDirectory(prefix="firefox-", ignore_cleanup_errors=True)
        self._user_js = Path(self._profile.name, "user.js")
        self._printed: list[str] = []
        self._numbers = 0
        self._waiting: dict[int, asyncio.Future[dict[str, Any]]] = {}
        self._tasks: list[asyncio.Task[None]] = []

    async def start(self) -> None:
        """Start Firefox, and begin a session with it."""
        lines = (f"user_pref({json.dumps(name)}, {json.dumps(value)});\n" for name, value in self._preferences.items())
        self._user_js.write_text("".join(lines))
        assert FIREFOX is not None
        options = ("--headless", "--no-remote", "--profile", self._profile.name, "--remote-debugging-port=0")
        self._process = await asyncio.create_subprocess_exec(
            FIREFOX,
            *options,
            env=self._environment,
            stdout=asyncio.subprocess.DEVNULL,
            stderr=asyncio.subprocess.PIPE,
        )
        address: asyncio.Future[str] = asyncio.get_running_loop().create_future()
        self._tasks.append(asyncio.create_task(self._read_lines(address), name="firefox-lines"))
        self._client = ClientSession()
        async with asyncio.timeout(START_S):
            self._socket = await self._client.ws_connect(f"{await address}/session", max_msg_size=0)
        self._tasks.append(asyncio.create_task(self._read(self._socket), name="firefox-answers"))
        await self.command("session.new", capabilities={})
        await self.command("session.subscribe", events=["log.entryAdded"])
        tree = await self.command("browsingContext.getTree")
        self._page: str = tree["contexts"][0]["context"]

    async def open(self, url: str) -> None:
        """Load a page in a tab that has no storage in common with the earlier one, which is closed."""
        user = await self.command("browser.createUserContext")
        tab = await self.command("browsingContext.create", type="tab", userContext=user["userContext"])
        await self.command("browsingContext.close", context=self._page)
        self._page = tab["context"]
        self.faults.clear()
        await self.command("browsingContext.navigate", context=self._page, url=url, wait="complete")

    async def reload(self) -> None:
        await self.command("browsingContext.reload", context=self._page, wait="complete")

    async def before_each_page(self, function: str) -> None:
        """Run a JavaScript function in every page, before the page's own scripts."""
        await self.command("script.addPreloadScript", functionDeclaration=function)

    async def evaluate(self, expression: str) -> Any:
        """The value of a JavaScript expression, which may be a promise. The page sees it as done in a click."""
        told = await self.command(
            "script.evaluate",
            expression=f"(async () => JSON.stringify((await ({expression})) ?? null))()",
            target={"context": self._page},
            awaitPromise=True,
            userActivation=True,
        )
        assert told["type"] == "success", told["exceptionDetails"]["text"]
        return json.loads(told["result"]["value"])

    async def wait_for(self, expression: str, limit_s: float = 60) -> None:
        """Ask until the expression counts as true for JavaScript. Raises TimeoutError."""
        try:
            async with asyncio.timeout(limit_s):
                while not await self.evaluate(f"Boolean(await ({expression}))"):
                    await self.evaluate("new Promise((done) => setTimeout(done, 50))")
        except TimeoutError as exc:
            raise TimeoutError(f"{expression} does not come true; faults: {self.faults}") from exc

    async def command(self, method: str, **parameters: Any) -> dict[str, Any]:
        """Send a command; returns its result. Raises TimeoutError when Firefox does not answer."""
        self._numbers += 1
        number = self._numbers
        answer = self._waiting[number] = asyncio.get_running_loop().create_future()
        await self._socket.send_json({"id": number, "method": method, "params": parameters})
        try:
            async with asyncio.timeout(COMMAND_S):
                told = await answer
        finally:
            del self._waiting[number]
        assert told["type"] == "success", f"{method}: {told['error']} {told.get('message')}"
        result: dict[str, Any] = told["result"]
        return result

    async def close(self) -> None:
        """End Firefox. A Firefox that is frozen is killed."""
        if self._process.returncode is None:
            self._process.terminate()
        try:
            async with asyncio.timeout(STOP_S):
                await self._process.wait()
        except TimeoutError:
            self._process.kill()
            await self._process.wait()
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        await self._client.close()
        self._profile.cleanup()

    async def _read_lines(self, address: asyncio.Future[str]) -> None:
        """Read what Firefox prints. One of its first lines has the address of the WebSocket."""
        assert self._process.stderr is not None
        async for line in self._process.stderr:
            text = line.decode(errors="replace").rstrip()
            self._printed = [*self._printed, text][-MOST_LINES:]
            if (found := LISTENS.search(text)) and not address.done():
                address.set_result(found[1])
        if not address.done():
            address.set_exception(AssertionError(f"Firefox has ended: {self._printed}"))

    async def _read(self, socket: ClientWebSocketResponse) -> None:
        async for message in socket:
            if message.type is WSMsgType.TEXT:
                self._take(json.loads(message.data))

    def _take(self, told: dict[str, Any]) -> None:
        if (answer := self._waiting.get(told.get("id", -1))) and not answer.done():
            answer.set_result(told)
        if told.get("method") == "log.entryAdded" and told["params"]["level"] == "error":
            self.faults.append(str(told["params"].get("text")))
