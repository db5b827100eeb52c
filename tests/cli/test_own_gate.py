"""A change that is at its own gate: what it writes into its tree, or its code into the clone, decides nothing."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from perfgate.core.model import Run
from perfgate.store import directory
from tests.cli.program import Ended
from tests.cli.test_baseline import Cloned
from tests.core.making import measured

RELATIVE = """version: 1
baseline: {store: git-ref}
budgets:
  - series: "tests.duration{suite=unit}"
    max_increase: {warn: 5%, block: 10%}
"""


class Gated(Cloned):
    """A clone with a history on main, and a change of it that CI gates."""

    def __init__(self, root: Path, budgets: str = RELATIVE) -> None:
        super().__init__(root, budgets)
        for number in range(11):
            self.commit(f"state {number}")
            directory.admit(self.source, self.measured(50 + number / 100, ci_run=str(number)))
        self.git("push", "-q", "origin", "HEAD:main")
        self.git("fetch", "-q", "origin")
        moved = self.perfgate("baseline", "import", "--from", "directory:.perfgate/source")
        assert moved.code == 0, moved.err
        self.git("checkout", "-q", "-b", "topic")

    @property
    def breach(self) -> Run:
        """A run of the checked-out commit that is half as slow again, and too large."""
        run = self.measured(75.0)
        return run._replace(measurements=(*run.measurements, measured("size.bytes{path=wheel}", 150.0)))

    @property
    def source(self) -> Path:
        return self.root / ".perfgate" / "source"

    def change(self, *, folder: Path | None = None, **environ: str) -> Ended:
        """Commit what is there, and gate it as a pull request with a breach."""
        head = self.commit("a change")
        about = {"repo": {"id": 1}}
        pull = {"number": 7, "head": {"sha": head, "ref": "topic", **about}}
        pull["base"] = {"sha": self.git("rev-parse", "main"), "ref": "main", **about}
        self.event.write_text(json.dumps({"repository": {"default_branch": "main"}, "pull_request": pull}), "utf-8")
        path = self.write(self.breach)
        ci = self.ci(name="pull_request", ref="refs/pull/7/head") | environ
        return self.perfgate("gate", str(path), environ=ci, cwd=folder)


@pytest.fixture
def gated(tmp_path: Path) -> Gated:
    return Gated(tmp_path)


def test_the_breach_is_one(gated: Gated) -> None:
    assert gated.change().code == 20


@pytest.mark.parametrize(
    "section",
    [
        "baseline: {store: git-ref, branch: evil}",
        "baseline: {store: git-ref, remote: mine}",
        "baseline: {store: git-ref, path: elsewhere}",
        "baseline: {store: directory, path: forged}",
        "baseline: {store: git-ref, window: 5, keep: 5}",
    ],
)
def test_a_change_does_not_choose_what_it_is_compared_with(gated: Gated, section: str) -> None:
    gated.git("remote", "add", "mine", gated.bare.as_uri())
    for number in range(11):
        directory.admit(gated.root / "forged", gated.measured(75.0, ci_run=f"9{number}"))
    gated.budgets(RELATIVE.replace("baseline: {store: git-ref}", section))
    ended = gated.change()
    assert ended.code == 20, ended.out + ended.err
    assert "compared with 11 runs of baselines at origin/perfgate-data" in ended.out
    assert "this change edits where the baseline is kept" in ended.out


LIMIT = "version: 1\nbudgets:\n  - {series: size.bytes, limit: %s}\n"


@pytest.mark.parametrize("below", [False, True])
def test_a_change_does_not_choose_the_project_of_a_monorepo_that_it_is_judged_as(tmp_path: Path, below: bool) -> None:
    """By a looser budgets.yaml nearer to where the gate runs, or by removing the one there, so that the top's rules."""
    gated = Gated(tmp_path, LIMIT % ("1 GB" if below else "100 B"))
    inner = gated.root / "services" / "a"
    inner.mkdir(parents=True)
    gated.git("checkout", "-q", "main")
    (inner / "a").write_text("a", encoding="utf-8")
    if below:
        (inner / "budgets.yaml").write_text(LIMIT % "100 B", encoding="utf-8")
    gated.next_commit("a part")
    gated.git("fetch", "-q", "origin")
    gated.git("checkout", "-q", "-B", "topic")
    if below:
        (inner / "budgets.yaml").unlink()
    else:
        (inner / "budgets.yaml").write_text(LIMIT % "1 GB", encoding="utf-8")
    ended = gated.change(folder=inner)
    assert ended.code == 20, ended.out + ended.err


def test_replaced_objects_and_grafts_in_the_clone_make_up_no_other_history(gated: Gated) -> None:
    """Written by code of the change that was measured before; a commit of nothing but loose budgets stands for the base."""
    gated.git("checkout", "-q", "--orphan", "forged")
    gated.budgets(LIMIT % "1 GB")
    forged, base = gated.commit("forged"), gated.git("rev-parse", "origin/main")
    gated.git("checkout", "-q", "topic")
    gated.commit("a change")
    info = gated.root / ".git" / "info"
    info.mkdir(exist_ok=True)
    (info / "grafts").write_text(f"{base}\n", encoding="utf-8")
    gated.git("replace", base, forged)
    ended = gated.change()
    assert ended.code == 20, ended.out + ended.err
    assert "compared with 11 runs" in ended.out


def test_no_command_in_the_clones_configuration_is_run_by_a_gate(gated: Gated, tmp_path: Path) -> None:
    mark = tmp_path / "run"
    gated.budgets(RELATIVE + "# edited\n")
    gated.commit("a change")
    script = tmp_path / "script"
    script.write_text(f"#!/bin/sh\ntouch {mark}\n", encoding="utf-8")
    script.chmod(0o755)
    (gated.root / ".git" / "info").mkdir(exist_ok=True)
    (gated.root / ".git" / "info" / "attributes").write_text("* diff=x filter=x\n", encoding="utf-8")
    gated.write(gated.breach)
    for key in ("core.fsmonitor", "diff.x.textconv", "diff.x.command", "filter.x.smudge", "core.pager"):
        gated.git("config", key, str(script))
    for hook in ("reference-transaction", "post-index-change", "pre-push"):
        path = gated.root / ".git" / "hooks" / hook
        path.parent.mkdir(exist_ok=True)
        path.write_bytes(script.read_bytes())
        path.chmod(0o755)
    assert gated.perfgate("gate", environ=gated.ci(name="pull_request", ref="refs/pull/7/head")).code == 20
    assert not mark.exists()
