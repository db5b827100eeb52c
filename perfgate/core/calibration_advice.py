"""What to do about a budget that cries wolf or cannot see: steps in plain words, and the budget to write instead."""

from __future__ import annotations

import math
import shlex
from collections.abc import Iterable
from typing import NamedTuple

from perfgate.core.budgets import Relative
from perfgate.core.calibration import TOLERATED, Calibration, Record, Standing
from perfgate.core.injection import asked_of
from perfgate.core.model import Series
from perfgate.core.units import write_percent, write_threshold

#: With this many earlier runs, more of them hardly narrow what an unchanged program is expected to do.
_PLENTY = 30
#: A fall cannot be much larger than this, and a limit beyond it limits nothing.
_LARGEST_FALL = 0.95
#: A budget that lets a value double before it says a word is not worth writing.
_LARGEST_RISE = 1.0


class Wider(NamedTuple):
    """A relative limit to write instead: its key in budgets.yaml, and both thresholds as ratios."""

    key: str
    warn: float
    block: float


class Advice(NamedTuple):
    """What is wrong with one series' budget, what to do about it (best first), and the budget to write where nothing else helps."""

    series: Series
    problem: str
    steps: tuple[str, ...]
    wider: Wider | None = None


def advise(calibration: Calibration) -> tuple[Advice, ...]:
    """Advice for every budgeted series that needs it, worst first."""
    return tuple(_advised(calibration.records))


def _advised(records: Iterable[Record]) -> Iterable[Advice]:
    for record in records:
        if not record.budgeted:
            continue
        if record.standing in {Standing.BLIND, Standing.DIM}:
            yield _of_blind(record)
        elif record.standing is Standing.ALARMS:
            yield _of_alarms(record)
        elif record.drift is not None:
            problem = f"it has drifted by {write_percent(record.drift)} since its anchor"
            steps = ("find where it began, then anchor or retire on purpose: perfgate baseline anchor --help",)
            yield Advice(record.series, problem, steps)


def _of_blind(record: Record) -> Advice:
    asked = asked_of(record.budget.relative or Relative())
    often = f"in {record.inconclusive.hits} of {record.inconclusive.of} runs no verdict was reached"
    if record.problem:
        return Advice(record.series, f"{often}: {record.problem}", (record.remedy,) if record.remedy else ())
    needed = _needed(record)
    if needed is None or asked is None:
        return Advice(record.series, often, ())
    shows = f"it shows {write_percent(needed, signed=False)}, the budget asks for {write_threshold(asked)}"
    steps = _sharper(record)
    wider = _wider(record, needed)
    if wider is not None:
        steps += (f"or ask for what it can show: {wider.key}: {{block: {write_threshold(wider.block)}}}",)
    else:
        steps += ("no relative budget would tell a change from its noise: give it a limit, and max_increase: none",)
    return Advice(record.series, f"{often}: {shows}", steps, wider)


def _needed(record: Record) -> float | None:
    """The smallest change that both the engine and the replay say can be seen."""
    known = [size for size in (record.promised, record.shown) if size is not None and math.isfinite(size)]
    return max(known) if known else None


def _sharper(record: Record) -> tuple[str, ...]:
    """How to see more without asking for less, by what is measured."""
    family = record.series.metric.partition(".")[0]
    steps: list[str] = []
    if record.starts:
        steps.append(
            f"its level changed at run {record.starts[-1]}: if that was agreed, {_accept(record, record.starts[-1])}"
        )
    if family in {"command", "tests", "bench"}:
        steps.append("measure both sides in turns on one machine: versus: base at its entry under measure:")
    if record.together:
        steps.append("measure more scenarios, and each of them more often")
    elif family == "llm":
        steps.append("judge the scenarios together (judge: family), and measure each of them more often")
    elif family == "command" and record.series.metric != "command.cpu":
        steps.append("budget its CPU time (command.cpu) instead, which waits for nothing")
    if record.runs < _PLENTY and not record.together:
        steps.append(f"admit more runs: it has {record.runs}, from {_PLENTY} on the history is as sharp as it gets")
    if family in {"command", "tests", "bench", "job", "pipeline"}:
        steps.append("measure on a quieter runner")
    return tuple(steps)


def _of_alarms(record: Record) -> Advice:
    low, high = record.alarms.ends
    rate = f"{write_percent(low, signed=False)} … {write_percent(high, signed=False)}"
    problem = f"{record.alarms.hits} of {record.alarms.of} admitted runs alarmed ({rate}, more than {write_threshold(TOLERATED)})"
    steps = (
        f"if one was a real change that stayed, let the new level begin there: {_accept(record, 'RUN')}",
        *_sharper(record)[:2],
    )
    wider = _wider(record, record.largest) if record.largest is not None else None
    if wider is not None:
        steps += (f"or allow what it did by itself: {wider.key}: {{block: {write_threshold(wider.block)}}}",)
        wider = wider._replace(warn=wider.block)
    return Advice(record.series, problem, steps, wider)


def _accept(record: Record, run: str) -> str:
    return f"perfgate baseline accept {run} --series {shlex.quote(str(record.series))} --reason WHY"


def _wider(record: Record, size: float) -> Wider | None:
    """The budget just wide enough for a change of this size, in steps that people write; None where it would limit nothing."""
    if size > (_LARGEST_RISE if record.upwards else _LARGEST_FALL):
        return None
    step = 0.01 if size < 0.1 else 0.05
    block = round(math.ceil(size / step - 1e-9) * step, 2)
    relative = record.budget.relative or Relative()
    warn = relative.warn if relative.warn is not None else block
    return Wider("max_increase" if record.upwards else "max_decrease", min(warn, block), block)
