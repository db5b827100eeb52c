"""What watching a step costs: CPU time of the watching process as a share of the step's time, for trees of one, ten and a hundred processes."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
from pathlib import Path

SECONDS = 20
WATCH = """
import json, os, sys, time
from pathlib import Path
from perfgate.core.entries import ResourcesEntry
from perfgate.measure.resources import watch
from perfgate.measure.surroundings import Surroundings
here = Path.cwd()
entry = ResourcesEntry("it", tuple(sys.argv[1:]), aside=True)
before = time.process_time()
watched = watch(entry, Surroundings(here, here, os.environ))
print(json.dumps([time.process_time() - before, watched.wall, len(watched.moments)]))
"""


def main() -> None:
    """Print the share for each size of tree."""
    environ = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    environ["PYTHONPATH"] = str(Path(__file__).resolve().parents[2])
    with tempfile.TemporaryDirectory() as folder:
        for size in (1, 10, 100):
            script = "; ".join([*[f"sleep {SECONDS} &"] * (size - 1), f"sleep {SECONDS}"]).replace("&;", "&")
            done = subprocess.run(
                [sys.executable, "-c", WATCH, "sh", "-c", script],
                cwd=folder,
                env=environ,
                check=True,
                capture_output=True,
                text=True,
            )
            used, wall, looks = json.loads(done.stdout)
            print(f"{size:4} processes: {used / wall:.2%} of one CPU, {looks} looks in {wall:.1f} s")
    print(
        f"largest memory of a watching process: {resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024:.0f} MB"
    )


if __name__ == "__main__":
    main()
