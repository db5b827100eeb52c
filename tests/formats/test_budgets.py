"""budgets.yaml: what is meant is read, what is not is refused at its line, and nothing changes its meaning silently."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perfgate.core.budgets import Budget, Budgets, Enforce, Judge, Level, Relative, Rerun, Side
from perfgate.core.entries import CommandEntry, SizeEntry, TestsEntry, Versus
from perfgate.core.model import Selector, Series
from perfgate.errors import InputError, PerfgateError
from perfgate.formats import budgets as budgets_format
from perfgate.formats import schema, strict_yaml

HEAD = "version: 1\n"
EXAMPLE = """\
version: 1
measure:
  unit tests:
    tests: {run: "pytest -q --junitxml {out}", suite: unit}
  start-up:
    command: {run: perfgate --version, runs: 20, versus: base}   # versus: base -> suspects, or always
baseline: {store: directory, path: baselines, window: 100, keep: 400}
defaults: {warn: 5%, block: 10%, min_effect: 3%, tolerance: 10%, on_missing: block, on_inconclusive: pass, enforce: block}
rerun: {times: 2, within: 10 min, never: ["llm.*"]}
budgets:
  - series: "pipeline.duration{workflow=ci.yml}"
    when: {branch: main}
    limit: 15 min            # warn above it, block above limit + tolerance
  - series: "infra.cost{environment=dev}"
    limit: 500 USD/month
    max_increase: {warn: 5%, at_least: 5 USD/month}
  - series: "tests.duration{suite=unit}"
    limit: 2 min
  - series: "llm.cost{scenario=*}"
    limit: 0.10 USD/task
  - series: llm.tokens
    max_increase: {block: 10%}
    judge: family
    enforce: observe
waivers:
  - series: "tests.duration{suite=unit}"
    ceiling: 2 min 40 s
    until: 2026-12-31
    reason: integration fixtures moved here, split is PR 123
    owner: "@platform"
"""


def load(text: str) -> Budgets:
    return budgets_format.load(text.encode(), "budgets.yaml")


def one(text: str) -> Budget:
    (found,) = load(HEAD + "budgets:\n" + text).budgets
    return found


def refused(text: str) -> str:
    with pytest.raises(InputError) as caught:
        load(text)
    assert re.match(r"budgets\.yaml(:\d+)*$", caught.value.where), caught.value.where
    return str(caught.value)


def test_braces_that_belong_to_the_command_are_left_alone() -> None:
    words = '["curl", "-w", "%{http_code} {} {output} {0}", "{\\"a\\": 1}", "{python}", "{out}/x"]'
    (entry,) = load(HEAD + f"measure:\n  a: {{command: {{run: {words}}}}}\n").entries
    assert isinstance(entry, CommandEntry)
    assert entry.run == ("curl", "-w", "%{http_code} {} {output} {0}", '{"a": 1}', "{python}", "{out}/x")


def test_both_sides_of_one_series_may_be_limited() -> None:
    both = "budgets:\n  - {series: tests.count, max_increase: 20%}\n  - {series: tests.count, max_decrease: 5%}\n"
    assert [each.relative and each.relative.side for each in load(HEAD + both).budgets] == [
        Side.INCREASE,
        Side.DECREASE,
    ]


def test_the_example_of_the_design_is_read() -> None:
    found = load(EXAMPLE)
    assert [str(budget.selector) for budget in found.budgets][-1] == "llm.tokens"
    assert found.budgets[-1].judge is Judge.FAMILY
    assert found.budgets[-1].enforce is Enforce.OBSERVE
    assert found.budgets[1].relative == Relative(Side.INCREASE, 0.05, 0.10, found.budgets[1].relative.at_least, True)  # type: ignore[union-attr]
    assert found.waivers[0].until == date(2026, 12, 31)
    assert found.entries == (
        TestsEntry("unit tests", ("pytest", "-q", "--junitxml", "{out}"), (), "unit"),
        CommandEntry("start-up", ("perfgate", "--version"), 20, versus=Versus.SUSPECTS),
    )
    assert found.rerun == Rerun(2, 600.0, (Selector("llm.*"),))
    assert found.notes == ()


def test_without_rerun_nothing_is_measured_again() -> None:
    series = Series.of("tests.duration", suite="unit")
    assert not load(HEAD).rerun.allows(series)
    assert load(HEAD + "rerun: {}\n").rerun.allows(series)
    assert load(HEAD + "rerun: {}\n").rerun == Rerun(times=2, within=600.0)
    assert not load(HEAD + "rerun: {times: 0}\n").rerun.allows(series)
    assert not load(HEAD + 'rerun: {never: ["tests.*"]}\n').rerun.allows(series)


def test_the_example_in_the_design_itself_is_read(shared_data: Path) -> None:
    design = (shared_data.parent / "design.md").read_text(encoding="utf-8")
    (example,) = re.findall(r"```yaml\n(version: 1\n.*?)```", design, re.DOTALL)
    found = load(example)
    assert len(found.budgets) == 7
    assert len(found.waivers) == 1
    assert len(found.entries) == 2
    schema.check("budgets", values_of(strict_yaml.load(example.encode(), "design.md")), "design.md")


def values_of(node: strict_yaml.Node) -> Any:
    """The plain values of a file, as the loader and any YAML 1.2 editor see them."""
    if isinstance(node.value, dict):
        return {key: values_of(value) for key, value in node.value.items()}
    return [values_of(each) for each in node.value] if isinstance(node.value, list) else node.value


def places(value: Any, way: tuple[str | int, ...] = ()) -> Iterator[tuple[str | int, ...]]:
    """The way to every value inside a value."""
    if way:
        yield way
    inside = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, each in inside:
        yield from places(each, (*way, key))


EVERYTHING = """\
measure:
  jobs: {pipeline: {from: jobs.json, attempt: 1, workflow: ci, repository: a/b}}
  calls: {tokens: {files: "*.jsonl", run: make calls, scenario: chat}}
  bill: {cost: {infracost: cost.json, environment: dev}}
  speed: {bench: {files: [bench.json], tool: csv, better: lower}}
  wheel: {size: {paths: "dist/*.whl", run: [make, wheel]}}
  reports: {tests: {junit: "*.xml"}}
  fast: {command: {run: x, prepare: [make, -s], runs: 3, warmup: 0, versus: base always}}
  all of it: {command: {run: "x {k} {j}", setup: make, prepare: [sync], cleanup: rm x, runs: 3, warmup: 0, until: 2%, max_time: 5 min, timeout: 30 s, accept: [0, 1], ignore_failure: false, input: in.txt, shell: false, parameters: {k: 1..8, j: [a, b]}}}
  piped: {command: {run: "a | b", shell: true, accept: 3}}
budgets:
  - series: tests.count
    max_decrease: 5%
    tolerance: 1%
    min_effect: 1%
    on_missing: pass
    on_inconclusive: warn
    when: {branch: [main], event: push, label: slow, paths: [src], ci: true}
"""


def test_whatever_is_accepted_the_schema_accepts_too(root: Path) -> None:
    from jsonschema import Draft202012Validator

    valid = Draft202012Validator(json.loads(schema.text("budgets"))).is_valid
    whole, more = (values_of(strict_yaml.load(text.encode(), "budgets.yaml")) for text in (EXAMPLE, EVERYTHING))
    whole["measure"] |= more["measure"]
    whole["budgets"] += more["budgets"]
    files = [whole, values_of(strict_yaml.load((root / "budgets.yaml").read_bytes(), "budgets.yaml"))]
    others: list[Any] = [None, True, 5, 20261231, "", "base  always", " 5 % ", [], {}, [None]]
    for way in places(whole):
        for other in others:
            changed = copy.deepcopy(whole)
            holder = changed
            for key in way[:-1]:
                holder = holder[key]
            holder[way[-1]] = other
            files.append(changed)
    accepted = 0
    for value in files:
        text = json.dumps(value)
        try:
            load(text)
        except InputError:
            continue
        accepted += 1
        assert valid(values_of(strict_yaml.load(text.encode(), "budgets.yaml"))), text
    assert accepted > 200


def test_every_key_says_in_an_editor_what_it_is() -> None:
    def silent(part: Any, way: str = "") -> Iterator[str]:
        for name, inside in part.get("properties", {}).items():
            told = [inside, *inside.get("anyOf", ())]
            if not any("description" in each for each in told):
                yield f"{way}.{name}"
            yield from silent(inside, f"{way}.{name}")
        for each in (part.get("items"), part.get("additionalProperties"), *part.get("anyOf", ())):
            if each:
                yield from silent(each, way)

    assert not list(silent(json.loads(schema.text("budgets"))))


def test_a_short_relative_limit_is_the_block_with_the_usual_warning() -> None:
    assert one("  - {series: tests.duration, max_increase: 20%}\n").relative == Relative(
        Side.INCREASE, 0.05, 0.20, None, True
    )
    assert one("  - {series: tests.duration, max_increase: 2%}\n").relative == Relative(
        Side.INCREASE, 0.02, 0.02, None, True
    )
    assert one("  - {series: tests.duration, max_increase: {warn: 30%}}\n").relative == Relative(
        Side.INCREASE, 0.30, 0.30, None, True
    )
    assert one("  - {series: tests.duration, max_increase: none, limit: 1 s}\n").relative is None


def test_a_budget_without_its_own_numbers_has_those_of_the_defaults() -> None:
    found = load(
        HEAD + "defaults: {warn: 1%, block: 2%, tolerance: 0%, on_missing: warn}\nbudgets:\n  - series: size.bytes\n"
    ).budgets[0]
    assert found.relative == Relative(Side.WORSE, 0.01, 0.02)
    assert (found.tolerance, found.on_missing) == (0.0, Level.WARN)


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("", "the file is empty"),
        ("# nothing\n", "the file is empty"),
        ("budgets: []\n", '"version" is missing'),
        ("version: 2\n", "upgrade"),
        ("version: one\n", "not a version"),
        (HEAD + "budget: []\n", 'did you mean "budgets"'),
        (HEAD + "budgets:\n  - limit: 1 s\n", '"series" is missing'),
        (HEAD + "budgets:\n  - series: tests.duratoin\n", 'did you mean "tests.duration"'),
        (HEAD + "budgets:\n  - series: tests.duration{suit=unit}\n", 'did you mean "suite"'),
        (HEAD + "budgets:\n  - {series: tests.duration, limit: 1:30}\n", "1 min 30 s"),
        (HEAD + "budgets:\n  - {series: tests.failed, limit: 014}\n", "leading zero"),
        (HEAD + "budgets:\n  - {series: tests.duration, limit: 12}\n", "counted in"),
        (HEAD + "budgets:\n  - {series: tests.duration, limit: 3 MB}\n", "counted in B"),
        (HEAD + "budgets:\n  - {series: tests.duration, limit: -3 s}\n", "negative"),
        (HEAD + "budgets:\n  - <<: {limit: 1 s}\n    series: tests.duration\n", "merge keys (<<)"),
        (HEAD + "defaults: {warn: 1e999}\n", "larger than any number"),
        (
            HEAD + 'measure:\n  a: {tests: {run: "{pyton} -m pytest"}}\n',
            '3:20: {pyton} is not a placeholder\n  did you mean "{python}"? known are {python} (the interpreter',
        ),
        (HEAD + 'measure:\n  a: {tests: {run: ["x", "--junit={ouut}"]}}\n', 'did you mean "{out}"? known are {python}'),
        (
            HEAD + 'measure:\n  a: {command: {run: "{program}"}}\n',
            "{program} is not a placeholder\n  known are {python}",
        ),
        (HEAD + "budgets:\n  - {series: tests.duration, max_increase: 5}\n", '"5%"'),
        (HEAD + "budgets:\n  - {series: tests.duration, max_increase: 0.05}\n", '"5%"'),
        (HEAD + "budgets:\n  - {series: tests.duration, max_decrease: 5%}\n", "max_increase"),
        (
            HEAD + "budgets:\n  - {series: tests.count, max_decrease: 5%, max_increase: 5%}\n",
            "give the other side a budget of its own",
        ),
        ("version: true\n", "not a version"),
        ("version: 1.0\n", "not a version"),
        (HEAD + "budgets:\n  - series: bench\n", 'did you mean "bench.*"'),
        (HEAD + "budgets:\n  - series: size.bytes\n  - series: size.bytes\n", "second budget without a limit"),
        (
            HEAD
            + "budgets:\n  - {series: tests.count, max_increase: 5%}\n  - {series: tests.count, max_increase: 9%}\n",
            "second limit on its increase here, the first is in line 3",
        ),
        (
            HEAD
            + "budgets:\n  - {series: tests.count, max_increase: none}\n  - {series: tests.count, max_decrease: 9%}\n",
            "second limit on its decrease here, the first is in line 3",
        ),
        (HEAD + "baseline: {path: .git/baselines}\n", "cannot lie there"),
        (HEAD + 'baseline: {path: "base\\nlines"}\n', "cannot lie there"),
        (HEAD + "budgets:\n  - {series: tests.duration, max_increase: {warn: 10%, block: 5%}}\n", "below warn"),
        (HEAD + "budgets:\n  - {series: tests.duration, when: {ci: on}}\n", "true or false"),
        (HEAD + "budgets:\n  - {series: tests.duration, enforce: blok}\n", 'did you mean "block"'),
        (
            HEAD + "budgets:\n  - series: tests.duration\n    limit: 1 s\n  - series: tests.duration\n    limit: 2 s\n",
            "the first is in line 3",
        ),
        (HEAD + "budgets:\n  - series: tests.duration\n    limit: 1 s\n    limit: 2 s\n", "first in line 4"),
        (HEAD + "budgets: {series: tests.duration}\n", "a list is wanted"),
        (HEAD + "defaults: {warn: .inf}\n", "not a number"),
        (HEAD + "baseline: {store: bucket}\n", "directory"),
        (HEAD + "baseline: {path: ../elsewhere}\n", "leads out"),
        (HEAD + "baseline: {branch: perfgate-data}\n", "only the store git-ref"),
        (HEAD + "baseline: {store: git-ref, branch: --force}\n", 'no "-" at its beginning'),
        (HEAD + "baseline: {store: git-ref, branch: refs/heads/x}\n", "leave refs/heads/ out"),
        (HEAD + "baseline: {store: git-ref, branch: a..b}\n", 'no ".."'),
        (HEAD + 'baseline: {store: git-ref, branch: "a b"}\n', "no blanks"),
        (HEAD + "baseline: {store: git-ref, branch: a.lock}\n", ".lock"),
        (HEAD + 'baseline: {remote: "ext::sh -c id"}\n', "name of a remote"),
        (HEAD + "baseline: {remote: ../r}\n", "name of a remote"),
        (HEAD + "baseline: {remote: --upload-pack=x}\n", "name of a remote"),
        (HEAD + "measure:\n  a: {command: {run: 'make | tee log'}}\n", "without a shell"),
        (HEAD + "measure:\n  a: {command: {run: 'echo \"$HOME\"'}}\n", "without a shell"),
        (HEAD + "measure:\n  a: {command: {run: 'echo \"`date`\"'}}\n", "without a shell"),
        (HEAD + "measure:\n  a: {command: {run: 'X=1 make'}}\n", "NAME=value"),
        (HEAD + "budgets:\n  - {series: tests.duration, limit: 1e29 min 1 s}\n", "not a quantity"),
        (HEAD + "budgets:\n  - {series: tests.duration, limit: " + "9" * 60 + " min 1 s}\n", "larger than anything"),
        (HEAD + "measure:\n  a: {command: {runs: 3}}\n", '"run" is missing'),
        (HEAD + "measure:\n  a: {command: {run: x, runs: 0}}\n", "from 1"),
        (HEAD + "measure:\n  a: {commnad: {run: x}}\n", 'did you mean "command"'),
        (HEAD + "measure:\n  a: {command: {run: x}, size: {paths: y}}\n", "2 kinds"),
        (
            HEAD + "waivers:\n  - {series: tests.*, ceiling: 1 s, until: 2026-01-01, reason: x, owner: y}\n",
            "not a pattern",
        ),
        (
            HEAD + "waivers:\n  - {series: tests.duration, ceiling: 1 s, until: 31.12.2026, reason: x, owner: y}\n",
            "2026-12-31",
        ),
        (
            HEAD + "waivers:\n  - {series: tests.duration, ceiling: 1 s, until: 20261231, reason: x, owner: y}\n",
            "write it as 2026-12-31",
        ),
        (
            HEAD + "waivers:\n  - {series: tests.duration, ceiling: 1 s, until: 2026-W53-1, reason: x, owner: y}\n",
            "write it as 2026-12-31",
        ),
        (
            HEAD + "waivers:\n  - {series: tests.duration, ceiling: 1 s, until: 2026-01-01, reason: '', owner: y}\n",
            "empty",
        ),
        (
            HEAD + "waivers:\n  - {series: tests.duration, ceiling: 1 s, until: 2026-01-01, reason: x}\n",
            '"owner" is missing',
        ),
        ("version: &v 1\n", "anchors"),
        ("version: !!int 1\n", "tags"),
        (HEAD + "---\nversion: 1\n", "second document"),
        (HEAD + "budgets:\n\t- a\n", "tabs"),
        ("version: 1\nbudgets: [" + "[" * 100 + "]" * 100 + "]\n", "nested deeper"),
        ("version: \x00\n", "cannot be read"),
        ("version: 'a\n", "not YAML"),
    ],
)
def test_a_mistake_is_told_with_its_place_and_what_to_write(text: str, told: str) -> None:
    assert told in refused(text)


def test_bytes_that_are_no_text_and_files_that_are_too_large_are_refused() -> None:
    for data in (b"version: \xff", b"#" * (1024 * 1024 + 1), b"\xff\xfev\x00"):
        with pytest.raises(InputError):
            budgets_format.load(data, "budgets.yaml")


@pytest.mark.parametrize(
    "text",
    [
        "budgets:\n  - {series: tests.count, limit: '" + "0" * 5000 + "1'}\n",
        "budgets:\n  - {series: tests.count, limit: " + "9" * 5000 + "}\n",
        "budgets:\n  - {series: tests.duration, limit: 5 " + "x" * 5000 + "}\n",
        "budgets:\n  - {series: tests.duration, limit: 5 s/" + "x" * 5000 + "}\n",
        "budgets:\n  - {series: tests.duration, max_increase: " + "9" * 5000 + "%}\n",
        "budgets:\n  - {series: " + "x" * 5000 + "}\n",
        "budgets:\n  - {series: 'tests.duration{" + "x" * 5000 + "=1}'}\n",
        "budgets:\n  - {series: tests.duration, enforce: " + "x" * 5000 + "}\n",
        "baseline: {store: " + "x" * 5000 + "}\n",
        "baseline: {window: " + "1" * 5000 + "}\n",
        "defaults: {" + "x" * 900 + ": 1}\n",
    ],
)
def test_what_a_hostile_file_says_is_cut_short_in_the_message(text: str) -> None:
    with pytest.raises(InputError) as caught:
        load(HEAD + text)
    assert len(caught.value.what) <= 200
    assert len(caught.value.remedy) <= 200


@pytest.mark.parametrize(
    ("line", "words"),
    [
        (r"""tool "a | b; c" '$HOME | x' --x=1""", ("tool", "a | b; c", "$HOME | x", "--x=1")),
        (r"""tool \| \"b""", ("tool", "|", '"b')),
        (r"""tool "say \"a;b\"" """, ("tool", 'say "a;b"')),
        (r"""tool \"| b" c" """, ()),
        (r"""tool "$(date)" """, ()),
        (r"""tool "${X}" """, ()),
    ],
)
def test_only_what_a_shell_would_act_upon_is_taken_for_a_shell_line(line: str, words: tuple[str, ...]) -> None:
    text = HEAD + f"measure:\n  a: {{command: {{run: {json.dumps(line)}}}}}\n"
    if words:
        assert load(text).entries == (CommandEntry("a", words),)
    else:
        assert "without a shell" in refused(text)


def test_a_hundred_megabytes_are_no_budgets(tmp_path: Path) -> None:
    file = tmp_path / "budgets.yaml"
    with file.open("wb") as opened:
        opened.truncate(100 * 1024 * 1024)
    with pytest.raises(InputError, match="larger than"):
        budgets_format.read(file, "budgets.yaml")


def test_one_series_may_have_a_limit_and_a_relative_limit_in_two_places_or_in_two_circumstances() -> None:
    two = "budgets:\n  - {series: size.bytes, limit: 1 MB}\n  - {series: size.bytes, max_increase: 5%}\n"
    assert len(load(HEAD + two).budgets) == 2
    two = "budgets:\n  - {series: size.bytes, limit: 1 MB}\n  - {series: size.bytes, limit: 2 MB, when: {branch: x}}\n"
    assert len(load(HEAD + two).budgets) == 2


def test_windows_line_ends_and_a_byte_order_mark_are_read() -> None:
    found = budgets_format.load(b"\xef\xbb\xbf" + EXAMPLE.replace("\n", "\r\n").encode(), "budgets.yaml")
    assert found.budgets == load(EXAMPLE).budgets


def test_words_that_yaml_once_took_for_booleans_stay_words() -> None:
    found = load(HEAD + 'budgets:\n  - {series: tests.duration, when: {branch: [on, "off", no, 1.10]}}\n')
    assert found.budgets[0].when.branch == ("on", "off", "no", "1.10")


def test_a_command_is_split_into_words_or_given_as_words() -> None:
    found = load(
        HEAD
        + "measure:\n  a: {command: {run: \"tool 'two words' --x\"}}\n  b: {size: {paths: [a, b]}}\n  c: {command: {run: [sh, -c, 'a | b']}}\n"
    )
    assert found.entries[0] == CommandEntry("a", ("tool", "two words", "--x"))
    assert found.entries[1] == SizeEntry("b", (), ("a", "b"))
    assert found.entries[2] == CommandEntry("c", ("sh", "-c", "a | b"))


def test_budgets_for_single_tests_ask_for_their_series() -> None:
    assert load(HEAD + 'budgets:\n  - {series: "tests.case_time{test=*slow*}", limit: 1 s}\n').wants_case_series()
    assert not load(HEAD + "budgets:\n  - {series: tests.case_time, limit: 1 s}\n").wants_case_series()


@given(st.data())
@settings(deadline=None, max_examples=120)
def test_damaged_budgets_give_budgets_or_an_error_of_ours(data: st.DataObject) -> None:
    text = bytearray(EXAMPLE.encode())
    for _ in range(data.draw(st.integers(1, 4))):
        at = data.draw(st.integers(0, len(text) - 1))
        text[at : at + data.draw(st.integers(0, 6))] = data.draw(
            st.binary(max_size=4) | st.sampled_from([b"*", b"&a", b"{", b"]", b": ", b"\t", b"!x"])
        )
    try:
        assert isinstance(budgets_format.load(bytes(text), "budgets.yaml"), Budgets)
    except PerfgateError as error:
        assert error.where.startswith("budgets.yaml")


def test_a_command_may_have_all_that_the_command_line_has() -> None:
    (whole, piped) = [
        entry for entry in load(f"version: 1\n{EVERYTHING}").entries if entry.name in {"all of it", "piped"}
    ]
    assert isinstance(whole, CommandEntry)
    assert (
        whole[1:-1]
        == CommandEntry(
            "it",
            ("x", "{k}", "{j}"),
            runs=3,
            warmup=0,
            prepare=("sync",),
            setup=("make",),
            cleanup=("rm", "x"),
            until=0.02,
            most=300.0,
            timeout=30.0,
            accept=(0, 1),
            input="in.txt",
            parameters=(("k", tuple("12345678")), ("j", ("a", "b"))),
        )[1:-1]
    )
    assert isinstance(piped, CommandEntry)
    assert (piped.run, piped.shell, piped.accept) == (("a | b",), True, (3,))


@pytest.mark.parametrize(
    ("body", "told"),
    [
        ("{run: x, until: 0%}", "no precision"),
        ("{run: x, timeout: 3 MB}", "not a time"),
        ("{run: x, accept: 256}", "from 0 to 255"),
        ("{run: x, accept: []}", "no exit code"),
        ("{run: 'x {k}', parameters: {k: 8..1}}", "has no values"),
        ("{run: 'x {k}', parameters: {k: [a, a]}}", "each once"),
        ("{run: 'x {K}', parameters: {K: 1}}", "cannot be the name of a parameter"),
        ("{run: x, parameters: []}", "where parameters are wanted"),
        ("{run: 'x {a}', parameters: {a: 1..100, b: 1..100}}", "more than 1,000 combinations"),
        ("{run: 'x {k}', parameters: {k: 1}, versus: base}", "do not go together"),
        ("{run: 'a | b', shell: yes}", "neither true nor false"),
    ],
)
def test_what_a_command_cannot_mean_is_refused_with_its_place(body: str, told: str) -> None:
    with pytest.raises(InputError) as caught:
        load(f"version: 1\nmeasure:\n  it: {{command: {body}}}\n")
    assert told in str(caught.value)
    assert caught.value.where.startswith("budgets.yaml:3:")
