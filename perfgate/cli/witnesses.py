"""What the runs of a baseline tell of their tests, read only for runs that tell of theirs: what changed between them."""

from __future__ import annotations

from collections.abc import Sequence

from perfgate.cli.beside import Reader
from perfgate.core.baseline import Baseline
from perfgate.core.compare import Comparison
from perfgate.core.model import Run
from perfgate.core.suite_change import SuiteChange
from perfgate.core.suite_changes import Witness, asked, changes
from perfgate.core.suite_records import Names, suites_of


def changes_of(
    runs: Sequence[Run], baseline: Baseline, comparisons: Sequence[Comparison], read: Reader
) -> tuple[SuiteChange, ...]:
    """What changed in the test suites of these runs against the newest runs of the baseline."""
    names = Names()
    wanted = {baseline.runs[position].id: position for position in asked(len(baseline.runs), comparisons)}
    found = ((wanted[name], suites_of(told, names)) for name, told in (read(wanted.keys()) if wanted else ()))
    witnesses = [Witness(position, baseline.runs[position].commit, suites) for position, suites in found if suites]
    return changes(runs, witnesses, comparisons, names)
