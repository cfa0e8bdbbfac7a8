"""What a caller's token decides about the call, and what it leaves to the caller."""

import pytest

from server.call.caller import Caller
from server.call.messages import Start
from server.call.options import CallOptions


@pytest.mark.parametrize(
    ("fixed", "wanted", "chosen"),
    [
        ({}, {}, {}),
        ({}, {"voice": "amy", "temperature": 0.0}, {"voice": "amy", "temperature": 0.0}),
        ({"voice": "amy"}, {}, {"voice": "amy"}),
        ({"voice": "amy"}, {"voice": "bob", "language": "de"}, {"voice": "amy", "language": "de"}),
        ({"temperature": 0.0}, {"temperature": 2.0}, {"temperature": 0.0}),
        ({"model": "small"}, {"model": "large"}, {"model": "small"}),
        ({"max_tokens": 100}, {}, {"max_tokens": 100}),
        ({"max_tokens": 100}, {"max_tokens": 20}, {"max_tokens": 20}),
        ({"max_tokens": 100}, {"max_tokens": 9_999}, {"max_tokens": 100}),
        ({}, {"max_tokens": 20}, {"max_tokens": 20}),
        ({"patience": "quick"}, {"patience": "patient"}, {"patience": "quick"}),
    ],
)
def test_what_the_token_sets_is_fixed(
    fixed: dict[str, object], wanted: dict[str, object], chosen: dict[str, object]
) -> None:
    """What the token sets wins, and the caller chooses the rest. A length can only be made shorter."""
    caller = Caller(options=CallOptions.model_validate(fixed))
    assert caller.choose(CallOptions.model_validate(wanted)) == CallOptions.model_validate(chosen)
    assert caller.choose(Start.model_validate(wanted)) == CallOptions.model_validate(chosen)


def test_what_the_backend_says_of_a_caller_is_not_shown() -> None:
    """The context is not in the `repr`, so it does not get into a log."""
    assert "gold" not in repr(Caller(name="ann", context={"plan": "gold"}))
