"""SharedTranslator: a translator whose client is watched by others, who also may say what the client could say."""

from collections.abc import Sequence

from server.call.line.outbox import Outbox
from server.call.line.translator import Gate, Presenting, PrivateItem, Read, SoundItem
from server.call.messages import ServerMessage


class SharedTranslator:
    """Gives each watcher a copy of what the client is told. The sound is not copied."""

    def __init__(self, translator: Presenting, gate: Gate | None = None) -> None:
        """Without a `gate` the client may say and be told everything."""
        self._translator = translator
        self._gate = gate
        self._watchers: list[Outbox] = []

    @property
    def only_reads(self) -> bool:
        return self._translator.only_reads

    def watch(self, watcher: Outbox) -> None:
        self._watchers.append(watcher)
        _put(watcher, self._translator.present())

    def leave(self, watcher: Outbox) -> None:
        self._watchers.remove(watcher)

    def read(self, item: str | bytes) -> Read:
        refused = None if self._gate is None else self._gate.refuse(item)
        if refused is not None:
            return Read(answers=self.for_client(refused))
        read = self._translator.read(item)
        self._copy(_public(read.answers))
        return Read(read.told, self.for_client(read.answers))

    def read_watcher(self, item: str | bytes, watcher: Outbox) -> Read:
        """What a watcher says, and what the client is told of it."""
        read = self._translator.read_watcher(item)
        public = _public(read.answers)
        for each in self._watchers:
            _put(each, read.answers if each is watcher else public)
        return Read(read.told, self.for_client(public))

    def write(self, message: ServerMessage) -> Sequence[str | bytes]:
        items = self._translator.write(message)
        self._copy(items)
        return self.for_client(items)

    def say(self, sound: bytes) -> Sequence[str | bytes]:
        items = self._translator.say(sound)
        if len(items) > 1:  # nearly always it is only the sound
            self._copy([item for item in items if not isinstance(item, SoundItem)])
        return items

    def for_client(self, items: Sequence[str | bytes]) -> Sequence[str | bytes]:
        return items if self._gate is None else self._gate.pass_on(items)

    def _copy(self, items: Sequence[str | bytes]) -> None:
        for watcher in self._watchers:
            _put(watcher, items)


def _public(items: Sequence[str | bytes]) -> Sequence[str | bytes]:
    return [item for item in items if not isinstance(item, PrivateItem)]


def _put(watcher: Outbox, items: Sequence[str | bytes]) -> None:
    for item in items:
        if isinstance(item, str):
            watcher.put(item)
