"""CI systems count the copies of a job from 0 or from 1; perfgate from 1."""

from __future__ import annotations

import pytest

from perfgate.forge.parallel_jobs import copy_of


@pytest.mark.parametrize(
    ("environ", "copy"),
    [
        ({"CIRCLECI": "true", "CIRCLE_NODE_INDEX": "0", "CIRCLE_NODE_TOTAL": "4"}, (1, 4)),
        ({"GITLAB_CI": "true", "CI_NODE_INDEX": "4", "CI_NODE_TOTAL": "4"}, (4, 4)),
        ({"BUILDKITE": "true", "BUILDKITE_PARALLEL_JOB": "1", "BUILDKITE_PARALLEL_JOB_COUNT": "2"}, (2, 2)),
        # A job that is not parallel has a total only.
        ({"GITLAB_CI": "true", "CI_NODE_TOTAL": "1"}, None),
        # Other systems' users set these names too, and count from 0.
        ({"CI_NODE_INDEX": "1", "CI_NODE_TOTAL": "4"}, None),
        ({"CIRCLECI": "true", "CIRCLE_NODE_INDEX": "4", "CIRCLE_NODE_TOTAL": "4"}, None),
        ({"CIRCLECI": "true", "CIRCLE_NODE_INDEX": "x", "CIRCLE_NODE_TOTAL": "4"}, None),
        ({}, None),
    ],
)
def test_the_copy_of_a_job_counts_from_one(environ: dict[str, str], copy: tuple[int, int] | None) -> None:
    found = copy_of(environ)
    assert (found and (found.number, found.total)) == copy
