"""Real files of ours with something hostile in them: what comes out is a sound model or an error of ours with its place."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perfgate.core.model import Run
from perfgate.errors import PerfgateError
from perfgate.formats import budgets as budgets_format
from perfgate.formats import decision as decision_format
from perfgate.formats import run as run_format
from perfgate.store import events
from tests.render import decisions

ROOT = Path(__file__).resolve().parents[2]
HOSTILE: list[Any] = [
    None, True, False, 0, -1, 1, 2**53 + 1, -(10**400), 0.5, -0.0, 5e-324, 1e308, "", " ", "\ud800", "\x00", "\x1b[31m", "a" * 20_000, "*", "{",
    "9999-99-99T99:99:99Z", "2026-11-21T10:00:00Z", "NaN", "Infinity", "1E+99", "infinite", "exact", "lower", "unknown", "pass", "perfgate/run/2",
    "tests.duration{suite=unit}", "USD/month", "1e999", [], {}, [[]], [None], ["x", "x"], {"": ""}, {"\ud800": 1}, {"a": {"b": {"c": 1}}},
    [1.0] * 20_000, {f"k{number}": "v" for number in range(200)},
]  # fmt: skip


def places(value: Any, at: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    inner = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [at, *(place for key, each in inner for place in places(each, (*at, key)))]


def put(document: Any, place: tuple[Any, ...], draw: Callable[[st.SearchStrategy[Any]], Any]) -> Any:
    """Replace, remove, rename or repeat what stands at a place."""
    if not place:
        return copy.deepcopy(draw(st.sampled_from(HOSTILE)))
    holder = document
    for key in place[:-1]:
        holder = holder[key]
    how = draw(st.sampled_from(["replace", "replace", "remove", "rename", "repeat"]))
    if how == "remove":
        del holder[place[-1]]
    elif how == "rename" and isinstance(holder, dict):
        holder[draw(st.sampled_from(["", "\ud800", "values", "label", "a" * 300]))] = holder.pop(place[-1])
    elif how == "repeat" and isinstance(holder, list):
        holder.append(copy.deepcopy(holder[place[-1]]))
    else:
        holder[place[-1]] = copy.deepcopy(draw(st.sampled_from(HOSTILE)))
    return document


def mutated(data: bytes, drawn: st.DataObject) -> bytes:
    document = json.loads(data)
    for _ in range(drawn.draw(st.integers(1, 3))):
        document = put(document, drawn.draw(st.sampled_from(places(document))), drawn.draw)
    return json.dumps(document).encode()


def same_twice(data: bytes, load: Callable[[bytes, str], Any], dump: Callable[[Any], bytes]) -> None:
    try:
        first = load(data, "x.json")
    except PerfgateError as error:
        assert error.where.startswith("x.json")
        assert error.what
        return
    written = dump(first)
    assert dump(load(written, "x.json")) == written


RUNS = sorted((ROOT / "baselines" / "runs").glob("*.json"))[-3:]


@pytest.mark.parametrize("path", RUNS, ids=lambda path: path.stem[:23])
@given(st.data())
@settings(deadline=None, max_examples=60)
def test_a_hostile_run_is_refused_or_can_be_written_and_read_again(path: Path, data: st.DataObject) -> None:
    def load(text: bytes, where: str) -> Run:
        return run_format.load(text, where)

    same_twice(mutated(path.read_bytes(), data), load, run_format.dump)


@given(st.data(), st.sampled_from([decisions.blocking, decisions.warning, decisions.first, decisions.mixed]))
@settings(deadline=None, max_examples=100)
def test_a_hostile_decision_is_refused_or_can_be_written_and_read_again(data: st.DataObject, make: Any) -> None:
    same_twice(mutated(decision_format.dump(make()), data), decision_format.load, decision_format.dump)


@given(st.data())
@settings(deadline=None, max_examples=60)
def test_a_hostile_event_is_refused_or_has_a_sentence(data: st.DataObject) -> None:
    paths = sorted((ROOT / "baselines" / "events").glob("*.json"))
    made = b'{"schema":"perfgate/baseline-event/1","kind":"retire","reason":"x","recorded_at":"2026-11-21T10:00:00Z","series":"*","at":"2026-11-21T10:00:00Z"}'
    text = data.draw(st.sampled_from([made, *(path.read_bytes() for path in paths)]))
    try:
        assert events.load(mutated(text, data), "x.json").sentence()
    except PerfgateError as error:
        assert error.where.startswith("x.json")


LINES = (ROOT / "budgets.yaml").read_text(encoding="utf-8").splitlines()
PIECES = [
    "<<: {a: 1}", "- ", "{", "}", '"', "'", "&a ", "*a", "!!python/object:os.system ", "1e999", "1:30", "014", "\t", "\x00", "\x85", "? ", ": ",
    "| ", "%", "9" * 5000, "[" * 70, "é", "version: 1", "series: tests.duration", "~", "limit: -1 s", "0x" + "f" * 400, "1e-400 s", ".nan",
]  # fmt: skip


@given(st.data())
@settings(deadline=None, max_examples=150)
def test_hostile_budgets_are_refused_at_their_place_or_read(data: st.DataObject) -> None:
    lines = list(LINES)
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(lines) - 1))
        column = data.draw(st.integers(0, len(lines[at])))
        how = data.draw(st.sampled_from(["insert", "insert", "cut", "move"]))
        if how == "insert":
            lines[at] = lines[at][:column] + data.draw(st.sampled_from(PIECES)) + lines[at][column:]
        elif how == "cut":
            lines[at] = lines[at][:column]
        else:
            lines.insert(data.draw(st.integers(0, len(lines))), lines[at])
    try:
        budgets_format.load("\n".join(lines).encode(), "budgets.yaml")
    except PerfgateError as error:
        assert error.where.startswith("budgets.yaml")
        assert error.what
