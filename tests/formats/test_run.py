"""run.json: nothing is lost on the way out and in, and nothing unsound comes in."""

from __future__ import annotations

import json
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perfgate.core.metrics import METRICS, Assumption, Direction
from perfgate.core.model import Caveat, Context, MachineClass, Measurement, Run, Series, State
from perfgate.core.units import Number, Unit
from perfgate.errors import InputError, PerfgateError
from perfgate.formats import run as run_format
from perfgate.formats import schema
from tests.core.making import UNIT_TESTS, measured, run

TEXT = st.text(st.characters(exclude_categories=["Cs"]), max_size=30)
NAMED = TEXT.filter(bool)
COMMIT = st.sampled_from(["", "a" * 40, "0123456789abcdef" * 4])
FLOATS = st.floats(-1e30, 1e30)
MONEY = st.decimals(min_value=-(10**9), max_value=10**9, places=6, allow_nan=False)
LABELS = st.dictionaries(st.from_regex(r"[a-z][a-z0-9_]{0,5}", fullmatch=True), NAMED, max_size=3)
MACHINES = st.builds(MachineClass, TEXT, TEXT, TEXT, TEXT, st.integers(0, 4096))
CONTEXTS = st.builds(
    Context,
    head=COMMIT, base=COMMIT, tested=COMMIT, worktree=TEXT, branch=TEXT, target=TEXT, pull_request=st.none() | st.integers(0, 10**6),
    ci_run=TEXT, ci_attempt=st.integers(1, 99), started_at=st.sampled_from(["", "2026-11-21T10:00:00Z"]), machine=MACHINES,
)  # fmt: skip


@st.composite
def measurements(draw: st.DrawFn) -> Measurement:
    metric = draw(st.sampled_from(METRICS))
    name = "bench.thing" if metric.is_family else metric.name
    unit = metric.unit or draw(st.sampled_from([Unit("s"), Unit("elems", "op")]))
    one: st.SearchStrategy[Number] = MONEY if unit.is_money else FLOATS
    values: st.SearchStrategy[tuple[Number, ...]] = st.lists(one, min_size=1, max_size=5).map(tuple)
    state = draw(st.sampled_from(State))
    return Measurement(
        Series(name, tuple(sorted(draw(LABELS).items()))),
        unit,
        draw(st.sampled_from(Direction)) if metric.is_family else metric.better,
        draw(st.sampled_from(Assumption)) if metric.is_family else metric.assumption,
        () if state is State.UNKNOWN else draw(values),
        draw(TEXT),
        draw(values) if draw(st.booleans()) else (),
        draw(st.just(0.0) | st.floats(0, 10)),
        tuple(sorted(draw(st.dictionaries(NAMED, TEXT, max_size=2)).items())),
        state,
        "" if state is State.MEASURED else draw(NAMED),
    )


CELLS = (
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.floats(allow_nan=False, allow_infinity=False) | TEXT
)
RUNS = st.builds(
    Run,
    CONTEXTS,
    st.lists(measurements(), max_size=5, unique_by=lambda each: each.series).map(
        lambda found: tuple(sorted(found, key=lambda each: each.series))
    ),
    st.dictionaries(NAMED, st.lists(st.dictionaries(NAMED, CELLS, max_size=3), max_size=3).map(tuple), max_size=2),
    st.lists(st.builds(Caveat, NAMED, NAMED, TEXT), max_size=2).map(tuple),
    st.lists(NAMED, max_size=2, unique=True).map(lambda names: tuple(sorted(names))),
    st.just(""),
)


@given(RUNS)
@settings(deadline=None, max_examples=80)
def test_a_run_that_is_written_and_read_is_the_same_run(made: Run) -> None:
    data = run_format.dump(made)
    assert run_format.load(data, "run.json") == made
    assert run_format.dump(run_format.load(data, "run.json")) == data
    schema.check("run", json.loads(data), "run.json")


def document(**changes: Any) -> dict[str, Any]:
    made = json.loads(run_format.dump(run(measured("tests.duration{suite=unit}", 1.0, 2.0))))
    return made | changes  # type: ignore[no-any-return]


def changed(**changes: Any) -> dict[str, Any]:
    made = document()
    made["measurements"][0] |= changes
    return made


BAD = {
    "no schema": ({"context": {}, "measurements": []}, "not a run file"),
    "newer schema": (document(schema="perfgate/run/2"), "upgrade"),
    "typo": (document(measurments=[]), "did you mean"),
    "no labels": ({**document(), "measurements": [{"metric": "tests.duration"}]}, "missing"),
    "string value": (changed(values=["1"]), "a number is wanted"),
    "huge value": (changed(values=[1e31]), "larger than anything"),
    "true value": (changed(values=[True]), "a number is wanted"),
    "no value": (changed(values=[]), "there is no value"),
    "other unit": (changed(unit="ms"), "counted in s"),
    "other direction": (changed(better="higher"), "direction"),
    "other assumption": (changed(assumption="exact"), "has the assumption"),
    "unknown direction": (changed(better="up"), "known are"),
    "bad metric": (changed(metric="Tests Duration"), "does not name a series"),
    "empty label": (changed(labels={"suite": ""}), "does not name a series"),
    "state without reason": (changed(state="lower_bound"), "no reason"),
    "unknown with values": (changed(state="unknown", reason="x"), "has no values"),
    "bad commit": (document(context={"head": "main"}), "commit hash"),
    "bad time": (document(context={"started_at": "yesterday"}), "UTC"),
    "no such day": (document(context={"started_at": "9999-99-99T99:99:99Z"}), "UTC"),
    "no such second": (document(context={"started_at": "2026-02-29T10:00:00Z"}), "UTC"),
    "half a character in a key": (document(details={"jobs": [{"\ud800": 1}]}), "half a character"),
    "half a character in the name of a block": (document(details={"\ud800": []}), "half a character"),
    "half a character in a condition": (changed(conditions={"\ud800": "x"}), "half a character"),
    "list": ([], "an object is wanted"),
    "float money": ({**document(), "measurements": [{**document()["measurements"][0], "metric": "infra.cost", "unit": "USD/month", "assumption": "exact", "values": [1.5]}]}, "string of digits"),
}  # fmt: skip


@pytest.mark.parametrize("name", BAD)
def test_an_unsound_run_is_refused_with_its_place(name: str) -> None:
    value, told = BAD[name]
    with pytest.raises(InputError) as caught:
        run_format.load(json.dumps(value).encode(), "run.json")
    assert told in str(caught.value)
    assert caught.value.where.startswith("run.json")


def test_the_same_series_twice_in_a_run_is_refused() -> None:
    made = document()
    made["measurements"] *= 2
    with pytest.raises(InputError, match="twice"):
        run_format.load(json.dumps(made).encode(), "run.json")


@settings(max_examples=60, deadline=None)
@given(RUNS)
def test_details_can_be_passed_over_and_everything_else_is_read(made: Run) -> None:
    data = run_format.dump(made)
    bare = made._replace(details={}, id="")
    assert run_format.load(data, "run.json", details=False) == bare
    for indent in (None, 0, 1, 4):
        laid_out = json.dumps(json.loads(data), indent=indent).encode()
        assert run_format.load(laid_out, "run.json", details=False) == bare


def test_details_that_are_passed_over_are_not_even_parsed() -> None:
    data = run_format.dump(run(measured(UNIT_TESTS, 1.0))._replace(details={"rows": ({"a": 1},)}))
    spoiled = data.replace(b'{"a": 1}', b"{,}")
    assert run_format.load(spoiled, "run.json", details=False).details == {}
    with pytest.raises(InputError):
        run_format.load(spoiled, "run.json")


def test_what_is_wrong_beside_passed_over_details_is_named_with_its_line() -> None:
    data = run_format.dump(run(measured(UNIT_TESTS, 1.0))._replace(details={"rows": ({"a": 1},) * 50}))
    spoiled = data.replace(b'"schema"', b"schema")
    line = spoiled[: spoiled.index(b"\n schema")].count(b"\n") + 2
    with pytest.raises(InputError) as caught:
        run_format.load(spoiled, "run.json", details=False)
    assert caught.value.where == f"run.json:{line}:2"


def test_a_key_that_is_there_twice_is_refused() -> None:
    with pytest.raises(InputError, match='"a" is there twice'):
        run_format.load(b'{"a": 1, "a": 2}', "run.json")


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"  \n",
        b"\xff\xfe{}",
        b"{",
        b"[" * 200_000,
        b'{"a":' * 5000,
        b"NaN",
        b'{"x": 1e999}',
        b'{"x": ' + b"9" * 10_000 + b"}",
        b'"\\ud800"',
    ],
)
def test_text_that_is_no_json_is_an_input_error(data: bytes) -> None:
    with pytest.raises(InputError):
        run_format.load(data, "run.json")


def test_a_file_beyond_the_limit_is_refused_unread() -> None:
    with pytest.raises(InputError, match="more than"):
        run_format.load(b" " * (65 * 1024 * 1024), "run.json")


def test_money_keeps_every_digit() -> None:
    price = Decimal("0.000000123456789")
    made = run(measured("llm.cost{scenario=x}", price))
    assert run_format.load(run_format.dump(made), "x").measurements[0].values == (price,)


def test_the_short_way_and_the_long_way_of_reading_agree() -> None:
    made = run(measured("command.wall{command=a}", 1.0, 2.0), measured("command.wall{command=b}", 3.0))
    data = run_format.dump(made)
    assert run_format.load(data, "first") == run_format.load(data, "second") == made


def test_a_condition_is_never_read_as_a_label_of_an_earlier_file() -> None:
    labelled = measured("bench.x{model=x}", 1.0)
    conditioned = measured("bench.x", 1.0, conditions=(("model", "x"),))
    for made in (run(labelled), run(conditioned), run(labelled)):
        assert run_format.load(run_format.dump(made), "run.json") == made


@given(st.data())
@settings(deadline=None, max_examples=100)
def test_damaged_runs_give_a_run_or_an_error_of_ours(data: st.DataObject) -> None:
    good = bytearray(
        run_format.dump(
            run(measured("command.wall{command=a}", 1.0), measured("infra.cost{environment=dev}", Decimal(3)))
        )
    )
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(good) - 1))
        good[at : at + data.draw(st.integers(0, 3))] = data.draw(st.binary(max_size=3))
    try:
        assert isinstance(run_format.load(bytes(good), "x"), Run)
    except PerfgateError as error:
        assert error.where
