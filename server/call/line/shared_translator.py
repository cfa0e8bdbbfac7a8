"""SharedTranslator: a translator whose client is watched by others, who also may say what the client could say."""

from collections.abc import Sequence
from typing import Protocol

from server.call.line.outbox import Outbox
from server.call.line.translator import Read, Translator
from server.call.messages import ServerMessage


class Presenting(Translator, Protocol):
    """A translator that can tell somebody who comes later how things are."""

    def present(self) -> Sequence[str | bytes]:
        """What a watcher is told first."""


class SharedTranslator:
    """Gives each watcher a copy of what the client is told. The sound is not copied."""

    def __init__(self, translator: Presenting) -> None:
        self._translator = translator
        self._watchers: list[Outbox] = []

    def watch(self, watcher: Outbox) -> None:
        self._watchers.append(watcher)
        _put(watcher, self._translator.present())

    def leave(self, watcher: Outbox) -> None:
        self._watchers.remove(watcher)

    def read(self, item: str | bytes) -> Read:
        read = self._translator.read(item)
        self._copy(read.answers)
        return read

    def write(self, message: ServerMessage) -> Sequence[str | bytes]:
        items = self._translator.write(message)
        self._copy(items)
        return items

    def say(self, sound: bytes) -> Sequence[str | bytes]:
        return self._translator.say(sound)

    def _copy(self, items: Sequence[str | bytes]) -> None:
        for watcher in self._watchers:
            _put(watcher, items)


def _put(watcher: Outbox, items: Sequence[str | bytes]) -> None:
    for item in items:
        if isinstance(item, str):
            watcher.put(item)
