"""Every test here works on repositories of its own, whatever git is told by the machine or by a surrounding hook."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from tests.store.repositories import Made


@pytest.fixture(autouse=True)
def _no_settings_of_the_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in [name for name in os.environ if name.startswith("GIT_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")


@pytest.fixture
def made(tmp_path: Path) -> Made:
    """An empty repository."""
    return Made(tmp_path / "repository")
