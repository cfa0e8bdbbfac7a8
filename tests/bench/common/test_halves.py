"""Halves of a set of recordings."""

from argparse import ArgumentParser

from bench.common.halves import add_half, half_of

ENTRIES = [{"id": f"{speaker}-{take}", "speaker": speaker} for speaker in map(str, range(40)) for take in range(3)]


def test_each_entry_is_in_one_half_in_its_order() -> None:
    """The halves share no entry and together have all of them. They are about equally large."""
    first, second = half_of(ENTRIES, "first"), half_of(ENTRIES, "second")
    assert sorted([*first, *second], key=ENTRIES.index) == ENTRIES == half_of(ENTRIES, "all")
    assert first == [entry for entry in ENTRIES if entry in first]
    assert 0.3 < len(first) / len(ENTRIES) < 0.7


def test_a_speaker_is_in_one_half() -> None:
    """No speaker is in both halves. Without a speaker the id decides."""
    first, second = ({entry["speaker"] for entry in half_of(ENTRIES, which)} for which in ("first", "second"))
    assert not first & second
    anonymous = [{"id": entry["id"]} for entry in ENTRIES]
    assert len({entry["id"][:-2] for which in ("first", "second") for entry in half_of(anonymous, which)}) == 40
    assert {entry["id"][:-2] for entry in half_of(anonymous, "first")} & {
        entry["id"][:-2] for entry in half_of(anonymous, "second")
    }


def test_the_halves_stay_the_same() -> None:
    """The half does not depend on the other entries, nor on the process, whose own hashes are random."""
    alone = [entry for entry in ENTRIES if half_of([entry], "first")]
    assert alone == half_of(ENTRIES, "first")
    assert [entry["id"] for entry in half_of([{"id": name} for name in "abcdefgh"], "first")] == list("abcdh")


def test_the_option_takes_all_by_default() -> None:
    """A bench without --half takes all recordings."""
    options = ArgumentParser()
    add_half(options)
    assert options.parse_args([]).half == "all"
    assert options.parse_args(["--half", "second"]).half == "second"
