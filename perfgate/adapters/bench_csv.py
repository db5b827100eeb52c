"""A table of samples as CSV: a header that names "benchmark" and "value", and a line for every sample."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterator
from typing import NamedTuple

from perfgate.adapters.bench_reading import MOST_BENCHMARKS, Findings, Reading
from perfgate.adapters.bench_units import cleaned
from perfgate.core.metrics import Direction
from perfgate.core.model import is_label_name, is_metric_name
from perfgate.errors import InputError

TOOL = "csv"
_NAMES = ("benchmark", "name")
_KNOWN = {"benchmark", "name", "value", "metric", "unit", "better", "tool"}
_LONGEST_HEADER = 10_000
_MOST_COLUMNS = 20
MOST_SAMPLES = 1_000_000
_WORDS = {each.value: each for each in Direction}


class _Key(NamedTuple):
    metric: str
    unit: str
    better: str
    benchmark: str
    labels: tuple[tuple[str, str], ...]


def why_not(text: str) -> str:
    """Why this text is no such table; "" where it is."""
    columns = _header(text)[0]
    if "value" not in columns:
        return 'the first line names no column "value"'
    return "" if set(columns) & set(_NAMES) else 'the first line names no column "benchmark"'


def read(text: str, where: str) -> Reading:
    """The samples in a text that `why_not` accepted. Columns with names of their own are labels, and say which series it is."""
    columns, separator = _header(text)
    _check_header(columns, where)
    findings = Findings(TOOL, where)
    groups: dict[_Key, tuple[int, list[float]]] = {}
    for total, (line, cells) in enumerate(_rows(text, separator, len(columns), where), 1):
        row = dict(zip(columns, cells, strict=True))
        key = _key(row)
        groups.setdefault(key, (line, []))[1].append(_number(row["value"], f"{where}:{line}"))
        if total > MOST_SAMPLES or len(groups) > MOST_BENCHMARKS:
            raise InputError("the table has more lines than are read", where=f"{where}:{line}")
    for key, (line, values) in groups.items():
        _series(key, line, values, findings)
    return findings.reading(twice="give a series the same unit and direction in every line")


def _series(key: _Key, line: int, values: list[float], findings: Findings) -> None:
    place = f"{findings.where}:{line}"
    if not is_metric_name(key.metric) or not key.metric.startswith("bench."):
        raise InputError('a metric here is named "bench." and lower-case words', where=place)
    if key.better and key.better not in _WORDS:
        raise InputError(f'"better" is one of {", ".join(_WORDS)}', where=place)
    unit = cleaned(key.unit or "1")
    better = _WORDS.get(key.better, Direction.NONE)
    series = findings.series(key.metric, key.benchmark, place, **dict(key.labels))
    scaled = [unit.value(value) for value in values]
    findings.add(
        series, unit.unit, better, scaled, f"{place} ({key.unit[:40] or '1'})", zero_is_real=unit.unit.base != "s"
    )


def _key(row: dict[str, str]) -> _Key:
    labels = tuple((name, value) for name, value in row.items() if name not in _KNOWN and value)
    name = row.get("benchmark") or row.get("name", "")
    metric = row.get("metric") or "bench.value"
    return _Key(metric, row.get("unit", ""), row.get("better", "").lower(), name, labels)


def _header(text: str) -> tuple[list[str], str]:
    line = text[:_LONGEST_HEADER].lstrip("\n\r").partition("\n")[0].strip()
    separator = max(",;\t", key=line.count)
    columns = [cell.strip().strip('"').strip().lower() for cell in line.split(separator)]
    return columns, separator


def _check_header(columns: list[str], where: str) -> None:
    if len(columns) > _MOST_COLUMNS:
        raise InputError(f"more than {_MOST_COLUMNS} columns", where=f"{where}:1")
    for name in columns:
        if columns.count(name) > 1:
            raise InputError(f'the column "{name[:60]}" is there twice', where=f"{where}:1")
        if name not in _KNOWN and not is_label_name(name):
            raise InputError(
                f'the column "{name[:60]}" is no name of a label',
                where=f"{where}:1",
                remedy="write one lower-case word",
            )


def _rows(text: str, separator: str, width: int, where: str) -> Iterator[tuple[int, list[str]]]:
    reader = csv.reader(io.StringIO(text.lstrip("\n\r"), newline=""), delimiter=separator, strict=True)
    try:
        for cells in reader:
            if reader.line_num == 1 or not any(cell.strip() for cell in cells):
                continue
            if len(cells) != width:
                what = f"this line has {len(cells)} cells, the header {width}"
                raise InputError(what, where=f"{where}:{reader.line_num}", remedy="put texts with separators in quotes")
            yield reader.line_num, [cell.strip() for cell in cells]
    except csv.Error as error:
        raise InputError(f"this is not CSV: {error}", where=f"{where}:{reader.line_num}") from error


def _number(text: str, place: str) -> float:
    if len(text) <= 60 and not text.count("_"):
        try:
            return float(text)
        except ValueError:
            pass
    raise InputError(
        f'"{text[:40]}" is not a number', where=place, remedy="write a decimal point, no thousands separators, no unit"
    )
