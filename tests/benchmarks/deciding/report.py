"""The figures as tables: for the terminal, as Markdown for docs/reference/decisions.md, and as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import NamedTuple

from deciding.replay import BLOCK, SIZES
from deciding.score import Figure, Rate
from perfgate.render.markdown_text import prose
from perfgate.render.text import harmless


class _Column(NamedTuple):
    """A column of a table: its heading, which figure stands in it, and with how many decimal places of a per cent."""

    heading: str
    measure: str
    size: float
    places: int = 0


def _at_sizes(word: str, measure: str, sizes: Sequence[float]) -> tuple[_Column, ...]:
    return tuple(_Column(f"{word} +{size:.0%}".strip(), measure, size) for size in sizes)


_DETECTION = (
    _Column("false alarms", "false alarm", 0.0, 2),
    _Column("per run", "false alarm per run", 0.0, 2),
    *_at_sizes("", "detected", SIZES[1:]),
)
_LEVELS = (
    _Column("warned +0%", "warned", 0.0, 2),
    *_at_sizes("warned", "warned", SIZES[1:]),
    _Column("blocked +0%", "blocked", 0.0, 2),
    *_at_sizes("blocked", "blocked", SIZES[1:]),
    _Column("pairs taken +0%", "share of the pairs taken", 0.0),
    *_at_sizes("pairs taken", "share of the pairs taken", SIZES[1:]),
)
_HONESTY = (
    _Column("left out", "left out, the level moved", 0.0),
    _Column("inconclusive", "inconclusive", 0.0),
    _Column("and +10% missed", "inconclusive and then missed", BLOCK),
    _Column("passed, +10% seen", "passed and then seen", BLOCK),
    _Column("blocked +10% where not visible", "blocked where not visible", BLOCK),
    _Column("seen at the size called visible", "seen at the size called visible", 0.0),
    _Column("measured again +0%", "measured again", 0.0, 1),
    _Column("measured again +10%", "measured again", BLOCK, 1),
)
_LABELLED = (
    _Column("regressions found", "regressions found", 0.0),
    _Column("other series alarmed", "others alarmed", 0.0),
    _Column("builds beside the label", "mean builds beside the label", 0.0),
)
_TABLES = (
    ("", _DETECTION),
    ("Levels under the default budget", _LEVELS),
    ("What it could not tell", _HONESTY),
    ("Labelled series", _LABELLED),
)


def text(figures: Sequence[Figure]) -> str:
    """The tables for the terminal, a line for each rule and the information it had."""
    lines: list[str] = []
    for data, title, columns, rows in _tables(figures):
        names = [harmless(name) for name, _ in rows]
        widths = [
            max(len(column.heading), *(len(cells[index]) for _, cells in rows)) for index, column in enumerate(columns)
        ]
        first = max(len(name) for name in names)
        heading = f"{harmless(data)}{': ' + title.lower() if title else ''}"
        lines += [
            "",
            heading,
            " " * first + "".join(f"  {c.heading:>{w}}" for c, w in zip(columns, widths, strict=True)),
        ]
        for name, (_, cells) in zip(names, rows, strict=True):
            lines.append(f"{name:{first}}" + "".join(f"  {cell:>{w}}" for cell, w in zip(cells, widths, strict=True)))
    return "\n".join(lines[1:])


def markdown(figures: Sequence[Figure]) -> str:
    """The same tables as docs/reference/decisions.md holds them."""
    lines: list[str] = []
    for data, title, columns, rows in _tables(figures):
        if not title:
            lines += [f"### {prose(data)}", ""]
        lines += [f"**{title}**", ""] if title else []
        lines.append("| rule, information | " + " | ".join(column.heading for column in columns) + " |")
        lines.append("|---" * (len(columns) + 1) + "|")
        lines += [f"| {prose(name)} | " + " | ".join(cells) + " |" for name, cells in rows]
        lines.append("")
    return "\n".join(lines[:-1])


def _tables(
    figures: Sequence[Figure],
) -> Iterator[tuple[str, str, Sequence[_Column], list[tuple[str, list[str]]]]]:
    """Each table that has anything in it: its data set, its title, its columns, and its rows by name."""
    for data in dict.fromkeys(figure.data for figure in figures):
        cells: dict[str, dict[tuple[str, float], Rate]] = {}
        for figure in figures:
            if figure.data == data:
                cells.setdefault(f"{figure.rule}: {figure.information}", {})[figure.measure, figure.size] = figure.rate
        for title, columns in _TABLES:
            used = [c for c in columns if any((row.get((c.measure, c.size)) or _NOTHING).n for row in cells.values())]
            rows = [
                (name, [_written(row.get((column.measure, column.size)), column) for column in used])
                for name, row in cells.items()
                if any((column.measure, column.size) in row for column in used)
            ]
            if used:
                yield data, title, used, rows


_NOTHING = Rate(0, 0, 0, None, None, None)


def _written(rate: Rate | None, column: _Column) -> str:
    """A per cent with its interval, a count where it is of a few labelled series, a plain mean, or a dash."""
    if rate is None or rate.value is None or rate.low is None or rate.high is None:
        return "-"
    if column.measure == _LABELLED[2].measure:
        return f"{rate.value:.1f}"
    if column in _LABELLED:
        return f"{rate.hits} of {rate.n}"
    value, low, high = (f"{100 * share:.{column.places}f}" for share in (rate.value, rate.low, rate.high))
    return f"{value} [{low}, {high}]"


def write_json(path: Path, figures: Sequence[Figure], settings: Mapping[str, str | int]) -> None:
    """What was asked for, and every figure with its interval, its hits and n."""
    rows = [
        {
            "data": figure.data,
            "rule": figure.rule,
            "information": figure.information,
            "measure": figure.measure,
            "size": figure.size,
            **figure.rate._asdict(),
        }
        for figure in figures
    ]
    path.write_text(json.dumps({**settings, "figures": rows}, indent=1) + "\n", "utf-8")
