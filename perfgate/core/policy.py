"""Comparisons × budgets × waivers → decision: which rule applies to which series, and what it comes to.

The arithmetic of a single rule is in `rules`; here are its choice, its consequences, and the whole.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import NamedTuple

from perfgate.core import approximation, drift, families, rules, run_shift, scenarios
from perfgate.core.acceptance import accept
from perfgate.core.baseline import Baseline
from perfgate.core.budgets import Budget, Budgets, Level, Relative, Side, Waiver
from perfgate.core.claims import as_declared
from perfgate.core.compare import Comparison, compare
from perfgate.core.decision import (
    Circumstances,
    Decision,
    Family,
    Justification,
    Rule,
    Subject,
    Unmatched,
    Verdict,
)
from perfgate.core.families import Judged
from perfgate.core.justifications import read_justifications
from perfgate.core.metrics import Direction
from perfgate.core.model import COMMAND_FAILED, Caveat, Run, Selector, Series
from perfgate.core.observation import observe
from perfgate.core.timeline import timelines_of
from perfgate.core.units import write_value


def decide(
    runs: Sequence[Run],
    baseline: Baseline,
    budgets: Budgets,
    circumstances: Circumstances,
    messages: Sequence[str] = (),
) -> Decision:
    """The decision on a change: pure, so that the same runs, baseline, budgets and day always give the same answer.

    `messages` are those of the change's commits; their trailers justify warnings.
    """
    only = Selector.parse(circumstances.only) if circumstances.only else None
    declared = as_declared(runs, baseline)
    runs = declared.runs
    observations = [seen for seen in observe(runs) if only is None or only.matches(seen.series)]
    comparisons = compare(observations, baseline)
    seen = {comparison.series for comparison in comparisons}
    failed = any(caveat.code == COMMAND_FAILED for run in runs for caveat in run.caveats)
    # What a failed command did not yield has not vanished: the failure is told, and must not look like a breach. What was refused is
    # missing, however long ago the baseline had it last.
    expected = declared.refused if failed else dict.fromkeys((*baseline.recent(), *declared.refused))
    missing = tuple(
        series
        for series in expected
        if not baseline.problem and series not in seen and (only is None or only.matches(series))
    )
    justifications, caveats = read_justifications(messages)
    approximate = approximation.caveat(circumstances.base_approximate)
    collected = (
        *approximate,
        *baseline.caveats,
        *declared.caveats,
        *(caveat for run in runs for caveat in run.caveats),
        *caveats,
    )
    decision = judge(comparisons, missing, budgets, circumstances, justifications=justifications, caveats=collected)
    loud = (verdict.series for verdict in decision.verdicts if verdict.level >= Level.WARN)
    return decision._replace(timelines=timelines_of(runs, loud))


def judge(
    comparisons: Sequence[Comparison],
    missing: Sequence[Series],
    budgets: Budgets,
    circumstances: Circumstances,
    *,
    justifications: Sequence[Justification] = (),
    caveats: Sequence[Caveat] = (),
) -> Decision:
    """Apply the budgets to the comparisons and to the series that vanished since the baseline."""
    rulebook = _Rulebook.of(budgets, circumstances)
    judged: list[Judged] = []
    observed: list[Verdict] = []
    for comparison in comparisons:
        chosen = rulebook.choose(comparison.series)
        if chosen.any is None:
            observed += [
                verdict._replace(level=Level.PASS if verdict.found is not Level.INCONCLUSIVE else verdict.found)
                for verdict in _apply(comparison, _Chosen.one(budgets.for_unbudgeted(comparison.series)))
            ]
        else:
            judged += [Judged(verdict, comparison) for verdict in _apply(comparison, chosen)]
    owners = {series: rulebook.choose(series).any for series in missing}
    gone = [_missing(series, budget) for series, budget in owners.items() if budget is not None]
    vanished = [series for series, budget in owners.items() if budget is None]
    together = _all_together(judged, gone, comparisons, circumstances)
    reasons = {justification.series: justification.reason for justification in justifications}
    held = [(approximation.hold(each, circumstances.base_approximate), about) for each, about in together.verdicts]
    verdicts = [_settle(verdict, about, budgets, circumstances.today, reasons) for verdict, about in held]
    unmatched = rulebook.unmatched()
    if circumstances.acceptance is not None:
        verdicts, unmatched = accept(verdicts, unmatched, circumstances.acceptance, reasons)
    known = {*(comparison.series for comparison in comparisons), *missing}
    known |= {family.series for family in together.families}
    caveats = (*together.caveats, *caveats, *_idle(budgets.waivers, justifications, known, rulebook.only))
    verdicts.sort(key=_worst_first)
    observed.sort(key=_worst_first)
    return Decision(
        level=Decision.level_of(verdicts, unmatched, caveats),
        verdicts=tuple(verdicts),
        observed=tuple(observed),
        comparisons=tuple(comparisons),
        unmatched=unmatched,
        elsewhere=rulebook.elsewhere,
        vanished=tuple(vanished),
        caveats=tuple(dict.fromkeys((*caveats, *(caveat for each in comparisons for caveat in each.caveats)))),
        expected_false_alarms=together.expected_false_alarms,
        circumstances=circumstances,
        families=together.families,
    )


class _Together(NamedTuple):
    """What all the verdicts come to when they are seen together, before enforcement; each with what it is about."""

    verdicts: tuple[tuple[Verdict, Subject | None], ...]
    families: tuple[Family, ...]
    caveats: tuple[Caveat, ...]
    expected_false_alarms: float


def _all_together(
    judged: Sequence[Judged], gone: Sequence[Verdict], comparisons: Sequence[Comparison], circumstances: Circumstances
) -> _Together:
    """Families of scenarios, a shift of the whole run, the corrections for many series (statistics.md 4), and slow drift."""
    found = scenarios.judge(judged, gone, comparisons)
    shift = run_shift.find(judged)
    held = run_shift.hold(judged, shift) if shift else judged
    corrected, expected = families.correct(held)
    guarded = drift.guard(corrected, circumstances)
    # A scenario too noisy to be judged alone is judged by its family.
    members = {
        (verdict.budget, member.series) for family, verdict in found if family.numbers for member in family.members
    }
    alone = [
        each
        for each in guarded
        if each.verdict.found is not Level.INCONCLUSIVE or (each.verdict.budget, each.verdict.series) not in members
    ]
    return _Together(
        verdicts=(
            *((each.verdict, each.comparison) for each in alone),
            *((verdict, None) for verdict in gone),
            *((verdict, family) for family, verdict in found),
        ),
        families=tuple(dict.fromkeys(family for family, _ in found)),
        caveats=(run_shift.caveat(shift),) if shift else (),
        expected_false_alarms=expected + scenarios.expected_false_alarms(found),
    )


def ruling_budgets(
    series: Iterable[Series], budgets: Budgets, circumstances: Circumstances
) -> dict[Series, tuple[Budget | None, Budget | None]]:
    """For each series the budget whose absolute limit rules it, and the one that rules its change; the choice `judge` makes."""
    rulebook = _Rulebook.of(budgets, circumstances)
    chosen = {each: rulebook.choose(each) for each in series}
    return {each: (found.limit, found.changes[-1] if found.changes else None) for each, found in chosen.items()}


class _Chosen(NamedTuple):
    """The budgets that rule one series, one for each kind of limit; `any` is the last that matches at all.

    `changes` holds one for each side of a change, the last one written at the end.
    """

    any: Budget | None = None
    limit: Budget | None = None
    changes: tuple[Budget, ...] = ()

    @classmethod
    def one(cls, budget: Budget) -> _Chosen:
        return cls(budget, budget, (budget,))


@dataclass(slots=True)
class _Rulebook:
    """The budgets that apply in these circumstances, and which of them have met a series."""

    applying: tuple[Budget, ...]
    elsewhere: tuple[tuple[Budget, str], ...]
    met: set[int]
    only: Selector | None

    @classmethod
    def of(cls, budgets: Budgets, circumstances: Circumstances) -> _Rulebook:
        reasons = [(budget, budget.when.why_not(circumstances.situation)) for budget in budgets.budgets]
        return cls(
            applying=tuple(budget for budget, reason in reasons if not reason),
            elsewhere=tuple((budget, reason) for budget, reason in reasons if reason),
            met=set(),
            only=Selector.parse(circumstances.only) if circumstances.only else None,
        )

    def choose(self, series: Series) -> _Chosen:
        """The last matching budget of each kind; a relative limit that is written beats one that the defaults fill in."""
        limit = last = None
        unasked = False
        stated: dict[Side, Budget] = {}
        implied: tuple[Budget, ...] = ()
        for position, budget in enumerate(self.applying):
            if not budget.selector.matches(series):
                continue
            self.met.add(position)
            last, relative = budget, budget.relative
            limit = budget if budget.limit is not None else limit
            if relative is None:
                # "none" ends what was asked for before it, and what the defaults would ask for.
                stated, unasked = {}, True
            elif relative.stated:
                stated.pop(relative.side, None)
                stated[relative.side] = budget
            else:
                implied = (budget,)
        return _Chosen(last, limit, tuple(stated.values()) or (() if unasked else implied))

    def unmatched(self) -> tuple[Unmatched, ...]:
        return tuple(
            Unmatched(
                budget,
                level=min(
                    max(Level.INCONCLUSIVE, budget.on_inconclusive), max(budget.enforce.most, Level.INCONCLUSIVE)
                ),
                why="no measurement and no baseline has such a series",
            )
            for position, budget in enumerate(self.applying)
            if position not in self.met and self._wanted(budget)
        )

    def _wanted(self, budget: Budget) -> bool:
        return self.only is None or self.only.matches(Series(budget.selector.metric, budget.selector.labels))


def _apply(comparison: Comparison, chosen: _Chosen) -> list[Verdict]:
    """What each kind of limit says of one series; a series that has neither limit still gets one verdict."""
    verdicts = []
    if chosen.limit is not None and chosen.limit.limit is not None:
        verdicts.append(rules.limit(comparison, chosen.limit))
    for budget, relative in _changes_asked(comparison, chosen):
        if (verdict := rules.change(comparison, budget, relative)) is None:
            continue
        if verdicts and _was_not_asked(verdict, relative):
            verdicts = [_with_note(verdicts[0], verdict, comparison)]
        else:
            verdicts.append(verdict)
    if chosen.any is not None and (drop := rules.drop(comparison, chosen.any)) is not None:
        verdicts.append(drop)
    if not verdicts and chosen.any is not None:
        verdicts.append(rules.watched(comparison, chosen.any))
    return verdicts


def _changes_asked(comparison: Comparison, chosen: _Chosen) -> Iterable[tuple[Budget, Relative]]:
    """The relative limits that say something of this series.

    Where one side of a change is an improvement, a limit on the other replaces it, unless both are written for the same series:
    then the wrong one is an error to be told. Where the limit is zero, every rise is over it, and the defaults add nothing.
    """
    limit = chosen.limit.limit if chosen.limit is not None else None
    nothing_allowed = limit is not None and not limit.value and comparison.better is Direction.LOWER
    for budget in chosen.changes:
        replaced = comparison.better is not Direction.NONE and budget.selector != chosen.changes[-1].selector
        relative = budget.relative
        if relative is not None and not replaced and (relative.stated or not nothing_allowed):
            yield budget, relative


def _with_note(limit: Verdict, change: Verdict, comparison: Comparison) -> Verdict:
    """The verdict on the limit, which says that the change was not judged; without a value it has said that already."""
    if comparison.after is None:
        return limit
    return limit._replace(notes=(*limit.notes, f"the change is not judged: {change.reason}"))


def _idle(
    waivers: Sequence[Waiver], justifications: Sequence[Justification], known: Collection[Series], only: Selector | None
) -> Iterable[Caveat]:
    """Waivers and justifications of series that are not here: usually a name that was mistyped, and a breach that stays."""
    for waiver in waivers:
        wanted = only is None or only.matches(Series(waiver.selector.metric, waiver.selector.labels))
        if wanted and not any(waiver.selector.matches(series) for series in known):
            yield Caveat(
                "waiver idle",
                f"the waiver of {waiver.selector} ({waiver.place}) meets no series",
                "check its name, or remove it",
            )
    for justification in justifications:
        if only is None and justification.series not in known:
            yield Caveat(
                "justification idle",
                f"a commit justifies {justification.series}, which this decision does not know",
                "check its name",
            )


def _was_not_asked(verdict: Verdict, relative: Relative) -> bool:
    """Whether nobody asked about the change in so many words, and it could not be judged beside the limit that was asked for."""
    return verdict.found is Level.INCONCLUSIVE and not relative.stated


def _missing(series: Series, budget: Budget) -> Verdict:
    return Verdict(
        series=series,
        rule=Rule.MISSING,
        level=budget.on_missing,
        found=budget.on_missing,
        reason="the baseline has this series, this run does not",
        budget=budget,
        remedy="measure it again, or retire it: perfgate baseline retire --series SERIES --reason …",
    )


def _settle(
    verdict: Verdict,
    comparison: Subject | None,
    budgets: Budgets,
    today: date,
    reasons: Mapping[Series, str],
) -> Verdict:
    """Turn what a rule found into its consequence: on_inconclusive, enforce, waivers, justifications."""
    level, notes = verdict.level, list(verdict.notes)
    # What could not be judged stays inconclusive, whatever accepts its consequence: it is never called a pass.
    least = Level.INCONCLUSIVE if level is Level.INCONCLUSIVE else Level.PASS
    if level is Level.INCONCLUSIVE:
        level = max(level, verdict.budget.on_inconclusive)
        if level > Level.INCONCLUSIVE:
            notes.append(f"on_inconclusive: {level.word}")
    waived = False
    if level >= Level.WARN:
        note, waived = _waived(verdict, comparison, budgets.waivers, today)
        notes += [note] if note else []
        level = least if waived else level
    most = verdict.budget.enforce.most
    if level >= Level.WARN and level > most:
        notes.append(f"enforce: {verdict.budget.enforce.value} ({level.word} without it)")
        level = max(most, least)
    if level is Level.WARN and verdict.series in reasons:
        notes.append(f"justified in a commit: {reasons[verdict.series]}")
        level = least
    elif level is Level.BLOCK and verdict.series in reasons:
        notes.append("a commit justifies it, which lifts warnings only")
    return verdict._replace(level=level, notes=tuple(notes), waived=waived)


def _waived(verdict: Verdict, comparison: Subject | None, waivers: Sequence[Waiver], today: date) -> tuple[str, bool]:
    """What the waivers say of a breach: a note for the reader, and whether it is accepted."""
    note = ""
    for waiver in waivers:
        if not waiver.selector.matches(verdict.series):
            continue
        written = f"{waiver.place}, {waiver.owner}, until {waiver.until}: {waiver.reason}"
        if today > waiver.until:
            note = f"a waiver expired on {waiver.until} ({waiver.place}, {waiver.owner})"
        elif comparison is None or comparison.after is None or rules.within(comparison, waiver.ceiling, waiver.place):
            return f"waived ({written})", True
        else:
            value = write_value(comparison.after, comparison.unit)
            note = f"a waiver covers this only up to {waiver.ceiling}, the value is {value} ({waiver.place}, {waiver.owner})"
    return note, False


def _worst_first(verdict: Verdict) -> tuple[int, int, str, str]:
    return -verdict.level, -verdict.found, str(verdict.series), verdict.rule.value
