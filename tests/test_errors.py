import re

import pytest

from server import errors
from server.errors import (
    AntiphonError,
    AtCapacity,
    ConfigError,
    EngineError,
    Forbidden,
    NotAcceptable,
    NotFound,
    PeerError,
    StoreError,
    TooLarge,
    TooMany,
    Unauthorized,
)


def subclasses(cls: type[AntiphonError]) -> list[type[AntiphonError]]:
    return [cls, *(found for sub in cls.__subclasses__() for found in subclasses(sub))]


EVERY = [cls for cls in subclasses(AntiphonError) if cls.__module__ == errors.__name__]


def test_the_tree_is_drawn_as_it_is() -> None:
    """The drawing in the file's docstring has every error in its place, with its status."""
    drawn = re.findall(
        r"^ +([│ ]*[├└]── )?(\w*Error|\w+)(?:  +.*?(\b\d{3}\b|exit code 2).*)?$", errors.__doc__ or "", re.MULTILINE
    )
    rows = [(len(branch) // 4, name, status) for branch, name, status in drawn if hasattr(errors, name)]
    assert [name for _, name, _ in rows] == [cls.__name__ for cls in EVERY]
    for depth, name, status in rows:
        cls = getattr(errors, name)
        assert len(cls.__mro__) - len(AntiphonError.__mro__) == depth
        assert cls is AntiphonError or status == ("exit code 2" if cls is ConfigError else str(cls.status))


def test_codes_are_unique() -> None:
    """Each error has a code of its own, by which a program can tell it from the others."""
    codes = [cls.code for cls in EVERY]
    assert len(set(codes)) == len(codes)
    assert all(re.fullmatch(r"[a-z_]+", code) for code in codes)


@pytest.mark.parametrize(
    "cls", [AntiphonError, PeerError, NotAcceptable, NotFound, Forbidden, TooLarge, Unauthorized, StoreError]
)
def test_the_message_is_what_a_client_reads(cls: type[AntiphonError]) -> None:
    """The sentence that a client reads is the error's message."""
    assert cls("It is not there.").sentence == str(cls("It is not there.")) == "It is not there."


def test_a_client_learns_nothing_about_the_settings() -> None:
    """The message of a ConfigError is for the operator; a client cannot read it."""
    error = ConfigError("no Whisper model in /home/ann/models")
    assert "ann" in str(error)
    assert "ann" not in error.sentence


def test_a_refusal_says_when_to_try_again() -> None:
    """AtCapacity and TooMany say how long to wait before the next try."""
    assert AtCapacity("All lines are busy.", 5).retry_after_s == 5
    assert TooMany("Too many connections.", 2).retry_after_s == 2


def test_an_engine_error_names_its_stage() -> None:
    """EngineError says which stage failed."""
    error = EngineError("text-to-speech", "The voice is gone.")
    assert (error.stage, error.sentence) == ("text-to-speech", "The voice is gone.")
