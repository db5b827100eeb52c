"""A repository with a bare remote, as a code host keeps it: changes, merge commits of pull requests, and jobs that run on them."""

from __future__ import annotations

import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from tests.cli.program import ENVIRON
from tests.workflows.runner import Answer, Runner

BUDGETS = """version: 1
measure:
  data:
    size: {paths: [data.bin]}
baseline: {store: git-ref}
budgets:
  - series: size.bytes
    limit: 1000 B   # warn above it, block above 1100 B
"""


class Hosted:
    """`work` is a developer's clone, `remote` the bare repository; `job` and `action` each take a fresh clone, as runners do."""

    def __init__(self, root: Path, budgets: str = BUDGETS, *, project: str = "") -> None:
        self.root, self.remote, self.work = root, root / "remote.git", root / "work"
        self.artifacts = root / "artifacts"
        self.jobs = 0
        self.pulls = 0
        self.work.mkdir(parents=True)
        self.git("init", "-q", "--bare", "-b", "main", str(self.remote), cwd=root)
        self.git("init", "-q", "-b", "main", ".")
        self.git("remote", "add", "origin", str(self.remote))
        self.project = self.work / project
        self.project.mkdir(exist_ok=True, parents=True)
        if budgets:
            (self.project / "budgets.yaml").write_text(budgets, encoding="utf-8")
        self.size(500)

    def git(self, *arguments: str, cwd: Path | None = None) -> str:
        done = subprocess.run(
            ["git", *arguments], cwd=cwd or self.work, env=ENVIRON, capture_output=True, text=True, check=False
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def size(self, size: int) -> None:
        """Give the file that is measured this size."""
        (self.project / "data.bin").write_bytes(b"x" * size)

    def push(self) -> str:
        """Commit everything on main and push it; the commit."""
        self.git("checkout", "-q", "main") if self.git("branch", "--show-current") != "main" else None
        self.git("add", "-A")
        self.git("commit", "-q", "--allow-empty", "-m", "state")
        self.git("push", "-q", "origin", "main")
        return self.git("rev-parse", "HEAD")

    def pull(self, size: int) -> dict[str, Any]:
        """A pull request that makes the file this large: its event; the merge commit is on the remote as GitHub makes it."""
        self.pulls += 1
        base = self.git("rev-parse", "main")
        self.git("checkout", "-q", "-B", f"change-{self.pulls}", "main")
        self.size(size)
        self.git("add", "-A")
        self.git("commit", "-q", "--allow-empty", "-m", "change")
        head = self.git("rev-parse", "HEAD")
        self.git("checkout", "-q", "--detach", "main")
        self.git("merge", "-q", "--no-ff", "-m", "merge", head)
        self.git("push", "-q", "origin", f"HEAD:refs/pull/{self.pulls}/merge", f"{head}:refs/pull/{self.pulls}/head")
        merged = self.git("rev-parse", "HEAD")
        self.git("checkout", "-q", "main")
        repository = {"full_name": "owner/name", "id": 1, "default_branch": "main"}
        return {
            "number": self.pulls,
            "pull_request": {
                "number": self.pulls,
                "merge_commit_sha": merged,
                "labels": [],
                "head": {"sha": head, "ref": f"change-{self.pulls}", "repo": repository},
                "base": {"sha": base, "ref": "main", "repo": repository},
            },
            "repository": repository,
        }

    def runner(
        self,
        event: Mapping[str, Any] | None = None,
        *,
        installs: bool = False,
        environ: Mapping[str, str] | None = None,
        run_id: str = "",
    ) -> Runner:
        """A fresh machine: for a pull request's event, or for a push of main. Jobs of one workflow run share its `run_id`."""
        self.jobs += 1
        home = self.root / f"job {self.jobs}"
        head = self.git("rev-parse", "main")
        if event is None:
            event = {
                "ref": "refs/heads/main",
                "before": "0" * 40,
                "after": head,
                "repository": {"full_name": "owner/name", "id": 1, "default_branch": "main"},
            }
            github = {"event_name": "push", "ref": "refs/heads/main", "ref_name": "main", "sha": head}
        else:
            number = event["number"]
            github = {
                "event_name": "pull_request",
                "ref": f"refs/pull/{number}/merge",
                "ref_name": f"{number}/merge",
                "sha": str(event["pull_request"]["merge_commit_sha"]),
                "base_ref": "main",
                "head_ref": str(event["pull_request"]["head"]["ref"]),
            }
        github["run_id"] = run_id or str(1000 + self.jobs)
        return Runner(
            home / "workspace", home / "temp", self.artifacts, event=event, github=github, environ=environ, remote=self.remote, installs=installs
        )  # fmt: skip

    def action(
        self, given: Mapping[str, str] | None = None, event: Mapping[str, Any] | None = None, **more: Any
    ) -> Answer:
        """Check out and run our action in a job of its own."""
        runner = self.runner(event, **more)
        runner.checkout()
        return runner.action(given or {})
