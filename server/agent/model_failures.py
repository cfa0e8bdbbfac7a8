"""Failures of models: what each one means, whichever provider it comes from. No message of a provider is read here."""

from dataclasses import dataclass

from pydantic_ai.exceptions import (
    ContentFilterError,
    ModelAPIError,
    ModelAuthenticationError,
    ModelConnectionError,
    ModelContextWindowExceededError,
    ModelHTTPError,
    ModelNotFoundError,
    ModelOverloadedError,
    ModelQuotaExceededError,
    ModelRateLimitError,
    ModelRequestRejectedError,
    ModelRequestTimeout,
    ModelServerError,
    ModelTimeoutError,
    ModelUnavailableError,
    OutputTokenLimitExceeded,
    UnexpectedModelBehavior,
)


class PassedOver(ModelAPIError):
    """The model was not asked, because it has just failed several times in a row."""

    def __init__(self, model_name: str) -> None:
        super().__init__(model_name, "The model has just failed several times in a row.")


class NotConnected(ModelAPIError):
    """There is no connection to the provider of a speech-to-speech model. Another one is being tried."""

    def __init__(self, model_name: str) -> None:
        super().__init__(model_name, "There is no connection to the provider.")


@dataclass(frozen=True, slots=True)
class Meaning:
    """What a failure means for the request, and for other requests."""

    kind: str
    """A word for metrics."""
    passes: bool = False
    """The same request may succeed within seconds."""
    concerns_all: bool = False
    """Any other request to this model would have failed as well."""


OTHER = Meaning("other")
_RATE_LIMIT = Meaning("rate_limit", passes=True, concerns_all=True)
_QUOTA = Meaning("quota", concerns_all=True)
_CREDENTIALS = Meaning("credentials", concerns_all=True)
_NOT_FOUND = Meaning("not_found", concerns_all=True)
_TIMEOUT = Meaning("timeout", concerns_all=True)
_UNAVAILABLE = Meaning("unavailable", passes=True, concerns_all=True)
_SERVER_ERROR = Meaning("server_error", passes=True, concerns_all=True)
_REJECTED = Meaning("rejected")

_BY_CLASS: tuple[tuple[type[BaseException], Meaning], ...] = (
    (NotConnected, Meaning("connection", concerns_all=True)),
    (ModelQuotaExceededError, _QUOTA),
    (ModelRateLimitError, _RATE_LIMIT),
    (ModelAuthenticationError, _CREDENTIALS),
    (ModelNotFoundError, _NOT_FOUND),
    (ModelContextWindowExceededError, Meaning("too_long")),
    (ModelRequestRejectedError, _REJECTED),
    (ModelOverloadedError, Meaning("overloaded", passes=True, concerns_all=True)),
    (ModelUnavailableError, _UNAVAILABLE),
    (ModelServerError, _SERVER_ERROR),
    (ModelTimeoutError, _TIMEOUT),
    (ModelRequestTimeout, _TIMEOUT),
    (ModelConnectionError, Meaning("connection", passes=True, concerns_all=True)),
    (TimeoutError, _TIMEOUT),
    (ContentFilterError, Meaning("content_filter")),
    (OutputTokenLimitExceeded, Meaning("length")),
    (UnexpectedModelBehavior, Meaning("unreadable", passes=True)),
)
"""The first class that fits counts, so a class stands before those that it inherits from."""

_BY_STATUS = {401: _CREDENTIALS, 402: _QUOTA, 403: _CREDENTIALS, 404: _NOT_FOUND, 408: _TIMEOUT, 429: _RATE_LIMIT}


def meaning_of(failure: BaseException) -> Meaning:
    """What a failure means: by its class, or by its HTTP status if a provider's adapter gives only that."""
    for kind, meaning in _BY_CLASS:
        if isinstance(failure, kind):
            return meaning
    if not isinstance(failure, ModelHTTPError):
        return OTHER
    by_default = _REJECTED if failure.status_code < 500 else _SERVER_ERROR
    return _BY_STATUS.get(failure.status_code, by_default)


def asked_to_wait_s(failure: BaseException) -> float | None:
    """How long the provider wants to be left alone, for example by `Retry-After`; None if it does not say."""
    return failure.retry_after if isinstance(failure, ModelAPIError) else None


def is_final(failure: BaseException) -> bool:
    """Whether the provider says that it is no use to try again."""
    return isinstance(failure, ModelHTTPError) and failure.provider_retry_hint is False
