"""Folded stacks (`a;b;c N`), speedscope files and the output of `perf script`: where a program was each time somebody looked.

Formats: https://github.com/brendangregg/FlameGraph, https://www.speedscope.app/file-format-schema.json, perf-script(1).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Sequence
from typing import Any, NamedTuple

from perfgate.adapters.labels import plain_text
from perfgate.core.frames import Frame, Stack
from perfgate.errors import InputError
from perfgate.formats import strict_json

#: More stacks, frames in one, or letters in a name than this are no profile of a program.
MOST_STACKS, DEEPEST, LONGEST_NAME = 1_000_000, 1_000, 200
#: A folded file that is kept is at most so large.
MOST_KEPT = 1_000_000
_REMEDY = 'each line reads "main;parse;read 42": frames from the outside in, and the number of samples'
#: A weight is a number of samples, or of seconds, or of bytes.
_HEAVIEST = 1e15
_COUNT = re.compile(r"[0-9]{1,15}(?:\.[0-9]{1,9})?")
#: py-spy's "name (file:line)", and the file without the line.
_PLACED = re.compile(r"(.+) \(([^()]+?)(?::\d{1,9})?\)")
_SAMPLER_OFFSET = re.compile(r"\+0x[0-9a-f]{1,16}$")
_PERF_FRAME = re.compile(r"\s+[0-9a-f]{1,16} (.+) \((.*)\)")
_INLINED = " (inlined)"
#: py-spy's frames for a process and a thread: its number is another one in every run, and its command line may hold anything.
_OUTER = re.compile(r'process \d+:".*|thread \(0x[0-9A-Fa-f]+\).*|Thread \d+ ".*', re.DOTALL)


class NoSamples(InputError):
    """What a sampler left is what it should be, and nobody looked while the program ran."""


class Folded(NamedTuple):
    """What a file told: stacks, how many samples those are, and the lines that were no stack."""

    stacks: tuple[Stack, ...]
    samples: int
    odd: int = 0


def read_profile(text: str, where: str) -> Folded:
    """The stacks of a folded or a speedscope file; InputError where it is neither."""
    if text.lstrip()[:1] == "{":
        return read_speedscope(text, where)
    return read_folded(text, where)


def read_folded(text: str, where: str) -> Folded:
    """The stacks of folded lines; InputError where no line is one."""
    stacks: list[Stack] = []
    samples, odd = 0.0, 0
    for line in text.split("\n"):
        if not line.strip():
            continue
        before, _, count = line.rstrip().rpartition(" ")
        if not _COUNT.fullmatch(count):
            odd += 1
            continue
        frames = tuple(_frame(part) for part in before.split(";") if _is_frame(part))[:DEEPEST]
        if not frames:
            # A sampler that found no frame at all, as of a thread that is just ending.
            odd += 1
            continue
        stacks.append((frames, float(count)))
        samples += float(count)
        _refuse_many(stacks, where)
    # Any text may have a line that ends with a number.
    if len(stacks) <= odd:
        raise InputError("there are no folded stacks in this file", where=where, remedy=_REMEDY)
    return Folded(tuple(stacks), round(samples), odd)


def read_speedscope(text: str, where: str) -> Folded:
    """The sampled profiles of a speedscope file, their threads together; InputError where it holds none."""
    value = strict_json.loads(text.encode("utf-8", "replace"), where)
    shared = value.get("shared") if isinstance(value, dict) else None
    told = shared.get("frames") if isinstance(shared, dict) else None
    profiles = value.get("profiles") if isinstance(value, dict) else None
    if not isinstance(told, list) or not isinstance(profiles, list):
        raise InputError(
            'this JSON has no "shared.frames" and "profiles"', where=where, remedy="export it as speedscope"
        )
    frames = [_speedscope_frame(each) for each in told]
    stacks: list[Stack] = []
    for profile in profiles:
        if isinstance(profile, dict) and profile.get("type") == "sampled":
            stacks += _sampled(profile, frames, where)
            _refuse_many(stacks, where)
    if not stacks:
        raise NoSamples(
            "the file holds no sampled profile",
            where=where,
            remedy='export one of the type "sampled", or folded stacks',
        )
    return Folded(tuple(stacks), len(stacks))


def read_perf_script(text: str, where: str) -> Folded:
    """The stacks that `perf script -F comm,ip,sym,dso` prints: one block a sample, the innermost frame first."""
    stacks: dict[tuple[Frame, ...], float] = {}
    samples = odd = 0
    block: list[Frame] = []
    for line in [*text.split("\n"), ""]:
        match = _PERF_FRAME.fullmatch(line[:5000]) if line[:1].isspace() else None
        if match is not None and len(block) < DEEPEST:
            name = _SAMPLER_OFFSET.sub("", match[1].removesuffix(_INLINED))
            block.append(Frame(_name(name), _file(match[2])))
        elif not line.strip() and block:
            key = tuple(reversed(block))
            stacks[key] = stacks.get(key, 0.0) + 1.0
            samples += 1
            block = []
        elif line[:1].isspace() and match is None and line.strip():
            odd += 1
    if not stacks:
        raise NoSamples(
            "perf took no samples", where=where, remedy="let the command do more, so that it runs a second or two"
        )
    return Folded(tuple(stacks.items()), samples, odd)


def write_folded(stacks: Iterable[Stack], most: int = MOST_KEPT) -> tuple[bytes, float]:
    """Folded lines, the heaviest first, of at most `most` bytes, and the share of the weight that was left out for that."""
    together: dict[str, float] = {}
    for frames, weight in stacks:
        key = ";".join(str(frame).replace(";", ":") for frame in frames)
        together[key] = together.get(key, 0.0) + weight
    lines: list[bytes] = []
    size, left = 0, list[float]()
    for key, weight in sorted(together.items(), key=lambda each: (-each[1], each[0])):
        line = f"{key} {weight:g}\n".encode() if weight != int(weight) else f"{key} {int(weight)}\n".encode()
        if left or size + len(line) > most:
            left.append(weight)
            continue
        size += len(line)
        lines.append(line)
    return b"".join(lines), sum(left) / sum(together.values()) if left else 0.0


def below(stacks: Sequence[Stack], root: str) -> tuple[Stack, ...]:
    """The stacks with files told from the folder `root`, and without the folders of this machine where they lie elsewhere."""
    known: dict[Frame, Frame] = {}

    def cleaned(frame: Frame) -> Frame:
        found = known.get(frame)
        if found is None:
            found = known[frame] = frame._replace(file=_without_folders(frame.file, root))
        return found

    return tuple((tuple(map(cleaned, frames)), weight) for frames, weight in stacks)


def _without_folders(file: str, root: str) -> str:
    path = file.replace("\\", "/")
    folder = root.replace("\\", "/").rstrip("/") + "/"
    if path.startswith(folder):
        return path[len(folder) :]
    if not (path.startswith("/") or path[1:3] == ":/"):
        return path
    for library in ("/site-packages/", "/dist-packages/"):
        if library in path:
            return path.rpartition(library)[2]
    return path.rpartition("/")[2]


def _sampled(profile: dict[str, Any], frames: list[Frame], where: str) -> Iterator[Stack]:
    samples, weights = profile.get("samples"), profile.get("weights")
    if not isinstance(samples, list) or not isinstance(weights, list) or len(samples) != len(weights):
        raise InputError('a sampled profile has not as many "weights" as "samples"', where=where)
    for sample, weight in zip(samples, weights, strict=True):
        fits = isinstance(sample, list) and all(type(each) is int and 0 <= each < len(frames) for each in sample)
        if not fits or isinstance(weight, bool) or not isinstance(weight, int | float):
            raise InputError("a sample names a frame that is not there, or has no weight", where=where)
        stack = tuple(frames[each] for each in sample[:DEEPEST] if _is_frame(frames[each].name))
        if stack and 0 < weight <= _HEAVIEST:
            yield stack, float(weight)


def _speedscope_frame(told: object) -> Frame:
    name = told.get("name") if isinstance(told, dict) else ""
    file = told.get("file") if isinstance(told, dict) else ""
    return Frame(_name(plain_text(name)), _file(plain_text(file)))


def _frame(part: str) -> Frame:
    match = _PLACED.fullmatch(part.strip()[:5000])
    return Frame(_name(match[1]), _file(match[2])) if match else Frame(_name(part))


def _is_frame(name: str) -> bool:
    return bool(name.strip()) and _OUTER.fullmatch(name.strip()) is None


def _name(text: str) -> str:
    plain = "".join(letter if letter.isprintable() else "?" for letter in plain_text(text).strip())
    return plain[:LONGEST_NAME] or "?"


def _file(text: str) -> str:
    return _name(text)[-LONGEST_NAME:] if text.strip() and text != "[unknown]" else ""


def _refuse_many(stacks: Sequence[Stack], where: str) -> None:
    if len(stacks) > MOST_STACKS:
        raise InputError(
            f"the file holds more than {MOST_STACKS:,} stacks", where=where, remedy="fold them, or sample less often"
        )
