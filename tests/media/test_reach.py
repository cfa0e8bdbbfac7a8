"""The settings of how calls are reached."""

import pytest

from server.media.reach import GatherServer, port_range


def test_a_port_range() -> None:
    """Both ends belong to a range. Empty text gives an empty range."""
    assert port_range("40000-40099") == range(40_000, 40_100)
    assert port_range("5000-5000") == range(5_000, 5_001)
    assert port_range("") == range(0)


@pytest.mark.parametrize("text", ["40000", "40000-", "-1", "80-90", "5001-5000", "60000-70000", "a-b", "4000 - 5000"])
def test_what_is_no_port_range_is_refused(text: str) -> None:
    """Text that is not a range of ports is refused, and so are ports that belong to services."""
    with pytest.raises(ValueError, match="40000-40099"):
        port_range(text)


def test_a_credential_is_not_shown() -> None:
    """The password of a server is not in its `repr`, so it does not get into a log."""
    assert "hunter2" not in repr(GatherServer("turn:a", "me", "hunter2"))
