"""The lines of the log: their form, their calls, and what becomes of them when nobody reads them."""

import asyncio
import contextlib
import fcntl
import json
import logging
import os
import sys
import time
from collections.abc import Callable
from io import FileIO, RawIOBase
from typing import Any

from aiohttp import ClientSession

from server.logs import CALL, JsonLines, Lines, OfCall, TextLines
from server.media.pacer import Pacer
from tests.socket_phone import SocketPhone
from tests.started import Started

TRACE = "0af7651916cd43dd8448eb211c80319c"
OF_CALL = OfCall("abc", f"00-{TRACE}-b7ad6b7169203331-01")


class Kept(RawIOBase):
    """A stream that keeps what is written, and takes it in small pieces."""

    def __init__(self) -> None:
        self.data = b""

    def write(self, data: bytes) -> int:  # type: ignore[override]
        self.data += data[:7]
        return min(7, len(data))


def record(message: str, *given: object, **more: Any) -> logging.LogRecord:
    """What becomes a line."""
    return logging.LogRecord("test", logging.WARNING, "", 1, message, given, more.get("exc_info"))


def written(formatter: logging.Formatter, *records: logging.LogRecord, of_call: OfCall | None = OF_CALL) -> list[str]:
    """The lines that become of these records of a call."""
    stream = Kept()
    lines, token = Lines(stream, formatter), CALL.set(of_call)
    for each in records:
        lines.handle(each)
    CALL.reset(token)
    lines.close()
    return stream.data.decode().splitlines()


def test_a_line_names_its_call_and_its_trace() -> None:
    """At its end, and the call only if the message has not named it."""
    first, second = written(TextLines(), record("x late"), record("x call %s is late", "abc"))
    assert first.endswith(f"WARNING test: x late call=abc trace={TRACE}")
    assert second.endswith(f"WARNING test: x call abc is late trace={TRACE}")
    (third,) = written(TextLines(), record("-"), of_call=None)
    assert third.endswith("WARNING test: -")


def test_a_line_as_json() -> None:
    """One object a line, without what is empty, in UTC."""
    (line,) = written(JsonLines(), record("x two\nlines"))
    found = json.loads(line)
    assert found.pop("time")[-1] == "Z"
    assert found == {"level": "warning", "logger": "test", "message": "x two\nlines", "call": "abc", "trace_id": TRACE}
    (hostile,) = written(JsonLines(), record("a\u2028b\x85c\x9b2J\x7fé\ud800"))  # some readers end a line at these
    assert (hostile.isprintable(), json.loads(hostile)["message"]) == (True, "a\u2028b\x85c\x9b2J\x7fé\ud800")
    (plain,) = written(JsonLines(), record("-"), of_call=None)
    assert json.loads(plain).keys() == {"time", "level", "logger", "message"}


def test_nobody_can_forge_a_line() -> None:
    """A name that others choose may have an end of line, or what moves a terminal's cursor. A traceback is indented."""
    forged = "2026-12-01 10:40:00,000 ERROR   server: x forged"
    (line,) = written(TextLines(), record("x fault at %s", f"/a\r\n{forged}\x1b[2J\u2028\x85é"))
    assert line.endswith(rf"x fault at /a\r\n{forged}\x1b[2J\u2028\x85é call=abc trace={TRACE}")
    try:
        raise ValueError(f"no\n{forged}\x1b[2J")
    except ValueError:
        _first, *more = written(TextLines(), record("x fault", exc_info=sys.exc_info()))
    assert more[-1] == rf"  {forged}\x1b[2J"
    assert all(each.startswith("  ") for each in more)


def test_a_pipe_that_does_not_wait_costs_nothing() -> None:
    """Another process may have made it so. While it is full the thread sleeps, and then the line is written."""

    class Counted(FileIO):
        tries = 0

        def write(self, data: bytes) -> int | None:  # type: ignore[override]
            self.tries += 1
            return super().write(data)

    read, write = os.pipe()
    os.set_blocking(write, False)
    with contextlib.suppress(BlockingIOError):
        while True:
            os.write(write, bytes(4_096))
    stream = Counted(write, "w")
    lines = Lines(stream, TextLines())
    lines.handle(record("x late"))
    while stream.tries == 0:
        time.sleep(0.01)
    time.sleep(0.1)
    assert stream.tries < 10
    with FileIO(read) as reader:
        assert any(reader.read(65_536).rstrip().endswith(b"x late") for _ in range(100))
    lines.close()
    stream.close()


def test_a_traceback_is_in_the_object() -> None:
    """So that a program finds it with its line."""
    try:
        raise ValueError("no")
    except ValueError:
        (line,) = written(JsonLines(), record("x fault", exc_info=sys.exc_info()))
    assert json.loads(line)["exception"].endswith("ValueError: no")


def test_a_line_that_cannot_be_made_is_left_out() -> None:
    """And the next one comes."""
    line, gap = written(TextLines(), record("%d", "no number"), record("a good one"))
    assert "a good one" in line
    assert "were dropped: 1" in gap


def full_pipe() -> tuple[int, int]:
    """A pipe into which nothing more fits: its two ends."""
    reading, writing = os.pipe()
    fcntl.fcntl(writing, fcntl.F_SETPIPE_SZ, 4096)
    os.set_blocking(writing, False)
    with contextlib.suppress(BlockingIOError):
        while True:
            os.write(writing, bytes(4096))
    os.set_blocking(writing, True)
    return reading, writing


def test_nobody_waits_for_a_full_pipe() -> None:
    """Lines wait up to a limit; the rest is dropped and counted. Whoever reads again is told how many."""
    reading, writing = full_pipe()
    with FileIO(writing, "w") as stream:
        lines = Lines(stream, TextLines(), most_waiting=10)
        for number in range(50):
            lines.handle(record("line %d", number))
        assert 39 <= lines.dropped <= 40  # the thread may have taken one
        text = os.read(reading, 4096)
        while b"dropped" not in text:
            text += os.read(reading, 4096)
        assert f"were dropped: {lines.dropped}" in text.decode()
        lines.close()
    os.close(reading)


async def test_a_tick_belongs_to_the_call_that_has_joined() -> None:
    """What a member of the pacer logs names its call, whatever others do."""
    pacer, seen, done = Pacer(), dict[str, str](), asyncio.Event()
    ticks: list[Callable[[int], None]] = []

    def tick_of(name: str) -> None:
        def tick(number: int) -> None:
            of_call = CALL.get()
            seen[name] = of_call.id if of_call else ""
            if len(seen) == 3:
                done.set()

        ticks.append(tick)
        pacer.join(tick)

    tick_of("")
    for name in ("one", "two"):
        token = CALL.set(OfCall(name))
        tick_of(name)
        CALL.reset(token)
    async with asyncio.timeout(5):
        await done.wait()
    for tick in ticks:
        pacer.leave(tick)
    assert seen == {"": "", "one": "one", "two": "two"}


async def test_a_blocked_log_stops_no_sound() -> None:
    """A server whose standard error is a pipe that is full, and that nobody reads, answers aloud to the end."""
    reading, writing = full_pipe()
    server = Started("--log-format", "json", "--log-level", "debug", stderr=writing)
    os.close(writing)
    try:
        await asyncio.to_thread(server.wait)
        async with asyncio.timeout(40), ClientSession() as http:
            for _ in range(2):
                phone = SocketPhone(server.url, http)
                await phone.dial()
                phone.send(type="text", text="What time do you close on Saturday?")
                answer = await phone.until(type="response", reply=2, final=True)
                await phone.hang_up()
                assert "Saturday" in answer["text"]
                assert sum(phone.loud) * 0.02 > 1
            page = await (await http.get(f"{server.url}/metrics")).text()
        assert 'antiphon_telemetry_dropped_total{queue="log_lines"}' in page
    finally:
        code = server.stop()
        os.close(reading)
    assert code == 0
