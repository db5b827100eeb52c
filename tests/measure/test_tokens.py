"""Tasks of language models: one value a task, costs that are known or unknown but never nothing, and every gap told."""

from __future__ import annotations

import json
import sys
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from perfgate.core.entries import TokensEntry
from perfgate.core.model import Capture, Context, Measurement, Run, State
from perfgate.errors import CommandFailed, InputError
from perfgate.formats import run as run_format
from perfgate.measure.surroundings import Surroundings
from perfgate.measure.tokens import capture
from perfgate.pricing import llm

CHAT = {"id": "c1", "model": "gpt-4o", "usage": {"prompt_tokens": 100, "completion_tokens": 20, "total_tokens": 120, "prompt_tokens_details": {"cached_tokens": 64}}}  # fmt: skip


def captured(tmp_path: Path, files: dict[str, list[Any]], scenario: str = "") -> Capture:
    for name, records in files.items():
        (tmp_path / name).write_text("".join(json.dumps(record) + "\n" for record in records), encoding="utf-8")
    return capture(
        TokensEntry("it", files=tuple(files), scenario=scenario), Surroundings(tmp_path, tmp_path, {}), lambda _: None
    )


def of(made: Capture, metric: str) -> Measurement:
    (found,) = [each for each in made.measurements if each.series.metric == metric]
    return found


def values(made: Capture, metric: str) -> tuple[object, ...]:
    return of(made, metric).values


def test_each_file_is_a_task_of_its_scenario(tmp_path: Path) -> None:
    other = {**CHAT, "id": "c2"}
    made = captured(tmp_path, {"a.jsonl": [CHAT, other], "b.jsonl": [CHAT]}, "support")
    assert values(made, "llm.tokens") == (240.0, 120.0)
    assert values(made, "llm.calls") == (2.0, 1.0)


def test_lines_may_name_their_task_and_scenario(tmp_path: Path) -> None:
    records = [
        {
            "task": name,
            "metadata": {"scenario": "s"},
            "success": name == "x",
            "latency_ms": 1500,
            "response": {**CHAT, "id": name + str(n)},
        }
        for name in "xy"
        for n in range(2)
    ]
    made = captured(tmp_path, {"a.jsonl": records})
    assert {str(each.series) for each in made.measurements} >= {"llm.tokens{scenario=s}", "llm.success{scenario=s}"}
    assert values(made, "llm.success") == (0.5,)
    assert values(made, "llm.latency") == (1.5,) * 4
    assert len(values(made, "llm.cost")) == 2


def test_the_cost_is_the_sum_over_the_classes(tmp_path: Path) -> None:
    # gpt-4o: 2.50 USD for a million input tokens, 1.25 cached, 10.00 output.
    made = captured(tmp_path, {"a.jsonl": [CHAT]})
    assert values(made, "llm.cost") == (
        Decimal("0.00000250") * 36 + Decimal("0.00000125") * 64 + Decimal("0.00001") * 20,
    )


def test_an_unknown_model_has_no_cost_rather_than_a_cost_of_nothing(tmp_path: Path) -> None:
    made = captured(tmp_path, {"a.jsonl": [CHAT, {**CHAT, "id": "c2", "model": "gpt-4o-imaginary"}]})
    found = of(made, "llm.cost")
    assert found.state is State.UNKNOWN
    assert found.values == ()
    assert "gpt-4o-imaginary" in found.reason


def test_another_service_tier_has_no_standard_price(tmp_path: Path) -> None:
    made = captured(tmp_path, {"a.jsonl": [{**CHAT, "service_tier": "flex"}]})
    found = of(made, "llm.cost")
    assert found.state is State.UNKNOWN
    assert "flex" in found.reason


@pytest.mark.parametrize(
    "task",
    [
        {"usage": {"input_tokens": 5, "output_tokens": 5, "inference_geo": "us"}, "model": "claude-opus-4-6"},
        {"custom_id": "t", "response": {"body": CHAT}},
    ],
)
def test_calls_that_are_billed_otherwise_have_no_standard_price(tmp_path: Path, task: dict[str, Any]) -> None:
    found = of(captured(tmp_path, {"a.jsonl": [task]}), "llm.cost")
    assert found.state is State.UNKNOWN
    assert "only standard prices" in found.reason


def test_a_cost_without_its_web_searches_is_a_lower_bound(tmp_path: Path) -> None:
    usage = {"input_tokens": 5, "output_tokens": 5, "server_tool_use": {"web_search_requests": 2}}
    made = captured(tmp_path, {"a.jsonl": [{"model": "claude-opus-4-6", "usage": usage}]})
    assert of(made, "llm.cost").state is State.LOWER_BOUND
    assert of(made, "llm.tokens").state is State.MEASURED


def test_responses_without_usage_make_tokens_and_cost_lower_bounds(tmp_path: Path) -> None:
    made = captured(tmp_path, {"a.jsonl": [CHAT, {"id": "c2", "object": "chat.completion", "model": "gpt-4o"}]})
    assert {of(made, metric).state for metric in ("llm.tokens", "llm.calls", "llm.cost")} == {State.LOWER_BOUND}


def test_a_scenario_whose_every_call_failed_is_unknown_and_not_free(tmp_path: Path) -> None:
    made = captured(tmp_path, {"a.jsonl": [{"error": {"code": 500}}]})
    assert {each.state for each in made.measurements} == {State.UNKNOWN}
    assert "failed" in of(made, "llm.cost").reason
    assert made.caveats[0].code == "failed calls"


def test_files_outside_the_folder_are_tasks_of_their_own(tmp_path: Path) -> None:
    logs, root = tmp_path / "logs", tmp_path / "root"
    logs.mkdir()
    root.mkdir()
    for name in "ab":
        (logs / f"{name}.jsonl").write_text(json.dumps({**CHAT, "id": name}) + "\n", encoding="utf-8")
    for pattern in (str(logs / "*.jsonl"), str(logs), "../logs/*.jsonl"):
        entry = TokensEntry("it", files=(pattern,), scenario="s")
        assert values(capture(entry, Surroundings(root, tmp_path, {}), lambda _: None), "llm.calls") == (1.0, 1.0)


def test_a_task_that_another_file_has_too_is_another_run_of_it(tmp_path: Path) -> None:
    files = {f"{name}.jsonl": [{**CHAT, "id": name, "task": "t"}] for name in "ab"}
    made = captured(tmp_path, files, "s")
    assert values(made, "llm.tokens") == (120.0, 120.0)
    assert [each.code for each in made.caveats] == ["repeated tasks"]


def test_a_call_that_is_in_two_files_is_told(tmp_path: Path) -> None:
    made = captured(tmp_path, {"a.jsonl": [CHAT], "b.jsonl": [CHAT]}, "s")
    assert [each.code for each in made.caveats] == ["calls in several files"]


@pytest.mark.parametrize("name", ["model", "scenario", "task", "id"])
@pytest.mark.parametrize("text", ["\ud800", " ", "x" * 2000, ""])
def test_any_text_makes_a_run_that_can_be_kept(tmp_path: Path, name: str, text: str) -> None:
    made = captured(tmp_path, {"a.jsonl": [{**CHAT, name: text}]})
    kept = run_format.load(run_format.dump(Run(Context(), made.measurements, made.details, made.caveats)), "run.json")
    assert len(kept.measurements) == 5


def test_order_of_calls_and_of_files_does_not_matter(tmp_path: Path) -> None:
    one, two = {**CHAT, "id": "x"}, {**CHAT, "id": "y", "model": "gpt-4o-mini"}
    forth = captured(tmp_path, {"a.jsonl": [one, two]})
    back = captured(tmp_path, {"a.jsonl": [two, one]})
    assert forth.measurements == back.measurements


def test_the_models_and_the_price_book_are_conditions(tmp_path: Path) -> None:
    made = captured(tmp_path, {"a.jsonl": [CHAT, {**CHAT, "id": "y", "model": "gpt-4o-mini"}]})
    assert dict(of(made, "llm.tokens").conditions) == {"model": "gpt-4o+gpt-4o-mini"}
    assert dict(of(made, "llm.cost").conditions)["price book"] == llm.load().id


WRITES = "import sys,pathlib; pathlib.Path(sys.argv[1]).write_text(sys.argv[2])"


def ran(tmp_path: Path, *run: str, files: tuple[str, ...] = ()) -> Capture:
    entry = TokensEntry("agent", run=run, files=files)
    return capture(entry, Surroundings(tmp_path, tmp_path, {}), lambda _: None)


def test_a_command_may_write_the_usage_first(tmp_path: Path) -> None:
    made = ran(tmp_path, sys.executable, "-c", WRITES, "{out}", json.dumps(CHAT))
    assert values(made, "llm.tokens") == (120.0,)
    assert str(of(made, "llm.tokens").series) == "llm.tokens{scenario=agent}"
    assert of(made, "llm.tokens").origin == "{out}"
    named = ran(tmp_path, sys.executable, "-c", WRITES, "log.jsonl", json.dumps(CHAT), files=("log.jsonl",))
    assert of(named, "llm.tokens").origin == "log.jsonl"


def test_a_command_that_fails_or_writes_nothing_is_told(tmp_path: Path) -> None:
    with pytest.raises(CommandFailed):
        ran(tmp_path, sys.executable, "-c", "raise SystemExit(3)", "{out}")
    with pytest.raises(InputError, match="wrote no"):
        ran(tmp_path, sys.executable, "-c", "", "{out}")
    with pytest.raises(InputError, match="no usage to read"):
        ran(tmp_path, sys.executable, "-c", "")


@pytest.mark.parametrize("pattern", ["absent.jsonl", "*.jsonl", "", "a\0b"])
def test_files_that_are_not_there_are_told(tmp_path: Path, pattern: str) -> None:
    with pytest.raises(InputError):
        ran(tmp_path, files=(pattern,))
