"""What of a written text is spoken."""

import pytest

from server.speech.speakable import speakable


@pytest.mark.parametrize(
    "text",
    [
        "Please press # to confirm, or press * to go back.",
        "Dial *67, then #.",
        "Two * three is six, 5 > 3, 2 < 4, and 2*3=6.",
        "Our channel is #support, and I code in C# and F#.",
        "Your name there is john_doe_1, or jane_doe@example.com.",
        "It takes ~5 minutes.",
        "It is 20 °C in house № 5.",
        "Research & development at AT&T.",
        "Price: $1,234.56 or €3.50, that's 20%.",
    ],
)
def test_a_mark_that_is_no_markdown_is_left_to_the_voice(text: str) -> None:
    """Nothing is taken from a text that has no markdown."""
    assert speakable(text) == text


@pytest.mark.parametrize(
    ("text", "spoken"),
    [
        ("# Hours", "Hours"),
        ("We are\x00 open\x07.", "We are open."),
        ("Hello**_", "Hello"),
        ("> ## *Hours* today", "Hours today"),
        ("- 5 apples\n* milk\n• bread", "5 apples milk bread"),
        ("Some text.\n\n---\n\nMore.", "Some text. More."),
        ("| Day | Hours |\n|:---|---:|\n| Mon | 9-17 |", "Day Hours Mon 9-17"),
        ("**Call** *us* at **555-0134**, ~~or~~ `now`", "Call us at 555-0134, or now"),
        ("**Note, this", "Note, this"),
        ("is important** now", "is important now"),
        ("Go to https://www.example.com/menu?a=1. Then call.", "Go to example.com. Then call."),
        ("See www.example.com:8080, please", "See example.com, please"),
        ("Visit [our menu, with prices](/menu.pdf).", "Visit our menu, with prices."),
        ("![A picture](/a.png) Look", "A picture Look"),
        ("Paris is the capital [1]. It is old [2, 3]【4:0†menu.pdf】.", "Paris is the capital. It is old."),
        ('<break time="1s"/>Hello <emphasis>there</emphasis>.', "Hello there."),
        ("Line one<br>line two &amp; three &lt; four", "Line one line two & three < four"),
        ("$$x + y$$ is \\(z\\)", "x + y is z"),
        ("Great ⭐ news ⏰ today ✅ ok ➡️ go → there™ 1️⃣ first 👍🏽", "Great news today ok go there 1 first"),
        ("Like ```x = 1``` this ```and this", "Like this"),
        ("👍", ""),
        ("... — ?!", ""),
    ],
)
def test_what_is_for_the_eye_is_left_out(text: str, spoken: str) -> None:
    """Marks of headings, lists, tables and emphasis, addresses, links, citations, tags, formulas, pictures and code."""
    assert speakable(text) == spoken


def test_no_list_begins_in_the_middle_of_a_line() -> None:
    """The star of a telephone after a comma is none. In the next line it may be one."""
    assert speakable("* or #,", in_line=True) == "* or #,"
    assert speakable("* to go back,\n* or", in_line=True) == "* to go back, or"
