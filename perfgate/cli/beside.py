"""What stands beside the verdicts and explains them: what changed in test suites, and in which functions the time went.

The details of the baseline's runs are read only for runs that tell of the same; an ordinary gate loads none of this.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Sequence

from perfgate.core.baseline import Baseline
from perfgate.core.decision import Decision
from perfgate.core.model import Details, Run

#: Reads the details of the baseline's runs of these names.
Reader = Callable[[Collection[str]], Iterable[tuple[str, Details]]]
_TESTS = ("test_sets", "flaky_tests", "failed_tests")
_PROFILE = "profile"


def told(decision: Decision, runs: Sequence[Run], baseline: Baseline, read: Reader) -> Decision:
    """The decision with what its runs tell of tests and profiles, against the baseline's."""
    if any(block in run.details for run in runs for block in _TESTS):
        from perfgate.cli import witnesses

        decision = decision._replace(tests=witnesses.changes_of(runs, baseline, decision.comparisons, read))
    if any(_PROFILE in run.details for run in runs):
        from perfgate.cli import profiled

        decision = profiled.with_frames(decision, runs, baseline, read)
    return decision
