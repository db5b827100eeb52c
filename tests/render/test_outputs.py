"""One decision, every output: right at every width, harmless whatever the data, never too long, and always the same level."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perfgate.core.budgets import Level
from perfgate.core.decision import Decision
from perfgate.core.model import Series
from perfgate.core.units import Quantity
from perfgate.render import explanation, markdown, terminal
from perfgate.render.annotations import render as annotations_of
from perfgate.render.text import harmless
from tests.core.making import baseline_of, budget, decided, measured, run
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
    text = terminal.render(decisions.EVERY[name](), width=width, colour=False, verbose=name == "mixed")
    same_as_golden(f"{name}-{width}.txt", text)
    table = [line for line in text.splitlines() if re.match(r"(verdict|block|warn|inconclusive|pass|would)\b", line)]
    assert max((len(line) for line in table), default=0) <= width


def test_colour_adds_nothing_but_colour() -> None:
    decision = decisions.mixed()
    plain = terminal.render(decision, width=160, colour=False)
    coloured = terminal.render(decision, width=160, colour=True)
    assert "\x1b[" in coloured
    assert [line.rstrip() for line in re.sub(r"\x1b\[[0-9;]*m", "", coloured).splitlines()] == plain.splitlines()


def test_the_comment_is_as_it_was_agreed() -> None:
    same_as_golden("mixed.md", markdown.render(decisions.mixed(), project="services/api").rstrip("\n"))


def test_the_explanation_is_as_it_was_agreed() -> None:
    decision = decisions.mixed()
    texts = [explanation.render(decision, comparison.series) for comparison in decision.comparisons]
    same_as_golden("mixed-explained.txt", "\n".join(texts).rstrip("\n"))


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
    ceiling = Quantity.parse(markdown.ceiling(decision.comparisons[0]))
    assert value < float(ceiling.value) <= value * 1.2


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
    assert all(re.match(r"::(error|warning|notice) title=perfgate%3A \w+::", line) for line in annotations_of(decision))


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
            texts = (markdown.prose(name), markdown.code(name))
            table = (
                "| a | b |\n|---|---|\n| "
                + " | ".join(texts)
                + " |\n\n"
                + markdown.block(name, "text")
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
