"""The details of a run file: rows of plain values by block, and how to pass over them."""

from __future__ import annotations

from typing import Any

from perfgate.formats import strict_json
from perfgate.formats.checking import Found

MOST_BLOCKS, MOST_ROWS, MOST_CELLS = 100, 10_000, 50


def read(found: Found) -> dict[str, tuple[dict[str, Any], ...]]:
    """The blocks, where every cell is a text, a number, true, false or null; raises InputError with the place of one that is not."""
    blocks = {}
    for name, block in found.pairs(MOST_BLOCKS):
        rows = []
        for row in block.items(MOST_ROWS):
            for key, cell in row.pairs(MOST_CELLS):
                if isinstance(cell.value, str):
                    cell.text()
                elif isinstance(cell.value, int | float) and not isinstance(cell.value, bool):
                    cell.number()
                elif cell.value is not None and not isinstance(cell.value, bool):
                    cell.refuse(f'"{key[:80]}" is not a plain value')
            rows.append(dict(row.value))
        blocks[name] = tuple(rows)
    return blocks


def of_text(data: bytes, where: str) -> dict[str, tuple[dict[str, Any], ...]]:
    """The blocks in the text of a run.json, its cells as they are: for readers that hold each cell against limits themselves.

    What is no row of a block is left out; InputError where the text is no JSON.
    """
    top = strict_json.loads(data, where, shaped=True)
    blocks = top.get("details") if isinstance(top, dict) else None
    return {
        name: tuple(row for row in rows if isinstance(row, dict))
        for name, rows in (blocks.items() if isinstance(blocks, dict) else ())
        if isinstance(rows, list)
    }


def without(data: bytes) -> bytes:
    """The text without its details, where it is laid out as `dump` does: their end is the next line that is indented by one.

    Half a megabyte is searched in a tenth of a millisecond, and parsed in thirty.
    """
    start = data.find(b'\n "details": {\n  "') if data.startswith(b'{\n "') else -1
    end = data.find(b"\n },\n", start) if start >= 0 else -1
    return data if end < 0 else data[:start] + data[end + 4 :]
