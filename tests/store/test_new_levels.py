"""A run that begins a new level: what is recorded with it, in which order, and for which series exactly."""

from __future__ import annotations

import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perfgate.core.admission import NewLevel
from perfgate.core.model import Exactly, Series
from perfgate.errors import InputError
from perfgate.store import events
from perfgate.store.changes import admission
from perfgate.store.events import Recorded
from perfgate.store.shelf import Shelf
from tests.core.making import measured, run

WHEEL = Series.of("size.bytes", path="wheel")
EMPTY = Shelf([], [], "nowhere")


def test_the_level_is_recorded_before_the_run_it_begins_with() -> None:
    # A writer that is killed in between leaves an event about a run that is not there, and that ends nothing.
    made = admission([run(measured(str(WHEEL), 1.0))], levels=[NewLevel(0, (WHEEL,), "why")])(EMPTY)
    (event, data), (name, _) = made.added
    assert event.startswith("events/")
    assert json.loads(data)["exact"] == [str(WHEEL)]
    assert name == f"runs/{json.loads(data)['run']}.json"


def test_a_reason_of_any_length_can_be_kept() -> None:
    made = admission([run(measured(str(WHEEL), 1.0))], levels=[NewLevel(0, (WHEEL,), "x" * 100_000)])(EMPTY)
    assert len(events.load(made.added[0][1], "event").reason) == 1000


TEXT = st.text(min_size=1, max_size=12)


@given(st.frozensets(st.builds(lambda path: Series.of("size.bytes", path=path), TEXT), max_size=4), TEXT)
@settings(deadline=None, max_examples=60)
def test_the_series_of_a_level_are_those_and_no_others_also_after_reading(
    series: frozenset[Series], other: str
) -> None:
    event = Recorded("accept", "why", "2026-11-21T10:00:00Z", selector=Exactly(series), run="a")
    read = events.load(events.written(event)[1], "event")
    assert read == event
    for each in (Series("size.bytes"), Series.of("size.bytes", path=other), *series):
        assert read.selector.matches(each) == (each in series)


@pytest.mark.parametrize("more", [{"series": "size.*"}, {"kind": "anchor"}, {"exact": ["size.*"]}, {"exact": "x"}])
def test_series_one_by_one_are_for_accepted_levels_and_for_nothing_else(more: dict[str, object]) -> None:
    event = Recorded("accept", "why", "2026-11-21T10:00:00Z", selector=Exactly(frozenset({WHEEL})), run="a")
    value = json.loads(events.written(event)[1]) | more
    with pytest.raises(InputError):
        events.load(json.dumps(value).encode(), "event")
