"""The record that perfgate's own pytest plugin leaves of a suite that perfgate runs, where the pytest that runs has the plugin.

Nobody has to know beforehand whether it has: an environment variable asks for the record, and a pytest without the plugin does
not look at it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

from perfgate.core.entries import TestsEntry
from perfgate.errors import InputError
from perfgate.recording import FOLDER, INSIDE

#: The name of the format in the registry of reports.
FORMAT = "perfgate"


def asking(environ: Mapping[str, str], folder: Path) -> dict[str, str]:
    """The environment of a command whose pytest sessions leave their records in the folder.

    perfgate may itself be run by a test that is recorded; what it measures is no part of that test's record.
    """
    return {**{name: value for name, value in environ.items() if name != INSIDE}, FOLDER: str(folder)}


def left(entry: TestsEntry, folder: Path, *, is_pytest: bool, names_reports: bool) -> tuple[Path, ...]:
    """The records that tell the whole suite; none where other reports must.

    A command that is pytest leaves one. Of another one (make, tox) nobody knows whether pytest is all that it runs, so records
    serve only where no other report is named.
    """
    records = tuple(sorted(folder.glob("*.jsonl")))
    if entry.reports or entry.format not in {"", FORMAT}:
        return ()
    if is_pytest:
        return records if len(records) == 1 and _begins(records) else ()
    return records if not names_reports and _begins(records) else ()


def _begins(records: Sequence[Path]) -> bool:
    """Whether every record was begun by a plugin that writes what this perfgate reads."""
    from perfgate.adapters import pytest_record

    try:
        for record in records:
            with record.open("rb") as stream:
                pytest_record.check(stream, record.name)
    except (InputError, OSError):
        return False
    return bool(records)
