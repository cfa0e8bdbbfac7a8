"""What of a written text is spoken. Models write for the eye: markdown, links, tags, citations and emoji.

A mark is markdown only where markdown has it: `#` before a heading, `*` around words. Anywhere else it is a word of its
own ("press #", "dial *67", "5 > 3", "C#") and is left to the voice.
"""

import html
import re
import unicodedata

_SPACES = re.compile(r"\s{2,}")
"""Models that go astray write thousands of them, which other patterns would go through again and again."""
_FENCE = re.compile(r"```.*?(?:```|\Z)", re.DOTALL)
"""Code. What is never closed is code to the end."""
_RULE = re.compile(r"^[ \t]*(?:(?:[-*_][ \t]*){3,}|[|: \t-]*-{2,}[|: \t-]*)$", re.MULTILINE)
"""A line between paragraphs, or under the head of a table."""
_LINE_START = re.compile(r"^[ \t]*(?:(?:#{1,6}|>|[-*+•])[ \t]+)+", re.MULTILINE)
"""Before a heading, a quotation, or an entry of a list."""
_LINK = re.compile(r"!?\[(?P<label>[^\[\]]*)\]\([^)]*\)")
_CITATION = re.compile(r"\s*(?:\[\^?\d+(?:\s*[,–-]\s*\d+)*\]|【[^】]*】)")
_ADDRESS = re.compile(
    r"(?:https?://(?:www\.)?|www\.)(?P<host>\w[\w.-]*\w)(?::\d+)?(?:[/?#][^\s<>\"]*?)?(?=[.,;:!?…)\]\"'*_]*(?:\s|<|\Z))"
)
"""The address of a page. Nobody can follow more of it than the name of the site."""
_TAG = re.compile(r"</?[a-zA-Z][\w:-]*(?:\s[^<>]*)?/?>")
_BLOCK = re.compile(r"</?(?:br|p|li|ul|ol|div|tr|td|th|h[1-6])\b", re.IGNORECASE)
_ENTITY = re.compile(r"&#?\w+;")
_FORMULA = re.compile(r"\$\$|\\[()\[\]]")
_PAIR = re.compile(r"(?<![\w*])([*_])(?=\S)([^*_]*?\S)\1(?![\w*])")
"""Emphasis by one mark on each side."""
_EDGE = re.compile(r"[*_]{2,}|~~+|`+|(?<![^\W_])[*_](?=[^\W\d_])|(?<=[^\W\d_])[*_](?![\w*])")
"""Marks that are doubled, and single ones where emphasis begins or ends, of which the other end is elsewhere."""
_CELLS = re.compile(r"[ \t]*\|[ \t]*")
_JOINERS = "\u200d\ufe0f\u20e3"
_SPOKEN_SYMBOLS = "°№"
_ARROWS = re.compile(r"[\u2190-\u21ff\u27f0-\u27ff\u2900-\u297f\U0001f3fb-\U0001f3ff\U000e0020-\U000e007f]")


def speakable(text: str, in_line: bool = False) -> str:
    """`text` without what is only for the eye, with single spaces; "" when there is nothing to speak.

    `in_line`: it begins in the middle of a line, so it does not begin with the mark of a heading or of a list.
    """
    text = _SPACES.sub(lambda spaces: "\n" if "\n" in spaces.group() else " ", text)
    text = _FENCE.sub(" ", text)
    if in_line:
        first, newline, others = text.partition("\n")
        text = first + newline + _LINE_START.sub("", _RULE.sub("", others))
    else:
        text = _LINE_START.sub("", _RULE.sub("", text))
    text = _LINK.sub(lambda link: link["label"], text)
    text = _CITATION.sub("", text)
    text = _ADDRESS.sub(lambda address: address["host"], text)
    text = _TAG.sub(lambda tag: " " if _BLOCK.match(tag.group()) else "", text)
    text = _ENTITY.sub(lambda entity: html.unescape(entity.group()), text)
    text = _EDGE.sub("", _PAIR.sub(r"\2", _FORMULA.sub(" ", text)))
    text = "".join(map(_heard, _CELLS.sub(" ", _ARROWS.sub(" ", text))))
    spoken = " ".join(text.split())
    return spoken if re.search(r"\w", spoken) else ""


def _heard(character: str) -> str:
    """The character, or a space in place of a picture, or nothing in place of a control character."""
    if character in _JOINERS or (unicodedata.category(character) == "Cc" and not character.isspace()):
        return ""
    return " " if unicodedata.category(character) == "So" and character not in _SPOKEN_SYMBOLS else character
