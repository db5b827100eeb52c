"""Where measuring takes place: the folder, a private scratch folder, and the environment."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import NamedTuple


class Surroundings(NamedTuple):
    """`root` is the folder that relative paths and commands start in; `work` an existing private folder for `{out}` files."""

    root: Path
    work: Path
    environ: Mapping[str, str]
