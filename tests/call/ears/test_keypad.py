import pytest

from server.call.ears.keypad import LONE_PAUSE_MS, MAX_KEYS, PAUSE_MS, Keypad
from server.media.frame import FRAME_MS


def test_the_hash_ends_a_number() -> None:
    """The keys before # are one number, with blanks between them. # alone is a key."""
    keypad = Keypad()
    assert [keypad.press(key) for key in "4271#"] == ["", "", "", "", "4 2 7 1"]
    assert keypad.press("#") == "#"


def test_a_pause_ends_a_number() -> None:
    """A number ends two seconds after its last key, once."""
    keypad = Keypad()
    keypad.press("4")
    keypad.press("0")
    for _ in range(PAUSE_MS // FRAME_MS - 1):
        assert keypad.pass_frame() == ""
    keypad.press("2")
    ended = [keypad.pass_frame() for _ in range(2 * PAUSE_MS // FRAME_MS)]
    assert [number for number in ended if number] == ["4 0 2"]


def test_a_shorter_pause_ends_a_single_key() -> None:
    """A choice from a menu need not wait as long as a number."""
    keypad = Keypad()
    keypad.press("1")
    ended = [keypad.pass_frame() for _ in range(LONE_PAUSE_MS // FRAME_MS)]
    assert ended == [*[""] * (LONE_PAUSE_MS // FRAME_MS - 1), "1"]


@pytest.mark.parametrize("keys", ["1" * 100, "*0A"])
def test_any_keys(keys: str) -> None:
    """Letters and stars count as keys. Of very many keys only the first ones are kept."""
    keypad = Keypad()
    for key in keys:
        keypad.press(key)
    assert keypad.press("#") == " ".join(keys[:MAX_KEYS])


def test_a_key_of_a_menu_is_a_whole_answer() -> None:
    """At once, with its words, if it has any; but not within a number, and not where a number is wanted."""
    keypad, menu = Keypad(), {"1": "orders please", "#": "", "2": ""}
    assert [keypad.press(key, menu=menu) for key in "12#"] == ["orders please", "2", "#"]
    assert [keypad.press(key, number_wanted=True, menu=menu) for key in "12#"] == ["", "", "1 2"]
    assert [keypad.press(key, menu=menu) for key in "41#"] == ["", "", "4 1"]
    assert [keypad.press("1", menu=menu) for _ in range(2)] == ["orders please"] * 2


def test_a_number_that_has_not_ended_can_be_taken_away() -> None:
    """Then it never ends."""
    keypad = Keypad()
    keypad.press("4")
    keypad.press("2")
    assert keypad.clear() == "42"
    assert [keypad.pass_frame() for _ in range(2 * PAUSE_MS // FRAME_MS)] == [""] * (2 * PAUSE_MS // FRAME_MS)
