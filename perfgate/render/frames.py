"""The frames whose share of a command's time grew, for `compare` and as a note of a decision."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from perfgate.core.frames import ALIKE, Frame, Grown, Moved
from perfgate.core.units import write_percent
from perfgate.render.text import harmless, wrapped

_LONGEST = 120


def render(moved: Sequence[Moved], *, width: int) -> str:
    """A block for each command: what its profiles are of, the frames that grew, and how sure that is."""
    lines: list[str] = []
    for each in moved:
        lines += ["", harmless(f"where the time of {each.command} goes ({each.sampler})")]
        if each.why_not:
            lines += _indented(each.why_not, width)
            continue
        if not each.frames:
            lines += _indented(f"no frame's share grew beyond what sampling explains ({_samples(each)})", width)
            continue
        for grown in each.frames:
            lines += _indented(f"{_name(grown.frame)}: {_shares(grown)}", width)
        lines += _indented(_honesty(each), width)
    return "\n".join(lines)


def _indented(text: str, width: int) -> list[str]:
    return wrapped(text, width, "  ")


def sentence(moved: Moved) -> str:
    """What grew, as one sentence of a decision."""
    first = "; ".join(f"{_name(each.frame)} {_brief(each)}" for each in moved.frames[:3])
    return f'"{moved.command}" spends more of its time in: {first} ({_samples(moved)}; {moved.sampler})'


def _name(frame: Frame) -> str:
    name = str(frame)
    return name if len(name) <= _LONGEST else f"{name[: _LONGEST - 1]}…"


def _brief(grown: Grown) -> str:
    which = 0 if grown.of == "self" else 1
    return f"{_percent(grown.before[which])} → {_percent(grown.after[which])} {grown.of}"


def _shares(grown: Grown) -> str:
    own, total = (
        f"{_percent(before)} → {_percent(after)}" for before, after in zip(grown.before, grown.after, strict=True)
    )
    low, high = grown.low * 100, grown.high * 100
    return f"self {own}, total {total} ({grown.of} {low:+.1f} … {high:+.1f} points)"


def _percent(share: float) -> str:
    return write_percent(share, signed=False)


def _samples(moved: Moved) -> str:
    of = "1 profile" if moved.profiles == 1 else f"{moved.profiles} profiles"
    return f"{moved.before:,} samples of {of} before, {moved.after:,} now"


def _honesty(moved: Moved) -> str:
    single = (
        "; one earlier profile does not show how much profiles differ from run to run" if moved.profiles == 1 else ""
    )
    return f"{_samples(moved)}; successive samples are alike, so the intervals count {ALIKE} of them as one{single}"


def as_value(moved: Moved) -> dict[str, Any]:
    """What moved, as plain JSON: shares from 0 to 1."""
    return {
        "command": moved.command,
        "sampler": moved.sampler,
        "samples_before": moved.before,
        "samples_after": moved.after,
        "profiles_before": moved.profiles,
        "why_not": moved.why_not,
        "grown": [
            {
                "frame": each.frame.name,
                "file": each.frame.file,
                "self": list(each.before[:1] + each.after[:1]),
                "total": list(each.before[1:] + each.after[1:]),
                "of": each.of,
                "interval": [each.low, each.high],
            }
            for each in moved.frames
        ],
    }
