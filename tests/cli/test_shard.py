"""`perfgate shard`: shards that really run, every test in one of them; and lists that no runner takes for something else."""

from __future__ import annotations

import io
import json
import os
import shlex
import subprocess
import sys
from collections import Counter
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, Protocol

import pytest

from perfgate.cli import app
from perfgate.core.model import Context, MachineClass, Run
from perfgate.store import directory
from tests.cli.program import ENVIRON, Ended, Program

SUITE = """
import pytest, pathlib
def seen(request):
    with open(request.config.rootpath / "ran.txt", "a", encoding="utf-8") as file:
        file.write(request.node.nodeid + "\\n")
@pytest.fixture(autouse=True)
def note(request): seen(request)
class TestClass:
    @pytest.mark.parametrize("p", [1, 2])
    def test_m(self, p): pass
@pytest.mark.parametrize("p", ["a b[c]", "a::b", "é", "x/y", "q'\\"$`\\\\", "l\\nm", "*", "@x", "-k", "##[x]"])
def test_p(p): pass
@pytest.mark.skip
def test_skipped(): pass
"""
PYTEST = [sys.executable, "-m", "pytest", "-p", "no:cacheprovider"]
PYTEST_ENVIRON = os.environ | {
    "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1",
    "PYTEST_ADDOPTS": "",
    "PYTHONDONTWRITEBYTECODE": "1",
}


def run_pytest(root: Path, *arguments: str, code: int = 0) -> str:
    done = subprocess.run(
        [*PYTEST, *arguments], cwd=root, env=PYTEST_ENVIRON, capture_output=True, text=True, check=False
    )
    assert done.returncode == code, done.stdout + done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def suite(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A suite with awkward names, its list, and its report."""
    root = tmp_path_factory.mktemp("suite")
    (root / "@odd folder").mkdir()
    (root / "@odd folder" / "test_odd.py").write_text(SUITE, encoding="utf-8")
    (root / "test_a.py").write_text(SUITE, encoding="utf-8")
    (root / "test_b.py").write_text("def test_new(request): __import__('test_a').seen(request)\n", encoding="utf-8")
    (root / "pytest.ini").write_text("[pytest]\n", encoding="utf-8")
    listed = run_pytest(root, "--collect-only", "-q")
    (root / "collected.txt").write_text(listed, encoding="utf-8")
    run_pytest(root, "-q", "--junitxml", "report.xml", "--deselect", "test_b.py")
    return root


class Shard(Protocol):
    """`perfgate shard` in a folder; its stdin and environment."""

    def __call__(self, root: Path, *arguments: str, stdin: str = "", environ: Mapping[str, str] = ...) -> Ended: ...


def shard_process(root: Path, *arguments: str, environ: Mapping[str, str] | None = None) -> Ended:
    return Program(root, git=False).perfgate("shard", *arguments, environ=environ)


@pytest.fixture
def shard(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> Shard:
    """The command in this process: starting one for each question takes longer than answering it."""
    for name in [name for name in os.environ if name.startswith(("CI", "GITHUB", "GITLAB", "BUILDKITE", "SEMAPHORE"))]:
        monkeypatch.delenv(name)
    for name, value in ENVIRON.items():
        monkeypatch.setenv(name, value)

    def run(root: Path, *arguments: str, stdin: str = "", environ: Mapping[str, str] = MappingProxyType({})) -> Ended:
        with monkeypatch.context() as patch:
            patch.chdir(root)
            patch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(stdin.encode())))
            for name, value in environ.items():
                patch.setenv(name, value)
            code = app.run(["shard", *arguments])
        told = capsys.readouterr()
        return Ended(code, told.out, told.err)

    return run


def names(listed: str) -> list[str]:
    return [line for line in listed.splitlines() if "::" in line]


# --- end to end -------------------------------------------------------------------------------------------------------


def test_three_shards_really_run_every_test_once(suite: Path, shard: Shard) -> None:
    (suite / "ran.txt").unlink(missing_ok=True)
    ended = shard(suite, "--into", "3", "--tests", "collected.txt", "--from", "report.xml", "--out", "shards")
    assert ended.code == 0, ended.err
    for number in (1, 2, 3):
        run_pytest(suite, "-q", f"@shards/shard-{number}.txt")
    listed = names((suite / "collected.txt").read_text(encoding="utf-8"))
    ran = Counter((suite / "ran.txt").read_text(encoding="utf-8").splitlines())
    assert ran == Counter(each for each in listed if "skipped" not in each)


def test_each_job_makes_the_same_shards_by_itself(suite: Path, shard: Shard) -> None:
    (suite / "shards").mkdir(exist_ok=True)
    common = ("--into", "3", "--tests", "collected.txt", "--from", "report.xml")
    assert shard(suite, *common, "--out", "shards").code == 0
    for number in (1, 2, 3):
        own = shard_process(
            suite, *common, "--index", str(number), "-o", "mine.txt", environ={"PYTHONHASHSEED": str(number)}
        )
        assert own.code == 0, own.err
        assert (suite / "mine.txt").read_bytes() == (suite / f"shards/shard-{number}.txt").read_bytes()


def test_words_of_the_matrix_are_the_tests_again(suite: Path, shard: Shard) -> None:
    common = ("--into", "2", "--tests", "collected.txt", "--from", "report.xml", "--format", "github-matrix")
    ended = shard(suite, *common, "-o", "matrix.json")
    assert ended.code == 0, ended.err
    jobs = json.loads((suite / "matrix.json").read_text(encoding="utf-8"))["include"]
    assert [(job["shard"], job["of"]) for job in jobs] == [(1, 2), (2, 2)]
    listed = names((suite / "collected.txt").read_text(encoding="utf-8"))
    assert sorted(word for job in jobs for word in shlex.split(job["args"])) == sorted(listed)
    assert shard(suite, *common, "--out", "lists", "-o", "matrix.json").code == 0
    jobs = json.loads((suite / "matrix.json").read_text(encoding="utf-8"))["include"]
    assert [job["file"] for job in jobs] == ["lists/shard-1.txt", "lists/shard-2.txt"]


# --- lists that no runner takes for something else --------------------------------------------------------------------


def test_a_shard_without_tests_is_no_success_and_leaves_no_list(tmp_path: Path, shard: Shard) -> None:
    (tmp_path / "t").write_text("a.py::x\na.py::y\n", encoding="utf-8")
    (tmp_path / "out").mkdir()
    for stale in ("shard-3.txt", "shard-9.txt", "notes.txt"):
        (tmp_path / "out" / stale).write_text("old.py::z\n", encoding="utf-8")
    ended = shard(tmp_path, "--into", "4", "--tests", "t", "--index", "3")
    assert (ended.code, ended.out) == (3, "")
    assert "shard 3 of 4 has nothing to run" in ended.err
    assert "there is nothing to run in 2 shards: there are fewer tests than shards" in ended.err
    assert shard(tmp_path, "--into", "4", "--tests", "t", "--out", "out").code == 0
    assert sorted(path.name for path in (tmp_path / "out").iterdir()) == ["notes.txt", "shard-1.txt", "shard-2.txt"]
    matrix = shard(tmp_path, "--into", "4", "--tests", "t", "--format", "github-matrix")
    assert len(json.loads(matrix.out)["include"]) == 2
    table = shard(tmp_path, "--into", "4", "--tests", "t")
    assert table.code == 0
    assert table.out.count("(empty)") == 2


def test_names_that_printing_would_change_are_only_written_to_files(tmp_path: Path, shard: Shard) -> None:
    (tmp_path / "t").write_text("a.py::x[##[group]]\n", encoding="utf-8")
    ended = shard(tmp_path, "--into", "1", "--tests", "t", "--index", "1")
    assert (ended.code, ended.out) == (2, "")
    assert "not printed" in ended.err
    assert shard(tmp_path, "--into", "1", "--tests", "t", "--index", "1", "-o", "o").code == 0
    assert (tmp_path / "o").read_text(encoding="utf-8") == "a.py::x[##[group]]\n"


def test_a_path_that_begins_like_an_option_or_a_file_of_arguments_does_not_any_more(
    tmp_path: Path, shard: Shard
) -> None:
    (tmp_path / "t").write_text("@x/a.py::t\n-x.py::t\na.TestB\n", encoding="utf-8")
    assert shard(tmp_path, "--into", "1", "--tests", "t", "--index", "1").out == "./@x/a.py::t\n./-x.py::t\na.TestB\n"
    assert (
        shard(tmp_path, "--into", "1", "--tests", "t", "--index", "1", "-0").out
        == "./@x/a.py::t\0./-x.py::t\0a.TestB\0"
    )


def test_names_with_line_breaks_need_a_nul(tmp_path: Path, shard: Shard) -> None:
    (tmp_path / "t").write_text("a\nb\0c\0", encoding="utf-8")
    ended = shard(tmp_path, "--into", "1", "--tests", "t", "--index", "1")
    assert ended.code == 2
    assert "--null" in ended.err
    assert shard(tmp_path, "--into", "1", "--tests", "t", "--index", "1", "--null").out == "a\nb\0c\0"


def test_without_a_list_what_is_not_sure_to_be_every_test_is_not_handed_to_a_runner(suite: Path, shard: Shard) -> None:
    ended = shard(suite, "--into", "2", "--from", "report.xml", "--index", "1")
    assert ended.code == 2
    assert "is what a report calls a test" in ended.err
    table = shard(suite, "--into", "2", "--from", "report.xml")
    assert table.code == 0
    assert "no --tests: all recorded names are shared out" in table.out


# --- which shard ------------------------------------------------------------------------------------------------------


def test_number_and_shard_come_from_ci(tmp_path: Path, shard: Shard) -> None:
    (tmp_path / "t").write_text("a.py::x\na.py::y\n", encoding="utf-8")
    found = [
        shard(tmp_path, "--tests", "t", "--format", "node-ids", environ=environ).out
        for environ in (
            {"CIRCLECI": "true", "CIRCLE_NODE_INDEX": "0", "CIRCLE_NODE_TOTAL": "2"},
            {"GITLAB_CI": "true", "CI_NODE_INDEX": "2", "CI_NODE_TOTAL": "2"},
        )
    ]
    assert found == ["a.py::x\n", "a.py::y\n"]
    wrong = {"GITLAB_CI": "true", "CI_NODE_INDEX": "2", "CI_NODE_TOTAL": "3"}
    ended = shard(tmp_path, "--into", "2", "--tests", "t", "--format", "node-ids", environ=wrong)
    assert ended.code == 2
    assert "not every test would run once" in ended.err


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (("--into", "2"), "no run has recorded any"),
        (("--tests", "t"), "number of shards"),
        (("--into", "0", "--tests", "t"), "number of shards"),
        (("--into", "1001", "--tests", "t"), "number of shards"),
        (("--into", "2", "--tests", "t", "--index", "3"), "there is no shard 3 of 2"),
        (("--into", "2", "--tests", "t", "--format", "node-ids"), "which shard is wanted"),
        (("--into", "2", "--tests", "gone"), "no such file"),
        (("--into", "2", "--tests", "t", "--speeds", "1,0"), "not a list of speeds"),
        (("--into", "2", "--tests", "t", "--speeds", "1"), "1 speeds for 2 shards"),
        (("--into", "2", "--tests", "t", "--algorithm", "weighted"), "how fast"),
        (("--into", "2", "--tests", "t", "--algorithm", "priority-first"), "which tests come first"),
        (("--into", "2", "--tests", "t", "--algorithm", "in-order", "--first", "x"), "no order of priority"),
        (("--into", "2", "--tests", "t", "--algorithm", "in-order", "--speeds", "1,2"), "does not look at speeds"),
        (("--into", "2", "--tests", "t", "--overhead", "soon"), "not a quantity"),
        (("--into", "2", "--tests", "t", "--format", "pytest-split"), "no time of any"),
        (("--into", "2", "--tests", "t", "--format", "circleci"), "no time of any"),
        (("--into", "2", "--tests", "t", "--json", "--format", "table"), "two answers"),
        (("--into", "2", "--tests", "t", "--null"), "ended by a NUL"),
    ],
)
def test_what_cannot_be_done_is_said_in_a_sentence(
    tmp_path: Path, arguments: tuple[str, ...], why: str, shard: Shard
) -> None:
    (tmp_path / "t").write_text("a.py::x\na.py::y\n", encoding="utf-8")
    ended = shard(tmp_path, *arguments)
    assert (ended.code, ended.out) == (2, "")
    assert why in ended.err


# --- times and what is said of them -----------------------------------------------------------------------------------


def durations(root: Path, times: dict[str, float]) -> None:
    (root / ".test_durations").write_text(json.dumps(times), encoding="utf-8")
    (root / "t").write_text("".join(f"{name}\n" for name in times), encoding="utf-8")


def test_an_end_that_reads_like_the_earliest_possible_one_is_told_by_how_much_it_is_later(
    tmp_path: Path, shard: Shard
) -> None:
    durations(tmp_path, {"a.py::a": 0.589, "a.py::b": 0.585, "a.py::c": 0.584, "a.py::d": 0.582})
    told = shard(tmp_path, "--into", "2", "--tests", "t", "--from", ".test_durations")
    assert "ends after 1.17 s, 0.1 % later than the earliest that any split could reach" in " ".join(told.out.split())


def test_the_table_says_how_even_it_is_what_caps_it_and_how_many_jobs_pay(tmp_path: Path, shard: Shard) -> None:
    durations(tmp_path, {"a.py::slow": 300.0} | {f"b.py::t{n}": 60.0 for n in range(10)})
    common = ("--into", "4", "--tests", "t", "--from", ".test_durations", "--overhead", "90s")
    told = shard(tmp_path, *common)
    assert told.code == 0, told.err
    assert "the last ends after 6 min 30 s; no split can end before 6 min 30 s (which is reached)" in told.out
    assert "caps the speed-up: with any number of jobs it takes 6 min 30 s (a.py::slow)" in told.out
    assert "best: 3 jobs; another one saves less than the 1 min 30 s it costs" in told.out
    value = json.loads(shard(tmp_path, *common, "--json").out)
    assert value["best"] == 3
    assert value["makespan_seconds"] == value["lower_bound_seconds"] == 390
    assert [(each["jobs"], each["makespan_seconds"], each["billed_minutes"]) for each in value["jobs"]][:3] == [
        (1, 990, 17),
        (2, 570, 19),
        (3, 390, 21),
    ]
    assert sorted(test for each in value["shards"] for test in each["tests"]) == sorted(
        (tmp_path / "t").read_text(encoding="utf-8").split()
    )


def test_new_tests_gone_ones_and_strangers_are_said(tmp_path: Path, shard: Shard) -> None:
    durations(tmp_path, {"a.py::x": 3.0, "a.py::gone": 9.0})
    listed = "a.py::x\na.py::new\nb.py::new\na.py::x\n"
    told = shard(tmp_path, "--into", "2", "--tests", "-", "--from", ".test_durations", stdin=listed)
    assert "never seen, taken to need the median of their file: 1 test" in told.out
    assert "never seen, taken to need the median of all: 1 test" in told.out
    assert "not in the list, so left out: 1 name" in told.out
    assert "that name a test again, left out: 1" in told.out
    strange = shard(tmp_path, "--into", "2", "--tests", "-", "--from", ".test_durations", stdin="z.py::x\n")
    assert 'have nothing in common: "a.py::gone", "z.py::x"' in strange.out
    assert "how long they take is not known" in strange.out


def test_priority_comes_by_glob_or_by_an_earlier_failure(tmp_path: Path, shared_data: Path, shard: Shard) -> None:
    durations(tmp_path, {f"a.py::t{n}": 1.0 for n in range(6)} | {"smoke.py::s": 0.1, "smoke.py::t": 0.1})
    value = json.loads(
        shard(tmp_path, "--into", "2", "--tests", "t", "--from", ".test_durations", "--first", "smoke*", "--json").out
    )
    assert value["algorithm"] == "priority-first"
    assert sorted(each["tests"][0] for each in value["shards"]) == ["smoke.py::s", "smoke.py::t"]
    idle = shard(tmp_path, "--into", "2", "--tests", "t", "--first", "smok", "--failed-first")
    assert 'no test is called "smok"' in idle.out
    assert "no test of the list failed in a recorded run" in idle.out
    report = shared_data / "junit/real/pytest_xunit1.xml"
    failed = json.loads(shard(tmp_path, "--into", "1", "--from", str(report), "--failed-first", "--json").out)
    first = failed["shards"][0]["tests"]
    assert "test_x.py::test_fail" in first[:6]
    assert "test_x.py::test_ok" in first[6:]


def test_formats_for_other_splitters_tell_the_measured_times(tmp_path: Path, shard: Shard) -> None:
    durations(tmp_path, {"a.py::T::x": 3.0, "a.py::gone": 9.0})
    common = ("--into", "2", "--tests", "-", "--from", ".test_durations", "--format")
    listed = "a.py::T::x\na.py::new\n"
    assert json.loads(shard(tmp_path, *common, "pytest-split", stdin=listed).out) == {"a.py::T::x": 3.0}
    rows = json.loads(shard(tmp_path, *common, "circleci", stdin=listed).out)["tests"]
    assert [(row["file"], row["name"], row["run_time"]) for row in rows] == [
        ("a.py", "a.py::T::x", 3.0),
        ("a.py", "a.py::new", 3.0),
    ]


# --- the baseline's runs ----------------------------------------------------------------------------------------------


def admitted(program: Program, times: dict[str, float], *, provider: str = "github", number: int = 1) -> None:
    tested = program.commit(f"state {number}")
    machine = MachineClass("linux", "x86_64", "ubuntu-24.04", "", 4)
    context = Context(
        tested=tested,
        head=tested,
        started_at=f"2026-10-01T00:00:{number:02d}Z",
        machine=machine,
        provider=provider,
        ci_run=str(number) if provider else "",
    )
    rows: tuple[dict[str, Any], ...] = tuple(
        {"suite": "unit", "test": name.replace(".py::", "."), "file": "a.py", "seconds": seconds, "id": name}
        for name, seconds in times.items()
    )
    directory.admit(program.root / "baselines", Run(context, (), {"test_times": rows}))


def test_by_default_times_are_those_of_the_baselines_runs_in_ci(tmp_path: Path) -> None:
    program = Program(tmp_path, "version: 1\n")
    for number, slow in enumerate((50.0, 60.0, 70.0), 1):
        admitted(program, {"a.py::slow": slow, "a.py::x": 20.0, "a.py::y": 30.0}, number=number)
    admitted(program, {"a.py::slow": 1.0, "a.py::x": 900.0, "a.py::y": 1.0}, provider="", number=4)
    (tmp_path / "t").write_text("a.py::x\na.py::slow\na.py::y\n", encoding="utf-8")
    value = json.loads(program.perfgate("shard", "--into", "2", "--tests", "t", "--json").out)
    assert [each["seconds"] for each in value["shards"]] == [60, 50]
    assert value["times"]["source"] == "3 runs on ubuntu-24.04, linux/x86_64, 4 CPUs of the baseline"
    assert "left out, because CI did not run them: 1 run" in value["notes"]
    # Those runs do not name what was skipped.
    ended = program.perfgate("shard", "--into", "2", "--index", "1")
    assert ended.code == 2
    assert "the others would never run" in ended.err


def test_a_run_that_was_measured_here_is_used_where_the_baseline_has_none(suite: Path) -> None:
    program = Program(suite, git=False)
    measured = program.perfgate("measure", "tests", "--suite", "unit", "--report", "report.xml")
    assert measured.code == 0, measured.err
    told = program.perfgate("shard", "--into", "2", "--tests", "collected.txt")
    assert "times: medians of 1 run" in told.out
    assert "measured here" in told.out
    assert "these times were not taken in CI" in told.out


def test_a_list_that_is_a_loop_of_links_is_no_crash(suite: Path) -> None:
    (suite / "loop").symlink_to("loop")
    ended = Program(suite, git=False).perfgate("shard", "--into", "2", "--from", "report.xml", "--tests", "loop")
    assert ended.code == 1, ended
    assert ended.err.startswith("perfgate: loop: the file cannot be read: "), ended.err
