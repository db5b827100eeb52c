"""A stranger's pull request, whole: the repository and its clone, the fork, the played GitHub, the artifact, and the trusted job."""

from __future__ import annotations

import json
import shutil
import zipfile
from collections.abc import Mapping, Sequence
from io import BytesIO
from pathlib import Path
from typing import Any

from perfgate.core.metrics import Assumption, Direction
from perfgate.core.model import Context, Measurement, Run, Series
from perfgate.core.units import Unit
from perfgate.formats import run as run_format
from tests.cli.program import HERE, Ended, Program
from tests.core.making import measured
from tests.forge.github_service import Service

SIZE = "size.bytes{path=wheel}"
PARSE = "bench.time{benchmark=parse,tool=own}"
BUDGETS = """version: 1
budgets:
  - series: "size.bytes{path=wheel}"
    limit: 120 B
  - series: "bench.time{benchmark=parse}"
    limit: 100 ms
  - series: "pipeline.duration{workflow=perfgate.yml}"
    limit: 10 min
"""
RUN_ID = 4001
STRANGER = "stranger/name"
HOSTILE_BRANCHES = ["--output=x", 'a"b;$(touch pwned)', "zażółć-\u202egęślą", "x&head=owner:main", "a`b`|c"]


def parse_time(seconds: float, **changes: Any) -> Measurement:
    """The benchmark of the budgets."""
    plain = Measurement(Series.parse(PARSE), Unit("s"), Direction.LOWER, Assumption.NOISY, (seconds,), "test")
    return plain._replace(**changes)


def honest(size: float = 100.0, seconds: float = 0.05) -> tuple[Measurement, ...]:
    """What a change that changes nothing measures."""
    return measured(SIZE, size), parse_time(seconds)


def packed(members: Mapping[str, bytes], method: int = zipfile.ZIP_DEFLATED) -> bytes:
    """A zip of these members."""
    held = BytesIO()
    with zipfile.ZipFile(held, "w", method) as made:
        for name, data in members.items():
            made.writestr(name, data)
    return held.getvalue()


class Ground:
    """The repository with its history, the clone of the trusted job, and a stranger's head that is in neither."""

    def __init__(self, folder: Path, store: str = "directory") -> None:
        self.folder = folder
        origin = Program(folder / "origin", f"{BUDGETS}baseline: {{store: {store}}}\n")
        self.first = origin.git("rev-parse", "HEAD")
        for _ in range(3):
            origin.admit(*honest())
        if store == "git-ref":
            mover = Program(folder / "mover", git=False)
            mover.git("clone", "-q", str(origin.root), ".")
            shutil.copytree(origin.root / "baselines", mover.root / "baselines", dirs_exist_ok=True)
            moved = mover.perfgate("baseline", "import", "--from", "directory:baselines")
            assert moved.code == 0, moved.err
            shutil.rmtree(origin.root / "baselines")
        self.fork_point = origin.commit("baseline")
        self.tip = origin.commit("main moves on")
        origin.git("branch", "release", self.fork_point)
        fork = Program(folder / "fork", git=False)
        fork.git("clone", "-q", "--branch", "main", str(origin.root), ".")
        fork.git("checkout", "-q", "-b", "topic", self.fork_point)
        self.head = fork.commit("a change")
        self.origin, self.fork = origin, fork
        self.clone = Program(folder / "clone", git=False)
        self.clone.git("clone", "-q", str(origin.root), ".")

    def run(self, *measurements: Measurement, **context: Any) -> Run:
        """A run as the stranger's job claims it."""
        plain = Context(
            head=self.head, base=self.fork_point, tested=self.head, started_at="2026-11-21T11:00:30Z", machine=HERE
        )
        return Run(plain._replace(**context), measurements or honest())


class Stranger:
    """One finished run of the stranger's workflow, and the trusted job that follows it."""

    def __init__(self, ground: Ground, github: Service, folder: Path) -> None:
        self.ground, self.github, self.folder = ground, github, folder
        self.out = folder / "decision"
        self.theirs = github.state.repository(2, STRANGER)
        self.finished: dict[str, Any] = {
            "id": RUN_ID,
            "run_attempt": 1,
            "head_sha": ground.head,
            "head_branch": "topic",
            "event": "pull_request",
            "status": "completed",
            "conclusion": "success",
            "path": ".github/workflows/perfgate.yml",
            "run_started_at": "2026-11-21T11:00:00Z",
            "created_at": "2026-11-21T11:00:00Z",
            "repository": github.state.repository(),
            "head_repository": self.theirs,
            "pull_requests": [],
        }
        self.jobs = [self.job(1, "build", "11:00:05", "11:02:00"), self.job(2, "perfgate", "11:02:05", "11:04:00")]
        self.pull()
        self.change()

    def job(self, number: int, name: str, start: str, end: str, conclusion: str = "success") -> dict[str, Any]:
        """A finished job of the run."""
        day = "2026-11-21T"
        times = {"created_at": f"{day}11:00:01Z", "started_at": f"{day}{start}Z", "completed_at": f"{day}{end}Z"}
        steps = [{"name": "run", "number": 1, "status": "completed", "conclusion": conclusion, **times}]
        told = {"id": number, "run_id": RUN_ID, "run_attempt": 1, "status": "completed", "conclusion": conclusion}
        return (
            told
            | times
            | {"name": name, "steps": steps, "labels": ["ubuntu-latest"], "runner_name": f"runner {number}"}
        )

    def pull(self, number: int = 7, **more: Any) -> dict[str, Any]:
        """Their pull request."""
        given = {"head": self.ground.head, "head_repository": self.theirs} | more
        return self.github.pull(number, **given)

    def change(
        self, *, messages: Sequence[str] = ("a change",), paths: Sequence[str] = ("src.py",), **more: Any
    ) -> None:
        """What GitHub tells of the change."""
        for base in {self.ground.tip, self.ground.fork_point}:
            self.github.state.merge_bases[base, self.ground.head] = self.ground.fork_point
            self.github.state.changes[base, self.ground.head] = {
                "commits": [{"sha": "cc" * 20, "commit": {"message": text}} for text in messages],
                "files": [{"filename": path} for path in paths],
                "total_commits": len(messages),
            } | more

    def upload(self, data: bytes | None = None, *runs: Run, decision: Any = None, **facts: Any) -> dict[str, Any]:
        """Leave an artifact: these bytes, or the decision folder with these runs."""
        if data is None:
            members = {
                f"runs/{at:03d}.json": run_format.dump(run) for at, run in enumerate(runs or [self.ground.run()])
            }
            members["decision.json"] = json.dumps({"level": "pass"} if decision is None else decision).encode()
            members["comment.md"] = b"# @everyone everything is fine"
            data = packed(members)
        number = self.github.state.number()
        told = {
            "id": number,
            "name": "perfgate-decision",
            "size_in_bytes": len(data),
            "expired": False,
            "created_at": "2026-11-21T11:03:59Z",
            "workflow_run": {
                "id": RUN_ID,
                "repository_id": 1,
                "head_repository_id": 2,
                "head_branch": "topic",
                "head_sha": self.ground.head,
            },
        }
        self.github.state.artifacts[number] = (told | facts, data)
        return self.github.state.artifacts[number][0]

    def rejudge(self, *arguments: str, cwd: Path | None = None, **environ: str) -> Ended:
        """Run the trusted job's command."""
        self.github.state.runs[RUN_ID] = self.finished
        self.github.state.jobs[RUN_ID, self.finished["run_attempt"]] = self.jobs
        event = self.folder / "event.json"
        home = self.github.state.repository()
        event.write_text(
            json.dumps({"action": "completed", "workflow_run": self.finished, "repository": home}), "utf-8"
        )
        given = {
            "GITHUB_ACTIONS": "true",
            "GITHUB_EVENT_NAME": "workflow_run",
            "GITHUB_EVENT_PATH": str(event),
            "GITHUB_REF": "refs/heads/main",
            "GITHUB_SHA": self.ground.tip,
            "GITHUB_STEP_SUMMARY": str(self.folder / "summary.md"),
            "GITHUB_OUTPUT": str(self.folder / "output.txt"),
        }
        return self.ground.clone.perfgate(
            "rejudge", "--out", str(self.out), *arguments, environ=self.github.environ() | given | environ, cwd=cwd
        )

    @property
    def decision(self) -> Any:
        """The decision that the trusted job left."""
        return json.loads((self.out / "decision.json").read_bytes())

    @property
    def comment(self) -> str:
        """What a pull request is told."""
        return (self.out / "comment.md").read_text(encoding="utf-8")

    @property
    def caveats(self) -> str:
        """What the decision says beside its verdicts."""
        return "\n".join(each["message"] for each in self.decision["caveats"])
