"""How benches sum up figures."""

from bench.common.figures import known, percent, quantile, spread


def test_a_sample_is_summed_up() -> None:
    """A spread has the count, the quantiles and the ends of a sample. An empty sample has none."""
    found = spread([4.0, 1.0, 3.0, 2.0, 5.0])
    assert found is not None
    assert (found.count, found.p50, found.p95, found.min, found.max) == (5, 3.0, 4.8, 1.0, 5.0)
    assert spread([]) is None
    assert quantile([7.0], 0.95) == 7.0
    assert percent(1, 4) == 25.0
    assert percent(0, 0) == 0.0
    assert known([1.0, None, 0.0]) == [1.0, 0.0]
