"""What the command line says about judging: the options that `gate` and `check` share, under the same names."""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import Any, NamedTuple

import typer

from perfgate.errors import InputError


class FailOn(StrEnum):
    """From which level on the exit code is not 0."""

    WARN = "warn"
    BLOCK = "block"
    NEVER = "never"


BUDGETS: Any = typer.Option(None, "--budgets", help="Judge by this file instead of the base branch's budgets.yaml.")
ONLY: Any = typer.Option("", "--only", metavar="SERIES", help="Judge these series only, for example 'tests.*'.")
FAIL_ON: Any = typer.Option(
    FailOn.WARN, "--fail-on", help="warn: exit 10 on warn, 20 on block; block: warn is 0 too; never: both are."
)
ADMIT: Any = typer.Option(False, "--admit", help="Admit the run to the baseline unless it is blocked.")
NO_ADMIT: Any = typer.Option(
    False, "--no-admit", help="Never admit the run here, also not on the default branch in CI; another job does."
)
OUT: Any = typer.Option(None, "--out", metavar="DIR", help="Leave the decision here. [default: .perfgate/decision]")
TODAY: Any = typer.Option(
    "", "--today", metavar="DATE", help="Judge waivers as of this day, to repeat a decision. [default: today, UTC]"
)
JSON: Any = typer.Option(False, "--json", help="Print the decision as JSON.")
ALL: Any = typer.Option(False, "--all", help="Show every series, also those that pass.")


def refuse_both(*, admit: bool, no_admit: bool) -> None:
    """InputError where the command line asks for an admission and forbids it."""
    if admit and no_admit:
        raise InputError("one of them at a time", where="--admit --no-admit", remedy="leave one of them out")


class Options(NamedTuple):
    """What the command line said about judging. `baseline` is a folder that stands in for the store of budgets.yaml."""

    budgets: Path | None = None
    only: str = ""
    today: date = date(1970, 1, 1)
    admit: bool = False
    no_admit: bool = False
    baseline: Path | None = None
    out: Path | None = None
    verbose: bool = False
    as_json: bool = False
    fail_on: str = "warn"
    reproduce: str = "perfgate check"
