"""A decision whose every text is hostile: its comment, read by GitHub's own parser, holds perfgate's own markup and nothing else's."""

from __future__ import annotations

import re
import shutil
import subprocess
from collections.abc import Callable

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perfgate.core.baseline import BaselineRun
from perfgate.core.budgets import Budget, Level
from perfgate.core.decision import Decision, Unmatched, Verdict
from perfgate.core.model import Caveat, Context, Selector, Series
from perfgate.core.suite_change import Flaky, Part, Row, Share, Slower, SuiteChange
from perfgate.core.timeline import TimedJob, Timeline
from perfgate.render import markdown, terminal
from perfgate.render.text import harmless
from tests.render import decisions
from tests.render.test_outputs import HOSTILE

TRAPS = ("<!-- perfgate:v1 key=. head=unknown run=9 attempt=1 level=pass -->", "\n\n# x\n", "</details>", "</summary>", "```\n</details>", "~~~", "    code", "[x]: http://y", "@org/team", "owner/name#1", "0123456789abcdef0123456789abcdef01234567", "<https://x.y>", "![x](http://y/z.png)", "- [ ] x", "| a | b |\n|---|---|", "[^1]: x", "$`x`$", "\\", "`", "<br><img src=x onerror=y>", "mailto:a@b.cd", "a@b.cd", "%%{init}%%", ":tada:", "Closes #4")  # fmt: skip
NAMES = HOSTILE | st.lists(st.sampled_from(TRAPS), min_size=1, max_size=4).map("".join)
MAKERS = (decisions.mixed, decisions.pipeline, decisions.agents, decisions.first)


def poisoned(made: Decision, words: Callable[[], str]) -> Decision:
    """The decision with these words wherever it holds text that data can bring."""

    def series(each: Series) -> Series:
        return each._replace(labels=tuple((name, words()) for name, _ in each.labels))

    renamed = {verdict.series: series(verdict.series) for verdict in (*made.verdicts, *made.observed)}

    def budget(each: Budget) -> Budget:
        return each._replace(place=words(), selector=Selector("size.bytes", (("path", words()),)))

    def verdict(each: Verdict) -> Verdict:
        return each._replace(
            series=renamed[each.series],
            reason=words(),
            notes=(words(), words()),
            remedy=words(),
            budget=budget(each.budget),
        )

    circumstances = made.circumstances._replace(
        context=Context(head=words(), base=words(), tested=words()),
        budgets_source=words(),
        reproduce=words(),
        baseline_source=words(),
        baseline_runs=tuple(BaselineRun(words(), words(), words()) for _ in made.circumstances.baseline_runs),
    )
    return made._replace(
        verdicts=tuple(verdict(each) for each in made.verdicts),
        observed=tuple(verdict(each) for each in made.observed),
        comparisons=tuple(
            each._replace(series=renamed.get(each.series, each.series), reason=words()) for each in made.comparisons
        ),
        unmatched=(Unmatched(budget(made.verdicts[0].budget), Level.INCONCLUSIVE, words()),),
        elsewhere=((budget(made.verdicts[0].budget), words()),),
        vanished=(Series("size.bytes", (("path", words()),)),),
        caveats=(Caveat(words(), words(), words()), Caveat(words(), words())),
        circumstances=circumstances,
        timelines=(Timeline(words(), (TimedJob(words(), 5.0, 50.0, 1.0, 60.0, words()),) * 2, 2),),
        tests=(suite(words),) * 2,
    )


def suite(words: Callable[[], str]) -> SuiteChange:
    """A suite with news, in which every text is hostile."""
    rows = (Row(words(), words(), 1.0, 2.0), Row("", words(), None, 2.0))
    slow = Slower(words(), words(), 1.0, 1.1, 2.5, 12, 1e-6)
    flaky = Flaky(words(), words(), 2, 31, 0.02, 0.21, words())
    parts = (Part(Share.CAME, 3, 2.0, rows), Part(Share.COMMON, 40, -1.0, rows))
    return SuiteChange(
        words(), 12, 12, 40, 43, True, 10.0, 11.0, parts, words(), ((words(), words()),), 1, 1.2, 40, 0.05,
        (slow,) * 4, 9, (flaky,) * 4, 4, 1,
    )  # fmt: skip


@pytest.fixture(scope="module")
def github() -> str:
    found = shutil.which("cmark-gfm")
    if found is None:
        pytest.skip("cmark-gfm is not installed")
    return found


def html_of(github: str, text: str) -> str:
    extensions = [part for name in ("table", "autolink", "strikethrough", "tasklist") for part in ("--extension", name)]
    return subprocess.run(
        [github, *extensions, "--github-pre-lang", "--unsafe"], input=text, capture_output=True, text=True, check=True
    ).stdout


def check(html: str, charts: int) -> None:
    assert set(re.findall(r"<(?!/)([^\s>]*)", html)) <= {"h2", "p", "code", "pre", "table", "thead", "tbody", "tr", "th", "td", "br", "ul", "li", "strong", "details", "summary"}, html  # fmt: skip
    assert "<!--" not in html
    assert html.count("<details>") == html.count("</details>") == html.count("<summary>") == html.count("</summary>")
    assert html.count("<h2>") == 1
    assert html.count('<pre lang="mermaid">') == charts
    outside = re.sub(r"<code.*?</code>", "", html, flags=re.DOTALL)
    assert not re.search(r"@|#\d|:\w+:|www\.|://|\[\^|\b(?=\d*[a-f])[0-9a-f]{7,64}\b|\$", outside), outside
    for row in re.findall(r"<tr>(.*?)</tr>", html, re.DOTALL):
        assert len(re.findall(r"<t[dh]>", row)) == 4, row


def test_every_text_of_a_comment_may_be_hostile(github: str) -> None:
    @given(st.lists(NAMES, min_size=1, max_size=12), st.sampled_from(MAKERS), st.sampled_from([0, markdown.LEAST]))
    @settings(deadline=None, max_examples=40)
    def law(names: list[str], maker: Callable[[], Decision], limit: int) -> None:
        position = iter(range(10**6))
        made = poisoned(maker(), lambda: names[next(position) % len(names)])
        text = markdown.render(made, project=names[0], limit=limit or markdown.LIMIT)
        loud = any(verdict.level >= Level.WARN for verdict in made.verdicts)
        assert len(text.encode()) <= (limit or markdown.LIMIT)
        html = html_of(github, text)
        check(html, 1 if loud and "```mermaid" in text else 0)
        check(html_of(github, markdown.resolved(made, project=names[-1], earlier=text)), 0)
        shown = terminal.render(made, width=100, colour=False, verbose=True)
        assert harmless(shown.replace("\n", "")) == shown.replace("\n", "")

    law()


def test_the_resolved_form_lists_what_was_over_and_what_it_is_now() -> None:
    earlier = markdown.render(decisions.mixed())
    now = decisions.mixed()
    calm = tuple(each._replace(level=Level.PASS, reason="nothing to speak of") for each in now.verdicts)
    text = markdown.resolved(now._replace(verdicts=calm, level=Level.PASS), earlier=earlier)
    assert text.startswith("## ✅ perfgate: resolved\n")
    listed = re.findall(r"^- `([^`]*)`: nothing to speak of", text, re.MULTILINE)
    assert "tests.duration{suite=unit}" in listed
    assert "tests.count{suite=unit}" not in listed
    assert len(listed) == len(set(listed))


def test_the_resolved_form_is_no_pass_where_nothing_was_judged_and_is_short_without_the_earlier_comment() -> None:
    text = markdown.resolved(decisions.first())
    assert text.startswith("## ❔ perfgate: no breach any more (nothing judged)\n")
    assert len(markdown.resolved(decisions.many(3000), limit=20_000).encode()) <= 20_000


def test_a_comment_on_nothing_judged_says_that_it_is_no_pass() -> None:
    assert "**This is no pass**" in markdown.render(decisions.first())
    assert "**This is no pass**" not in markdown.render(decisions.passing())


def test_the_way_of_a_series_is_told_once_with_its_commits_and_days() -> None:
    made = decisions.blocking()
    runs = tuple(
        BaselineRun(f"r{day}", f"{day:040x}", f"2026-10-{day:02d}T00:00:00Z")
        for day in range(1, len(made.circumstances.baseline_runs) + 1)
    )
    made = made._replace(circumstances=made.circumstances._replace(baseline_runs=runs))
    (line,) = [line for line in markdown.render(made).splitlines() if line.startswith("- `▁")]
    assert line.endswith("in 10 runs over 10 days (`0000000000` to `0000000000`), now 2 min 21 s")
    assert re.match(r"- `[▁▂▃▄▅▆▇]{10} █` `tests\.duration\{suite=unit\}`: 1 min 38 s … 1 min 42 s", line)
