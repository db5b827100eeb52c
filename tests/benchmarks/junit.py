"""A JUnit report of 200,000 cases: `measure tests --junit` against an expat pass with empty Python handlers, and its peak memory."""

from __future__ import annotations

import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from xml.parsers import expat

CASES, ROUNDS = 200_000, 7
TRACE = "a line of a trace\n" * 10
RATIO, MEMORY = 3.0, 120e6


def write(path: Path) -> None:
    """A report like pytest's, 22 MB; one case in a hundred failed."""
    with path.open("w", encoding="utf-8") as file:
        file.write('<?xml version="1.0" encoding="utf-8"?><testsuites name="pytest tests">')
        file.write(f'<testsuite name="pytest" errors="0" tests="{CASES}" time="9876.5">')
        for number in range(CASES):
            inner = "" if number % 100 else f'<failure message="assert {number}">{TRACE}</failure>'
            name = f'classname="tests.unit.test_module_{number // 100}" name="test_case[{number}-parameter]"'
            file.write(f'<testcase {name} time="{number % 97 / 1000:.3f}">{inner}</testcase>')
        file.write("</testsuite></testsuites>")


def empty_pass(path: Path) -> None:
    """expat with Python handlers that do nothing."""
    parser = expat.ParserCreate()
    parser.StartElementHandler = lambda _tag, _attributes: None
    parser.EndElementHandler = lambda _tag: None
    parser.CharacterDataHandler = lambda _text: None
    with path.open("rb") as file:
        parser.ParseFile(file)


def read(path: Path) -> None:
    """All that perfgate does with a report: reading, totals, details."""
    from perfgate.core.entries import TestsEntry
    from perfgate.measure.surroundings import Surroundings
    from perfgate.measure.tests import capture

    around = Surroundings(path.parent, path.parent, os.environ)
    captured = capture(TestsEntry("tests", reports=(path.name,)), around, lambda _: None)
    values = {each.series.metric: sum(each.values) for each in captured.measurements}
    if (values["tests.count"], values["tests.failed"]) != (CASES, CASES // 100):
        raise SystemExit(f"the totals are wrong: {values}")


def peak() -> int:
    """The peak memory of this process in bytes; not ru_maxrss, which starts at the size of the process that forked this one."""
    lines = Path("/proc/self/status").read_text(encoding="ascii", errors="replace").splitlines()
    return next(int(line.split()[1]) * 1024 for line in lines if line.startswith("VmHWM"))


def main() -> None:
    """Print the ratio of the medians and the memory of a process that only reads; end with 1 where a bar is missed."""
    if len(sys.argv) == 2:
        read(Path(sys.argv[1]))
        print(peak())
        return
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "report.xml"
        write(path)
        times: dict[str, list[float]] = {"empty": [], "perfgate": []}
        for _ in range(ROUNDS):
            for name, work in (("empty", empty_pass), ("perfgate", read)):
                started = time.perf_counter()
                work(path)
                times[name].append(time.perf_counter() - started)
        size = path.stat().st_size / 1e6
        told = subprocess.run([sys.executable, __file__, str(path)], capture_output=True, text=True, check=True).stdout
    empty, ours = statistics.median(times["empty"]), statistics.median(times["perfgate"])
    ratio, memory = ours / empty, int(told)
    print(f"{CASES:,} cases, {size:.0f} MB: empty handlers {empty:.2f} s, perfgate {ours:.2f} s")
    print(
        f"ratio {ratio:.2f} (bar {RATIO:g}); peak memory of a process that reads it {memory / 1e6:.0f} MB (bar {MEMORY / 1e6:.0f})"
    )
    raise SystemExit(ratio > RATIO or memory > MEMORY)


if __name__ == "__main__":
    main()
