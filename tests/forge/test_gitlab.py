"""The note on a merge request: one of ours, never anybody else's, never an order to GitLab, and no reason to fail."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from perfgate.core.baseline import Baseline
from perfgate.core.budgets import Level
from perfgate.core.decision import Decision
from perfgate.core.model import Caveat, Run, Series
from perfgate.forge import gitlab
from perfgate.forge.marker import Marker
from perfgate.forge.telling import Mode, Outcome, Told
from perfgate.render import markdown
from tests.core.making import baseline_of, budget, decided, measured, run
from tests.forge.gitlab_service import BOT, SOMEBODY, TOKEN, GitLab, serving

HEAD, OTHER = "a" * 40, "b" * 40


def told(level: Level = Level.BLOCK, *, number: int = 300, head: str = HEAD, text: str = "## what happened\n") -> Told:
    return Told(Marker(".", head, number, 1, level), text, lambda _: "## resolved\n")


@pytest.fixture
def host() -> Iterator[GitLab]:
    with serving(GitLab(HEAD)) as made:
        yield made


def tell(host: GitLab, what: Told, mode: Mode = Mode.ON, /, **environ: str) -> Outcome:
    return gitlab.tell(host.environ | environ, what, mode, sleep=host.slept.append)


def bodies(host: GitLab) -> list[str]:
    return [note["body"] for note in host.notes]


def test_a_breach_is_written_once_and_edited_afterwards(host: GitLab) -> None:
    first = tell(host, told())
    assert first == Outcome("wrote a note on the merge request")
    second = tell(host, told(number=301))
    assert second == Outcome("the note on the merge request is up to date")
    assert bodies(host) == [told(number=301).body()]
    assert host.tokens == {TOKEN}


def test_the_same_note_is_not_sent_again(host: GitLab) -> None:
    tell(host, told())
    host.asked.clear()
    assert tell(host, told()).said == "the note on the merge request says so already"
    assert {method for method, _ in host.asked} == {"GET"}


def test_without_a_breach_nothing_is_written_and_one_that_is_over_is_resolved(host: GitLab) -> None:
    assert "no note" in tell(host, told(Level.PASS)).said
    assert not host.notes
    tell(host, told())
    assert tell(host, told(Level.PASS, number=301)).said == "the note on the merge request is resolved"
    assert "## resolved" in bodies(host)[0]


def test_a_note_that_somebody_made_a_thread_of_is_resolved_as_one_and_opened_again(host: GitLab) -> None:
    host.write(told().body(), BOT, thread=True)
    tell(host, told(Level.PASS, number=301))
    assert host.discussions[0]["resolved"] is True
    tell(host, told(Level.WARN, number=302), Mode.ALWAYS)
    assert len(host.notes) == 1


def test_a_breach_that_gets_worse_is_written_anew(host: GitLab) -> None:
    tell(host, told(Level.WARN))
    host.write("a reply")
    tell(host, told(Level.BLOCK, number=301))
    assert bodies(host) == ["a reply", told(Level.BLOCK, number=301).body()]


def test_somebody_else_s_note_with_our_marker_is_left_alone(host: GitLab) -> None:
    forged = told(Level.BLOCK, number=999_999).body()
    host.write(forged, SOMEBODY)
    host.write(forged, {"id": 1, "username": BOT["username"]})
    host.write(forged, {"id": BOT["id"], "username": "renamed"})
    tell(host, told())
    assert bodies(host) == [forged, forged, forged, told().body()]


def test_a_system_s_note_is_nobody_s(host: GitLab) -> None:
    host.write(told(number=999).body(), BOT, system=True)
    tell(host, told())
    assert bodies(host) == [told().body()]


def test_our_note_is_found_on_any_page_and_never_taken_for_two(host: GitLab) -> None:
    for number in range(130):
        host.write(f"note {number}")
    tell(host, told())
    for number in range(130):
        host.write(f"note {number}")
    # It is on two pages when something is written in between.
    host.discussions.insert(0, next(each for each in host.discussions if each["notes"][0]["author"] == BOT))
    tell(host, told(number=301))
    assert bodies(host).count(told(number=301).body()) == 2  # the one note, listed twice by this server
    assert not any(method == "DELETE" for method, _ in host.asked)


def test_a_newer_run_s_note_stays(host: GitLab) -> None:
    tell(host, told(number=305))
    assert "newer run" in tell(host, told(Level.PASS, number=304)).said
    assert bodies(host) == [told(number=305).body()]


def test_a_run_of_an_older_commit_says_nothing(host: GitLab) -> None:
    assert "no note: the merge request is at aaaaaaaaaa now" in tell(host, told(head=OTHER)).said
    assert not host.notes


def test_two_of_ours_become_one(host: GitLab) -> None:
    host.write(told(number=1).body(), BOT)
    host.write(told(number=2).body(), BOT)
    tell(host, told())
    assert bodies(host) == [told().body()]


# --- what can go wrong ------------------------------------------------------------------------------------------------


def test_a_limit_is_waited_for(host: GitLab) -> None:
    host.faults["GET"] = [(429, {"Retry-After": "7"}), (502, {})]
    assert not tell(host, told()).failed
    assert host.slept == [7.0, 2.0]
    assert len(host.notes) == 1


def test_a_note_that_may_have_arrived_is_looked_for_before_it_is_written_again(host: GitLab) -> None:
    host.faults["POST"] = [(500, {})]
    assert not tell(host, told()).failed
    assert bodies(host) == [told().body()]


@pytest.mark.parametrize("status", [401, 403, 404])
@pytest.mark.parametrize("method", ["GET", "POST"])
def test_a_refusal_is_one_sentence_that_says_which_token_is_wanted(host: GitLab, method: str, status: int) -> None:
    host.faults[method] = [(status, {})] * 20
    found = tell(host, told())
    assert found.failed
    assert str(status) in found.said
    assert "PERFGATE_GITLAB_TOKEN" in found.said
    assert TOKEN not in found.said


def test_a_note_that_went_away_in_between_is_written_anew(host: GitLab) -> None:
    tell(host, told(Level.WARN))
    host.faults["PUT"] = [(404, {})]
    assert not tell(host, told(Level.WARN, number=301)).failed
    assert len(host.notes) == 1


def test_a_host_that_is_not_there_is_told(host: GitLab) -> None:
    found = tell(host, told(), CI_API_V4_URL="http://127.0.0.1:9/api/v4")
    assert found.failed
    assert "cannot be reached" in found.said


def test_a_fork_has_no_token_and_that_is_no_failure(host: GitLab) -> None:
    found = tell(host, told(), PERFGATE_GITLAB_TOKEN="", CI_JOB_TOKEN="64_job")
    assert not found.failed
    assert "CI_JOB_TOKEN cannot write notes" in found.said
    assert not host.asked


def test_a_branch_s_pipeline_has_no_merge_request_to_tell(host: GitLab) -> None:
    for name in ("CI_MERGE_REQUEST_IID", "CI_MERGE_REQUEST_PROJECT_ID"):
        assert "no pipeline of a merge request" in tell(host, told(), **{name: ""}).said
        assert "no pipeline of a merge request" in tell(host, told(), **{name: "5/../../9"}).said
    assert "switched off" in tell(host, told(), Mode.OFF).said
    assert not host.asked


@pytest.mark.parametrize(
    "environ",
    [
        {"CI_API_V4_URL": "file:///etc/passwd"},
        {"CI_API_V4_URL": ""},
        {"CI_API_V4_URL": "https://host/ x"},
        {"PERFGATE_GITLAB_TOKEN": "two words"},
        {"PERFGATE_GITLAB_TOKEN": "line\nX-Injected: 1"},
    ],
)
def test_an_address_or_a_token_that_is_none_is_told(host: GitLab, environ: dict[str, str]) -> None:
    found = tell(host, told(), **environ)
    assert found.failed
    assert not host.asked


def test_the_longest_comment_is_far_below_what_gitlab_takes(host: GitLab) -> None:
    assert not tell(host, told(text="x" * 3_000_000)).failed
    assert len(bodies(host)[0]) < 65_536


def test_the_second_name_of_the_token_serves_too(host: GitLab) -> None:
    tell(host, told(), PERFGATE_GITLAB_TOKEN="", GITLAB_TOKEN="glpat-other")
    assert host.tokens == {"glpat-other"}


def test_the_link_is_that_of_the_pipeline_and_no_other_text() -> None:
    assert gitlab.link({"CI_PIPELINE_URL": "https://host/a/b/-/pipelines/9"}) == "https://host/a/b/-/pipelines/9"
    for other in ("", "javascript:alert(1)", "https://host/a) ![x](y", "https://host/a\n/merge"):
        assert gitlab.link({"CI_PIPELINE_URL": other}) == ""


# --- GitLab's Markdown ------------------------------------------------------------------------------------------------

#: What GitLab makes a link, an order or a notification of, outside of code.
REFERENCES = re.compile(
    r"(?<![A-Za-z0-9])(?:@[A-Za-z0-9_]|~[\"A-Za-z0-9]|![0-9]|#[0-9]|%[\"A-Za-z0-9]|&[0-9]|\$[0-9]|\^alert#)|:[a-z0-9_+-]+:"
    r"|\[\[|\[[a-z_]+:|https?:|www\.|^[^\S\n]*/[a-z]|::include|\$`|<!--(?! perfgate)|\{[-+]|\[[-+]",
    re.MULTILINE,
)
HOSTILE = (
    "/merge",
    "\n/merge",
    "a\n/approve\nb",
    "@all",
    '~bug ~"a b"',
    '!1 #2 %3 &4 $5 %v1 %"next"',
    ":tada:",
    "`/close`",
    "```\n/merge\n```",
    ">>>\n/merge",
    "</details>\n/merge",
    "[vulnerability:1] [[wiki]] ![x](y)",
    "https://evil.example www.evil.example",
    "$`a`$",
    "::include{file=x}",
    "\u2028/merge",
    "\x0b/merge",
    "\r/merge",
)
WORDS = st.one_of(
    st.sampled_from(HOSTILE),
    st.text(max_size=60),
    st.tuples(st.sampled_from(HOSTILE), st.text(max_size=9)).map("".join),
)


def decision_of(words: str) -> Decision:
    series = Series("size.bytes", (("path", words or "x"),))
    before, after = measured("size.bytes{path=a}", 100.0), measured("size.bytes{path=a}", 300.0)
    base: Baseline = baseline_of([run(before._replace(series=series), number=1)])
    candidate: Run = run(after._replace(series=series, origin=words))
    rule = budget("size.bytes", "120 B", place=words)
    made = decided(
        candidate, base, rule, budget("llm.cost", place=words), messages=(f"Perf-Justification: x - {words}",)
    )
    circumstances = made.circumstances._replace(budgets_source=words, reproduce=words, baseline_source=words)
    return made._replace(
        caveats=(*made.caveats, Caveat(words, words, words)),
        circumstances=circumstances,
        verdicts=tuple(each._replace(reason=words, notes=(words,), remedy=words) for each in made.verdicts),
    )


def outside_code(text: str) -> str:
    """The raw text without its code blocks and code spans, as GitLab finds them."""
    lines, fence = [], ""
    for line in text.split("\n"):
        mark = re.match(r"`{3,}", line)
        if fence:
            fence = "" if line.rstrip() == fence else fence
        elif mark:
            fence = mark[0]
        else:
            lines.append(line)
    assert not fence
    return "\n".join(re.sub(r"(?<!`)(`+)(?!`)(?:.*?)(?<!`)\1(?!`)", "code", line) for line in lines)


@given(WORDS)
@example("/merge")
@example("%v1")
@settings(deadline=None, max_examples=120)
def test_nothing_that_data_holds_is_a_reference_or_an_order_to_gitlab(words: str) -> None:
    raw = gitlab.without_quick_actions(markdown.render(decision_of(words), project=words))
    found = REFERENCES.search(outside_code(raw))
    assert found is None, raw[max(0, found.start() - 60) : found.end() + 60]
    # GitLab looks for its orders in the raw text; where it takes code to end is its own affair.
    for line in re.split(r"[\n\r\x0b\x0c\x85\u2028\u2029]", raw):
        assert not re.match(r"\s*/", line)


@given(st.text(alphabet="/ab \n\t\r", max_size=30))
def test_no_line_begins_with_a_slash_and_nothing_else_changes(words: str) -> None:
    made = gitlab.without_quick_actions(words)
    assert not any(re.match(r"[^\S\n]*/", line) for line in made.split("\n"))
    assert made.replace("\u200b", "") == words
    assert gitlab.without_quick_actions(made) == made
