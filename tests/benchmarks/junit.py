"""A JUnit report of 200,000 cases: perfgate's reader against an expat pass with empty Python handlers, and its peak memory."""

from __future__ import annotations

import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path
from xml.parsers import expat

CASES, ROUNDS = 200_000, 5


def write(path: Path) -> None:
    """A report like pytest's, 30 MB."""
    with path.open("w", encoding="utf-8") as file:
        file.write(
            f'<?xml version="1.0" encoding="utf-8"?><testsuites name="pytest tests"><testsuite name="pytest" tests="{CASES}" time="321.5">'
        )
        for number in range(CASES):
            file.write(
                f'<testcase classname="tests.unit.test_module_{number // 100}" name="test_case[{number}-parameter]" time="{number % 97 / 1000:.3f}" />'
            )
        file.write("</testsuite></testsuites>")


def empty_pass(path: Path) -> None:
    """expat with Python handlers that do nothing."""
    parser = expat.ParserCreate()
    parser.StartElementHandler = lambda _tag, _attributes: None
    parser.EndElementHandler = lambda _tag: None
    with path.open("rb") as file:
        parser.ParseFile(file)


def read(path: Path) -> None:
    """perfgate's reader, and a walk over the cases."""
    from perfgate.adapters.junit import Report

    report = Report()
    with path.open("rb") as file:
        report.read(file, path.name)
    assert sum(1 for _ in report.cases()) == CASES


def main() -> None:
    """Print the ratio of the medians, and the memory of a process that only reads."""
    if len(sys.argv) == 2:
        read(Path(sys.argv[1]))
        # Not ru_maxrss, which starts at the size of the process that forked this one.
        print(
            next(
                line.split()[1]
                for line in Path("/proc/self/status").read_text().splitlines()
                if line.startswith("VmHWM")
            )
        )
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
        empty, ours = statistics.median(times["empty"]), statistics.median(times["perfgate"])
        told = subprocess.run([sys.executable, __file__, str(path)], capture_output=True, text=True, check=True).stdout
        print(
            f"{CASES} cases, {path.stat().st_size / 1e6:.0f} MB: empty handlers {empty:.2f} s, perfgate {ours:.2f} s, {ours / empty:.2f} x"
        )
        print(f"peak memory of a process that reads it: {int(told) * 1024 / 1e6:.0f} MB")


if __name__ == "__main__":
    main()
