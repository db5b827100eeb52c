"""What perfgate prints is never a command to the CI system, whatever a measured program or a file says."""

from __future__ import annotations

import json
import re
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from perfgate.cli.console import without_commands
from tests.cli.program import Program

ACTIONS = {"CI": "true", "GITHUB_ACTIONS": "true", "GITHUB_EVENT_NAME": "push", "GITHUB_REF": "refs/heads/x"}
SAID = [
    "::error::forged",
    "  ::add-mask::a",
    "##[error]forged",
    "text ##[add-mask]a",
    "::stop-commands::x",
    "::x::",
    "##vso[task.complete]",
    "##teamcity[message]",
    "\r::warning::after a return",
]
COMMANDS = {"error", "warning", "notice", "add-mask", "stop-commands", "debug", "group", "endgroup", "add-matcher", "echo", "set-output", "save-state", "set-env", "add-path"}  # fmt: skip


def commands(text: str) -> list[str]:
    """The lines that GitHub's runner would take for commands (actions/runner, ActionCommand.cs), with those in force regarded."""
    found, ending = [], ""
    for line in re.split(r"\r\n|\r|\n", text):
        told = re.match(r"\s*::([^ :]+)(?: [^:]*)?::", line) or re.search(r"##\[([^ \]]+)[^\]]*\]", line)
        if ending:
            ending = "" if told and told[1] == ending else ending
        elif told and told[1] == "stop-commands":
            ending = line.strip().removeprefix("::stop-commands::")
            found.append(line)
        elif told and told[1] in COMMANDS:
            found.append(line)
    return found


@pytest.mark.parametrize("last", ["\\n", ""], ids=["with an end", "without"])
@pytest.mark.parametrize("command", ["command", "tests", "all", "ab"])
def test_the_output_of_a_failed_command_is_wrapped_and_holds_no_command(
    tmp_path: Path, command: str, last: str
) -> None:
    script = f"import sys\nsys.stdout.write({chr(10).join(SAID)!r} + '{last}')\nsys.exit(3)\n"
    program = Program(tmp_path / "project")
    (program.root / "talks.py").write_text(script, encoding="utf-8")
    program.budgets(
        "version: 1\nmeasure:\n  talks:\n    command: {run: ["
        + json.dumps(sys.executable)
        + ", talks.py], runs: 1, warmup: 0}\n"
    )
    program.commit("first")
    program.commit("second")
    run = [sys.executable, "talks.py"]
    arguments = {
        "command": ["measure", "command", "talks", "--runs", "1", "--", *run],
        "tests": ["measure", "tests", "--", *run],
        "all": ["measure", "all"],
        "ab": ["ab", "talks", "--base", "HEAD~1", "--pairs", "1"],
    }[command]
    ended = program.perfgate(*arguments, environ=ACTIONS)
    assert ended.code == 4, ended
    assert "forged" in ended.err
    began = re.findall(r"^::stop-commands::([0-9a-f]{32})$", ended.err, re.MULTILINE)
    assert len(began) == 1
    assert ended.err.index("forged") < ended.err.index(f"\n::{began[0]}::\n")
    assert commands(ended.err) == [f"::stop-commands::{began[0]}"]
    assert commands(ended.out) == []
    # Nor is any of it a command by itself, were the wrapping to fail.
    inside = ended.err.replace(f"::stop-commands::{began[0]}", "").replace(f"::{began[0]}::", "")
    assert commands(inside) == []
    assert not re.search(r"##\w*\[", ended.err + ended.out)


def test_the_word_that_ends_the_wrapping_is_another_one_every_time(tmp_path: Path) -> None:
    program = Program(tmp_path)
    arguments = ["measure", "command", "it", "--", sys.executable, "-c", "print('no'); raise SystemExit(3)"]
    words = {re.search(r"::stop-commands::(\w+)", program.perfgate(*arguments, environ=ACTIONS).err) for _ in range(2)}
    assert len({word[1] for word in words if word}) == 2


def test_elsewhere_nothing_is_wrapped(tmp_path: Path) -> None:
    arguments = ["measure", "command", "it", "--", sys.executable, "-c", "print('::error::no'); raise SystemExit(3)"]
    assert "stop-commands" not in Program(tmp_path).perfgate(*arguments).err


def test_a_hostile_name_in_a_run_is_no_command_in_any_output(tmp_path: Path) -> None:
    program = Program(tmp_path, "version: 1\nbudgets: []\n")
    for name in ("##[error]x", "::error::x"):
        arguments = ["measure", "command", name, "--runs", "1", "-o", "run.json", "--", sys.executable, "-c", ""]
        for extra in ([], ["--json"]):
            ended = program.perfgate(*arguments[:-4], *extra, *arguments[-4:], environ=ACTIONS)
            assert ended.code == 0, ended
            assert commands(ended.out + ended.err) == []
            if extra:
                assert name in {each["labels"]["command"] for each in json.loads(ended.out)["measurements"]}


@given(st.lists(st.sampled_from(["::", "##", "[", "]", "error", "::error::", "##[", "#", "\n", "\r", " ", "\t", "x", "\u3000", "{", '"']), max_size=20).map("".join))  # fmt: skip
def test_no_text_at_all_becomes_a_command(text: str) -> None:
    told = without_commands(text)
    assert not re.search(r"##\w*\[", told)
    assert not [line for line in re.split(r"\r\n|\r|\n", told) if line.lstrip().startswith("::")]


@given(
    st.dictionaries(st.text(max_size=8), st.sampled_from(["##[error]x", "::error::", "##vso[x]", "###[x]", "plain"]))
)
def test_json_stays_the_same_json(value: dict[str, str]) -> None:
    assert json.loads(without_commands(json.dumps(value, indent=1, ensure_ascii=False))) == value


def test_json_holds_no_character_that_a_terminal_obeys(tmp_path: Path) -> None:
    program = Program(tmp_path, git=False)
    report = (
        '<testsuites><testsuite name="a\x9b31mb\x7f" time="1"><testcase name="t" time="1"/></testsuite></testsuites>'
    )
    (tmp_path / "report.xml").write_text(report, encoding="utf-8")
    ended = program.perfgate("measure", "tests", "--report", "report.xml", "--json", "--quiet")
    assert ended.code == 0, ended
    assert not re.search("[\x7f-\x9f]", ended.out)
    assert {each["labels"]["suite"] for each in json.loads(ended.out)["measurements"]} == {"a\x9b31mb\x7f"}
