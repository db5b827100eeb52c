"""Paths and patterns as people write them, relative to a folder: `*`, `?`, `[…]` and `**`."""

from __future__ import annotations

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
    base, inner = (
        (Path(plain.anchor), str(plain.relative_to(plain.anchor))) if Path(pattern).is_absolute() else (root, pattern)
    )
    found: set[Path] = set()
    try:
        for path in base.glob(inner):
            found.add(path)
            if len(found) > MOST:
                raise InputError(f'"{pattern}" matches more than {MOST:,} paths', remedy="write a narrower pattern")
    except RecursionError as error:
        raise InputError(
            f'"{pattern[:100]}" has too many parts', remedy="write fewer **: one finds every folder below"
        ) from error
    except (ValueError, IndexError, NotImplementedError) as error:
        raise InputError(f'"{pattern}" is not a pattern: {error}', remedy="** stands alone between slashes") from error
    return sorted(found)
