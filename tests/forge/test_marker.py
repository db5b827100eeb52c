"""The first line of the comment: what is written is read again, and nothing else is taken for it."""

from __future__ import annotations

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perfgate.core.budgets import Level
from perfgate.core.model import Context, Event
from perfgate.forge.marker import LONGEST, Marker, key_of
from tests.render import decisions

HEAD = "ab" * 20
WRITTEN = f"<!-- perfgate:v1 key=services/api head={HEAD} run=77 attempt=2 level=warn -->"

keys = st.builds(key_of, st.text(max_size=300), st.text(max_size=30))
markers = st.builds(
    Marker,
    keys,
    st.sampled_from(["", HEAD, "0" * 64]),
    st.integers(0, 10**19 - 1),
    st.integers(1, 10**9 - 1),
    st.sampled_from(Level),
)


@given(markers, st.sampled_from(["", "\n", "\r\n", "\nwords", "\r\nwords\n<!-- x -->"]))
@settings(max_examples=100, deadline=None)
def test_what_is_written_is_read_again(marker: Marker, rest: str) -> None:
    assert Marker.read(marker.line + rest) == marker
    assert len(marker.line) <= LONGEST
    assert re.fullmatch(r"<!-- [!-~ ]* -->", marker.line)
    assert "--" not in marker.line[4:-3]


@given(st.lists(st.text(max_size=40), min_size=2, max_size=2, unique=True))
@settings(max_examples=100, deadline=None)
def test_projects_have_keys_of_their_own(names: list[str]) -> None:
    one, other = names
    if (one or ".") != (other or "."):
        assert key_of(one) != key_of(other)


def test_the_top_of_a_repository_and_the_gates_of_a_project_have_keys_that_people_can_read() -> None:
    assert key_of("") == "."
    assert key_of("services/api") == "services/api"
    assert key_of("services/api", "nightly") == "services/api:nightly"
    assert key_of("", "a--b") != key_of("", "a-b")
    assert len(key_of("x" * 5000)) <= 200


@pytest.mark.parametrize(
    "body",
    [
        "",
        "words\n" + WRITTEN,
        " " + WRITTEN,
        "> " + WRITTEN,
        "\ufeff" + WRITTEN,
        WRITTEN + " ",
        WRITTEN + "x",
        WRITTEN + WRITTEN,
        WRITTEN + "\r\r\n",
        WRITTEN.replace("v1", "v2"),
        WRITTEN.replace("services/api", "services api"),
        WRITTEN.replace("services/api", "a--b"),
        WRITTEN.replace("services/api", "a" * 201),
        WRITTEN.replace("services/api", "ä"),
        WRITTEN.replace("run=77", "run=７７"),
        WRITTEN.replace("run=77", "run=-1"),
        WRITTEN.replace("run=77", "run=" + "9" * 20),
        WRITTEN.replace("attempt=2", "attempt=0"),
        WRITTEN.replace("level=warn", "level=resolved"),
        WRITTEN.replace(HEAD, HEAD[:-1]),
        WRITTEN.replace(HEAD, HEAD.upper()),
        WRITTEN.replace(" -->", " --!>"),
    ],
)
def test_anything_else_is_no_marker(body: str) -> None:
    assert Marker.read(WRITTEN) is not None
    assert Marker.read(body) is None


def test_a_marker_of_a_decision_says_who_judged_what() -> None:
    decision = decisions.mixed()
    made = decision.circumstances
    context = Context(head=HEAD, tested="cd" * 20, ci_run="812", ci_attempt=3)
    decision = decision._replace(circumstances=made._replace(context=context))
    assert Marker.of(decision, "", "nightly") == Marker(".:nightly", HEAD, 812, 3, Level.BLOCK)
    event = Event(provider="github", name="pull_request", ci_run="900", ci_attempt=2)
    assert Marker.of(decision, "", event=event)[2:4] == (900, 2)
    assert Marker.of(decision, "", event=event._replace(name="workflow_run"))[2:4] == (812, 3)
    for strange in (Context(), Context(head="--> x", ci_run="１", ci_attempt=0), Context(ci_run="9" * 30)):
        odd = Marker.of(decision._replace(circumstances=made._replace(context=strange)), "")
        assert odd == Marker(".", "", 0, 1, Level.BLOCK)
