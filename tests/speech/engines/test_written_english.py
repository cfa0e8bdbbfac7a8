import pytest

from server.speech.engines.written_english import in_words


@pytest.mark.parametrize(
    ("written", "spoken"),
    [
        ("It costs $24.99.", "It costs 24 dollars and 99 cents."),
        ("$1", "1 dollar"),
        ("$1.01", "1 dollar and 1 cent"),
        ("£0.50", "50 pence"),
        ("£3.01", "3 pounds and 1 penny"),
        ("€1,250.00, please", "1250 euros, please"),
        ("$0.00", "0 cents"),
        ("a $3.2 million house", "a 3.2 million dollars house"),
        ("$5k", "5 thousand dollars"),
        ("$5 may do", "5 dollars may do"),
        ("$0.125", "0.125 dollars"),
        ("approx. 12 km", "approximately 12 km"),
        ("Approx. half", "approximately half"),
        ("order no. 12", "order number 12"),
        ("No. 12 is ready", "number 12 is ready"),
        ("cats vs. dogs, e.g. mine, i.e. two", "cats versus dogs, for example mine, that is two"),
    ],
)
def test_signs_become_words(written: str, spoken: str) -> None:
    """Sums of money and some abbreviations are written as they are spoken."""
    assert in_words(written) == spoken


@pytest.mark.parametrize(
    "text", ["No. I said no.", "St. John lives in King St.", "$ and €", "a nose. 12", "Dr. No.", ""]
)
def test_the_rest_stays(text: str) -> None:
    """What may have another meaning is not changed."""
    assert in_words(text) == text
