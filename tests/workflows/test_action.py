"""The action, run step by step on a real clone: what it measures, how it ends, what it hands on, and that no input is ever a command."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.forge.github_service import Service
from tests.workflows.project import Hosted
from tests.workflows.runner import Runner


@pytest.fixture
def hosted(tmp_path: Path) -> Hosted:
    hosted = Hosted(tmp_path)
    hosted.push()
    return hosted


@pytest.mark.parametrize(
    ("size", "fail_on", "code", "verdict", "breaches"),
    [
        (500, "block", 0, "pass", "0"),
        (1050, "block", 0, "warn", "1"),
        (1050, "warn", 10, "warn", "1"),
        (5000, "block", 20, "block", "1"),
        (5000, "never", 0, "block", "1"),
    ],
)
def test_the_step_ends_as_fail_on_says_and_tells_the_verdict(
    hosted: Hosted, size: int, fail_on: str, code: int, verdict: str, breaches: str
) -> None:
    answer = hosted.action({"fail-on": fail_on}, hosted.pull(size))
    assert answer.code == code, answer.log
    told = {name: answer.outputs[name] for name in ("verdict", "exit-code", "breaches")}
    assert told == {"verdict": verdict, "exit-code": str(code), "breaches": breaches}
    assert json.loads(Path(answer.outputs["decision"]).read_text(encoding="utf-8"))["level"] == verdict
    assert "perfgate" in Path(answer.outputs["summary"]).read_text(encoding="utf-8")
    assert "Tell" not in answer.ran
    # What is handed on is there also when the job fails.
    assert (hosted.artifacts / "perfgate-decision" / "decision.json").is_file()


@pytest.fixture(scope="module")
def machine(tmp_path_factory: pytest.TempPathFactory) -> Runner:
    """A machine with a checkout, for calls that end before they change anything."""
    hosted = Hosted(tmp_path_factory.mktemp("machine") / "hosted")
    hosted.push()
    runner = hosted.runner()
    runner.checkout()
    return runner


HOSTILE = (
    '"; touch pwned; "',
    "$(touch pwned)",
    "`touch pwned`",
    "-x; touch pwned",
    "a\ntouch pwned",
    "::warning::pwned",
)


def pwned(root: Path) -> list[Path]:
    return list(root.rglob("pwned*"))


@pytest.mark.parametrize(
    ("name", "wrong"),
    [
        ("mode", "Check"),
        ("fail-on", "blok"),
        ("comment", "true"),
        ("update-baseline", "yes"),
        ("token-for-measuring", "True"),
        ("artifact", "../up"),
        ("working-directory", "nowhere"),
        ("python-version", "3.12; touch pwned"),
        ("runs", "run.json"),
        *((name, text) for name in ("mode", "fail-on", "artifact", "update-baseline") for text in HOSTILE),
    ],
)
def test_a_wrong_input_is_one_sentence_before_anything_runs(machine: Runner, name: str, wrong: str) -> None:
    machine.ran.clear()
    answer = machine.action({name: wrong})
    assert answer.code == 2
    assert answer.ran == ("Read the inputs", "Answer")
    (line,) = answer.log.splitlines()
    assert line.startswith("::error title=perfgate action::the input ")
    assert name in line
    assert not pwned(machine.workspace.parent)


def test_no_input_is_ever_a_command(machine: Runner) -> None:
    for hostile in HOSTILE[:2]:
        answer = machine.action({"python": hostile, "token": hostile})
        assert (answer.code, answer.outputs["verdict"]) == (0, "pass"), answer.log
        assert machine.action({"check": hostile}).code == 2
        assert machine.action({"only": hostile}).code in {2, 3}
        assert machine.action({"mode": "gate", "runs": hostile}).code == 2
    for hostile in HOSTILE:
        assert machine.action({"working-directory": hostile}).code == 2
    assert machine.action({"mode": "gate", "runs": HOSTILE[4]}).code == 2
    assert not pwned(machine.workspace.parent)


def test_runs_are_one_path_a_line_whatever_they_begin_with(hosted: Hosted) -> None:
    runner = hosted.runner(hosted.pull(1050))
    runner.checkout()
    for name in ("--json", "a $(touch pwned).json"):
        done = subprocess.run(
            [runner.environment / "bin" / "perfgate", "measure", "size", "data.bin", f"--output={name}"],
            cwd=runner.workspace, env=runner.environ, capture_output=True, text=True, check=False,
        )  # fmt: skip
        assert done.returncode == 0, done.stderr
        answer = runner.action({"mode": "gate", "runs": f"\n{name}\r\n"})
        assert (answer.code, answer.outputs["verdict"]) == (0, "warn"), answer.log
    assert not pwned(hosted.root)


def test_a_second_call_in_a_job_answers_for_itself(hosted: Hosted) -> None:
    runner = hosted.runner(hosted.pull(5000))
    runner.checkout()
    assert runner.action({}).outputs["verdict"] == "block"
    (runner.workspace / "data.bin").write_bytes(b"x")
    again = runner.action({})
    assert (again.code, again.outputs["verdict"]) == (0, "pass"), again.log
    kept = (hosted.artifacts / "perfgate-decision" / "decision.json").read_text(encoding="utf-8")
    assert json.loads(kept)["level"] == "pass"
    broken = runner.action({"mode": "gate", "runs": "none.json"})
    assert (broken.code, broken.outputs["verdict"]) == (2, "error"), broken.log
    assert broken.outputs["decision"] == ""


def test_a_project_below_the_top_may_have_any_name(tmp_path: Path) -> None:
    folder = "apps/a [1]! $(touch pwned)"
    hosted = Hosted(tmp_path, project=folder)
    hosted.push()
    answer = hosted.action({"working-directory": folder}, hosted.pull(5000))
    assert (answer.code, answer.outputs["verdict"]) == (20, "block"), answer.log
    assert Path(answer.outputs["decision"]).is_file()
    assert not pwned(hosted.root)


SEEING = """version: 1
measure:
  seen:
    size: {run: ["{python}", see.py, "{out}"], paths: ["{out}/*"]}
budgets:
  - series: size.bytes
    limit: 1 MB
"""
SEE = """import json, os, sys
os.makedirs(sys.argv[1], exist_ok=True)
with open(sys.argv[1] + "/seen", "w") as file: file.write("x")
with open(os.environ["SEEN"], "w") as file: json.dump({"prefix": sys.prefix, "environ": dict(os.environ)}, file)
"""


@pytest.mark.parametrize("how", ["active", "path", "input"])
def test_what_is_measured_sees_the_jobs_python_and_environment(tmp_path: Path, how: str) -> None:
    hosted = Hosted(tmp_path, SEEING)
    (hosted.work / "see.py").write_text(SEE, encoding="utf-8")
    hosted.push()
    own, seen = tmp_path / "own", tmp_path / "seen.json"
    subprocess.run([sys.executable, "-I", "-m", "venv", "--without-pip", str(own)], check=True)
    environ = {"SEEN": str(seen), "PYTHONPATH": "of the job"}
    given = {}
    if how == "active":
        environ["VIRTUAL_ENV"] = str(own)
    elif how == "path":
        environ["PATH"] = f"{own}/bin:{os.environ['PATH']}"
    else:
        given["python"] = f"{own}/bin/python"
    answer = hosted.action(given, environ=environ)
    assert answer.code == 0, answer.log
    told = json.loads(seen.read_text(encoding="utf-8"))
    assert told["prefix"] == str(own)
    assert told["environ"]["PYTHONPATH"] == "of the job"
    assert told["environ"]["GITHUB_TOKEN"] == "job-token"


@pytest.mark.parametrize(
    ("given", "has"),
    [
        ({"comment": "on"}, False),
        ({"update-baseline": "true"}, False),
        ({"comment": "on", "token-for-measuring": "true"}, True),
    ],
)
def test_a_token_that_can_write_is_not_given_to_what_is_measured(
    tmp_path: Path, github: Service, given: dict[str, str], has: bool
) -> None:
    hosted = Hosted(tmp_path, SEEING)
    (hosted.work / "see.py").write_text(SEE, encoding="utf-8")
    hosted.push()
    environ = {"SEEN": str(tmp_path / "seen.json"), "GITHUB_API_URL": github.address}
    answer = hosted.action(given, hosted.pull(1), environ=environ)
    assert answer.outputs["verdict"] == "pass", answer.log
    assert ("job-token" in (tmp_path / "seen.json").read_text(encoding="utf-8")) == has


def test_what_cannot_be_decided_is_an_error_never_a_pass(tmp_path: Path) -> None:
    hosted = Hosted(tmp_path, SEEING)
    hosted.push()
    answer = hosted.action({"fail-on": "never"})
    assert (answer.code, answer.outputs["exit-code"], answer.outputs["verdict"]) == (4, "4", "error"), answer.log
    assert not (hosted.artifacts / "perfgate-decision").exists()


def test_a_runner_without_a_new_enough_python_gets_one_beside_its_own(hosted: Hosted, tmp_path: Path) -> None:
    old = tmp_path / "old"
    old.mkdir()
    for name in ("python3", "python"):
        (old / name).write_text("#!/bin/sh\nexit 1\n", encoding="utf-8")
        (old / name).chmod(0o755)
    answer = hosted.action(environ={"PATH": f"{old}:{os.environ['PATH']}"})
    assert "Set up a Python for perfgate itself" in answer.ran
    assert answer.code == 0, answer.log
    assert "Set up a Python for perfgate itself" not in hosted.action({"mode": "gate", "runs": "none.json"}).ran


@pytest.mark.skipif(
    not os.environ.get("PERFGATE_TRUE_INSTALL"), reason="PERFGATE_TRUE_INSTALL is not set (.ci/run sets it)"
)
def test_it_installs_itself_apart_from_everything_and_once(hosted: Hosted, tmp_path: Path) -> None:
    wrong = {
        "PIP_TARGET": str(tmp_path / "target"),
        "PIP_CONFIG_FILE": str(tmp_path / "pip.conf"),
        "PYTHONPATH": str(tmp_path / "evil"),
        "PIP_REQUIRE_VIRTUALENV": "1",
    }
    (tmp_path / "pip.conf").write_text("[global]\nindex-url = http://127.0.0.1:9/\n", encoding="utf-8")
    (tmp_path / "evil").mkdir()
    (tmp_path / "evil" / "numpy.py").write_text("raise SystemExit(99)\n", encoding="utf-8")
    runner = hosted.runner(hosted.pull(5000), installs=True, environ=wrong)
    runner.checkout()
    for name in ("pip.conf", "setup.cfg", "perfgate.py", "sitecustomize.py"):
        (runner.workspace / name).write_text("raise SystemExit(99)\n", encoding="utf-8")
    first = runner.action({})
    assert (first.code, first.outputs["verdict"]) == (20, "block"), first.log
    (made,) = runner.temp.glob("perfgate-action-*/complete")
    stamp = made.stat().st_mtime_ns
    assert runner.action({}).outputs["verdict"] == "block"
    assert made.stat().st_mtime_ns == stamp
    made.unlink()
    assert not (tmp_path / "target").exists()
