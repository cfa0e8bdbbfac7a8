"""Whether a new call is admitted, by the load of the last seconds."""

from hypothesis import given
from hypothesis import strategies as st

from server.call.desk.admission import RESUMES_AT, Admission, AdmissionSettings, Load, Refusal

SETTINGS = AdmissionSettings()
LOADS = st.builds(Load, lag_ms=st.floats(0, 500), wait_ms=st.floats(0, 20_000))

BETWEEN = st.builds(
    Load,
    lag_ms=st.floats(RESUMES_AT * SETTINGS.lag_ms, SETTINGS.lag_ms),
    wait_ms=st.floats(RESUMES_AT * SETTINGS.wait_ms, SETTINGS.wait_ms),
)


def share(load: Load) -> float:
    """The load as a share of the limit that is nearer."""
    return max(load.lag_ms / SETTINGS.lag_ms, load.wait_ms / SETTINGS.wait_ms)


@given(st.lists(LOADS))
def test_over_a_limit_nobody_is_admitted_and_well_below_everybody(loads: list[Load]) -> None:
    """Over a limit every call is refused; well below both limits every call is admitted, whatever was before."""
    admission = Admission(SETTINGS)
    for load in loads:
        refusal = admission.judge(load)
        if share(load) > 1:
            assert refusal is not None
        if share(load) < RESUMES_AT:
            assert refusal is None


@given(st.lists(LOADS, min_size=1), st.lists(BETWEEN))
def test_between_both_it_stays_as_it_was(loads: list[Load], wavering: list[Load]) -> None:
    """A load that wavers around a limit changes nothing until it falls below half of the limit."""
    admission = Admission(SETTINGS)
    before = [admission.judge(load) for load in loads][-1]
    assert {admission.judge(load) for load in wavering} <= {before}


def test_the_reason_is_the_limit_that_was_reached() -> None:
    """A refusal names the limit that was reached, and lasts until the load is well below this limit."""
    admission = Admission(AdmissionSettings(lag_ms=40, wait_ms=2000))
    assert admission.judge(Load(lag_ms=40, wait_ms=2000)) is None
    assert admission.judge(Load(lag_ms=1, wait_ms=2001)) is Refusal.SPEECH_LATE
    assert admission.judge(Load(lag_ms=41, wait_ms=0)) is Refusal.LOOP_LATE
    assert admission.judge(Load(lag_ms=20, wait_ms=0)) is Refusal.LOOP_LATE
    assert admission.judge(Load(lag_ms=19, wait_ms=0)) is None


def test_every_refusal_has_a_sentence() -> None:
    """A refused caller reads why, and every reason has its own sentence."""
    assert len({refusal.sentence for refusal in Refusal}) == len(Refusal)
