"""A recorded session in the process that reports it: the controller of xdist's workers, or the one process there is."""

from __future__ import annotations

import os
import platform
import time
from collections.abc import Generator, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from perfgate import __version__
from perfgate.pytest_plugin import GATHERER
from perfgate.recording import FOLDER, INSIDE, SCHEMA
from perfgate.recording.attempts import Attempt
from perfgate.recording.file import Record, encoded
from perfgate.recording.gathering import Gatherer
from perfgate.recording.workers import ATTRIBUTE

_LONGEST_REASON = 200
#: As they are now: a test may leave others in their place.
_clock, _now = time.perf_counter, time.time
_MOST_PLUGINS = 200


def begin(config: pytest.Config, files: Sequence[Path], *, imports: bool) -> None:
    """Record the session of this configuration in these files."""
    gatherer = Gatherer(config, imports=imports)
    config.stash[GATHERER] = gatherer
    config.pluginmanager.register(gatherer, "perfgate-gatherer")
    config.pluginmanager.register(Recorder(config, gatherer, files, imports=imports), "perfgate-recorder")


class Recorder:
    """The hooks of the process that reports; the record is opened when collection begins."""

    def __init__(self, config: pytest.Config, gatherer: Gatherer, files: Sequence[Path], *, imports: bool) -> None:
        self._config = config
        self._gatherer = gatherer
        self._files = files
        self._imports = imports
        self._records: list[Record] = []
        self._open: dict[str, Attempt] = {}
        self._epoch = _now()
        self._began = _clock()
        self._workers = 0
        self._attempts = 0
        self._uncollected: set[str] = set()
        self._outside = os.environ.get(INSIDE)
        os.environ[INSIDE] = str(os.getpid())

    def _write(self, line: dict[str, Any]) -> None:
        self._write_text(encoded(line) + "\n")

    def _write_text(self, line: str) -> None:
        for record in self._records:
            record.write(line)

    # --- begin and end ---

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionstart(self) -> None:
        """The wall time of the session begins, as JUnit reports of pytest count it."""
        self._epoch, self._began = _now(), _clock()

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_collection(self) -> Generator[None, object, object]:
        """Opens the record, and times collection in this process; xdist's controller leaves it to the workers."""
        for file in self._files:
            self._records.append(Record(file))
        self._write(self._header())
        started = _clock()
        with self._gatherer.watching_imports():
            result = yield
        if not self._workers:
            seconds = round(_clock() - started, 6)
            self._write({"collected": {"seconds": seconds, **self._gatherer.collected()}})
        return result

    @pytest.hookimpl(wrapper=True, tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> Generator[None, object, object]:
        """Ends the record when everybody else is done, fixtures of the session and workers included."""
        try:
            return (yield)
        finally:
            for attempt in self._open.values():
                self._finish(attempt)
            self._open.clear()
            if told := self._gatherer.take():
                self._write({"late": told})
            end: dict[str, Any] = {
                "exit": int(session.exitstatus),
                "seconds": round(_clock() - self._began, 6),
                "attempts": self._attempts,
            }
            if stopped := str(session.shouldfail or session.shouldstop or ""):
                end["stopped"] = stopped[:_LONGEST_REASON]
            self._write({"end": end})

    def pytest_terminal_summary(self, terminalreporter: pytest.TerminalReporter) -> None:
        """Says where the record is, unless pytest was asked to be quiet; always what went wrong with it."""
        for record, wanted in zip(self._records, self._files, strict=False):
            if str(wanted.parent) == os.environ.get(FOLDER):
                # Whoever set this reads it; people are told nothing of a file that is gone soon.
                continue
            if record.failure:
                terminalreporter.write_line(f"perfgate: the record {record.path} ends early: {record.failure}")
            elif record.path != wanted:
                terminalreporter.write_line(f"perfgate: another session writes {wanted}; this one is in {record.path}")
            elif self._config.get_verbosity() >= 0:
                tests = "1 test" if self._attempts == 1 else f"{self._attempts} tests"
                terminalreporter.write_line(f"perfgate: {tests} recorded in {record.path}")

    def pytest_unconfigure(self) -> None:
        """Closes the record."""
        for record in self._records:
            record.close()
        if self._outside is None:
            os.environ.pop(INSIDE, None)
        else:
            os.environ[INSIDE] = self._outside

    def _header(self) -> dict[str, Any]:
        header: dict[str, Any] = {
            "schema": SCHEMA,
            "perfgate": __version__,
            "pytest": pytest.__version__,
            "python": platform.python_version(),
            "started_at": datetime.fromtimestamp(self._epoch, UTC).strftime("%Y-%m-%dT%H:%M:%SZ"),
            "plugins": _plugins(self._config),
        }
        if self._workers:
            header |= {"workers": self._workers, "distribution": str(self._config.getoption("dist", ""))}
        return header

    # --- tests ---

    def pytest_collectreport(self, report: pytest.CollectReport) -> None:
        """Files that could not be imported, or skip themselves, are cases, as in pytest's JUnit reports; every worker tells of them."""
        if not report.passed and report.nodeid not in self._uncollected:
            self._uncollected.add(report.nodeid)
            outcome = "error" if report.failed else "skipped"
            self._write({"test": report.nodeid, "outcome": outcome, "seconds": [None, None, None]})

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Before other plugins write the report somewhere: what a worker put on it is no part of it."""
        told = report.__dict__.pop(ATTRIBUTE, None) if self._workers else self._gatherer.take()
        worker = _worker(report) if self._workers else ""
        if told and (collected := told.pop("collected", None)):
            self._write({"collected": collected, "worker": worker})
        attempt = self._open.get(worker)
        test = report.nodeid
        if attempt is not None and (attempt.test != test or attempt.is_over(report)):
            self._finish(attempt)
            attempt = None
        if attempt is None:
            attempt = self._open[worker] = Attempt(test, worker)
        if told:
            _add(attempt.extra, told)
        attempt.take(report)
        if report.when == "teardown":
            self._finish(attempt)
            del self._open[worker]

    def _finish(self, attempt: Attempt) -> None:
        self._attempts += 1
        self._write_text(attempt.line(self._epoch))

    # --- workers ---

    @pytest.hookimpl(optionalhook=True)
    def pytest_configure_node(self, node: Any) -> None:
        """Tells a worker of xdist to gather."""
        self._workers += 1
        node.workerinput["perfgate"] = "imports" if self._imports else "on"

    @pytest.hookimpl(optionalhook=True)
    def pytest_testnodedown(self, node: Any, error: object) -> None:
        """Keeps a worker's last words, and says which one crashed."""
        worker = str(node.gateway.id)
        if told := getattr(node, "workeroutput", {}).pop(ATTRIBUTE, None):
            if collected := told.pop("collected", None):
                self._write({"collected": collected, "worker": worker})
            if told:
                self._write({"late": told, "worker": worker})
        if error and str(error) != "keyboard-interrupt":
            self._write({"crashed": worker, "why": _first_line(error)})


def _worker(report: pytest.TestReport) -> str:
    """The worker that ran the test; a report that xdist made up for a dead one names it elsewhere."""
    known = getattr(report, "worker_id", "")
    return str(known or getattr(getattr(getattr(report, "node", None), "gateway", None), "id", ""))


def _add(extra: dict[str, Any], told: dict[str, Any]) -> None:
    """Lists of the same kind follow each other; markers are told once."""
    for name, rows in told.items():
        extra[name] = extra[name] + rows if name in extra and name != "markers" else rows


def _plugins(config: pytest.Config) -> dict[str, str]:
    """The plugins that are not pytest's own, with their versions, "" where they tell none."""
    found = {str(dist.project_name): str(dist.version) for _, dist in config.pluginmanager.list_plugin_distinfo()}
    homes = {
        getattr(plugin, "__name__", "").partition(".")[0] for plugin, _ in config.pluginmanager.list_plugin_distinfo()
    }
    for word in config.option.plugins:
        plugin = config.pluginmanager.get_plugin(word)
        module = str(getattr(plugin, "__name__", ""))
        if module and module.partition(".")[0] not in homes | {"_pytest"}:
            found.setdefault(module, "")
    return dict(sorted(found.items())[:_MOST_PLUGINS])


def _first_line(error: object) -> str:
    lines = str(error).splitlines()
    return lines[0][:_LONGEST_REASON] if lines else ""
