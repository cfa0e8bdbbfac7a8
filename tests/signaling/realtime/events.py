"""The events of the OpenAI Realtime API that come together, in their order."""

from typing import Any

from server.call.messages import (
    Audio,
    Hello,
    Response,
    State,
)
from tests.signaling.realtime.client import Client

OF_SPEECH = """
    input_audio_buffer.speech_stopped input_audio_buffer.committed conversation.item.added conversation.item.done
    """.split()


OPENS = "response.output_item.added conversation.item.added response.content_part.added".split()


CLOSES = """
    response.output_audio.done response.output_audio_transcript.done response.content_part.done
    response.output_item.done conversation.item.done
    """.split()


CALLS = """
    response.output_item.added conversation.item.added response.function_call_arguments.delta
    response.function_call_arguments.done response.output_item.done conversation.item.done response.done
    """.split()


CREATED, DELTA, WORDS, DONE = (
    "response.created",
    "response.output_audio.delta",
    "response.output_audio_transcript.delta",
    "response.done",
)


STARTED = "input_audio_buffer.speech_started"


HELLO = Hello(session_id="s1", agent="Shop", resume="secret")


def say(text: str, reply: int = 1, final: bool = False, **options: Any) -> Response:
    return Response(reply=reply, text=text, final=final, **options)


def speaking(client: Client) -> str:
    """The agent says something unasked. Returns the id of the item."""
    client.hear(State(state="thinking"), Audio(reply=1))
    client.sound(25)
    client.hear(say("Hello"), State(state="speaking"))
    client.sound(25)
    client.hear(say("Hello there"))
    item_id: str = client.last("response.output_item.added")["item"]["id"]
    return item_id
