"""The pytest plugin in a worker of xdist: what is gathered there travels on the reports of tests, and the controller takes it off again."""

from __future__ import annotations

import os
from collections.abc import Generator
from typing import Any

import pytest

from perfgate.pytest_plugin import GATHERER
from perfgate.recording import INSIDE
from perfgate.recording.gathering import Gatherer

#: The attribute of a report, and the key of a worker's last words; taken off before any other plugin sees the report.
ATTRIBUTE = "_perfgate"


def begin_in_worker(config: pytest.Config, *, imports: bool) -> None:
    """Gather in this worker."""
    gatherer = Gatherer(config, imports=imports)
    config.stash[GATHERER] = gatherer
    config.pluginmanager.register(gatherer, "perfgate-gatherer")
    config.pluginmanager.register(Sender(gatherer), "perfgate-sender")
    os.environ[INSIDE] = str(os.getpid())


class Sender:
    """Puts what was gathered on the reports that xdist sends."""

    def __init__(self, gatherer: Gatherer) -> None:
        self._gatherer = gatherer

    @pytest.hookimpl(wrapper=True)
    def pytest_collection(self) -> Generator[None, object, object]:
        """Collection is over before the first test is reported."""
        with self._gatherer.watching_imports():
            result = yield
        self._gatherer.keep({"collected": self._gatherer.collected()})
        return result

    @pytest.hookimpl(tryfirst=True)
    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        """Before xdist makes the report a message."""
        if told := self._gatherer.take():
            setattr(report, ATTRIBUTE, told)

    @pytest.hookimpl(tryfirst=True)
    def pytest_sessionfinish(self, session: pytest.Session) -> None:
        """What is left: of a worker without tests, or of fixtures that are torn down last."""
        output: dict[str, Any] = getattr(session.config, "workeroutput", {})
        if told := self._gatherer.take():
            output[ATTRIBUTE] = told
