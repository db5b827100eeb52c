"""What the command line says about judging: the options that `gate` and `check` share, under the same names."""

from __future__ import annotations

import re
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


class Comment(StrEnum):
    """When the pull request gets a comment."""

    ON = "on"
    ALWAYS = "always"
    OFF = "off"


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
COMMENT: Any = typer.Option(
    Comment.OFF, "--comment", help="on: comment on a breach, from this very job; always: on every decision; off: never."
)
CHECK: Any = typer.Option(
    "off", "--check", metavar="NAME", help="Write a check run of this name as well. [default: off]", show_default=False
)
KEY: Any = typer.Option(
    "", "--key", metavar="WORD", help="Keep the comment and check of this gate apart from those of others."
)


def refuse_both(*, admit: bool, no_admit: bool) -> None:
    """InputError where the command line asks for an admission and forbids it."""
    if admit and no_admit:
        raise InputError("one of them at a time", where="--admit --no-admit", remedy="leave one of them out")


def refuse_names(*, check: str = "off", key: str = "") -> None:
    """InputError for a name of a check run, or a key, that a code host or a marker could not carry."""
    if not re.fullmatch(r"[A-Za-z0-9][A-Za-z0-9 ._/:()-]{0,99}", check):
        raise InputError("this cannot be the name of a check run", where="--check", remedy="write for example perfgate")
    if not re.fullmatch(r"[A-Za-z0-9._-]{0,50}", key):
        remedy = "write up to 50 letters, digits, dots, dashes and underscores, for example nightly"
        raise InputError("this cannot be a key", where="--key", remedy=remedy)


class Options(NamedTuple):
    """What the command line said about judging and telling. `baseline` is a folder that stands in for the store of budgets.yaml."""

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
    comment: str = "off"
    check: str = "off"
    key: str = ""
