"""airspeed velocity's results (`results/MACHINE/COMMIT-ENVIRONMENT.json`): one file, or the folder with the newest commit's."""

from __future__ import annotations

import math
from collections.abc import Callable, Sequence
from itertools import product
from typing import Any

from perfgate.adapters.bench_reading import MOST_BENCHMARKS, Findings, Reading, number
from perfgate.adapters.bench_units import cleaned
from perfgate.adapters.labels import plain_text
from perfgate.core.metrics import Direction
from perfgate.core.units import Unit
from perfgate.errors import InputError

TOOL = "asv"
_NAMES = "benchmarks.json"
#: asv takes the kind of a benchmark from the first word of its name.
_KINDS = {
    "time": ("bench.time", Unit("s")),
    "timeraw": ("bench.time", Unit("s")),
    "mem": ("bench.memory", Unit("B")),
    "peakmem": ("bench.peak_memory", Unit("B")),
}
_Units = dict[str, str]


def why_not(value: object) -> str:
    """Why this JSON is no result file of asv; "" where it is."""
    if not isinstance(value, dict):
        return "the file is no JSON object"
    missing = [key for key in ("commit_hash", "env_name", "results") if key not in value]
    return f'there is no "{missing[0]}" at the top' if missing else ""


def read(value: Any, where: str) -> Reading:
    """The benchmarks of one file that `why_not` accepted; the units of track_ benchmarks stand in another file."""
    return _read(value, where, {})


def why_not_folder(names: Sequence[str]) -> str:
    """Why a folder with these files is no folder of asv's results; "" where it is."""
    root = _root(names)
    if root is None:
        return f"there is no {_NAMES} with MACHINE/machine.json beside it"
    return "" if _results(names, root) else "there is no MACHINE/COMMIT-ENVIRONMENT.json"


def claims(names: Sequence[str]) -> frozenset[str]:
    """The files of asv's among these."""
    root = _root(names)
    return frozenset(name for name in names if root is not None and name.startswith(root))


def results(_: Sequence[str]) -> Sequence[str]:
    """None: a folder of asv holds the results of many commits, each as old as it is."""
    return ()


def read_folder(names: Sequence[str], load: Callable[[str], Any], where: str) -> Reading:
    """The newest commit's results in a folder that `why_not_folder` accepted. Raises InputError for two machines' results."""
    root = _root(names) or ""
    newest: dict[str, Any] = {}
    commits: dict[str, float] = {}
    for name in _results(names, root):
        value = load(name)
        if not why_not(value):
            commit = plain_text(value["commit_hash"])
            commits[commit] = max(commits.get(commit, 0.0), number(value.get("date")) or 0.0)
            newest[name] = commit
    if not commits:
        raise InputError("no file in this folder holds results", where=where, remedy="run asv run")
    last = max(commits, key=lambda commit: (commits[commit], commit))
    chosen = [name for name, commit in newest.items() if commit == last]
    machines = sorted({name.removeprefix(root).partition("/")[0] for name in chosen})
    if len(machines) > 1:
        what = f"there are results of {len(machines)} machines: {', '.join(machines[:5])}"
        raise InputError(what, where=where, remedy="name the folder of one")
    units = _units(load(root + _NAMES))
    findings = Findings(TOOL, where)
    for name in chosen:
        _file(load(name), f"{where}/{name}", units, findings)
    if len(commits) > 1:
        findings.note(
            "other-commits",
            f"of {len(commits)} commits the newest is read, {last[:12]}",
            "name one file to read another",
        )
    return findings.reading(twice="two environments need different names")


def _read(value: Any, where: str, units: _Units) -> Reading:
    findings = Findings(TOOL, where)
    _file(value, where, units, findings)
    return findings.reading()


def _file(value: dict[str, Any], where: str, units: _Units, findings: Findings) -> None:
    columns, results = value.get("result_columns"), value["results"]
    if (
        not isinstance(columns, list)
        or not isinstance(results, dict)
        or not all(isinstance(each, str) for each in columns)
    ):
        raise InputError(
            '"result_columns" is a list of names, and "results" an object', where=where, remedy="run asv again"
        )
    environment = plain_text(value.get("env_name"))
    # An environment that was there before is named by its path, which is another one on every machine.
    environment = "" if environment.startswith("existing") else environment
    for name, row in results.items():
        place = f"{where}, $.results.{plain_text(name)[:200]}"
        if isinstance(row, list):
            told = dict(zip(columns, row, strict=False))
        elif isinstance(row, dict):
            told = row
        else:
            told = {}
        _benchmark(plain_text(name), told, environment, units, place, findings)


def _benchmark(
    name: str, told: dict[str, Any], environment: str, units: _Units, place: str, findings: Findings
) -> None:
    kind = name.rpartition(".")[2].partition("_")[0]
    if kind in _KINDS:
        metric, unit = _KINDS[kind]
        better = Direction.LOWER
    else:
        metric, (unit, _, better) = "bench.track", cleaned(units.get(name, "1"))
        better = Direction.NONE
    results, combined = told.get("result"), _combinations(told.get("params"), place)
    samples = told.get("samples")
    for index, parameters in enumerate(combined):
        series = findings.series(metric, name, place, parameters=parameters, environment=environment)
        one = results[index] if isinstance(results, list) and index < len(results) else None
        raw = samples[index] if isinstance(samples, list) and index < len(samples) else None
        if one is None:
            findings.fail(series, unit, better, place, "the benchmark failed; see the output of asv")
        elif isinstance(one, float) and math.isnan(one):
            findings.fail(series, unit, better, place, "the benchmark was skipped for these parameters")
        else:
            bare = not (isinstance(raw, list) and raw)
            found = [number(each) for each in ([one] if bare or not isinstance(raw, list) else raw)]
            values = [float("nan") if each is None else each for each in found]
            findings.add(series, unit, better, values, place, bare=bare, zero_is_real=metric != "bench.time")


def _combinations(params: object, place: str) -> list[str]:
    """All combinations of the parameters' values as text, in asv's order; one empty text where there are none."""
    lists = [each for each in (params if isinstance(params, list) else ()) if isinstance(each, list)]
    count = 1
    for each in lists:
        count *= len(each)
        if count > MOST_BENCHMARKS:
            raise InputError(f"more than {MOST_BENCHMARKS:,} combinations of parameters", where=place)
    return [", ".join(plain_text(value) for value in values) for values in product(*lists)]


def _units(value: object) -> _Units:
    """The units of the track_ benchmarks."""
    found = value.items() if isinstance(value, dict) else ()
    return {name: plain_text(each.get("unit")) for name, each in found if isinstance(each, dict) and each.get("unit")}


def _root(names: Sequence[str]) -> str | None:
    """The folder that holds benchmarks.json and machines, with its slash; None where there is none."""
    for name in sorted(names):
        root = name.removesuffix(_NAMES)
        is_named = name == _NAMES or name.endswith("/" + _NAMES)
        if is_named and any(each.startswith(root) and each.endswith("/machine.json") for each in names):
            return root
    return None


def _results(names: Sequence[str], root: str) -> list[str]:
    inside = (name for name in names if name.startswith(root) and name.endswith(".json"))
    return sorted(
        name for name in inside if name.removeprefix(root).count("/") == 1 and not name.endswith("/machine.json")
    )
