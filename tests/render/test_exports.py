"""Exports: each holds the whole decision in the form its readers ask for, whatever the names in it."""

from __future__ import annotations

import json
import re
from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import Any
from xml.etree import ElementTree as ET

import pytest
from hypothesis import given, settings

from perfgate.adapters import junit as junit_reader
from perfgate.adapters.suite_report import Report
from perfgate.core.budgets import Level
from perfgate.core.decision import Circumstances, Decision
from perfgate.core.model import Caveat
from perfgate.render import code_quality, junit, open_metrics, sarif
from perfgate.render.annotations import render as annotations_of
from perfgate.render.places import Place, place_of
from perfgate.render.text import harmless
from tests.core.making import budget
from tests.render import decisions
from tests.render.test_outputs import HOSTILE, hostile, same_as_golden

NOTHING = Decision(Level.INCONCLUSIVE, (), (), (), circumstances=Circumstances(today=date(2026, 11, 21)))
EVERY: dict[str, Callable[[], Decision]] = {**decisions.EVERY, "mixed": decisions.mixed, "nothing": lambda: NOTHING}


def levels_of(made: Decision) -> list[Level]:
    return [verdict.level for verdict in made.verdicts] + [each.level for each in made.unmatched]


# --- SARIF ------------------------------------------------------------------------------------------------------------


def check_sarif(text: str) -> list[dict[str, Any]]:
    """What the schema of SARIF 2.1.0 and GitHub's code scanning ask for; the results."""
    log = json.loads(text)
    assert log["version"] == "2.1.0"
    (run,) = log["runs"]
    driver = run["tool"]["driver"]
    assert driver["name"] == "perfgate"
    ids = [rule["id"] for rule in driver["rules"]]
    assert len(set(ids)) == len(ids)
    assert all(rule["shortDescription"]["text"] for rule in driver["rules"])
    results: list[dict[str, Any]] = run["results"]
    assert len(results) <= sarif.MOST
    for result in results:
        assert ids[result["ruleIndex"]] == result["ruleId"]
        assert result["level"] in {"error", "warning", "note"}
        assert result["message"]["text"]
        (location,) = result["locations"]
        physical = location["physicalLocation"]
        assert re.fullmatch(r"[\w./%~-]+", physical["artifactLocation"]["uri"])
        assert physical["region"]["startLine"] >= 1
        assert re.fullmatch("[0-9a-f]{32}", result["partialFingerprints"]["perfgate/v1"])
    return results


@pytest.mark.parametrize("name", EVERY)
def test_sarif_has_a_result_for_every_verdict_that_did_not_pass(name: str) -> None:
    made = EVERY[name]()
    results = check_sarif(sarif.render(made))
    levels = {"error": Level.BLOCK, "warning": Level.WARN, "note": Level.INCONCLUSIVE}
    for word, level in levels.items():
        expected = made.number_at(level) + sum(each.level is level for each in made.unmatched)
        assert sum(result["level"] == word for result in results) == expected


def test_sarif_of_more_results_than_are_taken_says_how_many_are_left_out() -> None:
    made = decisions.many(sarif.MOST + 7)
    text = sarif.render(made)
    assert len(check_sarif(text)) == sarif.MOST
    (told,) = json.loads(text)["runs"][0]["invocations"][0]["toolExecutionNotifications"]
    assert told["message"]["text"].startswith("7 more results are not listed")


# --- JUnit ------------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("fail_on", ["warn", "block", "never"])
@pytest.mark.parametrize("name", EVERY)
def test_junit_can_be_read_by_our_own_reader_and_says_the_same(name: str, fail_on: str, tmp_path: Path) -> None:
    made = EVERY[name]()
    text = junit.render(made, fail_on=fail_on)
    path = tmp_path / "verdicts.xml"
    path.write_text(text, encoding="utf-8")
    report = Report()
    if name == "nothing":
        assert 'tests="0"' in text
        return
    with path.open("rb") as stream:
        junit_reader.read(stream, "verdicts.xml", report)
    root = ET.fromstring(text)
    cases = root.findall("testsuite/testcase")
    assert len(report.states) == len(cases) == len(made.verdicts) + len(made.unmatched)
    told = {"warn": (Level.WARN, Level.BLOCK), "block": (Level.BLOCK,), "never": ()}[fail_on]
    every = levels_of(made)
    assert len(root.findall("testsuite/testcase/failure")) == sum(level in told for level in every)
    assert len(root.findall("testsuite/testcase/skipped")) == sum(level is Level.INCONCLUSIVE for level in every)
    assert root.get("failures") == str(sum(level in told for level in every))


# --- GitLab -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", EVERY)
def test_code_quality_is_what_gitlab_asks_for(name: str) -> None:
    made = EVERY[name]()
    text = code_quality.render(made, folder="services/api")
    issues = json.loads(text)
    assert not text.startswith("\ufeff")
    every = levels_of(made)
    assert len(issues) == sum(level is not Level.PASS for level in every)
    assert len({each["fingerprint"] for each in issues}) == len(issues)
    for each in issues:
        assert set(each) == {"description", "check_name", "fingerprint", "severity", "location"}
        assert each["severity"] in {"info", "minor", "major", "critical", "blocker"}
        assert each["location"] == {"path": "services/api/budgets.yaml", "lines": {"begin": 3}}


def test_a_finding_keeps_its_fingerprint_when_values_and_lines_change() -> None:
    def of(made: Decision) -> list[str]:
        return [each["fingerprint"] for each in json.loads(code_quality.render(made))]

    made = decisions.blocking()
    moved = made._replace(
        verdicts=tuple(
            each._replace(reason="+99 %", budget=each.budget._replace(place="budgets.yaml:77"))
            for each in made.verdicts
        )
    )
    assert of(made) == of(moved)


@pytest.mark.parametrize("name", EVERY)
def test_metrics_hold_every_known_value_once(name: str) -> None:
    made = EVERY[name]()
    text = open_metrics.render(made)
    samples = check_metrics(text)
    assert len(samples) == sum(each.after is not None for each in made.comparisons)
    if name == "block":
        same_as_golden("block.openmetrics", text.rstrip("\n"))


def check_metrics(text: str) -> list[str]:
    """The grammar of OpenMetrics for gauges; the samples."""
    assert text.endswith("# EOF\n")
    name, samples = "", []
    for line in text.splitlines()[:-1]:
        if line.startswith("# TYPE "):
            name = line.split()[2]
            assert re.fullmatch(r"[a-z_][a-z0-9_]* gauge", line[7:])
        elif line.startswith("# UNIT "):
            assert name.endswith(f"_{line.split()[3]}")
        else:
            label = r'[a-z_][a-z0-9_]*="(?:[^"\\\n]|\\[\\"n])*"'
            number = r"-?\d+(?:\.\d+)?(?:e[+-]?\d+)?"
            assert re.fullmatch(rf"{name}(?:\{{{label}(?:,{label})*\}})? {number}", line), line
            samples.append(line)
    assert len({line.rpartition(" ")[0] for line in samples}) == len(samples)
    return samples


# --- places -----------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "folder", "place"),
    [
        ("budgets.yaml:12", "", Place("budgets.yaml", 12)),
        ("budgets.yaml:12", "services/api", Place("services/api/budgets.yaml", 12)),
        ("origin/main:budgets.yaml:7", "", Place("budgets.yaml", 7)),
        ("./budgets.yaml:1", "a", Place("a/budgets.yaml", 1)),
        ("default", "", Place("budgets.yaml", 1)),
        ("../../etc/passwd:3", "", Place("budgets.yaml", 3)),
        ("/etc/passwd:3", "a/b", Place("a/b/budgets.yaml", 3)),
        ("a\nb,line=9:5", "", Place("budgets.yaml", 5)),
        ("budgets.yaml:0", "", Place("budgets.yaml", 1)),
    ],
)
def test_the_place_of_a_budget_is_a_line_of_a_file_inside_the_repository(
    written: str, folder: str, place: Place
) -> None:
    assert place_of(budget("size.bytes", place=written), folder) == place


def test_annotations_stand_on_the_line_of_the_budget_unless_the_change_has_other_lines() -> None:
    made = decisions.blocking()
    first = annotations_of(made, project="services/api")[0]
    assert first.startswith(
        "::error file=services/api/budgets.yaml,line=3,title=perfgate in services/api%3A block::tests.duration"
    )
    edited = made._replace(caveats=(Caveat("budgets edited", "this change edits budgets.yaml"),))
    assert annotations_of(edited)[0].startswith("::error title=perfgate%3A block::")


# --- any name ---------------------------------------------------------------------------------------------------------


@given(HOSTILE)
@settings(deadline=None, max_examples=80)
def test_no_name_breaks_an_export_or_an_annotation(name: str) -> None:
    made = hostile(name)
    check_sarif(sarif.render(made))
    assert len(json.loads(code_quality.render(made))) >= 2
    ET.fromstring(junit.render(made))
    check_metrics(open_metrics.render(made))
    for text in (sarif.render(made), junit.render(made), code_quality.render(made), open_metrics.render(made)):
        text.encode()
        flat = text.replace("\n", "")
        assert harmless(flat) == flat
    evil = tuple(each._replace(budget=each.budget._replace(place=f"{name}:4")) for each in made.verdicts)
    for line in annotations_of(made._replace(verdicts=evil), project=name):
        command, _, rest = line[2:].partition("::")
        assert "\n" not in line
        assert "\r" not in line
        kind, _, properties = command.partition(" ")
        assert kind in {"error", "warning", "notice"}
        assert {"title"} <= {each.partition("=")[0] for each in properties.split(",")} <= {"file", "line", "title"}
        assert "%" not in re.sub("%(25|0A|0D|3A|2C)", "", line)
        assert rest
