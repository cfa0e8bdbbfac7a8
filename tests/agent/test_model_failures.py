"""What the failures of models mean."""

import pytest
from pydantic_ai.exceptions import (
    ModelAPIError,
    ModelAuthenticationError,
    ModelConnectionError,
    ModelHTTPError,
    ModelOverloadedError,
    ModelQuotaExceededError,
    ModelRateLimitError,
    ModelRequestTimeout,
)

from server.agent.model_failures import PassedOver, asked_to_wait_s, is_final, meaning_of


def refused(
    status: int, headers: dict[str, str] | None = None, kind: type[ModelAPIError] | None = None
) -> ModelHTTPError:
    return ModelHTTPError.for_category(kind, status_code=status, model_name="any", headers=headers)


@pytest.mark.parametrize(
    ("failure", "kind", "passes"),
    [
        (refused(400), "rejected", False),
        (refused(401), "credentials", False),
        (refused(402), "quota", False),
        (refused(404), "not_found", False),
        (refused(429), "rate_limit", True),
        (refused(500), "server_error", True),
        (refused(529), "server_error", True),
        (refused(429, kind=ModelQuotaExceededError), "quota", False),
        (refused(429, kind=ModelRateLimitError), "rate_limit", True),
        (refused(503, kind=ModelOverloadedError), "overloaded", True),
        (refused(403, kind=ModelAuthenticationError), "credentials", False),
        (ModelConnectionError("any", "reset"), "connection", True),
        (ModelRequestTimeout("any", 4.0), "timeout", False),
        (TimeoutError(), "timeout", False),
        (PassedOver("any"), "other", False),
        (KeyError("x"), "other", False),
    ],
)
def test_a_failure_has_a_kind_and_may_pass_or_not(failure: Exception, kind: str, passes: bool) -> None:
    """The class that pydantic-ai has found for it counts, because it knows the provider; otherwise the status does."""
    meaning = meaning_of(failure)
    assert (meaning.kind, meaning.passes) == (kind, passes)


def test_what_the_provider_says_about_trying_again_is_read() -> None:
    """How long to wait is known in seconds, and whether it is any use."""
    assert asked_to_wait_s(refused(429, {"retry-after": "30"})) == 30
    assert asked_to_wait_s(refused(429, {"retry-after-ms": "1500"})) == 1.5
    assert asked_to_wait_s(refused(429)) is None
    assert asked_to_wait_s(KeyError("x")) is None
    assert is_final(refused(500, {"x-should-retry": "false"}))
    assert not is_final(refused(500))
