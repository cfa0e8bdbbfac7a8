"""Which senders of a call are heard."""

from hypothesis import given
from hypothesis import strategies as st

from server.media.senders import MAX_AT_ONCE, MAX_EVER, Senders


def test_a_new_sender_takes_the_place_of_the_most_silent_one() -> None:
    """If one more comes than are known at a time, the one that was silent for longest is forgotten, for good."""
    senders = Senders()
    assert [senders.note(ssrc) for ssrc in range(MAX_AT_ONCE)] == [None] * MAX_AT_ONCE
    assert senders.note(0) is None
    assert senders.note(99) == 1
    assert not senders.admits(1)
    assert senders.admits(0)


def test_a_call_runs_out_of_senders() -> None:
    """After MAX_EVER senders no new one comes in. Those that are known are still heard."""
    senders = Senders()
    for ssrc in range(MAX_EVER):
        assert senders.admits(ssrc)
        senders.note(ssrc)
    assert not senders.admits(MAX_EVER)
    assert senders.admits(MAX_EVER - 1)


@given(st.lists(st.integers(0, 200), max_size=300))
def test_in_any_order(ssrcs: list[int]) -> None:
    """Never are more senders known, and never do more come in, than the limits say. The last one is always known."""
    senders, known, ever = Senders(), set[int](), set[int]()
    for ssrc in ssrcs:
        if senders.admits(ssrc):
            ever.add(ssrc)
            known.add(ssrc)
            known.discard(senders.note(ssrc))  # type: ignore[arg-type]
            assert senders.admits(ssrc)
        assert len(known) <= MAX_AT_ONCE
    assert len(ever) <= MAX_EVER
