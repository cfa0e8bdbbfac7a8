"""A client of another protocol, on a leg and on a WebSocket: what it is told, and what the session is told."""

import asyncio
from collections.abc import Sequence
from typing import Any, cast

from server.call.line.leg import Leg
from server.call.line.translated_socket import TranslatedSocket
from server.call.line.translator import Read, Translator
from server.call.messages import Hello, Ping, Pong, ServerMessage, Text


class Shouting:
    """A protocol of capital letters. Every message is answered with OK."""

    def read(self, item: str | bytes) -> Read:
        return Read([Text(text=str(item).lower()).to_json(), b"sound"], ["OK"])

    def write(self, message: ServerMessage) -> Sequence[str | bytes]:
        return [message.type.upper()]

    def say(self, sound: bytes) -> Sequence[str | bytes]:
        return [sound.decode().upper()]


class Wire:
    unheard_ms = 0.0
    line = None

    def __init__(self) -> None:
        self.sent: list[str] = []

    def send_text(self, text: str) -> None:
        self.sent.append(text)

    def hush(self) -> None: ...
    def hurry(self) -> None: ...


class Heard:
    """A session that only takes messages."""

    id = "call"

    def __init__(self) -> None:
        self.taken: list[str | bytes] = []

    def receive_text(self, text: str | bytes) -> None:
        self.taken.append(text)

    def next_frame(self) -> bytes | None:
        return b"sound"


class Client:
    """A socket of a client that says one thing."""

    flooded = hung_up = False

    def __init__(self) -> None:
        self.said: list[str | bytes | None] = ["HELLO", b"", None]
        self.told: list[str | bytes] = []

    async def receive(self) -> str | bytes | None:
        return self.said.pop(0)

    async def send(self, item: str | bytes) -> None:
        self.told.append(item)

    async def ping(self) -> None: ...
    async def close(self, reason: str) -> None:
        self.told.append(f"closed {reason}")


def _leg(**options: Any) -> tuple[Leg, Wire, Heard]:
    heard, wire = Heard(), Wire()
    leg = Leg(cast(Any, heard), lambda leg: None, **options)
    leg.wire = wire
    leg.ready()
    return leg, wire, heard


def test_a_leg_with_a_translator_speaks_the_clients_protocol() -> None:
    leg, wire, heard = _leg(translator=Shouting())
    leg.send(Pong())
    leg.receive_text("HI")
    assert wire.sent == ["PONG", "OK"]
    assert heard.taken[0] == Text(text="hi").to_json()


def test_a_client_that_only_reads_gets_silence() -> None:
    leg, _, _ = _leg()
    assert leg.next_frame() == b"sound"
    leg.only_reads = lambda: True
    assert leg.next_frame() == bytes(5)


def test_a_first_message_decides_which_protocol_the_client_speaks() -> None:
    """The translator that comes by it is told the hello that the client could not read."""

    def recognize(first: str | bytes) -> Translator | None:
        return Shouting() if str(first).isupper() else None

    leg, wire, heard = _leg(recognize=recognize)
    leg.send(Hello(session_id="s", agent="a"))
    leg.receive_text("HI")
    leg.send(Ping())
    assert wire.sent[1:] == ["SESSION", "OK", "PING"]
    own, wire, heard = _leg(recognize=recognize)
    own.receive_text("quiet")
    own.receive_text("LOUD")
    assert (heard.taken, wire.sent) == (["quiet", "LOUD"], [])


def test_a_later_connection_of_the_same_client_speaks_on_as_the_one_before() -> None:
    """It need not say anything first. One that speaks our own protocol is not known by it: it may say so anew."""

    def recognize(first: str | bytes) -> Translator | None:
        return Shouting() if str(first).isupper() else None

    first, _, _ = _leg(recognize=recognize)
    first.receive_text("HI")
    later, wire, _ = _leg(recognize=recognize)
    later.speak_as(first)
    later.send(Ping())
    later.receive_text("quiet")
    assert wire.sent == ["PING", "OK"]
    assert not later.comes_back
    other, wire, _ = _leg(recognize=recognize)
    other.speak_as(_leg(recognize=recognize)[0])
    other.receive_text("HI")
    assert wire.sent == ["OK"]


def test_a_socket_with_a_translator_carries_our_own_protocol_for_the_call() -> None:
    async def scenario() -> None:
        client = Client()
        socket = TranslatedSocket(client, Shouting())
        assert [await socket.receive() for _ in range(4)] == [Text(text="hello").to_json(), b"sound", b"", None]
        await socket.send(Pong().to_json())
        await socket.send(b"la")
        await socket.close("lost")
        assert client.told == ["OK", "PONG", "LA", "closed lost"]

    asyncio.run(scenario())
