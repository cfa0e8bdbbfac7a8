"""Everything that can go wrong, and what each says to a caller.

    AntiphonError
    ├── ConfigError        a setting, a port or a library is not usable      exit code 2
    ├── PeerError          the other side broke the protocol                 400
    │   ├── Unauthorized   without the right token                           401, WWW-Authenticate
    │   ├── NotAcceptable  well-formed, but nothing we can speak             406
    │   ├── NotFound       no such call                                      404
    │   ├── Forbidden      not for this one                                  403
    │   └── TooLarge       over a limit                                      413
    ├── AtCapacity         no place for another call                         503, Retry-After
    ├── StoreError         conversations at rest cannot be had               503
    └── EngineError        speech-to-text, model or text-to-speech failed    502, or an apology inside a call

A foreign exception becomes one of these once, in its adapter, `from exc`. People's words never go into a message.
"""

from traceback import walk_tb


class AntiphonError(Exception):
    """Base of ours: `code` is stable and for programs, the message is a sentence for people."""

    code = "internal"
    status = 500

    @property
    def sentence(self) -> str:
        return str(self)


class ConfigError(AntiphonError):
    """Antiphon cannot start as it is set up. The message is for who runs it; a caller learns nothing of our inside."""

    code = "config"

    @property
    def sentence(self) -> str:
        return "The server is not set up for this."


class PeerError(AntiphonError):
    """The other side sent something that is not valid."""

    code = "bad_request"
    status = 400


class Unauthorized(PeerError):
    """No bearer token, or a wrong one (RFC 6750)."""

    code = "unauthorized"
    status = 401


class NotAcceptable(PeerError):
    """A valid offer that has no audio or no codec in common with us (RFC 9725 uses 406 for the same)."""

    code = "not_acceptable"
    status = 406


class NotFound(PeerError):
    """The call that was named is not here."""

    code = "not_found"
    status = 404


class Forbidden(PeerError):
    """Who asks may not have it."""

    code = "forbidden"
    status = 403


class TooLarge(PeerError):
    """A message over its limit."""

    code = "too_large"
    status = 413


class AtCapacity(AntiphonError):
    """No place for another call; `retry_after_s` says when to try again."""

    code = "at_capacity"
    status = 503

    def __init__(self, message: str, retry_after_s: int) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class StoreError(AntiphonError):
    """The store of conversations is down, hangs, or has something in it that cannot be read."""

    code = "store_unavailable"
    status = 503


class EngineError(AntiphonError):
    """A stage failed: `stage` is "speech-to-text", "agent", "model", "tool", "text-to-speech" or "server"."""

    code = "engine_failed"
    status = 502

    def __init__(self, stage: str, message: str) -> None:
        super().__init__(message)
        self.stage = stage


def origin(error: BaseException) -> str:
    """Where the first of the exceptions behind `error` was raised, as "KeyError at shop.py:31"; "" when none is.

    For the log, in words that nobody has said: the message of a foreign exception may quote people.
    """
    first = error
    while (cause := first.__cause__) is not None:
        first = cause
    if first is error:
        return ""
    place = ""
    for frame, line in walk_tb(first.__traceback__):
        place = f" at {frame.f_code.co_filename.rpartition('/')[2]}:{line}"
    return f"{type(first).__name__}{place}"
