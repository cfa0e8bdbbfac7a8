from server.speech.engines.phonemes import parts


def test_a_long_sentence_is_cut_at_spaces() -> None:
    """Each part is as long as it may be, and ends at a space. Nothing is lost, and what has no space is cut anyway."""
    assert list(parts("ab cd efg", 6)) == ["ab cd ", "efg"]
    assert list(parts(list("ab cd"), 3)) == [["a", "b", " "], ["c", "d"]]
    assert list(parts("abcdefgh i", 3)) == ["abc", "def", "gh ", "i"]
    assert list(parts("ab", 3)) == ["ab"]
    assert list(parts("", 3)) == []
