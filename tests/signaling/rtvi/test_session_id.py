"""What a client chooses at /start is in the session id."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from server.errors import NotFound, PeerError
from signaling.rtvi.session_id import MAX_CHARS, NEW, read_session_id, write_session_id

JSON = st.dictionaries(
    st.text(max_size=20), st.none() | st.booleans() | st.integers() | st.text(max_size=50), max_size=5
)


@given(JSON)
def test_what_was_chosen_comes_back(chosen: dict[str, object]) -> None:
    session_id = write_session_id(chosen)
    assert read_session_id(session_id) == chosen
    assert session_id.replace("-", "").replace("_", "").isalnum(), "it fits into an address"


def test_nothing_chosen() -> None:
    assert write_session_id({}) == NEW


def test_too_much_is_refused() -> None:
    with pytest.raises(PeerError, match="too long"):
        write_session_id({"text": "a" * MAX_CHARS})


@given(st.text(max_size=40).filter(lambda text: text != NEW))
def test_other_ids_are_not_found(text: str) -> None:
    with suppress(NotFound):
        assert isinstance(read_session_id(text), dict)


@pytest.mark.parametrize("session_id", ["", "x", "W10", "!!!", "bnVsbA"])
def test_no_session(session_id: str) -> None:
    with pytest.raises(NotFound):
        read_session_id(session_id)
