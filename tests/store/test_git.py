"""What git is asked, on real repositories of every shape."""

from __future__ import annotations

import os
import sys
from pathlib import Path

import pytest

from perfgate.errors import InputError, OperationFailed
from perfgate.store.git import Repository, Scratch, is_commit_id
from tests.store.repositories import Made


def found(folder: Path) -> Repository:
    repository = Repository.discover(folder)
    assert repository is not None
    return repository


# --- finding it -------------------------------------------------------------------------------------------------------


def test_a_folder_outside_any_repository_has_none(tmp_path: Path) -> None:
    assert Repository.discover(tmp_path) is None


def test_a_repository_is_found_from_a_folder_inside_it(made: Made) -> None:
    made.write("deep/er/file", "")
    assert found(made.folder / "deep" / "er").root == made.folder


def test_a_repository_without_a_work_tree_is_none(tmp_path: Path) -> None:
    bare = Made(tmp_path / "bare", "--bare")
    assert Repository.discover(bare.folder) is None


def test_a_folder_name_with_a_newline_is_no_problem(tmp_path: Path) -> None:
    made = Made(tmp_path / "two\nlines")
    assert found(made.folder).root == made.folder


def test_what_a_surrounding_hook_says_of_its_repository_does_not_matter(
    made: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit = made.commit()
    other = Made(tmp_path / "other")
    monkeypatch.setenv("GIT_DIR", str(other.folder / ".git"))
    monkeypatch.setenv("GIT_WORK_TREE", str(other.folder))
    monkeypatch.setenv("GIT_INDEX_FILE", str(other.folder / "index"))
    assert found(made.folder).head() == commit


def test_without_the_program_git_a_repository_is_an_error_and_no_repository_is_none(
    made: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(OperationFailed, match="git cannot be run"):
        Repository.discover(made.folder)
    (tmp_path / "plain").mkdir()
    assert Repository.discover(tmp_path / "plain") is None


def test_a_repository_of_somebody_else_is_an_error_with_the_remedy(made: Made, monkeypatch: pytest.MonkeyPatch) -> None:
    # git's own switch for its tests of this refusal.
    monkeypatch.setenv("GIT_TEST_ASSUME_DIFFERENT_OWNER", "1")
    with pytest.raises(OperationFailed) as caught:
        Repository.discover(made.folder)
    assert "safe.directory" in caught.value.remedy
    assert str(made.folder) not in str(caught.value)


def test_a_broken_repository_is_an_error_and_not_an_absent_one(tmp_path: Path) -> None:
    (tmp_path / ".git").write_text("gitdir: nowhere\n", encoding="utf-8")
    with pytest.raises(OperationFailed, match="cannot read this repository"):
        Repository.discover(tmp_path)


def test_a_work_tree_beside_the_main_one_has_its_own_head(made: Made, tmp_path: Path) -> None:
    first = made.commit()
    second = made.commit()
    made.git("worktree", "add", "--quiet", "-b", "beside", str(tmp_path / "beside"), first)
    repository = found(tmp_path / "beside")
    assert (repository.head(), repository.branch()) == (first, "beside")
    assert found(made.folder).head() == second


def test_a_submodule_is_a_repository_of_its_own(made: Made, tmp_path: Path) -> None:
    inner = Made(tmp_path / "inner")
    commit = inner.commit(a="1")
    made.git("-c", "protocol.file.allow=always", "submodule", "--quiet", "add", inner.folder.as_uri(), "sub")
    outer = made.commit()
    assert found(made.folder / "sub").head() == commit
    repository = found(made.folder)
    assert repository.head() == outer
    assert repository.worktree_fingerprint() == ""
    assert [name for name, _ in repository.files_under(outer, "")] == [".gitmodules"]


def test_a_repository_with_sha256_works_alike(tmp_path: Path) -> None:
    made = Made(tmp_path / "repository", "--object-format=sha256")
    first, second = made.commit(a="1"), made.commit(a="2")
    repository = found(made.folder)
    assert len(first) == 64
    assert repository.parents(second) == (first,)
    assert set(repository.ancestors_among(second, [first, second])) == {first, second}
    assert repository.file_at(first, "a.txt") == b"1"
    assert repository.expand([first[:12]]) == {first[:12]: first}


# --- commits and branches ---------------------------------------------------------------------------------------------


def test_a_repository_without_commits_has_no_head_but_a_branch(made: Made) -> None:
    repository = found(made.folder)
    assert (repository.head(), repository.branch()) == ("", "main")
    assert repository.worktree_fingerprint() == "no-commit"
    assert repository.default_branch() == ""


def test_a_commit_checked_out_by_itself_has_no_branch(made: Made) -> None:
    commit = made.commit()
    made.git("checkout", "--quiet", commit)
    assert found(made.folder).branch() == ""


def test_a_branch_keeps_its_name_beside_a_tag_of_the_same_name(made: Made) -> None:
    made.commit()
    made.git("tag", "main")
    assert found(made.folder).branch() == "main"


def test_the_default_branch_is_what_origin_says(made: Made, tmp_path: Path) -> None:
    made.git("checkout", "--quiet", "-b", "trunk")
    made.commit()
    made.git("branch", "main")
    clone = Made.cloned(made, tmp_path / "clone")
    assert found(clone.folder).default_branch() == "trunk"


@pytest.mark.parametrize("name", ["main", "master"])
def test_without_origin_the_default_branch_is_a_usual_one_that_exists(made: Made, name: str) -> None:
    made.git("checkout", "--quiet", "-b", name) if name != "main" else None
    made.commit()
    made.git("checkout", "--quiet", "-b", "feature")
    assert found(made.folder).default_branch() == name


def test_without_origin_the_configured_first_branch_comes_before_the_usual_ones(made: Made) -> None:
    made.commit()
    made.git("branch", "develop")
    assert found(made.folder).default_branch() == "main"
    made.git("config", "init.defaultBranch", "develop")
    assert found(made.folder).default_branch() == "develop"


@pytest.mark.parametrize("name", ["--output=x", "main", "refs/heads/main@{1}", "refs/heads/../x", "HEAD", ""])
def test_only_full_names_of_branches_are_resolved(made: Made, name: str) -> None:
    made.commit()
    made.commit()
    assert found(made.folder).resolve(name) == ""


def test_a_branch_named_like_an_option_is_just_a_branch(made: Made) -> None:
    commit = made.commit()
    made.git("update-ref", "refs/heads/--output=x", commit)
    repository = found(made.folder)
    assert repository.resolve("refs/heads/--output=x") == commit
    assert not (made.folder / "x").exists()


@pytest.mark.parametrize("text", ["", "--all", "main evil", "\x00", "nowhere"])
def test_what_a_person_names_badly_is_no_commit(made: Made, text: str) -> None:
    made.commit()
    assert found(made.folder).commit_named(text) == ""


def test_a_person_may_name_a_commit_by_tag_branch_or_short_hash(made: Made) -> None:
    commit = made.commit()
    made.git("tag", "-m", "one", "v1")
    assert {found(made.folder).commit_named(name) for name in ("v1", "main", commit[:8], commit)} == {commit}


def test_ancestors_are_told_from_other_commits_and_from_unknown_ones(made: Made) -> None:
    first, second = made.commit(), made.commit()
    made.git("checkout", "--quiet", "-b", "side", first)
    side = made.commit()
    made.git("checkout", "--quiet", "main")
    merged = made.merge("side")
    later = made.commit()
    repository = found(made.folder)
    blob = made.git("hash-object", "-w", "--stdin-paths") or "0" * 40
    candidates = [first, second, side, merged, later, "f" * 40, blob, "--all", "main"]
    assert set(repository.ancestors_among(second, candidates)) == {first, second}
    assert set(repository.ancestors_among(side, candidates)) == {first, side}
    assert set(repository.ancestors_among(merged, candidates)) == {first, second, side, merged}
    assert repository.ancestors_among("f" * 40, candidates) == {}
    assert repository.ancestors_among(merged, []) == {}


def test_ancestors_come_with_the_time_of_their_commit(made: Made) -> None:
    commit = made.commit()
    seconds = int(made.git("log", "-1", "--format=%ct"))
    assert found(made.folder).ancestors_among(commit, [commit]) == {commit: seconds}


def test_the_merge_base_of_unrelated_histories_is_nothing(made: Made) -> None:
    one = made.commit()
    made.git("checkout", "--quiet", "--orphan", "other")
    other = made.commit()
    assert found(made.folder).merge_base(one, other) == ""


def test_messages_are_those_of_the_change_oldest_first_in_any_encoding(made: Made) -> None:
    base = made.commit("before")
    first = made.commit("first\n\nPerf-Justification: tests.duration - needed\n")
    made.write("message", "")
    (made.folder / "message").write_bytes("zweite Ä\n".encode("latin-1"))
    made.git("-c", "i18n.commitEncoding=latin-1", "commit", "--quiet", "--allow-empty", "--file", "message")
    second = made.git("rev-parse", "HEAD")
    made.git("config", "i18n.logOutputEncoding", "latin-1")
    told = found(made.folder).messages(base, second)
    assert [commit for commit, _ in told] == [first, second]
    assert "Perf-Justification: tests.duration - needed" in told[0][1]
    assert told[1][1].strip() == "zweite Ä"
    assert found(made.folder).messages(second, second) == ()


# --- trees and files --------------------------------------------------------------------------------------------------


def test_files_of_a_commit_are_read_as_they_were(made: Made) -> None:
    made.write("baselines/runs/a.json", "old")
    commit = made.commit()
    made.write("baselines/runs/a.json", "new")
    made.write("baselines/runs/b.json", "")
    repository = found(made.folder)
    files = repository.files_under(commit, "baselines")
    assert [name for name, _ in files] == ["runs/a.json"]
    assert repository.read_blobs([blob for _, blob in files]) == [b"old"]
    assert repository.file_at(commit, "baselines/runs/a.json") == b"old"
    assert repository.file_at(commit, "baselines/runs/b.json") is None
    assert repository.file_at(commit, "baselines") is None


@pytest.mark.parametrize("name", [":(glob)*", "*.yaml", "ünï cödé", "a\nb", "-x"])
def test_a_path_is_never_a_pattern(made: Made, name: str) -> None:
    made.write(name, "this one")
    made.write("other.yaml", "not this")
    commit = made.commit()
    repository = found(made.folder)
    assert repository.file_at(commit, name) == b"this one"
    assert repository.file_at(commit, f"{name}x") is None


def test_a_symbolic_link_in_the_place_of_a_file_is_told_and_not_taken_for_absent(made: Made) -> None:
    made.write("real.yaml", "version: 1\n")
    (made.folder / "budgets.yaml").symlink_to("real.yaml")
    commit = made.commit()
    with pytest.raises(InputError, match="symbolic link"):
        found(made.folder).file_at(commit, "budgets.yaml")


def test_an_object_that_is_not_here_is_an_error_and_not_an_empty_file(made: Made) -> None:
    commit = made.commit(a="1")
    repository = found(made.folder)
    with pytest.raises(OperationFailed, match="lacks the object"):
        repository.read_blobs(["f" * 40])
    with pytest.raises(OperationFailed, match="ls-tree"):
        repository.file_at("f" * 40, "a.txt")
    with pytest.raises(OperationFailed, match="not a full hash"):
        repository.file_at("--help", "a.txt")
    assert repository.file_at(commit, "a.txt") == b"1"


def test_changed_paths_name_both_sides_of_a_rename_and_the_work_tree_where_asked(made: Made) -> None:
    base = made.commit(a="the same text in both", b="1")
    made.git("mv", "a.txt", "c.txt")
    tested = made.commit()
    made.write("b.txt", "2")
    repository = found(made.folder)
    assert repository.changed_paths(base, tested, with_worktree=False) == ("a.txt", "c.txt")
    assert repository.changed_paths(base, tested, with_worktree=True) == ("a.txt", "b.txt", "c.txt")


def test_a_path_that_is_not_utf_8_can_still_be_printed(made: Made) -> None:
    base = made.commit()
    Path(os.fsdecode(os.fsencode(made.folder) + b"/\xff.txt")).write_text("x", encoding="utf-8")
    tested = made.commit()
    for path in found(made.folder).changed_paths(base, tested, with_worktree=False):
        path.encode("utf-8")


def test_the_fingerprint_follows_tracked_changes_staged_or_not(made: Made) -> None:
    made.commit(a="1")
    repository = found(made.folder)
    assert repository.worktree_fingerprint() == ""
    made.write("untracked.txt", "x")
    assert repository.worktree_fingerprint() == ""
    made.write("a.txt", "2")
    edited = repository.worktree_fingerprint()
    made.git("add", "a.txt")
    assert repository.worktree_fingerprint() == edited != ""
    made.write("a.txt", "3")
    assert repository.worktree_fingerprint() not in {edited, ""}
    made.write("a.txt", "1")
    made.git("add", "a.txt")
    assert repository.worktree_fingerprint() == ""


def test_a_file_that_was_only_touched_is_no_change(made: Made) -> None:
    made.commit(a="1")
    os.utime(made.folder / "a.txt", (1, 1))
    assert found(made.folder).worktree_fingerprint() == ""


def test_asking_runs_no_program_that_the_repository_names(made: Made, tmp_path: Path) -> None:
    trap = tmp_path / "trap"
    trap.write_text(f"#!/bin/sh\ntouch {tmp_path}/sprung\ncat\n", encoding="utf-8")
    trap.chmod(0o755)
    base = made.commit(a="1")
    made.write(".gitattributes", "*.txt diff=trap\n")
    tested = made.commit(a="2")
    for name in ("core.fsmonitor", "diff.external", "diff.trap.textconv", "diff.trap.command", "core.pager"):
        made.git("config", name, str(trap))
    made.write("a.txt", "3")
    repository = found(made.folder)
    assert repository.worktree_fingerprint() != ""
    assert repository.changed_paths(base, tested, with_worktree=True) == (".gitattributes", "a.txt")
    assert len(repository.messages(base, tested)) == 1
    assert not (tmp_path / "sprung").exists()


def test_only_full_lower_case_hashes_are_ids() -> None:
    assert is_commit_id("a" * 40)
    assert is_commit_id("0" * 64)
    assert not any(is_commit_id(text) for text in ("a" * 39, "A" * 40, "a" * 41, "", "HEAD", "a" * 40 + "\n"))


# --- the demo's repository --------------------------------------------------------------------------------------------


def test_a_scratch_repository_leaves_a_surrounding_one_alone(
    made: Made, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit = made.commit()
    monkeypatch.setenv("GIT_DIR", str(made.folder / ".git"))
    monkeypatch.setenv("GIT_INDEX_FILE", str(made.folder / ".git" / "index"))
    before = dict(os.environ)
    folder = tmp_path / "scratch"
    folder.mkdir()
    scratch = Scratch.create(folder)
    (folder / "a").write_text("1", encoding="utf-8")
    first = scratch.commit("one")
    scratch.branch("feature", start="main")
    second = scratch.commit("two", allow_empty=True)
    repository = found(folder)
    assert (repository.head(), repository.parents(second), repository.branch()) == (second, (first,), "feature")
    assert found(made.folder).head() == commit
    assert dict(os.environ) == before


def test_gitpython_is_not_loaded_by_asking() -> None:
    import subprocess

    code = "import sys, perfgate.store.directory; sys.exit('git' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_commits_between_two_are_counted_and_few_of_them_named(made: Made) -> None:
    commits = [made.commit(f"change {number}\n\nbody") for number in range(4)]
    repository = Repository.discover(made.folder)
    assert repository is not None
    assert repository.commits_between(commits[0], commits[3]) == (3, ())
    assert repository.commits_between(commits[1], commits[3], named=2) == (
        2,
        ((commits[3], "change 3"), (commits[2], "change 2")),
    )
    assert repository.commits_between(commits[3], commits[3], named=5) == (0, ())
    assert repository.commits_between("0" * 40, commits[3], named=5) is None
    with pytest.raises(OperationFailed):
        repository.commits_between("--all", commits[3])
