"""The sound of a call by WebSocket, sample by sample: resampling and the jitter buffer."""

import math
from typing import Any

import pytest
from playwright.async_api import Page

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="module")]

RESAMPLE = """async ([from, to, hz, piece]) => {
    const { Resampler } = await import("/resampler.js");
    const tone = Float32Array.from({ length: from }, (_, n) => Math.sin((2 * Math.PI * hz * n) / from));
    const resampler = new Resampler(from, to);
    const out = [];
    for (let at = 0; at < from; at += piece) out.push(...resampler.push(tone.subarray(at, at + piece)));
    return out;
}"""


async def resample(page: Page, from_hz: int, to_hz: int, tone_hz: int, piece: int = 128) -> list[float]:
    """One second of a tone, converted to another rate."""
    out: list[float] = await page.evaluate(RESAMPLE, [from_hz, to_hz, tone_hz, piece])
    return out


@pytest.mark.parametrize(("from_hz", "to_hz"), [(48_000, 16_000), (44_100, 16_000), (16_000, 48_000), (16_000, 44_100)])
async def test_a_tone_is_the_same_tone_at_another_rate(page: Page, from_hz: int, to_hz: int) -> None:
    """A resampled tone is right in every sample, except for the first moment and half a millisecond at the end."""
    out = await resample(page, from_hz, to_hz, 1_000)
    assert to_hz - len(out) < to_hz / 1000
    wrong = [abs(out[n] - math.sin(2 * math.pi * 1_000 * n / to_hz)) for n in range(to_hz // 100, len(out))]
    assert max(wrong) < 0.02


async def test_what_the_new_rate_cannot_hold_is_gone(page: Page) -> None:
    """A tone of 11 kHz disappears at 16 kHz; otherwise it would fold down to 5 kHz, into the voice."""
    out = await resample(page, 48_000, 16_000, 11_000)
    assert max(map(abs, out[200:])) < 0.01


async def test_pieces_of_any_size_make_the_same_stream(page: Page) -> None:
    """Pieces of any size give the same stream, without a click where two pieces meet."""
    whole = await resample(page, 44_100, 16_000, 440, piece=44_100)
    assert await resample(page, 44_100, 16_000, 440, piece=97) == pytest.approx(whole, abs=0.003)


async def playback(page: Page, *steps: tuple[str, int] | tuple[str, int, int]) -> list[Any]:
    """`push` samples of an answer, `pull` samples or `drop` an answer; returns what each pull and drop gave.

    The rate is 1,000 samples a second, so a sample is a ms.
    """
    told: list[Any] = await page.evaluate(
        """async (steps) => {
            const { Playback } = await import("/playback.js");
            const playback = new Playback(1000), told = [];
            const short = (report) => report && [report.reply, report.ms];
            const take = {
                push: (reply, ms) => playback.push(reply, new Float32Array(ms).fill(reply)),
                drop: (reply) => told.push(short(playback.drop(reply))),
                pull: (ms) => {
                    const output = new Float32Array(ms).fill(9);
                    const report = short(playback.pull(output));
                    told.push([output.filter((sample) => sample).length, report]);
                },
            };
            for (const [what, ...how] of steps) take[what](...how);
            return told;
        }""",
        [list(step) for step in steps],
    )
    return told


async def test_a_little_is_gathered_first(page: Page) -> None:
    """Sound begins when 60 ms are there, or 60 ms after the first sample."""
    assert await playback(page, ("pull", 10), ("push", 1, 40), ("pull", 20), ("push", 1, 20), ("pull", 20)) == [
        [0, None],
        [0, None],
        [20, None],
    ]
    told = await playback(page, ("push", 1, 30), ("pull", 20), ("pull", 20), ("pull", 20), ("pull", 20))
    assert told == [[0, None], [0, None], [20, None], [10, [1, 30]]]


async def test_what_was_played_is_reported_now_and_then_and_when_it_runs_dry(page: Page) -> None:
    """Playback is reported every 200 ms of an answer, counted from its beginning, and when the buffer is empty."""
    told = await playback(page, ("push", 1, 450), *[("pull", 100)] * 5)
    assert told == [[100, None], [100, [1, 200]], [100, None], [100, [1, 400]], [50, [1, 450]]]


async def test_an_answer_that_is_interrupted_is_dropped_at_once(page: Page) -> None:
    """A dropped answer is silent at once, its report is exact to the sample, and the next answer counts from 0."""
    told = await playback(
        page, ("push", 1, 500), ("pull", 130), ("drop", 1), ("pull", 100), ("push", 2, 100), ("pull", 100)
    )
    assert told == [[130, None], [1, 130], [0, None], [100, [2, 100]]]


async def test_what_is_not_heard_of_is_not_reported(page: Page) -> None:
    """An answer that is dropped before it plays gives no report."""
    assert await playback(page, ("push", 1, 30), ("drop", 1), ("pull", 100)) == [None, [0, None]]


async def test_a_stream_that_never_ends_is_bounded(page: Page) -> None:
    """The buffer keeps ten seconds and no more."""
    told = await playback(page, *[("push", 1, 500)] * 40, ("pull", 20000))
    assert told == [[10_500, [1, 10_500]]]
