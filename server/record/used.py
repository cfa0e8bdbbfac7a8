"""Used: what a call has used up, as its record keeps it."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Used:
    """What a call has used up so far, on all servers that it was held on."""

    time_ms: int = 0
    """With a connection."""
    requests: int = 0
    """To the agent's model."""
    tokens: int = 0
    """That the model has read and written."""
    speech_ms: int = 0
    """Of speech that text-to-speech has made."""
    transcription_ms: int = 0
    """Of sound that speech-to-text has put into words, each time that it has."""
