import os
import subprocess
import sys
import threading
from collections.abc import AsyncIterator, Callable
from pathlib import Path

import av
import numpy as np
import pytest

from server.errors import ConfigError, StoreError
from server.media.frame import HEARD_SAMPLES, SPOKEN_SAMPLES, Frame
from server.media.recordings import MAX_PIECES, MAX_SKIP_MS, Recorder, Recordings
from server.media.tape import PIECE_TICKS
from tests.started import ROOT

TICKS_A_SECOND = 50


@pytest.fixture
async def recordings(tmp_path: Path) -> AsyncIterator[Recordings]:
    kept = Recordings(tmp_path / "recordings")
    yield kept
    await kept.close()


def tone(hertz: int, tick: int, samples: int) -> bytes:
    """One tick of a sine that goes on from tick to tick."""
    times = (tick * samples + np.arange(samples)) / (samples * TICKS_A_SECOND)
    return (8_000 * np.sin(2 * np.pi * hertz * times)).astype("<i2").tobytes()


def talk(recorder: Recorder, ticks: int, caller: int | None, agent: int | None, first: int = 0) -> None:
    """For so many ticks, each side says a tone of so many hertz, or is silent."""
    for tick in range(first, first + ticks):
        if caller is not None:
            recorder.heard(Frame(tone(caller, tick, HEARD_SAMPLES), tick * HEARD_SAMPLES))
        recorder.spoken(None if agent is None else tone(agent, tick, SPOKEN_SAMPLES))


def play(path: Path) -> np.ndarray:
    """Decode a file. Returns left and right at 48 kHz, from -1 to 1."""
    with av.open(str(path)) as container:
        (stream,) = container.streams
        assert (stream.codec_context.name, stream.codec_context.layout.name) == ("opus", "stereo")
        return np.concatenate([frame.to_ndarray() for frame in container.decode(stream)], axis=1)


def loudness(sound: np.ndarray, hertz: int, start_s: float, end_s: float) -> tuple[float, float]:
    """How loud a tone is on the left and on the right between the two times. The tones of `talk` have about 0.24."""
    part = sound[:, int(start_s * 48_000) : int(end_s * 48_000)]
    wave = np.exp(-2j * np.pi * hertz * np.arange(part.shape[1]) / 48_000)
    left, right = 2 * np.abs(part @ wave) / part.shape[1]
    return float(left), float(right)


async def test_the_caller_is_left_and_the_agent_right(recordings: Recordings) -> None:
    """Each side is heard in its own channel at the time when it spoke, alone and while both speak."""
    recorder = recordings.recorder("call")
    talk(recorder, 50, caller=400, agent=None)
    talk(recorder, 50, caller=None, agent=1_000, first=50)
    talk(recorder, 50, caller=400, agent=1_000, first=100)
    recorder.close()
    await recordings.close()
    (path,) = recordings.files("call")
    sound = play(path)
    assert sound.shape[1] == pytest.approx(3 * 48_000, abs=960)
    for hertz, side, times in [(400, 0, [(0.1, 0.9), (2.1, 2.9)]), (1_000, 1, [(1.1, 1.9), (2.1, 2.9)])]:
        for start_s, end_s in times:
            levels = loudness(sound, hertz, start_s, end_s)
            assert 0.2 < levels[side] < 0.3
            assert levels[1 - side] < 0.01
    assert max(loudness(sound, 400, 1.1, 1.9) + loudness(sound, 1_000, 0.1, 0.9)) < 0.01


async def test_both_sides_are_aligned(recordings: Recordings) -> None:
    """Two sounds that begin in the same tick begin at their time in the file, less than 3 ms apart."""
    recorder = recordings.recorder("call")
    talk(recorder, 80, caller=None, agent=None)
    talk(recorder, 50, caller=700, agent=700, first=80)
    recorder.close()
    await recordings.close()
    onsets = np.argmax(np.abs(play(recordings.files("call")[0])) > 0.08, axis=1)
    assert abs(onsets[0] - onsets[1]) < 0.003 * 48_000
    assert onsets[0] == pytest.approx(80 * 960, abs=0.005 * 48_000)


async def test_time_without_a_connection_is_silence(recordings: Recordings) -> None:
    """Sound after a time without a connection is at its own time in the file. A gap of many minutes is shortened."""
    recorder = recordings.recorder("call")
    talk(recorder, 50, caller=None, agent=1_000)
    recorder.skip(2_000)
    talk(recorder, 50, caller=None, agent=1_000)
    recorder.close()
    recordings.recorder("long").skip(10 * MAX_SKIP_MS)
    await recordings.close()
    sound = play(recordings.files("call")[0])
    assert sound.shape[1] == pytest.approx(4 * 48_000, abs=960)
    assert loudness(sound, 1_000, 1.1, 2.9)[1] < 0.01
    assert loudness(sound, 1_000, 3.1, 3.9)[1] > 0.2


async def test_silence_takes_no_place_from_sound(recordings: Recordings) -> None:
    """When a caller comes back after minutes, no sound is lost: not of other calls, and not of this one."""
    release = hold(recordings)
    back, other = recordings.recorder("back"), recordings.recorder("other")
    talk(back, 30, caller=None, agent=1_000)
    back.skip(110_000)
    talk(back, 50, caller=None, agent=1_000)
    talk(other, 50, caller=None, agent=1_000)
    release()
    for recorder in (back, other):
        recorder.close()
    await recordings.close(deadline_s=60)
    assert recordings.dropped == 0
    lengths_s = [play(recordings.files(name)[0]).shape[1] / 48_000 for name in ("back", "other")]
    assert lengths_s == pytest.approx([111.6, 1.0], abs=0.03)


async def test_a_conversation_that_goes_on_has_a_second_file(recordings: Recordings, tmp_path: Path) -> None:
    """A second recording of the same call gets its own file. It does not overwrite the first one."""
    for _ in range(11):
        recorder = recordings.recorder("call")
        talk(recorder, 5, caller=400, agent=None)
        recorder.close()
    await recordings.close()
    assert [path.name for path in recordings.files("call")] == [f"call.{i}.opus" for i in range(1, 12)]


async def test_files_are_for_their_owner(recordings: Recordings) -> None:
    """Only the owner of the files can read them."""
    recorder = recordings.recorder("call")
    talk(recorder, 5, caller=400, agent=None)
    recorder.close()
    await recordings.close()
    (path,) = recordings.files("call")
    assert (path.stat().st_mode & 0o777, path.parent.stat().st_mode & 0o777) == (0o600, 0o700)


async def test_deleting_takes_every_file_of_the_call_and_no_other(recordings: Recordings) -> None:
    """Deleting removes all files of a call, and no others. If the call is still being recorded, its recording ends."""
    for name in ("call", "call", "call-2"):
        recorder = recordings.recorder(name)
        talk(recorder, 5, caller=400, agent=None)
        recorder.close()
    running = recordings.recorder("call")
    talk(running, 2 * PIECE_TICKS, caller=400, agent=None)
    assert await recordings.delete("call")
    assert not await recordings.delete("call")
    assert not await recordings.delete("../call-2")
    talk(running, 2 * PIECE_TICKS, caller=400, agent=None)
    running.close()
    await recordings.delete("barrier")
    assert recordings.files("call") == []
    assert len(recordings.files("call-2")) == 1


async def test_a_call_that_outlives_the_recordings_is_no_failure(recordings: Recordings) -> None:
    """Sound that comes after the recordings are closed is dropped and counted."""
    recorder = recordings.recorder("call")
    await recordings.close()
    talk(recorder, 2 * PIECE_TICKS, caller=400, agent=None)
    recorder.close()
    assert recordings.dropped == 2
    assert recordings.files("call") == []


async def test_a_disk_that_does_not_delete_says_so(recordings: Recordings, tmp_path: Path) -> None:
    """If a file cannot be deleted, StoreError is raised."""
    (tmp_path / "recordings" / "call.1.opus").mkdir()
    with pytest.raises(StoreError):
        await recordings.delete("call")


async def test_old_recordings_are_swept(recordings: Recordings) -> None:
    """Files that were last written before the given time are deleted. Newer files stay."""
    for name in ("old", "new"):
        recorder = recordings.recorder(name)
        talk(recorder, 5, caller=400, agent=None)
        recorder.close()
    await recordings.delete("barrier")
    os.utime(recordings.files("old")[0], (1_000, 1_000))
    assert await recordings.sweep(2_000_000) == 1
    assert (recordings.files("old"), len(recordings.files("new"))) == ([], 1)


async def test_a_slow_disk_costs_sound_and_nothing_else(recordings: Recordings) -> None:
    """If too many pieces wait for the disk, more are dropped and counted. The rest is at its own time in the file."""
    release = hold(recordings)
    recorder = recordings.recorder("call")
    for _ in range(MAX_PIECES + 3):
        talk(recorder, PIECE_TICKS, caller=None, agent=None)
    dropped = recordings.dropped
    release()
    await recordings.delete("barrier")
    talk(recorder, 2 * PIECE_TICKS, caller=None, agent=1_000)
    recorder.close()
    await recordings.close()
    assert dropped == recordings.dropped > 0
    sound = play(recordings.files("call")[0])
    end_s = sound.shape[1] / 48_000
    assert end_s == pytest.approx((MAX_PIECES + 5) * PIECE_TICKS / TICKS_A_SECOND, abs=0.03)
    assert loudness(sound, 1_000, end_s - 0.9, end_s - 0.1)[1] > 0.2


def hold(recordings: Recordings) -> Callable[[], None]:
    """Let the disk hang, until the function that is returned is called."""
    go_on = threading.Event()
    recordings._thread.submit(go_on.wait)
    return go_on.set


async def test_a_disk_that_refuses_is_counted(
    recordings: Recordings, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """If the directory is gone, the recording is lost and the pieces are counted. The log says so once."""
    (tmp_path / "recordings").rmdir()
    recorder = recordings.recorder("call")
    talk(recorder, 60, caller=400, agent=None)
    recorder.close()
    await recordings.close()
    assert recordings.dropped == 3
    assert [record.getMessage().startswith("x recording call: ") for record in caplog.records] == [True]


@pytest.mark.parametrize("name", ["", "../call", "a/b", "call.1", "*"])
async def test_a_name_is_no_path(recordings: Recordings, name: str) -> None:
    """A name that could lead out of the directory is refused."""
    with pytest.raises(ValueError, match="name"):
        recordings.recorder(name)
    assert recordings.files(name) == []


def test_a_directory_that_cannot_be_made_is_a_wrong_setting(tmp_path: Path) -> None:
    """If the directory cannot be made, the error names the setting."""
    (tmp_path / "file").touch()
    with pytest.raises(ConfigError, match="ANTIPHON_RECORDINGS_DIR"):
        Recordings(tmp_path / "file")


WRITER = """
import asyncio, sys
from pathlib import Path
from server.media.recordings import Recordings
from tests.media.test_recordings import talk

async def main():
    recordings = Recordings(Path(sys.argv[1]))
    talk(recordings.recorder("call"), 510, caller=400, agent=1_000)
    await recordings.delete("barrier")
    print("written", flush=True)
    sys.stdin.read()

asyncio.run(main())
"""


def test_a_killed_process_leaves_a_file_that_plays(tmp_path: Path) -> None:
    """After kill -9, the file has all but the last second and a half, each side in its channel."""
    command = [sys.executable, "-c", WRITER, str(tmp_path)]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as writer:
        assert writer.stdout is not None
        assert writer.stdout.readline() == b"written\n"
        writer.kill()
    sound = play(tmp_path / "call.1.opus")
    assert 8.7 <= sound.shape[1] / 48_000 <= 10.2
    assert loudness(sound, 400, 0.1, 8.5)[0] > 0.2
    assert loudness(sound, 1_000, 0.1, 8.5)[1] > 0.2
