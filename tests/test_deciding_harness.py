"""The harness of the compare engine: what it judges, how it counts, and what it refuses."""

from __future__ import annotations

import gzip
import json
import subprocess
import sys
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest

Main = Callable[[list[str]], int]
#: Points of 80 values that have 30 before them, two further ones, and five more after those.
JUDGED = 43  # at 30 … 72


@pytest.fixture(autouse=True)
def benchmarks(root: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The harness lies beside the tests and is no part of the package."""
    monkeypatch.syspath_prepend(root / "tests" / "benchmarks")


def _history(path: Path, rows: Iterable[str], header: str = "series,build,repeat,value,better") -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text("\n".join([header, *rows]) + "\n", "utf-8")


def _steady(name: str, count: int = 80, spikes: tuple[int, ...] = ()) -> list[str]:
    """A series that hardly varies, with values three times as large at the spikes."""
    return [f"{name},b{build},0,{(300 if build in spikes else 100) + build % 3 * 0.1},lower" for build in range(count)]


def _figures(folder: Path, *options: str) -> dict[tuple[str, str, str, float], dict[str, Any]]:
    from deciding.program import main

    written = folder.parent / "figures.json"
    assert main([str(folder), "--json", str(written), *options]) == 0
    rows = json.loads(written.read_text("utf-8"))["figures"]
    return {(row["rule"], row["information"], row["measure"], row["size"]): row for row in rows}


def test_a_known_number_of_spikes_is_counted_as_that_many_false_alarms(tmp_path: Path) -> None:
    _history(tmp_path / "data" / "a.csv", _steady("a", spikes=(40, 50)) + _steady("b"))
    figures = _figures(tmp_path / "data")
    alone = figures["github-action-benchmark: 200 % of previous", "single value", "false alarm", 0.0]
    assert (alone["hits"], alone["n"], alone["groups"]) == (2, 2 * JUDGED, 2)
    confirmed = figures["github-action-benchmark: 200 % of previous", "two further values", "false alarm", 0.0]
    assert (confirmed["hits"], confirmed["n"]) == (0, 2 * JUDGED)
    assert 0 < confirmed["high"] <= 3 / (2 * JUDGED)


def test_the_engine_sees_a_large_change_of_a_steady_series_and_calls_none_of_its_points_worse(tmp_path: Path) -> None:
    _history(tmp_path / "data" / "a.csv", _steady("a") + _steady("b"))
    figures = _figures(tmp_path / "data", "--no-peers")
    assert {rule for rule, *_ in figures} == {"perfgate"}
    for information in ("single value", "two further values"):
        assert figures["perfgate", information, "false alarm", 0.0]["hits"] == 0
        assert figures["perfgate", information, "detected", 0.5]["hits"] == 2 * JUDGED
        assert figures["perfgate", information, "blocked", 0.5]["hits"] == 2 * JUDGED
    assert figures["perfgate", "two further values", "measured again", 0.5]["hits"] == 2 * JUDGED


def test_a_rate_that_is_better_when_higher_is_made_worse_by_dividing(tmp_path: Path) -> None:
    rows = [row.replace("lower", "higher") for row in _steady("a")]
    _history(tmp_path / "data" / "a.csv", rows)
    figures = _figures(tmp_path / "data")
    assert figures["perfgate", "single value", "detected", 0.5]["hits"] == JUDGED
    assert figures["10 % over previous", "single value", "detected", 0.25]["hits"] == JUDGED
    assert figures["10 % over previous", "single value", "detected", 0.05]["hits"] == 0


def test_runs_of_ten_series_are_counted_and_smaller_ones_are_not(tmp_path: Path) -> None:
    rows = [row for number in range(10) for row in _steady(f"s{number}", 41, spikes=(32,) if number in (3, 4) else ())]
    _history(tmp_path / "data" / "a.csv", rows + _steady("alone", 41, spikes=(31,)))
    figures = _figures(tmp_path / "data")
    runs = figures["github-action-benchmark: 200 % of previous", "single value", "false alarm per run", 0.0]
    assert (runs["hits"], runs["n"]) == (2, 4)
    _history(tmp_path / "few" / "a.csv", _steady("a", 41) + _steady("b", 41))
    assert _figures(tmp_path / "few")["perfgate", "single value", "false alarm per run", 0.0]["n"] == 0


def test_the_halves_are_disjoint_complete_and_decided_by_the_name_alone(tmp_path: Path) -> None:
    from deciding.points import half_of

    names = [f"series {number}" for number in range(20)]
    halves = {name: half_of(name) for name in names}
    assert set(halves.values()) == {"tune", "hold"}
    # sha256("a") begins with ca, sha256("c") with 2e, sha256("e") with 3f.
    assert [half_of(name) for name in ("a", "c", "e")] == ["tune", "tune", "hold"]
    _history(tmp_path / "data" / "a.csv", [row for name in names for row in _steady(name)])
    counted = {
        half: _figures(tmp_path / "data", "--half", half, "--no-peers", "--most", "2")[
            "perfgate", "single value", "false alarm", 0.0
        ]["groups"]
        for half in ("tune", "hold", "all")
    }
    assert counted["tune"] == sum(half == "tune" for half in halves.values())
    assert counted["tune"] + counted["hold"] == counted["all"] == len(names)


def test_a_point_of_repeated_builds_is_a_later_repeat_and_is_settled_by_the_next_ones(tmp_path: Path) -> None:
    from deciding.layout import read
    from deciding.points import REPEATS, choose

    rows = [f"a,b{build},{repeat},{100 + repeat},lower" for build in range(30) for repeat in range(4)]
    _history(tmp_path / "data" / "a.csv", rows)
    points = choose(read([tmp_path / "data"])[0].histories, 100).points
    assert {point.further for point in points} == {REPEATS}
    assert {point.values for point in points} == {(101.0, 102.0, 103.0)}
    assert {point.earlier[-1] for point in points} == {100.0}


def test_a_short_history_is_judged_as_that_of_a_young_project(tmp_path: Path) -> None:
    _history(tmp_path / "data" / "a.csv", _steady("a", count=30))
    figures = _figures(tmp_path / "data")
    judged = figures["perfgate", "single value, 10 earlier or more", "false alarm", 0.0]
    assert (judged["hits"], judged["n"]) == (0, 30 - 10 - 7)


def test_data_sets_are_replayed_side_by_side_and_stay_in_order(tmp_path: Path) -> None:
    from deciding.program import main

    _history(tmp_path / "data" / "one" / "a.csv", _steady("a", count=45))
    _history(tmp_path / "data" / "two" / "a.csv", _steady("a", count=40))
    written = tmp_path / "figures.json"
    assert main([str(tmp_path / "data"), "--json", str(written)]) == 0
    rows = json.loads(written.read_text("utf-8"))["figures"]
    counted = {row["data"]: row["n"] for row in rows if row["measure"] == "false alarm"}
    assert list(counted) == ["one", "two"]
    assert counted["one"] > counted["two"] > 0


def test_whether_a_stretch_is_quiet_does_not_depend_on_the_judged_values() -> None:
    from deciding.points import is_quiet

    values = [100.0 + index % 4 for index in range(60)]
    for judged in (1.0, 100.0, 100_000.0):
        assert is_quiet([*values[:30], judged, judged, judged, *values[33:]], 30)
    assert not is_quiet([*values[:30], *(value * 1.2 for value in values[30:])], 30)


def test_points_are_thinned_to_the_same_builds_in_every_series(tmp_path: Path) -> None:
    from deciding.layout import read
    from deciding.points import choose

    _history(tmp_path / "data" / "a.csv", _steady("a") + _steady("b"))
    points = choose(read([tmp_path / "data"])[0].histories, 7).points
    builds = [{point.build for point in points if point.history.series == name} for name in ("a", "b")]
    assert len(builds[0]) == 7
    assert builds[0] == builds[1]


def test_compressed_files_and_missing_columns_are_read_as_the_plain_ones(tmp_path: Path) -> None:
    from deciding.layout import read

    full = "\n".join(["series,build,repeat,value,better", *_steady("a")])
    bare = "\n".join(["build,value", *(",".join(row.split(",")[1:4:2]) for row in _steady("a"))])
    for name in ("full", "bare"):
        (tmp_path / name).mkdir()
    (tmp_path / "full" / "some.csv.gz").write_bytes(gzip.compress(full.encode()))
    (tmp_path / "bare" / "a.csv").write_text(bare, "utf-8")
    assert read([tmp_path / "full"])[0].histories == read([tmp_path / "bare"])[0].histories


def test_every_folder_with_files_is_a_data_set_of_its_own(tmp_path: Path) -> None:
    from deciding.layout import read

    _history(tmp_path / "data" / "one" / "a.csv", _steady("a"))
    _history(tmp_path / "data" / "two" / "a.csv", _steady("a"))
    assert [data.name for data in read([tmp_path / "data"])] == ["one", "two"]


@pytest.mark.parametrize(
    ("header", "row", "said"),
    [
        ("series,build,repeat,value,better", "a,b1,0,fast,lower", "not a number"),
        ("series,build,repeat,value,better", "a,b1,0,nan,lower", "not a number"),
        ("series,build,repeat,value,better", "a,b1,0,1,sideways", "not lower or higher"),
        ("series,build,repeat,value,better", "a,,0,1,lower", "the build is empty"),
        ("series,build,repeat,value,better", "a,b1,0,1", "4 cells in a row of 5 columns"),
        ("series,build,repeat,value,better", "a,b1,0,1,lower\na,b1,0,2,lower", "the same repeat twice"),
        ("series,build,repeat,value,better", "a,b1,0,1,lower\na,b2,0,2,higher", "two directions"),
        ("name,number", "a,1", "none of the known columns"),
        ("series,kind,change_build", "ghost,stable,", "has no values"),
        ("session,load,design,command,order,side,wall_s,cpu_s", "0,none,paired,ls,0,A,1,1", "one side only"),
        ("session,load,design,command,order,side,wall_s,cpu_s", "0,none,paired,ls,0,C,1,1", "not A or B"),
        ("session,load,design,command,order,side,wall_s,cpu_s", "0,none,paired,ls,0,A,-1,1", "not positive"),
    ],
)
def test_nonsense_is_refused_with_a_sentence_and_exit_code_2(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], header: str, row: str, said: str
) -> None:
    from deciding.program import main

    _history(tmp_path / "data" / "a.csv", [row], header)
    assert main([str(tmp_path / "data")]) == 2
    told = capsys.readouterr()
    assert said in told.err
    assert told.out == ""


def test_folders_without_anything_to_judge_are_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    from deciding.program import main

    (tmp_path / "empty").mkdir()
    assert main([str(tmp_path / "empty")]) == 2
    assert main([str(tmp_path / "absent")]) == 2
    (tmp_path / "torn").mkdir()
    (tmp_path / "torn" / "a.csv.gz").write_bytes(b"not gzip")
    assert main([str(tmp_path / "torn")]) == 2
    _history(tmp_path / "short" / "a.csv", _steady("a", count=12))
    assert main([str(tmp_path / "short")]) == 2
    assert capsys.readouterr().err.count("decisions: ") == 4


def test_two_equal_sides_alarm_in_no_rule_and_a_doubled_one_is_seen(tmp_path: Path) -> None:
    header = "session,load,design,command,order,side,wall_s,cpu_s"
    rows = [
        f"{s},none,paired,ls,{order},{side},{1 + order / 1000},0.5"
        for s in "12"
        for order in range(10)
        for side in "AB"
    ]
    _history(tmp_path / "data" / "pairs.csv", rows, header)
    figures = _figures(tmp_path / "data")
    for rule in ("perfgate", "benchstat: p below 0.05"):
        for n, groups in ((5, 8), (10, 4)):
            information = f"paired wall, N = {n}"
            alarms = figures[rule, information, "false alarm", 0.0]
            assert (alarms["hits"], alarms["n"], alarms["groups"]) == (0, groups, 2)
            assert figures[rule, information, "detected", 0.5]["hits"] == groups


def test_repetitions_of_one_build_are_held_against_each_other(tmp_path: Path) -> None:
    _history(tmp_path / "data" / "a.csv", [f"a,only,{repeat},{100 + repeat % 2 / 10},lower" for repeat in range(40)])
    figures = _figures(tmp_path / "data")
    assert figures["perfgate", "5 against 5, alternating", "detected", 0.5]["hits"] == 4
    assert figures["benchstat: p below 0.05", "5 against 5, one after the other", "false alarm", 0.0]["n"] == 4


@pytest.mark.parametrize("n", [3, 4, 5, 7, 10])
def test_the_critical_value_of_the_u_test_is_that_of_scipy(n: int) -> None:
    from deciding.peers import benchstat, critical
    from scipy.stats import mannwhitneyu

    below, above = [float(value) for value in range(n)], [float(n + value) for value in range(n)]
    for shift in range(n + 1):
        # Sides that overlap by `shift`: every U that the test can give for shifted runs of numbers without ties.
        after = [value - shift - 0.5 for value in above]
        test = mannwhitneyu(after, below, method="exact")
        expected = bool(test.pvalue < 0.05 and test.statistic > n * n / 2)
        assert benchstat(below, after, "lower") is expected
        assert benchstat(after, below, "higher") is expected
    assert (critical(n, n) <= n * n) is (n > 3)


def test_a_labelled_regression_counts_as_found_only_near_its_build(tmp_path: Path) -> None:
    from deciding.labelled import of_builds
    from deciding.layout import History, read

    history = History("a", "lower", ("x", "x", "y"), (1.0, 3.0, 5.0))
    assert of_builds(history) == (["x", "y"], [2.0, 5.0])
    _history(tmp_path / "data" / "a.csv", _steady("a"))
    _history(tmp_path / "data" / "labels.csv", ["a,Regression,b40"], "series,kind,change_build")
    label = read([tmp_path / "data"])[0].labels[0]
    assert (label.kind, label.change_build) == ("regression", "b40")


def test_an_interval_holds_the_rate_and_widens_with_what_groups_share() -> None:
    from deciding.score import rate

    apart = rate((f"g{index}", index % 10 == 0) for index in range(200))
    together = rate((f"g{index // 20}", index < 20) for index in range(200))
    for each in (apart, together):
        assert each.value == 0.1
        assert each.low is not None
        assert each.high is not None
        assert each.low < 0.1 < each.high
    assert (together.high or 0) > (apart.high or 1)
    assert rate([]) == (0, 0, 0, None, None, None)


def test_the_program_prints_a_table_and_the_same_in_markdown(tmp_path: Path, root: Path) -> None:
    _history(tmp_path / "data" / "a.csv", _steady("a"))
    script = root / "tests" / "benchmarks" / "decisions.py"
    plain, marked = (
        subprocess.run(
            [sys.executable, script, tmp_path / "data", "--no-peers", *options],
            capture_output=True,
            text=True,
            cwd=root,
            env={"PYTHONPATH": str(root)},
            check=True,
        ).stdout
        for options in ((), ("--markdown",))
    )
    assert "perfgate: single value" in plain
    assert "| perfgate: single value | 0.00 [0.00, " in marked


def test_the_converter_finds_the_first_build_after_a_labelled_change_point(tmp_path: Path, root: Path) -> None:
    source = tmp_path / "source" / "sap-hana-small-2021"
    (source / "data").mkdir(parents=True)
    (source / "data" / "0001.csv").write_text("Index,GHC,Measurement\n1,10,1.5\n2,10,1.6\n3,11,2.5\n", "utf-8")
    (source / "dataset_details.csv").write_text("Type;Dataset;Change Point\nregression;0001.csv;2\n", "utf-8")
    script = root / "tests" / "benchmarks" / "convert_histories.py"
    subprocess.run([sys.executable, script, tmp_path / "source", tmp_path / "out"], check=True, capture_output=True)
    out = tmp_path / "out" / "sap-hana-small-2021"
    assert (out / "labels.csv").read_text("utf-8").splitlines()[1] == "0001,regression,11"
    assert (out / "0001.csv").read_text("utf-8").splitlines()[1:3] == ["0001,10,0,1.5,lower", "0001,10,1,1.6,lower"]
