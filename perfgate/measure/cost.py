"""Infrastructure cost: runs what estimates it, and reads the estimate."""

from __future__ import annotations

from collections.abc import Callable

from perfgate.adapters import infracost
from perfgate.core.entries import CostEntry
from perfgate.core.model import Capture
from perfgate.errors import InputError
from perfgate.formats.files import read
from perfgate.measure.result_files import OUT, make, shown
from perfgate.measure.surroundings import Surroundings


def capture(entry: CostEntry, surroundings: Surroundings, progress: Callable[[str], None]) -> Capture:
    """Run `entry.run` where there is one, then read the Infracost file; `{out}` stands for a file of perfgate's in both.

    Raises CommandFailed where the command fails, InputError for a file that is missing or not Infracost 0.10's JSON.
    """
    made = make(entry.run, entry.name, surroundings, progress)
    written = entry.infracost or (OUT if any(OUT in word for word in entry.run) else "")
    if not written:
        raise InputError(
            "no file of Infracost is named",
            where=entry.name,
            remedy="write infracost: FILE, made with infracost breakdown --format json --out-file FILE",
        )
    path = made.path(written) if OUT in written else surroundings.root / written
    name = written if OUT in written else shown(path, surroundings.root)
    progress(f"reading {name}")
    captured = infracost.read(read(path, name), name, entry.environment)
    return Capture.joined([captured, Capture(caveats=made.stale(path, name))])
