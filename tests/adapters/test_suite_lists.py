"""A list of tests is read whole or refused: a test that is lost here would never run again."""

from __future__ import annotations

import contextlib
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perfgate.adapters import pytest_split
from perfgate.adapters.suite_lists import read
from perfgate.errors import InputError

WARNINGS = "\n=== warnings summary ===\ntests/a.py::x\n  tests/a.py:1: UserWarning: tests/b.py::y\n\n-- Docs: …\n"


@pytest.mark.parametrize("summary", ["2 tests collected in 0.01s", "2/3 tests collected (1 deselected) in 0.01s"])
def test_the_summary_and_the_warnings_of_pytest_are_no_tests(summary: str) -> None:
    listed = read(f"tests/a.py::x\ntests/a.py::p[a b]\n{WARNINGS}{summary}\n", "list")
    assert listed.names == ("tests/a.py::x", "tests/a.py::p[a b]")


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("tests/a.py::x\n\n2 tests collected in 0.01s\n", "1 ids, but its last line says 2"),
        ("tests/a.py::x\n\nERROR tests/b.py\n!!! Interrupted !!!\n1 test collected, 1 error in 0.5s\n", "lacks some"),
        ("tests/a.py: 3\n\nERROR tests/b.py\n", "lacks some"),
        ("\nno tests collected in 0.01s\n", "names no test"),
        ("=== test session starts ===\n<Dir x>\n  <Module a.py>\n", "tree"),
        ("TestA\nok  \texample.com/x\t0.1s\nFAIL\texample.com/y [build failed]\n", "did not build"),
        ("TestA\nok  \texample.com/x\t0.1s\nTestB\n", "ends before"),
        (" \n\n", "names no test"),
        ("\0\0", "names no test"),
    ],
)
def test_a_list_that_may_lack_tests_is_refused(text: str, why: str) -> None:
    with pytest.raises(InputError, match=why):
        read(text, "list")


def test_pytest_with_q_twice_lists_files() -> None:
    listed = read("tests/a.py: 3\nsub folder/b.py: 1\n\n", "list")
    assert listed.names == ("tests/a.py", "sub folder/b.py")
    assert "-q twice" in listed.notes[0]


def test_go_tests_belong_to_the_package_that_ends_them() -> None:
    listed = read(
        "TestA\nBenchmarkB\nExample\nok  \tx.com/a\t0.1s\n?   \tx.com/none\t[no test files]\nFuzzC\nok  \tx.com/b\t0.1s\n",
        "l",
    )
    assert listed.names == ("x.com/a.TestA", "x.com/a.Example", "x.com/b.FuzzC")
    assert listed.notes == ("benchmarks left out: 1",)


def test_plain_lists_and_nul_ended_ones_are_taken_as_they_are() -> None:
    assert read("b.js\r\n\r\na b.js\r\n", "list").names == ("b.js", "a b.js")
    assert read("a\nb\0c ", "list").names == ("a\nb", "c ")


def test_what_pytest_itself_lists_is_read(tmp_path: Path) -> None:
    (tmp_path / "test_a.py").write_text(
        "import pytest, warnings\nwarnings.warn('hello')\n"
        "@pytest.mark.parametrize('p', ['a b[c]', 'a::b', 'é', 'l\\nm', '\"$`'])\ndef test_p(p): pass\n",
        encoding="utf-8",
    )
    command = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--collect-only"]
    environ = os.environ | {"PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1", "PYTEST_ADDOPTS": ""}
    done = subprocess.run([*command, "-q"], cwd=tmp_path, env=environ, capture_output=True, text=True, check=True)
    assert len(read(done.stdout, "list").names) == 5
    done = subprocess.run([*command, "-qq"], cwd=tmp_path, env=environ, capture_output=True, text=True, check=True)
    assert read(done.stdout, "list").names == ("test_a.py",)


@pytest.mark.skipif(shutil.which("go") is None, reason="Go is not installed here")
def test_what_go_itself_lists_is_read(tmp_path: Path) -> None:
    (tmp_path / "go.mod").write_text("module example.com/x\n\ngo 1.18\n", encoding="utf-8")
    code = 'package x\nimport "testing"\nfunc TestA(t *testing.T) {}\nfunc BenchmarkB(b *testing.B) {}\n'
    (tmp_path / "a_test.go").write_text(code, encoding="utf-8")
    done = subprocess.run(
        ["go", "test", "-list", ".", "./..."], cwd=tmp_path, capture_output=True, text=True, check=True
    )
    assert read(done.stdout, "list").names == ("example.com/x.TestA",)


LINES = (
    "a.py::x",
    "a.py: 3",
    "",
    " ",
    "2 tests collected in 1s",
    "no tests collected",
    "TestA",
    "ok  \tx\t1s",
    "FAIL",
    "FAIL\tx",
    "é\0",
)


@settings(max_examples=100, deadline=None)
@given(st.lists(st.sampled_from(LINES), max_size=6))
def test_any_text_is_a_list_or_an_error(lines: list[str]) -> None:
    with contextlib.suppress(InputError):
        assert read("\n".join(lines), "list").names


def test_durations_of_pytest_split_are_node_ids_with_seconds(shared_data: Path) -> None:
    import json

    value = json.loads((shared_data / "junit/real/pytest_split_durations.json").read_text(encoding="utf-8"))
    assert pytest_split.why_not(value) == ""
    recording = pytest_split.read(value, "durations")
    assert {test.id: test.seconds for test in recording.tests} == value
    assert json.loads(pytest_split.dump(value.items())) == value
    assert pytest_split.why_not({"a": "b"})
    with pytest.raises(InputError, match="number of seconds"):
        pytest_split.read({"a": -1}, "durations")


@pytest.mark.parametrize("text", ["tests/test_a.py::test_x\n--collect-only\n", "--pdb\0a::b\0"])
def test_a_line_that_a_runner_would_take_for_an_option_is_no_test(text: str) -> None:
    with pytest.raises(InputError, match="which a runner would take for an option"):
        read(text, "list")
