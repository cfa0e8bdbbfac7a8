from bench.speech.voices import Figures, Player


def test_a_player_without_sound_is_noticed() -> None:
    """Sound that comes in time leaves no gap. What comes late does, and the player waits for it."""
    player, figures = Player(), Figures()
    for seconds, now in ((0, 0.5), (1, 1), (1, 1.5), (1, 3.25), (1, 4)):
        player.receive(seconds, now)
    player.sum_up(figures)
    assert figures.missing_ms == [250]
    assert figures.sound_s == 4
