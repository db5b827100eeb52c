"""The figures as a table for the terminal and as JSON."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from deciding.score import Figure, Rate

#: Columns of the main table: what was counted, at which size.
_MAIN = (("false alarm", 0.0), ("false alarm per run", 0.0), *(("detected", size) for size in (0.05, 0.10, 0.25, 0.50)))


def text(figures: Sequence[Figure]) -> str:
    """A table of the main figures for each data set, then every other figure in a line."""
    lines: list[str] = []
    for data in dict.fromkeys(figure.data for figure in figures):
        mine = [figure for figure in figures if figure.data == data]
        lines += [
            "",
            data,
            f"  {'':58} {'false alarms':>22} {'per run':>22} {'+5 %':>16} {'+10 %':>16} {'+25 %':>16} {'+50 %':>16}",
        ]
        for rule, information in dict.fromkeys((figure.rule, figure.information) for figure in mine):
            cells = {(f.measure, f.size): f.rate for f in mine if (f.rule, f.information) == (rule, information)}
            row = "".join(
                f" {_written(cells.get(column), 2 if index < 2 else 0):>{22 if index < 2 else 16}}"
                for index, column in enumerate(_MAIN)
            )
            lines.append(f"  {f'{rule}: {information}':58}{row}")
            others = [(key, value) for key, value in cells.items() if key not in _MAIN and value.n]
            for measure in dict.fromkeys(key[0] for key, _ in others):
                told = ", ".join(f"+{key[1]:.0%} {_written(value, 1)}" for key, value in others if key[0] == measure)
                lines.append(f"      {measure}: {told}")
    return "\n".join(lines)


def _written(rate: Rate | None, places: int) -> str:
    if rate is None or rate.value is None or rate.low is None or rate.high is None:
        return "-"
    return f"{100 * rate.value:.{places}f} [{100 * rate.low:.{places}f}, {100 * rate.high:.{places}f}]"


def write_json(path: Path, figures: Sequence[Figure], half: str, most: int) -> None:
    """Every figure with its interval, its hits and n."""
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
    path.write_text(json.dumps({"half": half, "most": most, "figures": rows}, indent=1) + "\n", "utf-8")
