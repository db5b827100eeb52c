"""The plan for a pull request's comments: one of ours at most, that of the newest run, and never anybody else's."""

from __future__ import annotations

from typing import Any, NamedTuple

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perfgate.core.budgets import Level
from perfgate.forge.comment_plan import Author, Delete, Edit, Hide, Plan, Post, Show, ours, plan
from perfgate.forge.marker import Marker
from perfgate.forge.telling import LIMIT, Mode, Told

HEADS = tuple(sign * 40 for sign in "abc")
US = Author("github-actions[bot]")
BOT = {"login": "github-actions[bot]", "id": 41898282, "type": "Bot"}
OTHERS: tuple[dict[str, Any], ...] = (
    {"user": {"login": "somebody", "id": 7, "type": "User"}},
    {"user": {"login": "github-actions", "id": 8, "type": "User"}},
    {"user": {"login": "github-actions[bot]", "id": 9, "type": "User"}},
    {"user": {"login": "other[bot]", "id": 10, "type": "Bot"}, "performed_via_github_app": {"slug": "other"}},
    {"user": BOT, "performed_via_github_app": {"slug": "other"}},
    {"user": None},
    {},
)


def told(level: Level = Level.BLOCK, *, head: str = HEADS[0], run: int = 5, attempt: int = 1, key: str = ".") -> Told:
    marker = Marker(key, head, run, attempt, level)
    return Told(marker, f"## {level.word} of {run}.{attempt}\n", lambda _: "## resolved\n")


class World:
    """The comments of a pull request, and what plans do to them."""

    def __init__(self) -> None:
        self.comments: list[dict[str, Any]] = []
        self.hidden: set[str] = set()
        self.notified = 0

    def write(self, body: str, **by: Any) -> dict[str, Any]:
        number = max((each["id"] for each in self.comments), default=100) + 1
        self.comments.append({"id": number, "node_id": f"IC_{number}", "body": body, **by})
        return self.comments[-1]

    def ours(self, key: str = ".") -> list[Any]:
        return ours(self.comments, US, key)

    def planned(self, told: Told, mode: Mode = Mode.ON, head: str = HEADS[0]) -> Plan:
        return plan(self.ours(told.marker.key), told, mode, head)

    def publish(self, told: Told, mode: Mode = Mode.ON, head: str = HEADS[0]) -> Plan:
        made = self.planned(told, mode, head)
        for action in made.actions:
            if isinstance(action, Post):
                self.write(action.body, user=BOT)
                self.notified += 1
            elif isinstance(action, Edit):
                next(each for each in self.comments if each["id"] == action.id)["body"] = action.body
            elif isinstance(action, Delete):
                self.comments = [each for each in self.comments if each["id"] != action.id]
            elif isinstance(action, Hide):
                self.hidden.add(action.node)
            else:
                self.hidden.discard(action.node)
        return made


@pytest.fixture
def world() -> World:
    return World()


def test_a_clean_change_without_a_comment_is_left_in_peace_unless_asked(world: World) -> None:
    for level in (Level.PASS, Level.INCONCLUSIVE):
        assert world.publish(told(level)).actions == ()
    assert world.publish(told(Level.BLOCK), Mode.OFF).actions == ()
    world.publish(told(Level.PASS), Mode.ALWAYS)
    assert [each.marker.level for each in world.ours()] == [Level.PASS]


def test_a_breach_is_told_edited_in_place_and_resolved(world: World) -> None:
    world.publish(told(Level.BLOCK))
    first = world.comments[0]["id"]
    world.publish(told(Level.WARN, head=HEADS[1], run=6), head=HEADS[1])
    assert [(each.id, each.marker.level) for each in world.ours()] == [(first, Level.WARN)]
    world.publish(told(Level.PASS, head=HEADS[2], run=7), head=HEADS[2])
    assert world.comments[0]["id"] == first
    assert world.comments[0]["body"].endswith("\n## resolved\n")
    assert world.hidden == {f"IC_{first}"}
    assert world.notified == 1


def test_news_is_posted_anew_so_that_people_are_notified(world: World) -> None:
    world.publish(told(Level.WARN))
    world.publish(told(Level.BLOCK, run=6))
    assert (world.notified, len(world.comments)) == (2, 1)
    world.publish(told(Level.PASS, run=7))
    world.publish(told(Level.WARN, run=8))
    assert (world.notified, len(world.comments)) == (3, 1)
    assert f"IC_{world.comments[0]['id']}" not in world.hidden


def test_what_was_breached_is_known_where_it_is_resolved_and_the_same_run_again_writes_nothing(world: World) -> None:
    world.publish(told(Level.BLOCK))
    over = told(Level.PASS, run=6)._replace(resolved=lambda earlier: f"was: {earlier.splitlines()[1]}\n")
    world.publish(over)
    assert world.comments[0]["body"].endswith("\nwas: ## block of 5.1\n")
    assert world.publish(over).actions == ()


def test_what_became_inconclusive_is_neither_resolved_nor_hidden(world: World) -> None:
    world.publish(told(Level.BLOCK))
    world.publish(told(Level.INCONCLUSIVE, run=6))
    assert "## inconclusive" in world.comments[0]["body"]
    assert not world.hidden
    world.publish(told(Level.PASS, run=7))
    assert world.hidden
    made = world.publish(told(Level.INCONCLUSIVE, run=8))
    assert isinstance(made.actions[-1], Show)
    assert not world.hidden


def test_a_run_of_a_commit_that_is_not_the_head_says_nothing(world: World) -> None:
    world.publish(told(head=HEADS[1], run=9), head=HEADS[1])
    before = [dict(each) for each in world.comments]
    for late in (told(run=5), told(run=5, attempt=4), told(run=50), told(head="", run=50)):
        made = world.publish(late, Mode.ALWAYS, head=HEADS[1])
        assert "was judged" in made.said
    assert world.comments == before


def test_an_older_run_of_the_same_commit_does_not_overwrite_a_newer_one(world: World) -> None:
    world.publish(told(Level.WARN, run=9, attempt=2))
    for older in (told(Level.BLOCK, run=9, attempt=1), told(Level.PASS, run=8, attempt=7)):
        assert world.publish(older).actions == ()
    world.publish(told(Level.WARN, run=9, attempt=3))
    assert [each.marker.attempt for each in world.ours()] == [3]


def test_a_branch_that_goes_back_to_an_earlier_commit_is_told_of_that_one(world: World) -> None:
    world.publish(told(Level.WARN, head=HEADS[1], run=9), head=HEADS[1])
    world.publish(told(Level.WARN, head=HEADS[0], run=5, attempt=2), head=HEADS[0])
    assert [each.marker.head for each in world.ours()] == [HEADS[0]]


def test_surplus_comments_of_ours_go_and_the_newest_run_stays(world: World) -> None:
    for run in (7, 9, 8):
        world.write(told(Level.WARN, run=run).body(), user=BOT)
    made = world.publish(told(Level.WARN, run=8))
    assert "newer run" in made.said
    assert [each.marker.run for each in world.ours()] == [9]


@pytest.mark.parametrize("other", OTHERS)
def test_a_comment_that_quotes_the_marker_is_not_ours(world: World, other: dict[str, Any]) -> None:
    quoted = dict(world.write(told(Level.PASS).body(), **other))
    world.publish(told(Level.BLOCK))
    assert world.comments[0] == quoted
    assert len(world.comments) == 2


def test_a_person_is_known_by_name_and_number() -> None:
    me = Author("somebody", 7)
    assert me.wrote({"user": {"login": "somebody", "id": 7, "type": "User"}})
    assert not me.wrote({"user": {"login": "somebody", "id": 8, "type": "User"}})
    assert not me.wrote({"user": {"login": "other", "id": 7, "type": "User"}})


def test_the_projects_of_a_monorepo_do_not_see_each_other(world: World) -> None:
    for key in ("services/api", "services/web", "services/api:nightly"):
        world.publish(told(key=key))
    assert len(world.comments) == 3
    world.publish(told(Level.PASS, key="services/web", run=6))
    assert [each["body"].endswith("## resolved\n") for each in world.comments] == [False, True, False]


def test_line_ends_that_the_host_changed_make_no_difference(world: World) -> None:
    world.publish(told())
    world.comments[0]["body"] = world.comments[0]["body"].replace("\n", "\r\n") + "\r\n"
    assert world.publish(told()).actions == ()


def test_a_comment_that_is_too_long_keeps_its_first_words_and_says_where_the_rest_is() -> None:
    marker = told().marker
    for rest in ("x" * LIMIT, "\U0001f600" * (LIMIT // 4), "é" * (LIMIT // 2)):
        body = Told(marker, f"## block\n\nheadline\n\n{rest}", str, "https://host/run/5").body()
        assert len(body.encode()) <= LIMIT
        assert body.startswith(f"{marker.line}\n\n## block\n\nheadline\n\n")
        assert "(https://host/run/5)" in body
        assert Marker.read(body) == marker
    assert len(Told(marker, "x" * LIMIT * 2, str).body()) < 1000


# --- laws ---------------------------------------------------------------------------------------------------------------


class Step(NamedTuple):
    """Something that happens to a pull request: a run that publishes, a push, somebody who writes, a duplicate."""

    kind: str
    head: int = 0
    run: int = 0
    attempt: int = 1
    level: Level = Level.PASS
    who: int = 0


STEPS = st.lists(
    st.builds(
        Step,
        st.sampled_from(["publish"] * 6 + ["push", "quote", "duplicate"]),
        st.integers(0, 2),
        st.integers(1, 5),
        st.integers(1, 3),
        st.sampled_from(Level),
        st.integers(0, len(OTHERS) - 1),
    ),
    max_size=14,
)


def play(world: World, steps: list[Step], mode: Mode) -> tuple[str, list[Told], list[dict[str, Any]]]:
    """Let it happen; the head at the end, what was published since the last push, and what others wrote."""
    head, since, others = HEADS[0], list[Told](), list[dict[str, Any]]()
    for step in steps:
        words = told(step.level, head=HEADS[step.head], run=step.run, attempt=step.attempt)
        if step.kind == "push":
            head, since = HEADS[step.head], []
        elif step.kind == "quote":
            others.append(dict(world.write(words.body(), **OTHERS[step.who])))
        elif step.kind == "duplicate":
            for each in world.ours():
                world.write(each.body, user=BOT)
        else:
            world.publish(words, mode, head)
            since.append(words)
            assert world.planned(words, mode, head).actions == (), "the same again has nothing left to do"
            if words.marker.head == head:
                assert len(world.ours()) <= 1
    return head, since, others


@given(STEPS, st.sampled_from([Mode.ON, Mode.ALWAYS]))
@settings(max_examples=200, deadline=None)
def test_whatever_happens_there_is_one_comment_of_ours_at_most_and_nobody_else_is_touched(
    steps: list[Step], mode: Mode
) -> None:
    world = World()
    head, _, others = play(world, steps, mode)
    final = told(Level.WARN, head=head, run=99)
    world.publish(final, mode, head)
    assert [each.body for each in world.ours()] == [final.body()]
    assert [each for each in world.comments if each["id"] in {other["id"] for other in others}] == others


@given(STEPS)
@settings(max_examples=200, deadline=None)
def test_in_whatever_order_runs_publish_the_comment_is_that_of_the_newest(steps: list[Step]) -> None:
    world = World()
    head, since, _ = play(world, steps, Mode.ALWAYS)
    current = [each.marker for each in since if each.marker.head == head]
    if not current:
        return
    kept = max(world.ours(), key=lambda each: (each.marker.head == head, each.marker.run, each.marker.attempt))
    assert kept.marker.head == head
    assert (kept.marker.run, kept.marker.attempt) >= max((each.run, each.attempt) for each in current)


@given(STEPS)
@settings(max_examples=100, deadline=None)
def test_without_a_breach_nothing_is_ever_posted(steps: list[Step]) -> None:
    world = World()
    play(world, [step._replace(level=min(step.level, Level.INCONCLUSIVE)) for step in steps], Mode.ON)
    assert world.notified == 0
