"""`perfgate publish` as a whole program against a GitHub on this machine: what the pull request sees, and that no verdict hangs on it."""

from __future__ import annotations

import json
import shutil
import signal
import subprocess
import sys
import threading
from pathlib import Path
from typing import Any

import pytest

from perfgate.cli import judging_options as given
from perfgate.core.budgets import Level
from perfgate.errors import InputError
from perfgate.forge.marker import Marker
from perfgate.formats import run as run_format
from tests.cli.program import ENVIRON, Ended, Program
from tests.core.making import measured
from tests.forge.github_service import Service

SIZE = "size.bytes{path=a}"
BUDGETS = f'version: 1\nbudgets:\n  - series: "{SIZE}"\n    max_increase: {{warn: 5%, block: 10%}}\n'


class Change:
    """A pull request in a repository, and jobs that gate and publish it."""

    def __init__(self, program: Program, github: Service, scratch: Path) -> None:
        self.program, self.github, self.scratch = program, github, scratch
        self.run = 0

    def commit(self, value: float) -> str:
        """A commit of the change in which the size is this."""
        head = self.program.commit(f"value {value}")
        path = self.program.measure(measured(SIZE, value))
        run = run_format.load(path.read_bytes(), "run")
        told = run.context._replace(pull_request=7, ci_run="70", provider="github", event="pull_request")
        path.write_bytes(run_format.dump(run._replace(context=told)))
        self.github.pull(7, head=head)
        return head

    def environ(self, name: str = "pull_request", *, token: str = "job-token") -> dict[str, str]:
        head = self.program.git("rev-parse", "HEAD")
        self.run += 1
        payload: dict[str, Any] = {"repository": {"id": 1, "default_branch": "main"}}
        if name == "pull_request":
            side = {"repo": {"id": 1}}
            base = self.program.git("rev-parse", "main")
            payload |= {
                "pull_request": {
                    "number": 7,
                    "head": {"sha": head, "ref": "topic", **side},
                    "base": {"sha": base, "ref": "main", **side},
                }
            }
        elif name == "workflow_run":
            about = {"id": 1}
            payload |= {
                "workflow_run": {
                    "id": self.run,
                    "head_sha": head,
                    "head_branch": "topic",
                    "repository": about,
                    "head_repository": about,
                }
            }
        event = self.scratch / "event.json"
        event.write_text(json.dumps(payload), encoding="utf-8")
        return self.github.environ(token) | {
            "GITHUB_ACTIONS": "true",
            "GITHUB_EVENT_NAME": name,
            "GITHUB_EVENT_PATH": str(event),
            "GITHUB_REF": "refs/pull/7/merge" if name == "pull_request" else "refs/heads/topic",
            "GITHUB_SHA": head,
            "GITHUB_RUN_ID": str(self.run),
            "GITHUB_RUN_ATTEMPT": "1",
            "NO_PROXY": "*",
        }

    def gate(self, *arguments: str, **more: Any) -> Ended:
        return self.program.perfgate("gate", *arguments, environ=self.environ(**more))

    def publish(self, *arguments: str, **more: Any) -> Ended:
        return self.program.perfgate("publish", *arguments, environ=self.environ(**more))

    def comments(self) -> list[str]:
        return [each["body"] for each in self.github.comments()]


@pytest.fixture(scope="module")
def pattern(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A repository with a baseline, and a change of it checked out, made once."""
    made = Program(tmp_path_factory.mktemp("pattern") / "repo", BUDGETS)
    made.history(SIZE, [100.0] * 5)
    made.git("update-ref", "refs/remotes/origin/main", "main")
    made.git("checkout", "-q", "-b", "topic")
    return made.root


@pytest.fixture
def change(tmp_path: Path, pattern: Path, github: Service) -> Change:
    shutil.copytree(pattern, tmp_path / "repo")
    return Change(Program(tmp_path / "repo", git=False), github, tmp_path)


def test_a_breach_is_told_once_and_resolved_when_it_is_over(change: Change) -> None:
    head = change.commit(140.0)
    assert change.gate().code == 20
    told = change.publish()
    assert (told.code, told.err) == (0, "commented on the pull request\n")
    assert change.publish().err == "the comment on the pull request is up to date\n"
    (body,) = change.comments()
    assert Marker.read(body) == Marker(".", head, 3, 1, Level.BLOCK)
    assert (
        body.partition("\n")[2]
        == (change.program.root / ".perfgate/decision/comment.md").read_text(encoding="utf-8").partition("\n")[2]
    )
    later = change.commit(100.0)
    assert change.gate().code == 0
    assert change.publish().err == "the comment on the pull request is resolved\n"
    (body,) = change.comments()
    assert Marker.read(body) == Marker(".", later, 5, 1, Level.PASS)
    assert "## ✅ perfgate: resolved" in body
    assert set(change.github.state.hidden.values()) == {"RESOLVED"}


def test_the_text_of_comment_md_is_never_posted(change: Change) -> None:
    """Whoever wrote the folder could have written anything into it; decision.json is held against its schema."""
    change.commit(140.0)
    change.gate()
    (change.program.root / ".perfgate/decision/comment.md").write_text("@everyone", encoding="utf-8")
    change.publish()
    assert "@everyone" not in "".join(change.comments())


def test_a_clean_change_hears_nothing_unless_it_is_to_hear_always(change: Change) -> None:
    change.commit(100.0)
    change.gate()
    assert "no comment: there is no breach" in change.publish().err
    assert not change.comments()
    change.publish("--comment", "always")
    assert "## ✅ perfgate: pass" in change.comments()[0]


def test_the_check_run_has_the_verdict_and_the_line_of_the_budget(change: Change) -> None:
    head = change.commit(140.0)
    change.gate()
    assert change.publish("--comment", "off", "--check", "perf gate", "--key", "nightly").code == 0
    assert not change.comments()
    (made,) = change.github.state.checks
    assert (made["name"], made["head_sha"], made["conclusion"]) == ("perf gate (.:nightly)", head, "failure")
    assert made["output"]["title"] == "block: 1 verdict: 1 block"
    (note,) = change.github.state.annotations[made["id"]]
    assert (note["path"], note["start_line"], note["annotation_level"]) == ("budgets.yaml", 3, "failure")


def test_the_token_of_a_fork_changes_neither_verdict_nor_exit_code(change: Change) -> None:
    change.commit(140.0)
    assert change.gate("--comment", "on", token="fork-token").code == 20
    told = change.publish("--check", "perfgate", token="fork-token")
    assert told.code == 0
    assert [line.partition(":")[0] for line in told.err.splitlines()] == ["perfgate", "perfgate"]
    assert "the verdict is the same" in told.err
    assert "fork-token" not in told.err
    assert change.publish("--strict", token="fork-token").code == 1
    assert not change.comments()
    assert not change.github.state.checks


def test_gate_comments_from_its_own_job_where_it_is_asked_to(change: Change) -> None:
    change.commit(140.0)
    assert change.gate().code == 20
    assert not change.github.writes
    ended = change.gate("--comment", "on")
    assert ended.code == 20
    assert "commented on the pull request" in ended.err
    assert len(change.comments()) == 1


def test_what_has_no_pull_request_is_not_commented_on(change: Change) -> None:
    change.commit(140.0)
    change.program.perfgate("gate")
    for name in ("push", "merge_group", "schedule", "workflow_dispatch"):
        told = change.publish("--strict", name=name)
        assert told.code == 0
        assert told.err == f"no comment: there is no pull request to this {name}\n"
    assert not change.github.asked
    change.publish("--check", "perfgate", name="push")
    head = change.program.git("rev-parse", "HEAD")
    assert [(each["head_sha"], each["conclusion"]) for each in change.github.state.checks] == [(head, "failure")]


def test_a_workflow_that_follows_another_tells_only_the_pull_request_with_its_head(change: Change) -> None:
    """The decision names the pull request; GitHub's event and the pull request itself must name the same commit."""
    change.commit(140.0)
    change.gate()
    path = change.program.root / ".perfgate/decision/decision.json"
    change.github.pull(8, head="cd" * 20)
    told = path.read_text(encoding="utf-8")
    path.write_text(told.replace('"pull_request": 7', '"pull_request": 8'), encoding="utf-8")
    assert "was judged" in change.publish(name="workflow_run").err
    path.write_text(told, encoding="utf-8")
    assert change.publish(name="workflow_run").err == "commented on the pull request\n"
    change.program.commit("another")
    assert "nobody was told: the decision is of commit" in change.publish(name="workflow_run").err
    assert len(change.comments()) == 1


def test_outside_of_a_job_nobody_is_told(change: Change) -> None:
    change.commit(140.0)
    change.program.perfgate("gate")
    ended = change.program.perfgate("publish")
    assert ended.code == 0
    assert "nobody was told" in ended.err
    assert change.program.perfgate("publish", "--strict").code == 1


def test_bad_usage_is_bad_usage(change: Change) -> None:
    cases = (("--key", "a b"), ("--check", "\x1b[31m"), ("nowhere", ""))
    for option, value in cases:
        ended = change.publish(*([option, value] if value else [option]))
        assert ended.code == 2
        assert option in ended.err
    assert "there is no decision yet" in change.publish().err
    with pytest.raises(InputError):
        given.refuse_names(key="-->")


def test_a_decision_that_is_none_is_refused_before_anybody_is_told(change: Change) -> None:
    change.commit(140.0)
    change.program.perfgate("gate")
    path = change.program.root / ".perfgate/decision/decision.json"
    path.write_text(
        path.read_text(encoding="utf-8").replace('"level": "block"', '"level": "fine"', 1), encoding="utf-8"
    )
    assert change.publish().code == 2
    assert not change.github.asked


def test_the_outputs_of_the_step_say_where_everything_is(change: Change) -> None:
    change.commit(140.0)
    output = change.scratch / "output.txt"
    change.program.perfgate("gate", environ=change.environ() | {"GITHUB_OUTPUT": str(output)})
    lines = output.read_text(encoding="utf-8").splitlines()
    found = {lines[at].partition("<<")[0]: lines[at + 1] for at in range(0, len(lines), 3)}
    folder = ".perfgate/decision"
    assert found == {
        "verdict": "block",
        "exit-code": "20",
        "decision": f"{folder}/decision.json",
        "summary": f"{folder}/comment.md",
        "breaches": "1",
    }


@pytest.mark.parametrize(
    ("used", "said"),
    [(0, "perfgate explain"), (1024 * 1024 - 9_000, "perfgate: block"), (1024 * 1024 - 200, "the summary is full")],
)
def test_a_summary_that_is_nearly_full_gets_a_shorter_word(change: Change, used: int, said: str) -> None:
    change.commit(140.0)
    summary = change.scratch / "summary.md"
    summary.write_text("x" * (used - 1) + "\n" if used else "", encoding="utf-8")
    ended = change.program.perfgate("gate", environ=change.environ() | {"GITHUB_STEP_SUMMARY": str(summary)})
    assert ended.code == 20
    assert said in summary.read_text(encoding="utf-8")[used:]
    assert summary.stat().st_size <= 1024 * 1024


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_whoever_ends_the_job_while_the_check_is_made_leaves_none_in_progress(
    change: Change, number: signal.Signals
) -> None:
    change.commit(150.0)
    assert change.gate().code == 20
    asked = threading.Event()
    change.github.fault("POST", "/check-runs", slow=0.5, before=asked.set)
    command = [sys.executable, "-m", "perfgate", "publish", "--comment", "off", "--check", "perf"]
    environ = ENVIRON | change.environ()
    with subprocess.Popen(command, cwd=change.program.root, env=environ, stderr=subprocess.PIPE) as process:
        assert asked.wait(60)
        process.send_signal(number)
        process.communicate(timeout=60)
    assert process.returncode == 128 + number
    assert [each["conclusion"] for each in change.github.state.checks] == ["action_required"]
