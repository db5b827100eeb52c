"""What the terminal says of measured commands."""

from __future__ import annotations

from collections.abc import Mapping

from perfgate.render.commands import render
from tests.render.test_outputs import same_as_golden

ONE: Mapping[str, object] = {
    "command": "start-up",
    "runs": 20,
    "mean": 0.0521,
    "sd": 0.0013,
    "median": 0.0518,
    "min": 0.0502,
    "max": 0.0561,
    "user": 0.0402,
    "system": 0.0109,
    "memory": 13_900_000,
    "memory_from": "tree",
    "minor_faults": 1893,
    "major_faults": 0,
    "voluntary_switches": 3,
    "involuntary_switches": 1,
    "written": 4096,
    "reached": 0.013,
}


def test_one_command_is_told_in_full_and_nothing_that_is_zero_or_unknown() -> None:
    assert render({"commands": (ONE,)}, width=80, colour=False) == (
        "start-up\n"
        "  wall     mean 52.1 ms ± 1.30 ms, median 51.8 ms, 50.2 ms … 56.1 ms,\n"
        "           20 runs, median known within 1.3%\n"
        "  CPU      user 40.2 ms, system 10.9 ms\n"
        "  memory   13.9 MB (peak of all its processes)\n"
        "  system   1,893 page faults, 3 waits, 1 preemption, 4.10 kB written"
    )
    bare = {"command": "x", "runs": 1, "mean": 1.0, "sd": None, "median": 1.0, "min": 1.0, "max": 1.0, "user": 0.5}
    told = render({"commands": ({**bare, "system": 0.0},)}, width=80, colour=False)
    assert told == "x\n  wall     mean 1 s, median 1 s, 1 s … 1 s, 1 run\n  CPU      user 500 ms, system 0 s"


def test_why_a_series_of_many_runs_has_other_figures_is_said() -> None:
    told = {runs: render({"commands": ({**ONE, "runs": runs},)}, width=160, colour=False) for runs in (100, 150, 200)}
    assert "a series holds" not in told[100]
    assert told[150].endswith("of all 150 runs; a series holds 100 medians of 1 or 2 of them each")
    assert told[200].endswith("these figures are of all 200 runs; a series holds 100 medians of 2 of them each")


def test_where_the_memory_is_from_is_said_where_it_is_no_sum_of_processes() -> None:
    for source, words in {"floor": "at most 13.9 MB", "group": "with the page cache"}.items():
        assert words in render({"commands": ({**ONE, "memory_from": source},)}, width=160, colour=False)


def test_many_are_a_table_with_the_values_of_their_parameters() -> None:
    rows = tuple({**ONE, "k": str(k), "mean": 0.05 * k, "memory_from": "floor"} for k in (1, 2, 3, 4))
    several = (*rows, {**ONE, "command": "another one with a long name"})
    for width in (80, 160):
        told = [render({"commands": block}, width=width, colour=False) for block in (rows, several)]
        same_as_golden(f"commands-{width}.txt", "\n\n".join(told))
        assert all(len(line) <= width for text in told for line in text.splitlines())


def test_commands_are_compared_with_the_quickest_with_what_is_not_known_said() -> None:
    compared = (
        {"command": "c", "than": "a", "times": 2.5, "low": 2.41, "high": 2.6, "level": 0.953},
        {"command": "b", "than": "a", "times": 1.02, "low": 0.97, "high": 1.08, "level": 0.953},
        {"command": "d", "than": "a"},
    )
    told = render({"commands": (ONE,), "command_comparisons": compared}, width=80, colour=False)
    assert told.split("\n\n")[1].splitlines() == [
        "a is the quickest",
        "  d: no ratio, because a time is zero",
        "  b takes 1.02 times as long (0.97 … 1.08, 95%; they may be alike)",
        "  c takes 2.50 times as long (2.41 … 2.60, 95%)",
    ]


def test_names_cannot_steer_the_terminal_and_runs_without_commands_say_nothing() -> None:
    assert "\x1b" not in render({"commands": ({**ONE, "command": "a\x1b[31m"},)}, width=80, colour=False)
    assert render({}, width=80, colour=False) == ""
