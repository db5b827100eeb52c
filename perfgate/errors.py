"""What can go wrong: where it happened, what happened, and what to do next.

    PerfgateError            every error a user is meant to read
     ├── InputError          bad usage, budgets or input                   (exit 2)
     ├── NothingJudged       there was nothing to judge                    (exit 3)
     ├── CommandFailed       the measured command failed                   (exit 4)
     └── OperationFailed     the surroundings failed: disk, git, network   (exit 1)

The numbers live in `perfgate.cli.exit_codes`; here are only the kinds.
"""

from __future__ import annotations


class PerfgateError(Exception):
    """An error with its place and its remedy, each one sentence.

    `where` names a file, with line and column where known; `remedy` says what to do next.
    """

    def __init__(self, what: str, *, where: str = "", remedy: str = "") -> None:
        super().__init__(what)
        self.what = what
        self.where = where
        self.remedy = remedy

    def __str__(self) -> str:
        head = f"{self.where}: {self.what}" if self.where else self.what
        return f"{head}\n  {self.remedy}" if self.remedy else head


class InputError(PerfgateError):
    """The usage, the budgets or an input file is wrong; the user can mend it."""


class NothingJudged(PerfgateError):
    """No measurement met a budget, so there is no verdict to give."""


class CommandFailed(PerfgateError):
    """The command that was to be measured did not succeed; nothing can be said of its speed.

    `output` is the end of what the command printed, untrusted text.
    """

    def __init__(self, what: str, *, where: str = "", remedy: str = "", output: str = "") -> None:
        super().__init__(what, where=where, remedy=remedy)
        self.output = output


class OperationFailed(PerfgateError):
    """The disk, git, the network or the system refused; the input was not at fault."""


class Stopped(BaseException):
    """Somebody ended perfgate with a signal: like KeyboardInterrupt, caught by nothing but the end of the program."""

    def __init__(self, number: int) -> None:
        super().__init__(number)
        self.number = number
