"""A conversation as WebVTT: captions for its recording, with the name of who speaks on each cue.

https://www.w3.org/TR/webvtt1/: sections 4.1 (the file), 3.3 (escapes) and 3.5 (voice spans).
"""

from server.record.conversation import Conversation, Said


def webvtt(conversation: Conversation) -> str:
    """The file's text; a line break ends each line. Cues stand in the order of their starts."""
    said = sorted((said for said in conversation.said if _line(said.text)), key=lambda said: said.start_ms)
    return "\n\n".join(["WEBVTT", *(_cue(each, conversation.agent) for each in said)]) + "\n"


def _cue(said: Said, agent: str) -> str:
    voice = _line(agent) or "Agent" if said.who == "agent" else "Caller"
    end_ms = max(said.end_ms, said.start_ms + 1)  # a cue ends after it starts
    return f"{_time(said.start_ms)} --> {_time(end_ms)}\n<v {_escape(voice)}>{_escape(_line(said.text))}</v>"


def _time(ms: int) -> str:
    minutes, rest = divmod(max(0, ms), 60_000)
    return f"{minutes // 60:02d}:{minutes % 60:02d}:{rest // 1000:02d}.{rest % 1000:03d}"


def _line(text: str) -> str:
    """On one line: an empty line would end the cue. U+0000 may not stand in the file."""
    return " ".join(text.replace("\0", "").split())


def _escape(text: str) -> str:
    """No tag, no reference and no "-->" is left."""
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
