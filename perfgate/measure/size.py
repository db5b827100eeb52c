"""Sizes: the bytes of files, folders and whatever a pattern matches."""

from __future__ import annotations

import os
import stat
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

from perfgate.adapters.labels import label, plain_text
from perfgate.core.entries import SizeEntry
from perfgate.core.model import Capture, Caveat, Measurement
from perfgate.core.registered import measurement
from perfgate.errors import InputError, OperationFailed
from perfgate.measure.command import fill, run_once
from perfgate.measure.globbing import matches
from perfgate.measure.surroundings import Surroundings

_LARGEST = 20


def capture(entry: SizeEntry, surroundings: Surroundings, progress: Callable[[str], None]) -> Capture:
    """The sum of the sizes of what each path or pattern names, after running `entry.run` where there is one.

    Links are not followed (a link that is named itself is), and a file with several names is counted once. Raises InputError for a
    pattern that matches nothing: that is not a size of zero.
    """
    out = Path(tempfile.mkdtemp(dir=surroundings.work))
    if entry.run:
        progress("running " + entry.run[0])
        run_once(fill(entry.run, out=out), surroundings, what=f'"{entry.name}"')
    measurements: list[Measurement] = []
    caveats: list[Caveat] = []
    largest: list[tuple[int, str, str]] = []
    for pattern in entry.paths:
        progress(f"weighing {pattern}")
        total, files = _weigh(pattern, fill([pattern], out=out)[0], surroundings.root)
        shown = plain_text(pattern.replace("{out}/", "").replace("{out}", "out"))
        measurements.append(
            measurement("size.bytes", {"path": label(shown, caveats)}, [float(total)], origin=shown[:500])
        )
        largest += [(size, name, shown) for name, size in files]
    largest.sort(key=lambda row: (-row[0], row[1]))
    rows: tuple[dict[str, str | int | float | bool | None], ...] = tuple(
        {"path": shown, "file": name, "bytes": size} for size, name, shown in largest[:_LARGEST]
    )
    return Capture(tuple(measurements), {"largest_files": rows}, caveats=tuple(caveats))


def _weigh(written: str, pattern: str, root: Path) -> tuple[int, list[tuple[str, int]]]:
    # A link is weighed where it is named itself; what a pattern finds may be broken, or lead out of the project.
    found = [path for path in matches(root, pattern) if path == root / pattern or not path.is_symlink()]
    if not found:
        raise InputError(
            f'nothing matches "{written}"', remedy="check the path; a size of nothing is not a size of zero"
        )
    seen: set[tuple[int, int]] = set()
    files: list[tuple[str, int]] = []
    for path in found:
        for file, status in _files(path):
            identity = (status.st_dev, status.st_ino)
            if identity not in seen:
                seen.add(identity)
                files.append((_shown(file, path, root), status.st_size))
    total = sum(size for _, size in files)
    files.sort(key=lambda each: (-each[1], each[0]))
    return total, files[:_LARGEST]


def _files(path: Path) -> Iterator[tuple[Path, os.stat_result]]:
    """The regular files that a named path stands for."""
    try:
        status = path.stat()
        if stat.S_ISREG(status.st_mode):
            yield path, status
        elif stat.S_ISDIR(status.st_mode):
            for folder, folders, names in os.walk(path, onerror=_raise):
                folders.sort()
                for name in sorted(names):
                    inner = Path(folder) / name
                    status = inner.lstat()
                    if stat.S_ISREG(status.st_mode):
                        yield inner, status
    except OSError as error:
        raise OperationFailed(
            f"the size cannot be read: {error.strerror}", where=path.as_posix(), remedy="check its permissions"
        ) from error


def _raise(error: OSError) -> None:
    raise error


def _shown(file: Path, named: Path, root: Path) -> str:
    """A file's name for people: relative to the project where it lies inside, else to what was named."""
    for base in (root, named, named.parent):
        try:
            return plain_text(file.relative_to(base).as_posix() if file != base else file.name)
        except ValueError:
            continue
    return plain_text(file.name)
