"""Turns the histories of ../shared/data into the harness's layout: python tests/benchmarks/convert_histories.py SRC DST."""

from __future__ import annotations

import csv
import json
import shutil
import sys
from collections.abc import Iterable, Iterator
from pathlib import Path

_COLUMNS = ("series", "build", "repeat", "value", "better")
_HIGHER_UNITS = ("/sec", "/s", "ops/", "items-per-second", "commits")

Row = tuple[str, str, str, str, str]


def main() -> int:
    """Convert what is there and say how much; a data set that is absent is left out."""
    if len(sys.argv) != 3:
        print(__doc__, file=sys.stderr)
        return 2
    source, target = Path(sys.argv[1]), Path(sys.argv[2])
    for name, convert in (
        ("sap-hana-small-2021", _sap_small),
        ("sap-hana-large-2022-sample", _sap_large),
        ("github-action-benchmark", _hosted),
        ("go-microbenchmarks-aa", _go),
        ("paired-aa", _pairs),
    ):
        if (source / name).is_dir():
            (target / name).mkdir(parents=True, exist_ok=True)
            print(f"{name}: {convert(source / name, target / name)} rows")
    return 0


def _write(path: Path, rows: Iterable[Row]) -> int:
    written = 0
    with path.open("w", encoding="utf-8", newline="") as stream:
        out = csv.writer(stream, lineterminator="\n")
        out.writerow(_COLUMNS)
        for row in rows:
            out.writerow(row)
            written += 1
    return written


def _numbered(series: str, pairs: Iterable[tuple[str, str]], better: str) -> Iterator[Row]:
    """Rows of one series from (build, value), each repeat of a build counted."""
    seen: dict[str, int] = {}
    for build, value in pairs:
        repeat = seen.get(build, 0)
        seen[build] = repeat + 1
        yield series, build, str(repeat), value, better


def _sap_small(source: Path, target: Path) -> int:
    builds: dict[str, list[str]] = {}
    total = 0
    for path in sorted((source / "data").glob("*.csv")):
        with path.open(encoding="utf-8-sig", newline="") as stream:
            rows = [(row["GHC"], row["Measurement"]) for row in csv.DictReader(stream)]
        builds[path.name] = [build for build, _ in rows]
        total += _write(target / path.name, _numbered(path.stem, rows, "lower"))
    with (
        (source / "dataset_details.csv").open(encoding="utf-8-sig", newline="") as stream,
        (target / "labels.csv").open("w", encoding="utf-8", newline="") as labels,
    ):
        out = csv.writer(labels, lineterminator="\n")
        out.writerow(("series", "kind", "change_build"))
        for row in csv.DictReader(stream, delimiter=";"):
            # The change point is the last row (counted from one) before the regression.
            last = int(row["Change Point"])
            slower = builds[row["Dataset"]][last] if last else ""
            out.writerow((Path(row["Dataset"]).stem, row["Type"].strip().lower(), slower))
    return total


def _sap_large(source: Path, target: Path) -> int:
    total = 0
    for path in sorted((source / "series").glob("*.csv")):
        with path.open(encoding="utf-8-sig", newline="") as stream:
            rows = [(row["sut_version"], row["value"]) for row in csv.DictReader(stream)]
        total += _write(target / path.name, _numbered(path.stem, rows, _better(path.stem.rpartition("__")[2])))
    return total


def _better(unit: str) -> str:
    return "higher" if any(part in unit for part in _HIGHER_UNITS) else "lower"


def _hosted(source: Path, target: Path) -> int:
    total = 0
    for path in sorted(source.glob("*/history.json")):
        project = path.parent.name.rpartition("+")[2]
        history = json.loads(path.read_text("utf-8"))
        series: dict[tuple[str, str], list[tuple[str, str]]] = {}
        for suite, entries in history["entries"].items():
            for entry in entries:
                for bench in entry["benches"]:
                    unit = str(bench["unit"]).split()[0]
                    if "aux" not in unit.lower():
                        name = f"{project}/{suite}/{bench['name']}[{unit}]"
                        series.setdefault((name, _better(unit)), []).append(
                            (entry["commit"]["id"], str(bench["value"]))
                        )
        rows = (row for (name, better), pairs in series.items() for row in _numbered(name, pairs, better))
        total += _write(target / f"{project}.csv", rows)
    return total


def _go(source: Path, target: Path) -> int:
    """Every repetition is the same code on the same machine: one build, the values in the order in which they were taken."""
    total = 0
    for path in sorted(source.glob("*.csv")):
        project = path.name.partition("__results")[0].replace("__", "/")
        series: dict[str, list[tuple[str, str]]] = {}
        with path.open(encoding="utf-8-sig", newline="") as stream:
            for row in csv.reader(stream, delimiter=";"):
                series.setdefault(f"{project}/{row[2].lstrip('/')}", []).append((row[1], row[3]))
        rows = (row for name, pairs in series.items() for row in _numbered(name, pairs, "lower"))
        total += _write(target / f"{path.name.partition('__results')[0]}.csv", rows)
    return total


def _pairs(source: Path, target: Path) -> int:
    shutil.copyfile(source / "pairs.csv", target / "pairs.csv")
    with (target / "pairs.csv").open(encoding="utf-8") as stream:
        return sum(1 for _ in stream) - 1


if __name__ == "__main__":
    sys.exit(main())
