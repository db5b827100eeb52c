"""What a stranger's runs are worth once trusted code has been through them."""

from __future__ import annotations

from hypothesis import given
from hypothesis import strategies as st

from perfgate.core.budgets import Level
from perfgate.core.claims import as_declared, restated, with_record
from perfgate.core.decision import Rule
from perfgate.core.metrics import Direction
from perfgate.core.model import COMMAND_FAILED, Caveat, Context
from tests.core.making import MACHINE, UNIT_TESTS, baseline_of, bench, budget, decided, measured, run

BENCH = "bench.time{benchmark=parse}"
PIPELINE = "pipeline.duration{workflow=ci.yml}"
KNOWN = Context(
    head="ab" * 20, tested="cd" * 20, base="ef" * 20, branch="topic", event="pull_request", ci_run="7", ci_attempt=2
)


@given(st.text(max_size=20), st.text(max_size=20), st.integers(1, 9), st.one_of(st.none(), st.integers(1, 9)))
def test_nothing_that_trusted_code_knows_is_taken_from_a_claim(
    text: str, job: str, attempt: int, number: int | None
) -> None:
    claimed = Context(
        head=text, base=text, tested=text, branch=text, target=text, event=text, provider=text, ci_run=text,
        ci_attempt=attempt, pull_request=number, ci_job=job, machine=MACHINE, started_at="2026-11-21T11:00:00Z",
    )  # fmt: skip
    (found,) = restated(
        [run(measured(UNIT_TESTS, 60.0))._replace(context=claimed, excluded=(UNIT_TESTS,), id="x")], KNOWN
    )
    assert found.context == KNOWN._replace(ci_job=job, machine=MACHINE, started_at="2026-11-21T11:00:00Z")
    assert (found.excluded, found.id) == ((), "")


def test_remarks_are_quoted_shortened_and_counted() -> None:
    remarks = tuple(Caveat("accepted", f"{at} " + "x" * 5000, "click here") for at in range(40))
    (found,) = restated([run()._replace(caveats=remarks)], KNOWN)
    assert len(found.caveats) == 11
    assert all(each.code == "claimed" and len(each.message) < 400 and not each.remedy for each in found.caveats)
    assert found.caveats[-1].message == "and 30 more remarks"


def test_that_a_command_failed_is_believed_of_anybody() -> None:
    remarks = (
        *(Caveat("x", str(at)) for at in range(20)),
        Caveat(COMMAND_FAILED, "the command ended with exit code 1"),
    )
    (found,) = restated([run()._replace(caveats=remarks)], KNOWN)
    assert [each.code for each in found.caveats].count(COMMAND_FAILED) == 1


def test_what_is_declared_as_in_the_baseline_or_is_new_stays() -> None:
    past = baseline_of([run(bench(BENCH, 1.0), number=1)])
    claims = [run(bench(BENCH, 2.0), bench("bench.other{benchmark=x}", 1.0, better=Direction.HIGHER))]
    assert as_declared(claims, past) == (tuple(claims), (), ())


@given(st.integers(0, 30))
def test_a_series_that_is_declared_otherwise_is_missing_however_long_ago_the_baseline_had_it_last(since: int) -> None:
    past = [run(bench(BENCH, 1.0), number=1), *(run(measured(UNIT_TESTS, 60.0), number=2 + at) for at in range(since))]
    turned = run(measured(UNIT_TESTS, 60.0), bench(BENCH, 900.0, better=Direction.HIGHER), number=99)
    found = decided(turned, baseline_of(past), budget("bench.*", "2 s"), budget("tests.*", "2 min"))
    assert found.level is Level.BLOCK
    assert [str(each.series) for each in found.verdicts if each.rule is Rule.MISSING] == [BENCH]


def test_the_newest_declaration_of_the_baseline_rules() -> None:
    past = baseline_of([run(bench(BENCH, 1.0, better=Direction.HIGHER), number=1), run(bench(BENCH, 1.0), number=2)])
    found = as_declared([run(bench(BENCH, 2.0, better=Direction.HIGHER), measured(UNIT_TESTS, 1.0))], past)
    assert [str(each.series) for each in found.runs[0].measurements] == [UNIT_TESTS]
    assert "better direction higher, was lower" in found.caveats[0].message


def test_the_record_replaces_claims_of_its_workflow_in_every_run_and_stands_in_one() -> None:
    forged = [run(measured(PIPELINE, 1.0), measured(UNIT_TESTS, 60.0)), run(measured(PIPELINE, 2.0), number=1)]
    record = [measured(PIPELINE, 600.0), measured("job.duration{job=build,workflow=ci.yml}", 300.0)]
    found = with_record(forged, "ci.yml", record, lambda series: False)
    values = [(str(each.series), each.values) for one in found.runs for each in one.measurements]
    assert values == [(UNIT_TESTS, (60.0,)), (PIPELINE, (600.0,))]


def test_a_claimed_job_that_the_host_does_not_know_is_dropped() -> None:
    invented = measured("job.duration{job=fast,workflow=ci.yml}", 1.0)
    found = with_record([run(invented, measured(UNIT_TESTS, 60.0))], "ci.yml", [], lambda series: True)
    assert [str(each.series) for each in found.runs[0].measurements] == [UNIT_TESTS]


def test_what_nobody_asks_for_is_not_added() -> None:
    found = with_record([run(measured(UNIT_TESTS, 60.0))], "ci.yml", [measured(PIPELINE, 600.0)], lambda series: False)
    assert len(found.runs[0].measurements) == 1
    assert found.caveats == ()
