"""Text-to-speech over Wyoming: by a worker on a Unix socket, or by any Wyoming server at `tcp://host:port`."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Sequence

from wyoming.audio import AudioChunk, AudioChunkConverter, AudioStop
from wyoming.info import Info
from wyoming.tts import Synthesize, SynthesizeVoice

from server.errors import EngineError
from server.speech.following import FOLLOWER, Follower, tell, trace_of
from server.speech.languages import Voice, choose_voice, lookup
from server.speech.protocols import ANYBODY, Asker, Pcm
from server.speech.wyoming_client import LOST, RETRY_S, TRIES, Address, InfoRequest, next_event, packed, queueing

STAGE = "text-to-speech"


class WyomingTextToSpeech:
    """A TextToSpeech that asks a Wyoming server. `uri` is unix:///path or tcp://host:port."""

    def __init__(
        self,
        uri: str,
        *,
        voice: str = "",
        languages: Sequence[str] = (),
        connect_s: float = 2.0,
        silence_s: float = 8.0,
    ) -> None:
        """`voice` is the default voice, for the languages that it speaks. If `languages` are given, they are used
        instead of those that the server names.

        Deadlines: `connect_s` is long enough for a local worker to be replaced. `silence_s` is for each chunk, so that
        a long text may take as long as it needs, but a server that hangs may not.
        """
        self._address = Address(uri, connect_s, STAGE)
        self._voice, self._silence_s = voice, silence_s
        self._writers: set[asyncio.StreamWriter] = set()
        self._voices: list[Voice] = []
        self._info_request = InfoRequest(self._address, self._take)
        self.languages = languages

    async def learn(self) -> None:
        """Ask the server which voices it has. Until it answers, a call can choose only from the given `languages`."""
        await self._info_request.ask()

    def _take(self, info: Info) -> None:
        voices = [voice for program in info.tts for voice in program.voices if voice.installed]
        self._voices = [Voice(voice.name, tuple(voice.languages)) for voice in voices]
        self.languages = self.languages or tuple(dict.fromkeys(tag for voice in voices for tag in voice.languages))

    async def synthesize(
        self, text: str, voice: str, language: str = "", asker: Asker = ANYBODY
    ) -> AsyncGenerator[Pcm, None]:
        """Speak `text`. Asks again when the server dies before its first chunk."""
        follower = FOLLOWER.get() if self._address.local else None
        context = (queueing(asker, self._address) | trace_of(follower)) or None
        asked = packed(Synthesize(text, self._wanted(voice, language), context=context))
        for tries in range(1, TRIES + 1):
            spoken = False
            try:
                async with contextlib.aclosing(self._speak(asked, follower)) as chunks:
                    async for pcm in chunks:
                        spoken = True
                        yield pcm
                return
            except LOST as exc:
                if spoken or tries == TRIES:
                    raise EngineError(STAGE, "The text-to-speech server hung up.") from exc
                await asyncio.sleep(RETRY_S)

    def _wanted(self, voice: str, language: str) -> SynthesizeVoice | None:
        """The voice to ask for, by its name if one speaks the language: not every server finds a voice by language."""
        wish = voice or self._voice
        known = language and self._voices  # before the server has named its voices, the wish is as good as any
        name = (choose_voice(language, wish, self._voices) or "") if known else wish
        if name:
            return SynthesizeVoice(name=name)
        return SynthesizeVoice(language=lookup(language, self.languages) or language) if language else None

    async def _speak(self, asked: bytes, follower: Follower | None) -> AsyncGenerator[Pcm, None]:
        reader, writer = await self._address.connect()
        self._writers.add(writer)
        converter, rest = AudioChunkConverter(width=2, channels=1), b""
        try:
            writer.write(asked)
            while (chunk := await self._chunk(reader, follower)) is not None:
                data = rest + chunk.audio
                whole = len(data) - len(data) % (chunk.width * chunk.channels)
                chunk.audio, rest = data[:whole], data[whole:]
                if whole:
                    yield Pcm(chunk.rate, converter.convert(chunk).audio)
        finally:
            self._writers.discard(writer)
            writer.transport.abort()  # the worker stops when its client is gone

    async def _chunk(self, reader: asyncio.StreamReader, follower: Follower | None) -> AudioChunk | None:
        """The next chunk that is not empty; None at the end of the speech."""
        try:
            async with asyncio.timeout(self._silence_s):
                while not AudioStop.is_type((event := await next_event(reader, STAGE)).type):
                    if AudioChunk.is_type(event.type) and event.payload:
                        return AudioChunk.from_event(event)
                tell(follower, event.data)
                return None
        except TimeoutError as exc:
            raise EngineError(STAGE, f"The text-to-speech server was silent for {self._silence_s:g} s.") from exc

    async def close(self) -> None:
        await self._info_request.close()
        for writer in self._writers:
            writer.transport.abort()
