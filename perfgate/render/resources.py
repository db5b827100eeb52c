"""What a watched command used over time: a line of bars for CPU, memory, disk and network, and what they add up to."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from perfgate.core.units import Unit, write_value
from perfgate.render.sparkline import sparkline
from perfgate.render.text import harmless

#: The blocks of details that this draws.
SUMMARY, MOMENTS = "resource_use", "resources"
_B, _S = Unit("B"), Unit("s")
_LABEL = 9
Row = Mapping[str, Any]


def render(summaries: Sequence[Row], moments: Sequence[Row], *, width: int, unicode: bool) -> str:
    """Every watched command, with its bars from the beginning to the end of its run."""
    parts = []
    for summary in summaries:
        own = [row for row in moments if row.get("command") == summary.get("command")]
        parts.append(_one(summary, own, width=width, unicode=unicode))
    return "\n\n".join(parts)


def _one(summary: Row, moments: Sequence[Row], *, width: int, unicode: bool) -> str:
    bars = 20 if width < 100 else 40
    lines = [f"resources of {harmless(str(summary.get('command')))}, over {_amount(summary.get('seconds'), _S)}"]
    for label, names, words in (
        ("CPU", ("cpus",), _cpu(summary)),
        ("memory", ("memory",), _memory(summary)),
        ("disk", ("disk_read", "disk_written"), _flow(summary, "disk_read", "read", "disk_written", "written")),
        ("network", ("net_received", "net_sent"), _network(summary)),
    ):
        values = [sum(_number(row.get(name)) for name in names) for row in moments]
        drawn = sparkline(values, width=bars, unicode=unicode, bottom=0.0)
        lines += _wrapped(f"  {label:<{_LABEL}}{drawn:<{bars}}  ", words, width)
    return "\n".join(lines)


def _wrapped(head: str, words: Iterable[str], width: int) -> list[str]:
    """Facts behind a head, folded between facts and never inside one."""
    lines, indent = [head], " " * len(head)
    for fact in words:
        first = lines[-1] in {head, indent}
        if not first and len(lines[-1]) + 2 + len(fact) > width:
            lines[-1] += ","
            lines.append(indent + fact)
        else:
            lines[-1] += fact if first else f", {fact}"
    return [line.rstrip() for line in lines]


def _cpu(summary: Row) -> list[str]:
    available = summary.get("cpus_available")
    words = [f"{_few(summary.get('cpus'))} of {available} CPUs on average"]
    if (most := summary.get("cpus_most")) is not None:
        words.append(f"at most {_few(most)}")
    if seconds := _number(summary.get("seconds_at_limit")):
        words.append(f"{_amount(seconds, _S)} at the limit")
    if _number(others := summary.get("cpus_of_others")) >= 0.1:
        words.append(f"other processes used {_number(others):.2g}")
    return words


def _few(cpus: object) -> str:
    """A number of CPUs: no more of it than a look at processes can tell."""
    number = _number(cpus)
    return "less than 0.01" if 0 < number < 0.01 else f"{number:.2f}" if number < 1 else f"{number:.3g}"


def _memory(summary: Row) -> list[str]:
    available = summary.get("memory_available")
    of = f" of {_amount(available, _B)}" if available else ""
    if (memory := summary.get("memory")) is None:
        return ["unknown"]
    return [f"at most {_amount(memory, _B)}{of}"]


def _network(summary: Row) -> list[str]:
    words = _flow(summary, "net_received", "received", "net_sent", "sent")
    return [*words, "by the whole machine"] if words != ["unknown"] else words


def _flow(summary: Row, name: str, verb: str, other: str, other_verb: str) -> list[str]:
    told = [
        f"{_amount(value, _B)} {word}"
        for value, word in ((summary.get(name), verb), (summary.get(other), other_verb))
        if value is not None
    ]
    return told or ["unknown"]


def _amount(value: object, unit: Unit) -> str:
    return write_value(_number(value), unit) if isinstance(value, (int, float)) else "unknown"


def _number(value: object) -> float:
    return float(value) if isinstance(value, (int, float)) else 0.0
