"""What the pytest plugin does once it is on: gathers in every process that runs tests, and writes one file. Here: the names both ends know."""

from __future__ import annotations

#: What the first line of a record says it is.
SCHEMA = "perfgate/pytest/1"
#: Names the folder in which every session leaves a record of its own; set by whoever starts pytest, perfgate above all.
FOLDER = "PERFGATE_PYTEST_FOLDER"
#: Set while a session is recorded: a session that one of its tests starts belongs to that test, not beside it.
INSIDE = "PERFGATE_PYTEST_INSIDE"
#: The outcomes of an attempt. "unknown": a plugin kept the test's report for itself, to try again; "crashed": its worker died.
UNKNOWN, CRASHED = "unknown", "crashed"
