"""`history` and `trend` on the terminal and as Markdown: right at every width, and harmless whatever the data."""

from __future__ import annotations

import json
import re

import pytest
from markdown_it import MarkdownIt

from perfgate.core.baseline import AnchorChoice, Baseline, Cut
from perfgate.core.budgets import Budget, Relative
from perfgate.core.model import Selector, Series
from perfgate.core.ratchet import proposals
from perfgate.core.tracks import tracks_of
from perfgate.core.trend import Ruling, trend_of
from perfgate.render import history, trend, trend_json
from tests.core.histories import SUCCESS, WHEEL, noisy, stepped, whole
from tests.core.making import MACHINE, UNIT_TESTS, budget
from tests.render.test_outputs import same_as_golden

SLOW = "tests.duration{suite=slow}"
HOSTILE = 'tests.duration{suite="\x1b[31m<b>@all</b> https://x.invalid"}'
SUBJECT = "fix \x1b[31m<script> @everybody https://x.invalid"


def telling() -> trend.Report:
    """A report with every kind of entry."""
    baseline = whole(
        (UNIT_TESTS, stepped(40, 20, 1.2)),
        (SLOW, noisy(300, 60, spread=0.005, slope=0.004)),
        (HOSTILE, stepped(30, 30, 0.7)),
        (WHEEL, [1_000_000.0 + 900 * day for day in range(60)]),
        (SUCCESS, noisy(0.9, 35, spread=0.01) + noisy(0.7, 25, spread=0.01, seed=2)),
        ("tests.count{suite=unit}", [100.0] * 45 + [120.0] * 15),
    )
    loose = Budget(Selector.parse(HOSTILE), None, relative=Relative(block=0.6, stated=True), place="budgets.yaml:9")
    ruling = {
        Series.parse(UNIT_TESTS): Ruling(budget(UNIT_TESTS, "65 s")),
        Series.parse(SLOW): Ruling(budget(SLOW, "400 s")),
        Series.parse(HOSTILE): Ruling(budget(HOSTILE, "5 min"), loose),
        Series.parse(WHEEL): Ruling(budget(WHEEL, "1.1 MB")),
    }
    tracks = tracks_of(baseline, sorted(baseline.histories))
    found = trend_of(baseline, tracks, ruling, allowed=0.1, newest=20)
    pairs = {(move.before, move.likely) for moves in (found.worse, found.better, found.other) for move in moves}
    spans = dict.fromkeys(sorted(pairs), trend.Span(2, (("a" * 40, SUBJECT), ("b" * 40, "reformat"))))
    spans[44, 45] = trend.Span(0)
    spans[0, 59] = trend.Span(61)
    a_day = tuple(1.5 if position else None for position in range(len(found.forecasts)))
    return trend.Report(found, baseline, proposals(tracks, ruling), spans, a_day, newest=20, most=20)


def quiet() -> trend.Report:
    """A report with nothing to tell."""
    baseline = whole((UNIT_TESTS, noisy(60, 30)))
    found = trend_of(baseline, tracks_of(baseline, baseline.histories), {}, allowed=0.1, newest=20)
    return trend.Report(found, baseline, (), {}, (), newest=20, most=20)


@pytest.mark.parametrize("name", ["telling", "quiet"])
@pytest.mark.parametrize("width", [80, 160])
def test_the_trend_is_as_wide_as_the_terminal(name: str, width: int) -> None:
    text = trend.render({"telling": telling, "quiet": quiet}[name](), width=width, colour=False)
    same_as_golden(f"trend-{name}-{width}.txt", text)
    prose = text.partition("budgets that could be tighter")[0]
    assert max(len(line) for line in prose.splitlines()) <= width


def test_the_trend_as_markdown_holds_no_link_mention_or_markup_from_data() -> None:
    text = trend.markdown(telling())
    same_as_golden("trend-telling.md", text)
    html = MarkdownIt("commonmark").enable("table").render(text)
    outside = re.sub(r"<code.*?</code>", "", html, flags=re.DOTALL)
    assert "@" not in outside
    assert "x.invalid" not in outside
    assert "<script" not in html
    assert "<a " not in html


def test_no_page_lets_data_control_the_terminal() -> None:
    report = telling()
    pages = [trend.render(report, width=100, colour=False), trend.markdown(report)]
    assert all(not re.search(r"[\x00-\x09\x0b-\x1f\x7f]", page) for page in pages)


def test_colour_adds_nothing_but_colour() -> None:
    report = telling()
    coloured = trend.render(report, width=100, colour=True)
    assert re.sub(r"\x1b\[[0-9;]*m", "", coloured) == trend.render(report, width=100, colour=False)


def test_of_many_entries_the_first_are_shown_and_the_rest_counted() -> None:
    series = [(f"tests.duration{{suite=s{index:02d}}}", stepped(size=1.2 + index / 100)) for index in range(25)]
    baseline = whole(*series)
    found = trend_of(baseline, tracks_of(baseline, baseline.histories), {}, allowed=9.0, newest=20)
    report = trend.Report(found, baseline, (), {}, (), newest=20, most=20)
    text = trend.render(report, width=100, colour=False)
    assert "worse (25)" in text
    assert "and 5 more (--all shows them)" in text
    assert "s24}" in text
    assert "and 5 more" not in trend.render(report._replace(most=0), width=100, colour=False)


def test_the_json_holds_every_list_and_no_number_that_json_has_not() -> None:
    told = json.loads(trend_json.as_json(telling()), parse_constant=pytest.fail)
    assert told["alarming"] is True
    lists = ("drifts", "worse", "better", "other", "crossed", "forecasts", "proposals")
    assert {name: len(told[name]) > 0 for name in lists} == dict.fromkeys(lists, True)
    assert [each["series"] for each in told["worse"] if each["new"]] == [UNIT_TESTS]
    assert told["worse"][0]["commits"]["count"] == 2


# --- history ----------------------------------------------------------------------------------------------------------


def followed() -> Baseline:
    """A series with an accepted level, a step since, another machine, and an anchor."""
    values = noisy(50, 15, seed=3) + stepped(30, 15, 1.2)
    cut = Cut(Selector.parse("tests.*"), "", "more tests, \x1b[31magreed", "run-15")
    return whole((UNIT_TESTS, values), cuts=[cut], anchors=[AnchorChoice(Selector("*"), "run-40", "release")])


@pytest.mark.parametrize("width", [80, 160])
@pytest.mark.parametrize("unicode", [True, False])
def test_a_history_shows_values_segments_and_what_the_baseline_uses(width: int, unicode: bool) -> None:
    baseline = followed()
    (track,) = tracks_of(baseline, baseline.histories)
    text = history.render(track, baseline, last=20, others=0, width=width, colour=False, unicode=unicode)
    same_as_golden(f"history-{width}{'' if unicode else '-ascii'}.txt", text)
    assert max(len(line) for line in text.splitlines()) <= width
    lines = text.splitlines()
    assert sum(line.rstrip().endswith(("used", "begins", "anchor")) for line in lines) == 15 + 1
    assert len([line for line in lines if "retired: more tests" in line]) == 0
    everything = history.render(track, baseline, last=0, others=3, width=width, colour=False, unicode=unicode)
    assert everything.count("retired: more tests, �[31magreed") == 15
    assert "3 more of other machines" in everything


def test_a_step_that_may_have_begun_elsewhere_names_the_commits_it_may_have_begun_with() -> None:
    baseline = whole((UNIT_TESTS, noisy(60, 30, spread=0.05) + noisy(72, 20, spread=0.05, seed=2)))
    (track,) = tracks_of(baseline, baseline.histories)
    change = track.changes[0]
    text = history.render(track, baseline, last=1, others=0, width=160, colour=False, unicode=True)
    assert change.earliest < change.latest
    assert "may have begun with" in text
    narrow = history.render(track, baseline, last=1, others=0, width=80, colour=False, unicode=True)
    assert "may have begun with" not in narrow


def test_the_json_of_a_history_places_everything_among_all_its_values() -> None:
    baseline = followed()
    told = json.loads(history.as_json(tracks_of(baseline, baseline.histories), baseline))["series"][0]
    assert len(told["values"]) == 60
    assert [value["retired"] is None for value in told["values"]] == [False] * 15 + [True] * 45
    assert (told["anchor"], told["used_from"]) == (40, 45)
    assert [segment["start"] for segment in told["segments"]] == [15, 45]
    assert told["machine"] == str(MACHINE)
    assert told["values"][45]["run"] == "run-45"


def test_a_history_without_a_value_that_counts_says_so() -> None:
    baseline = whole((UNIT_TESTS, [60.0] * 3), cuts=[Cut(Selector("*"), "2099-01-01T00:00:00Z", "all of it")])
    (track,) = tracks_of(baseline, baseline.histories)
    text = history.render(track, baseline, last=20, others=0, width=100, colour=False, unicode=True)
    assert "no value counts any more" in text
    assert text.count("retired: all of it") == 3
    assert json.loads(history.as_json([track], baseline))["series"][0]["anchor"] is None
