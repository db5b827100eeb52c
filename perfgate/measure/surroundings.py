"""Where measuring takes place: the folder, a private scratch folder, and the environment."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from pathlib import Path
from typing import NamedTuple


class Surroundings(NamedTuple):
    """`root` is the folder that relative paths and commands start in; `work` an existing private folder for `{out}` files; `tell` hears what somebody waiting must know."""

    root: Path
    work: Path
    environ: Mapping[str, str]
    tell: Callable[[str], None] = lambda _: None
