"""`perfgate gate` and `perfgate publish` in a GitLab pipeline: what the merge request sees, and that no verdict hangs on it."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.cli.program import Program
from tests.core.making import measured
from tests.forge.gitlab_service import GitLab, serving

SIZE = "size.bytes{path=a}"
BUDGETS = f'version: 1\nbudgets:\n  - series: "{SIZE}"\n    max_increase: {{warn: 5%, block: 10%}}\n'


@pytest.fixture
def program(tmp_path: Path) -> Program:
    made = Program(tmp_path / "project", BUDGETS)
    made.history(SIZE, [100.0, 100.0])
    made.git("checkout", "-q", "-b", "change")
    made.commit("a change")
    made.measure(measured(SIZE, 150.0))
    return made


@pytest.fixture
def host(program: Program) -> Iterator[GitLab]:
    with serving(GitLab(program.git("rev-parse", "HEAD"))) as made:
        yield made


def pipeline(program: Program, host: GitLab, **more: str) -> dict[str, str]:
    """The variables of a merge request's pipeline."""
    return {
        **host.environ,
        "CI_COMMIT_SHA": program.git("rev-parse", "HEAD"),
        "CI_DEFAULT_BRANCH": "main",
        "CI_MERGE_REQUEST_TARGET_BRANCH_NAME": "main",
        "CI_MERGE_REQUEST_SOURCE_BRANCH_NAME": "change",
        "CI_PIPELINE_URL": "https://gitlab.example/group/project/-/pipelines/300",
        "NO_PROXY": "*",
        **more,
    }


def test_a_breach_becomes_a_note_and_its_end_resolves_it(program: Program, host: GitLab) -> None:
    environ = pipeline(program, host)
    ended = program.perfgate("gate", "--comment", "on", environ=environ)
    assert ended.code == 20
    assert "wrote a note on the merge request" in ended.err
    (note,) = host.notes
    assert note["body"].startswith("<!-- perfgate:v1 key=. ")
    assert SIZE in note["body"]
    assert "perfgate: accepted" not in note["body"]
    assert host.merge_request["sha"] in note["body"]
    program.commit("smaller again")
    program.measure(measured(SIZE, 100.0))
    host.merge_request["sha"] = program.git("rev-parse", "HEAD")
    environ = pipeline(program, host, CI_PIPELINE_ID="301")
    assert program.perfgate("gate", environ=environ).code == 0
    told = program.perfgate("publish", "--check", "perfgate", environ=environ)
    assert told.code == 0
    assert "resolved" in told.err
    assert "GitLab has none" in told.err
    assert len(host.notes) == 1


def test_a_fork_s_pipeline_without_a_token_has_the_file_and_the_same_exit_code(program: Program, host: GitLab) -> None:
    environ = pipeline(program, host, PERFGATE_GITLAB_TOKEN="", CI_JOB_TOKEN="64_of-the-job")
    ended = program.perfgate("gate", "--comment", "on", environ=environ)
    assert ended.code == 20
    assert "make a project access token" in ended.err
    assert (program.root / ".perfgate/decision/comment.md").is_file()
    assert not host.asked


def test_a_refusal_is_told_and_changes_no_exit_code(program: Program, host: GitLab) -> None:
    host.may_write = False
    environ = pipeline(program, host)
    ended = program.perfgate("gate", "--comment", "on", environ=environ)
    assert ended.code == 20
    assert "the verdict is the same" in ended.err
    assert program.perfgate("publish", environ=environ).code == 0
    assert program.perfgate("publish", "--strict", environ=environ).code == 1
    assert host.environ["PERFGATE_GITLAB_TOKEN"] not in ended.err + ended.out
