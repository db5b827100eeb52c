"""Whatever leaves the process holds no secret: every way out, with every kind of secret."""

from __future__ import annotations

import json
import shlex
import sys
from pathlib import Path

import pytest

from perfgate.core.model import Caveat, Context, Run
from perfgate.core.redaction import REDACTED
from perfgate.formats import decision as decision_format
from perfgate.formats import run as run_format
from tests.cli.program import HERE, Ended, Program
from tests.core.making import measured
from tests.core.test_redaction import FORMS

SECRET = "hunter2-Hunter2-hunter2"
#: A secret that only the environment tells, and every one that can be told by its looks.
EVERY = (*FORMS.values(), (f"the password is {SECRET}", SECRET, "the password is"))
OWN = {"DEPLOY_PASSWORD": SECRET}
BUDGETS = 'version: 1\nbudgets:\n  - series: "size.*"\n    limit: 10 B\n'


def leaks(text: str) -> list[str]:
    return [gone for _, gone, _ in EVERY if gone in text]


def every_file(root: Path) -> str:
    return "\n".join(
        path.read_text(encoding="utf-8", errors="replace")
        for path in root.rglob("*")
        if path.is_file() and ".git/" not in path.as_posix()
    )


def talkative(program: Program) -> Path:
    """A run that holds every secret in every place that takes text."""
    commit = program.git("rev-parse", "HEAD")
    texts = [text for text, _, _ in EVERY]
    sizes = [
        measured("size.bytes{path=x}", 50.0 + number, origin=text, reason="")._replace(
            series=measured("size.bytes{path=x}").series._replace(labels=(("path", f"{number} {text}"),))
        )
        for number, text in enumerate(texts)
    ]
    made = Run(
        Context(tested=commit, head=commit, branch=texts[0], started_at="2026-10-01T00:00:00Z", machine=HERE),
        tuple(sizes),
        {"slowest_tests": tuple({"test": text} for text in texts)},
        tuple(Caveat("said", text, text) for text in texts),
    )
    path = program.root / "talkative.json"
    path.write_bytes(run_format.dump(made))
    return path


def test_the_run_of_these_tests_holds_every_secret(tmp_path: Path) -> None:
    program = Program(tmp_path, BUDGETS)
    assert set(leaks(talkative(program).read_text(encoding="utf-8"))) == {gone for _, gone, _ in EVERY}


@pytest.mark.parametrize("more", [(), ("--json",), ("--all",)])
def test_no_output_of_a_decision_holds_a_secret(tmp_path: Path, more: tuple[str, ...]) -> None:
    program = Program(tmp_path / "p", BUDGETS)
    given = talkative(program)
    told = tmp_path / "told"
    told.mkdir()
    environ = {
        **OWN,
        "GITHUB_ACTIONS": "true",
        "GITHUB_STEP_SUMMARY": str(told / "summary"),
        "GITHUB_OUTPUT": str(told / "output"),
        "COLUMNS": "60",
    }
    ended = program.perfgate("--verbose", "gate", given.name, "--budgets", "budgets.yaml", *more, environ=environ)
    assert ended.code == 20, ended.err
    given.unlink()
    assert not leaks(ended.out + ended.err)
    assert not leaks(every_file(told))
    assert not leaks(every_file(program.root))
    made = decision_format.load((program.root / ".perfgate/decision/decision.json").read_bytes(), "decision.json")
    assert len(made.comparisons) == len(EVERY), "each series is still followed"
    (caveat,) = [each for each in made.caveats if each.code == "redacted"]
    assert "held what looks like a secret" in caveat.message
    if "--json" in more:
        json.loads("\n".join(line for line in ended.out.splitlines() if not line.startswith("::")))
    explained = program.perfgate("explain", "size.bytes", environ=OWN)
    assert explained.code == 0
    assert not leaks(explained.out + explained.err)


def test_what_a_failed_command_printed_is_shown_without_its_secrets(tmp_path: Path) -> None:
    program = Program(tmp_path)
    (tmp_path / "noisy.py").write_text(
        f"print({chr(10).join(text for text, _, _ in EVERY)!r})\nraise SystemExit(3)\n", encoding="utf-8"
    )
    ended = program.perfgate("measure", "command", "noisy", "--", sys.executable, "noisy.py", environ=OWN)
    assert ended.code == 4
    assert ended.err.count(REDACTED) > 10
    assert not leaks(ended.err + ended.out)


def test_a_measured_run_its_file_and_the_baseline_hold_none(tmp_path: Path) -> None:
    program = Program(tmp_path)
    name = f"sync {FORMS['URL'][0][7:]} {SECRET}"
    environ = {**OWN, "GIT_AUTHOR_NAME": "x"}
    ended = program.perfgate("measure", "command", name, "--runs", "1", "-o", "run.json", "--", "true", environ=environ)
    assert ended.code == 0, ended.err
    program.commit()
    again = program.perfgate("measure", "command", name, "--runs", "1", "-o", ".perfgate/r.json", "--", "true", environ=environ)  # fmt: skip
    admitted = program.perfgate("baseline", "admit", ".perfgate/r.json", "--reason", "first", environ=environ)
    assert admitted.code == 0, admitted.err
    shown = program.perfgate("baseline", "show", "--json", environ=environ)
    assert not leaks(ended.out + ended.err + again.out + admitted.err + shown.out + every_file(tmp_path))
    assert f"@host.invalid/x.git {REDACTED}" in (tmp_path / "run.json").read_text(encoding="utf-8")


def test_series_that_differ_only_in_a_secret_are_refused(tmp_path: Path) -> None:
    program = Program(tmp_path, BUDGETS)
    two = [
        measured("size.bytes{path=x}", 1.0)._replace(
            series=measured("size.bytes{path=x}").series._replace(labels=(("path", f"https://{name}@host.invalid"),))
        )
        for name in ("one", "two")
    ]
    path = program.measure(*two)
    ended = program.perfgate("gate", str(path))
    assert ended.code == 2
    assert f"https://{REDACTED}@host.invalid" in ended.err
    assert "is there twice" in ended.err


def test_bad_usage_errors_and_defects_tell_none(tmp_path: Path) -> None:
    program = Program(tmp_path)

    def told(*arguments: str) -> Ended:
        ended = program.perfgate("--verbose", *arguments, environ=OWN)
        assert ended.code == 2, ended.err
        return ended

    for text, gone, _ in EVERY:
        for arguments in (("gate", "--no-such", text), (text,), ("gate", text), ("explain", text), ("schema", text)):
            ended = told(*arguments)
            assert gone not in ended.out + ended.err, shlex.join(arguments)
        break
    ended = told("schema", " ".join(text for text, _, _ in EVERY))
    assert not leaks(ended.err)
    assert "there is no schema" in ended.err
    crash = f"from perfgate.cli import app, console\nconsole.configure(quiet=False, verbose=True)\ndef work():\n    raise ValueError({SECRET!r})\nraise SystemExit(app.guarded(work))\n"
    import subprocess

    from tests.cli.program import ENVIRON

    done = subprocess.run([sys.executable, "-c", crash], env=ENVIRON | OWN, capture_output=True, text=True, check=False)
    assert done.returncode == 1
    assert "defect of perfgate" in done.stderr
    assert "Traceback" in done.stderr
    # The source line that holds the secret is a file's text; the message and the trace's last line are not.
    assert SECRET not in done.stderr


def test_a_remote_with_a_password_in_its_address_is_told_without_it(tmp_path: Path) -> None:
    program = Program(tmp_path, BUDGETS)
    program.git("remote", "add", "origin", "https://me:0aB1cD2e@127.0.0.1:9/none.git")
    ended = program.perfgate("baseline", "list", environ=OWN)
    assert not leaks(ended.out + ended.err)
