"""The out files of cachegrind and callgrind: event counts of one program run, exact where the program is deterministic.

Format: https://valgrind.org/docs/manual/cl-format.html and cg-manual.html.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from perfgate.adapters.bench_reading import Findings, Reading
from perfgate.adapters.bench_units import slug
from perfgate.core.metrics import Assumption, Direction
from perfgate.core.units import Unit
from perfgate.errors import InputError

CACHEGRIND, CALLGRIND = "cachegrind", "callgrind"
_LONGEST_LINE = 10_000
_HEADER = (
    "desc:",
    "cmd:",
    "creator:",
    "events:",
    "summary:",
    "totals:",
    "# callgrind format",
    "pid:",
    "part:",
    "version:",
)
_OF_OTHERS = re.compile(r" --(?:gungraun|iai)-run\b")
_COUNTS = re.compile(r"[0-9]{1,18}(?:\s+[0-9]{1,18}){0,200}")
#: Names for the events that people gate; all others keep their own.
_EVENTS = {"Ir": "instructions", "Dr": "data_reads", "Dw": "data_writes"}
_CACHE_EVENT = re.compile(r"(?:I1|D1|IL|DL|LL)m[rw]?|(?:Dl|Il|LL)m[rw]?|Ac[CD]ost\d|SpLoss\d")


def why_not_cachegrind(text: str) -> str:
    """Why this text is no cachegrind.out file; "" where it is."""
    return _why_not(text, CACHEGRIND)


def why_not_callgrind(text: str) -> str:
    """Why this text is no callgrind.out file; "" where it is."""
    return _why_not(text, CALLGRIND)


def read_cachegrind(text: str, where: str) -> Reading:
    """The counts of a cachegrind.out file, which does not name the version of Valgrind that counted."""
    return _read(text, where, CACHEGRIND)


def read_callgrind(text: str, where: str) -> Reading:
    """The counts of a callgrind.out file; its parts are added up."""
    return _read(text, where, CALLGRIND)


def instructions_in(end: bytes) -> int | None:
    """The instructions that a callgrind.out file of events "Ir" ends with; None where the file was not written to its end."""
    found = re.findall(rb"^totals: (\d{1,18})$", end, re.MULTILINE)
    return int(found[-1]) if found else None


def _why_not(text: str, tool: str) -> str:
    keys: set[str] = set()
    for line in text[:100_000].split("\n"):
        if line.startswith(_HEADER):
            keys.add(line.partition(":")[0])
    if "events" not in keys:
        return 'no line begins with "events:"'
    is_callgrind = "# callgrind format" in keys or "positions" in keys or "creator" in keys
    if is_callgrind != (tool == CALLGRIND):
        return "it is a file of callgrind" if is_callgrind else "it is a file of cachegrind"
    return "" if "cmd" in keys else 'no line begins with "cmd:"'


def _read(text: str, where: str, tool: str) -> Reading:
    findings = Findings(tool, where)
    command, version, events, caches = "", "", [], []
    totals: dict[str, list[int]] = {}
    place = where
    for number, line in _lines(text):
        key, _, rest = line.partition(":")
        rest = rest.strip()
        if key == "cmd":
            command = command or rest
        elif key == "creator":
            version = version or rest
        elif key == "events":
            events = rest.split()
        elif key == "desc" and "cache:" in rest and rest.partition(":")[2].strip():
            caches.append(" ".join(rest.split()))
        elif key in {"summary", "totals"} and _COUNTS.fullmatch(rest):
            totals[key] = _sum(totals.get(key, []), [int(each) for each in rest.split()])
            place = f"{where}:{number}"
    if _OF_OTHERS.search(command):
        raise InputError(
            "gungraun made this file, and its command names no benchmark",
            where=where,
            remedy="read its summary.json: cargo bench -- --save-summary=json",
        )
    # Callgrind writes both; a summary of an unfinished part may be missing, and the totals are what the lines add up to.
    counts = totals.get("totals") or totals.get("summary")
    if not events or not counts or len(counts) > len(events):
        raise InputError(
            "the file has no line of totals for its events", where=where, remedy="let the program run to its end"
        )
    if not version:
        findings.note(
            "counter-version",
            "the file does not tell which Valgrind counted; another version counts a little differently",
            "keep the version of Valgrind pinned",
        )
    _counts(findings, place, _program(command), dict(zip(events, counts, strict=False)), version, caches)
    return findings.reading(benchmarks=1, version=version.rpartition("-")[2])


def _counts(
    findings: Findings, place: str, program: str, counts: dict[str, int], version: str, caches: list[str]
) -> None:
    for event, count in counts.items():
        series = findings.series(f"bench.{_EVENTS.get(event) or slug(event)}", program, place)
        conditions = [("counter version", version or "unknown")]
        if _CACHE_EVENT.fullmatch(event):
            conditions.append(("caches", "; ".join(sorted(caches))[:300] or "unknown"))
        findings.add(
            series,
            Unit("1"),
            Direction.LOWER,
            [float(count)],
            f"{place} ({event[:40]})",
            zero_is_real=True,
            assumption=Assumption.EXACT,
            conditions=tuple(sorted(conditions)),
        )


def _sum(before: list[int], more: list[int]) -> list[int]:
    length = max(len(before), len(more))
    padded = [[*counts, *([0] * (length - len(counts)))] for counts in (before, more)]
    return [a + b for a, b in zip(*padded, strict=True)]


def _program(command: str) -> str:
    """The command without the folder that the program lies in, which is another one on every machine."""
    first, blank, rest = command.partition(" ")
    return f"{first.rpartition('/')[2] or first}{blank}{rest}".strip() or "program"


def _lines(text: str) -> Iterator[tuple[int, str]]:
    for number, line in enumerate(text.split("\n"), 1):
        if line.startswith(_HEADER) and len(line) <= _LONGEST_LINE:
            yield number, line.rstrip()
