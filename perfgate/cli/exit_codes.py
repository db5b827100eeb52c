"""The one table of exit codes; `--help`, the README and the docs are tested against it."""

from __future__ import annotations

from perfgate.core.budgets import Level
from perfgate.core.decision import Decision
from perfgate.errors import CommandFailed, InputError, NothingJudged, PerfgateError

PASS = 0
FAILED = 1
BAD_INPUT = 2
NOTHING_JUDGED = 3
COMMAND_FAILED = 4
WARN = 10
BLOCK = 20
INTERRUPTED = 130
#: The end by another signal, as shells count it: this and the signal's number.
STOPPED = 128

#: (code, meaning), in the order people should read them.
TABLE: tuple[tuple[int, str], ...] = (
    (PASS, "pass"),
    (WARN, "warn"),
    (BLOCK, "block"),
    (FAILED, "perfgate itself failed (disk, git, network, a defect)"),
    (BAD_INPUT, "bad usage, budgets or input"),
    (NOTHING_JUDGED, "nothing could be judged"),
    (COMMAND_FAILED, "the measured command failed"),
)


def of_error(error: PerfgateError) -> int:
    """The exit code of an error."""
    if isinstance(error, InputError):
        return BAD_INPUT
    if isinstance(error, NothingJudged):
        return NOTHING_JUDGED
    return COMMAND_FAILED if isinstance(error, CommandFailed) else FAILED


def of_decision(decision: Decision, fail_on: str = "warn") -> int:
    """The exit code of a decision; `fail_on` is "block" where a warning counts as a pass, "never" where a block does too.

    Where a measured command failed, what would be a pass or no verdict is COMMAND_FAILED.
    """
    code = _of_level(decision, fail_on)
    return COMMAND_FAILED if decision.command_failed and code in {PASS, NOTHING_JUDGED} else code


def _of_level(decision: Decision, fail_on: str) -> int:
    if decision.level is Level.BLOCK:
        return PASS if fail_on == "never" else BLOCK
    if decision.level is Level.WARN:
        return WARN if fail_on == "warn" else PASS
    return NOTHING_JUDGED if decision.nothing_judged else PASS
