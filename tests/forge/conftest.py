"""A GitHub for every test that wants one, and GitHub's own description to hold its requests against."""

from __future__ import annotations

import os
from collections.abc import Iterator

import pytest

from tests.forge.github_service import Service, serving
from tests.forge.github_service.prism import Prism, shared, why_not


@pytest.fixture(scope="session")
def prism(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Prism | None]:
    """The one Prism of this test run; None where it cannot run."""
    if why_not():
        yield None
        return
    base = tmp_path_factory.getbasetemp()
    with shared(base.parent if "PYTEST_XDIST_WORKER" in os.environ else base) as found:
        yield found


@pytest.fixture
def github(prism: Prism | None) -> Iterator[Service]:
    """The played GitHub; where Prism can run, every request of the test must be one that GitHub takes."""
    with serving(prism) as service:
        yield service
