"""A small true Wyoming server on TCP. Like many simple servers it gives no partial words and hangs up after a
transcript."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import numpy as np
from wyoming.asr import Transcript
from wyoming.audio import AudioChunk, AudioStart, AudioStop
from wyoming.event import async_read_event, async_write_event
from wyoming.info import AsrModel, AsrProgram, Attribution, Describe, Info, TtsProgram, TtsVoice
from wyoming.tts import Synthesize

RATE = 22_050
_MADE: dict[str, Any] = {
    "attribution": Attribution("Somebody", ""), "installed": True, "description": None, "version": None
}  # fmt: skip
INFO = Info(
    asr=[AsrProgram(name="words", models=[AsrModel(name="any", languages=["en", "de"], **_MADE)], **_MADE)],
    tts=[
        TtsProgram(
            name="hum",
            voices=[
                TtsVoice(name="en_US-amy", languages=["en_US"], **_MADE),
                TtsVoice(name="en_GB-alan", languages=["en_GB"], **_MADE),
                TtsVoice(name="de_DE-eva", languages=["de_DE"], **_MADE),
                TtsVoice(name="fr_FR-tom", languages=["fr_FR"], **(_MADE | {"installed": False})),
            ],
            **_MADE,
        )
    ],
)


async def _talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    heard = b""
    while (event := await async_read_event(reader)) is not None:
        if AudioChunk.is_type(event.type):
            heard += AudioChunk.from_event(event).audio
        elif AudioStop.is_type(event.type):
            seconds = np.count_nonzero(np.frombuffer(heard, "<i2")) / 16_000
            await async_write_event(Transcript(" ".join(["word"] * round(seconds / 0.5))).event(), writer)
            return
        elif Describe.is_type(event.type):
            await async_write_event(INFO.event(), writer)
        elif Synthesize.is_type(event.type):
            await async_write_event(AudioStart(RATE, 2, 2).event(), writer)
            for _ in Synthesize.from_event(event).text.split():
                await async_write_event(AudioChunk(RATE, 2, 2, _stereo_hum(0.3)).event(), writer)
            await async_write_event(AudioStop().event(), writer)


def _stereo_hum(seconds: float) -> bytes:
    mono = (np.sin(np.arange(int(seconds * RATE)) / 10) * 8000).astype("<i2")
    return np.repeat(mono, 2).tobytes()


@asynccontextmanager
async def wyoming_server() -> AsyncIterator[str]:
    """Gives the URI of the server."""
    clients: dict[asyncio.StreamWriter, asyncio.Event] = {}

    async def client(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        clients[writer] = gone = asyncio.Event()
        try:
            await _talk(reader, writer)
        except OSError:
            pass  # the client left
        finally:
            del clients[writer]
            writer.close()
            gone.set()

    server = await asyncio.start_server(client, "127.0.0.1", 0)
    try:
        yield f"tcp://127.0.0.1:{server.sockets[0].getsockname()[1]}"
    finally:
        server.close()
        for writer, gone in list(clients.items()):
            writer.transport.abort()
            await gone.wait()
