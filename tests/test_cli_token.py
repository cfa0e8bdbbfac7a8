"""`antiphon token`: an operator makes tokens."""

import time

import jwt
import pytest

from tests import command
from tests.command import Antiphon
from tests.tokens import SECRET

antiphon = command.antiphon


def test_a_token_is_printed(antiphon: Antiphon) -> None:
    """`antiphon token` prints a token with the given claims alone on a line, signed with the secret of the settings."""
    arguments = (
        "token", "--sub", "ann", "--ttl", "60", "--agent", "Museum", "--max-s", "90", "--max-calls", "2", "--once",
        "--model", "m", "--voice", "v", "--language", "de", "--max-tokens", "9", "--context", '{"plan": "gold"}',
        "--no-record",
    )  # fmt: skip
    result = antiphon(*arguments, ANTIPHON_ACCESS_SECRET=SECRET, ANTIPHON_ACCESS_AUDIENCE="calls")
    assert result.returncode == 0, result.stderr
    claims = jwt.decode(result.stdout.strip(), SECRET, ["HS256"], audience="calls")
    assert 50 < claims.pop("exp") - time.time() <= 60
    assert claims.pop("jti")
    options = {"model": "m", "voice": "v", "language": "de", "max_tokens": 9}
    assert claims == {
        "sub": "ann", "agent": "Museum", "max_s": 90, "max_calls": 2, "once": True, "options": options,
        "context": {"plan": "gold"}, "record": False, "aud": "calls",
    }  # fmt: skip


@pytest.mark.parametrize(
    ("arguments", "secret", "says"),
    [
        (["--sub", "ann"], "", "ANTIPHON_ACCESS_SECRET"),
        (["--sub", ""], SECRET, "sub"),
        (["--sub", "ann", "--context", "gold"], SECRET, "context"),
        (["--sub", "ann", "--context", "[]"], SECRET, "context"),
        (["--sub", "ann", "--max-s", "0"], SECRET, "max_s"),
        (["--sub", "ann", "--patience", "hasty"], SECRET, "patience"),
    ],
)
def test_a_token_that_no_server_would_take_is_not_printed(
    antiphon: Antiphon, arguments: list[str], secret: str, says: str
) -> None:
    """A mistake is one line of error that names the claim, and exit code 2."""
    result = antiphon("token", *arguments, ANTIPHON_ACCESS_SECRET=secret)
    assert (result.returncode, result.stdout) == (2, "")
    assert len(result.stderr.splitlines()) == 1
    assert says in result.stderr
