from __future__ import annotations
from collections.abc import Iterator
from pathlib import Path
import pytest
from tests.cli.strangers import *
from tests.forge.github_service import serving

@pytest.fixture(scope="module")
def ground(tmp_path_factory: pytest.TempPathFactory) -> Ground:
    return Ground(tmp_path_factory.mktemp("ground"))

@pytest.fixture
def stranger(ground: Ground, tmp_path: Path) -> Iterator[Stranger]:
    with serving() as github:
        yield Stranger(ground, github, tmp_path)

def test_x(stranger):
    stranger.upload()
    ended = stranger.rejudge()
    print(ended.code, ended.out, ended.err)
    print(stranger.comment)
    print(stranger.caveats)
    assert 0
