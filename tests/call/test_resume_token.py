from server.call.resume_token import ResumeToken
from server.record.conversation import hash_token


def test_a_token_is_good_once() -> None:
    """A token that was used, and whose successor is confirmed, resumes nothing any more."""
    token = ResumeToken()
    first = token.renew()
    assert token.redeem(first)
    second = token.renew()
    token.confirm()
    assert not token.redeem(first)
    assert token.redeem(second)


def test_a_token_that_got_lost_does_not_lock_out() -> None:
    """The old token works until the client has shown that it has the new one, because the message may be lost."""
    token = ResumeToken()
    first = token.renew()
    token.redeem(first)
    token.renew()  # never arrives
    assert token.redeem(first)


def test_two_tokens_at_most() -> None:
    """However many connections come, only the two newest tokens are known, and only their hashes."""
    token = ResumeToken()
    tokens = [token.renew() for _ in range(5)]
    assert [token.accepts(each) for each in tokens] == [False, False, False, True, True]
    assert token.hashes == [hash_token(each) for each in tokens[-2:]]
    assert not any(each in str(token.hashes) for each in tokens)


def test_nothing_is_accepted_before_there_is_a_token() -> None:
    """An empty token resumes nothing, at any time."""
    token = ResumeToken()
    assert not token.accepts("")
    token.renew()
    assert not token.accepts("")


def test_what_is_known_outlives_the_process() -> None:
    """Another process needs only the hashes to accept a token."""
    token = ResumeToken()
    secret = token.renew()
    assert ResumeToken(token.hashes).redeem(secret)
