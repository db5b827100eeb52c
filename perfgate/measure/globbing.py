"""Paths and patterns as people write them, relative to a folder: `*`, `?`, `[…]` and `**`."""

from __future__ import annotations

import glob
from pathlib import Path

from perfgate.errors import InputError

#: A pattern that matches more is a mistake, such as `**` at the root of a disk.
MOST = 100_000


def matches(root: Path, pattern: str) -> list[Path]:
    """What a path or pattern names, sorted; a path that exists is taken as it is, brackets and all. Empty where nothing matches.

    Links to folders are not descended into by `**`, so a loop of links ends.
    """
    if "\0" in pattern or not pattern.strip():
        raise InputError("a path is empty or holds a NUL character")
    plain = root / pattern
    if plain.exists():
        return [plain]
    found: list[Path] = []
    for name in glob.iglob(pattern, root_dir=root, recursive=True, include_hidden=False):
        found.append(root / name)
        if len(found) > MOST:
            raise InputError(f'"{pattern}" matches more than {MOST:,} paths', remedy="write a narrower pattern")
    return sorted(set(found))
