"""A thread with an event loop of its own, in which an engine of the operator runs.

Whatever such an engine does, the calls go on: it may block, hang, raise anything, or answer with nonsense. What the
media loop gets is an answer within the time limit, or an EngineError.
"""

import asyncio
import contextlib
import inspect
import logging
import threading
from collections.abc import Awaitable, Callable, Coroutine, Iterable
from concurrent.futures import Future
from typing import Any, TypeVar

from server.errors import EngineError

T = TypeVar("T")

MOST_THREADS = 32
"""How many functions that are not async may run at the same time. An engine that hangs in them would use up the
machine otherwise."""
STOP_S = 2.0
"""How long the thread may take to end. One that hangs is left behind: it ends with the process."""

log = logging.getLogger(__name__)


class OwnLoop:
    """Runs the code of one engine. `name` is what the operator calls it, `stage` what it does."""

    def __init__(self, name: str, stage: str) -> None:
        self.name, self.stage = name, stage
        self._loop = asyncio.new_event_loop()
        self._threads = 0
        self._stop = asyncio.Event()
        self._ended = threading.Event()
        self._thread = threading.Thread(target=self._run, name=f"engine {name}", daemon=True)
        self._thread.start()

    def _run(self) -> None:
        asyncio.set_event_loop(self._loop)
        try:
            self._loop.run_until_complete(self._until_closed())
            self._loop.run_until_complete(self._loop.shutdown_asyncgens())
            self._loop.close()
        finally:
            self._ended.set()

    async def _until_closed(self) -> None:
        """Wait for `close`. Then what still runs has a moment to end, and is cancelled."""
        await self._stop.wait()
        for limit_s, cancel in ((STOP_S / 4, False), (STOP_S / 4, True)):
            rest = asyncio.all_tasks() - {asyncio.current_task()}
            for task in rest if cancel else ():
                task.cancel()
            if rest:
                await asyncio.wait(rest, timeout=limit_s)

    def soon(self, function: Callable[[], None]) -> None:
        """Call the function in the thread, after all that was asked for before. Never waits; it must not raise."""
        with contextlib.suppress(RuntimeError):  # the loop is closed
            self._loop.call_soon_threadsafe(function)

    def spawn(self, work: Callable[[], Awaitable[object]]) -> None:
        """Run it in the thread; nobody waits for its result. What it raises is logged."""

        async def quiet() -> None:
            try:
                await self._guarded(work)
            except Exception as exc:
                log.warning("%s %s failed: %s", self.stage, self.name, type(exc).__name__)

        with contextlib.suppress(EngineError):
            self._submit(quiet())

    def _submit(self, work: Coroutine[Any, Any, T]) -> "Future[T]":
        try:
            return asyncio.run_coroutine_threadsafe(work, self._loop)
        except RuntimeError as exc:
            work.close()
            raise EngineError(self.stage, f"The engine {self.name} is closed.") from exc

    async def call(
        self,
        work: Callable[[], Awaitable[T]],
        limit_s: float,
        asked: "set[asyncio.Future[T]] | None" = None,
        refused: bool = False,
    ) -> T:
        """The result of `work`, which runs in the thread. Raises EngineError when it fails or takes too long.

        `asked` has the future of the result while it is waited for; who cancels that makes this raise EngineError.
        `refused`: when it fails, that may be because of what this one call has chosen.
        """
        future = asyncio.wrap_future(self._submit(self._guarded(work)))
        waiting: set[asyncio.Future[T]] = set() if asked is None else asked
        waiting.add(future)
        try:
            done, _ = await asyncio.wait({future}, timeout=limit_s)
        finally:
            waiting.discard(future)
            future.cancel()
        if not done:
            raise EngineError(self.stage, f"The engine {self.name} did not answer within {limit_s:g} s.")
        try:
            return future.result()
        except EngineError as exc:
            raise EngineError(self.stage, exc.sentence, refused=exc.refused) from exc
        except asyncio.CancelledError as exc:
            raise EngineError(self.stage, f"The engine {self.name} was stopped before it answered.") from exc
        except Exception as exc:
            message = f"The engine {self.name} failed: {type(exc).__name__}."
            raise EngineError(self.stage, message, refused=refused) from exc

    @staticmethod
    async def _guarded(work: Callable[[], Awaitable[T]]) -> T:
        try:
            return await work()
        except (SystemExit, KeyboardInterrupt, GeneratorExit) as exc:
            raise RuntimeError(type(exc).__name__) from exc  # any of these would end the thread

    async def run(self, function: Callable[[], Any]) -> Any:
        """The result of a function, async or not. To be awaited in the thread.

        One that is not async gets a thread for itself, so that it does not hold up the others.
        """
        if inspect.iscoroutinefunction(function):
            return await function()
        if self._threads >= MOST_THREADS:
            raise EngineError(self.stage, f"The engine {self.name} has too much to do.")
        self._threads += 1
        result: asyncio.Future[Any] = self._loop.create_future()
        threading.Thread(target=self._in_thread, args=(function, result), name=f"{self.name} run", daemon=True).start()
        made = await result
        return await made if inspect.isawaitable(made) else made

    def _in_thread(self, function: Callable[[], Any], result: "asyncio.Future[Any]") -> None:
        made: Any = None
        failure: BaseException | None = None
        try:
            made = function()
        except BaseException as exc:  # it goes to the one who waits
            failure = RuntimeError(type(exc).__name__) if isinstance(exc, StopIteration) else exc

        def tell() -> None:
            self._threads -= 1
            if result.done():
                return
            if failure is None:
                result.set_result(made)
            else:
                result.set_exception(failure)

        self.soon(tell)

    async def close(self) -> None:
        """End the thread. One that hangs is left behind after STOP_S; idempotent."""
        self.soon(self._stop.set)
        end = asyncio.get_running_loop().time() + STOP_S
        while not self._ended.is_set() and asyncio.get_running_loop().time() < end:  # noqa: ASYNC110  # a thread
            await asyncio.sleep(0.01)
        if not self._ended.is_set():
            log.warning("%s %s does not end", self.stage, self.name)


def accepted(function: Callable[..., Any], given: dict[str, object]) -> dict[str, object]:
    """Those of the arguments that the function has parameters for, by their names."""
    try:
        parameters = inspect.signature(function).parameters.values()
    except (TypeError, ValueError):
        return given
    if any(parameter.kind is parameter.VAR_KEYWORD for parameter in parameters):
        return given
    names: Iterable[str] = {parameter.name for parameter in parameters}
    return {name: value for name, value in given.items() if name in names}
