"""`perfgate demo`: the whole loop on a throw-away repository: measure, compare, judge; pass, warn and block.

Nothing is played: a real program in a real git repository is measured by real `perfgate check` processes. The budget is wide
(warn beyond twice, block beyond sixteen times the CPU time), because the same three verdicts must come out on any machine,
busy or not. What looks suspicious is settled by measuring both sides in turns.
"""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import typer

from perfgate.cli import console, exit_codes

if TYPE_CHECKING:
    from perfgate.store.git import Scratch

app = typer.Typer(**console.APP)

_RUNS_ON_MAIN = 12
_BUDGETS = """version: 1
measure:
  report:
    command: {run: "{python} -I -S report.py", runs: 11, warmup: 1, versus: base}
defaults: {warn: 100%, block: 1500%}   # wide, so that this demo says the same on every machine
budgets:
  - series: "command.cpu{command=report}"
"""
_PROGRAM = '''"""Sales by region, from a list of orders."""

ORDERS = [(number % 97, number * 7919 % 1009) for number in range(20_000)]
REGIONS = 8
DAYS = 60


def totals(orders):
    """The sum of every customer's orders."""
    found = {}
    for _ in range(12):
        for customer, amount in orders:
            found[customer] = found.get(customer, 0) + amount
    return found


def report():
    sales = totals(ORDERS)
    return [sum(sales[customer] for customer in sales if customer % REGIONS == region) for region in range(REGIONS)]


print(report())
'''


class _Change(NamedTuple):
    branch: str
    told: str
    message: str
    before: str
    after: str
    code: int


_CHANGES = (
    _Change(
        "harmless",
        "1. A harmless change: the regions are named.",
        "report: name the regions",
        "print(report())",
        'print({f"region {number}": total for number, total in enumerate(report(), 1)})',
        exit_codes.PASS,
    ),
    _Change(
        "moderate",
        "2. A moderate regression: the totals are computed once for each region.",
        "report: compute the totals where they are used",
        "    sales = totals(ORDERS)\n    return [sum(sales[customer] for customer in sales if",
        "    return [sum(sales[customer] for sales in [totals(ORDERS)] for customer in sales if",
        exit_codes.WARN,
    ),
    _Change(
        "large",
        "3. A large regression: the totals are computed anew for each day.",
        "report: one total for each day",
        "    sales = totals(ORDERS)\n",
        "    for _day in range(DAYS):\n        sales = totals(ORDERS)\n",
        exit_codes.BLOCK,
    ),
)


@app.command(short_help="the whole loop on a throw-away repository")
def demo() -> None:
    """Show the whole loop on a throw-away repository, in about a minute, offline; nothing is left behind.

    \b
    Example: perfgate demo
    """
    from perfgate.store import scratch

    with scratch.folder() as around:
        folder = around / "demo"
        folder.mkdir()
        agreed = _play(folder)
    if not agreed:
        raise typer.Exit(exit_codes.FAILED)


def _play(folder: Path) -> bool:
    from perfgate.store.git import Scratch

    repository = Scratch.create(folder)
    (folder / "report.py").write_text(_PROGRAM, encoding="utf-8")
    (folder / "budgets.yaml").write_text(_BUDGETS, encoding="utf-8")
    (folder / ".gitignore").write_text(".perfgate/\n", encoding="utf-8")
    console.out(f"A small program, its budget, and {_RUNS_ON_MAIN} measured runs of its main branch as the baseline:\n")
    console.out(_indented(_BUDGETS))
    with console.progress() as progress:
        for number in range(1, _RUNS_ON_MAIN + 1):
            progress(f"measuring main, run {number} of {_RUNS_ON_MAIN}")
            repository.commit(f"report: version {number}", allow_empty=True)
            done = _check(folder, "--admit", "--fail-on", "never")
            if done.returncode not in {exit_codes.PASS, exit_codes.NOTHING_JUDGED}:
                raise subprocess.CalledProcessError(done.returncode, "perfgate check", done.stdout, done.stderr)
        repository.commit("baseline: what was measured on main")
    agreed = True
    for change in _CHANGES:
        agreed &= _judge(folder, repository, change)
    return agreed


def _judge(folder: Path, repository: Scratch, change: _Change) -> bool:
    repository.branch(change.branch, start="main")
    text = _PROGRAM.replace(change.before, change.after)
    (folder / "report.py").write_text(text, encoding="utf-8")
    repository.commit(change.message)
    console.out(f"\n{change.told}\n\n$ git switch {change.branch} && perfgate check")
    with console.progress() as progress:
        progress(f"measuring {change.branch}")
        done = _check(folder)
    console.out(_indented(done.stdout.rstrip("\n")))
    if change.code == exit_codes.BLOCK:
        comment = (folder / ".perfgate" / "decision" / "comment.md").read_text(encoding="utf-8")
        console.out("\nWhat the pull request would be told (Markdown):\n\n" + _indented(comment.rstrip("\n")))
    console.out(f"\nexit code {done.returncode}")
    if done.returncode != change.code:
        why = done.stderr.strip() or "this machine was too busy for its CPU times to mean anything; run the demo again"
        console.say_error(f"this change should have ended in {change.code}, not {done.returncode}: {why}")
    return done.returncode == change.code


def _check(folder: Path, *options: str) -> subprocess.CompletedProcess[str]:
    """A real `perfgate check` in the throw-away repository, without what a CI system says of the surrounding one."""
    return subprocess.run(
        [sys.executable, "-m", "perfgate", "check", *options],
        cwd=folder,
        env=_environment(os.environ, console.width()),
        capture_output=True,
        text=True,
        encoding="utf-8",
        errors="replace",
        check=False,
        stdin=subprocess.DEVNULL,
    )


def _environment(environ: Mapping[str, str], width: int) -> dict[str, str]:
    kept = {
        name: value
        for name, value in environ.items()
        if not name.startswith(("GITHUB_", "GITLAB_", "CI_", "GIT_", "RUNNER_")) and name != "CI"
    }
    package = str(Path(__file__).resolve().parents[2])
    path = os.pathsep.join(part for part in (package, environ.get("PYTHONPATH", "")) if part)
    colour = {"FORCE_COLOR": "1"} if console.colour() else {"NO_COLOR": "1"}
    return kept | {"PYTHONPATH": path, "PYTHONIOENCODING": "utf-8", "COLUMNS": str(width - 2)} | colour


def _indented(text: str) -> str:
    return "\n".join(f"  {line}".rstrip() for line in text.splitlines())
