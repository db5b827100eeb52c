"""Two sides measured in turns: pairs, alternating order, and a stop that has a reason."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from perfgate.core.entries import CommandEntry
from perfgate.core.model import Capture, Measurement
from perfgate.core.stats.sequential import LOOKS
from perfgate.errors import CommandFailed, InputError
from perfgate.measure.ab import Side, Until, capture
from perfgate.measure.surroundings import Surroundings

WALL = {"command.wall": (0.05, 0.10)}


class Two:
    """Two folders, a log that both sides write to, and what they run."""

    def __init__(self, folder: Path) -> None:
        self.log = folder / "log"
        self.log.touch()
        environ = {"PATH": os.environ["PATH"], "LOG": str(self.log)}

        def side(name: str) -> Side:
            root, work = folder / name, folder / f"{name}-work"
            root.mkdir()
            work.mkdir()
            return Side(f"the {name}", Surroundings(root, work, environ))

        self.sides = (side("base"), side("here"))

    def write(self, base: str, here: str, name: str = "it") -> None:
        """A script of each side; "" for none."""
        for side, script in zip(self.sides, (base, here), strict=True):
            if script:
                path = side.surroundings.root / name
                path.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
                path.chmod(0o755)

    def measured(self, until: Until, *, run: tuple[str, ...] = ("./it",), warmup: int = 0, setup: tuple[str, ...] = (), prepare: tuple[str, ...] = ()) -> Capture:  # fmt: skip
        entry = CommandEntry("it", run, warmup=warmup, setup=setup, prepare=prepare)
        return capture(entry, self.sides[0], self.sides[1], until, lambda _: None)

    def logged(self) -> str:
        return self.log.read_text(encoding="utf-8")


@pytest.fixture
def two(tmp_path: Path) -> Two:
    return Two(tmp_path)


def metric(captured: Capture, name: str) -> Measurement:
    (found,) = [each for each in captured.measurements if each.series.metric == name]
    return found


def test_pairs_alternate_and_both_sides_warm_up(two: Two) -> None:
    two.write("printf A >> $LOG", "printf B >> $LOG")
    captured = two.measured(Until(most=4), warmup=2)
    assert two.logged() == "BAAB" + "ABBAABBA"
    for each in captured.measurements:
        assert len(each.values) == len(each.before) == 4


def test_only_one_command_runs_at_a_time(two: Two) -> None:
    script = "mkdir $LOG.lock || echo both >> $LOG; sleep 0.02; rmdir $LOG.lock"
    two.write(script, script)
    two.measured(Until(most=3))
    assert two.logged() == ""


def test_what_was_measured_is_told_side_by_side(two: Two) -> None:
    two.write("sleep 0.02", "sleep 0.1")
    captured = two.measured(Until(most=3))
    wall = metric(captured, "command.wall")
    assert max(map(float, wall.before)) < min(map(float, wall.values))
    assert min(map(float, wall.values)) >= 0.1
    assert str(wall.series) == "command.wall{command=it}"
    assert [caveat.message for caveat in captured.caveats] == [
        '"it" was measured in turns with the base: 3 pairs, as many as were asked for'
    ]


def test_a_plain_difference_stops_early(two: Two) -> None:
    two.write("sleep 0.02", "sleep 0.2")
    captured = two.measured(Until(most=20, asked=WALL))
    pairs = len(metric(captured, "command.wall").values)
    assert pairs in LOOKS
    assert pairs < 20
    assert "every limit was decided" in captured.caveats[0].message


def test_the_cap_is_not_called_a_decision(two: Two) -> None:
    two.write("true", "true")
    captured = two.measured(Until(most=LOOKS[0], asked={"command.wall": (1e-9, 1e-9)}))
    assert "as many as were asked for" in captured.caveats[0].message


def test_without_a_limit_to_decide_all_pairs_are_measured(two: Two) -> None:
    two.write("true", "sleep 0.02")
    assert len(metric(two.measured(Until(most=12)), "command.wall").values) == 12


def test_no_pair_is_begun_that_would_end_too_late(two: Two) -> None:
    two.write("true", "true")
    ticks = iter(range(0, 1000, 10))
    entry = CommandEntry("it", ("./it",), warmup=0)
    # A pair takes ten of these seconds, and so does what lies between two pairs.
    captured = capture(entry, *two.sides, Until(most=20, within=65), lambda _: None, clock=lambda: float(next(ticks)))
    assert len(metric(captured, "command.wall").values) == 3
    assert "the time for it was over" in captured.caveats[0].message


def test_one_pair_is_measured_however_short_the_time(two: Two) -> None:
    two.write("true", "true")
    assert len(metric(two.measured(Until(within=1e-9)), "command.wall").values) == 1


def test_each_side_is_set_up_once_before_anything_is_measured(two: Two) -> None:
    two.write("printf a >> $LOG; cp tool it", "printf b >> $LOG; cp tool it", "make-it")
    two.write("#!/bin/sh\nprintf A >> $LOG", "#!/bin/sh\nprintf B >> $LOG", "tool")
    two.measured(Until(most=2), setup=("./make-it",))
    assert two.logged() == "abABBA"


@pytest.mark.parametrize(("base", "here", "side"), [("exit 3", "true", "the base"), ("true", "exit 3", "the here")])
def test_a_side_that_cannot_be_set_up_ends_it_with_its_words(two: Two, base: str, here: str, side: str) -> None:
    two.write(f"echo why; {base}", f"echo why; {here}", "make-it")
    two.write("printf A >> $LOG", "printf B >> $LOG")
    with pytest.raises(CommandFailed) as caught:
        two.measured(Until(most=2), setup=("./make-it",))
    assert caught.value.what.startswith(f'{side} cannot be set up for "it": ./make-it: ended with exit code 3')
    assert "why" in caught.value.output
    assert two.logged() == ""


@pytest.mark.parametrize(("base", "here", "side"), [("exit 3", "true", "the base"), ("true", "kill -9 $$", "the here")])
def test_a_side_that_fails_ends_it_with_its_words(two: Two, base: str, here: str, side: str) -> None:
    two.write(base, here)
    with pytest.raises(CommandFailed, match=f'"it" fails on {side}: .*so nothing is concluded'):
        two.measured(Until(most=2))


def test_a_failure_in_a_later_pair_is_one_too(two: Two) -> None:
    two.write("true", 'printf x >> $LOG; test "$(cat $LOG)" != xxx')
    with pytest.raises(CommandFailed, match=r"exit code 1 \(pair 3\)"):
        two.measured(Until(most=5))


@pytest.mark.parametrize(("base", "here", "side"), [("", "true", "the base"), ("true", "", "the here")])
def test_a_program_that_one_side_lacks_is_that_sides_failure(two: Two, base: str, here: str, side: str) -> None:
    two.write(base, here)
    with pytest.raises(CommandFailed, match=rf'fails on {side}: there is no program "\./it"'):
        two.measured(Until(most=2))


@pytest.mark.parametrize("prepare", [(), ("./it",)])
def test_a_program_that_both_lack_is_a_mistake_in_the_command(two: Two, prepare: tuple[str, ...]) -> None:
    with pytest.raises(InputError, match="there is no program"):
        two.measured(Until(most=2), prepare=prepare)


def test_a_file_that_is_no_program_for_this_machine_is_that_sides_failure(two: Two) -> None:
    two.write("true", "true")
    (two.sides[0].surroundings.root / "it").write_bytes(b"\x7fELF nothing")
    with pytest.raises(CommandFailed, match="fails on the base"):
        two.measured(Until(most=2))


def test_taking_turns_costs_no_more_than_running_alone(two: Two) -> None:
    from perfgate.measure.session import capture as alone

    two.write("true", "true")
    fastest = min(map(float, metric(alone(CommandEntry("it", ("./it",), 15, 1), two.sides[1].surroundings, lambda _: None), "command.wall").values))  # fmt: skip
    paired = metric(two.measured(Until(most=15), warmup=1), "command.wall")
    for values in (paired.before, paired.values):
        assert min(map(float, values)) < 2 * fastest + 0.001
