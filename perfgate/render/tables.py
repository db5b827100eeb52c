"""A plain table at any width: the one place where listings meet rich."""

from __future__ import annotations

import io
from collections.abc import Sequence
from typing import NamedTuple

from perfgate.render.text import harmless


class Column(NamedTuple):
    """A column: its heading, whether its cells are numbers (right-aligned, never folded), its colour, and whether text stays whole."""

    name: str
    number: bool = False
    style: str = ""
    whole: bool = False


def name_column(names: Sequence[str], width: int) -> Column:
    """The column of the series: names stay whole where they leave two thirds of the width to the rest."""
    return Column("series", whole=max(map(len, names), default=0) <= width // 3)


def render_table(columns: Sequence[Column], rows: Sequence[Sequence[str]], *, width: int, colour: bool) -> str:
    """The rows as a table without frames; text may fold, numbers never do. Cells are plain text, never markup."""
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    table = Table(box=None, pad_edge=False, padding=(0, 2, 0, 0), header_style="bold" if colour else "")
    for column in columns:
        table.add_column(
            column.name,
            justify="right" if column.number else "left",
            no_wrap=column.number or column.whole,
            overflow="fold",
            style=column.style if colour else "",
        )
    for row in rows:
        table.add_row(*(Text(harmless(cell)) for cell in row))
    stream = io.StringIO()
    console = Console(
        file=stream,
        width=width,
        force_terminal=colour,
        color_system="standard" if colour else None,
        no_color=not colour,
        markup=False,
        emoji=False,
        highlight=False,
        legacy_windows=False,
    )
    console.print(table)
    return "\n".join(line.rstrip() for line in stream.getvalue().splitlines())
