"""The registry of metrics: what can be measured, in which unit, which way is better, and what makes two values comparable."""

from __future__ import annotations

from enum import Enum
from typing import NamedTuple

from perfgate.core.units import Unit


class Direction(Enum):
    """Which way a value of a metric is better."""

    LOWER = "lower"
    HIGHER = "higher"
    NONE = "none"


class Assumption(Enum):
    """What is believed of a metric's values: the same input gives the same value, or every run differs a little."""

    EXACT = "exact"
    NOISY = "noisy"


#: Counts of what is unwanted: falling to zero is the aim, not a sign that something stopped being measured.
GOOD_AT_ZERO = frozenset({"tests.failed", "tests.flaky"})

#: What the exact counts of a simulator depend on, where it tells them.
COUNTED = ("arch", "counter version", "caches")

#: Metrics that are exact where a program repeats itself, and noisy in a capture whose own counts differ. Values of the two assumptions are
#: never compared with each other.
MAY_VARY = frozenset({"command.instructions"})

#: The condition that stands for the machine class of a run's context; every other condition is told by the measurement.
MACHINE = "machine class"


class Metric(NamedTuple):
    """A definition: what is measured, in which unit, and when two values of it may be compared.

    `name` may end in ".*" for a family whose members name their own unit, direction and assumption.
    `depends_on` names the conditions that must be equal on both sides of a comparison.
    """

    name: str
    unit: Unit | None
    better: Direction
    assumption: Assumption
    depends_on: tuple[str, ...]
    labels: tuple[str, ...]
    description: str

    @property
    def is_family(self) -> bool:
        """Whether the members of this metric bring their own unit, direction and assumption."""
        return self.name.endswith(".*")


_S, _ONE, _B = Unit("s"), Unit("1"), Unit("B")
_LOWER, _HIGHER, _NONE = Direction.LOWER, Direction.HIGHER, Direction.NONE
_EXACT, _NOISY = Assumption.EXACT, Assumption.NOISY
_PIPELINE = ("runner labels", "job set")

METRICS: tuple[Metric, ...] = (
    Metric("tests.duration", _S, _LOWER, _NOISY, (MACHINE,), ("suite",), "wall time of a test suite"),
    Metric("tests.case_time", _S, _LOWER, _NOISY, (MACHINE,), ("suite",), "sum of the times of a suite's test cases"),
    Metric("tests.count", _ONE, _NONE, _EXACT, (), ("suite",), "test cases in a suite"),
    Metric("tests.flaky", _ONE, _LOWER, _EXACT, (), ("suite",), "test cases that both failed and passed"),
    Metric("tests.failed", _ONE, _LOWER, _EXACT, (), ("suite",), "test cases that failed in the end"),
    Metric("pipeline.duration", _S, _LOWER, _NOISY, _PIPELINE, ("workflow",), "wall time of one attempt of a pipeline"),
    Metric(
        "pipeline.execution",
        _S,
        _LOWER,
        _NOISY,
        _PIPELINE,
        ("workflow",),
        "time that at least one job was executing steps",
    ),
    Metric("pipeline.queue", _S, _LOWER, _NOISY, _PIPELINE, ("workflow",), "longest wait of a job for its runner"),
    Metric("job.duration", _S, _LOWER, _NOISY, ("runner labels",), ("workflow", "job"), "time a job held its runner"),
    Metric(
        "pipeline.cost",
        Unit("USD", "run"),
        _LOWER,
        _NOISY,
        ("price book",),
        ("workflow",),
        "price of the runner minutes",
    ),
    Metric("command.wall", _S, _LOWER, _NOISY, (MACHINE,), ("command",), "wall time of a command"),
    Metric("command.cpu", _S, _LOWER, _NOISY, (MACHINE,), ("command",), "user and system CPU time of a command"),
    Metric(
        "command.memory",
        _B,
        _LOWER,
        _NOISY,
        (MACHINE, "counted by"),
        ("command",),
        "peak memory of a command's processes together",
    ),
    Metric(
        "command.instructions",
        _ONE,
        _LOWER,
        _EXACT,
        ("arch", "counter version", "libc"),
        ("command",),
        "instructions executed",
    ),
    Metric("bench.*", None, _NONE, _NOISY, (MACHINE,), ("tool", "benchmark"), "a benchmark tool's own metric"),
    Metric(
        "infra.cost",
        Unit("USD", "month"),
        _LOWER,
        _EXACT,
        ("price book", "currency"),
        ("environment", "project"),
        "monthly cost of infrastructure",
    ),
    Metric(
        "infra.coverage",
        _ONE,
        _HIGHER,
        _EXACT,
        (),
        ("environment", "project"),
        "share of the resources whose cost is known",
    ),
    Metric("llm.tokens", Unit("token", "task"), _LOWER, _NOISY, ("model",), ("scenario",), "all tokens of a task"),
    Metric(
        "llm.input_tokens",
        Unit("token", "task"),
        _LOWER,
        _NOISY,
        ("model",),
        ("scenario",),
        "input tokens of a task, cached or not",
    ),
    Metric(
        "llm.output_tokens",
        Unit("token", "task"),
        _LOWER,
        _NOISY,
        ("model",),
        ("scenario",),
        "output tokens of a task, reasoning included",
    ),
    Metric("llm.calls", Unit("1", "task"), _LOWER, _NOISY, ("model",), ("scenario",), "model calls of a task"),
    Metric("llm.latency", Unit("s", "turn"), _LOWER, _NOISY, ("model",), ("scenario",), "time of one model call"),
    Metric("llm.cost", Unit("USD", "task"), _LOWER, _NOISY, ("model", "price book"), ("scenario",), "price of a task"),
    Metric("llm.success", _ONE, _HIGHER, _NOISY, ("model",), ("scenario",), "share of the tasks that succeeded"),
    Metric("prompt.tokens", Unit("token"), _LOWER, _EXACT, ("counting method",), ("file",), "tokens of a prompt file"),
    Metric("size.bytes", _B, _LOWER, _EXACT, (), ("path",), "size of a file or folder"),
)
_BY_NAME = {metric.name: metric for metric in METRICS}


def find(name: str) -> Metric | None:
    """The registered metric of this name, its family if the family is registered, else None."""
    return _BY_NAME.get(name) or _BY_NAME.get(name.partition(".")[0] + ".*")


def depends_on(name: str, assumption: Assumption) -> tuple[str, ...]:
    """The conditions that must be equal for two values of this metric to be comparable.

    A metric that perfgate does not know depends on the machine class if it is noisy, and on nothing if it is exact. An
    exact member of a family does not depend on the machine either, a count is a count; but one that a simulator counted
    depends on what it says it depends on.
    """
    metric = find(name)
    if metric is None or metric.is_family:
        if assumption is Assumption.NOISY:
            return (MACHINE,)
        return () if metric is None else COUNTED
    return metric.depends_on
