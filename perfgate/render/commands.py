"""What was measured of commands, as people want to see it right after: mean and spread, CPU, memory, and how several compare."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from perfgate.core.stats.estimators import STORED_VALUES
from perfgate.core.units import Unit, write_value, write_values
from perfgate.render.tables import Column, render_table
from perfgate.render.text import harmless

#: The blocks of a run's details that are shown here.
BLOCKS = ("commands", "command_runs", "command_comparisons")
#: What a row of a command holds besides the values of its parameters.
_KNOWN = frozenset(
    {"command", "runs", "mean", "sd", "median", "min", "max", "user", "system", "memory", "memory_from", "wanted"}
    | {"minor_faults", "major_faults", "voluntary_switches", "involuntary_switches", "read", "written", "reached"}
    | {"shell_wall", "shell_cpu", "seed"}
)
_SECONDS, _BYTES = Unit("s"), Unit("B")
#: More commands than this are told by a table alone.
_IN_FULL = 3
_FIGURES = ("mean ± σ", "median", "min … max", "CPU", "memory", "runs")
#: A table on a narrower terminal leaves the range out.
_WIDE = 100

Row = Mapping[str, object]


def render(details: Mapping[str, Sequence[Row]], *, width: int, colour: bool) -> str:
    """Each command in some lines, or many in a table, and how many times as long as the quickest the others take; "" without any."""
    rows = details.get("commands", ())
    if not rows:
        return ""
    if len(rows) <= _IN_FULL:
        parts = ["\n".join(_in_full(row, width)) for row in rows]
    else:
        parts = [_table(rows, width=width, colour=colour)]
    if compared := _compared(details.get("command_comparisons", ())):
        parts.append(compared)
    if medians := _medians(rows):
        parts.append("\n".join(medians))
    return "\n\n".join(parts)


def _in_full(row: Row, width: int) -> list[str]:
    mean, sd = _number(row, "mean"), _number(row, "sd")
    runs = row.get("runs")
    centre, spread = write_values((mean, sd), _SECONDS) if sd else (write_value(mean, _SECONDS), "")
    wall = [
        f"mean {centre} ± {spread}" if spread else f"mean {centre}",
        f"median {write_value(_number(row, 'median'), _SECONDS)}",
        _range(row),
        f"{runs} {'run' if runs == 1 else 'runs'}{_precision(row)}",
    ]
    user, system = (write_value(_number(row, name), _SECONDS) for name in ("user", "system"))
    told = {"wall": wall, "CPU": [f"user {user}", f"system {system}"]}
    if _number(row, "memory") is not None:
        told["memory"] = [_memory(row)]
    told["system"] = _events(row)
    lines = [harmless(_title(row))]
    for name, parts in told.items():
        lines += _wrapped(name, parts, width)
    return lines


def _wrapped(name: str, parts: Sequence[str], width: int) -> list[str]:
    """The parts with commas between, under their name; a part is never broken."""
    lines: list[str] = []
    for position, part in enumerate(parts):
        text = part if position == len(parts) - 1 else f"{part},"
        if lines and len(lines[-1]) + 1 + len(text) <= width:
            lines[-1] += f" {text}"
        else:
            lines.append(f"  {'' if lines else name:<8} {text}")
    return lines


def _medians(rows: Sequence[Row]) -> list[str]:
    """Where more runs were made than a series keeps values: why its figures are not those of the runs."""
    lines = []
    for runs in sorted({runs for row in rows if isinstance(runs := row.get("runs"), int) and runs > STORED_VALUES}):
        each, more = divmod(runs, STORED_VALUES)
        of = f"{each} or {each + 1}" if more else str(each)
        lines.append(
            f"these figures are of all {runs:,} runs; a series holds {STORED_VALUES} medians of {of} of them each"
        )
    return lines


def _title(row: Row) -> str:
    values = ", ".join(f"{name}={value}" for name, value in row.items() if name not in _KNOWN)
    return f"{row.get('command')} ({values})" if values else str(row.get("command"))


def _number(row: Row, name: str) -> float | None:
    value = row.get(name)
    return value if isinstance(value, (int, float)) else None


def _range(row: Row) -> str:
    low, high = write_values((_number(row, "min"), _number(row, "max")), _SECONDS)
    return f"{low} … {high}"


def _precision(row: Row) -> str:
    reached = _number(row, "reached")
    return f", median known within {reached:.1%}" if reached is not None else ""


def _memory(row: Row) -> str:
    text = write_value(_number(row, "memory"), _BYTES)
    return {
        "floor": f"at most {text} (too small to tell from what starts it)",
        "group": f"{text} (its control group, with the page cache)",
    }.get(str(row.get("memory_from")), f"{text} (peak of all its processes)")


def _events(row: Row) -> list[str]:
    """Faults, switches and bytes from and to storage; only what the system told, and no line of zeros."""
    parts = []
    for name, words in (
        ("minor_faults", "page fault{s}"),
        ("major_faults", "page fault{s} from storage"),
        ("voluntary_switches", "wait{s}"),
        ("involuntary_switches", "preemption{s}"),
    ):
        if value := _number(row, name):
            parts.append(f"{value:,.0f} {words.format(s='' if value == 1 else 's')}")
    for name, words in (("read", "read"), ("written", "written")):
        if value := _number(row, name):
            parts.append(f"{write_value(value, _BYTES)} {words}")
    return parts


def _table(rows: Sequence[Row], *, width: int, colour: bool) -> str:
    names = list(dict.fromkeys(name for row in rows for name in row if name not in _KNOWN))
    several = len({row.get("command") for row in rows}) > 1
    shown = [name for name in _FIGURES if width >= _WIDE or name != "min … max"]
    columns = [Column("command")] if several or not names else []
    columns += [Column(name, number=True) for name in (*names, *shown)]
    cells = []
    for row in rows:
        first = [str(row.get("command"))] if several or not names else []
        figures = dict(zip(_FIGURES, _cells(row), strict=True))
        cells.append([*first, *(str(row.get(name, "")) for name in names), *(figures[name] for name in shown)])
    title = "" if several or not names else f"{harmless(str(rows[0].get('command')))}\n"
    return title + render_table(columns, cells, width=width, colour=colour)


def _cells(row: Row) -> list[str]:
    mean, sd = _number(row, "mean"), _number(row, "sd")
    mean_text, sd_text = write_values((mean, sd), _SECONDS) if sd else (write_value(mean, _SECONDS), "")
    memory = write_value(_number(row, "memory"), _BYTES)
    user, system = _number(row, "user"), _number(row, "system")
    return [
        f"{mean_text} ± {sd_text}" if sd_text else mean_text,
        write_value(_number(row, "median"), _SECONDS),
        _range(row),
        write_value(None if user is None or system is None else user + system, _SECONDS),
        f"≤ {memory}" if row.get("memory_from") == "floor" else memory,
        str(row.get("runs")),
    ]


def _compared(comparisons: Sequence[Row]) -> str:
    """How many times as long as the quickest each other one takes, the quicker first."""
    if not comparisons:
        return ""
    told = sorted(comparisons, key=lambda row: _number(row, "times") or 0.0)
    quickest = harmless(str(told[0].get("than")))
    lines = [f"{quickest} is the quickest"]
    for row in told:
        name = harmless(str(row.get("command")))
        times, low, high = (_number(row, key) for key in ("times", "low", "high"))
        if times is None or low is None or high is None:
            lines.append(f"  {name}: no ratio, because a time is zero")
            continue
        level = _number(row, "level") or 0.0
        between = f"{low:.2f} … {high:.2f}, {level:.0%}"
        alike = "; they may be alike" if low <= 1 <= high else ""
        lines.append(f"  {name} takes {times:.2f} times as long ({between}{alike})")
    return "\n".join(lines)
