"""Commands measured in a session: prepared, limited, compared, and what went wrong is told."""

from __future__ import annotations

import os
import sys
import time
from pathlib import Path

import pytest

from perfgate.core.entries import CommandEntry
from perfgate.core.model import Capture
from perfgate.errors import CommandFailed, InputError
from perfgate.measure.session import capture, capture_together
from perfgate.measure.surroundings import Surroundings

PYTHON = (sys.executable, "-I", "-S", "-c")


@pytest.fixture
def around(tmp_path: Path) -> Surroundings:
    work = tmp_path / "work"
    work.mkdir()
    return Surroundings(tmp_path, work, dict(os.environ))


def measured(around: Surroundings, entry: CommandEntry) -> Capture:
    return capture(entry, around, lambda _: None)


def rows(captured: Capture, block: str = "commands") -> list[dict[str, object]]:
    return [dict(row) for row in captured.details[block]]


def log(word: str) -> tuple[str, ...]:
    return ("sh", "-c", f"printf {word} >> log")


def logged(around: Surroundings) -> str:
    path = around.root / "log"
    return path.read_text(encoding="utf-8") if path.exists() else ""


def codes(captured: Capture) -> set[str]:
    return {caveat.code for caveat in captured.caveats}


def test_setup_goes_before_everything_prepare_before_each_run_and_cleanup_behind(around: Surroundings) -> None:
    entry = CommandEntry("it", log("r"), 2, 1, prepare=log("p"), setup=log("s"), cleanup=log("c"))
    captured = measured(around, entry)
    assert logged(around) == "sprprprc"
    assert rows(captured)[0]["runs"] == 2


def test_cleanup_runs_after_a_failure_too_and_the_failure_is_what_is_told(around: Surroundings) -> None:
    entry = CommandEntry("it", ("sh", "-c", "exit 3"), 2, 0, cleanup=("sh", "-c", "printf c >> log; exit 9"))
    with pytest.raises(CommandFailed, match="exit code 3"):
        measured(around, entry)
    assert logged(around) == "c"
    with pytest.raises(CommandFailed, match="exit code 4"):
        measured(around, entry._replace(run=("true",), setup=("sh", "-c", "exit 4")))
    assert logged(around) == "cc"


def test_a_clean_up_that_fails_is_told_beside_what_was_measured(around: Surroundings) -> None:
    captured = measured(around, CommandEntry("it", ("true",), 2, 0, cleanup=("sh", "-c", "exit 9")))
    assert rows(captured)[0]["runs"] == 2
    told = [each.message for each in captured.caveats if each.code == "not cleaned up"]
    assert told == ["the clean-up of \"it\" ended with exit code 9: sh -c 'exit 9'"]


def test_what_prepares_a_run_is_not_measured_and_its_failure_ends_it(around: Surroundings) -> None:
    slow = CommandEntry("it", ("true",), 2, 0, prepare=("sleep", "0.3"))
    assert float(str(rows(measured(around, slow))[0]["min"])) < 0.25
    with pytest.raises(CommandFailed, match='what prepares each run of "it" ended with exit code 2') as caught:
        measured(around, slow._replace(prepare=("sh", "-c", "echo because; exit 2")))
    assert caught.value.output == "because"


def test_a_run_that_takes_too_long_is_killed_with_all_it_started(around: Surroundings) -> None:
    script = "sleep 60 & echo $! > pid; echo on the way; sleep 60"
    began = time.monotonic()
    with pytest.raises(CommandFailed, match=r"was killed after 0\.[34].* s, its --timeout") as caught:
        measured(around, CommandEntry("it", ("sh", "-c", script), 2, 0, timeout=0.3))
    assert time.monotonic() - began < 30
    assert caught.value.output == "on the way"
    child = Path(f"/proc/{(around.root / 'pid').read_text().strip()}/stat")
    for _ in range(100):
        if not child.exists() or child.read_text().rpartition(")")[2].split()[0] == "Z":
            return
        time.sleep(0.02)
    raise AssertionError("what it started still runs")


def test_exit_codes_that_are_accepted_count_and_are_said(around: Surroundings) -> None:
    flaky = ("sh", "-c", "printf x >> log; test $(wc -c < log) -gt 2 || exit 7")
    captured = measured(around, CommandEntry("it", flaky, 4, 0, accept=(0, 7)))
    (told,) = [caveat.message for caveat in captured.caveats if caveat.code == "other exit codes"]
    assert told.endswith("7 (2 times)")
    assert [row.get("code") for row in rows(captured, "command_runs")] == [7, 7, None, None]
    killed = CommandEntry("it", ("sh", "-c", "kill -9 $$"), 2, 0, accept=(0, 1))
    with pytest.raises(CommandFailed, match="SIGKILL"):
        measured(around, killed)
    assert "-9 (2 times)" in str(measured(around, killed._replace(ignore_failure=True)).caveats)


def test_the_command_reads_the_file_it_is_given_anew_in_each_run(around: Surroundings) -> None:
    (around.root / "words").write_text("three words here", encoding="utf-8")
    count = ("sh", "-c", 'test "$(wc -w)" -eq 3')
    assert rows(measured(around, CommandEntry("it", count, 3, 1, input="words")))[0]["runs"] == 3
    with pytest.raises(InputError, match='no file "missing"'):
        measured(around, CommandEntry("it", count, input="missing"))


def test_faults_switches_and_storage_are_told_as_the_system_counts_them(around: Surroundings) -> None:
    touch = "block = bytearray(40_000_000); block[::4096] = b'x' * len(block[::4096]); import time; time.sleep(0.01)"
    one, two = (rows(measured(around, CommandEntry("it", (*PYTHON, code), 2, 0)))[0] for code in ("pass", touch))
    assert int(str(two["minor_faults"])) - int(str(one["minor_faults"])) > 1000 or int(str(two["memory"])) > 40e6
    assert int(str(two["voluntary_switches"])) >= 1
    write = "import os\nwith open('f', 'wb') as f:\n    f.write(bytes(5_000_000)); f.flush(); os.fsync(f.fileno())"
    (row,) = rows(measured(around, CommandEntry("it", (*PYTHON, write), 2, 0)))
    if "written" in row:
        assert int(str(row["written"])) >= 4_000_000


def test_what_a_child_wrote_counts_where_it_was_waited_for(around: Surroundings) -> None:
    script = "dd if=/dev/zero of=f bs=1000000 count=4 conv=fsync 2> /dev/null"
    (row,) = rows(measured(around, CommandEntry("it", ("sh", "-c", f"{script}; true"), 1, 0)))
    if not Path("/proc/self/io").exists():
        assert "written" not in row
        return
    assert int(str(row["written"])) >= 3_900_000


def test_each_combination_of_parameters_is_a_series_of_its_own(around: Surroundings) -> None:
    entry = CommandEntry(
        "it", ("sh", "-c", "echo {a}{b} >> log"), 1, 0, parameters=(("a", ("1", "2")), ("b", ("x", "{a}")))
    )
    captured = measured(around, entry)
    names = {str(each.series) for each in captured.measurements if each.series.metric == "command.wall"}
    assert names == {
        "command.wall{a=1,b=x,command=it}",
        'command.wall{a=1,b="{a}",command=it}',
        "command.wall{a=2,b=x,command=it}",
        'command.wall{a=2,b="{a}",command=it}',
    }
    assert sorted(logged(around).split()) == ["1x", "1{a}", "2x", "2{a}"]
    with pytest.raises(InputError, match='parameter "c" of "it" is used nowhere'):
        measured(around, entry._replace(parameters=(*entry.parameters, ("c", ("1",)))))


def test_several_commands_take_turns_in_an_order_that_its_seed_draws_again(around: Surroundings) -> None:
    entries = [CommandEntry(name, log(name), 8, 1) for name in "abc"]
    captured = capture_together(entries, around, lambda _: None, seed=5)
    first = logged(around)
    rounds = [first[at : at + 3] for at in range(0, len(first), 3)]
    assert all(sorted(each) == ["a", "b", "c"] for each in rounds)
    assert len(set(rounds[1:])) > 1
    assert {row["seed"] for row in rows(captured)} == {5}
    (around.root / "log").unlink()
    capture_together(entries, around, lambda _: None, seed=5)
    assert logged(around) == first
    with pytest.raises(InputError, match='two commands are called "a"'):
        capture_together([entries[0], entries[0]], around, lambda _: None)


def test_commands_are_compared_by_the_rounds_they_share(around: Surroundings) -> None:
    entries = [CommandEntry("slow", ("sleep", "0.06"), 7, 0), CommandEntry("quick", ("sleep", "0.02"), 7, 0)]
    (row,) = rows(capture_together(entries, around, lambda _: None), "command_comparisons")
    assert (row["command"], row["than"], row["rounds"]) == ("slow", "quick", 7)
    assert 1 < float(str(row["low"])) <= float(str(row["times"])) <= float(str(row["high"]))
    assert float(str(row["level"])) >= 0.95


def test_measuring_stops_when_the_median_is_known_closely_enough(around: Surroundings) -> None:
    captured = measured(around, CommandEntry("it", ("sleep", "0.05"), 200, 0, until=0.5))
    (row,) = rows(captured)
    assert row["runs"] in (10, 14, 20)
    assert float(str(row["reached"])) <= 0.5
    jumpy = "printf x >> log; sleep 0.0$(( $(wc -c < log) % 9 ))"
    few = measured(around, CommandEntry("it", ("sh", "-c", jumpy), 12, 0, until=0.001))
    assert rows(few)[0]["runs"] == 12
    assert "not precise" in codes(few)


def test_no_run_begins_after_the_time_for_all(around: Surroundings) -> None:
    captured = measured(around, CommandEntry("it", ("sleep", "0.1"), 1000, 0, most=0.3))
    assert 1 <= int(str(rows(captured)[0]["runs"])) <= 4


def test_what_a_shell_costs_is_taken_off_and_the_raw_times_are_kept(around: Surroundings) -> None:
    captured = measured(around, CommandEntry("it", ("sleep 0.05 | cat",), 5, 1, shell=True))
    (row,) = rows(captured)
    raw = [float(str(each["wall"])) for each in rows(captured, "command_runs")]
    assert min(raw) - float(str(row["min"])) == pytest.approx(float(str(row["shell_wall"])))
    assert "shell" in codes(captured)
    nothing = measured(around, CommandEntry("it", (":",), 5, 1, shell=True))
    assert all(float(value) >= 0 for each in nothing.measurements for value in each.values)
    assert "short for a shell" in codes(nothing)


def test_a_run_that_lies_far_beyond_the_others_is_told(around: Surroundings) -> None:
    script = "printf x >> log; test $(wc -c < log) -ne 6 || sleep 1; sleep 0.02"
    captured = measured(around, CommandEntry("it", ("sh", "-c", script), 9, 0))
    assert any("of 9 runs took up to" in caveat.message for caveat in captured.caveats if caveat.code == "outliers")


def test_a_run_file_keeps_no_more_rows_of_runs_than_it_keeps_values(around: Surroundings) -> None:
    captured = measured(around, CommandEntry("it", ("true",), 130, 0))
    assert len(rows(captured, "command_runs")) == 100
    assert rows(captured)[0]["runs"] == 130
