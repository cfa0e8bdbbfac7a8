"""Telling: what a client of RTVI is told of what happens in a call.

RTVI tells turns (who has started and stopped speaking), words as they come, and of each clause of an answer how much
was heard. What it has no message for is told as a `server-message`: our own message, as docs/protocol.md has it.
"""

from collections.abc import Callable, Iterator
from typing import Any

from server.call.agent_messages import Answered, Clause, ToolCall, ToolCancelled
from server.call.messages import (
    Agent,
    Error,
    Hello,
    Interrupted,
    Metrics,
    Reconnect,
    Response,
    ServerMessage,
    State,
    Transcription,
    Transfer,
)
from signaling.rtvi.saying import WRITTEN
from signaling.rtvi.spoken import Spoken, Told

_NONE = -1
_USER, _BOT = "user", "bot"
_CALLER_SPEAKS = ("hearing", "overlap")
_AGENT_SPEAKS = ("speaking", "overlap")
_STAGES = {"stt": "transcript_ms", "llm": "first_token_ms", "tts": "first_packet_ms"}
MAX_SEGMENTS = 1_000
"""More segments than an answer has. On a later connection of a call their numbers begin at this times the reply's."""
MAX_TYPED = 16
"""How many typed texts are remembered until they are shown as said. The server itself takes four at once."""


class Telling:
    """What one client has been told so far, and so what comes next."""

    def __init__(self, timestamp: Callable[[], str]) -> None:
        """`timestamp` gives the present time in the form of ISO 8601."""
        self._timestamp = timestamp
        self._speaking = {_USER: False, _BOT: False}
        self._reply = _NONE
        """The reply that the client is being told."""
        self._spoken = Spoken(0)
        self._resumed = False
        """The client may have been told of earlier answers on another connection."""
        self._tools: tuple[int, int] = (_NONE, 0)
        """Of which reply the client was told tools of the agent, and how many."""
        self._asked: dict[str, str] = {}
        """The tools that the client has to run: their names by the ids of their calls. A model has few open at once."""
        self._by_client: list[str] = []
        """The names of those that no answer has named yet."""
        self._shown = _NONE
        """The utterance of which the client has seen words that are not final."""
        self._typed: list[str] = []
        """What was typed and is not shown as said yet."""
        self._typed_utterance = _NONE

    def type(self, text: str) -> None:
        """The caller has typed this. It will come back as words of the caller."""
        self._typed = [*self._typed[1 - MAX_TYPED :], text.strip()]

    def tell(self, message: ServerMessage) -> Iterator[Told]:
        """What the client is told of a message of the session."""
        match message:
            case State(state=state):
                yield from self._turn(_USER, state in _CALLER_SPEAKS)
                yield from self._turn(_BOT, state in _AGENT_SPEAKS and (self._speaking[_BOT] or state != "overlap"))
            case Transcription():
                yield from self._transcription(message)
            case Response():
                yield from self._response(message)
            case Clause(reply=reply, text=text):
                yield from self._begin(reply, late=False)
                yield from self._spoken.add(text)
            case Interrupted(reply=reply):
                if self._speaking[_BOT] or reply == self._reply:
                    yield "bot-interrupted", None
            case ToolCall(id=call_id, name=name, arguments=arguments):
                yield from self._ask(call_id, name, arguments)
            case ToolCancelled(id=call_id):
                yield from self.finish(call_id, None, cancelled=True)
            case Answered(id=question, text=text, ok=True) if question.startswith(WRITTEN):
                yield from self._spoken.write(text)
            case Answered():
                yield "server-message", message.model_dump()
            case Metrics():
                yield "metrics", _metrics(message)
            case Error(code="superseded"):
                pass  # its own newer connection has the call, and an error that is fatal would end that
            case Error(code=code, message=sentence, final=final):
                yield "error", {"error": sentence, "message": sentence, "code": code, "fatal": final}
            case Hello(resumed=resumed):
                self._resumed = resumed
                yield "server-message", message.model_dump(exclude_none=True)
            case Agent() | Transfer() | Reconnect():
                yield "server-message", message.model_dump(exclude_none=True)

    def _turn(self, who: str, speaks: bool) -> Iterator[Told]:
        if speaks != self._speaking[who]:
            self._speaking[who] = speaks
            yield f"{who}-{'started' if speaks else 'stopped'}-speaking", None

    def _transcription(self, said: Transcription) -> Iterator[Told]:
        if not said.text and self._shown != said.utterance:
            return  # a noise, of which the client has seen nothing
        typed = self._was_typed(said)
        common = {"text": said.text, "timestamp": self._timestamp(), "final": said.final, "user_id": ""}
        self._shown = _NONE if said.final else said.utterance
        if not typed:  # the client has shown already what was typed
            yield "user-transcription", common
        kind = "chat" if typed else "transcription"
        yield "user-input", {**common, "input_type": kind, "msg_id": str(said.utterance)}
        if said.final and said.text:
            yield "user-llm-text", {"text": said.text}

    def _was_typed(self, said: Transcription) -> bool:
        """Whether these words were typed. What is typed fast is one question."""
        if said.pause_ms is not None:
            return False  # it was spoken
        if self._shown != said.utterance and (count := self._typed_in(said.text)):
            self._typed = self._typed[count:]
            self._typed_utterance = said.utterance
        return self._typed_utterance == said.utterance

    def _typed_in(self, text: str) -> int:
        """How many typed texts have come to their end with this text, which is one or more of them. 0: it is none.

        What was typed for a tool that waits for keys, or was too much, never comes. What was typed after it does.
        """
        ends = range(1, len(self._typed) + 1)
        return next((end for end in ends for start in range(end) if " ".join(self._typed[start:end]) == text), 0)

    def _begin(self, reply: int, heard: bool = True, late: bool = True) -> Iterator[Told]:
        """The client is told of this reply from now on. `heard`: it is being heard. `late`: not from its begin."""
        if reply != self._reply:
            yield from self._stop()
            if self._resumed and not self._spoken.segments:
                self._spoken = Spoken(reply * MAX_SEGMENTS)
            self._reply, self._spoken = reply, Spoken(self._spoken.segments, late)
            if heard:
                yield from self._turn(_BOT, True)
            yield "bot-llm-started", None
            yield "bot-tts-started", None

    def _response(self, response: Response) -> Iterator[Told]:
        if response.text:
            yield from self._begin(response.reply, not response.final)
        yield from self._server_tools(response)
        if response.reply != self._reply:
            return  # nothing was heard of it
        yield from self._spoken.hear(response.text, response.final)
        if response.final:
            yield from self._stop()

    def _stop(self) -> Iterator[Told]:
        """The client is told no more of the reply."""
        if self._reply != _NONE:
            self._reply = _NONE
            yield "bot-llm-stopped", None
            yield "bot-tts-stopped", None

    def _ask(self, call_id: str, name: str, arguments: dict[str, Any]) -> Iterator[Told]:
        """The client is asked to run a tool. After a lost connection it may be asked again."""
        if call_id not in self._asked:
            self._by_client.append(name)
        self._asked[call_id] = name
        yield "llm-function-call-started", {"function_name": name}
        call = {"function_name": name, "tool_call_id": call_id}
        yield "llm-function-call-in-progress", {**call, "arguments": arguments}

    def finish(self, call_id: str, result: Any, cancelled: bool = False) -> Iterator[Told]:
        """The client has run a tool, or nobody waits for it any more. Nothing is told of a call that is not open."""
        if (name := self._asked.pop(call_id, None)) is not None:
            call = {"function_name": name, "tool_call_id": call_id, "cancelled": cancelled}
            yield "llm-function-call-stopped", call if result is None else {**call, "result": result}

    def _server_tools(self, response: Response) -> Iterator[Told]:
        """Tools of the agent have run. They are told afterwards, without their arguments and results."""
        reply, told = self._tools
        if reply != response.reply:
            told = 0
        for number, name in list(enumerate(response.tools))[told:]:
            if name in self._by_client:
                self._by_client.remove(name)
                continue
            call = {"function_name": name, "tool_call_id": f"{response.reply}-{number}"}
            yield "llm-function-call-started", {"function_name": name}
            yield "llm-function-call-in-progress", {**call, "arguments": {}}
            yield "llm-function-call-stopped", {**call, "cancelled": False}
        self._tools = response.reply, len(response.tools)


def _metrics(metrics: Metrics) -> dict[str, list[dict[str, Any]]]:
    """In seconds since the caller's voice ended."""
    took = {name: getattr(metrics, stage) for name, stage in _STAGES.items()} | {"endpoint": metrics.endpoint_ms}
    values = [{"processor": name, "value": round(ms / 1000, 4)} for name, ms in took.items() if ms is not None]
    return {
        "ttfb": [each for each in values if each["processor"] in _STAGES],
        "processing": [each for each in values if each["processor"] not in _STAGES],
    }
