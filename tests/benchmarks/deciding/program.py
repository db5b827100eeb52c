"""The program: its options, the data sets one after the other, and the table and the JSON at the end."""

from __future__ import annotations

import argparse
import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from pathlib import Path
from typing import NamedTuple

from deciding import labelled, peers, replay, report, sides
from deciding.layout import INTERLEAVED, DataSet, read
from deciding.points import LONG, choose, in_half, is_repetition, one_in
from deciding.score import Figure, rate
from perfgate.errors import InputError
from perfgate.render.text import harmless

#: Judged points of one series, unless asked otherwise.
MOST = 60
#: Groups of two sides that are judged with each injected change, and ten times as many as they are, unless asked otherwise.
GROUPS = 100
#: The points of every so many-th build are judged once more as if the project were young, with so many earlier values.
THINNED, SHORT = 4, 10


def main(arguments: Sequence[str]) -> int:
    """0 with the table printed; 2 for bad usage or data that is not in the layout."""
    options = _options().parse_args(arguments)
    try:
        found = read(options.folders)
        figures = _replay_all(found, options)
        if options.json:
            settings = {"half": options.half, "most": options.most, "groups": options.groups}
            report.write_json(options.json, figures, settings)
    except (InputError, OSError) as error:
        print(f"decisions: {harmless(str(error))}", file=sys.stderr)
        return 2
    if not any(figure.rate.n for figure in figures):
        print(
            "decisions: nothing in these folders can be judged; a history needs 18 positive values or more",
            file=sys.stderr,
        )
        return 2
    if any(data.labels for data in found):
        for sentence in labelled.methods()[1]:
            print(sentence, file=sys.stderr)
    print(report.markdown(figures) if options.markdown else report.text(figures))
    return 0


def _options() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="decisions", description="Replay the compare engine over histories: false alarms, and what it sees."
    )
    parser.add_argument("folders", nargs="+", type=Path, metavar="FOLDER", help="folders of CSV files")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write every figure with its interval and n")
    parser.add_argument("--markdown", action="store_true", help="print the tables as Markdown")
    parser.add_argument("--half", choices=("tune", "hold", "all"), default="all", help="which half of the series")
    parser.add_argument("--most", type=_positive, default=MOST, metavar="N", help="judged points of one series")
    parser.add_argument(
        "--groups", type=_positive, default=GROUPS, metavar="N", help="groups of two sides with each injected change"
    )
    parser.add_argument(
        "--peers", action=argparse.BooleanOptionalAction, default=True, help="also the rules of other tools (default)"
    )
    return parser


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("must be 1 or more")
    return number


def _replay_all(found: Sequence[DataSet], options: argparse.Namespace) -> list[Figure]:
    """The figures of every data set, in the order of the data sets; their parts are replayed side by side."""
    tasks = [(part, data) for data in found for part in _PARTS if part.has_any(data)]
    jobs = min(len(tasks), os.cpu_count() or 1)
    if jobs < 2:
        return [figure for part, data in tasks for figure in _replay(part.name, data, options)]
    with ProcessPoolExecutor(jobs) as pool:
        futures = [pool.submit(_replay, part.name, data, options) for part, data in tasks]
        return [figure for future in futures for figure in future.result()]


def _replay(part: str, data: DataSet, options: argparse.Namespace) -> list[Figure]:
    started = time.perf_counter()
    figures = next(list(each.figures(data, options)) for each in _PARTS if each.name == part)
    seconds = time.perf_counter() - started
    print(f"{harmless(data.name)}, {part}: {len(figures)} figures in {seconds:.1f} s", file=sys.stderr)
    return figures


def _of_histories(data: DataSet, options: argparse.Namespace) -> Iterator[Figure]:
    histories = [each for each in data.histories if in_half(each.series, options.half)]
    following = [each for each in histories if not is_repetition(each)]
    long = [each for each in following if len(each.values) >= LONG]
    chosen = choose(long, options.most)
    yield Figure(data.name, replay.ENGINE, replay.SINGLE, "left out, the level moved", 0.0, rate(chosen.moving))
    if chosen.points:
        yield from replay.figures(data.name, replay.replay(chosen.points))
        short = replay.replay(one_in(THINNED, chosen.points), earlier=SHORT)
        yield from replay.figures(data.name, short, f", {SHORT} earlier")
        if options.peers:
            yield from peers.figures(data.name, chosen.points)
            yield from labelled.newest(data.name, chosen.points)
    young = choose([each for each in following if len(each.values) < LONG], options.most, least=SHORT)
    if young.points:
        yield from replay.figures(data.name, replay.replay(young.points), f", {SHORT} earlier or more")
    yield from labelled.figures(data, histories, peers=options.peers)


def _of_repetitions(data: DataSet, options: argparse.Namespace) -> Iterator[Figure]:
    histories = [each for each in data.histories if in_half(each.series, options.half) and is_repetition(each)]
    for n in sides.FIXED:
        for alternating, words in ((True, "alternating"), (False, "one after the other")):
            groups = sides.of_repetitions(histories, n, alternating=alternating)
            contrast = not alternating or n != sides.FIXED[0]
            if groups:
                yield from _both_sides(data.name, f"{n} against {n}, {words}", groups, options, contrast=contrast)


def _of_wall(data: DataSet, options: argparse.Namespace) -> Iterator[Figure]:
    return _of_pairs(data, "wall", options)


def _of_cpu(data: DataSet, options: argparse.Namespace) -> Iterator[Figure]:
    return _of_pairs(data, "cpu", options)


def _of_pairs(data: DataSet, measure: str, options: argparse.Namespace) -> Iterator[Figure]:
    pairs = [each for each in data.pairs if in_half(f"session {each.session}", options.half)]
    for design in dict.fromkeys(each.design for each in pairs):
        mine = [each for each in pairs if each.design == design]
        contrast = design not in INTERLEAVED
        for n in sides.FIXED:
            groups = sides.of_pairs(mine, measure, n)
            if groups:
                yield from _both_sides(data.name, f"{design} {measure}, N = {n}", groups, options, contrast=contrast)
        groups = sides.of_pairs(mine, measure, sides.MOST)
        if groups and not contrast:
            words = f"{design} {measure}, up to {sides.MOST} pairs"
            yield from sides.adaptive_figures(data.name, words, groups, options.groups)


def _both_sides(
    data: str, information: str, groups: Sequence[sides.Sides], options: argparse.Namespace, *, contrast: bool
) -> Iterator[Figure]:
    yield from sides.engine_figures(data, information, groups, options.groups, contrast=contrast)
    if options.peers:
        name = "benchstat: p below 0.05"
        yield from sides.rule_figures(
            data, name, peers.benchstat, information, groups, options.groups, contrast=contrast
        )


class _Part(NamedTuple):
    """A part of a data set that is replayed on its own: its name, its figures, and whether a data set has it."""

    name: str
    figures: Callable[[DataSet, argparse.Namespace], Iterator[Figure]]
    has_any: Callable[[DataSet], bool]


_PARTS = (
    _Part("histories", _of_histories, lambda data: not all(map(is_repetition, data.histories))),
    _Part("repetitions", _of_repetitions, lambda data: any(map(is_repetition, data.histories))),
    _Part("wall time of pairs", _of_wall, lambda data: bool(data.pairs)),
    _Part("CPU time of pairs", _of_cpu, lambda data: bool(data.pairs)),
)
