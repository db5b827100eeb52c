"""`perfgate selftest`: a regression for every budget, made in a temporary copy, and the proof that the gate blocks it."""

from __future__ import annotations

import contextlib
import io
import shutil
import tempfile
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import typer

from perfgate.cli import console, exit_codes
from perfgate.cli import judging_options as given

if TYPE_CHECKING:
    from perfgate.cli.judging import Rules
    from perfgate.cli.project import Project
    from perfgate.core.baseline import Baseline
    from perfgate.core.decision import Decision
    from perfgate.core.model import Run, Series
    from perfgate.core.selftest import Result, SelfTest
    from perfgate.core.selftest_targets import Case, FamilyCase
    from perfgate.core.units import Number

app = typer.Typer(**console.APP)


@app.command(short_help="prove that every budget blocks what it should")
def selftest(
    only: str = typer.Option("", "--only", metavar="SERIES", help="Test these series only, for example 'tests.*'."),
    budgets: Path | None = given.BUDGETS,
    today: str = given.TODAY,
    as_json: bool = typer.Option(False, "--json", help="Print the result as JSON."),
    every: bool = typer.Option(False, "--all", help="Show every series, also those whose budget works."),
) -> None:
    """Inject into the newest admitted run what each budget should block, and prove that the gate blocks it.

    The unchanged run must pass. All of it happens in a temporary copy; nothing stored is changed. Exits with 0 when every budget
    proved itself, 1 when one lets every regression through, 10 when something could not be shown, 3 when nothing could be tested.

    \b
    Example: perfgate selftest
             perfgate selftest --only 'tests.*'
    """
    from perfgate.cli.project import Project, parse_day
    from perfgate.render import selftest as render

    options = given.Options(budgets=budgets, only=only, today=parse_day(today))
    found = proved(Project.find(), options)
    if as_json:
        console.out(render.as_json(found))
    else:
        console.out(render.render(found, width=console.width(), colour=console.colour(), every=every))
    code, said = outcome(found)
    if said:
        console.say_error(said)
    raise typer.Exit(code)


def outcome(found: SelfTest) -> tuple[int, str]:
    """The exit code, and why it is not 0. A gate that does not block looks neither like a breach nor like a pass."""
    if found.broken:
        return exit_codes.FAILED, "a budget does not block what it should: do not rely on this gate"
    if not found.proved:
        return exit_codes.NOTHING_JUDGED, "no budget could be shown to work; perfgate calibrate says what each can see"
    return (exit_codes.WARN, "not everything could be shown to work") if found.doubtful else (exit_codes.PASS, "")


class _Gate(NamedTuple):
    """The gate as it stands in the temporary copy: budgets, the runs before the tested one, and no way back to the project."""

    project: Project
    rules: Rules
    baseline: Baseline
    options: given.Options

    def engine(self, runs: Sequence[Run]) -> Decision:
        """The decision alone, on runs that went through their file format."""
        from perfgate.core.decision import Circumstances
        from perfgate.core.policy import decide
        from perfgate.formats import run as run_format

        read = [run_format.load(run_format.dump(run), "the run with a regression") for run in runs]
        circumstances = Circumstances(
            context=read[0].context,
            baseline_source=self.baseline.source,
            baseline_runs=self.baseline.runs,
            budgets_source=self.rules.source,
            situation=self.project.situation(),
            today=self.options.today,
            only=self.options.only,
        )
        return decide(read, self.baseline, self.rules.budgets, circumstances)

    def whole(self, runs: Sequence[Run]) -> tuple[Decision, int, str]:
        """What `perfgate gate` does with run files: the decision, the exit code, and the comment it leaves."""
        from perfgate.cli import judging
        from perfgate.formats import run as run_format

        folder = self.project.root / "candidate"
        folder.mkdir(exist_ok=True)
        for path in folder.iterdir():
            path.unlink()
        for number, run in enumerate(runs):
            (folder / f"{number:03d}.json").write_bytes(run_format.dump(run))
        candidate = judging.gather(self.project, [str(folder)])
        with contextlib.redirect_stdout(io.StringIO()), contextlib.redirect_stderr(io.StringIO()):
            decision = judging.judge(self.project, candidate, self.options)
        comment = (self.project.decisions / "comment.md").read_text(encoding="utf-8")
        return decision, exit_codes.of_decision(decision), comment


def proved(project: Project, options: given.Options) -> SelfTest:
    """The proof for every budget, in a temporary copy that is gone afterwards."""
    from perfgate.cli import judging
    from perfgate.cli.calibrate import admitted
    from perfgate.cli.only import refuse_unknown
    from perfgate.cli.storing import store_of
    from perfgate.core.selftest import SelfTest, cases, untested
    from perfgate.errors import NothingJudged

    rules = judging.find_rules(project, options.budgets)
    baseline, runs = admitted(project, rules.budgets)
    if baseline.problem or not baseline.runs:
        raise NothingJudged(
            baseline.problem or "there is no admitted run of this commit or its ancestors",
            where=store_of(project, rules.budgets.baseline).where,
            remedy="admit one: perfgate check --admit, on the default branch",
        )
    tested = _newest(baseline, runs)
    known = (each.series for run in tested for each in run.measurements)
    refuse_unknown(options.only, known, "the newest admitted run has")
    folder = Path(tempfile.mkdtemp(prefix="perfgate-selftest-")).resolve()
    try:
        gate = _copied(project, rules, baseline, tested, folder, options)
        decision, code, _ = gate.whole(tested)
        unchanged = gate.engine(tested)
        chosen = cases(unchanged, rules.budgets.waivers)
        results = [*_results(gate, tested, chosen), *untested(unchanged, rules.budgets.budgets, chosen)]
    finally:
        shutil.rmtree(folder, ignore_errors=True)
    reasons = [f"{each.series}: {each.reason}" for each in decision.verdicts if each.level is decision.level and code]
    return SelfTest(
        runs=tuple(run.id for run in tested),
        commit=tested[0].context.tested,
        before=len(gate.baseline.runs),
        unchanged=decision.level,
        code=code,
        reasons=tuple(reasons),
        results=tuple(results),
    )


def _results(gate: _Gate, runs: Sequence[Run], chosen: Sequence[Case | FamilyCase]) -> list[Result]:
    """Each case by the engine, and the first proof of each budget by the whole gate as well."""
    from perfgate.core.selftest import Proof, in_parts, prove_together, worse

    def judged(values: Mapping[Series, Number]) -> Decision:
        return gate.engine(worse(runs, values))

    results: list[Result] = []
    gated: set[tuple[int, str]] = set()
    parts = in_parts(chosen, len({each.series for run in runs for each in run.measurements}))
    with console.progress() as progress:
        for part in parts:
            progress(f"testing {len(results) + 1} of {len(chosen)}: {part[0].verdict.series}")
            for result in prove_together(part, judged):
                key = (id(result.budget), result.rule.value)
                if result.proof is not Proof.PROVED or key in gated:
                    results.append(result)
                    continue
                gated.add(key)
                results.append(_gated(gate, worse(runs, dict(result.values)), result))
    return results


def _gated(gate: _Gate, runs: Sequence[Run], result: Result) -> Result:
    """The result once the whole gate has been run on it: files, decision, exit code and comment must all say the same."""
    from perfgate.core.budgets import Level
    from perfgate.core.selftest import Proof
    from perfgate.render.markdown import mentions

    decision, code, comment = gate.whole(runs)
    wanted = {Level.BLOCK: exit_codes.BLOCK, Level.WARN: exit_codes.WARN}.get(result.expected)
    problem = ""
    if decision.level < result.expected:
        problem = f"the engine says {result.expected.word}, the whole gate {decision.level.word}"
    elif wanted is not None and code < wanted:
        problem = f"the gate ended with exit code {code}, not {wanted}"
    elif result.series is not None and not mentions(comment, result.series):
        problem = "the comment does not name the series"
    if problem:
        return result._replace(proof=Proof.BROKEN, said=problem, gated=True)
    return result._replace(said=f"{result.said}; exit code {code}", gated=True)


def _newest(baseline: Baseline, runs: Sequence[Run]) -> tuple[Run, ...]:
    """The newest admitted run, and what the same CI run measured apart on the same commit: parts without a series in common."""
    by_id = {run.id: run for run in runs}
    newest = by_id[baseline.runs[-1].id]
    chosen, series = [newest], {each.series for each in newest.measurements}
    for known in reversed(baseline.runs[:-1]):
        run = by_id[known.id]
        same = (run.context.tested, run.context.ci_run, run.context.ci_attempt) == (
            newest.context.tested, newest.context.ci_run, newest.context.ci_attempt,
        )  # fmt: skip
        own = {each.series for each in run.measurements}
        if same and newest.context.ci_run and not own & series:
            chosen.append(run)
            series |= own
    return tuple(run._replace(excluded=()) for run in chosen)


def _copied(
    project: Project, rules: Rules, baseline: Baseline, tested: Sequence[Run], folder: Path, options: given.Options
) -> _Gate:
    """The project in `folder`: the budgets, and of the baseline what came before the tested commit; where and when stay the same.

    The copy has no repository: every run in it counts. It is never on the target branch, so that nothing can be admitted.
    """
    from perfgate.cli import judging
    from perfgate.cli.storing import store_of

    own = folder / rules.budgets.baseline.path
    shelf = store_of(project, rules.budgets.baseline).shelf()
    wanted = {run.id for run in baseline.runs if run.commit != tested[0].context.tested}
    for part, files in (("runs", [file for file in shelf.runs if file.id in wanted]), ("events", shelf.events)):
        (own / part).mkdir(parents=True)
        for file, data in zip(files, shelf.contents(files), strict=True):
            (own / part / file.name).write_bytes(data)
    budgets = folder / "budgets.yaml"
    budgets.write_bytes(rules.text)
    lineage = project.lineage._replace(
        base="",
        tip="",
        tip_name="",
        tested="",
        worktree="",
        changed_paths=None,
        messages=(),
        problem="",
        on_target=False,
    )
    copy = project._replace(root=folder, repository=None, lineage=lineage, environ={})
    inner = options._replace(
        budgets=budgets, admit=False, no_admit=True, baseline=own, out=None, reproduce="perfgate selftest"
    )
    return _Gate(copy, rules, judging.load_baseline(copy, rules.budgets, lineage, folder=own), inner)
