"""The program: its options, the data sets one after the other, and the table and the JSON at the end."""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator, Sequence
from pathlib import Path

from deciding import labelled, peers, replay, report, sides
from deciding.layout import DataSet, Pairs, read
from deciding.points import choose, in_half, is_repetition, one_in
from deciding.score import Figure
from perfgate.errors import InputError

#: Judged points of one series, unless asked otherwise.
MOST = 60
#: The points of every so many-th build are judged once more as if the project were young, with so many earlier values.
THINNED, SHORT = 4, 10


def main(arguments: Sequence[str]) -> int:
    """0 with the table printed; 2 for bad usage or data that is not in the layout."""
    options = _options().parse_args(arguments)
    try:
        found = read(options.folders)
        figures = [figure for data in found for figure in _replay(data, options)]
        if options.json:
            report.write_json(options.json, figures, options.half, options.most)
    except (InputError, OSError) as error:
        print(f"decisions: {error}", file=sys.stderr)
        return 2
    if not figures:
        print("decisions: nothing in these folders can be judged; a history needs 38 values or more", file=sys.stderr)
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
        "--peers", action=argparse.BooleanOptionalAction, default=True, help="also the rules of other tools (default)"
    )
    return parser


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError("must be 1 or more")
    return number


def _replay(data: DataSet, options: argparse.Namespace) -> Iterator[Figure]:
    started = time.perf_counter()
    histories = [each for each in data.histories if in_half(each.series, options.half)]
    chosen = choose([each for each in histories if not is_repetition(each)], options.most)
    if chosen.points:
        result = replay.replay(chosen.points)
        yield from replay.figures(data.name, result)
        short = replay.replay(one_in(THINNED, chosen.points), earlier=SHORT)
        yield from replay.figures(data.name, short, f", {SHORT} earlier")
        if options.peers:
            yield from peers.figures(data.name, chosen.points)
            yield from labelled.newest(data.name, chosen.points)
    yield from labelled.figures(data, histories, peers=options.peers)
    repetitions = [each for each in histories if is_repetition(each)]
    if repetitions:
        for n in sides.FIXED:
            for alternating, words in ((True, "alternating"), (False, "one after the other")):
                groups = sides.of_repetitions(repetitions, n, alternating=alternating)
                yield from _both_sides(data.name, f"{n} against {n}, {words}", groups, options)
    pairs = [each for each in data.pairs if in_half(f"session {each.session}", options.half)]
    for design in dict.fromkeys(each.design for each in pairs):
        for measure in ("wall", "cpu"):
            mine = [each for each in pairs if each.design == design]
            yield from _pair_figures(data.name, design, measure, mine, options)
    seconds = time.perf_counter() - started
    print(
        f"{data.name}: {len(chosen.points)} points ({chosen.moving} left out, the level moved), {seconds:.1f} s",
        file=sys.stderr,
    )


def _both_sides(
    data: str, information: str, groups: Sequence[sides.Sides], options: argparse.Namespace
) -> Iterator[Figure]:
    yield from sides.engine_figures(data, information, groups)
    if options.peers:
        yield from sides.rule_figures(data, "benchstat: p below 0.05", peers.benchstat, information, groups)


def _pair_figures(
    data: str, design: str, measure: str, pairs: Sequence[Pairs], options: argparse.Namespace
) -> Iterator[Figure]:
    for n in sides.FIXED:
        groups = sides.of_pairs(pairs, measure, n)
        if groups:
            yield from _both_sides(data, f"{design} {measure}, N = {n}", groups, options)
    groups = sides.of_pairs(pairs, measure, sides.MOST)
    if groups:
        yield from sides.adaptive_figures(data, f"{design} {measure}, N <= {sides.MOST}", groups)
