from server.call.ears.keyboard import MAX_CHARS, PROMPTS_AT_ONCE, Keyboard


def test_a_few_prompts_pass_at_once_and_the_rest_is_put_together() -> None:
    """The first prompts pass at once. What is typed after them waits, and becomes one prompt when its time comes."""
    keyboard = Keyboard()
    for number in range(PROMPTS_AT_ONCE):
        assert keyboard.type(f"word{number}")
        assert keyboard.prompt(0.0) == f"word{number}"
    for word in ("one", "two", "three"):
        assert keyboard.type(word)
        assert keyboard.prompt(0.1) == ""
    assert keyboard.words == "one two three"
    assert keyboard.prompt(3.0) == "one two three"
    assert keyboard.prompt(60.0) == keyboard.words == ""


def test_what_waits_has_a_limit() -> None:
    """Words for which there is no room are refused, and those that wait stay as they are."""
    keyboard = Keyboard()
    assert keyboard.type("a" * (MAX_CHARS - 2))
    assert not keyboard.type("bb")
    assert keyboard.type("b")
    assert keyboard.prompt(0.0) == "a" * (MAX_CHARS - 2) + " b"


def test_what_waits_can_be_forgotten() -> None:
    """After `clear` nothing is asked."""
    keyboard = Keyboard()
    keyboard.type("hello")
    keyboard.clear()
    assert keyboard.prompt(0.0) == ""
