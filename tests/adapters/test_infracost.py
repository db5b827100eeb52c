"""Infracost's files: decimals to the end, before and after, and nothing unknown that looks like zero."""

from __future__ import annotations

import json
import re
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perfgate.adapters import infracost
from perfgate.core.metrics import Assumption, Direction
from perfgate.core.model import Capture, Context, Measurement, Run, Series, State
from perfgate.core.units import Unit
from perfgate.errors import InputError
from perfgate.formats import run as run_format

COST = Series.of("infra.cost")
COVERAGE = Series.of("infra.coverage")


def read(data: bytes | dict[str, Any], environment: str = "") -> Capture:
    return infracost.read(data if isinstance(data, bytes) else json.dumps(data).encode(), "i.json", environment)


def one(capture: Capture, series: Series) -> Measurement:
    return next(each for each in capture.measurements if each.series == series)


def codes(capture: Capture) -> list[str]:
    return [caveat.code for caveat in capture.caveats]


def component(cost: object = "10", **parts: Any) -> dict[str, Any]:
    return {
        "name": "hours",
        "monthlyCost": cost,
        "price": "1",
        "monthlyQuantity": "10",
        "priceNotFound": False,
        **parts,
    }


def resource(name: str, *components: dict[str, Any], **parts: Any) -> dict[str, Any]:
    return {"name": name, "metadata": {}, "costComponents": list(components), **parts}


def breakdown(total: object, *resources: dict[str, Any]) -> dict[str, Any]:
    return {"resources": list(resources), "totalMonthlyCost": total}


def project(after: object, before: object = None, name: str = "web", **parts: Any) -> dict[str, Any]:
    summary = {"totalUnsupportedResources": 0, "unsupportedResourceCounts": {}}
    plain = {"name": name, "metadata": {"type": "terraform_dir"}, "summary": summary}
    return {**plain, "breakdown": after, "pastBreakdown": before, **parts}


def written(
    *projects: dict[str, Any], total: object = None, command: str = "breakdown", **parts: Any
) -> dict[str, Any]:
    plain = {"version": "0.2", "metadata": {"infracostCommand": command}, "currency": "USD"}
    return {**plain, "projects": list(projects), "totalMonthlyCost": total, **parts}


def sum_of_leaves(value: object) -> Decimal:
    """Another route to a breakdown's cost: every cost component wherever it lies, hours × quantity × price."""
    if isinstance(value, list):
        return sum((sum_of_leaves(each) for each in value), Decimal(0))
    if not isinstance(value, dict):
        return Decimal(0)
    if value.get("monthlyQuantity") is not None:
        return Decimal(value["monthlyQuantity"]) * Decimal(value["price"])
    return sum((sum_of_leaves(value.get(key)) for key in ("resources", "costComponents", "subresources")), Decimal(0))


@pytest.mark.parametrize("name", ["changes", "terraform_v0.14_breakdown"])
def test_the_totals_of_the_shared_files_are_those_of_quantity_times_price(shared_data: Path, name: str) -> None:
    data = (shared_data / f"cost/infracost-v0.10/json/{name}.json").read_bytes()
    top = json.loads(data)
    after = sum((sum_of_leaves(each["breakdown"]) for each in top["projects"]), Decimal(0))
    before = sum((sum_of_leaves(each["pastBreakdown"]) for each in top["projects"]), Decimal(0))
    capture = read(data, "dev")
    cost = one(capture, Series.of("infra.cost", environment="dev"))
    assert cost.values == (Decimal(top["totalMonthlyCost"]),)
    assert cost.before == (Decimal(top["pastTotalMonthlyCost"]),)
    assert abs(after - Decimal(top["totalMonthlyCost"])) < Decimal("0.001")
    assert abs(before - Decimal(top["pastTotalMonthlyCost"])) < Decimal("0.001")
    assert (cost.unit, cost.better, cost.assumption) == (Unit("USD", "month"), Direction.LOWER, Assumption.EXACT)
    assert dict(cost.conditions) == {"currency": "USD", "price book": "infracost"}
    assert one(capture, Series.of("infra.coverage", environment="dev")).values == (1.0,)
    assert "total-differs" not in codes(capture)


def test_several_projects_are_series_of_their_own_and_add_up(shared_data: Path) -> None:
    capture = read((shared_data / "cost/infracost-v0.10/json/changes.json").read_bytes())
    costs = [each for each in capture.measurements if each.series.metric == "infra.cost"]
    parts = [each for each in costs if dict(each.series.labels).get("project")]
    assert [each.values for each in parts] == [(Decimal("565.64"),), (Decimal("1131.28"),)]
    assert one(capture, COST).values == (Decimal("1696.92"),)
    assert parts[1].origin == "i.json, $.projects[1].breakdown.totalMonthlyCost"


def test_the_run_of_a_real_file_can_be_written_and_read_again(shared_data: Path) -> None:
    capture = read((shared_data / "cost/infracost-v0.10/json/terraform_v0.14_breakdown.json").read_bytes(), "dev")
    run = Run(Context(), capture.measurements, capture.details, capture.caveats)
    assert run_format.load(run_format.dump(run), "run.json") == run


def test_a_project_that_could_not_be_evaluated_makes_the_total_unknown_and_is_named(shared_data: Path) -> None:
    capture = read((shared_data / "cost/infracost-v0.10/json/out_with_project_error.json").read_bytes())
    whole = one(capture, COST)
    assert whole.state is State.UNKNOWN
    assert whole.values == whole.before == ()
    assert "breakdown_multi_project_with_error/dev: Error loading Terraform modules" in whole.reason
    prefix = "infracost/infracost/cmd/infracost/testdata/breakdown_multi_project_with_error/"
    assert one(capture, Series.of("infra.cost", project=prefix + "dev")).state is State.UNKNOWN
    assert one(capture, Series.of("infra.cost", project=prefix + "prod")).values == (Decimal("1303.28"),)
    assert one(capture, COVERAGE).state is State.UNKNOWN


def test_a_total_that_its_resources_do_not_add_up_to_is_kept_and_told(shared_data: Path) -> None:
    capture = read((shared_data / "cost/infracost-v0.10/json/no_diff.json").read_bytes())
    assert one(capture, COST).values == (Decimal("1272.9834"),)
    assert "total-differs" in codes(capture)
    assert "unsupported" in codes(capture)
    assert one(capture, COVERAGE).values == (0.0,)


def test_a_price_that_was_not_found_makes_the_total_a_lower_bound() -> None:
    found = breakdown("10", resource("a.x", component()), resource("a.y", component("0", priceNotFound=True)))
    capture = read(written(project(found), total="10"))
    cost = one(capture, COST)
    assert (cost.state, cost.values) == (State.LOWER_BOUND, (Decimal(10),))
    assert "a.y" in cost.reason
    assert one(capture, COVERAGE).values == (0.5,)


def test_costs_that_depend_on_usage_are_told_and_not_counted_as_covered() -> None:
    found = breakdown("10", resource("a.x", component()), resource("aws_lambda_function.f", component(None)))
    capture = read(written(project(found), total="10"))
    assert one(capture, COST).state is State.MEASURED
    assert one(capture, COVERAGE).values == (0.5,)
    (caveat,) = capture.caveats
    assert "aws_lambda_function.f" in caveat.message
    assert "infracost-usage.yml" in caveat.remedy


def test_a_total_of_which_nothing_is_known_is_not_zero() -> None:
    found = breakdown("0", resource("aws_lambda_function.f", component(None)))
    cost = one(read(written(project(found), total="0")), COST)
    assert cost.state is State.UNKNOWN
    assert cost.values == ()


def test_unsupported_resources_lower_the_coverage() -> None:
    summary = {"totalUnsupportedResources": 3, "unsupportedResourceCounts": {"aws_odd": 3}}
    capture = read(written(project(breakdown("10", resource("a.x", component())), summary=summary), total="10"))
    assert one(capture, COVERAGE).values == (0.25,)
    assert codes(capture) == ["unsupported"]


def test_an_empty_environment_costs_nothing_and_nothing_of_it_is_unknown() -> None:
    capture = read(written(project(breakdown("0")), total="0"))
    assert one(capture, COST).values == (Decimal(0),)
    assert one(capture, COVERAGE).values == (1.0,)


def test_a_breakdown_of_a_folder_does_not_know_what_was_before() -> None:
    found = breakdown("10", resource("a.x", component()))
    empty = breakdown("0")
    assert one(read(written(project(found, empty), total="10", pastTotalMonthlyCost="0")), COST).before == ()
    diff = written(project(found, empty), total="10", pastTotalMonthlyCost="0", command="diff")
    assert one(read(diff), COST).before == (Decimal(0),)
    new = written(project(found, None), total="10", command="diff")
    assert one(read(new), COST).before == (Decimal(0),)
    plan = project(found, empty, metadata={"type": "terraform_plan_json"})
    assert one(read(written(plan, total="10")), COST).before == (Decimal(0),)


def test_an_incomplete_cost_before_is_not_compared_with() -> None:
    past = breakdown("0", resource("a.x", component("0", priceNotFound=True)))
    capture = read(written(project(breakdown("10", resource("a.x", component())), past), total="10", command="diff"))
    assert one(capture, COST).before == ()
    assert codes(capture) == ["before-incomplete"]


def test_an_old_file_with_a_price_of_zero_says_that_it_may_be_missing() -> None:
    old = component("0", price="0")
    del old["priceNotFound"]
    assert codes(read(written(project(breakdown("0", resource("a.x", old))), total="0"))) == ["zero-price"]
    assert codes(read(written(project(breakdown("0", resource("a.x", component("0", price="0")))), total="0"))) == []


def test_amounts_keep_their_digits_and_may_be_numbers() -> None:
    assert one(read(written(project(breakdown("1.86480479452054793334316749")))), COST).values == (
        Decimal("1.864804795"),
    )
    text = json.dumps(written(project(breakdown(0)), total=0)).replace(
        '"totalMonthlyCost": 0', '"totalMonthlyCost": 0.1'
    )
    assert one(read(text.encode()), COST).values == (Decimal("0.1"),)


def test_another_currency_stays_what_it_is() -> None:
    cost = one(read(written(project(breakdown("10")), currency="EUR")), COST)
    assert cost.unit == Unit("EUR", "month")
    assert dict(cost.conditions)["currency"] == "EUR"


def test_details_name_the_dearest_resources_with_what_changed_first_and_no_tags() -> None:
    many = [resource(f"a.r{n:03d}", component(str(100 + n)), tags={"secret": "x"}) for n in range(60)]
    now = breakdown(None, *many, resource("a.up", component("500")))
    then = breakdown(None, *many, resource("a.up", component("400")), resource("a.gone", component("300")))
    rows = read(written(project(now, then), command="diff")).details["resources"]
    assert len(rows) == 50
    assert rows[0] == {"resource": "a.gone", "project": "web", "monthly_before": "300.00", "monthly_after": None}
    assert rows[1] == {"resource": "a.up", "project": "web", "monthly_before": "400.00", "monthly_after": "500.00"}
    assert "secret" not in str(rows)


def test_projects_of_one_name_are_told_apart_as_infracost_does() -> None:
    both = [
        project(breakdown("1"), metadata={"terraformWorkspace": workspace, "type": "terraform_dir"})
        for workspace in ("dev", "prod")
    ]
    names = {dict(each.series.labels).get("project") for each in read(written(*both)).measurements}
    assert names == {None, "web (Workspace: dev)", "web (Workspace: prod)"}
    with pytest.raises(InputError, match="is there twice"):
        read(written(both[0], both[0]))


@pytest.mark.parametrize(
    ("path", "what", "remedy"),
    [
        ("cost/infracost-v2/TestSummaryJSON.golden", "infracost 2", "infracost 0.10"),
        ("cost/terraform-genuine/01-create.json", "Terraform's own JSON", "infracost breakdown --path plan.json"),
        ("cost/infracost-v0.10/plans/terraform_v0.14_plan.json", "Terraform's own JSON", "infracost breakdown"),
        ("bench/hyperfine/two_cmds.json", "not Infracost's JSON", "infracost breakdown"),
    ],
)
def test_another_file_is_called_by_its_name(shared_data: Path, path: str, what: str, remedy: str) -> None:
    with pytest.raises(InputError) as error:
        read((shared_data / path).read_bytes())
    assert what in error.value.what
    assert remedy in error.value.remedy


@pytest.mark.parametrize(
    ("data", "what", "place"),
    [
        ({"version": "0.3", "projects": []}, "version 0.3", "i.json"),
        ({"projects": [{"project_name": "x"}]}, "infracost 2", "i.json"),
        (written(), "no project", "i.json, $.projects"),
        (written(project([])), "an object is wanted", "i.json, $.projects[0].breakdown"),
        (written(project(breakdown("NaN"))), "no amount", "i.json, $.projects[0].breakdown.totalMonthlyCost"),
        (written(project(breakdown("Infinity"))), "no amount", "i.json, $.projects[0].breakdown.totalMonthlyCost"),
        (written(project(breakdown("1" * 30))), "beyond any bill", "i.json, $.projects[0]"),
        (written(project(breakdown(True))), "no amount", "i.json, $.projects[0]"),
        (written(project(breakdown("1")), total="1_0"), "no amount", "i.json, $.totalMonthlyCost"),
        (written(project(breakdown("1")), currency="dollars"), "the currency", "i.json, $.currency"),
        (written(project({"resources": 7})), "a list is wanted", "i.json, $.projects[0].breakdown.resources"),
        (b"[]", "not Infracost's JSON", "i.json"),
        (b"", "empty", "i.json"),
        (b'{"version": "0.2", "projects": [', "not JSON", "i.json:1"),
        (b'{"version": "0.2", "version": "0.2"}', "twice", "i.json"),
    ],
)
def test_a_broken_file_is_refused_with_its_place(data: bytes | dict[str, Any], what: str, place: str) -> None:
    with pytest.raises(InputError) as error:
        read(data)
    assert what in error.value.what
    assert error.value.where.startswith(place)


def test_a_total_below_zero_is_unknown() -> None:
    assert one(read(written(project(breakdown("-5")), total="-5")), COST).state is State.UNKNOWN


_AMOUNTS = st.decimals(min_value=0, max_value=10**6, places=4).map(str)


@settings(deadline=None, max_examples=60)
@given(st.lists(_AMOUNTS, min_size=1, max_size=8), st.lists(_AMOUNTS, max_size=8))
def test_totals_that_the_file_does_not_tell_are_the_sums_of_its_parts(now: list[str], then: list[str]) -> None:
    after = breakdown(None, *(resource(f"a.r{n}", component(cost)) for n, cost in enumerate(now)))
    before = breakdown(
        None, *(resource(f"a.r{n}", subresources=[resource("disk", component(cost))]) for n, cost in enumerate(then))
    )
    cost = one(read(written(project(after, before), command="diff")), COST)
    assert cost.values == (sum(map(Decimal, now), Decimal(0)),)
    assert cost.before == (sum(map(Decimal, then), Decimal(0)),)


_VALUES: st.SearchStrategy[object] = st.sampled_from(
    [None, True, 0, -1, 1e9, "", "1", "-1", "1e99", "x", [], {}, [None], [[]], {"a": []}, "\ud800", [{}]]
)


@settings(deadline=None, max_examples=200)
@given(st.data())
def test_hostile_changes_to_a_good_file_give_a_capture_or_a_sentence(data: st.DataObject) -> None:
    good = project(
        breakdown("10", resource("a.x", component(), subresources=[resource("d", component())])), breakdown("1")
    )
    text = json.dumps(written(good, total="10", summary={"totalUnsupportedResources": 1}))
    values = list(re.finditer(r'(?<=: )("[^"]*"|\d+|true|false|null|\[\]|\{\})', text))
    for match in sorted(data.draw(st.lists(st.sampled_from(values), max_size=3)), key=lambda each: -each.start()):
        text = text[: match.start()] + json.dumps(data.draw(_VALUES)) + text[match.end() :]
    try:
        capture = read(text.encode())
    except InputError:
        return
    run = Run(Context(), capture.measurements, capture.details, capture.caveats)
    assert run_format.load(run_format.dump(run), "run.json").measurements
