"""One decision, every output: right at every width, harmless whatever the data, never too long, and always the same level."""

from __future__ import annotations

import math
import os
import re
import shlex
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from markdown_it import MarkdownIt

from perfgate.core.budgets import Budget, Level, Relative, Side
from perfgate.core.compare import Tested
from perfgate.core.decision import Decision, Rule, Verdict
from perfgate.core.justifications import read_justifications
from perfgate.core.model import Measurement, Series
from perfgate.core.units import Quantity
from perfgate.render import explanation, markdown, markdown_remedies, markdown_text, terminal
from perfgate.render import text as words
from perfgate.render.annotations import render as annotations_of
from perfgate.render.text import harmless
from tests.core.making import UNIT_TESTS, baseline_of, budget, decided, measured, run
from tests.render import decisions

GOLDEN = Path(__file__).parent / "golden"


def same_as_golden(name: str, text: str) -> None:
    """Compare with the file, or write it where PERFGATE_WRITE_GOLDEN is set: look at the difference before it is committed."""
    path = GOLDEN / name
    if os.environ.get("PERFGATE_WRITE_GOLDEN"):
        path.parent.mkdir(exist_ok=True)
        path.write_text(text + "\n", encoding="utf-8")
    assert text + "\n" == path.read_text(encoding="utf-8")


@pytest.mark.parametrize("name", decisions.EVERY)
@pytest.mark.parametrize("width", [80, 120, 160])
def test_the_terminal_is_as_wide_as_it_is(name: str, width: int) -> None:
    text = terminal.render(decisions.EVERY[name](), width=width, colour=False)
    same_as_golden(f"{name}-{width}.txt", text)
    assert max(len(line) for line in text.splitlines()) <= width


def test_every_series_is_shown_where_that_is_asked_for() -> None:
    decision = decisions.mixed()
    text = terminal.render(decision, width=120, colour=False, verbose=True)
    same_as_golden("mixed-all-120.txt", text)
    assert all(str(verdict.series) in text for verdict in (*decision.verdicts, *decision.observed))


@pytest.mark.parametrize("name", decisions.EVERY)
@pytest.mark.parametrize("width", [80, 160])
def test_colour_adds_nothing_but_colour(name: str, width: int) -> None:
    decision = decisions.EVERY[name]()
    plain = terminal.render(decision, width=width, colour=False)
    coloured = terminal.render(decision, width=width, colour=True)
    assert "\x1b[" in coloured
    assert [line.rstrip() for line in re.sub(r"\x1b\[[0-9;]*m", "", coloured).splitlines()] == plain.splitlines()
    same_as_golden(f"{name}-{width}-coloured.txt", coloured.replace("\x1b", "␛"))


def test_a_long_list_still_shows_what_is_suspicious() -> None:
    decision = decisions.mixed()
    suspects = [verdict for verdict in decision.verdicts if verdict.suspect]
    text = terminal.render(decision, width=120, colour=False)
    assert [str(verdict.series) for verdict in suspects] == ["command.cpu{command=import}"]
    assert "command.cpu{command=import}" in text
    assert "tests.case_time{suite=unit}" not in text


def test_a_breach_says_how_sure_it_is_everywhere() -> None:
    decision = decisions.blocking()
    for text in (
        terminal.render(decision, width=120, colour=False),
        markdown.render(decision).replace("\u00a0", " "),
        "\n".join(annotations_of(decision)).replace("%25", "%"),
    ):
        assert "+34.1 % … +48.2 %, n = 10" in text
        assert "1 min 40 s" in text
        assert "2 min 21 s" in text


@pytest.mark.parametrize(
    ("relative", "told"),
    [
        (Relative(), "worse by 5 % / 10 %"),
        (Relative(Side.INCREASE, 0.1, 0.8), "rise 10 % / 80 %"),
        (Relative(Side.DECREASE, 0.125, 0.125), "fall 12.5 %"),
        (Relative(warn=None), "worse by 10 %"),
        (Relative(block=None), "worse by 5 % (warn)"),
        (Relative(at_least=Quantity.parse("1 kB")), "worse by 5 % / 10 % and 1 kB"),
    ],
)
@pytest.mark.parametrize("found", list(Level))
def test_a_budget_shows_what_it_warns_and_what_it_blocks_on(relative: Relative, told: str, found: Level) -> None:
    rule = budget("size.bytes", relative=relative)
    assert words.budget_of(Verdict(Series("size.bytes"), Rule.CHANGE, found, found, "", rule)) == told


def test_what_could_not_be_judged_says_how_it_could_be() -> None:
    decision = decisions.moved()
    text = terminal.render(decision, width=160, colour=False)
    assert text.count("not comparable with the baseline") == 1, "one reason, one line"
    for told in (text, markdown.render(decision), "\n".join(annotations_of(decision))):
        assert "measure on the machine class of the baseline" in told


def test_a_budget_that_met_no_series_is_annotated_too() -> None:
    (notice,) = [line for line in annotations_of(decisions.mixed()) if "prompt.tokens" in line]
    assert notice.startswith("::notice ")


def idle(*budgets: Budget) -> Decision:
    base = baseline_of([run(measured("size.bytes{path=a}", 100.0), number=1)])
    return decided(run(measured("size.bytes{path=a}", 100.0)), base, budget("size.bytes"), *budgets)


def test_the_headline_names_the_budget_that_alone_kept_a_decision_from_passing() -> None:
    decision = idle(budget("prompt.tokens{file=x}"))
    assert decision.level is Level.INCONCLUSIVE
    told = "the budget of prompt.tokens{file=x} (budgets.yaml:3) met no series: measure it, or remove that budget"
    assert words.headline(decision) == f"1 verdict: 1 pass; {told}"
    several = idle(*(budget(f"prompt.tokens{{file={name}}}", on_inconclusive=Level.WARN) for name in "abc"))
    assert several.level is Level.WARN
    assert "3 budgets met no series, prompt.tokens{file=a} (budgets.yaml:3), " in words.headline(several)
    assert "and 1 more: measure these, or remove the budgets" in words.headline(several)


def test_a_headline_with_text_from_budgets_is_harmless() -> None:
    decision = idle(budget('prompt.tokens{file="\x1b[31m@somebody <img> [a](b)"}'))
    assert "\x1b" not in terminal.render(decision, width=300, colour=False)
    said = markdown.render(decision).split("\n\n")[1]
    assert re.search(r"`prompt\.tokens[^`]*@somebody <img> \[a\]\(b\)[^`]*` \(budgets\.yaml:3\)", said)


def test_commands_to_paste_survive_any_label() -> None:
    name = "x'; rm -rf ~; echo '$(id) `id`"
    decision = hostile(name)
    series = str(decision.verdicts[0].series)
    text = terminal.render(decision, width=80, colour=False)
    comment = markdown.render(decision)
    for told in (text.partition("the numbers:")[2], comment[comment.index("perfgate explain") :]):
        assert shlex.split(told.strip().splitlines()[0]) == ["perfgate", "explain", series]


def test_a_justification_from_the_comment_is_one_that_counts() -> None:
    decision = decisions.mixed()
    found, problems = read_justifications([markdown.render(decision)])
    assert not problems
    assert {each.series for each in found} == {
        verdict.series for verdict in decision.verdicts if verdict.level is Level.WARN
    }


def test_the_comment_is_as_it_was_agreed() -> None:
    same_as_golden("mixed.md", markdown.render(decisions.mixed(), project="services/api").rstrip("\n"))


def test_the_explanation_is_as_it_was_agreed() -> None:
    decision = decisions.mixed()
    texts = [explanation.render(decision, comparison.series) for comparison in decision.comparisons]
    same_as_golden("mixed-explained.txt", "\n".join(texts).rstrip("\n"))


def test_a_family_is_explained_scenario_by_scenario() -> None:
    decision = decisions.agents()
    (family,) = decision.families
    text = explanation.render(decision, family.series)
    same_as_golden("agents-explained.txt", text.rstrip("\n"))
    assert all(str(member.series) in text for member in family.members)
    assert "judged together as llm.tokens{scenario=*}" in explanation.render(decision, family.members[1].series)


def test_a_shift_of_the_whole_run_is_in_the_headline_of_every_output() -> None:
    decision = decisions.shifted()
    for told in (terminal.render(decision, width=160, colour=False), markdown.render(decision).replace("\u00a0", " ")):
        assert "the whole run shifted ×1.3" in " ".join(told.splitlines()[:5])
    assert all("the whole run shifted" in line for line in annotations_of(decision) if "::warning" in line)


@pytest.mark.parametrize("name", decisions.EVERY)
def test_every_kind_of_comment_is_as_it_was_agreed(name: str) -> None:
    if name != "mixed":
        same_as_golden(f"{name}.md", markdown.render(decisions.EVERY[name]()).rstrip("\n"))


def test_the_explanation_answers_as_the_verdict_does() -> None:
    """What the steps say of an exact series' change, put together, is what the rule found."""

    @given(st.floats(1, 1e6), st.floats(0.5, 2.0), st.sampled_from(["", "1 B", "10 kB"]))
    @settings(deadline=None, max_examples=100)
    def law(before: float, ratio: float, floor: str) -> None:
        relative = Relative(at_least=Quantity.parse(floor) if floor else None, stated=True)
        base = baseline_of([run(measured("size.bytes{path=a}", before), number=1)])
        decision = decided(
            run(measured("size.bytes{path=a}", before * ratio)), base, budget("size.bytes", relative=relative)
        )
        (verdict,) = [each for each in decision.verdicts if each.rule is Rule.CHANGE]
        lines = explanation.render(decision, verdict.series).splitlines()
        answers = {
            found[2]: found[1] == "yes"
            for line in lines
            if (found := re.search(r"  (yes|no) +(warn|block|at_least)", line))
        }
        counts = answers.get("at_least", True)
        expected = (
            Level.BLOCK if answers["block"] and counts else Level.WARN if answers["warn"] and counts else Level.PASS
        )
        assert verdict.found is expected

    law()


@pytest.mark.parametrize("limit", range(2_500, 7_000, 500))
def test_what_does_not_fit_is_left_out_from_the_mild_end(limit: int) -> None:
    decision = decisions.mixed()
    text = markdown.render(decision, limit=limit)
    assert len(text.encode()) <= limit
    rows = re.findall(r"^\| (?:⛔|⚠️|❔|✅|▫️)\u00a0(?:would\u00a0)?(\w+) ", text, re.MULTILINE)
    breaches = sum(verdict.level >= Level.WARN for verdict in decision.verdicts)
    assert rows[:breaches] == ["block"] * 3 + ["warn"] * 4, "the breaches are all there, worst first"
    if "pass" in rows:
        assert "inconclusive" in rows
    else:
        assert "10 pass: too many for a comment" in text


def test_a_comment_keeps_its_limit_whatever_the_names() -> None:
    @given(
        st.lists(HOSTILE | st.text("`|'\U0001f600é", min_size=200, max_size=300), min_size=1, max_size=30, unique=True),
        st.integers(markdown.LEAST, 40_000),
    )
    @settings(deadline=None, max_examples=40)
    def law(names: list[str], limit: int) -> None:
        base = baseline_of([run(*(measured_as(name, 100.0) for name in names), number=1)])
        decision = decided(run(*(measured_as(name, 150.0) for name in names)), base, budget("size.bytes"))
        text = markdown.render(decision, limit=limit, project=names[0])
        assert len(text.encode()) <= limit
        assert len(re.findall("^<details>", text, re.MULTILINE)) == len(re.findall("^</details>", text, re.MULTILINE))

    law()


def measured_as(name: str, value: float) -> Measurement:
    """A size under any name at all."""
    return measured("size.bytes{path=a}", value)._replace(series=Series("size.bytes", (("path", name),)))


def test_a_comment_is_never_longer_than_github_takes_and_says_what_it_leaves_out() -> None:
    text = markdown.render(decisions.many())
    assert len(text.encode()) <= markdown.LIMIT
    assert re.search(r"and \d+ more", text)
    assert text.count("<details>") == text.count("</details>")
    assert text.count("```") % 2 == 0


def test_annotations_are_ten_of_a_kind_at_most_and_say_how_many_more() -> None:
    lines = annotations_of(decisions.many(37))
    assert len(lines) == 10
    assert lines[-1].endswith("and 28 more; the job summary has them all")


def test_a_waiver_from_the_comment_is_one_that_budgets_can_hold() -> None:
    from perfgate.formats import budgets

    text = markdown.render(decisions.mixed())
    block = re.search(r"```yaml\n(waivers:.*?)```", text, re.DOTALL)
    assert block is not None
    filled = block[1].replace('reason: ""', "reason: x").replace('owner: ""', "owner: y")
    loaded = budgets.load(("version: 1\n" + filled).encode(), "budgets.yaml")
    breached = {verdict.series for verdict in decisions.mixed().verdicts if verdict.level is Level.BLOCK}
    assert {Series(waiver.selector.metric, waiver.selector.labels) for waiver in loaded.waivers} <= breached


@given(st.floats(1e-9, 1e12))
def test_a_proposed_ceiling_is_a_little_worse_than_the_value(value: float) -> None:
    decision = decided(run(measured("tests.duration{suite=a}", value)), baseline_of([]), budget("tests.duration"))
    ceiling = Quantity.parse(markdown_remedies.ceiling(decision.comparisons[0]))
    assert value < float(ceiling.value) <= value * 1.2


@pytest.mark.parametrize(
    ("name", "history", "after"),
    [
        (UNIT_TESTS, [100.0, 108.0, 92.0, 104.0, 96.0, 100.0, 110.0, 91.0], 200.0),
        ("llm.success{scenario=a}", [0.9, 0.95, 0.8, 0.85, 0.9, 0.92, 0.88, 0.9], 0.4),
    ],
)
def test_a_proposed_ceiling_lies_where_the_next_runs_at_this_level_may_come_to_lie(
    name: str, history: list[float], after: float
) -> None:
    base = baseline_of([run(measured(name, value), number=n) for n, value in enumerate(history, 1)])
    (comparison,) = decided(run(measured(name, after)), base, budget(name)).comparisons
    assert isinstance(comparison.evidence, Tested)
    spread = math.expm1(comparison.evidence.numbers.half_width)
    bound = float(Quantity.parse(markdown_remedies.ceiling(comparison)).value)
    expected = after / (1 + spread) if comparison.better.value == "higher" else after * (1 + spread)
    assert spread > 0.1
    assert bound == pytest.approx(expected, rel=0.01)
    assert (bound <= expected) if comparison.better.value == "higher" else (bound >= expected)


def test_a_proposed_ceiling_of_a_very_noisy_series_still_ends_somewhere() -> None:
    wild = [10.0, 300.0, 20.0, 500.0, 5.0, 90.0]
    base = baseline_of([run(measured(UNIT_TESTS, value), number=n) for n, value in enumerate(wild, 1)])
    (comparison,) = decided(run(measured(UNIT_TESTS, 200.0)), base, budget(UNIT_TESTS, "1 s")).comparisons
    assert markdown_remedies.ceiling(comparison) == "400 s"


HOSTILE = st.text(st.characters(exclude_categories=["Cs"]), min_size=1, max_size=60) | st.lists(
    st.sampled_from(["@user", "#12", "GH-1", "http://x.y", "www.x.y", "![a](b)", "[a](b)", "<img src=x>", "<!--", "-->", "|", "\\|", "\\", "`", "``", "```", "\n", "\r", "\t", "\x1b[2J", "\u202e", "::error::", "%0A", ":+1:", "a@b.cd", "# h", "- l", "~~~", "*b*", "_i_", "&lt;", "</details>", "$x$"]),
    min_size=1, max_size=8,
).map("".join)  # fmt: skip


def hostile(name: str) -> Decision:
    base = baseline_of([run(measured("size.bytes{path=a}", 1.0), number=1)])
    made = measured("size.bytes{path=a}", 5.0, origin=name)
    evil = made._replace(series=Series("size.bytes", (("path", name),)))
    return decided(run(made, evil), base, budget("size.*", "1 B"))


@given(HOSTILE)
@settings(deadline=None, max_examples=150)
def test_text_from_data_moves_no_cursor_and_starts_no_command(name: str) -> None:
    decision = hostile(name)
    for text in (
        terminal.render(decision, width=100, colour=False),
        "\n".join(annotations_of(decision)),
        markdown.render(decision),
        *(explanation.render(decision, each.series) for each in decision.comparisons),
    ):
        assert harmless(text.replace("\n", "")) == text.replace("\n", "")
    assert all(
        re.match(r"::(error|warning|notice) file=budgets\.yaml,line=3,title=perfgate%3A \w+::", line)
        for line in annotations_of(decision)
    )


def test_the_comment_holds_only_the_html_that_is_perfgate_own() -> None:
    """By a second parser, which is there on every machine."""

    @given(HOSTILE)
    @settings(deadline=None, max_examples=60)
    def law(name: str) -> None:
        parser = MarkdownIt("commonmark").enable(["table", "strikethrough"])
        kinds = set()
        html = []
        for token in parser.parse(markdown.render(hostile(name), project=name)):
            for each in (token, *(token.children or ())):
                kinds.add(each.type)
                html += [each.content] if each.type.startswith("html") else []
        own = re.compile(r"(<details><summary>[\w ():,.]+</summary>|</details>|<br>)\n?")
        assert all(own.fullmatch(each) for each in html), html
        assert not kinds & {"link_open", "image", "em_open", "s_open", "blockquote_open", "hr", "code_block"}

    law()


@pytest.fixture(scope="module")
def github() -> str:
    """GitHub's own Markdown parser, as a Debian package has it."""
    found = shutil.which("cmark-gfm")
    if found is None:
        pytest.skip("cmark-gfm is not installed")
    return found


def test_text_from_data_becomes_no_link_image_mention_or_html(github: str) -> None:
    @given(st.lists(HOSTILE, min_size=1, max_size=12))
    @settings(deadline=None, max_examples=40)
    def law(names: list[str]) -> None:
        for name in names:
            texts = (markdown_text.prose(name), markdown_text.code(name))
            table = (
                "| a | b |\n|---|---|\n| "
                + " | ".join(texts)
                + " |\n\n"
                + markdown_text.block(name, "text")
                + "\n\nthe end\n"
            )
            arguments = [
                github,
                "--extension",
                "table",
                "--extension",
                "autolink",
                "--extension",
                "strikethrough",
                "--unsafe",
            ]
            html = subprocess.run(arguments, input=table, capture_output=True, text=True, check=True).stdout
            assert not re.search(r"<(a|img|details|h\d|li|em|strong|del|script|!--)\b", html), html
            assert html.count("<td>") == 2, html
            assert html.rstrip().endswith("<p>the end</p>"), html
            outside = re.sub(r"<code.*?</code>", "", html, flags=re.DOTALL)
            assert not re.search(r"@|#\d|:\+1:|www\.|://", outside), outside

    law()


def test_the_whole_comment_is_well_formed_for_github(github: str) -> None:
    for made in (decisions.mixed(), decisions.passing(), decisions.first(), hostile("</details>`|@all\n# x")):
        arguments = [github, "--extension", "table", "--extension", "autolink", "--unsafe"]
        html = subprocess.run(arguments, input=markdown.render(made), capture_output=True, text=True, check=True).stdout
        assert html.count("<details>") == html.count("</details>")
        assert "<a " not in html
        assert "<table>" in html
