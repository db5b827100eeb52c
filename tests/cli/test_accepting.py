"""A maintainer accepts a block: on the pull request, in the merge queue, and on main, where a new level begins with it."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pytest

from perfgate.core.model import Series
from perfgate.core.units import Number
from perfgate.store import directory
from perfgate.store.lineage import Lineage
from tests.cli.program import Ended, Program
from tests.core.making import measured
from tests.forge.labelled import Labelled, role, serving

WHEEL, ALL_PATHS = "size.bytes{path=wheel}", "size.bytes{path=*}"
BUDGET = "version: 1\nbudgets:\n  - series: size.bytes\n    max_increase: {block: 10%}\n"
SAID = 'accepted: by the label "perfgate: accepted" of pull request 12'


class Project:
    """A repository with a baseline, and a pull request on its host."""

    def __init__(self, root: Path, pull: Labelled, budgets: str = BUDGET) -> None:
        self.program = Program(root / "project", budgets)
        self.pull = pull
        for _ in range(2):
            self.program.admit(measured(WHEEL, 100.0), measured("size.bytes{path=docs}", 100.0))
        self.program.commit("baseline")
        self.events = 0

    def event(self, value: Mapping[str, Any], name: str, ref: str, **more: str) -> dict[str, str]:
        self.events += 1
        path = self.program.root.parent / f"event-{self.events}.json"
        path.write_text(json.dumps({"repository": {"default_branch": "main"}} | dict(value)), encoding="utf-8")
        given = {
            "GITHUB_ACTIONS": "true",
            "GITHUB_EVENT_NAME": name,
            "GITHUB_REF": ref,
            "GITHUB_EVENT_PATH": str(path),
            "GITHUB_RUN_ID": str(self.events),
            "GITHUB_SHA": self.program.git("rev-parse", "HEAD"),
        }
        return given | self.pull.environ | more

    def of_pull_request(self, **more: str) -> dict[str, str]:
        """The environment of a job on the pull request; its event is as old as its first attempt, so it knows no label."""
        head = self.program.git("rev-parse", "HEAD")
        base = {"ref": "main", "sha": self.program.git("rev-parse", "main"), "repo": {"id": 1}}
        change = {"number": 12, "base": base, "head": {"ref": "change", "sha": head, "repo": {"id": 1}}, "labels": []}
        return self.event({"number": 12, "pull_request": change}, "pull_request", "refs/pull/12/head", **more)

    def of_push(self, **more: str) -> dict[str, str]:
        return self.event({}, "push", "refs/heads/main", **more)

    def change(self, value: float = 150.0, *, docs: bool = True, message: str = "a change") -> None:
        """The pull request's branch with a commit that was measured."""
        self.program.git("checkout", "-q", "-b", "change", "main")
        self.pull.push(self.program.commit(message))
        self.measure(value, docs=docs)

    def measure(self, value: float, *, docs: bool = True) -> Path:
        rest = [measured("size.bytes{path=docs}", 100.0)] if docs else []
        return self.program.measure(measured(WHEEL, value), *rest)

    def squash(self, message: str = "a change (#12)") -> None:
        """Main with the change in one commit of its own."""
        self.program.git("checkout", "-q", "main")
        self.program.git("merge", "-q", "--squash", "change")
        self.pull.merge(self.program.commit(message))

    def gate(self, environ: Mapping[str, str], *more: str) -> Ended:
        return self.program.perfgate("gate", *more, environ=environ)

    @property
    def decision(self) -> Any:
        return json.loads((self.program.root / ".perfgate/decision/decision.json").read_text(encoding="utf-8"))

    def values(self, series: str) -> list[Number]:
        """What the baseline holds of a series, older levels apart."""
        folder = self.program.root / "baselines"
        base = directory.load(folder, repository=None, lineage=Lineage(), at_tip=False, window=100, keep=400)
        return base.histories[Series.parse(series)].values

    @property
    def stored(self) -> list[dict[str, Any]]:
        folder = self.program.root / "baselines" / "events"
        return [json.loads(path.read_text(encoding="utf-8")) for path in sorted(folder.glob("*.json"))]


@pytest.fixture
def pull() -> Iterator[Labelled]:
    with serving(Labelled()) as made:
        made.roles["maintainer"] = role("triage")
        yield made


@pytest.fixture
def project(tmp_path: Path, pull: Labelled) -> Project:
    return Project(tmp_path, pull)


def test_a_label_turns_the_block_of_a_re_run_into_a_warning_everywhere(project: Project) -> None:
    project.change()
    environ = project.of_pull_request()
    refused = project.gate(environ)
    assert refused.code == 20
    assert "accepted" not in refused.out.replace('label "perfgate: accepted"', "")
    project.pull.label()
    ended = project.gate(environ)
    assert ended.code == 10, ended.err
    assert SAID in " ".join(ended.out.split())
    assert "::warning" in ended.out
    assert "Perf-Justification" not in ended.out
    assert "::error" not in ended.out
    assert SAID.split(" of ", maxsplit=1)[0] in (project.program.root / ".perfgate/decision/comment.md").read_text(
        encoding="utf-8"
    )
    decision = project.decision
    assert decision["level"] == "warn"
    assert decision["circumstances"]["acceptance"]["subject"] == "pull request 12"
    assert [each["series"] for each in decision["verdicts"] if each["accepted"]] == [WHEEL]
    assert SAID in project.program.perfgate("explain", WHEEL).out
    # Who it was is nowhere in what is left.
    left = [path for path in (project.program.root / ".perfgate").rglob("*") if path.is_file()]
    assert not any(b"maintainer" in path.read_bytes() for path in left)
    assert project.gate(environ, "--fail-on", "block").code == 0


def test_a_block_in_github_says_that_the_label_is_a_way(project: Project) -> None:
    project.change()
    path = project.measure(150.0)
    run = json.loads(path.read_text(encoding="utf-8"))
    run["context"]["provider"] = "github"
    path.write_text(json.dumps(run), encoding="utf-8")
    ended = project.gate(project.of_pull_request(), str(path))
    told = 'the label "perfgate: accepted", set by someone with triage rights, makes it a warning'
    assert told in " ".join(ended.out.split())
    assert told in (project.program.root / ".perfgate/decision/comment.md").read_text(encoding="utf-8")


def test_nobody_is_asked_where_nothing_blocks(project: Project) -> None:
    project.change(101.0)
    project.pull.label()
    assert project.gate(project.of_pull_request()).code == 0
    assert not project.pull.asked


def test_why_a_label_does_not_count_is_said_and_the_block_stays(project: Project) -> None:
    project.change()
    project.pull.label("labeler[bot]")
    ended = project.gate(project.of_pull_request())
    assert ended.code == 20
    assert "a person with triage rights must set it" in " ".join(ended.out.split())
    assert "acceptance refused" in {each["code"] for each in project.decision["caveats"]}


def test_a_host_that_does_not_tell_changes_no_verdict(project: Project) -> None:
    project.change()
    project.pull.label()
    project.pull.statuses["."] = 403
    ended = project.gate(project.of_pull_request())
    assert ended.code == 20
    assert "GitHub answered 403" in " ".join(ended.out.split())


def test_without_a_token_the_event_s_label_does_not_count(project: Project) -> None:
    project.change()
    environ = project.of_pull_request(GITHUB_TOKEN="")
    path = Path(environ["GITHUB_EVENT_PATH"])
    assert "GITHUB_TOKEN" not in project.gate(environ).out
    event = json.loads(path.read_text(encoding="utf-8"))
    event["pull_request"]["labels"] = [{"name": "perfgate: accepted"}]
    path.write_text(json.dumps(event), encoding="utf-8")
    ended = project.gate(environ)
    assert ended.code == 20
    assert "give the step GITHUB_TOKEN" in " ".join(ended.out.split())
    assert not project.pull.asked


def test_a_local_gate_asks_nobody(project: Project) -> None:
    project.change()
    project.pull.label()
    assert project.gate(project.pull.environ).code == 20
    assert not project.pull.asked


def test_the_merge_queue_asks_for_the_pull_request_in_its_branch(project: Project) -> None:
    project.change()
    project.pull.label()
    head = project.program.git("rev-parse", "HEAD")
    base = project.program.git("rev-parse", "main")
    ref = f"refs/heads/gh-readonly-queue/main/pr-12-{base}"
    group = {"head_sha": head, "head_ref": ref, "base_sha": base, "base_ref": "refs/heads/main"}
    assert project.gate(project.event({"merge_group": group}, "merge_group", ref)).code == 10


# --- on main ----------------------------------------------------------------------------------------------------------


def test_on_main_an_accepted_run_is_admitted_and_a_new_level_begins_with_it(project: Project) -> None:
    project.change()
    project.pull.label()
    project.squash()
    project.measure(150.0)
    ended = project.gate(project.of_push())
    assert ended.code == 10, ended.out
    assert "a new level begins: size.bytes{path=wheel}" in ended.err
    (event,) = project.stored
    assert (event["kind"], event["exact"]) == ("accept", [WHEEL])
    assert "pull request 12" in event["reason"]
    project.program.commit("baseline")
    # The next change is held against the new level, and the other series against all it had.
    project.program.git("branch", "-q", "-D", "change")
    project.change(151.0)
    assert project.gate(project.of_pull_request(GITHUB_TOKEN="")).code == 0
    found = {each["series"]: each for each in project.decision["comparisons"]}
    assert found[WHEEL]["before"] == 150.0
    assert project.values(WHEEL) == [150.0]
    assert project.values("size.bytes{path=docs}") == [100.0] * 3


def test_a_re_run_on_main_records_the_level_once(project: Project) -> None:
    project.change()
    project.pull.label()
    project.squash()
    project.measure(150.0)
    environ = project.of_push()
    assert project.gate(environ).code == 10
    assert project.gate(environ).code == 10
    assert len(project.stored) == 1
    assert len(list((project.program.root / "baselines/runs").iterdir())) == 3


def test_on_main_a_block_that_nobody_accepts_stays_one(project: Project) -> None:
    project.change()
    project.squash()
    project.measure(150.0)
    assert project.gate(project.of_push()).code == 20
    assert not project.stored
    # A label that is set afterwards counts, once the job is run again.
    project.pull.label()
    assert project.gate(project.of_push()).code == 10
    assert len(project.stored) == 1


def test_a_merge_commit_leads_to_its_pull_request_too(project: Project) -> None:
    project.change()
    project.pull.label()
    project.program.git("checkout", "-q", "main")
    project.program.git("merge", "-q", "--no-ff", "-m", "Merge pull request #12", "change")
    project.pull.merge(project.program.git("rev-parse", "HEAD"))
    project.measure(150.0)
    assert project.gate(project.of_push()).code == 10
    assert len(project.stored) == 1


def test_a_removed_benchmark_is_accepted_and_not_missed_afterwards(project: Project) -> None:
    project.change(100.0, docs=False)
    environ = project.of_pull_request()
    assert project.gate(environ).code == 20
    project.pull.label()
    assert project.gate(environ).code == 10
    project.squash()
    project.measure(100.0, docs=False)
    assert project.gate(project.of_push()).code == 10
    assert project.stored[0]["exact"] == ["size.bytes{path=docs}"]
    project.program.commit("baseline")
    project.program.git("branch", "-q", "-D", "change")
    project.change(100.0, docs=False)
    assert project.gate(project.of_pull_request(GITHUB_TOKEN="")).code == 0


def test_a_series_with_a_star_in_its_name_begins_a_level_of_its_own_only(project: Project) -> None:
    for _ in range(2):
        project.program.admit(measured(WHEEL, 100.0), measured(ALL_PATHS, 100.0))
    project.program.commit("baseline")
    project.program.git("checkout", "-q", "-b", "change")
    project.pull.push(project.program.commit("a change"))
    project.pull.label()
    project.squash()
    project.program.measure(
        measured(WHEEL, 100.0), measured(ALL_PATHS, 300.0), measured("size.bytes{path=docs}", 100.0)
    )
    assert project.gate(project.of_push()).code == 10
    assert project.values(ALL_PATHS) == [300.0]
    assert project.values(WHEEL) == [100.0] * 5


@pytest.mark.parametrize("store", ["directory", "git-ref"])
def test_another_job_publishes_the_accepted_run_with_its_level(tmp_path: Path, pull: Labelled, store: str) -> None:
    project = Project(tmp_path, pull, f"{BUDGET}baseline: {{store: {store}}}\n")
    program = project.program
    program.git("init", "-q", "--bare", "-b", "main", str(tmp_path / "remote.git"))
    program.git("remote", "add", "origin", str(tmp_path / "remote.git"))
    program.git("push", "-q", "-u", "origin", "main")
    if store == "git-ref":
        assert program.perfgate("baseline", "import", "--from", "directory:baselines").code == 0
    project.change()
    project.pull.label()
    project.squash()
    program.git("push", "-q", "origin", "main")
    path = project.measure(150.0)
    environ = project.of_push()
    # The runs of a job know which CI run they are of.
    run = json.loads(path.read_text(encoding="utf-8"))
    run["context"]["ci_run"] = environ["GITHUB_RUN_ID"]
    path.write_text(json.dumps(run), encoding="utf-8")
    assert project.gate(environ, "--no-admit", str(path)).code == 10
    assert not project.stored
    for _ in range(2):
        ended = program.perfgate("baseline", "update", environ=environ)
        assert ended.code == 0, ended.err
    branch = "main" if store == "directory" else "perfgate-data"
    listed = program.git("-C", str(tmp_path / "remote.git"), "ls-tree", "-r", "--name-only", branch)
    assert len([name for name in listed.splitlines() if "events/" in name]) == 1
    assert len([name for name in listed.splitlines() if "runs/" in name]) == 3


# --- a warning, justified by a trailer --------------------------------------------------------------------------------


def test_a_trailer_in_the_change_and_in_its_squash_commit_lets_a_warning_pass_all_the_way(project: Project) -> None:
    trailer = f"Perf-Justification: {WHEEL} - the new codec is worth it"
    project.change(107.0, message="a change")
    assert project.gate(project.of_pull_request()).code == 10
    project.program.git("checkout", "-q", "main")
    project.program.git("branch", "-q", "-D", "change")
    project.change(107.0, message=f"a change\n\n{trailer}")
    assert project.gate(project.of_pull_request()).code == 0
    project.squash(f"a change (#12)\n\n* a change\n\n{trailer}\n")
    project.measure(107.0)
    ended = project.gate(project.of_push())
    assert ended.code == 0
    assert "justified in a commit: the new codec is worth it" in " ".join(ended.out.split())
    assert not project.stored
    assert not project.pull.asked


def test_the_trailer_of_an_accepted_series_is_the_reason_that_is_kept(project: Project) -> None:
    trailer = f"Perf-Justification: {WHEEL} - the new codec is worth it"
    project.change(message=f"a change\n\n{trailer}")
    assert project.gate(project.of_pull_request()).code == 20
    project.pull.label()
    project.squash(f"a change\n\n{trailer}")
    project.measure(150.0)
    assert project.gate(project.of_push()).code == 10
    assert project.stored[0]["reason"].startswith("the new codec is worth it (by the label")
