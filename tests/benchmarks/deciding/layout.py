"""Reading folders of CSV files in the harness's layout: histories, labels, and pairs of sides.

A file is known by its header. `series,build,repeat,value,better`: one value a row, rows of a series in the order of time
(`repeat` and `better` may be missing; without `series` the file's name is the series). `series,kind,change_build`: labels.
`session,load,design,command,order,side,wall_s,cpu_s`: two sides of one program. Files may be compressed with gzip.
"""

from __future__ import annotations

import csv
import gzip
import math
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple, TextIO

from perfgate.errors import InputError

_ENDINGS = (".csv", ".csv.gz")
_PAIRS = frozenset({"session", "command", "side", "wall_s"})
_HISTORY = frozenset({"build", "value"})
_LABELS = frozenset({"series", "kind"})
_REMEDY = "columns are series,build,repeat,value,better, or series,kind,change_build, or session,load,design,command,order,side,wall_s,cpu_s"
_MOST_TEXT = 500
#: What the design of alternating pairs may be called; any other design stands beside it as a contrast.
INTERLEAVED = ("paired", "interleaved")


class History(NamedTuple):
    """One series: values in the order of time, repeats of a build side by side. `better` is "lower" or "higher"."""

    series: str
    better: str
    builds: tuple[str, ...]
    values: tuple[float, ...]


class Label(NamedTuple):
    """What people said of a series: `kind` ("regression", "stable", …), and the first build that is worse ("" without one)."""

    series: str
    kind: str
    change_build: str


class Pairs(NamedTuple):
    """Values of side A and side B by position, measured in one session; `cpu` is empty where it was not measured."""

    session: str
    load: str
    design: str
    command: str
    wall: tuple[tuple[float, float], ...]
    cpu: tuple[tuple[float, float], ...]


class DataSet(NamedTuple):
    """All that one folder holds."""

    name: str
    histories: tuple[History, ...] = ()
    labels: tuple[Label, ...] = ()
    pairs: tuple[Pairs, ...] = ()


class _Row(NamedTuple):
    """One row of a file: its cells by column, and where it is written."""

    cells: Mapping[str, str]
    where: str

    def text(self, column: str, default: str | None = None) -> str:
        value = self.cells.get(column, "").strip()
        if len(value) > _MOST_TEXT:
            raise InputError(f"the {column} is longer than {_MOST_TEXT} characters", where=self.where)
        if value:
            return value
        if default is None:
            raise InputError(f"the {column} is empty", where=self.where)
        return default

    def number(self, column: str) -> float:
        written = self.text(column)
        try:
            value = float(written)
        except ValueError:
            value = math.nan
        if not math.isfinite(value):
            raise InputError(f'the {column} "{written[:40]}" is not a number', where=self.where)
        return value


class _Build(NamedTuple):
    repeats: list[tuple[float, float]]


class _Gathered(NamedTuple):
    """What was read so far of one folder."""

    values: dict[str, dict[str, _Build]]
    better: dict[str, str]
    labels: dict[str, Label]
    sides: dict[tuple[str, str, str, str], dict[tuple[float, str], tuple[float, float | None]]]


def read(folders: Iterable[Path]) -> list[DataSet]:
    """One data set for each folder that holds CSV files, at any depth; InputError where there is nothing, or nonsense."""
    found: list[DataSet] = []
    for folder in folders:
        if not folder.is_dir():
            raise InputError(f"{folder} is not a folder", remedy="name folders of CSV files")
        inside = sorted({path.parent for path in folder.rglob("*") if _is_table(path)})
        if not inside:
            raise InputError(f"{folder} holds no CSV files", remedy=_REMEDY)
        for place in inside:
            relative = place.relative_to(folder)
            name = folder.resolve().name if relative == Path() else relative.as_posix()
            taken = any(data.name == name for data in found)
            found.append(_read_folder(place, str(place) if taken else name))
    return found


def _is_table(path: Path) -> bool:
    return path.name.lower().endswith(_ENDINGS) and path.is_file()


def _read_folder(folder: Path, name: str) -> DataSet:
    gathered = _Gathered({}, {}, {}, {})
    for path in sorted(folder.iterdir()):
        if _is_table(path):
            _read_table(path, gathered)
    histories = tuple(_history(series, builds, gathered.better) for series, builds in gathered.values.items())
    for label in gathered.labels.values():
        builds = gathered.values.get(label.series)
        if builds is None:
            raise InputError(f'labels name the series "{label.series}", which has no values', where=str(folder))
        if label.change_build and label.change_build not in builds:
            raise InputError(f'"{label.series}" has no build "{label.change_build}"', where=str(folder))
    pairs = tuple(_pairs(key, cells, str(folder)) for key, cells in gathered.sides.items())
    return DataSet(name, histories, tuple(gathered.labels.values()), pairs)


def _read_table(path: Path, gathered: _Gathered) -> None:
    try:
        with _opened(path) as stream:
            rows = _rows(stream, path)
            columns = next(rows).cells
            if columns.keys() >= _PAIRS:
                for row in rows:
                    _take_side(row, gathered)
            elif columns.keys() >= _HISTORY:
                for row in rows:
                    _take_value(row, path, gathered)
            elif columns.keys() >= _LABELS:
                for row in rows:
                    label = Label(row.text("series"), row.text("kind").lower(), row.text("change_build", ""))
                    gathered.labels[label.series] = label
            else:
                raise InputError("none of the known columns", where=str(path), remedy=_REMEDY)
    except (OSError, EOFError, UnicodeDecodeError, csv.Error) as error:
        raise InputError(f"cannot be read: {error}", where=str(path), remedy=_REMEDY) from error


def _opened(path: Path) -> TextIO:
    if path.name.lower().endswith(".gz"):
        return gzip.open(path, "rt", encoding="utf-8-sig", newline="")
    return path.open(encoding="utf-8-sig", newline="")


def _rows(stream: TextIO, path: Path) -> Iterator[_Row]:
    """The header first (each column standing for itself), then the rows."""
    reader = csv.reader(stream)
    header = [cell.strip().lower() for cell in next(reader, [])]
    if len(set(header)) < len(header):
        raise InputError("a column is named twice", where=str(path))
    yield _Row({column: column for column in header}, str(path))
    for cells in reader:
        if not cells:
            continue
        where = f"{path}:{reader.line_num}"
        if len(cells) != len(header):
            raise InputError(f"{len(cells)} cells in a row of {len(header)} columns", where=where)
        yield _Row(dict(zip(header, cells, strict=True)), where)


def _take_value(row: _Row, path: Path, gathered: _Gathered) -> None:
    series = row.text("series", path.name.partition(".csv")[0])
    better = row.text("better", "lower").lower()
    if better not in ("lower", "higher"):
        raise InputError(f'better is "{better}", not lower or higher', where=row.where)
    if gathered.better.setdefault(series, better) != better:
        raise InputError(f'"{series}" is better in two directions', where=row.where)
    build = gathered.values.setdefault(series, {}).setdefault(row.text("build"), _Build([]))
    written = row.text("repeat", "")
    repeat = row.number("repeat") if written else float(len(build.repeats))
    build.repeats.append((repeat, row.number("value")))


def _history(series: str, builds: Mapping[str, _Build], better: Mapping[str, str]) -> History:
    names: list[str] = []
    values: list[float] = []
    for name, build in builds.items():
        repeats = sorted(build.repeats, key=lambda pair: pair[0])
        if len({repeat for repeat, _ in repeats}) < len(repeats):
            raise InputError(f'build "{name}" of "{series}" has the same repeat twice')
        names += [name] * len(repeats)
        values += [value for _, value in repeats]
    return History(series, better[series], tuple(names), tuple(values))


def _take_side(row: _Row, gathered: _Gathered) -> None:
    side = row.text("side").upper()
    if side not in ("A", "B"):
        raise InputError(f'the side is "{side}", not A or B', where=row.where)
    wall = row.number("wall_s")
    cpu = row.number("cpu_s") if row.text("cpu_s", "") else None
    if wall <= 0 or (cpu is not None and cpu < 0):
        raise InputError("a time is not positive", where=row.where)
    key = (row.text("session"), row.text("load", "unknown"), row.text("design", "paired"), row.text("command"))
    place = (row.number("order"), side)
    if gathered.sides.setdefault(key, {}).setdefault(place, (wall, cpu)) != (wall, cpu):
        raise InputError(f"order {place[0]:g}, side {side} is there twice", where=row.where)


def _pairs(
    key: tuple[str, str, str, str], cells: Mapping[tuple[float, str], tuple[float, float | None]], where: str
) -> Pairs:
    orders = sorted({order for order, _ in cells})
    lonely = [order for order in orders if (order, "A") not in cells or (order, "B") not in cells]
    if lonely:
        raise InputError(f"session {key[0]}, {key[3]}: order {lonely[0]:g} has one side only", where=where)
    wall = tuple((cells[order, "A"][0], cells[order, "B"][0]) for order in orders)
    cpu = tuple((a, b) for order in orders if (a := cells[order, "A"][1]) and (b := cells[order, "B"][1]))
    return Pairs(*key, wall, cpu if len(cpu) == len(wall) else ())
