"""More of the history from real remotes: exactly as much as is asked for, and an end in every case."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from perfgate.store.fetching import EVERYTHING, Source
from perfgate.store.git import Repository
from perfgate.store.ref_names import is_branch_name
from tests.store.repositories import Made


@pytest.fixture
def host(tmp_path: Path) -> Made:
    """main of twelve commits, and a feature of three that begins at the tenth."""
    host = Made(tmp_path / "host")
    for number in range(10):
        host.commit(f"main {number}", a=str(number))
    host.git("checkout", "--quiet", "-b", "feature")
    for number in range(3):
        host.commit(f"feature {number}", b=str(number))
    host.git("checkout", "--quiet", "main")
    for number in range(10, 12):
        host.commit(f"main {number}", a=str(number))
    return host


def shallow(host: Made, folder: Path, ref: str = "refs/heads/feature") -> Made:
    made = Made(folder)
    made.git("remote", "add", "origin", host.folder.as_uri())
    made.git("fetch", "--quiet", "--no-tags", "--depth=1", "origin", ref)
    made.git("checkout", "--quiet", "--detach", "FETCH_HEAD")
    return made


def opened(made: Made) -> Repository:
    repository = Repository.discover(made.folder)
    assert repository is not None
    return repository


def test_the_tip_of_a_branch_comes_alone_into_a_shallow_clone(host: Made, tmp_path: Path) -> None:
    made = shallow(host, tmp_path / "clone")
    assert Source(opened(made), seconds=30).fetch_branch("main")
    assert made.git("rev-list", "--count", "refs/remotes/origin/main") == "1"
    assert made.git("rev-parse", "refs/remotes/origin/main") == host.git("rev-parse", "main")


def test_a_tip_that_is_here_already_costs_no_history(host: Made, tmp_path: Path) -> None:
    host.git("checkout", "--quiet", "feature")
    host.merge("main")
    made = shallow(host, tmp_path / "clone")
    made.git("fetch", "--quiet", "--depth=4", "origin", "refs/heads/feature")
    made.git("checkout", "--quiet", "--detach", "FETCH_HEAD")
    before = made.git("rev-list", "--count", "HEAD")
    assert Source(opened(made), seconds=30).fetch_branch("main")
    assert made.git("rev-list", "--count", "HEAD") == before


def test_a_whole_clone_of_one_branch_stays_whole(host: Made, tmp_path: Path) -> None:
    made = Made.cloned(host, tmp_path / "clone", "--single-branch", "--branch=feature")
    assert Source(opened(made), seconds=30).fetch_branch("main")
    assert made.git("rev-list", "--count", "refs/remotes/origin/main") == "12"
    assert made.git("rev-parse", "--is-shallow-repository") == "false"


def test_deepening_brings_so_many_commits_of_both_sides(host: Made, tmp_path: Path) -> None:
    made = shallow(host, tmp_path / "clone")
    source = Source(opened(made), seconds=30)
    assert source.fetch_branch("main")
    head = made.git("rev-parse", "HEAD")
    assert source.of(opened(made)).deepen(2, head, "main")
    assert made.git("rev-list", "--count", "HEAD") == "3"
    assert made.git("rev-list", "--count", "origin/main") == "3"
    assert source.of(opened(made)).deepen(EVERYTHING, head, "main")
    assert made.git("rev-parse", "--is-shallow-repository") == "false"
    assert not (made.folder / ".git" / "FETCH_HEAD").read_text(encoding="utf-8").count("main")


def test_a_remote_that_does_not_answer_is_given_up_in_time_and_leaves_no_lock(
    host: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = shallow(host, tmp_path / "clone")
    made.git("remote", "set-url", "origin", "ssh://nowhere.invalid/x")
    monkeypatch.setenv("GIT_SSH_COMMAND", "sleep 60;")
    began = time.monotonic()
    source = Source(opened(made), seconds=0.5)
    assert not source.deepen(5, made.git("rev-parse", "HEAD"), "main", "refs/pull/7/merge")
    assert "too long" in source.failure
    assert time.monotonic() - began < 8
    assert not list((made.folder / ".git").glob("*.lock"))


@pytest.mark.parametrize(
    "branch", ["", "--upload-pack=touch evil", "a b", "main:refs/heads/main", "+main", "no/such/branch"]
)
def test_what_is_no_branch_there_is_not_fetched(host: Made, tmp_path: Path, branch: str) -> None:
    made = shallow(host, tmp_path / "clone")
    source = Source(opened(made), seconds=30)
    assert not source.fetch_branch(branch)
    assert source.failure
    assert not list(tmp_path.rglob("evil*"))


def test_a_folder_called_origin_is_no_remote(host: Made, tmp_path: Path) -> None:
    made = shallow(host, tmp_path / "clone")
    Made(made.folder / "origin").commit("forged")
    made.git("remote", "remove", "origin")
    source = Source(opened(made), seconds=30)
    assert not source.fetch_branch("main")
    assert not source.deepen(5, made.git("rev-parse", "HEAD"), "main")
    assert "no remote" in source.failure


@pytest.mark.parametrize("name", ["main", "release/2.0", "a@b", "ünï", "dependabot/npm/x-1.2.3"])
def test_names_that_git_takes_are_names(name: str) -> None:
    assert is_branch_name(name)


@pytest.mark.parametrize(
    "name",
    ["", "-x", "a..b", "a~1", "a^", "a:b", "a?b", "a*", "a[b", "a\\b", "a b", "a\nb", ".a", "a/.b", "a.lock", "a.lock/b", "a/", "/a",
     "a//b", "a@{1}", "@", "a.", "\x7f", "x" * 300, "\ud800"],
)  # fmt: skip
def test_names_that_git_does_not_take_are_none(name: str) -> None:
    assert not is_branch_name(name)


def test_a_remote_that_is_not_there_is_named_by_gits_failure_and_not_by_its_advice(host: Made, tmp_path: Path) -> None:
    made = shallow(host, tmp_path / "shallow")
    made.git("remote", "set-url", "origin", str(tmp_path / "nowhere"))
    source = Source(opened(made), seconds=20)
    assert not source.fetch_branch("main")
    assert source.failure.startswith("fatal: ")
