"""The trusted side of a change by anybody: its numbers as claims, judged by the base branch's rules, baseline and history.

None of the change's code is here or is run, and nothing out of its artifact becomes a path, an argument, a variable or a name.
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any, NamedTuple

from perfgate.adapters import github_jobs
from perfgate.cli import accepting, judging, redacting
from perfgate.cli.judging_options import Options
from perfgate.cli.project import BUDGETS, Project
from perfgate.core.baseline import Baseline
from perfgate.core.budgets import Budgets, Level
from perfgate.core.claims import restated, with_record
from perfgate.core.decision import Circumstances, Decision
from perfgate.core.model import Caveat, Context, Event, Measurement, Run, Series
from perfgate.errors import InputError, NothingJudged
from perfgate.forge.github_artifacts import Artifact, made_by
from perfgate.forge.github_pulls import MOST_COMMITS, Change, FinishedRun, Home, Pull
from perfgate.formats import budgets as budgets_format
from perfgate.formats import run as run_format
from perfgate.formats.packed_runs import Packed
from perfgate.store.git import Repository, is_commit_id
from perfgate.store.lineage import SHALLOW, Lineage

_FETCH = "give actions/checkout fetch-depth: 0, and leave its ref alone"
_MOST_LABELS = 8


class Ground(NamedTuple):
    """What trusted code stands on: the base branch, and its newest commit in this clone."""

    repository: Repository
    target: str
    tip: str

    @property
    def name(self) -> str:
        """The base branch's commit for people."""
        return f"origin/{self.target} ({self.tip[:10]})"


class Case(NamedTuple):
    """What is known of the change without asking it: its run, its pull request (None where it cannot be told), its history."""

    run: FinishedRun
    home: Home
    ground: Ground
    pull: Pull | None = None
    change: Change | None = None


class Record(NamedTuple):
    """The jobs of the run's attempt as GitHub lists them, and the artifact that one of them left."""

    run: dict[str, Any]
    jobs: Sequence[Any]
    artifact: Artifact | None = None


# --- the ground -------------------------------------------------------------------------------------------------------


def ground(project: Project, home: Home, target: str) -> Ground:
    """The base branch in this clone; InputError where the checkout is anything but the repository's own code, whole."""
    repository = project.repository
    if repository is None:
        raise InputError("this is no git repository", where=project.root.as_posix(), remedy=_FETCH)
    if repository.is_shallow:
        raise InputError(SHALLOW, remedy=_FETCH)
    tip, default = (repository.resolve(f"refs/remotes/origin/{name}") for name in (target, home.default_branch))
    if not tip or not default:
        raise InputError(
            f'the branch "{target if not tip else home.default_branch}" is not in this clone', remedy=_FETCH
        )
    head = repository.head()
    if not any(repository.ancestors_among(trusted, [head]) for trusted in dict.fromkeys((default, tip))):
        raise InputError(
            f"what is checked out ({head[:10] or 'nothing'}) is no commit of the default branch: it may be the change's own code,"
            " which must never run where a token can write",
            remedy="remove `ref:` from actions/checkout in this workflow",
        )
    if repository.worktree_fingerprint():
        raise InputError(
            "files of the checkout were changed since: something, maybe an artifact, was written over them",
            remedy="do not unpack anything into the work tree of this job",
        )
    return Ground(repository, target, tip)


def rules_of(project: Project, ground: Ground) -> judging.Rules:
    """The base branch's budgets; NothingJudged where it has none: the change's own never rule here."""
    path = project.in_repository(project.root / BUDGETS)
    text = ground.repository.file_at(ground.tip, path)
    if text is None:
        raise NothingJudged(f"{ground.name} has no {path} to judge by", remedy=f"land {BUDGETS} first, on its own")
    budgets = budgets_format.load(text, f"{ground.name}:{path}")
    caveats = tuple(Caveat("budgets", note) for note in budgets.notes)
    return judging.Rules(budgets, text, f"{BUDGETS} at {ground.name}", caveats=caveats)


def base_of(case: Case, claimed: str) -> tuple[str, str, str]:
    """The commit that the change is compared with, a sentence where that is not the one claimed, and why none is known.

    A claim is believed where it lies on the base branch, no earlier than where the change left it.
    """
    repository, tip, head = case.ground.repository, case.ground.tip, case.run.head
    fork = case.change.merge_base if case.change is not None else ""
    if not fork and repository.exists(head):
        fork = repository.merge_base(tip, head)
    if not fork or not repository.ancestors_among(tip, [fork]):
        return "", "", f"neither GitHub nor this clone tells where the change left {case.ground.name}"
    if not claimed or claimed == fork:
        return fork, "", ""
    if repository.ancestors_among(tip, [claimed]) and repository.ancestors_among(claimed, [fork]):
        return claimed, "", ""
    said = (
        f"the change says it started from {claimed[:10]}, which is not on {case.ground.name} after it left there;"
        f" it is compared with {fork[:10]}, where it did"
    )
    return fork, said, ""


# --- judging ----------------------------------------------------------------------------------------------------------


def decided(
    project: Project, case: Case, rules: judging.Rules, packed: Packed, record: Record, options: Options
) -> tuple[Decision, tuple[Run, ...]]:
    """The decision on the claims in an artifact, and the claims as they were judged."""
    if len(claimed := {run.context.tested for run in packed.runs}) > 1:
        names = ", ".join(sorted(commit[:10] or "no commit" for commit in claimed)[:5])
        raise InputError(
            f"the runs are of different commits: {names}", remedy="measure and upload one commit at a time"
        )
    base, moved, problem = base_of(case, _agreed(run.context.base for run in packed.runs))
    tested = _agreed(run.context.tested for run in packed.runs) or case.run.head
    judged = as_theirs(project, case, tested, base, problem)
    runs = tuple(
        redacting.clean_run(run, run_format.dump(run), f"run {position}")
        for position, run in enumerate(restated(packed.runs, _context(case, tested, base)), 1)
    )
    baseline = judging.load_baseline(judged, rules.budgets, judged.lineage)
    recorded = _recorded(runs, case.run, record, rules.budgets, baseline)
    runs = recorded.runs
    caveats = [_claims_caveat(case, runs, record)]
    caveats += [Caveat("base", moved)] if moved else []
    caveats += [*recorded.caveats, *_change_caveats(project, case)]
    files = tuple(Path("runs") / f"{position:03d}.json" for position in range(len(runs)))
    candidate = judging.Candidate(runs, files)
    decision = accepting.settled(
        judged,
        judging.decided(judged, candidate, options, rules, None, baseline),
        lambda acceptance: judging.decided(judged, candidate, options, rules, acceptance, baseline),
    )
    if packed.verdict and packed.verdict != decision.level.word:
        message = f"the change's own job said {packed.verdict}; by the base branch's rules it is {decision.level.word}"
        caveats.insert(1, Caveat("verdict differs", message))
    return decision._replace(caveats=(*caveats, *decision.caveats)), runs


def nothing(project: Project, case: Case, rules_source: str, options: Options, why: str) -> Decision:
    """The decision where there is nothing to judge: no verdict, which is never a pass."""
    judged = as_theirs(project, case)
    return Decision(
        level=Level.INCONCLUSIVE,
        verdicts=(),
        observed=(),
        comparisons=(),
        caveats=(Caveat("nothing judged", f"nothing could be judged: {why}"),),
        circumstances=Circumstances(
            context=_context(case, case.run.head, ""),
            budgets_source=rules_source,
            situation=judged.situation(),
            today=options.today,
            only=options.only,
            reproduce=options.reproduce,
        ),
    )


def _agreed(values: Any) -> str:
    """The full hash that all runs claim, "" where they differ or claim none."""
    told = set(values)
    only = told.pop() if len(told) == 1 else ""
    return only if is_commit_id(only) else ""


def as_theirs(project: Project, case: Case, tested: str = "", base: str = "", problem: str = "") -> Project:
    """The project as the change's own job would see it, were it to be believed."""
    run, ground = case.run, case.ground
    change = case.change or Change("")
    event = Event(
        provider="github",
        name=run.event,
        ci_run=str(run.id),
        ci_attempt=run.attempt,
        branch=run.branch,
        target=ground.target,
        target_sha=ground.tip,
        head=run.head,
        default_branch=case.home.default_branch,
        pull_request=case.pull.number if case.pull is not None else None,
        from_fork=run.head_repository != case.home.id,
        labels=case.pull.labels if case.pull is not None else (),
    )
    lineage = Lineage(
        head=run.head,
        tested=tested or run.head,
        base=base,
        tip=ground.tip,
        tip_name=ground.name,
        branch=run.branch,
        target=ground.target,
        changed_paths=change.paths,
        messages=change.messages,
        problem=problem,
    )
    return project._replace(event=event, lineage=lineage)


def _context(case: Case, tested: str, base: str) -> Context:
    run = case.run
    return Context(
        head=run.head,
        base=base,
        tested=tested,
        branch=run.branch,
        target=case.ground.target,
        pull_request=case.pull.number if case.pull is not None else None,
        event=run.event,
        provider="github",
        ci_run=str(run.id),
        ci_attempt=run.attempt,
    )


def _recorded(runs: Sequence[Run], run: FinishedRun, record: Record, budgets: Budgets, baseline: Baseline) -> Any:
    """The claims with GitHub's own times in their place, where budgets, baseline or claims know of them."""
    told = _times(run, record)
    expected = set(baseline.recent())

    def wanted(series: Series) -> bool:
        return series in expected or any(budget.selector.matches(series) for budget in budgets.budgets)

    return with_record(runs, run.workflow, told, wanted)


def _times(run: FinishedRun, record: Record) -> tuple[Measurement, ...]:
    """The times of the attempt. The job that reported is left out where it can be told: on main too it was still running when the
    others were measured, and its failure is the gate's own word."""
    jobs, whole = list(record.jobs), dict(record.run)
    reporters = made_by(record.artifact, jobs) if record.artifact is not None else []
    if len(reporters) == 1 and len(jobs) > 1:
        jobs = [job for job in jobs if job is not reporters[0]]
        whole.pop("conclusion", None)
    try:
        capture = github_jobs.read(
            {"run": whole, "jobs": jobs}, "GitHub's record", workflow=run.workflow, attempt=run.attempt
        )
    except InputError:
        return ()
    return capture.measurements


# --- what a reader must know --------------------------------------------------------------------------------------------


def _claims_caveat(case: Case, runs: Sequence[Run], record: Record) -> Caveat:
    labels = sorted(
        {
            label
            for job in record.jobs
            if isinstance(job, dict)
            for label in job.get("labels") or ()
            if isinstance(label, str)
        }
    )
    machines = sorted({str(run.context.machine) for run in runs} - {""})
    message = (
        "these numbers were reported by the change's own code; they were judged by trusted code, by the rules and the baseline"
        f" of {case.ground.name}"
    )
    claims = (
        f"the machine class ({'; '.join(machines[:3])[:200]})" if machines else "the machine class, which is not told,"
    )
    told = f"; GitHub's record names runners with the labels {', '.join(labels[:_MOST_LABELS])[:200]}" if labels else ""
    return Caveat("claims", message, f"the values themselves and {claims} remain claims{told}")


def _change_caveats(project: Project, case: Case) -> list[Caveat]:
    """What the change's own job would have said of the change, and what is not known of it."""
    change = case.change
    if change is None:
        return [
            Caveat("change unknown", "GitHub does not tell the change's commits and paths, so no justification is read")
        ]
    found = []
    path = project.in_repository(project.root / BUDGETS)
    if change.paths is not None and path in change.paths:
        message = f"this change edits {path}, what is measured or how it is judged; it is judged by {case.ground.name}"
        found.append(
            Caveat("budgets edited", message, "look at what it measures; land a change of budgets or waivers first")
        )
    if change.paths is None:
        found.append(
            Caveat("paths unknown", "the change has more paths than GitHub lists, so `when: paths` is not known")
        )
    if change.commits > len(change.messages):
        message = f"only {MOST_COMMITS} of the change's {change.commits} commits were searched for justifications"
        found.append(Caveat("commits unread", message))
    return found
