"""Instructions counted, by the real Valgrind: the same program always counts the same, and what does not is said."""

from __future__ import annotations

import os
import shutil
import stat
import subprocess
import sys
from pathlib import Path

import pytest

from perfgate.core.baseline import Kind, collect
from perfgate.core.compare import Exact, Insufficient, compare
from perfgate.core.entries import PERF, VALGRIND, CommandEntry
from perfgate.core.metrics import Assumption
from perfgate.core.model import Capture, Context, Measurement, Run
from perfgate.core.observation import observe
from perfgate.errors import CommandFailed, InputError, OperationFailed
from perfgate.formats import run as run_format
from perfgate.measure.counting import capture
from perfgate.measure.surroundings import Surroundings

_needs_valgrind = pytest.mark.skipif(
    shutil.which("valgrind") is None or shutil.which("cc") is None, reason="valgrind or a C compiler is not installed"
)
_PYTHON = os.path.realpath(sys.executable)
#: Works a little, then, as it is told, forks, does a random amount more, or waits to be killed.
_PROBE = """
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>
#include <sys/wait.h>
static volatile long x;
static void work(long n) { for (long i = 0; i < n; i++) x += i; }
int main(int argc, char **argv) {
    const char *what = argc > 1 ? argv[1] : "";
    work(1000000);
    if (!strcmp(what, "fork")) { if (fork() == 0) _exit(0); wait(0); }
    if (!strcmp(what, "random")) { unsigned char n; FILE *f = fopen("/dev/urandom", "r"); n = fgetc(f); work(10000L * (n + 1)); }
    if (!strcmp(what, "killed")) {
        int ready[2], child; char byte;
        if (pipe(ready)) return 1;
        if ((child = fork()) == 0) { write(ready[1], "x", 1); pause(); }
        read(ready[0], &byte, 1); kill(child, 9); wait(0);
    }
    return 0;
}
"""


@pytest.fixture(scope="module")
def probe(tmp_path_factory: pytest.TempPathFactory) -> str:
    folder = tmp_path_factory.mktemp("probe")
    (folder / "probe.c").write_text(_PROBE, encoding="utf-8")
    subprocess.run(["cc", "-O0", "-o", str(folder / "probe"), str(folder / "probe.c")], check=True)
    return str(folder / "probe")


@pytest.fixture
def around(tmp_path: Path) -> Surroundings:
    (tmp_path / "work").mkdir()
    return Surroundings(tmp_path, tmp_path / "work", os.environ)


def _count(around: Surroundings, *run: str, counter: str = VALGRIND, runs: int = 10) -> Capture:
    return capture(CommandEntry("it", run, runs, 0, counter=counter), around, lambda _: None)


def _only(captured: Capture) -> Measurement:
    (found,) = captured.measurements
    return found


def _fake(folder: Path, name: str, script: str) -> None:
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
    path.chmod(path.stat().st_mode | stat.S_IXUSR)


def _with_path(around: Surroundings, folder: Path) -> Surroundings:
    return around._replace(environ={**around.environ, "PATH": f"{folder}:{around.environ['PATH']}"})


@_needs_valgrind
def test_a_program_counts_the_same_each_time_and_the_count_is_exact(around: Surroundings) -> None:
    captured = _count(around, "/bin/true")
    found = _only(captured)
    assert found.assumption is Assumption.EXACT
    assert len(found.values) == 1
    assert 10_000 < found.values[0] < 2_000_000
    assert dict(found.conditions).keys() == {"arch", "counter version", "libc"}
    assert dict(found.conditions)["counter version"].startswith("callgrind ")
    assert [row["instructions"] for row in captured.details["counts"]] == [found.values[0]] * 2
    # Its time in a simulation says nothing of its time.
    assert {each.series.metric for each in captured.measurements} == {"command.instructions"}


@_needs_valgrind
def test_programs_that_are_started_are_counted_too_and_how_many_is_said(around: Surroundings) -> None:
    alone = _only(_count(around, "/bin/true")).values[0]
    captured = _count(around, "/bin/sh", "-c", "/bin/true; /bin/true; exit 0")
    assert float(_only(captured).values[0]) > 2 * float(alone)
    assert "3 processes" in captured.caveats[0].message


@_needs_valgrind
def test_what_a_program_did_before_it_forked_counts_once(around: Surroundings, probe: str) -> None:
    """Valgrind's counters are copied by a fork: a sum over the files would count what came before it twice."""
    alone, forked = (_count(around, probe, *words) for words in ((), ("fork",)))
    assert "2 processes" in forked.caveats[0].message
    assert float(_only(forked).values[0]) < 1.1 * float(_only(alone).values[0])


@_needs_valgrind
def test_hashes_do_not_make_a_python_program_vary(around: Surroundings) -> None:
    names = "names = {str(i): i for i in range(500)}; list(set(names) | {'x'})"
    assert _only(_count(around, _PYTHON, "-S", "-c", names)).assumption is Assumption.EXACT


@_needs_valgrind
def test_counts_that_differ_are_noisy_and_never_judged_as_exact(around: Surroundings, probe: str) -> None:
    captured = _count(around, probe, "random")
    found = _only(captured)
    assert found.assumption is Assumption.NOISY
    assert len(found.values) == 3
    assert "differ by" in captured.caveats[-1].message
    run = Run(Context(tested="1" * 40, started_at="2026-01-01T00:00:00Z"), captured.measurements, captured.details)
    assert run_format.load(run_format.dump(run), "x") == run


@_needs_valgrind
def test_a_process_that_is_killed_is_missed_and_that_is_said(around: Surroundings, probe: str) -> None:
    captured = _count(around, probe, "killed")
    assert any(each.code == "not all counted" for each in captured.caveats)


@_needs_valgrind
def test_a_command_that_fails_is_not_counted(around: Surroundings) -> None:
    with pytest.raises(CommandFailed):
        _count(around, "/bin/false")


@_needs_valgrind
def test_a_folder_with_a_percent_sign_is_no_pattern(tmp_path: Path) -> None:
    (tmp_path / "100%p" / "work").mkdir(parents=True)
    around = Surroundings(tmp_path, tmp_path / "100%p" / "work", os.environ)
    assert _only(_count(around, "/bin/true")).values


def test_a_program_that_only_fails_in_the_simulation_is_said_to(around: Surroundings, tmp_path: Path) -> None:
    tools = tmp_path / "tools"
    tools.mkdir()
    _fake(tools, "valgrind", 'case "$1" in --version) echo valgrind-3.30.0;; *) kill -ILL $$;; esac')
    with pytest.raises(CommandFailed, match="succeeds by itself") as caught:
        _count(_with_path(around, tools), "/bin/true")
    assert "newer Valgrind" in caught.value.remedy


def test_a_counter_that_is_not_there_is_a_mistake_with_a_way_out(around: Surroundings, tmp_path: Path) -> None:
    tools = tmp_path / "tools"
    tools.mkdir()
    bare = around._replace(environ={"PATH": str(tools)})
    for counter, tool in ((VALGRIND, "valgrind"), (PERF, "perf")):
        with pytest.raises(InputError, match=f"{tool} is not installed") as caught:
            _count(bare, "/bin/true", counter=counter)
        assert "apt-get install" in caught.value.remedy


def test_counts_within_a_thousandth_are_their_median_and_that_is_said(around: Surroundings, tmp_path: Path) -> None:
    tools = tmp_path / "tools"
    tools.mkdir()
    counted = (
        'case "$1" in --version) echo valgrind-3.30.0; exit;; esac\n'
        'for word; do case "$word" in --callgrind-out-file=*) out="${word#*=}";; esac; done\n'
        f"n=$(cat {tools}/n 2>/dev/null || echo 0); echo $((n + 1)) > {tools}/n\n"
        'echo "totals: $((1000000 + n * 200))" > "${out%\\%p}7"'
    )
    _fake(tools, "valgrind", counted)
    captured = _count(_with_path(around, tools), "/bin/true")
    found = _only(captured)
    assert (found.assumption, found.values, found.resolution) == (Assumption.EXACT, (1_000_200.0,), 400.0)
    assert captured.caveats[-1].code == "counts differ a little"


@pytest.mark.parametrize("told", ["<not supported>", "<not counted>"])
def test_a_processor_that_does_not_count_is_no_count_of_zero(around: Surroundings, tmp_path: Path, told: str) -> None:
    tools = tmp_path / "tools"
    tools.mkdir()
    _fake(tools, "perf", _PERF.format(value=f'"{told}"', running="100.00"))
    with pytest.raises(OperationFailed, match=told.strip("<>")) as caught:
        _count(_with_path(around, tools), "/bin/true", counter=PERF)
    assert "--counter instructions" in caught.value.remedy


_PERF = (
    'case "$1" in --version) echo "perf version 6.1.0"; exit;; esac\n'
    'while [ "$1" != -o ]; do shift; done\n'
    'echo \'{{"counter-value" : {value}, "event" : "instructions:u", "pcnt-running" : {running}}}\' > "$2"'
)


def test_what_the_processor_counts_is_noisy_and_scaling_is_said(around: Surroundings, tmp_path: Path) -> None:
    tools = tmp_path / "tools"
    tools.mkdir()
    _fake(tools, "perf", _PERF.format(value='"123456.000000"', running="48.20"))
    captured = _count(_with_path(around, tools), "/bin/true", counter=PERF, runs=3)
    found = _only(captured)
    assert (found.assumption, found.values) == (Assumption.NOISY, (123456.0,) * 3)
    assert dict(found.conditions)["counter version"] == "perf instructions:u"
    assert "48 %" in captured.caveats[-1].message


@pytest.mark.skipif(shutil.which("perf") is None, reason="perf is not installed")
def test_the_real_perf_counts_or_says_why_not(around: Surroundings) -> None:
    if subprocess.run(["perf", "--version"], capture_output=True, check=False).returncode:
        pytest.skip("perf does not run here")
    try:
        found = _only(_count(around, "/bin/true", counter=PERF, runs=2))
    except OperationFailed as error:
        assert "does not count" in error.what
    else:
        assert min(found.values) > 1000


def _judged(before: Measurement, after: Measurement) -> object:
    from perfgate.core.baseline import BaselineRun
    from perfgate.core.model import MachineClass

    points = [(before.series, before.values[0], Kind.of(before, MachineClass()))]
    baseline = collect([(BaselineRun("r", "1" * 40, "2026-01-01T00:00:00Z"), points)])
    (found,) = compare(observe([Run(Context(), (after,))]), baseline)
    return found.evidence


@pytest.fixture
def counted(around: Surroundings, tmp_path: Path) -> Measurement:
    tools = tmp_path / "fake"
    tools.mkdir()
    _fake(tools, "perf", _PERF.format(value="1000000", running="100"))
    return _only(_count(_with_path(around, tools), "/bin/true", counter=PERF, runs=1))._replace(
        assumption=Assumption.EXACT
    )


def test_exact_counts_of_one_counter_are_compared_as_facts(counted: Measurement) -> None:
    assert isinstance(_judged(counted, counted._replace(values=(1_000_001.0,))), Exact)


def test_a_count_that_varies_is_not_compared_with_an_exact_one(counted: Measurement) -> None:
    found = _judged(counted, counted._replace(assumption=Assumption.NOISY, values=(9.0, 1e9, 5.0)))
    assert isinstance(found, Insufficient)
    assert "assumption noisy, was exact" in found.missing


@pytest.mark.parametrize("name", ["arch", "counter version", "libc"])
def test_what_shifts_a_count_keeps_it_from_being_compared(counted: Measurement, name: str) -> None:
    changed = tuple((key, "another" if key == name else value) for key, value in counted.conditions)
    found = _judged(counted, counted._replace(conditions=changed))
    assert isinstance(found, Insufficient)
    assert f"{name} another" in found.missing
