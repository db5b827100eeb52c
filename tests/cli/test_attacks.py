"""What a stranger may try against the trusted job, attack by attack, against the real command: docs/security.md names these tests."""

from __future__ import annotations

import json
import re
import shutil
import stat
import subprocess
import zipfile
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

from perfgate.core.metrics import Direction
from perfgate.core.model import Caveat, Series
from perfgate.core.units import Unit
from perfgate.formats import run as run_format
from tests.cli.program import Program
from tests.cli.strangers import (
    BUDGETS,
    HOSTILE_BRANCHES,
    PARSE,
    RUN_ID,
    SIZE,
    Ground,
    Stranger,
    honest,
    packed,
    parse_time,
)
from tests.core.making import measured
from tests.forge.github_service import Service

EVIL = "@everyone [x](https://evil.invalid) ![i](https://evil.invalid/i.png) <img src=x> <!-- perfgate:v1 key=. --> #1 `a|b\n# h"


@pytest.fixture(scope="module")
def ground(tmp_path_factory: pytest.TempPathFactory) -> Ground:
    return Ground(tmp_path_factory.mktemp("ground"))


@pytest.fixture
def stranger(ground: Ground, github: Service, tmp_path: Path) -> Stranger:
    return Stranger(ground, github, tmp_path)


def told(stranger: Stranger) -> Any:
    """The pull request that the decision is about."""
    return stranger.decision["circumstances"]["context"].get("pull_request")


# --- 1: the number of the pull request -------------------------------------------------------------------------------------


def test_1_a_pull_requests_number_in_the_artifact_is_never_read(stranger: Stranger) -> None:
    stranger.github.pull(1, head="cd" * 20, branch="victim")
    run = stranger.ground.run(
        pull_request=1, head="cd" * 20, branch="victim", ci_run="1", event="push", provider="none"
    )
    stranger.upload(packed({"runs/000.json": run_format.dump(run), "pr-number": b"1", "NR": b"1"}))
    stranger.rejudge("--comment", "always")
    assert told(stranger) == 7
    assert [each.path for each in stranger.github.writes] == ["/repos/owner/name/issues/7/comments"]
    assert not any(re.search(r"/(pulls|issues)/1\b", each.path) for each in stranger.github.asked)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"head": "cd" * 20}, "moved on"),
        ({"state": "closed"}, "no open pull request"),
        ({"branch": "other"}, "no open pull request"),
        ({"base": {"sha": "ba" * 20, "ref": "main", "repo": {"id": 99}}}, "no open pull request"),
    ],
)
def test_1_a_pull_request_that_is_not_surely_the_runs_own_is_not_told(
    stranger: Stranger, changes: dict[str, Any], said: str
) -> None:
    stranger.pull(**changes)
    stranger.upload()
    ended = stranger.rejudge("--comment", "always", "--check", "perf")
    assert ended.code == 0
    assert said in ended.err
    assert told(stranger) is None
    assert not stranger.github.writes


def test_1_the_same_branch_and_commit_of_another_fork_is_not_this_one(stranger: Stranger) -> None:
    twin = stranger.github.state.repository(3, "stranger/name")
    stranger.pull(head_repository=twin)
    stranger.upload()
    stranger.rejudge()
    assert told(stranger) is None


def test_1_where_two_pull_requests_have_this_head_neither_is_told_unless_the_event_names_one(
    stranger: Stranger,
) -> None:
    stranger.pull(8, base={"sha": "ba" * 20, "ref": "release", "repo": {"id": 1}})
    stranger.upload()
    ended = stranger.rejudge("--comment", "always")
    assert "2 open pull requests" in ended.err
    assert told(stranger) is None
    assert not stranger.github.writes
    stranger.finished["pull_requests"] = [{"number": 8}]
    assert stranger.rejudge("--comment", "always").code == 0
    assert told(stranger) == 8
    assert (len(stranger.github.comments(7)), len(stranger.github.comments(8))) == (0, 1)
    assert "origin/release" in stranger.comment


# --- 2 and 6: text ---------------------------------------------------------------------------------------------------------


def test_2_nothing_that_the_untrusted_job_wrote_for_people_is_posted(stranger: Stranger) -> None:
    stranger.upload()
    stranger.rejudge("--comment", "always")
    (posted,) = stranger.github.comments(7)
    assert "everything is fine" not in posted["body"] + (stranger.folder / "summary.md").read_text("utf-8")
    assert "reported by the change's own code" in stranger.comment


def hostile_run(ground: Ground) -> Any:
    """A run whose every text is an attack."""
    label = EVIL[:200]
    evil = parse_time(99.0)._replace(series=Series.of("bench.time", benchmark=label, tool="x"), origin=EVIL)
    unknown = measured(SIZE)._replace(state=measured(SIZE).state.UNKNOWN, reason=EVIL)
    machine = ground.run().context.machine._replace(cpu_model=EVIL[:250], runner="@everyone")
    run = ground.run(
        parse_time(0.05), evil, unknown, machine=machine, ci_job=EVIL[:200], worktree="x", tool_version=EVIL[:200]
    )
    return run._replace(
        caveats=tuple(Caveat(EVIL[:90], f"{EVIL} {at}", EVIL) for at in range(30)), excluded=(PARSE, SIZE)
    )


def test_6_no_name_or_remark_of_the_change_becomes_a_link_a_mention_an_image_or_html(stranger: Stranger) -> None:
    parser = shutil.which("cmark-gfm")
    if parser is None:
        pytest.skip("cmark-gfm is not installed")
    stranger.upload(None, hostile_run(stranger.ground))
    stranger.jobs[0]["labels"] = [EVIL]
    stranger.jobs[0]["name"] = EVIL
    ended = stranger.rejudge("--comment", "always", "--check", "perf")
    assert ended.code in {0, 10, 20}, ended.err
    assert "\x1b" not in ended.out
    (posted,), (check,) = stranger.github.comments(7), stranger.github.state.checks
    summary = (stranger.folder / "summary.md").read_text("utf-8")
    for text in (posted["body"], check["output"]["summary"], stranger.comment, summary):
        arguments = [
            parser,
            "--extension",
            "table",
            "--extension",
            "autolink",
            "--extension",
            "strikethrough",
            "--unsafe",
        ]
        html = subprocess.run(arguments, input=text, capture_output=True, text=True, check=True).stdout
        html = re.sub(r"\A<!-- perfgate:v1 [^>]* -->\n", "", html)
        assert not re.search(r"<(a|img|script|!--)\b|<!--|<h1", html), html
        assert "@everyone" not in re.sub(r"<code.*?</code>", "", html, flags=re.DOTALL)
    assert stranger.comment.count("the change's own code remarks") <= 10


def test_6_a_forged_marker_stays_text(stranger: Stranger) -> None:
    stranger.upload(None, hostile_run(stranger.ground))
    stranger.rejudge()
    first, *rest = stranger.comment.splitlines()
    assert f"run={RUN_ID} " in first
    assert not any(line.startswith("<!--") for line in rest)


def test_6_a_secret_in_what_the_change_says_is_posted_nowhere(stranger: Stranger) -> None:
    token = "ghp_" + "a1B2" * 9
    stranger.change(messages=[f"Perf-Justification: {SIZE} - because {token}"])
    labelled = Series.of("bench.time", benchmark=f"b {token}", tool="own")
    run = stranger.ground.run(*honest(size=107.0), parse_time(99.0)._replace(series=labelled, origin=token))
    stranger.upload(None, run)
    ended = stranger.rejudge("--comment", "always", "--check", "perf")
    told = [str(each.body) for each in stranger.github.writes] + [ended.out, ended.err]
    told += [path.read_text("utf-8") for path in stranger.folder.rglob("*") if path.is_file()]
    assert len(stranger.github.writes) > 1
    assert not any(token in text for text in told)


# --- 3: the verdict --------------------------------------------------------------------------------------------------------


def test_3_a_forged_decision_and_forged_budgets_change_nothing_and_are_told(stranger: Stranger) -> None:
    run = stranger.ground.run(*honest(size=150.0))
    members = {
        "runs/000.json": run_format.dump(run),
        "decision.json": json.dumps({"level": "pass", "verdicts": []}).encode(),
        "budgets.yaml": BUDGETS.replace("120 B", "900 B").encode(),
        "baselines/2026-01-01-x.json": b"{}",
    }
    stranger.upload(packed(members))
    assert stranger.rejudge().code == 20
    assert "the change's own job said pass; by the base branch's rules it is block" in stranger.comment
    assert "120 B" in (stranger.out / "budgets.yaml").read_text("utf-8")


def test_3_budgets_and_baseline_in_the_changes_tree_have_no_say_and_are_reported(stranger: Stranger) -> None:
    stranger.change(paths=["budgets.yaml", "baselines/runs/forged.json"])
    stranger.upload(None, stranger.ground.run(*honest(size=150.0)))
    assert stranger.rejudge().code == 20
    assert "this change edits budgets.yaml" in stranger.caveats


@pytest.mark.parametrize("forged", ["first", "head", "nowhere"])
def test_3_a_forged_base_commit_is_not_believed(stranger: Stranger, forged: str) -> None:
    ground = stranger.ground
    base = {"first": ground.first, "head": ground.head, "nowhere": "dd" * 20}[forged]
    # 15 % more than the baseline, below the limit: only the history tells.
    stranger.upload(None, ground.run(*honest(size=115.0), base=base))
    assert stranger.rejudge().code == 20
    assert stranger.decision["circumstances"]["context"]["base"] == ground.fork_point
    assert f"the change says it started from {base[:10]}" in stranger.caveats


@pytest.mark.parametrize(
    "changes", [{"better": Direction.HIGHER}, {"unit": Unit("B")}, {"assumption": measured(SIZE).assumption}]
)
def test_3_a_series_declared_otherwise_is_refused_and_counts_as_missing(
    stranger: Stranger, changes: dict[str, Any]
) -> None:
    stranger.upload(None, stranger.ground.run(measured(SIZE, 100.0), parse_time(99.0, **changes)))
    assert stranger.rejudge().code == 20
    assert "is declared otherwise than in the baseline" in stranger.caveats


def test_3_a_run_cannot_except_its_series_or_remark_as_perfgate(stranger: Stranger) -> None:
    run = stranger.ground.run(*honest(size=150.0))
    remark = Caveat("accepted", "accepted by the maintainers")
    stranger.upload(None, run._replace(excluded=(SIZE,), caveats=(remark,)))
    assert stranger.rejudge().code == 20
    assert "the change's own code remarks: accepted by the maintainers" in stranger.caveats


def test_3_a_justification_cannot_lift_a_block(stranger: Stranger) -> None:
    stranger.change(messages=[f"Perf-Justification: {SIZE} - trust me"])
    stranger.upload(None, stranger.ground.run(*honest(size=150.0)))
    assert stranger.rejudge().code == 20


def test_3_a_label_in_the_artifact_or_set_by_nobody_accepts_nothing(stranger: Stranger) -> None:
    stranger.pull(labels=["perfgate: accepted"])
    stranger.upload(None, stranger.ground.run(*honest(size=150.0)))
    assert stranger.rejudge().code == 20
    assert "does not count" in stranger.caveats


# --- 4: the zip ------------------------------------------------------------------------------------------------------------


def test_4_a_zip_that_would_write_elsewhere_writes_nothing_and_is_refused(stranger: Stranger) -> None:
    link = zipfile.ZipInfo("runs/link.json")
    link.create_system, link.external_attr = 3, (stat.S_IFLNK | 0o777) << 16
    before = sorted(stranger.ground.clone.root.rglob("*"))
    for name in ("../../budgets.yaml", "/tmp/pwned", link):
        held = BytesIO()
        with zipfile.ZipFile(held, "w") as made:
            made.writestr("runs/000.json", run_format.dump(stranger.ground.run()))
            made.writestr(name, "version: 1\n")
        stranger.github.state.artifacts.clear()
        stranger.upload(held.getvalue())
        assert stranger.rejudge().code == 2
    assert sorted(stranger.ground.clone.root.rglob("*")) == before


def test_4_an_artifact_that_says_it_is_large_is_not_even_downloaded(stranger: Stranger) -> None:
    stranger.upload(size_in_bytes=30 * 1024 * 1024)
    assert stranger.rejudge().code == 2
    assert not stranger.github.elsewhere


def test_4_an_artifact_that_is_larger_than_it_says_is_cut_off(stranger: Stranger) -> None:
    stranger.upload(b"\0" * (21 * 1024 * 1024), size_in_bytes=1000)
    assert stranger.rejudge().code in {1, 2}


# --- 5: another artifact -----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("facts", "said"),
    [
        ({"name": "perfgate-decision2"}, "no artifact of this name"),
        ({"workflow_run": {"id": 99, "head_sha": "x"}}, "no artifact of this name"),
        ({"workflow_run": {"id": RUN_ID, "head_sha": "cd" * 20}}, "no artifact of this name"),
        ({"workflow_run": None}, "no artifact of this name"),
        ({"expired": True}, "expired"),
    ],
)
def test_5_an_artifact_of_another_name_run_or_head_is_not_taken(
    stranger: Stranger, facts: dict[str, Any], said: str
) -> None:
    given = stranger.upload()
    # The played GitHub would not list another run's; a real one might have its reasons.
    body = {"total_count": 1, "artifacts": [given | facts]}
    stranger.github.fault("GET", "/artifacts[?]", 200, body=body)
    ended = stranger.rejudge()
    assert ended.code == 3
    assert said in stranger.comment


def test_5_an_artifact_of_an_earlier_attempt_is_not_this_ones(stranger: Stranger) -> None:
    stranger.upload()
    stranger.finished |= {"run_attempt": 2, "run_started_at": "2026-11-21T12:00:00Z"}
    stranger.jobs = [stranger.job(3, "perfgate", "12:00:05", "12:04:00") | {"run_attempt": 2}]
    assert stranger.rejudge().code == 3
    assert "earlier attempt" in stranger.comment


def test_5_the_artifact_of_a_job_that_was_not_run_again_still_counts(stranger: Stranger) -> None:
    stranger.upload()
    again = stranger.job(3, "build", "12:00:05", "12:04:00") | {"run_attempt": 2}
    stranger.finished |= {"run_attempt": 2, "run_started_at": "2026-11-21T12:00:00Z"}
    stranger.jobs = [again, stranger.jobs[1] | {"run_attempt": 2}]
    assert stranger.rejudge().code == 0


def test_5_of_two_artifacts_of_one_name_the_newest_counts(stranger: Stranger) -> None:
    stranger.upload(None, stranger.ground.run(*honest(size=150.0)), created_at="2026-11-21T11:03:50Z")
    stranger.upload(None, stranger.ground.run(*honest(size=100.0)), created_at="2026-11-21T11:03:40Z")
    assert stranger.rejudge().code == 20


def test_5_an_artifact_that_is_not_what_githubs_digest_says_is_not_judged(stranger: Stranger) -> None:
    stranger.upload(digest="sha256:" + "0" * 64)
    assert stranger.rejudge().code == 1
    assert not stranger.out.exists()


# --- 7: names --------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("branch", HOSTILE_BRANCHES)
def test_7_a_branch_of_any_name_is_found_and_does_nothing(stranger: Stranger, branch: str) -> None:
    stranger.pull(branch=branch)
    stranger.finished["head_branch"] = branch
    stranger.upload()
    ended = stranger.rejudge()
    assert ended.code == 0, ended.err
    assert told(stranger) == 7
    assert not list(stranger.ground.clone.root.glob("*pwned*"))
    assert not list(stranger.ground.clone.root.glob("x"))


def test_7_a_fork_that_was_deleted_is_judged_and_nobody_is_told(stranger: Stranger) -> None:
    stranger.pull(head_repository=None)
    stranger.finished["head_repository"] = None
    stranger.upload(None, stranger.ground.run(*honest(size=150.0)))
    ended = stranger.rejudge()
    assert ended.code == 20
    assert "is gone" in ended.err
    assert told(stranger) is None


def test_7_nothing_out_of_the_artifact_reaches_the_steps_outputs(stranger: Stranger) -> None:
    stranger.upload(None, hostile_run(stranger.ground))
    stranger.rejudge()
    text = (stranger.folder / "output.txt").read_text("utf-8")
    assert "everyone" not in text
    names = re.findall(r"^([a-z-]+)<<", text, re.MULTILINE)
    assert sorted(names) == ["breaches", "decision", "exit-code", "summary", "verdict"]
    assert sorted(each.name for each in (stranger.out / "runs").iterdir()) == ["000.json"]


# --- 8, 9, 10: the job itself ------------------------------------------------------------------------------------------------


def test_8_the_baseline_comes_from_git_and_no_cache_is_asked(stranger: Stranger) -> None:
    stranger.upload()
    ended = stranger.rejudge(ACTIONS_CACHE_URL="http://127.0.0.1:9/", ACTIONS_RESULTS_URL="http://127.0.0.1:9/")
    kinds = {re.sub(r"[0-9a-f]{40}|\d+", "N", each.path.partition("?")[0]) for each in stranger.github.asked}
    assert kinds == {
        "/repos/owner/name/pulls",
        "/repos/owner/name/pulls/N",
        "/repos/owner/name/issues/N/comments",
        "/repos/owner/name/compare/N...N",
        "/repos/owner/name/actions/runs/N/attempts/N",
        "/repos/owner/name/actions/runs/N/attempts/N/jobs",
        "/repos/owner/name/actions/runs/N/artifacts",
        "/repos/owner/name/actions/artifacts/N/zip",
    }
    assert "baselines at origin/main" in ended.out


def test_9_a_checkout_of_the_change_is_refused_before_anything_is_asked(stranger: Stranger, tmp_path: Path) -> None:
    clone = Program(tmp_path / "clone", git=False)
    clone.git("clone", "-q", str(stranger.ground.origin.root), ".")
    clone.git("fetch", "-q", str(stranger.ground.fork.root), "topic")
    clone.git("checkout", "-q", "--detach", "FETCH_HEAD")
    stranger.upload()
    ended = stranger.rejudge(cwd=clone.root)
    assert ended.code == 2
    assert "may be the change's own code" in ended.err
    assert not stranger.github.asked


def test_9_an_artifact_that_was_unpacked_over_the_checkout_is_refused(stranger: Stranger, tmp_path: Path) -> None:
    clone = Program(tmp_path / "clone", git=False)
    clone.git("clone", "-q", str(stranger.ground.origin.root), ".")
    clone.budgets("version: 1\n")
    ended = stranger.rejudge(cwd=clone.root)
    assert ended.code == 2
    assert "was written over them" in ended.err
    assert not stranger.github.asked


def test_9_a_shallow_clone_is_refused_because_it_cannot_tell_whose_commit_is_there(
    stranger: Stranger, tmp_path: Path
) -> None:
    clone = Program(tmp_path / "clone", git=False)
    clone.git("clone", "-q", "--depth", "1", stranger.ground.origin.root.as_uri(), ".")
    ended = stranger.rejudge(cwd=clone.root)
    assert ended.code == 2
    assert "fetch-depth: 0" in ended.err


def test_9_code_in_the_artifact_is_data(stranger: Stranger) -> None:
    code = b"import pathlib; pathlib.Path('pwned').touch()\n"
    members = dict.fromkeys(
        ("perfgate/__init__.py", "sitecustomize.py", "conftest.py", "x.dist-info/entry_points.txt"), code
    )
    stranger.upload(packed({"runs/000.json": run_format.dump(stranger.ground.run()), **members}))
    assert stranger.rejudge().code == 0
    assert not list(stranger.ground.folder.rglob("pwned"))


@pytest.mark.parametrize("event", ["pull_request", "pull_request_target", "merge_group"])
def test_10_jobs_in_which_the_changes_code_may_be_at_work_are_refused(stranger: Stranger, event: str) -> None:
    for arguments in ((), ("--run", str(RUN_ID))):
        ended = stranger.rejudge(*arguments, GITHUB_EVENT_NAME=event)
        assert ended.code == 2
        assert "on: workflow_run" in ended.err
    assert not stranger.github.asked


def test_every_test_that_the_page_on_security_names_is_there(root: Path) -> None:
    page = (root / "docs" / "security.md").read_text(encoding="utf-8")
    there = "".join(path.read_text(encoding="utf-8") for path in (root / "tests").rglob("test_*.py"))
    named = set(re.findall(r"`(test_\w+)`", page))
    assert len(named) > 25
    assert [name for name in sorted(named) if f"def {name}(" not in there] == []
    attacks = re.findall(r"^def test_(\d+)_", Path(__file__).read_text(encoding="utf-8"), re.MULTILINE)
    assert {int(number) for number in attacks} == set(range(1, 11))
