"""`perfgate ab`: both sides of a change measured in turns on this machine, and judged."""

from __future__ import annotations

import json
import shlex
from pathlib import Path
from typing import TYPE_CHECKING

import typer

from perfgate.cli import console
from perfgate.cli import judging_options as given

if TYPE_CHECKING:
    from perfgate.cli.judging import Rules
    from perfgate.cli.project import Project
    from perfgate.core.budgets import Budgets
    from perfgate.core.entries import CommandEntry

app = typer.Typer(**console.APP)


@app.command(short_help="measure both sides of a change in turns, and decide")
def ab(
    name: str = typer.Argument(..., help="The name of its series: command.wall{command=NAME}."),
    command: list[str] = typer.Argument(
        None, metavar="[-- CMD...]", help="The command; no shell is involved. [default: the entry NAME of budgets.yaml]"
    ),
    base: str = typer.Option("", "--base", metavar="REF", help="The other side. [default: the base of this change]"),
    setup: str = typer.Option("", "--setup", metavar="CMD", help="Run this once on each side before, a build say."),
    prepare: str = typer.Option("", "--prepare", metavar="CMD", help="Run this before each run, unmeasured."),
    wait: str = typer.Option(
        "10 min", "--wait", metavar="TIME", help="Wait so long for another measurement on this machine to end."
    ),
    overlap: bool = typer.Option(False, "--overlap", help="Measure at once, even where another measurement runs."),
    pairs: int = typer.Option(20, "--pairs", min=1, max=100, help="At most so many pairs of runs."),
    within: str = typer.Option(
        "10 min", "--within", metavar="TIME", help="Begin no pair that would end after this time."
    ),
    warmup: int | None = typer.Option(
        None,
        "--warmup",
        min=0,
        max=1000,
        help="How many runs of each side go before and are not measured. [default: 1]",
    ),
    output: Path | None = typer.Option(None, "--output", "-o", help="Write the run here. [default: .perfgate/runs]"),
    budgets: Path | None = given.BUDGETS,
    fail_on: given.FailOn = given.FAIL_ON,
    out: Path | None = given.OUT,
    today: str = given.TODAY,
    as_json: bool = given.JSON,
) -> None:
    """Measure a command on the base and on this work tree in turns, until that decides, and judge it by its budgets.

    The base is checked out beside this tree for as long as it takes. Without a budget for NAME the defaults are enforced.

    \b
    Example: perfgate ab start-up -- python -m mypackage --version
             perfgate ab sort --base v1.2 --setup "make -s" -- ./build/sort input.txt
    """
    from perfgate.cli import exit_codes, judging, outputs, pairing
    from perfgate.cli.capturing import keep, surroundings
    from perfgate.cli.project import Project, parse_day
    from perfgate.core.baseline import Baseline
    from perfgate.core.model import Selector
    from perfgate.measure.lock import Alone
    from perfgate.render import comparison

    project = Project.find()
    folder, entry = _entry(project, console.named(name), command or [], (setup, prepare), warmup)
    most, seconds = pairs, console.seconds(within, "--within")
    how = Alone(console.seconds(wait, "--wait"), overlap, console.say)
    commit = pairing.base_of(project, base)
    rules = _rules(project, budgets, entry.name)
    asked = pairing.asked_of(entry.name, rules.budgets, project)
    console.say(f'measuring "{entry.name}" here and at {commit[:10]} in turns: at most {pairs} pairs, {within}')
    with surroundings(), pairing.both_sides(project, commit, folder) as sides, console.progress() as progress:
        captured = sides.measure(entry, asked, progress, most=most, within=seconds, how=how)
    approximate = "" if base else project.lineage.approximate
    project = project._replace(lineage=project.lineage._replace(base=commit, approximate=approximate))
    run, path = keep(captured, output, project)
    options = given.Options(
        budgets=budgets,
        only=str(Selector("command.*", (("command", entry.name),))),
        today=parse_day(today),
        out=out,
        verbose=True,
        as_json=as_json,
        fail_on=fail_on.value,
        reproduce=judging.ab_command(entry, commit),
    )
    candidate = judging.Candidate((run,), (path,))
    decision = judging.decided(project, candidate, options, rules)
    if not as_json:
        head = f"compared with {commit[:10]} in pairs"
        table = comparison.render(
            decision.comparisons, Baseline(), width=console.width(), colour=console.colour(), head=head
        )
        console.out(f"{table}\n")
    outputs.publish(project, decision, candidate.runs, rules.text, options)
    raise typer.Exit(exit_codes.of_decision(decision, fail_on.value))


def _entry(
    project: Project, name: str, command: list[str], aside: tuple[str, str], warmup: int | None
) -> tuple[Path, CommandEntry]:
    """What to measure, and the folder it starts in: the command given, in the current folder, else the entry of budgets.yaml, in that one's."""
    from perfgate.cli.measure_all import own_budgets
    from perfgate.cli.project import BUDGETS
    from perfgate.core.entries import CommandEntry
    from perfgate.errors import InputError

    setup, prepare = (console.words(text, option) for text, option in zip(aside, ("--setup", "--prepare"), strict=True))
    if command:
        once = 1 if warmup is None else warmup
        return Path.cwd(), CommandEntry(name, tuple(command), warmup=once, setup=setup, prepare=prepare)
    entries = own_budgets(project).entries if (project.root / BUDGETS).is_file() else ()
    for entry in entries:
        if isinstance(entry, CommandEntry) and entry.name == name:
            return project.root, entry._replace(
                setup=setup or entry.setup,
                prepare=prepare or entry.prepare,
                warmup=entry.warmup if warmup is None else warmup,
            )
    raise InputError(
        f'there is no command to measure: budgets.yaml has no command entry "{name}"',
        where="NAME",
        remedy=f"write the command after two dashes: perfgate ab {shlex.quote(name)} -- CMD",
    )


def _rules(project: Project, given_budgets: Path | None, name: str) -> Rules:
    """The budgets that rule; where none of them names this command, its defaults are enforced: here somebody asked about it."""
    from perfgate.cli import judging
    from perfgate.cli.pairing import METRICS, is_ruled
    from perfgate.cli.project import BUDGETS
    from perfgate.core.budgets import Budgets
    from perfgate.core.model import Series
    from perfgate.errors import InputError

    try:
        rules = judging.find_rules(project, given_budgets)
    except InputError:
        if given_budgets is not None or (project.root / BUDGETS).is_file():
            raise
        rules = judging.Rules(Budgets(), b"", "the defaults")
    series = [Series.of(metric, command=name) for metric in METRICS]
    if is_ruled(name, rules.budgets, project):
        return rules
    source = f"the defaults of {rules.source}" if rules.text else rules.source
    text = _defaults_for([str(each) for each in series], rules.budgets)
    from perfgate.formats import budgets as budgets_format

    return judging.Rules(budgets_format.load(text, "the defaults"), text, source, caveats=rules.caveats)


def _defaults_for(series: list[str], budgets: Budgets) -> bytes:
    """A budgets.yaml that enforces the defaults on these series, so that the decision can be repeated from its own folder."""
    from perfgate.core.budgets import GIT_REF

    usual = budgets.defaults
    defaults = {
        **{key: f"{100 * getattr(usual, key):.10g}%" for key in ("warn", "block", "min_effect", "tolerance")},
        **{key: getattr(usual, key).word for key in ("on_missing", "on_inconclusive")},
        "enforce": usual.enforce.value,
    }
    named = ("store", "path", "window", "keep", "remote", *(["branch"] if budgets.baseline.store == GIT_REF else []))
    whole = {
        "version": 1,
        "baseline": {key: getattr(budgets.baseline, key) for key in named},
        "defaults": defaults,
        "budgets": [{"series": each} for each in series],
    }
    return (json.dumps(whole, indent=1, ensure_ascii=False) + "\n").encode()
