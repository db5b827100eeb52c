"""What every test may ask for."""

from __future__ import annotations

from pathlib import Path

import pytest

_ROOT = Path(__file__).resolve().parents[1]


@pytest.fixture(scope="session")
def root() -> Path:
    """The repository's root."""
    return _ROOT


@pytest.fixture(scope="session")
def shared_data() -> Path:
    """Real files of the tools that perfgate reads; they lie beside the repository where it is developed."""
    data = _ROOT.parent / "shared" / "data"
    if not data.is_dir():
        pytest.skip("the folder ../shared/data with real tool outputs is not beside this checkout")
    return data
