"""What is left of a text whose speech broke off."""

CHARS_PER_S = 12
"""How fast a voice is taken to speak. Most speak 13 to 17 characters in a second: a word is rather said twice than left
out."""
_WIDE = 3
"""How many letters a character of Chinese, Japanese or Korean counts for: it takes about as long to say."""
_FIRST_WIDE = "\u2e80"


def unspoken(text: str, spoken_s: float) -> str:
    """The rest of `text` after its first `spoken_s` seconds, from the beginning of a word; "" when nothing is left."""
    left = spoken_s * CHARS_PER_S
    for at, char in enumerate(text):
        left -= _WIDE if char >= _FIRST_WIDE else 1
        if left < 0:
            word = at if char >= _FIRST_WIDE else text.rfind(" ", 0, at + 1) + 1
            rest = text[word:].strip()
            return rest if any(map(str.isalnum, rest)) else ""
    return ""
