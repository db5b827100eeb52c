"""The baseline as a folder: which runs a candidate is compared with, and that nothing is ever lost or half there."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest

from perfgate.core.baseline import Baseline, runs_ended
from perfgate.core.model import Details, Run, Selector, Series, State
from perfgate.errors import InputError, OperationFailed
from perfgate.formats import run as run_format
from perfgate.store import shelf as shelves
from perfgate.store.directory import accept, admit, anchor, list_runs, load, prune, read_events, retire
from perfgate.store.git import Repository
from perfgate.store.lineage import Lineage
from perfgate.store.shelf import NAME
from tests.core.making import MACHINE, UNIT_TESTS, measured
from tests.store.repositories import Made, run_of

COMMIT = "a" * 40
UNIT = Series.parse(UNIT_TESTS)


@dataclass
class History:
    """Commits of main, oldest first, each with an admitted run whose value is its position."""

    made: Made
    commits: list[str]

    @property
    def folder(self) -> Path:
        return self.made.folder / "baselines"

    def load(
        self,
        base: str,
        *,
        at_tip: str = "",
        keep: int = 400,
        folder: Path | None = None,
        problem: str = "",
        whole: bool = False,
    ) -> Baseline:
        lineage = Lineage(base=base, tip=at_tip, tip_name=f"origin/main ({at_tip[:10]})", problem=problem)
        repository = Repository.discover(self.made.folder)
        return load(
            folder or self.folder,
            repository=repository,
            lineage=lineage,
            at_tip=bool(at_tip),
            window=100,
            keep=keep,
            whole=whole,
        )


@pytest.fixture
def history(made: Made) -> History:
    commits = [made.commit(f"commit {number}") for number in range(5)]
    for number, commit in enumerate(commits):
        admit(made.folder / "baselines", run_of(commit, float(number), number=number))
    return History(made, commits)


def values(baseline: Baseline) -> list[float]:
    return [float(value) for value in baseline.histories[UNIT].values] if UNIT in baseline.histories else []


# --- what a candidate is compared with --------------------------------------------------------------------------------


def test_the_baseline_is_the_runs_of_the_base_and_its_ancestors_in_their_order(history: History) -> None:
    baseline = history.load(history.commits[3])
    assert values(baseline) == [0.0, 1.0, 2.0, 3.0]
    assert [run.commit for run in baseline.runs] == history.commits[:4]
    assert baseline.source == "baselines"


def test_runs_of_other_branches_do_not_count_and_are_not_even_read(history: History) -> None:
    history.made.git("checkout", "--quiet", "-b", "side", history.commits[1])
    side = history.made.commit()
    stored = admit(history.folder, run_of(side, 99.0, number=99))
    (history.folder / "runs" / f"{stored.name}.json").write_bytes(b"not JSON at all")
    assert values(history.load(history.commits[4])) == [0.0, 1.0, 2.0, 3.0, 4.0]
    with pytest.raises(InputError, match="JSON"):
        history.load(side)


def test_runs_of_commits_that_nobody_has_any_more_do_not_count(history: History) -> None:
    admit(history.folder, run_of("f" * 40, 99.0, number=99))
    assert values(history.load(history.commits[4])) == [0.0, 1.0, 2.0, 3.0, 4.0]


def test_without_a_single_run_of_an_ancestor_a_caveat_says_so(history: History) -> None:
    history.made.git("checkout", "--quiet", "--orphan", "other")
    baseline = history.load(history.made.commit())
    assert (values(baseline), baseline.problem) == ([], "")
    assert "none of the 5 admitted runs" in baseline.caveats[0].message


def test_no_store_is_an_empty_baseline_and_no_problem(history: History) -> None:
    baseline = history.load(history.commits[4], folder=history.made.folder / "elsewhere")
    assert (baseline.runs, baseline.caveats, baseline.problem) == ((), (), "")


def test_an_unknown_base_is_a_problem_and_no_run_counts(history: History) -> None:
    baseline = history.load("", problem="the clone is shallow")
    assert (baseline.runs, baseline.problem) == ((), "the clone is shallow")


def test_outside_git_every_run_counts_in_the_order_of_its_start(tmp_path: Path) -> None:
    for number in (2, 0, 1):
        admit(tmp_path, run_of(f"{9 - number}" * 40, float(number), number=number))
    baseline = load(tmp_path, repository=None, lineage=Lineage(), at_tip=True, window=100, keep=400)
    assert values(baseline) == [0.0, 1.0, 2.0]


def test_several_runs_of_one_commit_all_count_in_the_order_of_their_start(history: History) -> None:
    admit(history.folder, run_of(history.commits[2], 2.5, number=50))
    assert values(history.load(history.commits[3])) == [0.0, 1.0, 2.0, 2.5, 3.0]


def test_only_the_newest_runs_are_kept_by_commit_and_not_by_the_clock_of_the_runner(history: History) -> None:
    admit(history.folder, run_of(history.commits[0], 100.0, number=500))
    assert values(history.load(history.commits[4], keep=2)) == [3.0, 4.0]
    assert values(history.load(history.commits[4], keep=1)) == [4.0]


def test_an_anchor_counts_however_old_it_is(history: History) -> None:
    oldest = list_runs(history.folder)[0]
    anchor(history.folder, Selector("*"), oldest.id, reason="release 1")
    baseline = history.load(history.commits[4], keep=2)
    assert values(baseline) == [0.0, 3.0, 4.0]
    assert [choice.run for choice in baseline.anchors] == [oldest.id]


def test_the_values_are_medians_and_only_of_what_was_measured(made: Made) -> None:
    commit = made.commit()
    run = run_of(commit)._replace(
        measurements=(
            measured(UNIT_TESTS, 1.0, 9.0, 2.0),
            measured("tests.duration{suite=slow}", 1.0, state=State.LOWER_BOUND, reason="it was stopped"),
            measured("tests.duration{suite=lost}", state=State.UNKNOWN, reason="the file was empty"),
        )
    )
    admit(made.folder / "baselines", run)
    baseline = History(made, [commit]).load(commit)
    assert {str(series): list(past.values) for series, past in baseline.histories.items()} == {UNIT_TESTS: [2.0]}


def test_excluded_series_of_a_run_are_left_out_and_the_others_are_not(made: Made) -> None:
    commit = made.commit()
    other = "tests.duration{suite=other}"
    run = run_of(commit)._replace(
        measurements=(measured(UNIT_TESTS, 1.0), measured(other, 2.0)), excluded=(UNIT_TESTS,)
    )
    admit(made.folder / "baselines", run)
    assert [str(series) for series in History(made, [commit]).load(commit).histories] == [other]


def test_retired_values_no_longer_count_and_newer_ones_do(history: History) -> None:
    retire(history.folder, Selector.parse("tests.*"), reason="suite split", until="2026-10-01T00:02:00Z")
    assert values(history.load(history.commits[4])) == [3.0, 4.0]
    retire(history.folder, Selector.parse("llm.*"), reason="another metric")
    assert values(history.load(history.commits[4])) == [3.0, 4.0]
    retire(history.folder, Selector("*"), reason="everything")
    assert values(history.load(history.commits[4])) == []


def test_runs_of_the_second_of_a_retirement_are_old_only_where_they_were_there_before(tmp_path: Path) -> None:
    def admitted(commit: str, value: float, started: datetime) -> None:
        run = run_of(commit * 40, value)
        text = started.strftime("%Y-%m-%dT%H:%M:%SZ")
        admit(tmp_path, run._replace(context=run.context._replace(started_at=text)))

    # Both runs start in the second in which the retirement is recorded; it may take a few tries to meet one.
    for attempt in range(10):
        admitted(str(attempt), 1.0, now := datetime.now(UTC))
        event = retire(tmp_path, Selector("*"), reason="suite split")
        if read_events(tmp_path)[-1].at == now.strftime("%Y-%m-%dT%H:%M:%SZ"):
            break
    assert event.is_new
    admitted("f", 2.0, now)
    assert values(load(tmp_path, repository=None, lineage=Lineage(), at_tip=True, window=100, keep=400)) == [2.0]


def test_a_retirement_up_to_a_time_means_every_run_of_its_second(history: History) -> None:
    retire(history.folder, Selector("*"), reason="mine", until="2026-10-01T00:02:00Z")
    (event,) = read_events(history.folder)
    assert event.runs is None
    assert values(history.load(history.commits[4])) == [3.0, 4.0]


def test_an_accepted_level_begins_with_its_run_and_only_for_its_series(history: History) -> None:
    first = list_runs(history.folder)[2]
    accept(history.folder, Selector.parse("llm.*"), first.id, reason="another metric")
    assert values(history.load(history.commits[4])) == [0.0, 1.0, 2.0, 3.0, 4.0]
    accept(history.folder, Selector.parse("tests.*"), first.id, reason="agreed")
    baseline = history.load(history.commits[4])
    assert values(baseline) == [2.0, 3.0, 4.0]
    assert {(cut.run, cut.reason) for cut in baseline.cuts} == {(first.id, "another metric"), (first.id, "agreed")}


def test_a_level_that_was_accepted_later_ends_nothing_for_an_older_base(history: History) -> None:
    accept(history.folder, Selector("*"), list_runs(history.folder)[3].id, reason="agreed")
    assert values(history.load(history.commits[2])) == [0.0, 1.0, 2.0]


def test_the_whole_baseline_holds_what_no_longer_counts_and_says_so(history: History) -> None:
    accept(history.folder, Selector("*"), list_runs(history.folder)[3].id, reason="agreed")
    baseline = history.load(history.commits[4], whole=True)
    assert values(baseline) == [0.0, 1.0, 2.0, 3.0, 4.0]
    assert [ended for _, ended in runs_ended(baseline.cuts, baseline.runs)] == [[True, True, True, False, False]]


def test_the_first_run_of_an_accepted_level_is_never_pruned(history: History) -> None:
    first = list_runs(history.folder)[1].id
    accept(history.folder, Selector("*"), first, reason="agreed")
    prune(history.folder, 2, reason="enough")
    assert first in {run.id for run in list_runs(history.folder)}
    assert values(history.load(history.commits[4], keep=2)) == [1.0, 3.0, 4.0]


# --- where the store is read ------------------------------------------------------------------------------------------


def test_at_the_tip_neither_the_work_tree_nor_the_change_can_alter_the_baseline(history: History) -> None:
    tip = history.made.commit("baseline")
    history.made.git("checkout", "--quiet", "-b", "change")
    admit(history.folder, run_of(history.commits[4], 1000.0, number=90))
    retire(history.folder, Selector("*"), reason="mine")
    changed = history.made.commit("a change of the baseline")
    for path in (history.folder / "runs").iterdir():
        path.write_bytes(b"broken")
    assert values(history.load(history.commits[4], at_tip=tip)) == [0.0, 1.0, 2.0, 3.0, 4.0]
    assert history.load(history.commits[4], at_tip=tip).source == f"baselines at origin/main ({tip[:10]})"
    assert values(history.load(history.commits[4], at_tip=changed)) == []


def test_a_project_in_a_folder_of_its_repository_has_its_own_store(made: Made) -> None:
    commit = made.commit()
    admit(made.folder / "apps" / "one" / "baselines", run_of(commit, 1.0))
    admit(made.folder / "baselines", run_of(commit, 2.0))
    tip = made.commit()
    history = History(made, [commit])
    for at_tip in ("", tip):
        assert values(history.load(tip, at_tip=at_tip, folder=made.folder / "apps" / "one" / "baselines")) == [1.0]
        assert values(history.load(tip, at_tip=at_tip)) == [2.0]


def test_parts_of_writes_that_never_ended_do_not_count_anywhere(history: History) -> None:
    for name in (".perfgate-x.tmp", ".half.json"):
        history.made.write(f"baselines/runs/{name}", "{")
        history.made.write(f"baselines/events/{name}", "{")
    tip = history.made.commit("with left-overs")
    assert len(values(history.load(tip))) == len(values(history.load(tip, at_tip=tip))) == 5


def test_a_shallow_clone_that_lacks_commits_of_admitted_runs_is_a_problem(history: History, tmp_path: Path) -> None:
    tip = history.made.commit("baseline")
    shallow = History(Made.cloned(history.made, tmp_path / "shallow", "--depth=3"), [])
    for at_tip in ("", tip):
        baseline = shallow.load(tip, at_tip=at_tip)
        assert baseline.runs == ()
        assert "fetch-depth: 0" in baseline.problem


def test_a_shallow_clone_that_reaches_to_all_admitted_runs_is_good_enough(history: History, tmp_path: Path) -> None:
    for path in sorted((history.folder / "runs").iterdir())[:5]:
        if not any(commit[:12] in path.name for commit in history.commits[3:]):
            path.unlink()
    tip = history.made.commit("baseline")
    shallow = History(Made.cloned(history.made, tmp_path / "shallow", "--depth=4"), [])
    baseline = shallow.load(tip)
    assert (values(baseline), baseline.problem) == ([3.0, 4.0], "")


# --- files that are not what they should be ---------------------------------------------------------------------------


@pytest.mark.parametrize(
    "content", [b"", b"{", b"\xff\xfe", b"null", b'{"schema": "something/else"}', b"[" * 100_000, b'{"a": NaN}']
)
def test_a_broken_run_is_named_and_never_skipped(history: History, content: bytes) -> None:
    victim = min((history.folder / "runs").iterdir())
    victim.write_bytes(content)
    with pytest.raises(InputError) as caught:
        history.load(history.commits[4])
    assert victim.name in caught.value.where
    tip = history.made.commit("broken")
    with pytest.raises(InputError) as caught:
        history.load(tip, at_tip=tip)
    assert victim.name in caught.value.where
    assert tip[:10] in caught.value.where


def test_details_of_admitted_runs_are_passed_over_where_only_values_are_wanted(tmp_path: Path) -> None:
    rows: Details = {"test_times": ({"suite": "unit", "test": "a", "seconds": 1.0},)}
    stored = admit(tmp_path, ci_run()._replace(details=rows))
    assert list_runs(tmp_path)[0].details == {}
    shelf = shelves.on_disk(tmp_path)
    ((file, whole),) = shelf.parsed(shelf.runs)
    assert (file.id, whole.details) == (stored.name, rows)


def test_a_link_in_the_store_is_named_and_never_skipped(history: History) -> None:
    (history.folder / "runs" / "link.json").symlink_to("elsewhere.json")
    with pytest.raises(InputError, match="no such file"):
        history.load(history.commits[4])
    tip = history.made.commit("a link")
    with pytest.raises(InputError) as caught:
        history.load(tip, at_tip=tip)
    assert "link.json" in caught.value.where


def test_a_broken_event_is_named_and_never_skipped(history: History) -> None:
    history.made.write("baselines/events/x.json", '{"schema": "perfgate/baseline-event/1", "kind": "explode"}')
    with pytest.raises(InputError) as caught:
        history.load(history.commits[4])
    assert "events/x.json" in caught.value.where


def test_a_run_under_the_name_of_another_commit_is_refused(history: History) -> None:
    stored = admit(history.folder, run_of("f" * 40, 99.0, number=99))
    moved = stored.name.replace("f" * 12, history.commits[4][:12])
    (history.folder / "runs" / f"{stored.name}.json").rename(history.folder / "runs" / f"{moved}.json")
    with pytest.raises(InputError, match="the name says commit"):
        history.load(history.commits[4])


def test_a_run_that_was_given_a_name_by_hand_counts_by_what_is_in_it(history: History) -> None:
    side = run_of("f" * 40, 99.0, number=99)
    for name, run in (("mine", run_of(history.commits[1], 1.5, number=70)), ("other", side)):
        (history.folder / "runs" / f"{name}.json").write_bytes(run_format.dump(run))
    assert values(history.load(history.commits[2])) == [0.0, 1.0, 1.5, 2.0]


def test_a_file_in_the_place_of_the_folder_is_an_error(history: History, tmp_path: Path) -> None:
    (tmp_path / "runs").write_text("", encoding="utf-8")
    with pytest.raises(OperationFailed, match="cannot be read"):
        history.load(history.commits[4], folder=tmp_path)
    with pytest.raises(OperationFailed, match="cannot be read"):
        admit(tmp_path, run_of(COMMIT))


# --- admitting --------------------------------------------------------------------------------------------------------


def ci_run(**context: Any) -> Run:
    run = run_of(COMMIT)
    plain: dict[str, Any] = {"ci_run": "123", "ci_attempt": 1, "ci_job": "bench", "provider": "github"}
    return run._replace(context=run.context._replace(**(plain | context)))


def test_an_admitted_run_comes_back_as_it_was_with_its_name(tmp_path: Path) -> None:
    run = ci_run()._replace(excluded=(UNIT_TESTS,))
    stored = admit(tmp_path, run)
    assert stored.is_new
    assert list_runs(tmp_path) == (run._replace(id=stored.name, details={}),)
    assert stored.name.startswith(f"2026-10-01-{COMMIT[:12]}-123-1-")


def test_the_same_run_is_there_once_only(tmp_path: Path) -> None:
    first = admit(tmp_path, ci_run())
    again = admit(tmp_path, ci_run())
    assert (again.name, again.is_new) == (first.name, False)
    assert "already" in again.told("baselines")
    assert len(list_runs(tmp_path)) == 1


def test_one_job_measures_a_commit_once_whatever_came_out_the_second_time(tmp_path: Path) -> None:
    admit(tmp_path, ci_run())
    assert not admit(tmp_path, run_of(COMMIT, 61.0, number=5, ci_run="123", ci_job="bench", provider="github")).is_new


@pytest.mark.parametrize(
    "difference",
    [
        {"ci_run": "124"},
        {"ci_attempt": 2},
        {"ci_job": "other"},
        {"machine": MACHINE._replace(arch="arm64")},
        {"tested": "b" * 40},
    ],
    ids=str,
)
def test_another_run_attempt_job_machine_or_commit_is_another_run(
    tmp_path: Path, difference: dict[str, object]
) -> None:
    admit(tmp_path, ci_run())
    assert admit(tmp_path, ci_run(**difference)).is_new
    assert len(list_runs(tmp_path)) == 2


def test_the_parts_that_one_job_measured_apart_are_all_admitted(tmp_path: Path) -> None:
    admit(tmp_path, ci_run())
    part = ci_run()._replace(measurements=(measured("size.bytes{path=dist}", 10.0),))
    assert admit(tmp_path, part).is_new


def test_outside_ci_a_commit_may_be_measured_again_but_the_same_capture_counts_once(tmp_path: Path) -> None:
    admit(tmp_path, run_of(COMMIT, 1.0, number=1))
    assert admit(tmp_path, run_of(COMMIT, 2.0, number=2)).is_new
    assert not admit(tmp_path, run_of(COMMIT, 1.0, number=1)).is_new
    assert not admit(tmp_path, run_of(COMMIT, 1.0, number=1)._replace(excluded=(UNIT_TESTS,))).is_new


@pytest.mark.parametrize("missing", ["tested", "started_at"])
def test_a_run_without_commit_or_time_is_refused(tmp_path: Path, missing: str) -> None:
    with pytest.raises(InputError, match="cannot serve as baseline"):
        admit(tmp_path, ci_run(**{missing: ""}))


@pytest.mark.parametrize("text", ["../../evil", "a/b\\c:d", "x" * 500, "ünï", "\n", "-rf", "."])
def test_a_hostile_run_id_cannot_leave_the_folder(tmp_path: Path, text: str) -> None:
    folder = tmp_path / "store" / "baselines"
    stored = admit(folder, ci_run(ci_run=text))
    assert [path.name for path in (folder / "runs").iterdir()] == [f"{stored.name}.json"]
    assert [path.name for path in tmp_path.iterdir()] == ["store"]
    assert not admit(folder, ci_run(ci_run=text)).is_new


def test_a_run_admitted_by_hand_is_recorded_with_its_reason(tmp_path: Path) -> None:
    stored = admit(tmp_path, run_of(COMMIT), reason="first baseline")
    event = read_events(tmp_path)[0]
    assert (event.kind, event.run, event.reason) == ("admit", stored.name, "first baseline")
    admit(tmp_path, run_of(COMMIT), reason="again")
    assert len(read_events(tmp_path)) == 1


# --- events and pruning -----------------------------------------------------------------------------------------------


def test_events_come_back_as_they_were_recorded(tmp_path: Path) -> None:
    retire(
        tmp_path, Selector.parse('tests.*{suite="a b"}'), reason="split: ünï\nsecond line", until="2026-01-02T03:04:05Z"
    )
    anchor(tmp_path, Selector("*"), "2026-10-01-aa", reason="release")
    retired, anchored = sorted(read_events(tmp_path), key=lambda event: event.kind, reverse=True)
    assert (str(retired.selector), retired.at) == ('tests.*{suite="a b"}', "2026-01-02T03:04:05Z")
    assert retired.reason == "split: ünï\nsecond line"
    assert (anchored.run, anchored.reason) == ("2026-10-01-aa", "release")
    assert "anchored at run 2026-10-01-aa: release" in anchored.sentence()


@pytest.mark.parametrize(
    "text", ["yesterday", "2026-13-45T00:00:00Z", "2026-01-02", "2026-01-02T03:04:05", "٢٠٢٦-01-02T03:04:05Z"]
)
def test_a_time_that_is_none_is_refused(tmp_path: Path, text: str) -> None:
    with pytest.raises(InputError, match="not a time in UTC"):
        retire(tmp_path, Selector("*"), reason="why", until=text)
    assert read_events(tmp_path) == ()


@pytest.mark.parametrize("reason", ["\udcff", "x" * 100_000])
def test_a_reason_that_could_not_be_read_again_is_refused(tmp_path: Path, reason: str) -> None:
    with pytest.raises(InputError):
        retire(tmp_path, Selector("*"), reason=reason)
    assert read_events(tmp_path) == ()


def test_pruning_removes_the_oldest_runs_but_no_anchor_and_says_so_first(history: History) -> None:
    names = [run.id for run in list_runs(history.folder)]
    oldest = next(run.id for run in list_runs(history.folder) if run.context.tested == history.commits[0])
    anchor(history.folder, Selector("*"), oldest, reason="release")
    removed = prune(history.folder, 2, reason="enough")
    assert {run.context.tested for run in list_runs(history.folder)} == {*history.commits[3:], history.commits[0]}
    assert set(removed) < set(names)
    event = next(event for event in read_events(history.folder) if event.kind == "prune")
    assert (event.removed, event.reason) == (removed, "enough")
    assert prune(history.folder, 3, reason="again") == ()
    assert len(read_events(history.folder)) == 2


def test_pruning_cleans_up_after_dead_writers_only(history: History) -> None:
    old = history.made.write("baselines/runs/.perfgate-old.tmp", "")
    live = history.made.write("baselines/events/.perfgate-live.tmp", "")
    os.utime(old, (time.time() - 7200, time.time() - 7200))
    prune(history.folder, 400, reason="tidy")
    assert (old.exists(), live.exists()) == (False, True)


# --- many writers, sudden deaths, full disks --------------------------------------------------------------------------

_WRITER = """
import sys
from pathlib import Path
from typing import Any
from perfgate.store.directory import admit
from tests.store.repositories import run_of
folder, who, count = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
print("ready", flush=True)
for number in range(count):
    admit(folder, run_of(f"{number % 10}" * 40, float(number), number=number % 600, ci_run=f"{who}{number}"))
"""


def writer(root: Path, folder: Path, who: str, count: int) -> subprocess.Popen[bytes]:
    command = [sys.executable, "-c", _WRITER, str(folder), who, str(count)]
    process = subprocess.Popen(command, cwd=root, stdout=subprocess.PIPE)
    assert process.stdout is not None
    assert process.stdout.readline() == b"ready\n"
    return process


def test_a_writer_that_is_killed_at_any_moment_leaves_a_store_that_loads(root: Path, tmp_path: Path) -> None:
    chance = random.Random(7)
    for attempt in range(6):
        before = len(list((tmp_path / "runs").glob("*.json")))
        with writer(root, tmp_path, f"{attempt}x", 100_000) as process:
            # However busy the machine is: killed only after it has begun to write.
            while len(list((tmp_path / "runs").glob("*.json"))) == before and process.poll() is None:
                time.sleep(0.002)
            time.sleep(chance.uniform(0.0, 0.06))
            process.send_signal(signal.SIGKILL)
        runs = list_runs(tmp_path)
        assert len({run.id for run in runs}) == len(runs)
    assert len(runs) >= 6
    assert prune(tmp_path, len(runs) - 1, reason="still works") != ()


def test_two_writers_at_once_lose_nothing(root: Path, tmp_path: Path) -> None:
    with (
        writer(root, tmp_path, "a", 40) as one,
        writer(root, tmp_path, "b", 40) as two,
        writer(root, tmp_path, "a", 40),
    ):
        pass
    assert (one.returncode, two.returncode) == (0, 0)
    stored = {run.context.ci_run for run in list_runs(tmp_path)}
    assert stored == {f"{who}{number}" for who in "ab" for number in range(40)}
    assert len(list_runs(tmp_path)) == 80
    assert not list((tmp_path / "runs").glob(".*"))


def test_a_full_disk_is_told_and_leaves_nothing_behind(root: Path, tmp_path: Path) -> None:
    code = f"""
import resource
from perfgate.errors import OperationFailed
resource.setrlimit(resource.RLIMIT_FSIZE, (100, 100))
try:
    exec(compile({_WRITER!r}, "writer", "exec"))
except OperationFailed as error:
    print(error.what)
"""
    # -B: else Python would leave cut-off bytecode of the whole package behind.
    command = [sys.executable, "-B", "-c", code, str(tmp_path), "a", "1"]
    done = subprocess.run(command, cwd=root, capture_output=True, text=True, check=True)
    assert "cannot be written: File too large" in done.stdout
    assert list((tmp_path / "runs").iterdir()) == []


def test_loading_asks_git_a_bounded_number_of_times(history: History, monkeypatch: pytest.MonkeyPatch) -> None:
    from perfgate.store.git_process import spawn

    for number in range(5, 60):
        admit(history.folder, run_of(history.commits[number % 5], float(number), number=number))
    tip = history.made.commit("baseline")
    asked: list[str] = []

    def counted(folder: Path, arguments: list[str], data: bytes | None = None) -> subprocess.CompletedProcess[bytes]:
        asked.append(arguments[0])
        return spawn(folder, arguments, data)

    monkeypatch.setattr("perfgate.store.git.spawn", counted)
    assert len(history.load(history.commits[4], at_tip=tip).runs) == 60
    assert sorted(asked) == ["cat-file", "cat-file", "ls-tree", "rev-list", "rev-list", "rev-parse"]


def test_the_name_of_a_run_is_one_that_loading_understands(tmp_path: Path) -> None:
    stored = admit(tmp_path, ci_run())
    assert NAME.fullmatch(f"{stored.name}.json")
