"""What the command line says about judging: the options that `gate` and `check` share, under the same names."""

from __future__ import annotations

from datetime import date
from enum import StrEnum
from pathlib import Path
from typing import Any, NamedTuple

import typer


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
OUT: Any = typer.Option(None, "--out", metavar="DIR", help="Leave the decision here. [default: .perfgate/decision]")
TODAY: Any = typer.Option(
    "", "--today", metavar="DATE", help="Judge waivers as of this day, to repeat a decision. [default: today, UTC]"
)
JSON: Any = typer.Option(False, "--json", help="Print the decision as JSON.")
ALL: Any = typer.Option(False, "--all", help="Show every series, also those that pass.")


class Options(NamedTuple):
    """What the command line said about judging."""

    budgets: Path | None = None
    only: str = ""
    today: date = date(1970, 1, 1)
    admit: bool = False
    out: Path | None = None
    verbose: bool = False
    as_json: bool = False
    fail_on: str = "warn"
    reproduce: str = "perfgate check"
