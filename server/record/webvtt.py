"""A conversation as WebVTT: captions for its recording. Each cue names the speaker.

Source: https://www.w3.org/TR/webvtt1/, sections 4.1 (the file), 3.3 (escapes) and 3.5 (voice spans).
"""

import re

from server.record.conversation import Conversation, Said

_CONTROL = re.compile(r"[\x01-\x1f\x7f-\x9f]")


def webvtt(conversation: Conversation) -> str:
    """The text of the file; every line ends with a line break. The cues are in the order of their start times."""
    said = sorted((said for said in conversation.said if _line(said.text)), key=lambda said: said.start_ms)
    return "\n\n".join(["WEBVTT", *(_cue(each, conversation.agent) for each in said)]) + "\n"


def _cue(said: Said, agent: str) -> str:
    voice = _line(said.name or agent) or "Agent" if said.who == "agent" else "Caller"
    end_ms = max(said.end_ms, said.start_ms + 1)  # a cue must end after its start
    return f"{_time(said.start_ms)} --> {_time(end_ms)}\n<v {_escape(voice)}>{_escape(_line(said.text))}</v>"


def _time(ms: int) -> str:
    minutes, rest = divmod(max(0, ms), 60_000)
    return f"{minutes // 60:02d}:{minutes % 60:02d}:{rest // 1000:02d}.{rest % 1000:03d}"


def _line(text: str) -> str:
    """The text on one line, because an empty line would end the cue, and without U+0000, which the format forbids. No
    other control character is left: one may tell a terminal what to do."""
    return _CONTROL.sub("\ufffd", " ".join(text.replace("\0", "").split()))


def _escape(text: str) -> str:
    """Escape what would be read as a tag, as a character reference or as "-->"."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
