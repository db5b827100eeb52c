"""Many writer processes at once, from one command so that Python starts once: each stores runs, and notes each one it was told is there."""

from __future__ import annotations

import os
import sys
import time
import traceback
from pathlib import Path

from perfgate.core.model import Run
from perfgate.store.changes import admission
from tests.store.remotes import store_in
from tests.store.repositories import Made, run_of


def run_for(commit: str, who: int) -> Run:
    """The run that this writer stores."""
    return run_of(commit, float(who), ci_run=f"{who}x", ci_job="bench", provider="github")


def clone_in(folder: Path) -> Made:
    """A clone that is there already."""
    made = Made.__new__(Made)
    made.folder = folder
    return made


def write(folder: Path, who: int, commit: str, notes: Path) -> int:
    """Be one writer; the exit code."""
    began = time.monotonic()
    try:
        written = store_in(clone_in(folder)).write(admission([run_for(commit, who)]))
    except BaseException:  # noqa: BLE001 - whatever happens, a forked child must not go on as its parent
        notes.with_suffix(".failed").write_text(traceback.format_exc(), encoding="utf-8")
        return 1
    took = time.monotonic() - began
    notes.write_text(f"{written.changes.stored[0].name} {written.attempts} {took:.3f}", encoding="utf-8")
    return 0


def main() -> None:
    """Arguments: where to note, the commit, and the clones, one writer for each; prints the ids of the processes, then waits."""
    notes, commit, folders = Path(sys.argv[1]), sys.argv[2], [Path(each) for each in sys.argv[3:]]
    os.environ |= {"GIT_CONFIG_GLOBAL": os.devnull, "GIT_CONFIG_NOSYSTEM": "1"}
    children = []
    for who, folder in enumerate(folders):
        child = os.fork()
        if not child:
            os._exit(write(folder, who, commit, notes / str(who)))
        children.append(child)
    print(*children, flush=True)
    for child in children:
        os.waitpid(child, 0)


if __name__ == "__main__":
    main()
