"""The speech models of a cluster: a real Ray Serve with real models, used by OpenAI's own client and by our server's.

Ray is started once for the file, in a process of its own, and only on 127.0.0.1. What is asserted of batches comes from
the counters of the replicas.
"""

import asyncio
import io
import itertools
import wave
from collections.abc import AsyncIterator, Iterator
from contextlib import aclosing
from pathlib import Path
from typing import Any

import av
import numpy as np
import openai
import pytest

from server.speech.endpoint_http import EndpointServer
from server.speech.jobs import MAX_TEXT
from server.speech.openai_http import OpenAIServer, OpenAISpeechToText, OpenAITextToSpeech
from tests.cluster.speech_cluster import SpeechCluster
from tests.real_models import DIRECTORY, real_model
from tests.started import ROOT

PEOPLE = ROOT / "bench" / "recordings" / "people" / "utterances"
KEY = "sk-nobody-may-see-this"
PATIENT_S = 60.0
SAID = {
    "osr0": "a gold ring will please most any girl",
    "osr1": "the long journey home took a year",
    "osr2": "she saw a cat in the neighbor's house",
    "osr3": "a pink shell was found on the sandy beach",
    "osr4": "small children came to see him",
    "osr5": "the grass and bushes were wet with dew",
    "osr6": "the blind man counted his old coins",
    "osr7": "a severe storm tore down the barn",
}
LONG_TEXT = ("The quick brown fox jumps over the lazy dog. " * 200)[:MAX_TEXT]
"""Five minutes of speech, which take many seconds to make."""


@pytest.fixture(scope="module")
def cluster() -> Iterator[SpeechCluster]:
    pytest.importorskip("ray", reason="the extra antiphon[cluster] is not installed")
    real_model("whisper", "tiny.en")
    real_model("piper")
    real_model("smart-turn")
    running = SpeechCluster(
        models_dir=str(DIRECTORY), stt_model="tiny.en", api_key=KEY, batch=8, most_replicas=1, queue=8
    )
    yield running
    running.close()


@pytest.fixture
def base_url(cluster: SpeechCluster) -> str:
    return cluster.base_url


@pytest.fixture
async def client(base_url: str) -> AsyncIterator[openai.AsyncOpenAI]:
    async with openai.AsyncOpenAI(base_url=base_url, api_key=KEY, max_retries=0, timeout=PATIENT_S) as one:
        yield one


def recording(name: str) -> bytes:
    return (PEOPLE / f"{name}.flac").read_bytes()


def sound(*names: str) -> bytes:
    """Recordings one after the other, as 16 kHz PCM."""
    pcm = b""
    for name in names:
        with av.open(str(PEOPLE / f"{name}.flac")) as file:
            resampler = av.AudioResampler("s16", "mono", 16_000)
            for frame in file.decode(audio=0):
                pcm += b"".join(bytes(part.planes[0])[: 2 * part.samples] for part in resampler.resample(frame))
    return pcm


def wav(pcm: bytes) -> bytes:
    file = io.BytesIO()
    with wave.open(file, "wb") as written:
        written.setnchannels(1)
        written.setsampwidth(2)
        written.setframerate(16_000)
        written.writeframes(pcm)
    return file.getvalue()


def plain(text: str) -> str:
    return text.lower().strip(" .\n").replace(".", "").replace(",", "")


async def words(client: openai.AsyncOpenAI, name: str, data: bytes, **more: Any) -> str:
    answer = await client.audio.transcriptions.create(model="whisper-1", file=(name, data), **more)
    return plain(answer.text)


# Whisper


async def test_anybodys_client_gets_the_words_of_a_person(client: openai.AsyncOpenAI) -> None:
    """OpenAI's own client, with its own names of models, in the formats that it knows."""
    assert await words(client, "a.flac", recording("osr0")) == SAID["osr0"]
    assert await words(client, "a.wav", wav(sound("osr1")), language="en", prompt="A story.") == SAID["osr1"]
    text = await client.audio.transcriptions.create(
        model="tiny.en", file=("a.flac", recording("osr2")), response_format="text"
    )
    assert plain(str(text)) == SAID["osr2"]
    told = await client.audio.transcriptions.create(
        model="whisper-1", file=("a.flac", recording("osr3")), response_format="verbose_json"
    )
    assert (plain(told.text), told.language, round(told.duration)) == (SAID["osr3"], "en", 3)
    assert told.segments is not None
    assert [(segment.start, plain(segment.text)) for segment in told.segments] == [(0.0, SAID["osr3"])]


async def test_a_long_recording_is_told_piece_by_piece(client: openai.AsyncOpenAI) -> None:
    """The words of each half minute are streamed when they are there, and all of them at the end."""
    names = ["jfk", *SAID]
    stream = await client.audio.transcriptions.create(
        model="whisper-1", file=("long.wav", wav(sound(*names, "jfk"))), stream=True
    )
    events = [event async for event in stream]
    assert [event.type for event in events] == ["transcript.text.delta"] * 2 + ["transcript.text.done"]
    told = "".join(event.delta for event in events[:-1])  # type: ignore[union-attr]
    assert told == events[-1].text  # type: ignore[union-attr]
    assert all(said in plain(told) for said in SAID.values())


async def test_eight_callers_are_heard_together(cluster: SpeechCluster, client: openai.AsyncOpenAI) -> None:
    """Requests of eight callers at once are finished in few goes, each with its own words."""
    before = cluster.finals()
    found = await asyncio.gather(*(words(client, "a.flac", recording(name)) for name in SAID))
    assert found == list(SAID.values())
    goes = {size: number - before.together.get(size, 0) for size, number in cluster.finals().together.items()}
    assert sum(goes.values()) == len(SAID)
    assert sum(number / size for size, number in goes.items()) <= len(SAID) / 2


async def test_a_draft_may_be_refused(cluster: SpeechCluster, client: openai.AsyncOpenAI) -> None:
    """A client asks for the words so far by a field of the form. When many do, some are told to try later."""
    before = cluster.finals()

    asked = [words(client, "a.flac", recording("osr4"), extra_body={"draft": "true"}) for _ in range(20)]
    told = await asyncio.gather(*asked, return_exceptions=True)
    refused = [each for each in told if each != SAID["osr4"]]
    assert refused
    for each in refused:
        assert isinstance(each, openai.APIStatusError)
        assert (each.status_code, each.response.headers["retry-after"]) == (503, "1")
    after = cluster.finals()
    assert after.drafts - before.drafts == told.count(SAID["osr4"])
    assert after.finals == before.finals


async def test_a_queue_has_an_end(client: openai.AsyncOpenAI) -> None:
    """When too many requests wait for a model, the next is refused in OpenAI's form, with a time to try again."""

    asked = [words(client, "a.flac", recording("osr4")) for _ in range(44)]
    told = await asyncio.gather(*asked, return_exceptions=True)
    refused = [each for each in told if each != SAID["osr4"]]
    assert 0 < len(refused) < len(told)
    for each in refused:
        assert isinstance(each, openai.APIStatusError)
        assert (each.status_code, each.response.headers["retry-after"]) == (503, "1")
        assert each.body == {
            "message": "Too many requests wait for the speech-to-text model.",
            "type": "server_error",
            "param": None,
            "code": "at_capacity",
        }


# Piper


async def test_speech_comes_while_it_is_made(cluster: SpeechCluster, client: openai.AsyncOpenAI) -> None:
    """The first sound is there before the last is made: a client that hangs up then ends the work."""
    before = cluster.texts()
    async with client.audio.speech.with_streaming_response.create(
        model="tts-1", voice="alloy", input=LONG_TEXT, response_format="pcm"
    ) as response:
        chunks = response.iter_bytes()
        assert len(await anext(chunks)) >= 4_000
        now = cluster.texts()
        assert (now.begun, now.spoken) == (before.begun + 1, before.spoken)
    async with asyncio.timeout(PATIENT_S):
        while (now := cluster.texts()).dropped == before.dropped:  # noqa: ASYNC110
            await asyncio.sleep(0.05)
    assert now.spoken == before.spoken


@pytest.mark.parametrize("form", ["pcm", "wav", "mp3", "opus", "flac", "aac"])
async def test_what_is_spoken_is_understood(client: openai.AsyncOpenAI, form: Any) -> None:
    """A text comes back as words, in every format. Piper speaks it a little differently each time, and Whisper's
    smallest model may take a word or two for others."""
    text = "The long journey home took a year."
    spoken = await client.audio.speech.create(model="piper", voice="en", input=text, response_format=form)
    data = spoken.read()
    if form == "pcm":
        data = wav(np.frombuffer(data, "<i2")[: len(data) // 2].repeat(2)[::3].tobytes())  # 24 kHz to 16 kHz, roughly
    heard, said = (await words(client, f"a.{form}", data)).split(), plain(text).split()
    assert len({*heard} & {*said}) >= len({*said}) - 2, heard


# What is refused


def flac_of_silence(seconds: int) -> bytes:
    """Small, but as long as it says."""
    file = io.BytesIO()
    with av.open(file, "w", format="flac") as container:
        stream = container.add_stream("flac", rate=16_000, layout="mono")
        for _ in range(seconds):
            frame = av.AudioFrame.from_ndarray(np.zeros((1, 16_000), np.int16), "s16", "mono")
            frame.sample_rate = 16_000
            container.mux(stream.encode(frame))
        container.mux(stream.encode(None))
    return file.getvalue()


PLAYLIST = b"#EXTM3U\n#EXT-X-TARGETDURATION:10\n#EXTINF:10,\nfile:///etc/hostname\n#EXT-X-ENDLIST\n"


@pytest.mark.parametrize(
    ("data", "more", "status", "why"),
    [
        (b"", {}, 400, "no sound that can be read"),
        (b"RIFF" + bytes(4_000), {}, 400, "no sound that can be read"),
        (PLAYLIST, {}, 400, "no sound that can be read"),
        (recording("osr0")[:200], {}, 400, "no sound"),
        (flac_of_silence(601), {}, 413, "longer than 600 s"),
        (bytes(26 * 2**20), {}, 413, "larger than 25 MiB"),
        (recording("osr0"), {"language": "de"}, 400, "does not know the language 'de'. It knows: en"),
        (recording("osr0"), {"response_format": "srt"}, 400, "must be one of json, text, verbose_json"),
        (recording("osr0"), {"timestamp_granularities": ["word"]}, 400, "no times of words"),
        (recording("osr0"), {"model": "whisper-9"}, 404, "no speech-to-text model 'whisper-9' here; there is"),
    ],
    ids=["empty", "corrupt", "playlist", "cut", "long", "large", "language", "format", "times", "model"],
)  # fmt: skip
async def test_sound_that_cannot_be_heard(
    client: openai.AsyncOpenAI, data: bytes, more: dict[str, Any], status: int, why: str
) -> None:
    """The error says what is wrong, in OpenAI's form."""
    with pytest.raises(openai.APIStatusError, match=why) as refused:
        await client.audio.transcriptions.create(**{"model": "whisper-1", "file": ("a.flac", data)} | more)
    assert refused.value.status_code == status
    assert isinstance(refused.value.body, dict)
    assert refused.value.body["type"] == "invalid_request_error"


@pytest.mark.parametrize(
    ("more", "status", "why"),
    [
        ({"input": ""}, 400, "'input': String should have at least 1 character"),
        ({"input": LONG_TEXT + "."}, 400, "'input': String should have at most 5000 characters"),
        ({"voice": "nobody"}, 400, "no voice 'nobody' here; there are: "),
        ({"speed": 2.0}, 400, "leave 'speed' at 1"),
        ({"response_format": "midi"}, 400, "'response_format'"),
        ({"model": "tts-9"}, 404, "no text-to-speech model 'tts-9' here; there is 'piper'"),
    ],
    ids=["empty", "long", "voice", "speed", "format", "model"],
)
async def test_a_text_that_cannot_be_spoken(
    client: openai.AsyncOpenAI, more: dict[str, Any], status: int, why: str
) -> None:
    """The error says what is wrong."""
    with pytest.raises(openai.APIStatusError, match=why) as refused:
        await client.audio.speech.create(**{"model": "piper", "voice": "en", "input": "Hello."} | more)
    assert refused.value.status_code == status


async def test_the_key_is_needed(client: openai.AsyncOpenAI) -> None:
    """Without it nothing is told but that the server is up."""
    stranger = client.with_options(api_key="sk-wrong")
    with pytest.raises(openai.AuthenticationError):
        await stranger.models.list()
    with pytest.raises(openai.AuthenticationError):
        await words(stranger, "a.flac", recording("osr0"))
    assert await stranger.get("/health", cast_to=object) == {"status": "ok"}
    with pytest.raises(openai.NotFoundError):
        await client.get("/nothing", cast_to=object)


async def test_the_models_are_listed(client: openai.AsyncOpenAI) -> None:
    """With the languages that they know; a client may ask for one by the name that it has for it."""
    listed = {model.id: model.model_dump() async for model in client.models.list()}
    assert list(listed)[:2] == ["tiny.en", "piper"]
    assert listed["tiny.en"]["languages"] == ["en"]
    assert "en-US" in listed["piper"]["languages"]
    assert (await client.models.retrieve("whisper-1")).id == "tiny.en"


# Our own server


async def test_our_server_hears_through_it(base_url: str) -> None:
    """The client of our server learns the languages, gets words while somebody speaks, and the words at the end."""
    stt = OpenAISpeechToText(OpenAIServer(base_url, KEY), deadline_s=PATIENT_S)
    await stt.learn()
    assert list(stt.languages) == ["en"]
    partial = asyncio.Event()
    told: list[str] = []

    def tell(text: str) -> None:
        told.append(text)
        partial.set()

    stream = stt.listen([], tell, "en-GB")
    pcm = sound("osr7", "osr0")
    for at in itertools.count(0, 6_400):
        if at >= len(pcm):
            break
        stream.feed(pcm[at : at + 6_400])
        await asyncio.sleep(0.05)
    async with asyncio.timeout(PATIENT_S):
        while not partial.is_set():  # drafts that are under way are waited for
            stream.feed(bytes(16_000))
            await asyncio.sleep(0.2)
    assert SAID["osr7"].startswith(plain(told[0]))
    final = plain(await stream.transcript())
    assert SAID["osr7"] in final
    assert SAID["osr0"] in final
    await stream.close()
    await stt.close()


async def test_our_server_speaks_through_it(base_url: str, client: openai.AsyncOpenAI) -> None:
    """The client of our server gets the speech in chunks, and learns the languages."""
    tts = OpenAITextToSpeech(OpenAIServer(base_url, KEY), silence_s=PATIENT_S)
    await tts.learn()
    assert "en-US" in tts.languages
    async with aclosing(tts.synthesize("Small children came to see him.", "")) as speech:
        chunks = [chunk async for chunk in speech]
    assert len(chunks) > 1
    assert {chunk.rate for chunk in chunks} == {24_000}
    assert 1.5 < sum(len(chunk.data) for chunk in chunks) / 48_000 < 4
    await tts.close()


async def test_our_server_judges_pauses_through_it(base_url: str) -> None:
    """A sentence that is complete sounds done, and half of one does not."""
    model = EndpointServer(base_url, KEY, PATIENT_S)

    async def judged(pcm: bytes) -> float | None:
        told: asyncio.Future[float | None] = asyncio.get_running_loop().create_future()
        model.judge(pcm, told.set_result)
        return await told

    whole = sound("osr0")
    done, broken_off = await judged(whole), await judged(whole[: len(whole) // 4 * 2])
    assert done is not None
    assert broken_off is not None
    assert broken_off < 0.5 < done
    await model.close()
    away = EndpointServer("http://127.0.0.1:9/v1")
    told: asyncio.Future[float | None] = asyncio.get_running_loop().create_future()
    away.judge(whole, told.set_result)
    assert await told is None
    await away.close()


async def test_a_file_is_judged_as_well(client: openai.AsyncOpenAI) -> None:
    """Anybody may send a sound file to the endpoint model."""
    answer = await client.post(
        "/audio/turn", content=recording("osr0"), cast_to=object, options={"headers": {"Content-Type": "audio/flac"}}
    )
    assert isinstance(answer, dict)
    assert answer["probability"] > 0.5


def test_models_that_are_not_there(cluster: SpeechCluster, tmp_path: Path) -> None:
    """What cannot be served is told, and what is served goes on."""
    assert "there is no speech model in" in cluster.refusal(models_dir=str(tmp_path))
    assert "there is no whisper model large-v9" in cluster.refusal(models_dir=str(DIRECTORY), stt_model="large-v9")
    assert "Ray Serve listens at 127.0.0.1:" in cluster.refusal(models_dir=str(DIRECTORY))
    assert cluster.finals().finals > 0
