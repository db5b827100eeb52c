"""What the tests of workflows share: one environment with this checkout's perfgate, made once."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.workflows.runner import Runner, prepared


@pytest.fixture(scope="session", autouse=True)
def _environment(tmp_path_factory: pytest.TempPathFactory) -> None:
    folder: Path = tmp_path_factory.mktemp("prepared") / "environment"
    prepared(folder)
    Runner.environment = folder
