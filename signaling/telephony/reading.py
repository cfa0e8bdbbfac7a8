"""Reads what a telephone system sends, so that whatever comes is understood or raises PeerError. Pure."""

import json
from base64 import b64decode
from binascii import Error as NotBase64
from collections.abc import Mapping
from typing import Any

from server.call.messages import AudioFormat
from server.errors import NotAcceptable, PeerError

MAX_TEXT_CHARS = 256
"""How long the names, numbers and ids of a telephone system may be. Longer ones are cut off."""
_RATES = ("8000", "16000", "24000", "48000")


def json_object(text: str) -> dict[str, Any]:
    """The JSON object in a text. Raises PeerError."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError) as exc:
        raise PeerError("a text message is not JSON") from exc
    if not isinstance(value, dict):
        raise PeerError("a text message is not a JSON object")
    return value


def part_of(message: Mapping[str, Any], name: str) -> dict[str, Any]:
    """The object with this name in a message; an empty one if it has none."""
    value = message.get(name)
    return value if isinstance(value, dict) else {}


def parameters_of(message: Mapping[str, Any], name: str) -> dict[str, Any]:
    """The parameters with this name in a message: an object, or a text as Plivo writes it, `a=1;b=2` or JSON."""
    value = message.get(name)
    if not isinstance(value, str):
        return part_of(message, name)
    if value.lstrip().startswith("{"):
        try:
            return json_object(value)
        except PeerError:
            return {}
    pairs = [each.partition("=") for each in value.replace(",", ";").split(";")]
    return {key.strip(): text.strip() for key, equals, text in pairs if equals and key.strip()}


def text_of(message: Mapping[str, Any], name: str) -> str:
    """The text or the number with this name in a message; "" if it has none."""
    value = message.get(name)
    if isinstance(value, float) and value.is_integer():
        value = int(value)  # 8000.0 is the number 8000 (RFC 8259, section 6)
    if isinstance(value, bool) or not isinstance(value, str | int):
        return ""
    return str(value)[:MAX_TEXT_CHARS].encode("utf-8", "replace").decode()  # JSON can have halves of characters


def sound_of(text: Any) -> bytes:
    """The sound in base64. Raises PeerError."""
    if not isinstance(text, str):
        raise PeerError("a message with sound has no payload")
    try:
        return b64decode(text, validate=True)
    except (NotBase64, ValueError) as exc:
        raise PeerError("the payload of a message is not base64") from exc


def pcm16(rate: str) -> AudioFormat:
    """PCM at this sample rate. Raises PeerError if there is none, and NotAcceptable for a rate that no call has."""
    if not rate:
        raise PeerError("a message does not tell the sample rate of the sound")
    if rate not in _RATES:
        raise NotAcceptable(f"the sample rate is none of {', '.join(_RATES)}")
    return AudioFormat.model_validate({"encoding": "pcm16", "sample_rate": int(rate)})
