"""What changed in test suites in a decision.json, out and in."""

from __future__ import annotations

from typing import Any

from perfgate.core.suite_change import MOST_ROWS, Fixture, Flaky, Part, Plugin, Row, Share, Slower, SuiteChange
from perfgate.core.suite_records import LONGEST
from perfgate.formats.checking import Found

_MOST_NAMES = 50


def value_of(change: SuiteChange) -> dict[str, Any]:
    """A suite's change as it is written."""
    return {
        **change._asdict(),
        "parts": [
            {**part._asdict(), "share": part.share.value, "rows": [row._asdict() for row in part.rows]}
            for part in change.parts
        ],
        "renamed": [{"after": after, "before": before} for after, before in change.renamed],
        "slower": [each._asdict() for each in change.slower],
        "flaky": [each._asdict() for each in change.flaky],
        "plugins": [each._asdict() for each in change.plugins],
        "fixtures": [each._asdict() for each in change.fixtures],
    }


def read(found: Found) -> SuiteChange:
    """A suite's change as it was written; raises InputError that names the place of the first mistake."""
    part = found.fields(SuiteChange._fields)
    renamed = [item.fields(("before", "after")) for item in part["renamed"].items(_MOST_NAMES)]
    alpha, shift = part["alpha"].number(), part["shift"].number()
    if not 0 <= alpha <= 1:
        part["alpha"].refuse("a rate is between 0 and 1")
    if not 0 < shift <= LONGEST:
        part["shift"].refuse(f"a ratio above 0 and up to {LONGEST:g} is wanted")
    return SuiteChange(
        suite=part["suite"].text(),
        runs=part["runs"].whole(),
        timed=part["timed"].whole(),
        tests_before=_count(part["tests_before"]),
        tests_after=_count(part["tests_after"]),
        changed=part["changed"].truth(),
        before=_optional(part["before"]),
        after=_optional(part["after"]),
        parts=tuple(_part(item) for item in part["parts"].items(len(Share))),
        untold=part["untold"].text(),
        renamed=tuple((each["after"].text(), each["before"].text()) for each in renamed),
        renames=part["renames"].whole(),
        shift=shift,
        judged=part["judged"].whole(),
        alpha=alpha,
        slower=tuple(_slower(item) for item in part["slower"].items(MOST_ROWS)),
        slow=part["slow"].whole(),
        flaky=tuple(_flaky(item) for item in part["flaky"].items(MOST_ROWS)),
        newly_flaky=part["newly_flaky"].whole(),
        known_flaky=part["known_flaky"].whole(),
        plugins=tuple(_plugin(item) for item in part["plugins"].items(MOST_ROWS)),
        fixtures=tuple(_fixture(item) for item in part["fixtures"].items(MOST_ROWS)),
    )


def _plugin(found: Found) -> Plugin:
    part = found.fields(Plugin._fields)
    plugin, before, after = (part[name].text() for name in ("plugin", "before", "after"))
    return Plugin(plugin, before, after, came=part["came"].truth(), gone=part["gone"].truth())


def _fixture(found: Found) -> Fixture:
    part = found.fields(Fixture._fields)
    fixture, scope, file = (part[name].text() for name in ("fixture", "scope", "file"))
    counts = part["count_before"].whole(), part["count_after"].whole(1)
    before, after = _optional(part["before"]), _seconds(part["after"])
    if (before is None) != (counts[0] == 0):
        part["count_before"].refuse("a fixture that was there was set up, and one that was set up took a time")
    return Fixture(fixture, scope, file, counts[0], before, counts[1], after)


def _part(found: Found) -> Part:
    part = found.fields(Part._fields)
    seconds = part["seconds"].number()
    share = Share(part["share"].one_of([each.value for each in Share]))
    rows = [item.fields(Row._fields) for item in part["rows"].items(MOST_ROWS)]
    return Part(
        share,
        part["tests"].whole(),
        seconds,
        tuple(
            Row(
                each["test"].text(),
                each["file"].text(),
                _optional(each["before"]),
                _optional(each["after"]),
                each["tests"].whole(),
            )
            for each in rows
        ),
    )


def _slower(found: Found) -> Slower:
    part = found.fields(Slower._fields)
    before, largest, after = (_seconds(part[name]) for name in ("before", "largest", "after"))
    chance = part["p"].number()
    if not 0 <= chance <= 1:
        part["p"].refuse("a chance is between 0 and 1")
    return Slower(part["test"].text(), part["file"].text(), before, largest, after, part["runs"].whole(), chance)


def _flaky(found: Found) -> Flaky:
    part = found.fields(Flaky._fields)
    low, high = (part[name].number() for name in ("low", "high"))
    failed, runs = part["failed"].whole(), part["runs"].whole(1)
    if not 0 <= low <= high <= 1:
        part["low"].refuse("the ends of an interval of a share are in order, between 0 and 1")
    if failed > runs:
        part["failed"].refuse(f"{failed} of {runs} runs cannot have failed")
    return Flaky(part["test"].text(), part["file"].text(), failed, runs, low, high, part["how"].text())


def _count(found: Found) -> int | None:
    return None if found.value is None else found.whole()


def _optional(found: Found) -> float | None:
    return None if found.value is None else _seconds(found)


def _seconds(found: Found) -> float:
    value = found.number()
    if not 0 <= value <= 1e30:
        found.refuse("seconds are 0 or more")
    return value
