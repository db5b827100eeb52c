"""Which of several copies of a job this is, as CI systems tell it."""

from __future__ import annotations

from collections.abc import Mapping
from typing import NamedTuple


class Copy(NamedTuple):
    """The number of this copy, from 1, and how many there are; `variables` names what told it."""

    number: int
    total: int
    variables: str


#: (a variable that only this system sets, the copy's number, how many, the number of the first).
_SYSTEMS = (
    ("CIRCLECI", "CIRCLE_NODE_INDEX", "CIRCLE_NODE_TOTAL", 0),
    # Elsewhere variables of these names count from 0 (Knapsack), so only GitLab's own are read.
    ("GITLAB_CI", "CI_NODE_INDEX", "CI_NODE_TOTAL", 1),
    ("BUILDKITE", "BUILDKITE_PARALLEL_JOB", "BUILDKITE_PARALLEL_JOB_COUNT", 0),
    ("TF_BUILD", "SYSTEM_JOBPOSITIONINPHASE", "SYSTEM_TOTALJOBSINPHASE", 1),
    ("BITBUCKET_BUILD_NUMBER", "BITBUCKET_PARALLEL_STEP", "BITBUCKET_PARALLEL_STEP_COUNT", 0),
    ("SEMAPHORE", "SEMAPHORE_JOB_INDEX", "SEMAPHORE_JOB_COUNT", 1),
)


def copy_of(environ: Mapping[str, str]) -> Copy | None:
    """The copy that this process runs in; None where no system tells both numbers, or they cannot be true."""
    for sign, index, total, first in _SYSTEMS:
        told = environ.get(index, ""), environ.get(total, "")
        if environ.get(sign) and all(each.isascii() and each.isdigit() and len(each) < 7 for each in told):
            copy = Copy(int(told[0]) - first + 1, int(told[1]), f"{index} and {total}")
            return copy if 1 <= copy.number <= copy.total else None
    return None
