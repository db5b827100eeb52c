"""The pytest plugin: the fixture `perfgate`, and, where somebody asks for it, a record of every test (PYTEST_DONT_REWRITE).

It is off until asked: by `--perfgate FILE`, the ini option `perfgate`, `-p perfgate`, or `perfgate measure tests`, which sets an
environment variable. pytest loads this module at every start, so what records is loaded only where something is recorded.
"""

from __future__ import annotations

import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from perfgate.recording import FOLDER, INSIDE

if TYPE_CHECKING:
    from collections.abc import MutableMapping

    from perfgate.recording.gathering import Gatherer
    from perfgate.recording.meter import Kind, Meter

__all__ = ["DEFAULT", "GATHERER", "Meter", "perfgate", "pytest_addoption", "pytest_configure"]

#: Where the record goes that was asked for without a name, below pytest's root.
DEFAULT = ".perfgate/tests.jsonl"

#: What gathers in this process, absent where nothing is recorded.
GATHERER: pytest.StashKey[Gatherer] = pytest.StashKey()
_KINDS: pytest.StashKey[MutableMapping[str, Kind]] = pytest.StashKey()
_NAMES = frozenset({"perfgate", "perfgate.pytest_plugin"})


def pytest_addoption(parser: pytest.Parser) -> None:
    """The options, all of them off."""
    group = parser.getgroup("perfgate", "perfgate: what tests, fixtures and imports take")
    group.addoption(
        "--perfgate", dest="perfgate_file", metavar="FILE", help="Record every test in this file (JSON Lines)."
    )
    group.addoption(
        "--perfgate-imports",
        dest="perfgate_imports",
        action="store_true",
        help="Where tests are recorded: time the imports at collection too.",
    )
    parser.addini("perfgate", "Record every test in this file, relative to the root (JSON Lines).", default="")


@pytest.hookimpl(trylast=True)
def pytest_configure(config: pytest.Config) -> None:
    """Load and register what records, where somebody asked for it."""
    if hasattr(config, "workerinput"):
        if told := config.workerinput.get("perfgate"):
            from perfgate.recording.workers import begin_in_worker

            begin_in_worker(config, imports="imports" in told)
        return
    option = config.option
    if option.collectonly or not (files := _files(config)):
        return
    from perfgate.recording.session import begin

    begin(config, files, imports=option.perfgate_imports)


def _files(config: pytest.Config) -> list[Path]:
    """The files that were asked for, none where nobody asked."""
    named: str | None = config.option.perfgate_file
    given = any(str(word).partition("=")[0] == "--perfgate" for word in config.invocation_params.args)
    if INSIDE in os.environ and not given:
        return []
    files = []
    if named:
        files.append(config.invocation_params.dir / named)
    elif ini := str(config.getini("perfgate")):
        files.append(config.rootpath / ini)
    elif _is_asked_for_by_name(config):
        files.append(config.rootpath / DEFAULT)
    if folder := os.environ.get(FOLDER):
        files.append(Path(folder) / f"{os.getpid()}-{time.monotonic_ns()}.jsonl")
    return files


def _is_asked_for_by_name(config: pytest.Config) -> bool:
    """Whether "-p perfgate" says so, or PYTEST_PLUGINS; the last word about it counts."""
    words = [*os.environ.get("PYTEST_PLUGINS", "").split(","), *config.option.plugins]
    asked = [not word.startswith("no:") for word in words if word.removeprefix("no:") in _NAMES]
    return bool(asked) and asked[-1]


@pytest.fixture
def perfgate(request: pytest.FixtureRequest) -> Meter:
    """Records a test's own metrics: perfgate.record("parse.time", 0.012, unit="s"), with perfgate.timer("parse.time")."""
    from perfgate.recording.meter import Meter

    stash = request.config.stash
    kinds = stash.setdefault(_KINDS, {})
    gatherer = stash.get(GATHERER, None)
    return Meter(kinds, {} if gatherer is None else gatherer.values(kinds))


def __getattr__(name: str) -> Any:
    """`Meter`, for the annotations of tests: loaded when it is asked for, because this module is loaded at every start of pytest."""
    if name == "Meter":
        from perfgate.recording.meter import Meter

        return Meter
    raise AttributeError(name)
