"""Profiles: the share of the samples that each frame has, and the frames whose share grew by more than sampling explains."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from types import MappingProxyType
from typing import NamedTuple

from perfgate.core.stats.student import quantile

#: The block of a run's details that holds its profiles.
BLOCK = "profile"
#: A run keeps so many frames of a profile, those with the largest total share, and none below this share.
MOST_FRAMES, LEAST_SHARE = 100, 0.002
#: Fewer samples than this say nothing of what moved.
LEAST_SAMPLES = 100
#: Successive samples often hit the same call, so that so many of them are counted as one independent look.
ALIKE = 8
#: A share that grew by less than this, two points of a hundred, is not worth a name.
LEAST_GROWTH = 0.02
#: The chance to name any frame although nothing changed, as far as sampling goes; it is divided among the frames.
ALARM = 0.01
#: So many profiles of the baseline stand beside the new one, the newest; and so many frames are named.
RECENT, MOST_NAMED = 5, 5
_MANY_SAMPLES = 1e9
_LONGEST = 300

Rows = tuple[Mapping[str, str | int | float | bool | None], ...]


class Frame(NamedTuple):
    """A function and the file it is in ("" where that is not told): without a line, which every edit above it moves."""

    name: str
    file: str = ""

    def __str__(self) -> str:
        return f"{self.name} ({self.file})" if self.file else self.name


#: One stack, the outermost frame first, and its weight: samples, or seconds.
Stack = tuple[tuple[Frame, ...], float]


class Profile(NamedTuple):
    """Where one command spent its time: (self, total) shares from 0 to 1 of each frame, from so many samples.

    Self is the share of samples in which the frame is innermost, total that in which it is anywhere. `known` is the number of frames that there
    were, of which `shares` may hold only the largest.
    """

    command: str
    sampler: str
    samples: int
    shares: Mapping[Frame, tuple[float, float]] = MappingProxyType({})
    known: int = 0

    def share(self, frame: Frame) -> tuple[float, float]:
        """The (self, total) shares of a frame; of one that may have been left out, the most that it can have had."""
        found = self.shares.get(frame)
        if found is not None:
            return found
        if len(self.shares) >= self.known:
            return 0.0, 0.0
        most = min((total for _, total in self.shares.values()), default=1.0)
        return most, most


class Grown(NamedTuple):
    """A frame whose share grew: (self, total) before and after, and the interval of the difference of the one that `of` names."""

    frame: Frame
    of: str
    before: tuple[float, float]
    after: tuple[float, float]
    low: float
    high: float


class Moved(NamedTuple):
    """What moved in one command's profile: `frames` that grew, the most first; where `why_not` says something, nothing could be said."""

    command: str
    sampler: str
    before: int
    after: int
    profiles: int
    frames: tuple[Grown, ...] = ()
    why_not: str = ""


def profile_of(stacks: Iterable[Stack], *, command: str, sampler: str, samples: int | None = None) -> Profile:
    """The shares of every frame; a frame that is in a stack several times (recursion) counts once in its total.

    `samples` is how many there were where the weights are no counts. Stacks without a frame, or without a positive weight, tell nothing.
    """
    own: dict[Frame, list[float]] = {}
    total: dict[Frame, list[float]] = {}
    weights: list[float] = []
    for frames, weight in stacks:
        if not frames or not weight > 0:
            continue
        weights.append(weight)
        own.setdefault(frames[-1], []).append(weight)
        for frame in set(frames):
            total.setdefault(frame, []).append(weight)
    # Correctly rounded sums do not depend on the order of the stacks.
    whole = math.fsum(weights)
    if not whole or not math.isfinite(whole):
        return Profile(command, sampler, 0)
    shares = {
        frame: (_part(own.get(frame, ()), whole), _part(found, whole))
        for frame, found in sorted(total.items(), key=lambda each: each[0])
    }
    return Profile(command, sampler, round(whole) if samples is None else samples, shares, len(shares))


def _part(weights: Iterable[float], whole: float) -> float:
    return min(1.0, math.fsum(weights) / whole)


def rows_of(profile: Profile) -> Rows:
    """A profile as the details of a run: its largest frames, the largest first."""
    kept = [(frame, shares) for frame, shares in profile.shares.items() if shares[1] >= LEAST_SHARE]
    kept.sort(key=lambda each: (-each[1][1], -each[1][0], each[0]))
    return tuple(
        {
            "command": profile.command,
            "frame": frame.name,
            "file": frame.file,
            "self": round(own, 6),
            "total": round(total, 6),
            "samples": profile.samples,
            "frames": profile.known,
            "sampler": profile.sampler,
        }
        for frame, (own, total) in kept[:MOST_FRAMES]
    )


def profiles_in(rows: Iterable[Mapping[str, object]]) -> dict[str, Profile]:
    """The profiles in a block of details, by command; rows that any program may have written, so that odd ones are left out."""
    found: dict[str, tuple[Profile, dict[Frame, tuple[float, float]]]] = {}
    for row in rows:
        command, name, file, sampler = (row.get(key) for key in ("command", "frame", "file", "sampler"))
        own, total = _share(row.get("self")), _share(row.get("total"))
        samples, count = _count(row.get("samples")), _count(row.get("frames"))
        if not (isinstance(command, str) and isinstance(name, str) and isinstance(file, str)):
            continue
        if own is None or total is None or own > total or not samples or not isinstance(sampler, str):
            continue
        profile, shares = found.setdefault(command, (Profile(command, sampler, samples, known=count), {}))
        if (profile.sampler, profile.samples) == (sampler, samples):
            shares[Frame(name[:_LONGEST], file[:_LONGEST])] = own, total
    return {command: profile._replace(shares=shares) for command, (profile, shares) in found.items()}


def _share(value: object) -> float | None:
    number = isinstance(value, int | float) and not isinstance(value, bool)
    return float(value) if number and isinstance(value, int | float) and 0 <= value <= 1 else None


def _count(value: object) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) and 0 <= value <= 10**12 else 0


def moved(after: Iterable[Rows], before: Sequence[Rows]) -> tuple[Moved, ...]:
    """What moved in each command that the newer runs have a profile of, against the newest of the older runs' (oldest first)."""
    now: dict[str, Profile] = {}
    for rows in after:
        now |= profiles_in(rows)
    if not now:
        return ()
    past = [profiles_in(rows) for rows in before]
    return tuple(
        compare(now[command], [each[command] for each in past if command in each][-RECENT:]) for command in sorted(now)
    )


def compare(after: Profile, before: Sequence[Profile]) -> Moved:
    """The frames whose share of the samples grew by more than sampling explains.

    Named is what grew by two points of a hundred at least, beyond the interval of the difference, and beyond every single profile of
    the baseline: how profiles differ from run to run, no interval of one run can tell.
    """
    alike = [each for each in before if each.sampler == after.sampler and each.samples]
    samples = sum(each.samples for each in alike)
    result = Moved(after.command, after.sampler, samples, after.samples, len(alike))
    if not before:
        return result._replace(why_not="the baseline has no profile of it yet")
    if not alike:
        return result._replace(
            why_not=f"the baseline's profile is of {before[-1].sampler}, this one of {after.sampler}"
        )
    if min(samples, after.samples) < LEAST_SAMPLES:
        fewer = min(samples, after.samples)
        return result._replace(
            why_not=f"{fewer} samples are too few to compare, {LEAST_SAMPLES} are wanted on each side"
        )
    # Two shares of each frame are looked at.
    z = quantile(1 - ALARM / max(1, 2 * len(after.shares)), _MANY_SAMPLES)
    found = [grown for frame in after.shares if (grown := _grown(frame, after, alike, samples, z)) is not None]
    found.sort(key=lambda each: (-_growth(each), -each.after[0], each.frame))
    return result._replace(frames=tuple(found[:MOST_NAMED]))


def _growth(grown: Grown) -> float:
    which = 0 if grown.of == "self" else 1
    return grown.after[which] - grown.before[which]


def _grown(frame: Frame, after: Profile, before: Sequence[Profile], samples: int, z: float) -> Grown | None:
    each = [(profile.share(frame), profile.samples) for profile in before]
    was = tuple(math.fsum(shares[which] * count for shares, count in each) / samples for which in (0, 1))
    now = after.share(frame)
    best: Grown | None = None
    for which, of in enumerate(("self", "total")):
        highest = max(shares[which] for shares, _ in each)
        if now[which] - max(was[which], highest) < LEAST_GROWTH:
            continue
        low, high = difference(was[which], samples / ALIKE, now[which], after.samples / ALIKE, z)
        found = Grown(frame, of, (was[0], was[1]), now, low, high)
        if low > 0 and (best is None or _growth(found) > _growth(best)):
            best = found
    return best


def difference(before: float, n: float, after: float, m: float, z: float) -> tuple[float, float]:
    """The interval of `after` - `before`, shares of `m` and `n` looks: Newcombe's hybrid score method (Statist. Med. 17, 1998, 873, method 10)."""
    low_before, high_before = _wilson(before, n, z)
    low_after, high_after = _wilson(after, m, z)
    shift = after - before
    low = shift - math.hypot(after - low_after, high_before - before)
    high = shift + math.hypot(high_after - after, before - low_before)
    return max(-1.0, low), min(1.0, high)


def _wilson(share: float, n: float, z: float) -> tuple[float, float]:
    """Wilson's score interval of a share (JASA 22, 1927)."""
    square = z * z / n
    centre = (share + square / 2) / (1 + square)
    half = z / (1 + square) * math.sqrt(share * (1 - share) / n + square / (4 * n))
    return max(0.0, centre - half), min(1.0, centre + half)
