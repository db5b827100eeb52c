"""What paths and patterns match, and which ones are refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from perfgate.errors import InputError
from perfgate.measure.globbing import matches


def test_a_pattern_of_hundreds_of_parts_is_refused_with_a_sentence(tmp_path: Path) -> None:
    with pytest.raises(InputError, match="has too many parts"):
        matches(tmp_path, "**/" * 500)
