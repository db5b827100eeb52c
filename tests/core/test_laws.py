"""Laws of the whole decision: what must hold whatever was measured, whichever evidence there is."""

from __future__ import annotations

import json
import math
import random
import re
from collections.abc import Sequence
from typing import NamedTuple

import pytest
from hypothesis import assume, example, given, settings
from hypothesis import strategies as st

from perfgate.core.baseline import Baseline, BaselineRun, Kind, collect
from perfgate.core.budgets import Budget, Enforce, Judge, Level, Relative
from perfgate.core.compare import PAIRS, Finding, Tested
from perfgate.core.decision import Decision, Rule
from perfgate.core.metrics import Assumption, Direction
from perfgate.core.model import Measurement, Run
from perfgate.formats import decision as decision_format
from perfgate.formats import decision_reading, schema
from perfgate.render import annotations as commands
from perfgate.render import explanation, markdown, terminal
from tests.core.making import MACHINE, baseline_of, bench, budget, decided, measured, run

ASKED = Relative(stated=True)
PAIRED = "pairs"
ONE_SERIES = (
    "exact",
    "new",
    "few",
    "short",
    "long",
    "thin",
    PAIRED,
    "independent",
    "again",
    "zeros",
    "coarse",
    "higher",
)
EVERY_EVIDENCE = (*ONE_SERIES, "family")
#: On logarithms, so that 1/x is the mirror of x.
ON_LOGARITHMS = ("few", "short", "long", "thin", PAIRED, "independent")
SINGLE_HISTORY = ("few", "short", "long", "thin", "zeros", "coarse", "higher")
law = settings(max_examples=60, deadline=None, derandomize=True)


class Strand(NamedTuple):
    """One series: its history, oldest first, and the candidate's value in each run; or both sides of pairs, in one run."""

    name: str
    history: tuple[float, ...]
    candidate: tuple[float, ...]
    before: tuple[float, ...] = ()

    def times(self, factor: float, *, after: float | None = None) -> Strand:
        """Every value times a factor, the candidate's times another one where that is given."""
        later = factor if after is None else after
        return Strand(
            self.name,
            tuple(value * factor for value in self.history),
            tuple(value * later for value in self.candidate),
            tuple(value * factor for value in self.before),
        )


class Case(NamedTuple):
    """What was measured: a series, or the scenarios of a family. `cpus` are the histories' cpu models, `jobs` the candidate's."""

    strands: tuple[Strand, ...]
    better: Direction = Direction.LOWER
    assumption: Assumption = Assumption.NOISY
    resolution: float = 0.0
    cpus: tuple[str, ...] = ()
    jobs: tuple[str, ...] = ("1",)
    judge: Judge = Judge.SERIES

    def times(self, factor: float, *, after: float | None = None) -> Case:
        """Everything in another unit; or the candidate alone made worse."""
        return self._replace(
            strands=tuple(each.times(factor, after=after) for each in self.strands), resolution=self.resolution * factor
        )

    def measurement(self, strand: Strand, *values: float, before: tuple[float, ...] = ()) -> Measurement:
        if self.judge is Judge.FAMILY:
            return measured(strand.name, *values, before=before)
        plain = bench(strand.name, *values, better=self.better, assumption=self.assumption)
        return plain._replace(before=before, resolution=self.resolution)

    def admitted(self) -> list[Run]:
        """The runs of the history, oldest first."""
        count = max(len(each.history) for each in self.strands)
        cpus = self.cpus or (MACHINE.cpu_model,) * count
        return [
            run(
                *(self.measurement(each, each.history[at]) for each in self.strands if at < len(each.history)),
                machine=MACHINE._replace(cpu_model=cpus[at]),
                number=at + 1,
            )
            for at in range(count)
        ]

    def runs(self) -> list[Run]:
        """The candidate's runs, each in its job."""
        made = []
        for at, job in enumerate(self.jobs):
            several = [
                self.measurement(each, *each.candidate, before=each.before)
                if each.before
                else self.measurement(each, each.candidate[at])
                for each in self.strands
            ]
            plain = run(*several, number=100 + at)
            made.append(plain._replace(context=plain.context._replace(ci_run="7", ci_job=job)))
        return made

    def rule(self, relative: Relative | None = ASKED) -> Budget:
        return budget("llm.tokens" if self.judge is Judge.FAMILY else "bench.*", relative=relative, judge=self.judge)

    def decide(self, relative: Relative | None = ASKED) -> Decision:
        return decided(self.runs(), baseline_of(self.admitted()), self.rule(relative))


# --- cases ------------------------------------------------------------------------------------------------------------

_LENGTHS = {"new": (0, 0), "few": (1, 4), "short": (5, 29), "long": (30, 59), "family": (3, 12), "thin": (3, 20)}
_EFFECTS = (0.3, 0.6, 0.93, 1.0, 1.0, 1.02, 1.04, 1.07, 1.12, 1.2, 1.4, 2.0, 10.0)
_SPREADS = (0.0, 0.003, 0.01, 0.03, 0.1, 0.4)
RELATIVES = st.sampled_from(
    [
        ASKED,
        Relative(stated=True, warn=None, block=0.1),
        Relative(stated=True, warn=0.05, block=None),
        Relative(stated=True, warn=0.2, block=0.5),
        Relative(stated=True, warn=0.0, block=0.01),
    ]
)
FACTORS = st.sampled_from([1.0, 1.01, 1.04, 1.1, 1.5, 3.0, 100.0])


@st.composite
def cases(draw: st.DrawFn, kinds: Sequence[str] = EVERY_EVIDENCE) -> Case:
    """A case of one of these kinds of evidence."""
    kind = draw(st.sampled_from(kinds))
    chance = random.Random(draw(st.integers(0, 2**20)))
    spread, effect = draw(st.sampled_from(_SPREADS)), draw(st.sampled_from(_EFFECTS))
    several = 3 if kind in {"independent", "again"} else 1
    length = draw(st.integers(*_LENGTHS.get(kind, (1, 45))))
    if kind == PAIRED:
        return _in_pairs(draw(st.integers(1, 10)), spread, effect, chance)
    if kind == "family":
        names = [f"llm.tokens{{scenario=s{number}}}" for number in range(draw(st.integers(1, 8)))]
        strands = tuple(_strand(each, length, spread, effect, 1, chance) for each in names)
        return Case(strands, judge=Judge.FAMILY)
    strand = _strand("bench.time{benchmark=b}", length, spread, effect, several, chance)
    if kind == "exact":
        return Case((strand,), assumption=Assumption.EXACT, better=draw(st.sampled_from(list(Direction))))
    if kind == "thin":
        cpus = (*chance.choices("BCDE", k=length - 1), chance.choice(("E", MACHINE.cpu_model)))
        return Case((strand,), cpus=cpus)
    if kind == "zeros":
        some = draw(st.sampled_from([(0,), (0, 0, 1)]))
        history = tuple(value * chance.choice(some) for value in strand.history)
        candidate = (strand.candidate[0] * draw(st.sampled_from([0, 1])),)
        better = draw(st.sampled_from([Direction.LOWER, Direction.HIGHER]))
        return Case((strand._replace(history=history, candidate=candidate),), better=better)
    if kind == "coarse":
        coarse = Strand(strand.name, *(tuple(25.0 * round(value / 25) for value in side) for side in strand[1:3]))
        return Case((coarse,), resolution=25.0)
    if kind == "higher":
        return Case((strand,), better=Direction.HIGHER)
    jobs = {"independent": ("1", "2", "3"), "again": ("1", "1", "1")}.get(kind, ("1",))
    return Case((strand,), jobs=jobs)


def _strand(name: str, length: int, spread: float, effect: float, several: int, chance: random.Random) -> Strand:
    level = 100.0 * math.exp(chance.gauss(0, 1))
    history = tuple(level * math.exp(chance.gauss(0, spread)) for _ in range(length))
    return Strand(name, history, tuple(level * effect * math.exp(chance.gauss(0, spread / 3)) for _ in range(several)))


def _in_pairs(count: int, spread: float, effect: float, chance: random.Random) -> Case:
    """Both sides in turns, on a machine that may have two speeds."""
    fast = [chance.choice((1.0, 1.0, 1.6)) for _ in range(2 * count)]
    times = [100.0 * each * math.exp(chance.gauss(0, spread)) for each in fast]
    after = tuple(effect * value for value in times[count:])
    return Case((Strand("bench.time{benchmark=b}", (), after, tuple(times[:count])),))


def consequences(decision: Decision) -> list[tuple[str, Rule, Level, Level]]:
    """What the decision comes to, series by series."""
    return sorted(
        ((str(each.series), each.rule, each.found, each.level) for each in decision.verdicts),
        key=lambda each: (each[0], each[1].value),
    )


def evidence_of(decision: Decision) -> Tested:
    evidence = decision.comparisons[0].evidence
    assert isinstance(evidence, Tested)
    return evidence


def is_by_alignment(decision: Decision) -> bool:
    """Whether pairs were laid on each other: that draws divisions by lot, so it knows neither mirror nor order exactly."""
    evidence = decision.comparisons[0].evidence
    return isinstance(evidence, Tested) and getattr(evidence.numbers, "aligned", None) is not None


def is_not_better(decision: Decision) -> bool:
    """Whether no series is better than its center."""
    changes = (each.relative if each.worse is None else each.worse for each in decision.comparisons)
    return all(change is None or change >= 0 for change in changes)


# --- scale, order, direction ------------------------------------------------------------------------------------------


@given(cases(), st.sampled_from([0.25, 1024.0, 1e-6, 1000.0, 60.0]), RELATIVES)
@settings(law, max_examples=150)
def test_another_unit_of_the_values_changes_no_level(case: Case, factor: float, relative: Relative) -> None:
    assert consequences(case.times(factor).decide(relative)) == consequences(case.decide(relative))


@given(cases(("independent", "again", "family", "exact")), st.randoms(use_true_random=False))
@law
def test_the_order_in_which_runs_are_given_changes_nothing(case: Case, chance: random.Random) -> None:
    runs, admitted = case.runs(), case.admitted()
    entries = [
        (
            BaselineRun(f"run-{at}", each.context.tested, each.context.started_at, (at, "")),
            [(one.series, one.values[0], Kind.of(one, each.context.machine)) for one in each.measurements],
        )
        for at, each in enumerate(admitted)
    ]
    plain = decided(runs, collect(entries, source="baselines"), case.rule())
    chance.shuffle(runs)
    chance.shuffle(entries)
    shuffled = decided(runs, collect(entries, source="baselines"), case.rule())
    assert shuffled.verdicts == plain.verdicts
    assert shuffled.families == plain.families
    assert shuffled.expected_false_alarms == pytest.approx(plain.expected_false_alarms)
    assert [each._replace(values=()) for each in shuffled.comparisons] == [
        each._replace(values=(), interval=again.interval)
        for each, again in zip(plain.comparisons, shuffled.comparisons, strict=True)
    ]


@given(st.lists(cases((PAIRED,)), min_size=2, max_size=3), st.randoms(use_true_random=False))
@settings(law, max_examples=6)
def test_the_order_of_runs_in_pairs_changes_nothing(several: list[Case], chance: random.Random) -> None:
    runs = [each for case in several for each in case.runs()]
    plain = decided(runs, Baseline(), several[0].rule())
    assume(not is_by_alignment(plain))
    chance.shuffle(runs)
    assert consequences(decided(runs, Baseline(), several[0].rule())) == consequences(plain)


@given(cases(ON_LOGARITHMS), RELATIVES)
@law
def test_a_rate_is_judged_as_the_time_that_it_is_the_inverse_of(case: Case, relative: Relative) -> None:
    """Of a rate, a fall to 1/(1 + r) is what a rise by r is of a time: the thresholds are mirrored too."""

    def inverse(values: tuple[float, ...]) -> tuple[float, ...]:
        return tuple(1 / value for value in values)

    def fallen(ratio: float | None) -> float | None:
        return None if ratio is None else ratio / (1 + ratio)

    strands = tuple(Strand(name, *map(inverse, sides)) for name, *sides in case.strands)
    rate = case._replace(strands=strands, better=Direction.HIGHER)
    mirrored = relative._replace(warn=fallen(relative.warn), block=fallen(relative.block))
    rule = case.rule(mirrored)._replace(min_effect=0.03 / 1.03)
    found = decided(rate.runs(), baseline_of(rate.admitted()), rule)
    plain = case.decide(relative)
    assume(not is_by_alignment(found) and not is_by_alignment(plain))
    assert consequences(found) == consequences(plain)


# --- worse and equal --------------------------------------------------------------------------------------------------


@given(cases(tuple(kind for kind in EVERY_EVIDENCE if kind != PAIRED)), FACTORS, RELATIVES)
@settings(law, max_examples=150)
def test_a_worse_candidate_never_gets_a_milder_level(case: Case, factor: float, relative: Relative) -> None:
    """From a candidate that is not better than the center (a fall to less than half is suspicious), and above zero."""
    first = case.decide(relative)
    assume(is_not_better(first))
    worse = case.times(1.0, after=1 / factor if case.better is Direction.HIGHER else factor).decide(relative)
    assert worse.level >= first.level


@given(cases((PAIRED,)), FACTORS, RELATIVES)
@law
def test_pairs_of_which_every_after_is_slower_never_get_a_milder_level(
    case: Case, factor: float, relative: Relative
) -> None:
    first = case.decide(relative)
    assume(is_not_better(first))
    worse = case.times(1.0, after=factor).decide(relative)
    assert worse.level >= first.level


@given(cases(tuple(kind for kind in ONE_SERIES if kind not in {"new", PAIRED})), RELATIVES)
@settings(law, max_examples=150)
def test_a_candidate_equal_to_what_it_is_compared_with_never_blocks_or_warns(case: Case, relative: Relative) -> None:
    (strand,) = case.strands
    (first,) = case.decide(relative).comparisons
    ordered = sorted(map(float, first.used))
    assert first.before is not None
    for equal in (float(first.before), ordered[len(ordered) // 2]):
        if case.assumption is Assumption.EXACT and equal != first.before:
            continue
        same = case._replace(strands=(strand._replace(candidate=(equal,) * len(strand.candidate)),))
        assert same.decide(relative).level <= Level.INCONCLUSIVE


@given(cases((PAIRED,)), RELATIVES)
@law
def test_pairs_of_equal_values_never_block_or_warn(case: Case, relative: Relative) -> None:
    (strand,) = case.strands
    same = case._replace(strands=(strand._replace(candidate=strand.before),))
    assert same.decide(relative).level <= Level.INCONCLUSIVE


@given(cases(("family",)), RELATIVES)
@law
def test_a_family_whose_scenarios_cost_what_they_did_never_blocks_or_warns(case: Case, relative: Relative) -> None:
    constant = tuple(Strand(name, history[:1] * 4, history[:1]) for name, history, *_ in case.strands)
    assert case._replace(strands=constant).decide(relative).level <= Level.INCONCLUSIVE


# --- settling ---------------------------------------------------------------------------------------------------------


@given(cases(SINGLE_HISTORY), RELATIVES)
@law
def test_further_runs_that_repeat_the_candidate_block_only_what_was_suspect(case: Case, relative: Relative) -> None:
    first = case.decide(relative)
    assume(first.level <= Level.INCONCLUSIVE and evidence_of(first).finding is Finding.UNCHANGED)
    (strand,) = case.strands
    repeated = case._replace(strands=(strand._replace(candidate=strand.candidate * 3),), jobs=("1", "2", "3"))
    assert repeated.decide(relative).level <= Level.INCONCLUSIVE


@given(cases(SINGLE_HISTORY), st.integers(4, 10), RELATIVES)
@law
def test_pairs_whose_sides_equal_the_candidate_settle_it_as_no_change(
    case: Case, count: int, relative: Relative
) -> None:
    (strand,) = case.strands
    equal = strand.candidate[:1] * count
    paired = case._replace(strands=(strand._replace(candidate=equal, before=equal),))
    both = decided([*case.runs(), *paired.runs()], baseline_of(case.admitted()), case.rule(relative))
    assert evidence_of(both).method == PAIRS
    assert both.level <= Level.INCONCLUSIVE


@given(cases(("again",)), RELATIVES)
@law
def test_measuring_again_in_the_same_job_is_no_independent_confirmation(case: Case, relative: Relative) -> None:
    again = case.decide(relative)
    (strand,) = case.strands
    once = case._replace(strands=(strand._replace(candidate=(sorted(strand.candidate)[1],)),), jobs=("1",))
    assert evidence_of(again).settled == ""
    assert evidence_of(again).numbers == evidence_of(once.decide(relative)).numbers
    assert consequences(again) == consequences(once.decide(relative))


@given(cases(SINGLE_HISTORY), FACTORS, RELATIVES)
@settings(law, max_examples=120)
def test_what_was_measured_once_blocks_only_where_the_series_can_show_it(
    case: Case, factor: float, relative: Relative
) -> None:
    """Where the smallest visible change is beyond the block threshold, a smaller one is real by luck only, and at most warns."""
    made = case.times(1.0, after=1 / factor if case.better is Direction.HIGHER else factor).decide(relative)
    (comparison,) = made.comparisons
    numbers, block = evidence_of(made).numbers, relative.block
    visible = numbers.visible_drop if case.better is Direction.HIGHER else numbers.visible
    assume(block is not None and (visible is None or visible > block + 1e-6))
    rise = comparison.worse or 0.0
    if visible is None or rise < visible - 1e-6:
        assert made.level < Level.BLOCK
    for verdict in made.verdicts:
        if verdict.found is Level.WARN and "can show" in " ".join(verdict.notes):
            assert verdict.suspect
            assert verdict.notes[0].startswith("at most warn until it is settled")
            assert "in turns" in verdict.remedy


# --- whole ------------------------------------------------------------------------------------------------------------

ENFORCED = st.sampled_from(list(Enforce))
LEVELS = st.sampled_from([Level.PASS, Level.WARN, Level.BLOCK])


@given(cases(), RELATIVES, ENFORCED, LEVELS)
@law
def test_the_level_is_the_worst_of_the_verdicts_and_inconclusive_is_never_a_pass(
    case: Case, relative: Relative, enforce: Enforce, on_inconclusive: Level
) -> None:
    rule = case.rule(relative)._replace(enforce=enforce, on_inconclusive=on_inconclusive)
    made = decided(case.runs(), baseline_of(case.admitted()), rule)
    assert made.level == max(each.level for each in made.verdicts)
    for verdict in made.verdicts:
        assert verdict.found is not Level.INCONCLUSIVE or verdict.level is not Level.PASS
    nothing = all(each.found is Level.INCONCLUSIVE for each in made.verdicts)
    assert made.nothing_judged is (nothing and made.level <= Level.INCONCLUSIVE)


_NO_NUMBER = re.compile(r"(?<![a-z])(nan|inf|infinity)(?![a-z])", re.IGNORECASE)
#: Also the smallest and the largest values that a run file may hold.
_SCALES = st.sampled_from([1.0, 1e-12, 1e-300, 1e25])


_FROM_NOTHING = Case((Strand("bench.rate{benchmark=b}", (0.0,) * 6, (5.0,)),), better=Direction.HIGHER)


@given(cases(), _SCALES, RELATIVES)
@example(_FROM_NOTHING, 1.0, ASKED)
@law
def test_every_decision_survives_writing_and_every_output_shows_numbers(
    case: Case, scale: float, relative: Relative
) -> None:
    made = case.times(scale).decide(relative)
    data = decision_format.dump(made)
    schema.check("decision", json.loads(data), "decision.json")
    read = decision_reading.load(data, "decision.json")
    # The order of runs in history is the order of the list; its sort keys are not kept.
    runs = tuple(each._replace(order=(0, "")) for each in made.circumstances.baseline_runs)
    assert read == made._replace(circumstances=made.circumstances._replace(baseline_runs=runs))
    shown: list[str] = [terminal.render(made, width=80, colour=False, verbose=True), markdown.render(made)]
    shown += commands.render(made)
    subjects = [each.series for each in made.comparisons] + [each.series for each in made.families]
    shown += [explanation.render(read, series) for series in subjects]
    for words in shown:
        assert not _NO_NUMBER.search(words), words
