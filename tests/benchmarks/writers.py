"""Many writers of one branch at once, each a process with a clone of its own: how often each pushed, and how long it took.

The remote is a bare repository on this disk, so that a push costs tens of milliseconds. Over a network one costs one or two seconds,
and so does each round of a race; attempts do not depend on that, seconds do.
"""

from __future__ import annotations

import subprocess
import sys
import tempfile
import time
from pathlib import Path
from statistics import median

sys.path.insert(0, str(Path(__file__).resolve().parents[2]))

from tests.store.remotes import Remote

WRITERS = (1, 4, 8, 16, 32, 64)


def race(writers: int) -> tuple[float, list[int], list[float], int]:
    """Seconds in all, attempts and seconds of each writer, and how many runs are in the branch afterwards."""
    with tempfile.TemporaryDirectory() as around:
        remote = Remote(Path(around))
        notes = Path(around) / "notes"
        notes.mkdir()
        clones = [str(remote.clone(f"clone{number}").folder) for number in range(writers)]
        root = Path(__file__).resolve().parents[2]
        began = time.monotonic()
        subprocess.run(
            [sys.executable, "-m", "tests.store.writers", str(notes), remote.first, *clones],
            cwd=root,
            check=True,
            stdout=subprocess.DEVNULL,
        )
        took = time.monotonic() - began
        told = [path.read_text(encoding="utf-8").split() for path in notes.iterdir()]
        return took, [int(each[1]) for each in told], [float(each[2]) for each in told], len(remote.files())


def main() -> None:
    """Print the table."""
    print("| writers | in the branch | attempts, median | most | seconds, median | most | all |")
    print("|---|---|---|---|---|---|---|")
    for writers in WRITERS:
        took, attempts, seconds, there = race(writers)
        row = (
            writers,
            there,
            f"{median(attempts):g}",
            max(attempts),
            f"{median(seconds):.1f}",
            f"{max(seconds):.1f}",
            f"{took:.1f}",
        )
        print("| " + " | ".join(map(str, row)) + " |", flush=True)


if __name__ == "__main__":
    main()
