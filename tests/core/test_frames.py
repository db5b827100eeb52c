"""Profiles as shares: what holds for every profile, and when a frame is named."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perfgate.core.frames import (
    LEAST_SAMPLES,
    MOST_FRAMES,
    Frame,
    Profile,
    Stack,
    compare,
    difference,
    moved,
    profile_of,
    profiles_in,
    rows_of,
)

_FRAMES = st.sampled_from([Frame(name, "a.py") for name in "abcdef"])
_STACKS = st.lists(
    st.tuples(st.lists(_FRAMES, min_size=1, max_size=6).map(tuple), st.integers(1, 1000).map(float)),
    min_size=1,
    max_size=20,
)


def _profile(*stacks: tuple[str, int], sampler: str = "py-spy") -> Profile:
    told: list[Stack] = [(tuple(Frame(name) for name in path.split(";")), float(count)) for path, count in stacks]
    return profile_of(told, command="it", sampler=sampler)


@settings(max_examples=60)
@given(_STACKS)
def test_shares_lie_between_0_and_1_and_the_own_ones_are_the_whole(stacks: list[Stack]) -> None:
    found = profile_of(stacks, command="it", sampler="py-spy")
    assert all(0 <= own <= total <= 1 for own, total in found.shares.values())
    assert sum(own for own, _ in found.shares.values()) == pytest.approx(1.0)
    assert found.samples == sum(weight for _, weight in stacks)


@settings(max_examples=40)
@given(_STACKS.flatmap(lambda stacks: st.tuples(st.just(stacks), st.permutations(stacks))))
def test_the_order_of_the_stacks_never_matters(both: tuple[list[Stack], list[Stack]]) -> None:
    stacks, shuffled = both
    assert rows_of(profile_of(shuffled, command="it", sampler="x")) == rows_of(
        profile_of(stacks, command="it", sampler="x")
    )


@settings(max_examples=40)
@given(_STACKS, st.integers(1, 3))
def test_identical_profiles_name_nothing(stacks: list[Stack], times: int) -> None:
    found = profile_of(stacks, command="it", sampler="x")
    assert compare(found, [found] * times).frames == ()
    assert [each.frames for each in moved([rows_of(found)], [rows_of(found)])] == [()]


def test_a_frame_that_calls_itself_counts_once_in_its_total() -> None:
    found = _profile(("main;rec;rec;rec", 3), ("main", 1))
    assert found.shares[Frame("rec")] == (0.75, 0.75)
    assert found.shares[Frame("main")] == (0.25, 1.0)


def test_stacks_without_frames_or_weight_tell_nothing() -> None:
    found = profile_of([((), 5.0), ((Frame("a"),), 0.0), ((Frame("a"),), -1.0)], command="it", sampler="x")
    assert (found.samples, found.shares) == (0, {})


def test_the_frame_that_grew_is_named_with_both_shares_and_its_interval() -> None:
    before = _profile(("main;parse", 800), ("main;write", 200))
    after = _profile(("main;parse", 500), ("main;write", 500))
    (grown,) = compare(after, [before]).frames
    assert grown.frame == Frame("write")
    assert (grown.before, grown.after) == ((0.2, 0.2), (0.5, 0.5))
    assert 0 < grown.low < 0.3 < grown.high


def test_a_thousand_samples_show_a_frame_that_doubled() -> None:
    before = _profile(("main;parse", 700), ("main;write", 300))
    after = _profile(("main;parse", 400), ("main;write", 600))
    assert [each.frame.name for each in compare(after, [before]).frames] == ["write"]


def test_counts_do_not_matter_only_shares_do() -> None:
    before = _profile(("main;parse", 800), ("main;write", 200))
    after = _profile(("main;parse", 8000), ("main;write", 2000))
    assert compare(after, [before]).frames == ()


def test_a_growth_that_sampling_explains_is_not_named() -> None:
    before = _profile(("main;parse", 160), ("main;write", 40))
    after = _profile(("main;parse", 150), ("main;write", 50))
    assert compare(after, [before]).frames == ()


def test_a_growth_within_what_single_earlier_profiles_showed_is_not_named() -> None:
    calm, wild = (_profile(("main;parse", 10_000 - n), ("main;write", n)) for n in (2000, 5000))
    after = _profile(("main;parse", 5100), ("main;write", 4900))
    assert compare(after, [calm]).frames
    assert compare(after, [calm, wild, calm]).frames == ()


@pytest.mark.parametrize("few", [0, 1])
def test_few_samples_on_either_side_are_said_and_nothing_is_named(few: int) -> None:
    small, large = _profile(("a", LEAST_SAMPLES - 1)), _profile(("b", 10_000))
    before, after = (small, large) if few == 0 else (large, small)
    found = compare(after, [before])
    assert "too few" in found.why_not
    assert found.frames == ()


def test_profiles_of_two_samplers_are_not_compared() -> None:
    found = compare(_profile(("a", 900)), [_profile(("b", 900), sampler="perf")])
    assert found.why_not == "the baseline's profile is of perf, this one of py-spy"


def test_without_an_earlier_profile_that_is_said() -> None:
    (found,) = moved([rows_of(_profile(("a", 900)))], [])
    assert found.why_not == "the baseline has no profile of it yet"


def test_a_frame_that_the_baseline_left_out_is_held_against_the_most_it_can_have_had() -> None:
    many = _profile(*((f"f{number}", 100) for number in range(200)))
    kept = profiles_in(rows_of(many))["it"]
    assert len(kept.shares) == MOST_FRAMES
    left_out = next(frame for frame in many.shares if frame not in kept.shares)
    assert kept.share(left_out) == (0.005, 0.005)
    # Of a profile that is kept whole, what is not there was never seen.
    assert _profile(("a", 10)).share(Frame("b")) == (0.0, 0.0)


def test_a_profile_survives_its_rows() -> None:
    found = _profile(("main;parse", 800), ("main;write", 200))
    assert profiles_in(rows_of(found)) == {"it": found}


def test_odd_rows_are_left_out() -> None:
    good = dict(rows_of(_profile(("a", 900)))[0])
    odd = [
        good | {"frame": 3},
        good | {"self": 2.0},
        good | {"self": 0.9, "total": 0.1},
        good | {"samples": 0},
        good | {"samples": True},
        good | {"total": None},
        {},
    ]
    assert profiles_in(odd) == {}
    assert list(profiles_in([*odd, good])["it"].shares) == [Frame("a")]


def test_the_interval_of_a_difference_is_the_published_one() -> None:
    """Newcombe (1998), table II, method 10 (hybrid score, no continuity correction): 56/70 - 48/80 at 95 %."""
    low, high = difference(48 / 80, 80, 56 / 70, 70, 1.959964)
    assert (round(low, 4), round(high, 4)) == (0.0524, 0.3339)
