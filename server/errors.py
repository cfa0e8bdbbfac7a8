"""All errors of Antiphon, with the HTTP status that a client gets for each.

    AntiphonError
    ├── ConfigError        a setting, a port or a library cannot be used     exit code 2
    ├── PeerError          the client broke the protocol                     400
    │   ├── Unauthorized   the token is missing or wrong                     401, WWW-Authenticate
    │   │   └── InvalidToken  the caller's token is not good (any more)      401
    │   ├── NotAcceptable  a valid offer, but no common codec                406
    │   ├── NotFound       there is no such call                             404
    │   │   └── NotRegistered  no phone is registered under this address     404
    │   ├── Conflict       the call cannot take this any more               409
    │   │   └── NotAnswered    a phone that was called has not taken the call   409
    │   ├── Forbidden      the client may not have this                      403
    │   ├── NotJson        a body that does not say that it is JSON          415
    │   ├── NotSdp         a body that does not say that it is SDP           415
    │   ├── Stale          the client's knowledge of the call is out of date 412
    │   └── TooLarge       a message is over its limit                       413
    ├── AtCapacity         there is no room for another call                 503, Retry-After
    ├── TooMany            the caller has too many calls, or is too fast    429, Retry-After
    ├── StoreError         the store of conversations is not available       503
    ├── Unreachable        the server that has the call does not answer     504
    ├── AgentUnavailable   the agent's own code cannot begin a call          503
    └── EngineError        speech-to-text, model or text-to-speech failed    502, or an apology inside a call

An exception of another library is turned into one of these once, where we call the library, with `from exc`. An error
message never contains what people said.
"""

from traceback import walk_tb


class AntiphonError(Exception):
    """The base of all our errors. `code` is for programs and never changes; the message is a sentence for people."""

    code = "internal"
    status = 500

    @property
    def sentence(self) -> str:
        """What a client may read."""
        return str(self)


class ConfigError(AntiphonError):
    """Antiphon cannot start with these settings. The message is for the operator; clients get only `sentence`, which
    tells them nothing about the server."""

    code = "config"

    @property
    def sentence(self) -> str:
        return "The server is not set up for this."


class PeerError(AntiphonError):
    """The client sent something that is not valid."""

    code = "bad_request"
    status = 400


class Unauthorized(PeerError):
    """No bearer token, or a wrong one (RFC 6750)."""

    code = "unauthorized"
    status = 401


class InvalidToken(Unauthorized):
    """The caller's token is malformed, expired, used up, or signed by somebody else (RFC 6750, section 3.1)."""

    code = "invalid_token"


class NotAcceptable(PeerError):
    """A valid offer that has no audio, or no codec that we have too (RFC 9725 uses 406 for this case)."""

    code = "not_acceptable"
    status = 406


class NotFound(PeerError):
    """There is no call, or no conversation, with the id that the client gave."""

    code = "not_found"
    status = 404


class Conflict(PeerError):
    """What the client asks for does not go with what has happened before, and will not later either."""

    code = "conflict"
    status = 409


class NotRegistered(NotFound):
    """No phone is registered here under the address that is to be called."""

    code = "not_registered"


class NotAnswered(Conflict):
    """A phone that was called has not taken the call. `code` says why, such as busy, declined or no_answer."""

    code = "failed"

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class Forbidden(PeerError):
    """The client may not have what it asks for."""

    code = "forbidden"
    status = 403


class NotJson(PeerError):
    """The body does not say that it is JSON. A page can post any other kind of body to any site, without leave."""

    code = "not_json"
    status = 415


class NotSdp(PeerError):
    """The body does not say that it is SDP, or a fragment of SDP."""

    code = "not_sdp"
    status = 415


class Stale(PeerError):
    """The client has asked for a change of something that has changed meanwhile (RFC 9110, section 13.1.1)."""

    code = "stale"
    status = 412


class TooLarge(PeerError):
    """A message is larger than its limit."""

    code = "too_large"
    status = 413


class AtCapacity(AntiphonError):
    """There is no room for another call. `retry_after_s` tells the client when to try again."""

    code = "at_capacity"
    status = 503

    def __init__(self, message: str, retry_after_s: int) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class TooMany(AntiphonError):
    """The caller has too many calls, or does something too often. `retry_after_s` tells the client when to try again
    (RFC 6585, section 4)."""

    code = "too_many"
    status = 429

    def __init__(self, message: str, retry_after_s: int) -> None:
        super().__init__(message)
        self.retry_after_s = retry_after_s


class StoreError(AntiphonError):
    """The store of conversations is down, hangs, or holds something that cannot be read."""

    code = "store_unavailable"
    status = 503


class Unreachable(AntiphonError):
    """Another worker of the cluster does not answer. `sent`: it may have done what the client asks for."""

    code = "worker_unreachable"
    status = 504

    def __init__(self, sent: bool) -> None:
        super().__init__("The server that has this call does not answer.")
        self.sent = sent


class AgentUnavailable(AntiphonError):
    """The agent's dependencies for a call cannot be made."""

    code = "agent_unavailable"
    status = 503


class EngineError(AntiphonError):
    """A stage of a call failed. `stage` is "speech-to-text", "agent", "model", "tool", "text-to-speech", "hook" or
    "server".

    `asked` is for the log alone: the names of the models that were asked. `refused` says that a speech engine cannot do
    what this request asks, such as a voice that it does not have: others may succeed, so the engine is not broken.
    """

    code = "engine_failed"
    status = 502

    def __init__(self, stage: str, message: str, asked: str = "", refused: bool = False) -> None:
        super().__init__(message)
        self.stage = stage
        self.asked = asked
        self.refused = refused


REFUSED = frozenset({400, 404, 413, 415, 422})
"""The HTTP statuses with which a server refuses one request for what is in it."""


def origin(error: BaseException) -> str:
    """Where the original cause of `error` was raised, as "KeyError at shop.py:31"; "" when `error` has no cause."""
    return "" if error.__cause__ is None else raised_at(error.__cause__)


def raised_at(error: BaseException) -> str:
    """Where `error`, or the first cause of it, was raised, as "KeyError at shop.py:31".

    The log gets this instead of the error's message, because a foreign message may quote what people said.
    """
    first = error
    while (cause := first.__cause__) is not None:
        first = cause
    place = ""
    for frame, line in walk_tb(first.__traceback__):
        place = f" at {frame.f_code.co_filename.rpartition('/')[2]}:{line}"
    return f"{type(first).__name__}{place}"
