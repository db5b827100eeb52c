"""The names that git is given: never a name that git itself would refuse, nor one that is more than a name."""

from __future__ import annotations

import subprocess

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perfgate.core.git_names import branch_problem, remote_problem

_SIGNS = "aB1-_./@{}~^:?*[\\ \x00\x1f\x7f\n\u00fc\u202e"


@settings(max_examples=60, deadline=None)
@given(
    st.text(alphabet=_SIGNS, min_size=1, max_size=12)
    | st.sampled_from(["a.lock", "a/b.lock/c", "@", "HEAD", "a..b", "-a", "a/"])
)
def test_a_name_without_a_problem_is_one_for_git(name: str) -> None:
    if branch_problem(name):
        return
    done = subprocess.run(["git", "check-ref-format", f"refs/heads/{name}"], check=False)
    assert done.returncode == 0
    done = subprocess.run(["git", "check-ref-format", "--branch", name], check=False, capture_output=True)
    assert done.returncode == 0


@pytest.mark.parametrize("name", ["main", "perfgate-data", "a/b.c", "feature/ünï_1", "a@b", "x" * 200])
def test_ordinary_names_are_good(name: str) -> None:
    assert branch_problem(name) == ""


@pytest.mark.parametrize(
    "name",
    ["", "-f", "--upload-pack=x", "a b", "a\nb", "a..b", "a.lock", "a/.b", "a/b.lock/c", "/a", "a/", "a//b", "a.", "a./b",
     "@", "HEAD", "a@{1}", "refs/heads/a", "a~1", "a^", "a:b", "a*", "a[b", "a\\b", "a\u202eb", "x" * 201],
)  # fmt: skip
def test_what_git_or_we_refuse_has_a_sentence(name: str) -> None:
    assert "cannot be the name of a branch" in branch_problem(name)


@pytest.mark.parametrize("name", ["origin", "up-stream.2", "_x"])
def test_remotes_have_plain_names(name: str) -> None:
    assert remote_problem(name) == ""


@pytest.mark.parametrize("name", ["", "-o", "../r", "a/b", "https://x/y", "ext::sh", ".", "..", "a b", "ü", "a\n"])
def test_an_address_a_path_or_an_option_is_no_remote(name: str) -> None:
    assert "cannot be the name of a remote" in remote_problem(name)
