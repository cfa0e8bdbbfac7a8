"""Keeper: keeps a line to the provider of a speech-to-speech model, for as long as the call lasts.

The line is opened at the start of the call, and again when it is lost or as old as the provider likes. Each time the
conversation on it begins with the history of the call.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial

from pydantic_ai.exceptions import ModelAPIError, ModelConnectionError
from pydantic_ai.realtime import RealtimeError, RealtimeModel, RealtimeModelSettings

from server.agent.model_failures import NotConnected
from server.agent.spoken.known import Known, standing
from server.agent.spoken.line import Line
from server.agent.spoken.request import Request
from server.agent.spoken.settings import SpokenSettings
from server.agent.tool_calls import Start, kind_of

CONNECT_S = 8.0
"""How long the provider may take to begin a session. The caller does not wait for it: see OPEN_S."""
CLOSE_S = 1.0
"""How long the provider may take to say goodbye. The end of a call waits for it."""
OPEN_S = 2.0
"""How long an answer waits for a line that is being opened. Then another model is asked."""
AGAIN_S = (0.0, 1.0, 2.0, 5.0, 15.0, 30.0)
"""How long to wait before a line is opened again that could not be opened, or was lost soon. Answers do not wait
meanwhile: another model gives them."""
STEADY_S = 10.0
"""A line that has lasted for so long is opened again at once."""
CHECK_S = 0.5
"""How often an old line looks whether anybody needs it."""

log = logging.getLogger(__name__)


def hears(model: RealtimeModel) -> bool:
    """Whether the model is given the sound of the caller. One that decides itself whose turn it is, whenever it is
    given sound, is given the words."""
    return bool(model.profile.get("supports_manual_turn_control"))


class Keeper:
    """Keeps one line at a time."""

    def __init__(
        self,
        model: RealtimeModel,
        settings: SpokenSettings,
        call: str,
        start: Start,
        rehearse: Callable[[], Awaitable[Request]],
    ) -> None:
        """`call` names the call in the log. `start` starts a task that ends with the call. `rehearse` gives what the
        model would be asked now."""
        self.needed: Callable[[Line], bool] = lambda line: False
        """Says whether the line is needed now, beside the answers that it brings."""
        self._model = model
        self._settings = settings
        self._call = call
        self._start = start
        self._rehearse = rehearse
        self._line: Line | None = None
        self._opening = True
        """A line is there, or about to be there."""
        self._changed = asyncio.Event()
        self._failure: Exception = ModelConnectionError(model.model_name, "There is no connection yet.")
        self._task: asyncio.Task[None] | None = None
        self._lines: set[asyncio.Task[None]] = set()
        """The tasks of the lines that are open, or are being closed."""

    @property
    def line(self) -> Line | None:
        """The line, if it is open."""
        return None if self._line is None or self._line.closed.is_set() else self._line

    def open(self) -> None:
        """Keep a line from now on; idempotent."""
        if self._task is None:
            self._task = self._start(self._keep, "speech-to-speech")

    def close(self) -> None:
        """End the line, and keep no other one."""
        if self._task is not None:
            self._task.cancel()

    async def ready(self, request: Request) -> Line:
        """The line, once it can take this request."""
        self.open()
        line = self.line
        if line is not None and (line.tools != request.tools or not line.known.answered(request.messages)):
            line.close(_Renewed(self._model.model_name, "The conversation has to begin again."))
        deadline = asyncio.get_running_loop().time() + OPEN_S
        while self.line is None and self._opening:
            self._changed.clear()
            try:
                async with asyncio.timeout_at(deadline):
                    await self._changed.wait()
            except TimeoutError:
                break
        if self.line is None:
            raise NotConnected(self._model.model_name) from self._failure
        return self.line

    async def _keep(self) -> None:
        """Keep a line for as long as the call lasts. A line that has ended may take its time to close."""
        loop, failures = asyncio.get_running_loop(), 0
        try:
            while True:
                began_s = loop.time()
                self._set(None, opening=True)
                ended: asyncio.Future[None] = loop.create_future()
                task = self._start(partial(self._hold, ended), "speech-to-speech-line")
                self._lines.add(task)
                task.add_done_callback(self._lines.discard)
                try:
                    await ended
                    failures = 0
                except ModelAPIError as failure:
                    self._failure = failure
                    failures = 0 if loop.time() - began_s > STEADY_S else failures + 1
                    log.warning("x call %s: speech-to-speech line lost: %s", self._call, kind_of(failure))
                if failures and (wait_s := AGAIN_S[min(failures, len(AGAIN_S)) - 1]):
                    self._set(None, opening=False)
                    await asyncio.sleep(wait_s)
        finally:
            for task in self._lines:
                task.cancel()

    def _set(self, line: Line | None, opening: bool) -> None:
        self._line, self._opening = line, opening
        self._changed.set()

    def _failure_of(self, exc: Exception) -> ModelAPIError:
        if isinstance(exc, ModelAPIError) and type(exc) is not RealtimeError:
            return exc
        failure = ModelConnectionError(self._model.model_name, f"The connection failed: {kind_of(exc)}.")
        failure.__cause__ = exc
        return failure

    async def _hold(self, ended: "asyncio.Future[None]") -> None:
        """Open a line and keep it until it has to be renewed, or fails. `ended` is told, before the line is closed."""
        try:
            await self._hold_line(ended)
        except Exception as exc:
            if not ended.done():
                ended.set_exception(self._failure_of(exc))
        finally:
            ended.cancel()

    async def _hold_line(self, ended: "asyncio.Future[None]") -> None:
        request = await self._rehearse()
        history = standing(request.messages)
        known = Known(request.instructions)
        known.seed(history)
        opened = self._model.connect(
            messages=history, model_settings=self._model_settings(), model_request_parameters=request.parameters
        )
        async with asyncio.timeout(CONNECT_S):
            connection = await opened.__aenter__()
        try:
            line = Line(connection, self._model.model_name, self._model.profile, known, request.tools)
            self._set(line, opening=True)
            log.info("- call %s: speech-to-speech line open, %d messages", self._call, len(history))
            async with asyncio.TaskGroup() as group:
                renewal = group.create_task(self._renew(line), name="speech-to-speech-renewal")
                try:
                    await line.serve()
                finally:
                    renewal.cancel()
            if isinstance(line.failure, _Renewed):
                ended.set_result(None)
            else:
                ended.set_exception(self._failure_of(line.failure))
        finally:
            with suppress(TimeoutError):
                async with asyncio.timeout(CLOSE_S):
                    await opened.__aexit__(None, None, None)

    async def _renew(self, line: Line) -> None:
        """Close the line in a moment in which nobody needs it, before the provider does."""
        await asyncio.sleep(self._settings.session_min * 60)
        while not line.idle or self.needed(line):  # noqa: ASYNC110  # it is needed in few moments
            await asyncio.sleep(CHECK_S)
        line.close(_Renewed(self._model.model_name, "The session is old."))

    def _model_settings(self) -> RealtimeModelSettings:
        chosen = RealtimeModelSettings(handshake_timeout=CONNECT_S)
        if hears(self._model):
            chosen["turn_detection"] = False
        if self._settings.voice:
            chosen.update({f"{self._model.system}_voice": self._settings.voice})  # type: ignore[misc]
        return chosen


class _Renewed(ModelConnectionError):
    """The line was closed because it was old."""
