"""Checkouts as CI systems make them, on real remotes: what is missing is brought where it can be, and said where it cannot."""

from __future__ import annotations

import json
import shutil
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest

from tests.cli.program import Ended, Program
from tests.core.making import measured

SIZE = "size.bytes{path=wheel}"
BUDGETS = """version: 1
budgets:
  - {series: "size.bytes{path=wheel}", limit: 1 kB, max_increase: 10%}
"""


class Hosted:
    """A host with admitted runs on main, of which pull request 7 knows the first eight; then main got faster."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.host = Program(folder / "octo" / "repo", git=False)
        self.base = self.head = self.tip = self.merge = ""

    def at(self, folder: Path) -> Hosted:
        """The same in another folder."""
        shutil.copytree(self.host.root, folder / "octo" / "repo", symlinks=True)
        made = Hosted(folder)
        made.__dict__ |= {name: value for name, value in self.__dict__.items() if name not in {"folder", "host"}}
        return made

    def fill(self) -> Hosted:
        """Make the history."""
        self.host = Program(self.host.root, BUDGETS)
        self.host.history(SIZE, [100.0] * 8)
        self.base = self.host.git("rev-parse", "main")
        self.host.git("checkout", "-q", "-b", "change")
        for number in range(3):
            (self.host.root / "code.txt").write_text(str(number), encoding="utf-8")
            self.head = self.host.commit(f"change {number}")
        self.host.git("checkout", "-q", "main")
        self.host.history(SIZE, [80.0] * 4)
        self.tip = self.host.git("rev-parse", "main")
        self.host.git("checkout", "-q", "--detach")
        self.host.git("merge", "-q", "--no-ff", "-m", "merge", "change")
        self.merge = self.host.git("rev-parse", "HEAD")
        self.host.git("update-ref", "refs/pull/7/merge", self.merge)
        self.host.git("update-ref", "refs/pull/7/head", self.head)
        self.host.git("checkout", "-q", "main")
        return self

    def checkout(self, ref: str, *options: str) -> Program:
        """A checkout as actions/checkout makes it."""
        made = Program(self.folder / "checkout")
        made.git("remote", "add", "origin", f"file://{self.host.root}")
        made.git("fetch", "-q", "--no-tags", *options, "origin", f"+{ref}:refs/remotes/pull/7/merge")
        made.git("checkout", "-q", "--force", "refs/remotes/pull/7/merge")
        return made

    def environ(self, *, merge: bool, **more: str) -> dict[str, str]:
        """The environment of a workflow on the pull request."""
        change = {
            "number": 7,
            "base": {"ref": "main", "sha": self.tip, "repo": {"id": 1}},
            "head": {"ref": "change", "sha": self.head, "repo": {"id": 1}},
        }
        event = self.folder / "event.json"
        payload = {"number": 7, "pull_request": change, "repository": {"default_branch": "main"}}
        event.write_text(json.dumps(payload), encoding="utf-8")
        return {
            "CI": "true",
            "GITHUB_ACTIONS": "true",
            "GITHUB_EVENT_NAME": "pull_request",
            "GITHUB_EVENT_PATH": str(event),
            "GITHUB_REF": "refs/pull/7/merge" if merge else "refs/pull/7/head",
            "GITHUB_SHA": self.merge,
            "GITHUB_REPOSITORY": "octo/repo",
            **more,
        }


@pytest.fixture(scope="module")
def filled(tmp_path_factory: pytest.TempPathFactory) -> Hosted:
    """Made once; every test works on a copy."""
    return Hosted(tmp_path_factory.mktemp("hosted")).fill()


@pytest.fixture
def hosted(filled: Hosted, tmp_path: Path) -> Hosted:
    return filled.at(tmp_path)


def gated(made: Program, value: float, environ: dict[str, str]) -> tuple[Ended, dict[str, Any]]:
    made.measure(measured(SIZE, value))
    ended = made.perfgate("gate", environ=environ)
    path = made.root / ".perfgate/decision/decision.json"
    return ended, json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}


def commits(made: Program) -> int:
    return int(made.git("rev-list", "--count", "--all"))


@pytest.mark.parametrize("options", [("--depth=1",), ("--depth=2",), ()], ids=["1", "2", "all"])
def test_a_merge_commit_is_held_against_its_first_parent_however_deep_the_clone(
    hosted: Hosted, options: tuple[str, ...]
) -> None:
    made = hosted.checkout("refs/pull/7/merge", *options)
    ended, decision = gated(made, 90.0, hosted.environ(merge=True))
    assert ended.code == 20, ended
    assert "history of the base is not here" not in ended.out
    assert decision["comparisons"][0]["before"] == 80.0
    assert "approximate" not in decision["circumstances"]["baseline"]


@pytest.mark.parametrize("depth", ["1", "2", "5"])
def test_the_head_of_a_change_is_held_against_where_it_left_main_however_deep_the_clone(
    hosted: Hosted, depth: str
) -> None:
    made = hosted.checkout("refs/pull/7/head", f"--depth={depth}")
    ended, decision = gated(made, 105.0, hosted.environ(merge=False, GITHUB_SHA=hosted.head))
    assert ended.code == 0, ended
    assert decision["comparisons"][0]["before"] == 100.0
    assert not [caveat for caveat in decision["caveats"] if caveat["code"] == "base approximate"]


def test_nothing_is_fetched_where_that_is_unwanted(hosted: Hosted) -> None:
    made = hosted.checkout("refs/pull/7/merge", "--depth=2")
    before = commits(made)
    ended, decision = gated(made, 90.0, hosted.environ(merge=True, PERFGATE_FETCH="never"))
    assert commits(made) == before
    assert decision["circumstances"]["baseline"]["problem"]
    assert "fetch-depth: 0" in ended.out


def test_nothing_is_fetched_outside_ci(hosted: Hosted) -> None:
    made = hosted.checkout("refs/pull/7/merge", "--depth=2")
    before = commits(made)
    gated(made, 90.0, {})
    assert commits(made) == before


def test_nothing_is_fetched_where_nothing_is_missing(hosted: Hosted) -> None:
    made = hosted.checkout("refs/pull/7/merge")
    # A remote that nobody could reach.
    made.git("remote", "set-url", "origin", "ssh://nowhere.invalid/octo/repo")
    ended, decision = gated(made, 90.0, hosted.environ(merge=True, GIT_SSH_COMMAND="false"))
    assert (ended.code, ended.err) == (20, "")
    assert decision["comparisons"][0]["before"] == 80.0


def test_an_approximate_base_is_said_and_blocks_nobody(hosted: Hosted) -> None:
    made = hosted.checkout("refs/pull/7/head", "--depth=1")
    made.git("fetch", "-q", "origin", "+refs/heads/main:refs/remotes/origin/main")
    ended, decision = gated(made, 105.0, hosted.environ(merge=False, GITHUB_SHA=hosted.head, PERFGATE_FETCH="never"))
    # Against the change's real base this is 5 %; main got faster since.
    assert ended.code == 10, ended
    assert "the base is only approximately known" in ended.out
    assert "held against origin/main" in decision["circumstances"]["baseline"]["approximate"]
    assert "base approximate" in {caveat["code"] for caveat in decision["caveats"]}
    assert made.perfgate("explain", SIZE).code == 0


def test_an_absolute_limit_blocks_whatever_the_base_is(hosted: Hosted) -> None:
    made = hosted.checkout("refs/pull/7/head", "--depth=1")
    made.git("fetch", "-q", "origin", "+refs/heads/main:refs/remotes/origin/main")
    ended, _ = gated(made, 5000.0, hosted.environ(merge=False, GITHUB_SHA=hosted.head, PERFGATE_FETCH="never"))
    assert ended.code == 20


def test_a_run_remembers_that_its_base_was_approximate(hosted: Hosted) -> None:
    made = hosted.checkout("refs/pull/7/head", "--depth=1")
    made.git("fetch", "-q", "origin", "+refs/heads/main:refs/remotes/origin/main")
    environ = hosted.environ(merge=False, GITHUB_SHA=hosted.head, PERFGATE_FETCH="never")
    assert made.perfgate("measure", "size", "budgets.yaml", "-o", "run.json", environ=environ).code == 0
    context = json.loads((made.root / "run.json").read_text(encoding="utf-8"))["context"]
    assert (context["base_is_approximate"], context["base"]) == (True, hosted.tip)
    assert (context["head"], context["tested"]) == (hosted.head, hosted.head)


class Api:
    """GitHub's compare endpoint, with one answer for everything; `asked` are the paths."""

    def __init__(self, answer: bytes, status: int = 200) -> None:
        self.asked: list[str] = []
        asked = self.asked

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                asked.append(self.path)
                self.send_response(status)
                if status == 429:
                    self.send_header("Retry-After", "60")
                self.send_header("Content-Length", str(len(answer)))
                self.end_headers()
                self.wfile.write(answer)

            def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the name is the base class's
                return

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        self.address = f"http://127.0.0.1:{self._server.server_address[1]}"

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()


@pytest.fixture
def api(hosted: Hosted) -> Iterator[Api]:
    made = Api(json.dumps({"merge_base_commit": {"sha": hosted.base}, "status": "diverged"}).encode())
    yield made
    made.close()


def test_the_api_tells_the_base_that_a_shallow_clone_cannot(hosted: Hosted, api: Api) -> None:
    made = hosted.checkout("refs/pull/7/head", "--depth=1")
    made.git("fetch", "-q", "--depth=1", "origin", "+refs/heads/main:refs/remotes/origin/main")
    environ = hosted.environ(merge=False, GITHUB_SHA=hosted.head, GITHUB_API_URL=api.address, GITHUB_TOKEN="t" * 40)
    ended, decision = gated(made, 105.0, environ)
    assert api.asked == [f"/repos/octo/repo/compare/{hosted.tip}...{hosted.head}?per_page=1"]
    assert ended.code == 0, ended
    assert decision["comparisons"][0]["before"] == 100.0


@pytest.mark.parametrize(
    ("answer", "status"),
    [(b"{}", 200), (b'{"merge_base_commit": {"sha": "--evil"}}', 200), (b"[", 200), (b"{}", 404), (b"{}", 429)],
)
def test_an_api_that_does_not_tell_is_not_waited_for(hosted: Hosted, answer: bytes, status: int) -> None:
    api = Api(answer, status)
    made = hosted.checkout("refs/pull/7/head", "--depth=1")
    made.git("fetch", "-q", "--depth=1", "origin", "+refs/heads/main:refs/remotes/origin/main")
    environ = hosted.environ(merge=False, GITHUB_SHA=hosted.head, GITHUB_API_URL=api.address, GITHUB_TOKEN="t" * 40)
    ended, decision = gated(made, 105.0, environ)
    api.close()
    assert len(api.asked) == 1
    assert (ended.code, decision["comparisons"][0]["before"]) == (0, 100.0)


def test_without_a_token_the_api_is_not_asked(hosted: Hosted, api: Api) -> None:
    made = hosted.checkout("refs/pull/7/head", "--depth=1")
    made.git("fetch", "-q", "--depth=1", "origin", "+refs/heads/main:refs/remotes/origin/main")
    ended, _ = gated(made, 105.0, hosted.environ(merge=False, GITHUB_SHA=hosted.head, GITHUB_API_URL=api.address))
    assert (ended.code, api.asked) == (0, [])


# --- what becomes part of the baseline --------------------------------------------------------------------------------


def on_main(hosted: Hosted, name: str, **more: str) -> dict[str, str]:
    event = hosted.folder / "event.json"
    event.write_text(json.dumps({"repository": {"default_branch": "main"}}), encoding="utf-8")
    return {
        "CI": "true", "GITHUB_ACTIONS": "true", "GITHUB_EVENT_NAME": name, "GITHUB_EVENT_PATH": str(event),
        "GITHUB_REF": "refs/heads/main", "GITHUB_SHA": hosted.tip, "GITHUB_RUN_ID": "1", **more,
    }  # fmt: skip


def fresh(hosted: Hosted) -> None:
    """Another project on main, without a baseline so far."""
    shutil.rmtree(hosted.host.root / "baselines" / "runs")
    (hosted.host.root / "baselines" / "runs").mkdir()
    hosted.host.budgets('version: 1\nbudgets: [{series: "size.bytes{path=budgets.yaml}", limit: 1 kB}]\n')
    hosted.tip = hosted.host.commit("budgets")


def admitted(hosted: Hosted, environ: dict[str, str]) -> int:
    """How many runs the gate adds to the baseline when the same commit is measured in this environment."""
    host = hosted.host
    path = host.root / "run.json"
    runs = host.root / "baselines" / "runs"
    before = len(list(runs.iterdir()))
    assert host.perfgate("measure", "size", "budgets.yaml", "-o", str(path), environ=environ).code == 0
    ended = host.perfgate("gate", str(path), environ=environ)
    assert ended.code == 0, ended
    path.unlink()
    return len(list(runs.iterdir())) - before


@pytest.mark.parametrize("name", ["schedule", "push"])
def test_a_run_of_an_unchanged_main_is_admitted_once_for_each_run_and_attempt(hosted: Hosted, name: str) -> None:
    fresh(hosted)
    for more, count in (({}, 1), ({}, 0), ({"GITHUB_RUN_ATTEMPT": "2"}, 1), ({"GITHUB_RUN_ID": "2"}, 1)):
        assert admitted(hosted, on_main(hosted, name, **more)) == count, more


@pytest.mark.parametrize(
    ("name", "ref"),
    [("push", "refs/tags/v1"), ("release", "refs/tags/v1"), ("merge_group", "refs/heads/gh-readonly-queue/main/pr-7-x"),
     ("issue_comment", "refs/heads/main"), ("pull_request", "refs/pull/7/merge")],
)  # fmt: skip
def test_what_is_not_the_default_branch_itself_is_never_admitted(hosted: Hosted, name: str, ref: str) -> None:
    fresh(hosted)
    assert admitted(hosted, on_main(hosted, name, GITHUB_REF=ref)) == 0


# --- how many git processes -------------------------------------------------------------------------------------------


@pytest.mark.parametrize("where", ["local", "pull_request"])
def test_an_ordinary_gate_starts_few_git_processes(hosted: Hosted, tmp_path: Path, where: str) -> None:
    made = hosted.checkout("refs/pull/7/merge")
    if where == "local":
        made.git("fetch", "-q", "origin", "main:refs/remotes/origin/main")
        made.git("remote", "set-head", "origin", "main")
    path = made.measure(measured(SIZE, 80.0))
    trace = tmp_path / "trace"
    environ = hosted.environ(merge=True) if where == "pull_request" else {}
    assert made.perfgate("gate", str(path), environ=environ | {"GIT_TRACE2": str(trace)}).code == 0
    started = [line for line in trace.read_text(encoding="utf-8").splitlines() if " start " in line]
    assert len(started) <= 15, "\n".join(started)
