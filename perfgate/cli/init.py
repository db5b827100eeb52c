"""`perfgate init`: a budgets.yaml that fits what the repository has, and what to do next."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import typer

from perfgate.adapters.labels import plain_text
from perfgate.cli import ci_files, console
from perfgate.cli.project import BUDGETS, SCRATCH
from perfgate.cli.survey import Survey, survey
from perfgate.core.budgets import DIRECTORY, GIT_REF, BaselineSettings
from perfgate.store.git import Repository

app = typer.Typer(**console.APP)


@app.command(short_help="write a budgets.yaml that fits this repository")
def init(
    force: bool = typer.Option(
        False, "--force", help="Overwrite a budgets.yaml that is there; with --ci, the CI files instead."
    ),
    ci: ci_files.Host | None = typer.Option(
        None,
        "--ci",
        help="Also write what runs the gate on every change, and keep the baseline in a branch of its own.",
    ),
) -> None:
    """Look at the repository and write a budgets.yaml for what can be measured here.

    New budgets start as `observe`: they are judged and shown, and block nothing until you let them.

    \b
    Example: perfgate init --ci github
    """
    from perfgate.errors import InputError
    from perfgate.formats import budgets as budgets_format

    root = Path.cwd()
    path = root / BUDGETS
    found = survey(root)
    if path.exists() and not force and ci is None:
        raise InputError(
            "there is a budgets.yaml already", where=BUDGETS, remedy="edit it, or overwrite it: perfgate init --force"
        )
    repository = Repository.discover(root)
    top = repository.root if repository else root
    # Made before anything is written, so that what cannot be made leaves nothing behind.
    made = _ci_files(ci, root, repository, found.extra) if ci is not None else ()
    ci_files.refuse_taken(made, top)
    if path.exists() and ci is not None:
        console.out(f"{BUDGETS} is there already and stays as it is")
    else:
        _write_budgets(root, top, found, GIT_REF if ci is not None else DIRECTORY)
    if repository is None:
        console.out(
            "this folder is in no git repository; a baseline needs one: it is found by the history of commits (git init)"
        )
    if ci is None:
        console.out(_next_steps(found, _hint(root, repository)))
        return
    baseline = budgets_format.load(budgets_format.read(path, BUDGETS), BUDGETS).baseline
    became = ci_files.write(made, top, force=force)
    _tell_files(became)
    console.out(
        _numbered([*_move_steps(root, baseline), *_ci_steps(ci, made, became, found), *_branch_steps(ci, repository)])
    )


def _write_budgets(root: Path, top: Path, found: Survey, store: str) -> None:
    """Write budgets.yaml and what belongs to it, never outside of the repository's top, and say so."""
    from perfgate.formats import budgets as budgets_format
    from perfgate.formats.files import write_atomically

    text = budgets_text(found, store)
    budgets_format.load(text.encode(), BUDGETS)
    write_atomically(root / BUDGETS, text.encode(), within=top)
    if store == DIRECTORY and not (root / "baselines").exists():
        write_atomically(root / "baselines" / "README.md", _BASELINES.encode(), within=top)
    ignored = _ignore(root, found)
    console.out(_found_text(found))
    and_folder = " and baselines/" if store == DIRECTORY else ""
    added = f", added {' and '.join(ignored)} to .gitignore" if ignored else ""
    console.out(f"wrote {BUDGETS}{and_folder}{added}")


def _ci_files(ci: ci_files.Host, root: Path, repository: Repository | None, extra: str) -> tuple[ci_files.File, ...]:
    """The files for the project in `root`, which is below the repository's top in a monorepo."""
    from perfgate.cli import installed

    package = installed.requirement()
    if repository is None:
        return ci_files.files(ci, package=package, extra=extra)
    relative = root.resolve().relative_to(repository.root.resolve()).as_posix()
    project = "" if relative == "." else relative
    return ci_files.files(ci, project=project, branch=_default_branch(repository)[0], package=package, extra=extra)


def _default_branch(repository: Repository) -> tuple[str, bool]:
    """The name of the default branch, and whether the repository says so; else it is taken from what is checked out."""
    known = repository.default_branch()
    name = known or repository.branch() or "main"
    return name, bool(known) or repository.branch() in {"main", "master"}


def _hint(root: Path, repository: Repository | None) -> ci_files.Host | None:
    """The code host that the repository seems to have."""
    if repository is None:
        return ci_files.detected(root)
    from perfgate.store.git_process import spawn

    done = spawn(root, ["config", "--get", "remote.origin.url"])
    return ci_files.detected(repository.root, done.stdout.decode("utf-8", "replace"))


def _tell_files(became: ci_files.Written) -> None:
    for name in became.written:
        console.out(f"wrote {name}")
    for name in became.same:
        console.out(f"{name} is there already, as it would be written")
    for name in became.kept:
        console.out(f"{name} is there already and differs; it stays as it is")


def _move_steps(root: Path, baseline: BaselineSettings) -> list[str]:
    """What remains where the budgets that are there keep the baseline in a folder."""
    if baseline.store != DIRECTORY:
        return []
    steps = ["write baseline: {store: git-ref} into budgets.yaml, so that CI need not push to the default branch"]
    if any((root / baseline.path / "runs").glob("*.json")):
        steps.append(
            f"perfgate baseline import --from {plain_text(shlex.quote(f'directory:{baseline.path}'))}     takes the runs that are there along"
        )
    return steps


def _branch_steps(ci: ci_files.Host, repository: Repository | None) -> list[str]:
    """What to look at where the default branch is only a guess. GitLab's file names no branch."""
    if ci is not ci_files.Host.GITHUB or repository is None:
        return []
    name, known = _default_branch(repository)
    return (
        []
        if known
        else [f"the default branch is taken to be {plain_text(name)}: change `branches:` where it is another"]
    )


def _package_step(made: tuple[ci_files.File, ...]) -> str:
    """What to do about PERFGATE_PACKAGE: where perfgate is installed from."""
    if any(ci_files.UNEDITED in text for _, text in made):
        return (
            "write PERFGATE_PACKAGE in the files: this perfgate came from a folder or a place that is not known, which CI cannot install;"
            ' until then the step "Install perfgate" fails'
        )
    return "check PERFGATE_PACKAGE in the files: perfgate is installed from where this one was"


def _ci_steps(ci: ci_files.Host, made: tuple[ci_files.File, ...], became: ci_files.Written, found: Survey) -> list[str]:
    """What remains to be done by hand after the CI files were written."""
    steps = [_package_step(made)]
    if found.is_empty:
        steps.append("add something under measure: in budgets.yaml (the file shows how)")
    steps.append('check the step "Set up what is measured": what the commands under measure: need')
    if ci is ci_files.Host.GITHUB:
        steps.append("commit it all to the default branch: comments begin when both workflows are there")
        steps.append('in the rules of the branch, require the check that is named as in "name:" of the job gate')
    else:
        if ".gitlab-ci.yml" in became.kept:
            steps.append(f"add to .gitlab-ci.yml:  include: [{{local: /{made[0].path}}}]")
        steps.append(
            "make a project access token (scope api), save it as the masked variable PERFGATE_GITLAB_TOKEN: for notes"
        )
        steps.append(
            "make another one (scope write_repository), save it as the protected variable PERFGATE_TOKEN: for the baseline"
        )
        steps.append("commit it all to the default branch")
    return steps


_BASELINES = """# The baseline of perfgate

Each file in `runs/` is one admitted run, `events/` holds what was decided about them. perfgate adds files and never rewrites
one; look after them with `perfgate baseline --help`.
"""


def _ignore(root: Path, found: Survey) -> list[str]:
    """Add what perfgate and its measuring leave behind to a .gitignore that is there; what was added. A project without one is left
    alone (`.perfgate` ignores itself)."""
    from perfgate.formats.files import write_atomically

    path = root / ".gitignore"
    if not path.is_file():
        return []
    text = path.read_text(encoding="utf-8", errors="surrogateescape")
    there = {line.strip().strip("/") for line in text.splitlines()}
    wanted = [SCRATCH, "*.egg-info"] if found.setuptools else [SCRATCH]
    added = [f"{name}/" for name in wanted if name not in there]
    if added:
        separator = "" if not text or text.endswith("\n") else "\n"
        lines = "".join(f"{name}\n" for name in added)
        write_atomically(path, f"{text}{separator}{lines}".encode("utf-8", "surrogateescape"))
    return added


# --- the file ---------------------------------------------------------------------------------------------------------


def budgets_text(found: Survey, store: str = DIRECTORY) -> str:
    """The text of a budgets.yaml for what was found, with the baseline in this kind of store."""
    own_branch = _OWN_BRANCH if store == GIT_REF else ""
    return _HEAD + _measure(found) + own_branch + _DEFAULTS + _budgets(found) + _WAIVERS


_OWN_BRANCH = """
# The runs of the default branch that changes are compared with, in the branch perfgate-data: CI adds them, nobody edits them.
baseline: {store: git-ref}
"""


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


_WHEEL = '  wheel:\n    size: {run: "{python} -m pip wheel -q --no-deps --wheel-dir {out} .", paths: ["{out}/*.whl"]}\n'

#: By itself setuptools builds in ./build, and packs what an earlier build left there.
_WHEEL_OF_SETUPTOOLS = """  wheel:
    size:   # the last options keep setuptools out of ./build, from where old files would be packed again (pip 23.1 or newer)
      run: >-
        {python} -m pip wheel -q --no-deps --wheel-dir {out} .
        --config-settings=--build-option=build --config-settings=--build-option=--build-base={out}/build
      paths: ["{out}/*.whl"]
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
        entries.append(_WHEEL_OF_SETUPTOOLS if found.setuptools else _WHEEL)
    # Without an entry the key is a comment too, so that what is uncommented is whole.
    text = (
        "measure:\n" + "".join(entries)
        if entries
        else "# measure:   # take the first # from these lines, and write your own command\n"
    )
    comments = ['  # start-up:\n  #   command: {run: "{python} -m yourpackage --version", runs: 20}\n']
    if found.terraform:
        comments.append(
            '  # cloud:   # needs the infracost program and its key\n  #   cost: {run: "infracost breakdown --path . --format json --out-file {out}", infracost: "{out}", environment: dev}\n'
        )
    if found.llm:
        comments.append('  # agent:\n  #   tokens: {files: ["logs/*.jsonl"], scenario: support}\n')
    example = "".join(comments)
    return text + (example if entries else re.sub(r"(?m)^  # ", "#   ", example))


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
        return '# budgets:\n#   - series: "command.cpu{command=start-up}"\n#     max_increase: {warn: 10%, block: 25%}\n#     enforce: observe\n'
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


def _next_steps(found: Survey, host: ci_files.Host | None) -> str:
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
    steps.append(f"perfgate init --ci {host or 'github|gitlab'}       what runs the gate on every change")
    return _numbered(steps)


def _numbered(steps: list[str]) -> str:
    return "next:\n" + "\n".join(f"  {number}. {step}" for number, step in enumerate(steps, 1))
