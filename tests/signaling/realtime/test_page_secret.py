"""What the secret of a page says of its session. Pure."""

from base64 import urlsafe_b64encode
from json import dumps

import pytest

from signaling.realtime.page_secret import MAX_CHARS, claims_of, session_of, unsigned

SESSION = {"type": "realtime", "instructions": "Say “é”. " * 900, "audio": {"input": {"turn_detection": None}}}


def test_an_unsigned_secret_says_how_the_session_begins() -> None:
    secret = unsigned(SESSION, "abc")
    assert session_of(secret) == SESSION
    assert unsigned(SESSION, "def") != secret
    assert session_of(unsigned({}, "abc")) == {}
    with pytest.raises(ValueError, match="more than"):
        unsigned({"instructions": "".join(map(chr, range(33, 9_000)))}, "abc")


@pytest.mark.parametrize("claims", [{}, {"session": 5}, {"session": "x"}, claims_of({"a": "x" * 500_000})])
def test_other_tokens_say_nothing(claims: dict[str, object]) -> None:
    """Nor does one that would take much memory to read."""
    assert session_of(f"a.{urlsafe_b64encode(dumps(claims).encode()).decode()}.c") == {}


@pytest.mark.parametrize("token", ["", "any", "a.b.c", ".", "é.é.é", "x" * MAX_CHARS, "a.bnVsbA.c", "a.W10.c"])
def test_what_is_no_secret_says_nothing(token: str) -> None:
    assert session_of(token) == {}
