"""`perfgate init`: a budgets.yaml that fits what the repository has, and what to do next."""

from __future__ import annotations

from pathlib import Path

import typer

from perfgate.cli import console
from perfgate.cli.project import BUDGETS, SCRATCH
from perfgate.cli.survey import Survey, survey

app = typer.Typer(**console.APP)


@app.command(short_help="write a budgets.yaml that fits this repository")
def init(
    force: bool = typer.Option(False, "--force", help="Overwrite a budgets.yaml that is there."),
) -> None:
    """Look at the repository and write a budgets.yaml for what can be measured here.

    New budgets start as `observe`: they are judged and shown, and block nothing until you let them.

    \b
    Example: perfgate init
    """
    from perfgate.errors import InputError
    from perfgate.formats import budgets as budgets_format
    from perfgate.formats.files import write_atomically

    root = Path.cwd()
    path = root / BUDGETS
    if path.exists() and not force:
        raise InputError(
            "there is a budgets.yaml already", where=BUDGETS, remedy="edit it, or overwrite it: perfgate init --force"
        )
    found = survey(root)
    text = budgets_text(found)
    budgets_format.load(text.encode(), BUDGETS)
    write_atomically(path, text.encode())
    baselines = root / "baselines"
    if not baselines.exists():
        write_atomically(baselines / "README.md", _BASELINES.encode())
    ignored = _ignore_scratch(root)
    console.out(_found_text(found))
    console.out(f"wrote {BUDGETS} and baselines/" + (f", added {SCRATCH}/ to .gitignore" if ignored else ""))
    console.out(_next_steps(found))


_BASELINES = """# The baseline of perfgate

Each file in `runs/` is one admitted run, `events/` holds what was decided about them. perfgate adds files and never rewrites
one; look after them with `perfgate baseline --help`.
"""


def _ignore_scratch(root: Path) -> bool:
    """Add `.perfgate/` to a .gitignore that is there; a project without one is left alone (`.perfgate` ignores itself)."""
    from perfgate.formats.files import write_atomically

    path = root / ".gitignore"
    if not path.is_file():
        return False
    text = path.read_text(encoding="utf-8", errors="surrogateescape")
    if any(line.strip().strip("/") == SCRATCH for line in text.splitlines()):
        return False
    separator = "" if not text or text.endswith("\n") else "\n"
    write_atomically(path, f"{text}{separator}{SCRATCH}/\n".encode("utf-8", "surrogateescape"))
    return True


# --- the file ---------------------------------------------------------------------------------------------------------


def budgets_text(found: Survey) -> str:
    """The text of a budgets.yaml for what was found."""
    return _HEAD + _measure(found) + _DEFAULTS + _budgets(found) + _WAIVERS


_HEAD = """# What perfgate measures, and what a change may cost. `perfgate check` measures and judges.
#
# New budgets say `enforce: observe`: judged and shown, but nothing is stopped. When a budget has ten or so runs in the
# baseline and its verdicts look right, tighten it: change observe to warn, later to block (or delete the line).
version: 1

"""

_DEFAULTS = """
defaults:
  warn: 5%          # a change beyond this is told
  block: 10%        # a change beyond this is stopped, once it is shown to be more than noise
  tolerance: 10%    # a limit is blocked on only beyond limit + tolerance; between them it warns

"""

_WAIVERS = """
# An accepted breach, for a while:
# waivers:
#   - series: "tests.duration{suite=unit}"
#     ceiling: 3 min
#     until: 2027-03-31
#     reason: why it is accepted, and what will end it
#     owner: "@your-team"
"""


def _measure(found: Survey) -> str:
    entries = []
    if found.pytest:
        entries.append('  unit tests:\n    tests: {run: "{python} -m pytest -q --junitxml {out}", suite: unit}\n')
    elif found.junit:
        patterns = ", ".join(f'"{pattern}"' for pattern in found.junit)
        entries.append(
            f"  unit tests:   # reads the reports of the build that ran before\n    tests: {{junit: [{patterns}], suite: unit}}\n"
        )
    if found.package:
        entries.append(
            '  wheel:\n    size: {run: "{python} -m pip wheel -q --no-deps --wheel-dir {out} .", paths: ["{out}/*.whl"]}\n'
        )
    text = "measure:\n" + "".join(entries) if entries else "measure: {}\n"
    comments = ["  # start-up:\n  #   command: {run: python -m yourpackage --version, runs: 20}\n"]
    if found.terraform:
        comments.append(
            '  # cloud:   # needs the infracost program and its key\n  #   cost: {run: "infracost breakdown --path . --format json --out-file {out}", infracost: "{out}", environment: dev}\n'
        )
    if found.llm:
        comments.append('  # agent:\n  #   tokens: {files: ["logs/*.jsonl"], scenario: support}\n')
    return text + "".join(comments)


def _budgets(found: Survey) -> str:
    budgets = []
    if found.pytest or found.junit:
        wall = "tests.duration" if found.pytest else "tests.case_time"
        budgets.append(
            f'  - series: "{wall}{{suite=unit}}"\n    # limit: 5 min      # an absolute limit holds on any machine; warn above it, block above it + tolerance\n    enforce: observe\n'
        )
        budgets.append(
            '  - series: "tests.count{suite=unit}"\n    max_decrease: {warn: 1%, block: 20%}   # tests that silently stop running\n    enforce: observe\n'
        )
        budgets.append('  - series: "tests.failed{suite=unit}"\n    limit: 0\n')
    if found.package:
        budgets.append(
            "  - series: size.bytes\n    max_increase: {warn: 5%, block: 20%, at_least: 10 kB}\n    enforce: observe\n"
        )
    for workflow in found.workflows[:10]:
        budgets.append(
            f'  - series: "pipeline.duration{{workflow={_label(workflow)}}}"\n    # limit: 15 min\n    when: {{ci: true}}\n    enforce: observe\n'
        )
    if found.terraform:
        budgets.append(
            "  - series: infra.cost\n    # limit: 500 USD/month\n    max_increase: {warn: 5%, block: 20%, at_least: 10 USD/month}\n    when: {ci: true}\n    enforce: observe\n"
        )
    if found.llm:
        budgets.append("  - series: llm.cost\n    # limit: 0.10 USD/task\n    when: {ci: true}\n    enforce: observe\n")
    if not budgets:
        return 'budgets: []\n  # - series: "command.cpu{command=start-up}"\n  #   max_increase: {warn: 10%, block: 25%}\n  #   enforce: observe\n'
    return "budgets:\n" + "".join(budgets)


def _label(name: str) -> str:
    """A file name as a label inside a double-quoted YAML string."""
    if all(sign.isalnum() or sign in "._-/" for sign in name):
        return name
    inner = name.replace("\\", "\\\\").replace('"', '\\"')
    quoted = f'"{inner}"'
    return quoted.replace("\\", "\\\\").replace('"', '\\"')


# --- what is said -----------------------------------------------------------------------------------------------------


def _found_text(found: Survey) -> str:
    parts = []
    if found.pytest:
        parts.append("a pytest suite")
    if found.junit:
        parts.append("a build that leaves JUnit reports")
    if found.package:
        parts.append("a Python package")
    if found.workflows:
        parts.append(f"{len(found.workflows)} GitHub workflow{'s' if len(found.workflows) > 1 else ''}")
    if found.terraform:
        parts.append(f"Terraform in {', '.join(found.terraform[:3])}")
    if found.llm:
        parts.append("LLM evaluation configs")
    return f"found {', '.join(parts)}" if parts else "found nothing that perfgate knows how to measure by itself"


def _next_steps(found: Survey) -> str:
    steps = []
    if found.pytest or found.junit or found.package:
        steps.append("perfgate check                  measure and judge this state")
        steps.append("git add budgets.yaml baselines && git commit")
        steps.append("perfgate check --admit          on the default branch: the first run of the baseline")
    else:
        steps.append("add something under measure: in budgets.yaml (the file shows how), then: perfgate check")
    if found.workflows:
        steps.append('perfgate measure pipeline --run "$GITHUB_RUN_ID"     in a last job of a workflow: its duration')
    if found.terraform:
        steps.append("perfgate measure cost --infracost infracost.json     the monthly cost of a plan")
    return "next:\n" + "\n".join(f"  {number}. {step}" for number, step in enumerate(steps, 1))
