import pytest

from server.webhooks.schedule import PAUSES_S, Schedule, Verdict, judge, retry_after_s

DAYS_3 = 72 * 3_600_000


@pytest.mark.parametrize(
    ("statuses", "verdict"),
    [
        ((200, 201, 204, 299), Verdict.DELIVERED),
        ((410,), Verdict.GONE),
        ((400, 401, 403, 404, 413, 422), Verdict.REFUSED),
        ((408, 425, 429, 500, 503, 599, 100, 301, 302, 307, None), Verdict.LATER),
    ],
)
def test_what_an_answer_means(statuses: tuple[int | None, ...], verdict: Verdict) -> None:
    """Only 2xx is a delivery, only 410 gives up, and redirects are not followed."""
    assert {judge(status) for status in statuses} == {verdict}


def test_an_event_is_tried_for_three_days() -> None:
    """The pauses grow, and the last try is at the end of the time."""
    schedule, now_ms, tried_ms = Schedule(DAYS_3), 1_000, []
    for tries in range(1, 99):
        again_ms = schedule.again_ms(1_000, tries, now_ms, chance=0.5)
        if again_ms is None:
            break
        tried_ms.append(again_ms - now_ms)
        now_ms = again_ms
    assert tried_ms[:-1] == [round(pause_s * 1100) for pause_s in PAUSES_S[: len(tried_ms) - 1]]
    assert (now_ms, len(tried_ms)) == (1_000 + DAYS_3, 9)


def test_chance_spreads_the_tries() -> None:
    """A pause is never shorter than it should be, and longer by less than a fifth."""
    assert [Schedule(DAYS_3).again_ms(0, 1, 0, chance) for chance in (0, 0.5, 0.999)] == [5_000, 5_500, 5_999]


@pytest.mark.parametrize(("wanted_s", "again_ms"), [(0, 5_000), (4, 5_000), (60, 60_000), (1e9, 86_400_000)])
def test_a_receiver_may_ask_for_a_longer_pause(wanted_s: float, again_ms: int) -> None:
    """But for no shorter one, and for a day at most."""
    assert Schedule(DAYS_3).again_ms(0, 1, 0, 0, wanted_s) == again_ms


def test_a_long_pause_does_not_skip_the_last_try() -> None:
    """However long the receiver asks to wait, an event is tried at the end of its time."""
    assert Schedule(3_600_000).again_ms(0, 2, 3_500_000, 0, 1e6) == 3_600_000
    assert Schedule(3_600_000).again_ms(0, 3, 3_600_000, 0) is None


@pytest.mark.parametrize(
    ("header", "wait_s"),
    [
        ("", 0), ("120", 120), (" 7 ", 7), ("-3", 0), ("1.5", 0), ("soon", 0), ("9" * 400, 999_999_999_999),
        ("Wed, 21 Oct 2015 07:28:00 GMT", 60), ("Wed, 21 Oct 2015 07:26:00 GMT", 0), ("²", 0),
        ("Wed, 99 Oct 99999999999 07:26:00 GMT", 0),
    ],
)  # fmt: skip
def test_retry_after(header: str, wait_s: float) -> None:
    """Seconds or a date; anything else is no wish at all."""
    assert retry_after_s(header, now_s=1_445_412_420) == wait_s
