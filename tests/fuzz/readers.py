"""Coverage-guided fuzzing of everything that reads foreign text: a reader yields a valid model or one of perfgate's errors.

    python -m pip install atheris
    python tests/fuzz/readers.py suites FOLDER -max_total_time=3600

FOLDER keeps what was found on the way (it begins as a copy of the corpus); options behind it are libFuzzer's. An input that makes
anything else come out, takes longer than five seconds or more than 1 GB is written beside it, and the exit code tells.
"""

from __future__ import annotations

import os
import shutil
import sys
from collections.abc import Callable, Mapping
from io import BytesIO
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT))

import atheris  # noqa: E402

with atheris.instrument_imports(include=["perfgate"]):
    from perfgate.adapters import benchmarks, suite_formats
    from perfgate.adapters.suite_report import Report
    from perfgate.core.model import Capture, Context, Run
    from perfgate.errors import PerfgateError
    from perfgate.formats import budgets, decision_reading, run

LARGEST = 64 * 1024


def _bench(data: bytes) -> None:
    _keep(benchmarks.read(data, "fuzzed").capture)


def _suites(data: bytes) -> None:
    report = Report()
    suite_formats.read(BytesIO(data), "fuzzed", report)
    _whole(report)


def _formats(data: bytes) -> None:
    for load in (run.load, decision_reading.load, budgets.load):
        try:
            load(data, "fuzzed")
        except PerfgateError as error:
            _told(error)


def _whole(report: Report) -> None:
    """What a report adds up to has no negative, infinite or missing part."""
    cases = list(report.cases())
    if len(cases) != len(report) or any(case.seconds is not None and not 0 <= case.seconds < 1e12 for case in cases):
        raise AssertionError("the report's cases and columns disagree")


def _keep(capture: Capture) -> None:
    """What was read can be written as a run, and read again as the same."""
    written = run.dump(Run(Context(), capture.measurements, capture.details, capture.caveats))
    if run.dump(run.load(written, "again")) != written:
        raise AssertionError("the run is not what was written")


def _told(error: PerfgateError) -> None:
    if not str(error).strip():
        raise AssertionError("an error says nothing")


TARGETS: Mapping[str, tuple[Callable[[bytes], None], tuple[str, ...]]] = {
    "bench": (_bench, ("tests/corpus/bench",)),
    "suites": (_suites, ("tests/corpus/junit", "tests/corpus/suites")),
    "formats": (_formats, ("baselines", "budgets.yaml", "tests/golden", "tests/render/golden")),
}


def main() -> None:
    """Fuzz the target named first, into the folder named second."""
    name, folder, *options = sys.argv[1:]
    target, sources = TARGETS[name]
    _begin(Path(folder), sources)

    def once(data: bytes) -> None:
        try:
            target(data)
        except PerfgateError as error:
            _told(error)

    limits = ["-timeout=5", "-rss_limit_mb=1024", f"-max_len={LARGEST}", f"-artifact_prefix={folder}-"]
    atheris.Setup([sys.argv[0], folder, *limits, *options], once)
    atheris.Fuzz()


def _begin(folder: Path, sources: tuple[str, ...]) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    for source in sources:
        place = ROOT / source
        files = [place] if place.is_file() else [path for path in place.rglob("*") if path.is_file()]
        for number, path in enumerate(files):
            if path.stat().st_size <= LARGEST:
                shutil.copyfile(path, folder / f"{source.replace(os.sep, '-')}-{number}")


if __name__ == "__main__":
    main()
