"""A repeated job is one run with the median of its attempts; a further run of the same commit is a run of its own."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from perfgate.core.baseline import AnchorChoice, Baseline, BaselineRun, Kind, collect
from perfgate.core.model import Selector
from tests.core.making import MACHINE, UNIT_TESTS, measured


def history_of(
    *runs: tuple[str, tuple[str, str], float], anchors: tuple[AnchorChoice, ...] = ()
) -> tuple[Baseline, list[float]]:
    """The values of a baseline of (commit, job, value), oldest first."""
    entries = []
    for number, (commit, job, value) in enumerate(runs):
        point = measured(UNIT_TESTS, value)
        run = BaselineRun(f"run-{number}", commit, f"2026-10-01T00:{number:02d}:00Z", (number, ""), job)
        entries.append((run, [(point.series, value, Kind.of(point, MACHINE))]))
    made = collect(entries, anchors=anchors)
    (history,) = made.histories.values()
    assert len(history.values) == len(history.runs) == len(history.kinds)
    assert list(history.runs) == sorted(history.runs)
    return made, [float(value) for value in history.values]


def test_the_attempts_of_one_job_count_once_with_their_median() -> None:
    job = ("7", "bench")
    _, values = history_of(("a", ("6", "bench"), 1.0), ("b", job, 5.0), ("b", job, 3.0), ("b", job, 4.0))
    assert values == [1.0, 4.0]


def test_another_run_of_the_same_commit_counts_by_itself() -> None:
    # A nightly run of an unchanged main is what tells how much runs differ.
    _, values = history_of(("a", ("1", "bench"), 1.0), ("a", ("2", "bench"), 2.0), ("a", ("3", "other"), 3.0))
    assert values == [1.0, 2.0, 3.0]


def test_runs_outside_ci_count_by_themselves() -> None:
    _, values = history_of(("a", ("", ""), 1.0), ("a", ("", ""), 2.0))
    assert values == [1.0, 2.0]


def test_an_anchor_stays_the_run_that_it_is() -> None:
    anchor = AnchorChoice(Selector("*"), "run-0", "release")
    made, values = history_of(("a", ("1", "bench"), 1.0), ("a", ("1", "bench"), 3.0), anchors=(anchor,))
    assert values == [1.0, 3.0]
    assert made.runs[0].id == "run-0"


def test_a_series_whose_newest_run_is_an_attempt_is_still_expected() -> None:
    job = ("7", "bench")
    made, _ = history_of(*((("b"), job, float(number)) for number in range(12)))
    assert made.recent() == tuple(made.histories)


@given(
    st.lists(
        st.tuples(st.sampled_from("ab"), st.sampled_from(["", "1", "2"]), st.floats(1, 9)), min_size=1, max_size=12
    )
)
def test_no_job_has_more_than_one_value_for_a_commit(runs: list[tuple[str, str, float]]) -> None:
    _, values = history_of(*((commit, (run, "job" if run else ""), value) for commit, run, value in runs))
    named = {(commit, run) for commit, run, _ in runs if run}
    assert len(values) == len(named) + sum(not run for _, run, _ in runs)
