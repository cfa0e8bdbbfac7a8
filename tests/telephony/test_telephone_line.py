"""A telephone line by itself, on a virtual clock: what the call is told of it, and what it is told of the call."""

import asyncio
from collections.abc import Awaitable, Callable

import pytest

from server.call.caller import Caller
from server.call.line.telephone import Arrival
from server.call.line.telephone_line import BEGIN_S, MARK_FRAMES, PLAYED_S, TelephoneLine
from server.call.messages import (
    Audio,
    Dtmf,
    Hello,
    Interrupted,
    Played,
    Response,
    Transfer,
    Transferred,
    parse_client,
)  # fmt: skip
from server.errors import NotAcceptable, PeerError
from signaling.telephony.asterisk import Asterisk
from tests.virtual_time import run_virtual

START = '{"event":"MEDIA_START","connection_id":"c","format":"ulaw"}'
FRAME = b"\1" * 160


class Socket:
    """A connection on which `said` comes. `told` has what was sent, and when."""

    flooded = hung_up = False

    def __init__(self, *said: str | bytes | None) -> None:
        self.said = asyncio.Queue[str | bytes | None]()
        for item in said:
            self.said.put_nowait(item)
        self.told: list[str | bytes] = []
        self.at_s: list[float] = []
        self.pings = 0

    async def receive(self) -> str | bytes | None:
        return await self.said.get()

    async def send(self, item: str | bytes) -> None:
        self.told.append(item)
        self.at_s.append(asyncio.get_running_loop().time())

    async def ping(self) -> None:
        self.pings += 1

    async def close(self, reason: str) -> None:
        await self.send(f"closed {reason}")


def on_a_line(
    scenario: Callable[[TelephoneLine, Socket], Awaitable[None]],
    transfer: Callable[[str, str], Awaitable[str]] | None = None,
) -> None:
    """Run a scenario on a line whose call has begun."""

    async def run() -> None:
        socket = Socket(START)
        line = TelephoneLine(socket, Arrival("asterisk", Caller(), Asterisk(), transfer=transfer))
        assert (await line.begin()).call_id == "c"
        await scenario(line, socket)

    run_virtual(run())


def test_how_far_the_caller_has_heard() -> None:
    """A mark comes after each 200 ms of a reply. When it is back, the call knows how much was played. Marks of another
    reply, and those that were never sent, are ignored."""

    async def scenario(line: TelephoneLine, socket: Socket) -> None:
        await line.send(Audio(reply=3).to_json())
        for _ in range(MARK_FRAMES):
            await line.send(FRAME)
        assert socket.told == [FRAME] * MARK_FRAMES + ['{"command":"MARK_MEDIA","correlation_id":"3-10"}']
        for mark in ("3-10", "2-10", "3-11", "", "x-y", "3-" + "9" * 300):
            socket.said.put_nowait(f'{{"event":"MEDIA_MARK_PROCESSED","correlation_id":"{mark}"}}')
        told = [await line.receive() for _ in range(6)]
        assert told == [Played(reply=3, ms=200).to_json(), *[b""] * 5]

    on_a_line(scenario)


def test_what_the_telephone_is_not_told() -> None:
    """Captions and the like end here. An interruption is a flush. The token stays with the server."""

    async def scenario(line: TelephoneLine, socket: Socket) -> None:
        await line.send(Hello(session_id="s", agent="Ann", resume="secret").to_json())
        await line.send(Response(reply=1, text="Hi.", final=False).to_json())
        assert socket.told == []
        assert line.resume == ("s", "secret")
        await line.send(Interrupted(reply=1).to_json())
        assert socket.told == ['{"command":"FLUSH_MEDIA"}']

    on_a_line(scenario)


@pytest.mark.parametrize(("digit", "key"), [("5", "5"), ("#", "#"), ("a", "A"), ("", ""), ("12", ""), ("x", "")])
def test_keys(digit: str, key: str) -> None:
    """A key is one of sixteen; anything else is none."""

    async def scenario(line: TelephoneLine, socket: Socket) -> None:
        socket.said.put_nowait(f'{{"event":"DTMF_END","digit":"{digit}"}}')
        assert await line.receive() == (Dtmf(digit=key).to_json() if key else b"")

    on_a_line(scenario)


def test_old_sound_is_dropped_at_the_far_side() -> None:
    """When Asterisk's queue is full, what is in it comes much too late to be heard."""

    async def scenario(line: TelephoneLine, socket: Socket) -> None:
        socket.said.put_nowait('{"event":"MEDIA_XOFF"}')
        assert await line.receive() == b""
        assert socket.told == ['{"command":"FLUSH_MEDIA"}']

    on_a_line(scenario)


def test_what_is_not_understood_ends_nothing(caplog: pytest.LogCaptureFixture) -> None:
    """It is a sign of life, and is logged once."""

    async def scenario(line: TelephoneLine, socket: Socket) -> None:
        for _ in range(3):
            socket.said.put_nowait("{")
            assert await line.receive() == b""

    on_a_line(scenario)
    assert caplog.text.count("is not JSON") == 1


@pytest.mark.parametrize(
    ("reason", "over", "hangs_up"),
    [("", True, True), ("not_found", True, True), ("", False, False), ("reconnect", True, False),
     ("superseded", True, False), ("too_slow", False, False)],
)  # fmt: skip
def test_the_line_is_hung_up_when_the_call_is_over(reason: str, over: bool, hangs_up: bool) -> None:
    """After the last sound has been played. A connection whose call goes on elsewhere is only closed, at once."""

    async def scenario(line: TelephoneLine, socket: Socket) -> None:
        line.over = lambda: over
        await line.send(FRAME)
        await line.close(reason)
        assert socket.told[1:] == [*['{"command":"HANGUP"}'] * hangs_up, f"closed {reason}"]
        assert socket.at_s[-1] - socket.at_s[0] == pytest.approx(PLAYED_S if hangs_up else 0)

    on_a_line(scenario)


def test_a_ping_is_for_a_line_that_is_silent() -> None:
    """While sound comes, no ping is needed. While sound goes, it is: a muted telephone sends nothing, and is there."""

    async def scenario(line: TelephoneLine, socket: Socket) -> None:
        pings = []
        for step in ("nothing", "sound", "nothing", "reply", "nothing"):
            if step == "sound":
                socket.said.put_nowait(FRAME)
                await line.receive()
            elif step == "reply":
                await line.send(FRAME)
            await line.ping()
            pings.append(socket.pings)
        assert pings == [0, 0, 1, 2, 3]

    on_a_line(scenario)


def test_a_line_that_cannot_transfer_says_so() -> None:
    """Then the agent is told, instead of waiting for a minute."""

    async def scenario(line: TelephoneLine, socket: Socket) -> None:
        await line.send(Transfer(to="+1").to_json())
        told = parse_client(await line.receive() or "")
        assert isinstance(told, Transferred)
        assert not told.ok

    on_a_line(scenario)


@pytest.mark.parametrize("why_not", ["", "Nobody."])
def test_the_line_may_end_before_the_transfer_is_known(why_not: str) -> None:
    """A telephone company ends the line when it transfers the call. The call waits for what became of it."""

    async def transfer(call_id: str, to: str) -> str:
        await asyncio.sleep(3)
        return why_not

    async def scenario(line: TelephoneLine, socket: Socket) -> None:
        sending = asyncio.create_task(line.send(Transfer(to="+1").to_json()))
        await asyncio.sleep(1)
        socket.said.put_nowait(None)
        told = parse_client(await line.receive() or "")
        assert told == Transferred(ok=not why_not, reason=why_not)
        await sending
        socket.said.put_nowait(None)
        assert await line.receive() is None

    on_a_line(scenario, transfer)


def test_sound_that_no_call_has_is_refused_at_once() -> None:
    """The log says why, and the caller is not left in silence. A message that is merely odd is passed over."""

    async def scenario() -> None:
        other = START.replace("ulaw", "g729")
        for said in ((other,), ("{", "BAD", other)):
            with pytest.raises(NotAcceptable, match="c\\(slin16\\)"):
                await TelephoneLine(Socket(*said), Arrival("asterisk", Caller(), Asterisk())).begin()
        line = TelephoneLine(Socket('{"event":"MEDIA_START"}', START), Arrival("asterisk", Caller(), Asterisk()))
        assert (await line.begin()).call_id == "c"
        assert asyncio.get_running_loop().time() == 0

    run_virtual(scenario())


def test_a_system_that_says_nothing_is_not_waited_for() -> None:
    """A connection on which no call begins is given up, and so is one that is closed."""

    async def scenario() -> None:
        loop = asyncio.get_running_loop()
        for said, seconds in (((), BEGIN_S), ((FRAME, None), 0)):
            began_s = loop.time()
            with pytest.raises(PeerError):
                await TelephoneLine(Socket(*said), Arrival("asterisk", Caller(), Asterisk())).begin()
            assert loop.time() - began_s == pytest.approx(seconds)

    run_virtual(scenario())
