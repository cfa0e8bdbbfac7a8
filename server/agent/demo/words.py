"""The words of a transcript, in one form for all speech-to-text engines."""

import re

_SYMBOLS = {"+": "plus", "*": "times", "×": "times", "/": "divided by", "÷": "divided by", "%": "percent"}
_CONTRACTIONS = {"what's": "what is", "that's": "that is", "i'm": "i am", "when's": "when is", "where's": "where is"}
_CONTRACTIONS |= {"who's": "who is", "name's": "name is", "i'd": "i would", "i'll": "i will", "it's": "it is"}
_CONTRACTIONS |= {"goodbye": "bye", "good-bye": "bye", "o'clock": "", "p.m.": "pm", "a.m.": "am", "okay": "ok"}


def words_of(text: str) -> tuple[str, ...]:
    """Lower-case words without punctuation or contractions: "What's 12 + 30?" becomes what, is, 12, plus, 30."""
    text = text.lower().replace("’", "'")
    text = re.sub(r"(?<=\d)\s*[x×]\s*(?=\d)", " times ", text)
    text = re.sub(r"(?<=\d)\s+[-−–]\s+(?=\d)|(?<=\s)[−–](?=\s)", " minus ", text)
    text = re.sub(r"(?<=\d),(?=\d{3}\b)", "", text)
    text = re.sub(r"[+*×/÷%]", lambda match: f" {_SYMBOLS[match[0]]} ", text)
    text = re.sub(r"(?<=\d)(am|pm)\b", r" \1", text)
    text = re.sub(r"\b([ap])\.\s?m\b\.?", r"\1m", text)
    found = [word.strip("'") for word in re.findall(r"[a-z']+|\d+", text)]
    return tuple(" ".join(_CONTRACTIONS.get(word, word.removesuffix("'s")) for word in found).split())
