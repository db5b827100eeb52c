"""The gate's own path: runs × baseline × budgets → decision → every output → admission. `gate` and `check` are this.

Budgets and waivers are those of the base branch's tip, so that a change cannot weaken its own gate; what it would have said
of itself by its own budgets is told beside.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import NamedTuple

from perfgate.adapters.labels import plain_text
from perfgate.cli import accepting, beside, console, exit_codes, outputs, redacting
from perfgate.cli.judging_options import Options
from perfgate.cli.only import refuse_unknown
from perfgate.cli.project import BUDGETS, Project
from perfgate.cli.storing import begun, store_of, told
from perfgate.core.admission import excluded_series, new_levels, why_not
from perfgate.core.baseline import Baseline
from perfgate.core.budgets import Budgets
from perfgate.core.decision import Acceptance, Circumstances, Decision, Verdict
from perfgate.core.entries import CommandEntry, Entry
from perfgate.core.model import Caveat, Run
from perfgate.core.policy import decide
from perfgate.errors import InputError, NothingJudged, OperationFailed
from perfgate.formats import budgets as budgets_format
from perfgate.formats import run as run_format
from perfgate.store.changes import NotAllowed, admission
from perfgate.store.lineage import SHALLOW, Lineage


class Candidate(NamedTuple):
    """The runs to judge, and the files they come from."""

    runs: tuple[Run, ...]
    files: tuple[Path, ...]


class Rules(NamedTuple):
    """The budgets that rule, their text and source; `own` are the change's own budgets where those differ, `entries` what it measures."""

    budgets: Budgets
    text: bytes
    source: str
    own: Budgets | None = None
    caveats: tuple[Caveat, ...] = ()
    entries: tuple[Entry, ...] = ()


def judge(project: Project, candidate: Candidate, options: Options) -> Decision:
    """Judge the candidate, publish the decision, admit the run where that is due; the decision."""
    rules = find_rules(project, options.budgets)
    decision = accepting.settled(
        project,
        decided(project, candidate, options, rules),
        lambda acceptance: decided(project, candidate, options, rules, acceptance),
    )
    outputs.publish(project, decision, candidate.runs, rules.text, options)
    if not options.no_admit:
        admit(project, rules.budgets, decision, candidate.runs, options)
    return decision


def decided(
    project: Project,
    candidate: Candidate,
    options: Options,
    rules: Rules,
    acceptance: Acceptance | None = None,
    baseline: Baseline | None = None,
) -> Decision:
    """The decision on the candidate by these rules, of which nobody is told yet; NothingJudged where nothing was measured.

    With an `acceptance`, what would block warns. `baseline` is what it is compared with where that has been read already.
    """
    if not any(run.measurements for run in candidate.runs):
        raise NothingJudged(
            "the run holds no measurement",
            where=", ".join(console.shown(path) for path in candidate.files),
            remedy="measure something: perfgate measure --help",
        )
    lineage, moved = lineage_of(project, candidate.runs)
    console.say_verbose(f"judged by {rules.source}; base of the tested tree: {lineage.base or 'unknown'}")
    if baseline is None:
        baseline = load_baseline(project, rules.budgets, lineage, folder=options.baseline)
    if baseline.problem == SHALLOW and project.event.provider:
        from perfgate.cli import reach

        def again(each: Project) -> Baseline:
            found, _ = lineage_of(each, candidate.runs)
            return load_baseline(each, rules.budgets, found, folder=options.baseline)

        project, baseline = reach.with_history(project, baseline, again)
        lineage, moved = lineage_of(project, candidate.runs)
    console.say_verbose(f"baseline: {baseline.source or 'none'}, {len(baseline.runs)} runs")
    known = [*(each.series for run in candidate.runs for each in run.measurements), *baseline.histories]
    selectors = (budget.selector for budget in rules.budgets.budgets)
    refuse_unknown(options.only, known, "the run and its baseline have", selectors)
    circumstances = Circumstances(
        context=candidate.runs[0].context,
        runs=tuple(console.shown(path) for path in candidate.files),
        baseline_source=baseline.source,
        baseline_problem=baseline.problem,
        baseline_runs=baseline.runs,
        budgets_source=rules.source,
        base_approximate=lineage.approximate,
        situation=project.situation(),
        today=options.today,
        only=options.only,
        reproduce=_to_repeat(project, options, rules, lineage),
        acceptance=acceptance,
    )
    decision = decide(candidate.runs, baseline, rules.budgets, circumstances, lineage.messages)
    if rules.own is not None:
        own = decide(candidate.runs, baseline, rules.own, circumstances, lineage.messages)
        moved = (*moved, _edited(rules, own, decision))
    decision = decision._replace(caveats=(*decision.caveats, *rules.caveats, *lineage.caveats, *moved))
    store = partial(store_of, project, rules.budgets.baseline, folder=options.baseline)
    decision = beside.told(decision, candidate.runs, baseline, lambda names: store().details(lineage, names))
    return _with_ways_to_settle(decision, rules.entries or rules.budgets.entries, lineage.base)


def _to_repeat(project: Project, options: Options, rules: Rules, lineage: Lineage) -> str:
    """The command that repeats what was measured. A person's machine is not comparable with CI's baseline, so there both sides are."""
    measured_here = options.reproduce == Options().reproduce and (rules.entries or rules.budgets.entries)
    if not project.event.provider or not measured_here or not lineage.base:
        return options.reproduce
    return f"perfgate compare --against {lineage.base[:10]}"


def _edited(rules: Rules, own: Decision, decision: Decision) -> Caveat:
    message = f"this change edits {BUDGETS}; it is judged by {rules.source}"
    if own.level is not decision.level:
        message += f". By its own budgets it would be: {own.level.word}"
    return Caveat("budgets edited", message, "land the change of budgets or waivers first, on its own")


def _with_ways_to_settle(decision: Decision, entries: Sequence[Entry], base: str) -> Decision:
    """The decision whose suspects name the command that would settle each."""
    commands = {plain_text(entry.name): entry for entry in entries if isinstance(entry, CommandEntry)}

    def told(verdict: Verdict) -> Verdict:
        if not verdict.suspect:
            return verdict
        entry = commands.get(dict(verdict.series.labels).get("command", ""))
        if entry is not None and base and verdict.series.metric.startswith("command."):
            return verdict._replace(remedy=f"settle it: {ab_command(entry, base)}")
        return verdict._replace(remedy="settle it by a run at another time or on another machine: perfgate check")

    return decision._replace(verdicts=tuple(told(verdict) for verdict in decision.verdicts))


def ab_command(entry: CommandEntry, base: str) -> str:
    """The command that measures an entry on both sides."""
    import shlex

    words = ["perfgate", "ab", entry.name, "--base", base[:10]]
    plain = CommandEntry(entry.name, entry.run, entry.runs, entry.warmup, entry.prepare, entry.versus, entry.setup)
    if entry != plain:
        # The rest of it only budgets.yaml can say.
        return shlex.join(words)
    for option, argv in (("--setup", entry.setup), ("--prepare", entry.prepare)):
        words += [option, shlex.join(argv)] if argv else []
    return shlex.join([*words, "--", *entry.run])


# --- what is judged ---------------------------------------------------------------------------------------------------


def gather(project: Project, arguments: Sequence[str]) -> Candidate:
    """The runs named by files, folders or globs; without any, those in `.perfgate/runs` of the current commit and work-tree state."""
    if not arguments:
        return _current(project)
    files: dict[Path, None] = {}
    for argument in arguments:
        for path in _expand(argument):
            files.setdefault(path)
    return Candidate(tuple(_load(path) for path in files), tuple(files))


def _expand(argument: str) -> list[Path]:
    path = Path(argument)
    if path.is_dir():
        found = sorted(path.glob("*.json"))
    elif path.exists() or not any(sign in argument for sign in "*?["):
        return [path]
    else:
        found = (
            sorted(Path().glob(argument))
            if not path.is_absolute()
            else sorted(Path(path.anchor).glob(str(path.relative_to(path.anchor))))
        )
    if not found:
        raise InputError(
            "no run file is there", where=argument, remedy="name run files, or measure first: perfgate check"
        )
    return found


def _current(project: Project) -> Candidate:
    lineage = project.lineage
    matching: list[tuple[Run, Path]] = []
    others = len(list(project.runs.glob("*.json")))
    for path in project.runs_of(lineage.tested):
        run = _load(path)
        if (run.context.tested, run.context.worktree) == (lineage.tested, lineage.worktree):
            matching.append((run, path))
    if not matching:
        found = f"; {others} of other states were left out" if others else ""
        raise NothingJudged(
            f"no run of the current commit and work-tree state{found}",
            where=console.shown(project.runs),
            remedy="measure first (perfgate check does both), or name the run files",
        )
    if not lineage.tested:
        # Without a commit nothing tells one state from the next: only the newest run is surely of this one.
        matching = [max(matching, key=lambda each: (each[0].context.started_at, each[1].name))]
    return Candidate(tuple(run for run, _ in matching), tuple(path for _, path in matching))


def _load(path: Path) -> Run:
    shown = console.shown(path)
    data = run_format.read(path, shown)
    return redacting.clean_run(run_format.load(data, shown), data, shown)


# --- what it is judged by ---------------------------------------------------------------------------------------------


def find_rules(project: Project, given: Path | None) -> Rules:
    """The budgets that rule: the ones given, those of the base branch's tip, or the work tree's on the base branch itself."""
    if given is not None:
        data = budgets_format.read(given, console.shown(given))
        source = f"{console.shown(given)} (--budgets)"
        return _with_notes(Rules(budgets_format.load(data, console.shown(given)), data, source))
    path = project.root / BUDGETS
    own = path.read_bytes() if path.is_file() else None
    tip, repository = project.lineage.tip, project.repository
    base = repository.file_at(tip, project.in_repository(path)) if repository and tip else None
    if base is None:
        if project.event.provider and not project.lineage.on_target and not tip:
            # Without the base branch a change would be judged by its own budgets, and could loosen them.
            raise InputError(
                "the base branch is not in this clone, so its budgets cannot be read",
                where=console.shown(path),
                remedy="fetch the whole history (actions/checkout: fetch-depth: 0)",
            )
        if own is None:
            raise InputError("there is no budgets.yaml", where=console.shown(path), remedy="make one: perfgate init")
        source = BUDGETS
        caveats: tuple[Caveat, ...] = ()
        if tip:
            source = f"{BUDGETS} of this change"
            message = f"{project.lineage.tip_name} has no {BUDGETS} yet, so this change is judged by its own"
            caveats = (Caveat("budgets new", message),)
        return _with_notes(Rules(budgets_format.load(own, console.shown(path)), own, source, caveats=caveats))
    return _with_notes(_ruled_by_tip(project, base, own, console.shown(path)))


def _ruled_by_tip(project: Project, base: bytes, own: bytes | None, shown: str) -> Rules:
    source = f"{BUDGETS} at {project.lineage.tip_name}"
    if own == base:
        return Rules(budgets_format.load(base, shown), base, source)
    if own is not None and own == _at_base(project):
        # Only the base branch moved on: this change edits nothing.
        return Rules(budgets_format.load(base, f"{project.lineage.tip_name}:{shown}"), base, source)
    ours = budgets_format.load(own, shown) if own is not None else Budgets()
    try:
        ruling = budgets_format.load(base, f"{project.lineage.tip_name}:{shown}")
    except InputError as error:
        # Else no change could ever mend it; what it breaks is on the base branch already.
        message = f"the base branch's budgets cannot be read ({error.where}: {error.what}), so this change is judged by its own"
        return Rules(ours, own or b"", f"{BUDGETS} of this change", caveats=(Caveat("budgets broken", message),))
    caveats = []
    if ours.entries != ruling.entries:
        names = sorted(
            {
                entry.name
                for entry in (*ours.entries, *ruling.entries)
                if (entry in ours.entries) != (entry in ruling.entries)
            }
        )
        message = f"this change edits what is measured: {', '.join(names) or 'the order of entries'}"
        caveats.append(
            Caveat("measure edited", message, "measure: is taken from the change itself; look at what it changes")
        )
    if ours.baseline != ruling.baseline and own is not None:
        message = f"this change edits where the baseline is kept; it is compared with the one that {source} names"
        remedy = "look at it: once this has landed, runs are admitted and read there"
        caveats.append(Caveat("baseline settings edited", message, remedy))
    same = _without_places(ours) == _without_places(ruling) and ours.defaults == ruling.defaults
    return Rules(ruling, base, source, own=None if same else ours, caveats=tuple(caveats), entries=ours.entries)


def _at_base(project: Project) -> bytes | None:
    """The budgets.yaml that the change started from."""
    if project.repository is None or not project.lineage.base:
        return None
    return project.repository.file_at(project.lineage.base, project.in_repository(project.root / BUDGETS))


def _without_places(budgets: Budgets) -> tuple[object, ...]:
    return tuple(each._replace(place="") for each in budgets.budgets), tuple(
        each._replace(place="") for each in budgets.waivers
    )


def _with_notes(rules: Rules) -> Rules:
    return rules._replace(caveats=(*rules.caveats, *(Caveat("budgets", note) for note in rules.budgets.notes)))


# --- what it is compared with -----------------------------------------------------------------------------------------


def lineage_of(project: Project, runs: Sequence[Run]) -> tuple[Lineage, tuple[Caveat, ...]]:
    """The lineage of what was measured: the checkout's own, or, for runs of another commit, what those runs say of themselves."""
    tested = {run.context.tested for run in runs}
    if len(tested) > 1:
        names = ", ".join(sorted(commit[:10] or "no commit" for commit in tested))
        raise InputError(f"the runs are of different commits: {names}", remedy="gate the runs of one commit at a time")
    commit = tested.pop()
    lineage = project.lineage
    if commit in {"", lineage.tested} or project.repository is None:
        return lineage, ()
    context = runs[0].context
    message = f"the run was measured at {commit[:10]}, the checkout is {lineage.tested[:10] or 'empty'}"
    caveat = Caveat("other commit", message, "compare with the baseline of the run's own base")
    if not context.base or not project.repository.exists(context.base):
        problem = f"the base of the run ({context.base[:10] or 'unknown'}) is not in this repository"
        return lineage._replace(base="", messages=(), problem=problem), (caveat,)
    messages = (
        tuple(text for _, text in project.repository.messages(context.base, commit))
        if project.repository.exists(commit)
        else ()
    )
    told = lineage._replace(
        base=context.base, tested=commit, head=context.head, messages=messages, problem="", caveats=()
    )
    why = f"the run knows its base only as the tip of {context.target or 'its target'} at that time"
    return told._replace(approximate=why if context.base_is_approximate else ""), (caveat,)


def load_baseline(project: Project, budgets: Budgets, lineage: Lineage, *, folder: Path | None = None) -> Baseline:
    """The admitted runs that the candidate may be compared with; with `folder`, those in that folder."""
    return store_of(project, budgets.baseline, folder=folder).load(lineage)


# --- what becomes of it -----------------------------------------------------------------------------------------------


def admit(project: Project, budgets: Budgets, decision: Decision, runs: Sequence[Run], options: Options) -> None:
    """Admit the judged runs to the baseline where the rules allow it, and say what was done where anyone would ask.

    On the default branch in CI a job without the right to write has done its part. With --admit its failure is one, and so is a
    refusal: OperationFailed where the verdict alone would exit with 0.
    """
    in_ci, asked = bool(project.event.provider), options.admit
    admitted: list[Run] = []
    refused: list[str] = []
    for run in runs:
        reason = why_not(decision, run.context, in_ci=in_ci, on_target=project.lineage.on_target, asked=asked)
        if not reason:
            admitted.append(run._replace(excluded=excluded_series(decision)))
        elif asked or (in_ci and project.lineage.on_target):
            refused.append(reason)
    _write_admitted(project, budgets, decision, admitted, asked=asked)
    for reason in dict.fromkeys(refused):
        if asked and exit_codes.of_decision(decision, options.fail_on) == exit_codes.PASS:
            raise OperationFailed(
                f"not admitted to the baseline: {reason}", where="--admit", remedy="leave --admit out to judge only"
            )
        console.say(f"not admitted to the baseline: {reason}")


def _write_admitted(
    project: Project, budgets: Budgets, decision: Decision, admitted: Sequence[Run], *, asked: bool
) -> None:
    if not admitted:
        return
    store = store_of(project, budgets.baseline)
    levels = new_levels(decision, admitted)
    try:
        for sentence in (*told(store, store.write(admission(admitted, levels=levels))), *begun(levels)):
            console.say(sentence)
    except NotAllowed as error:
        if asked:
            raise
        console.say(f"not admitted to the baseline by this job: {error.what}\n  {error.remedy}")
