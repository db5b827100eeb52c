"""Result files of other tools: running the command that writes one, naming it for people, and noticing an old one."""

from __future__ import annotations

import tempfile
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import NamedTuple

from perfgate.core.model import Caveat
from perfgate.errors import InputError
from perfgate.measure.command import fill, run_once
from perfgate.measure.surroundings import Surroundings

#: Stands in commands and paths for a file of perfgate's that is gone afterwards.
OUT = "{out}"


class Made(NamedTuple):
    """A command that was run: the file behind `{out}`, and when it started (None: nothing was run)."""

    out: Path
    started: float | None

    def path(self, written: str) -> Path:
        """The file behind a path with `{out}`; InputError where the command left none."""
        path = Path(fill([written], out=self.out)[0])
        if not path.exists():
            raise InputError(f"the command wrote no {written}", remedy="let it write its results to {out}")
        return path

    def stale(self, path: Path, shown: str) -> tuple[Caveat, ...]:
        """A caveat where the file is older than the command; file systems keep times in steps of up to two seconds."""
        if self.started is None or path.stat().st_mtime >= self.started - 2:
            return ()
        message = f"{shown} is older than the command that was to write it"
        return (Caveat("stale-file", message, "let the command write its results anew each time"),)


def make(run: Sequence[str], name: str, surroundings: Surroundings, progress: Callable[[str], None]) -> Made:
    """Run the command of an entry, if it has one. Raises CommandFailed where it fails, InputError where there is none."""
    out = Path(tempfile.mkdtemp(dir=surroundings.work)) / "out"
    if not run:
        return Made(out, None)
    progress("running " + run[0])
    started = time.time()
    run_once(fill(run, out=out), surroundings, what=f'"{name}"')
    return Made(out, started)


def shown(path: Path, root: Path) -> str:
    """A path for messages and origins: relative to the root where it lies inside, else as the user wrote it."""
    try:
        return path.relative_to(root).as_posix()
    except ValueError:
        return path.as_posix()
