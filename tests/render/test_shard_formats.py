"""What is handed to GitHub stays within what GitHub and a shell take."""

from __future__ import annotations

import json

import pytest

from perfgate.core.sharding import Unit, split
from perfgate.errors import InputError
from perfgate.render.shard_formats import github_matrix


def test_a_matrix_of_more_jobs_than_github_takes_is_refused() -> None:
    units = [Unit(str(n), (f"a.py::t{n}",), 1) for n in range(300)]
    with pytest.raises(InputError, match="at most 256"):
        github_matrix(split(units, 257), [], timed=True)
    assert len(json.loads(github_matrix(split(units, 256), [], timed=True))["include"]) == 256


@pytest.mark.parametrize(("tests", "into", "why"), [(1300, 1, "command line"), (12_000, 100, "hand on")])
def test_arguments_that_are_too_many_are_refused_and_files_are_not(tests: int, into: int, why: str) -> None:
    units = [Unit(str(n), (f"tests/{'x' * 80}.py::t{n}",), 1) for n in range(tests)]
    with pytest.raises(InputError, match=why) as error:
        github_matrix(split(units, into), [], timed=False)
    assert "--out DIR" in error.value.remedy
    plan = split(units, into)
    text = github_matrix(plan, [f"shards/shard-{n}.txt" for n in range(1, into + 1)], timed=False)
    assert "seconds" not in text
