"""Another commit's tree beside the user's own: there for as long as it is needed, and gone however perfgate ends."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from perfgate.errors import InputError, OperationFailed, Stopped
from perfgate.store import scratch, worktrees
from perfgate.store.git import Repository
from tests.store.repositories import Made


@pytest.fixture(autouse=True)
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder for temporary files of the test's own, so that it sees what is left there."""
    folder = tmp_path / "temporary"
    folder.mkdir()
    monkeypatch.setenv("TMPDIR", str(folder))
    monkeypatch.setattr("tempfile.tempdir", None)
    return folder


def found(folder: Path) -> Repository:
    repository = Repository.discover(folder)
    assert repository is not None
    return repository


def state(made: Made) -> tuple[str, ...]:
    """What belongs to the user: HEAD, branches, stashes, the index, the work tree, and the work trees there are."""
    return (
        made.git("rev-parse", "HEAD"),
        made.git("for-each-ref"),
        made.git("stash", "list"),
        made.git("ls-files", "--stage"),
        made.git("status", "--porcelain"),
        made.git("worktree", "list"),
        made.git("reflog", "--all"),
    )


def left(temporary: Path) -> list[str]:
    return sorted(path.name for path in temporary.iterdir())


def test_another_commit_is_checked_out_beside_a_dirty_tree_and_nothing_of_the_users_changes(
    made: Made, temporary: Path
) -> None:
    first = made.commit(a="before")
    made.commit(a="after")
    made.write("a.txt", "stashed")
    made.git("stash")
    made.write("a.txt", "not committed")
    made.write("new.txt", "untracked")
    made.write("b.txt", "staged")
    made.git("add", "b.txt")
    before = state(made)
    with worktrees.checked_out(found(made.folder), first) as checkout:
        assert (checkout.root / "a.txt").read_text(encoding="utf-8") == "before"
        assert not (checkout.root / "new.txt").exists()
        assert not checkout.root.is_relative_to(made.folder)
        assert found(checkout.root).head() == first
        assert checkout.caveats == ()
    assert state(made) == before
    assert left(temporary) == []
    assert (made.folder / "a.txt").read_text(encoding="utf-8") == "not committed"


@pytest.mark.parametrize("error", [KeyboardInterrupt(), Stopped(signal.SIGTERM), ValueError()])
def test_whatever_is_raised_nothing_is_left(made: Made, temporary: Path, error: BaseException) -> None:
    commit = made.commit(a="x")

    def work() -> None:
        with worktrees.checked_out(found(made.folder), commit) as checkout:
            folder = checkout.root / "read-only"
            folder.mkdir()
            (folder / "file").write_text("x", encoding="utf-8")
            folder.chmod(0o500)
            raise error

    with pytest.raises(type(error)):
        work()
    assert left(temporary) == []
    assert "perfgate" not in made.git("worktree", "list")
    assert not (made.folder / ".git" / "worktrees").exists()


def test_two_at_once_do_not_meet(made: Made, temporary: Path) -> None:
    commit = made.commit(a="x")
    repository = found(made.folder)
    with worktrees.checked_out(repository, commit) as one:
        with worktrees.checked_out(repository, commit) as other:
            assert one.root != other.root
        assert (one.root / "a.txt").exists()
        assert found(one.root).head() == commit
    assert left(temporary) == []


SLEEPER = """
import sys, time
from pathlib import Path
from perfgate.store import worktrees
from perfgate.store.git import Repository
repository = Repository.discover(Path.cwd())
with worktrees.checked_out(repository, repository.head()) as checkout:
    print(checkout.root, flush=True)
    time.sleep(60)
"""


def sleeping(made: Made) -> tuple[subprocess.Popen[str], Path]:
    environ = dict(os.environ) | {"PYTHONPATH": str(Path(__file__).resolve().parents[2])}
    process = subprocess.Popen(
        [sys.executable, "-c", SLEEPER], cwd=made.folder, env=environ, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.DEVNULL,
    )  # fmt: skip
    assert process.stdout is not None
    return process, Path(process.stdout.readline().strip())


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_leaves_nothing(made: Made, temporary: Path, number: signal.Signals) -> None:
    made.commit(a="x")
    process, root = sleeping(made)
    with process:
        assert (root / "a.txt").exists()
        process.send_signal(number)
        # Impatience must not cut the cleaning short.
        process.send_signal(number)
        process.wait(30)
    assert left(temporary) == []
    assert "perfgate" not in made.git("worktree", "list")


def test_what_a_killed_one_left_the_next_one_removes_and_never_what_a_living_one_uses(
    made: Made, temporary: Path
) -> None:
    made.commit(a="x")
    living, living_root = sleeping(made)
    killed, killed_root = sleeping(made)
    with killed:
        killed.kill()
        killed.wait(30)
    assert killed_root.exists()
    assert str(killed_root) in made.git("worktree", "list")
    worktrees.sweep()
    with living:
        assert not killed_root.parent.exists()
        assert str(killed_root) not in made.git("worktree", "list")
        assert (living_root / "a.txt").exists()
        assert str(living_root) in made.git("worktree", "list")
        living.terminate()
        living.wait(30)
    assert left(temporary) == []


def test_folders_that_are_not_perfgates_stay(made: Made, temporary: Path) -> None:
    (temporary / "perfgate-notes").mkdir()
    (temporary / "perfgate-1-x").symlink_to(made.folder)
    worktrees.sweep()
    assert left(temporary) == ["perfgate-1-x", "perfgate-notes"]
    assert made.folder.exists()


def test_a_work_tree_of_the_users_on_a_missing_disk_stays(made: Made, tmp_path: Path) -> None:
    commit = made.commit(a="x")
    made.git("worktree", "add", "--quiet", "--detach", str(tmp_path / "disk" / "perfgate-mine"), commit)
    (tmp_path / "disk").rename(tmp_path / "not mounted")
    with worktrees.checked_out(found(made.folder), commit):
        pass
    assert "perfgate-mine" in made.git("worktree", "list")


def test_our_own_whose_folder_a_restart_removed_is_forgotten_after_a_day(made: Made, temporary: Path) -> None:
    commit = made.commit(a="x")
    root = temporary / "perfgate-1-x" / "perfgate-abc"
    made.git("worktree", "add", "--quiet", "--detach", str(root), commit)
    scratch.remove(root.parent)
    with worktrees.checked_out(found(made.folder), commit):
        assert "perfgate-abc" in made.git("worktree", "list")
    kept = made.folder / ".git" / "worktrees" / "perfgate-abc" / "gitdir"
    os.utime(kept, (time.time() - 2 * 86400,) * 2)
    with worktrees.checked_out(found(made.folder), commit):
        assert "perfgate-abc" not in made.git("worktree", "list")


def test_a_folder_for_temporary_files_inside_the_repository_is_refused(
    made: Made, monkeypatch: pytest.MonkeyPatch
) -> None:
    commit = made.commit(a="x")
    (made.folder / "tmp").mkdir()
    monkeypatch.setenv("TMPDIR", str(made.folder / "tmp"))
    monkeypatch.setattr("tempfile.tempdir", None)
    with (
        pytest.raises(OperationFailed, match="inside the repository"),
        worktrees.checked_out(found(made.folder), commit),
    ):
        pass
    assert left(made.folder / "tmp") == []


@pytest.mark.parametrize("name", ["--upload-pack=touch x", "-x", "", "nowhere", "main x", "main\nx", "HEAD:a.txt", "HEAD^{tree}"])  # fmt: skip
def test_a_name_that_is_no_commit_is_refused(made: Made, name: str) -> None:
    made.commit(a="x")
    with pytest.raises(InputError, match="is no commit, branch or tag"):
        worktrees.resolve(found(made.folder), name, "--base")
    assert not (made.folder / "x").exists()


def test_a_shallow_clone_is_told_to_fetch(made: Made, tmp_path: Path) -> None:
    first = made.commit(a="x")
    made.commit(a="y")
    clone = Made.cloned(made, tmp_path / "clone", "--depth=1")
    with pytest.raises(InputError) as caught:
        worktrees.resolve(found(clone.folder), first, "--base")
    assert "--unshallow" in caught.value.remedy


def test_a_tree_without_its_submodules_and_lfs_files_says_so(made: Made, tmp_path: Path) -> None:
    inner = Made(tmp_path / "inner")
    inner.commit(a="x")
    made.git("-c", "protocol.file.allow=always", "submodule", "--quiet", "add", inner.folder.as_uri(), "parts/inner")
    made.write("deep/.gitattributes", "*.bin filter=lfs diff=lfs merge=lfs -text\n")
    made.write("deep/big.bin", "version https://git-lfs.github.com/spec/v1\noid sha256:00\nsize 1\n")
    made.write("deep/real.bin", "what it is\n")
    commit = made.commit()
    with worktrees.checked_out(found(made.folder), commit) as checkout:
        told = [caveat.message for caveat in checkout.caveats]
    assert len(told) == 2
    assert "submodules (parts/inner)" in told[0]
    assert "LFS (deep/big.bin)" in told[1]


def test_hooks_of_the_user_are_not_run(made: Made) -> None:
    commit = made.commit(a="x")
    hook = made.folder / ".git" / "hooks" / "post-checkout"
    hook.parent.mkdir(exist_ok=True)
    hook.write_text(f"#!/bin/sh\ntouch '{made.folder}/hooked'\n", encoding="utf-8")
    hook.chmod(0o755)
    with worktrees.checked_out(found(made.folder), commit):
        pass
    assert not (made.folder / "hooked").exists()


def test_a_repository_that_lacks_objects_is_an_error_and_leaves_nothing(made: Made, temporary: Path) -> None:
    commit = made.commit(a="x")
    blob = made.git("rev-parse", "HEAD:a.txt")
    (made.folder / ".git" / "objects" / blob[:2] / blob[2:]).unlink()
    with pytest.raises(OperationFailed, match="cannot check out"), worktrees.checked_out(found(made.folder), commit):
        pass
    assert left(temporary) == []
    assert "perfgate" not in made.git("worktree", "list")
