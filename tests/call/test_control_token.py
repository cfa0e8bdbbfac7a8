"""The control tokens of calls."""

from server.call.control_token import ControlTokens


def test_every_server_with_the_same_admin_token_knows_it() -> None:
    """It depends on that token and on the call, and on nothing else."""
    here, there, elsewhere = ControlTokens("admin" * 4), ControlTokens("admin" * 4), ControlTokens("other" * 4)
    token = here.of("call")
    assert (len(token), token) == (43, there.of("call"))
    assert there.opens(token, "call")
    assert token not in (here.of("call2"), elsewhere.of("call"))
    for wrong in ("", token[:-1], f"{token}x", "admin" * 4, here.of("call2"), elsewhere.of("call"), "\udcff", "ü"):
        assert not here.opens(wrong, "call")


def test_without_an_admin_token_there_is_none() -> None:
    """And nothing opens a call, least of all an empty token."""
    none = ControlTokens("")
    assert none.of("call") == ""
    assert not none.opens("", "call")
    assert "admin" not in repr(ControlTokens("admin" * 4))
