"""RSpec's JSON formatter: https://rspec.info/features/3-13/rspec-core/formatters/json-formatter/; times are seconds."""

from __future__ import annotations

from typing import BinaryIO

from perfgate.adapters import suite_json
from perfgate.adapters.suite_report import Report


def read(stream: BinaryIO, where: str, report: Report) -> None:
    """Add the examples. The summary's duration is the wall time of the examples, without loading the files."""
    value = suite_json.load(stream, where)
    cases = suite_json.Cases(report, where)
    for each in suite_json.objects(value.get("examples")):
        file = suite_json.text(each.get("file_path")).removeprefix("./")
        home = file.removesuffix(".rb").replace("/", ".")
        name = suite_json.text(each.get("full_description")) or suite_json.text(each.get("description"))
        case = cases.add(home, name, file)
        report.ids[case] = suite_json.text(each.get("id"))
        if each.get("status") == "pending":
            cases.skip(case)
            continue
        if each.get("status") != "passed":
            cases.fail(case)
        cases.time(case, each.get("run_time"))
    summary = value.get("summary")
    told = summary if isinstance(summary, dict) else {}
    report.loose_failures += int(suite_json.seconds(told.get("errors_outside_of_examples_count")) or 0)
    wall = suite_json.seconds(told.get("duration"))
    report.end_file("rspec", 1e-9, wall or None, "" if wall else "the report tells no wall time")
