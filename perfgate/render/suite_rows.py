"""The rows that a run keeps of its tests, which any program may have written, read one cell at a time."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from perfgate.core.units import write_percent

#: The blocks that tell of tests, each row with its suite.
TEST_BLOCKS = (
    "test_sets",
    "failed_tests",
    "flaky_tests",
    "slowest_tests",
    "test_times",
    "test_files",
    "test_phases",
    "test_fixtures",
    "test_setup_costs",
    "test_sessions",
    "test_collection",
    "test_imports",
    "test_plugins",
)
Row = Mapping[str, str | int | float | bool | None]


def rows_by_suite(details: Mapping[str, Sequence[Row]]) -> dict[str, dict[str, list[Row]]]:
    """The rows of the blocks that tell of tests, by suite and block; the suites in the order in which the run tells them."""
    suites: dict[str, dict[str, list[Row]]] = {}
    for block in TEST_BLOCKS:
        for row in details.get(block, ()):
            suites.setdefault(text(row, "suite"), {}).setdefault(block, []).append(row)
    return suites


def text(row: Row, name: str) -> str:
    """A cell that is text, "" where it is not."""
    cell = row.get(name)
    return cell if isinstance(cell, str) else ""


def number(row: Row, name: str) -> float | None:
    """A cell that is a number of at least 0, None where it is not."""
    cell = row.get(name)
    return float(cell) if isinstance(cell, int | float) and not isinstance(cell, bool) and cell >= 0 else None


def timed(rows: Sequence[Row], name: str) -> list[Row]:
    """The rows that took time, the dearest first and then by name."""
    return sorted(
        (row for row in rows if number(row, "seconds")),
        key=lambda row: (-(number(row, "seconds") or 0.0), text(row, name)),
    )


def said(share: float) -> str:
    """A share for people: "41.2 %"."""
    return write_percent(share, signed=False)
