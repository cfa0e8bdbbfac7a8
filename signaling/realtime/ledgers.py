"""Ledgers: when the words of each message were heard, for a client that truncates what it has not played. Pure."""

from collections.abc import Callable

from signaling.realtime.answer import Answer

MAX_LEDGERS = 32
"""Of how many messages it is known. Clients truncate what they play at present."""


class Ledger:
    """When the words of one message left, in ms of its sound."""

    def __init__(self, reply: int, base_ms: float, sound_ms: float) -> None:
        self.reply = reply
        self.base_ms = base_ms
        """How much of the reply came before this message."""
        self.sound_ms = sound_ms
        """How much has left. Below 0 it is the negative time at which it began, on WebRTC."""
        self.marks: list[tuple[float, str]] = []

    def heard(self, ms: float) -> str:
        """The words that were heard after so much of the sound."""
        return next((text for at, text in reversed(self.marks) if at <= ms), "")


class Ledgers:
    """The ledgers of the newest messages."""

    def __init__(self, on_webrtc: bool, now_ms: Callable[[], float]) -> None:
        self._on_webrtc = on_webrtc
        self._now_ms = now_ms
        self._ledgers: dict[str, Ledger] = {}

    def find(self, item_id: str) -> Ledger | None:
        return self._ledgers.get(item_id)

    def of(self, answer: Answer) -> Ledger:
        """That of the message of a response, which has one."""
        if (ledger := self._ledgers.get(answer.item_id)) is None:
            before_ms = sum(each.sound_ms for each in self._ledgers.values() if each.reply == answer.reply)
            begun_ms = -self._now_ms() if self._on_webrtc else 0.0
            ledger = self._ledgers[answer.item_id] = Ledger(answer.reply or 0, before_ms, begun_ms)
            while len(self._ledgers) > MAX_LEDGERS:
                del self._ledgers[next(iter(self._ledgers))]
        return ledger

    def mark(self, answer: Answer, text: str) -> None:
        """The caller has heard `text` of the message by now."""
        ledger = self.of(answer)
        ledger.marks.append((self.sound_ms(ledger), text))

    def close(self, answer: Answer, text: str) -> None:
        """The message is over, and `text` is all that was heard of it."""
        self.mark(answer, text)
        ledger = self.of(answer)
        ledger.sound_ms = self.sound_ms(ledger)

    def sound_ms(self, ledger: Ledger) -> float:
        """How much of a message was sent. On WebRTC it is the time since it began, until it is over."""
        return ledger.sound_ms if ledger.sound_ms >= 0 else self._now_ms() + ledger.sound_ms
