"""What OpenAI calls sound, voices and functions, and what they are here. Pure."""

from collections.abc import Mapping
from typing import Any

from server.call.messages import AudioFormat

OUR_FORMATS: Mapping[str, AudioFormat] = {
    "audio/pcm": AudioFormat(encoding="pcm16", sample_rate=24000),
    "audio/pcmu": AudioFormat(encoding="pcmu", sample_rate=8000),
    "audio/pcma": AudioFormat(encoding="pcma", sample_rate=8000),
}
OPENAI_VOICES = frozenset(
    """
    alloy ash ballad coral echo sage shimmer verse marin cedar
    beacon bossa cinder delta gleam meridian quartz ripple shida stone tempo vesper willow
    """.split()
)
"""The voices of OpenAI. Stock clients ask for one of them, and get the voice of the agent."""


def function_tool(given: Mapping[str, Any]) -> dict[str, Any]:
    """A function as our own protocol has it."""
    about = {"description": given.get("description") or "", "parameters": given.get("parameters") or {}}
    return {"name": given.get("name") or "", **about}
