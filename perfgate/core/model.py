"""The nouns: series, measurement, context, run, caveat. Frozen, and free of any input or output."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from enum import Enum
from functools import lru_cache
from types import MappingProxyType
from typing import NamedTuple

from perfgate.core.metrics import Assumption, Direction
from perfgate.core.units import Number, Unit
from perfgate.errors import InputError

_METRIC = re.compile(r"[a-z][a-z0-9_]*(?:\.[a-z0-9_]+)+")
_LABEL = re.compile(r"[a-z][a-z0-9_]*")
_BARE = re.compile(r"[^\s,={}\"\\]+")
_PAIR = re.compile(r'\s*([^\s,={}"\\]+)\s*=\s*(?:"((?:[^"\\]|\\.)*)"|([^\s,={}"\\]*))\s*(?:,|$)', re.DOTALL)
_ESCAPE = re.compile(r"\\(.)", re.DOTALL)


class Series(NamedTuple):
    """A metric plus its labels, sorted by name: the identity that is followed over time.

    Written `tests.duration{suite=unit}`; a label value with blanks or punctuation is quoted.
    """

    metric: str
    labels: tuple[tuple[str, str], ...] = ()

    @classmethod
    def of(cls, metric: str, **labels: str) -> Series:
        """A series from keywords; labels without a value are left out."""
        return cls(metric, tuple(sorted((name, value) for name, value in labels.items() if value)))

    @classmethod
    def parse(cls, text: str) -> Series:
        """The inverse of `str`; raises InputError for text that is not one series (a glob is not)."""
        selector = Selector.parse(text)
        if not _METRIC.fullmatch(selector.metric):
            raise InputError(
                f'"{text}" does not name a series', remedy='write for example "tests.duration{suite=unit}"'
            )
        return cls(selector.metric, selector.labels)

    def __str__(self) -> str:
        return write_series(self.metric, self.labels)


def is_metric_name(text: str) -> bool:
    """Whether this text can name a metric: lower-case words joined by dots, at least two."""
    return _METRIC.fullmatch(text) is not None


def is_label_name(text: str) -> bool:
    """Whether this text can name a label: one lower-case word."""
    return _LABEL.fullmatch(text) is not None


def write_series(metric: str, labels: Iterable[tuple[str, str]]) -> str:
    """The text of a series or a selector."""
    inside = ",".join(f"{name}={_quoted(value)}" for name, value in labels)
    return f"{metric}{{{inside}}}" if inside else metric


def _quoted(value: str) -> str:
    if _BARE.fullmatch(value):
        return value
    escaped = (
        value.replace("\\", "\\\\").replace('"', '\\"').replace("\n", "\\n").replace("\r", "\\r").replace("\t", "\\t")
    )
    return f'"{escaped}"'


class Selector(NamedTuple):
    """What a budget names: a metric and labels, each exact or a glob (`*` any text, `?` one character).

    Labels it does not name may have any value; a label that it names as empty must be absent.
    """

    metric: str
    labels: tuple[tuple[str, str], ...] = ()

    @classmethod
    def parse(cls, text: str) -> Selector:
        """Read `metric{label=value,…}`; raises InputError that says what to write."""
        written = text.strip()
        metric, brace, rest = written.partition("{")
        metric = metric.strip()
        if not metric or re.search(r"[\s,=}\"\\]", metric) or (brace and not rest.endswith("}")):
            raise InputError(
                f'"{written}" does not name a series', remedy='write for example "tests.duration{suite=unit}"'
            )
        labels: dict[str, str] = {}
        inside, position = rest[:-1] if brace else "", 0
        while position < len(inside) and inside[position:].strip():
            pair = _PAIR.match(inside, position)
            if pair is None:
                raise InputError(
                    f'the labels of "{written}" cannot be read', remedy='write them as {name=value,other="with blanks"}'
                )
            name, quoted, bare = pair.groups()
            if name in labels:
                raise InputError(f'"{written}" names the label "{name}" twice')
            labels[name] = _ESCAPE.sub(_unescape, quoted) if quoted is not None else bare
            position = pair.end()
        return cls(metric, tuple(sorted(labels.items())))

    def __str__(self) -> str:
        return write_series(self.metric, self.labels)

    @property
    def is_literal(self) -> bool:
        """Whether it names no glob, so that it can only ever mean what it says."""
        return not any("*" in text or "?" in text for text in (self.metric, *(value for _, value in self.labels)))

    def matches(self, series: Series) -> bool:
        """Whether the budget means this series."""
        if not glob_matches(self.metric, series.metric):
            return False
        if not self.labels:
            return True
        have = dict(series.labels)
        return all(glob_matches(value, have.get(name, "")) for name, value in self.labels)


class Exactly(NamedTuple):
    """These series and no others, whatever their labels hold: what a series' name selects is more where it has no labels or a star."""

    series: frozenset[Series]

    def __str__(self) -> str:
        names = sorted(str(each) for each in self.series)
        return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")

    def matches(self, series: Series) -> bool:
        """Whether this is one of them."""
        return series in self.series


def _unescape(match: re.Match[str]) -> str:
    return {"n": "\n", "r": "\r", "t": "\t"}.get(match[1], match[1])


def glob_matches(pattern: str, text: str) -> bool:
    """Whether `*` (any text) and `?` (one character) make the pattern stand for the text."""
    if pattern == text:
        return True
    return ("*" in pattern or "?" in pattern) and _compiled(pattern).fullmatch(text) is not None


@lru_cache(maxsize=1024)
def _compiled(pattern: str) -> re.Pattern[str]:
    # Runs of stars are one star: "a**b" must not make the match slow.
    parts = re.split(r"(\*+|\?)", pattern)
    translated = "".join(".*" if part[:1] == "*" else "." if part == "?" else re.escape(part) for part in parts)
    return re.compile(translated, re.DOTALL)


class MachineClass(NamedTuple):
    """What must be alike for two times to be comparable; no host name, nothing that names one machine."""

    os: str = ""
    arch: str = ""
    runner: str = ""
    cpu_model: str = ""
    cpu_count: int = 0

    def __str__(self) -> str:
        parts = (
            self.runner,
            f"{self.os}/{self.arch}",
            self.cpu_model,
            f"{self.cpu_count} CPUs" if self.cpu_count else "",
        )
        return ", ".join(part for part in parts if part.strip("/"))

    def differences(self, other: MachineClass) -> tuple[str, ...]:
        """What differs from `other`, in words: "cpu model (A, was B)"."""
        names = (
            ("os", "os"),
            ("arch", "arch"),
            ("runner", "runner label"),
            ("cpu_model", "cpu model"),
            ("cpu_count", "cpu count"),
        )
        return tuple(
            f"{words} {getattr(self, name) or 'unknown'}, was {getattr(other, name) or 'unknown'}"
            for name, words in names
            if getattr(self, name) != getattr(other, name)
        )


#: The machine class of a value that does not depend on the machine, or of a run that does not know its own.
ANY_MACHINE = MachineClass()


class Context(NamedTuple):
    """Where a run comes from. Commits are full hashes, "" where unknown; times are UTC in ISO 8601.

    `head` is the commit under review, `tested` the commit whose tree was measured (a pull request's merge commit, say) and
    `base` the commit that tree started from; `base_is_approximate` says that this is only the target branch's tip, because the
    real one is not known. `worktree` is "" for a clean tree, else a fingerprint of its changes.
    """

    head: str = ""
    base: str = ""
    tested: str = ""
    worktree: str = ""
    branch: str = ""
    target: str = ""
    pull_request: int | None = None
    event: str = ""
    provider: str = ""
    ci_run: str = ""
    ci_attempt: int = 1
    ci_job: str = ""
    started_at: str = ""
    machine: MachineClass = ANY_MACHINE
    tool_version: str = ""
    base_is_approximate: bool = False


class Caveat(NamedTuple):
    """Something a reader must know before trusting a number: not a failure, and never dropped on the way."""

    code: str
    message: str
    remedy: str = ""


#: The code of the caveat that a command which was to be measured failed: what rests on such a run is never a pass.
COMMAND_FAILED = "command failed"


class State(Enum):
    """Whether a measurement has a value. Unknown is never zero."""

    MEASURED = "measured"
    LOWER_BOUND = "lower_bound"
    UNKNOWN = "unknown"


class Measurement(NamedTuple):
    """One series' raw values from one capture, in base units, and where they came from.

    `before` holds the base side where one capture measured both sides. `resolution` is the smallest step the source can
    show. `conditions` are what the values depend on besides the machine (model, price book, runner labels). `reason` says
    why the state is not "measured".
    """

    series: Series
    unit: Unit
    better: Direction
    assumption: Assumption
    values: tuple[Number, ...]
    origin: str = ""
    before: tuple[Number, ...] = ()
    resolution: float = 0.0
    conditions: tuple[tuple[str, str], ...] = ()
    state: State = State.MEASURED
    reason: str = ""


#: Rows for people by block name ("slowest_tests", "jobs", "resources", …): plain values only.
Details = Mapping[str, tuple[Mapping[str, str | int | float | bool | None], ...]]
NO_DETAILS: Details = MappingProxyType({})


class Capture(NamedTuple):
    """What one source yielded: measurements, details for people, caveats. A run is captures with their context.

    `attachments` are files to lie beside the run's own, each the end of its name and its content. `output` is the end of what a
    command printed that failed: untrusted text for whoever looks on, which no run keeps.
    """

    measurements: tuple[Measurement, ...] = ()
    details: Details = NO_DETAILS
    caveats: tuple[Caveat, ...] = ()
    attachments: tuple[tuple[str, bytes], ...] = ()
    output: str = ""

    @property
    def failure(self) -> Caveat | None:
        """What is said of a command that failed, None where every one succeeded."""
        return next((caveat for caveat in self.caveats if caveat.code == COMMAND_FAILED), None)

    @classmethod
    def joined(cls, captures: Iterable[Capture]) -> Capture:
        """Several captures as one; raises InputError when two of them measured the same series."""
        measurements: dict[Series, Measurement] = {}
        details: dict[str, tuple[Mapping[str, str | int | float | bool | None], ...]] = {}
        caveats: list[Caveat] = []
        attachments: list[tuple[str, bytes]] = []
        outputs: list[str] = []
        for capture in captures:
            for measurement in capture.measurements:
                twin = measurements.setdefault(measurement.series, measurement)
                if twin is not measurement:
                    what = f"{measurement.series} was measured twice: {twin.origin or 'here'} and {measurement.origin or 'here'}"
                    raise InputError(
                        what, remedy="give each its own name or label (--suite, --scenario, NAME), or measure it once"
                    )
            for name, rows in capture.details.items():
                details[name] = details.get(name, ()) + tuple(rows)
            caveats += capture.caveats
            attachments += capture.attachments
            outputs += [capture.output] if capture.output else []
        return cls(tuple(measurements.values()), details, tuple(caveats), tuple(attachments), "\n".join(outputs))


class Run(NamedTuple):
    """Measurements with the context they were taken in: one run.json.

    `excluded` names the series that an admitted run must not lend to the baseline (waived or accepted values). `id` is ""
    for a run that was never stored.
    """

    context: Context
    measurements: tuple[Measurement, ...]
    details: Details = NO_DETAILS
    caveats: tuple[Caveat, ...] = ()
    excluded: tuple[str, ...] = ()
    id: str = ""


class Event(NamedTuple):
    """What the CI system says of the change under test, as plain data; everything is "" outside CI.

    `target` is the branch the change is to land on (a pull request's base, or the pushed branch itself), `target_sha` that
    branch's tip as the event knew it, `head` the commit under review; `merge` says whether the checked-out commit is the
    merge of both that the host made. `labels` are those of the pull request. `sha` is the commit that the host started the job for,
    `before` the one that a push replaced, `merge_base` the common ancestor of head and target where the host tells it. `ref` is the
    full name of what was checked out, `repository` the "OWNER/NAME" whose branch the target is. Commits are full hashes or "".
    """

    provider: str = ""
    name: str = ""
    ci_run: str = ""
    ci_attempt: int = 1
    ci_job: str = ""
    runner: str = ""
    branch: str = ""
    target: str = ""
    target_sha: str = ""
    head: str = ""
    merge: bool = False
    default_branch: str = ""
    pull_request: int | None = None
    from_fork: bool = False
    labels: tuple[str, ...] = ()
    sha: str = ""
    before: str = ""
    merge_base: str = ""
    ref: str = ""
    repository: str = ""
