"""Where perfgate was installed from becomes a requirement that installs the same, or nothing."""

from __future__ import annotations

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perfgate.cli import installed
from tests.cli.program import ENVIRON

COMMIT = "0123456789abcdef0123456789abcdef01234567"


def record(url: str, commit: str = COMMIT, **more: object) -> str:
    return json.dumps(
        {"url": url, "vcs_info": {"vcs": "git", "commit_id": commit, "requested_revision": "main"}, **more}
    )


@pytest.mark.parametrize(
    ("url", "requirement"),
    [
        ("https://host.example/o/perfgate.git", "https://host.example/o/perfgate.git"),
        ("https://me:secret@host.example:8443/o/perfgate", "https://host.example:8443/o/perfgate"),
        ("https://token@host.example/o/perfgate", "https://host.example/o/perfgate"),
        ("ssh://git@host.example/o/perfgate.git", "ssh://git@host.example/o/perfgate.git"),
        ("ssh://me:secret@host.example/o/perfgate.git", "ssh://host.example/o/perfgate.git"),
    ],
)
def test_a_git_repository_is_named_with_its_commit_and_without_credentials(url: str, requirement: str) -> None:
    assert installed.from_record(record(url)) == f"perfgate @ git+{requirement}@{COMMIT}"


@pytest.mark.parametrize(
    "text",
    [
        json.dumps({"url": "file:///home/me/perfgate", "dir_info": {"editable": True}}),
        json.dumps({"url": "file:///home/me/perfgate.whl", "archive_info": {}}),
        record("file:///home/me/perfgate"),
        record("https://host.example/o/perfgate", "main"),
        record("https://host.example/o/perfgate", COMMIT + "\n"),
        record("https://host.example/o/perfgate", subdirectory="python"),
        record("https://host.example/o/${{ secrets.X }}"),
        record("https://host.example/o/$HOME"),
        record("https://[host/o"),
        record(""),
        "{}",
        "[]",
        "null",
        "not JSON",
        '{"url": 1, "vcs_info": 2}',
    ],
)
def test_what_nobody_else_can_install_is_no_requirement(text: str) -> None:
    assert installed.from_record(text) == ""


@settings(max_examples=50, deadline=None)
@given(st.text(max_size=40))
def test_no_address_brings_a_sign_that_means_something_in_a_ci_file(text: str) -> None:
    told = installed.from_record(record(f"https://host.example/{text}"))
    assert re.fullmatch(r"(perfgate @ git\+https://[A-Za-z0-9.~_/+:-]+@[0-9a-f]{40})?", told)


def test_a_checkout_is_nothing_that_others_can_install(tmp_path: Path) -> None:
    assert asked(tmp_path / "none", None) == ""


def test_without_a_record_it_came_from_an_index(tmp_path: Path) -> None:
    assert asked(tmp_path, "") == "perfgate==7.8"


def test_the_record_of_the_installation_is_read(tmp_path: Path) -> None:
    told = asked(tmp_path, record("https://me:secret@host.example/o/perfgate"))
    assert told == f"perfgate @ git+https://host.example/o/perfgate@{COMMIT}"


def asked(folder: Path, told: str | None) -> str:
    """What a process says whose perfgate lies in a folder with the metadata of an installation; with None, in a checkout without any."""
    source = Path(installed.__file__).parents[1]
    folder.mkdir(exist_ok=True)
    (folder / "perfgate").symlink_to(source) if told is None else _copied(source, folder, told)
    script = (
        "import sys; sys.path[:0] = [sys.argv[1]]; from perfgate.cli import installed; print(installed.requirement())"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(folder)],
        env=ENVIRON,
        cwd=folder,
        capture_output=True,
        text=True,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    return done.stdout.strip()


def _copied(source: Path, folder: Path, told: str) -> None:
    (folder / "perfgate" / "cli").mkdir(parents=True)
    for name in ("__init__.py", "cli/__init__.py", "cli/installed.py"):
        (folder / "perfgate" / name).write_bytes((source / name).read_bytes())
    metadata = folder / "perfgate-7.8.dist-info"
    metadata.mkdir()
    (metadata / "METADATA").write_text("Metadata-Version: 2.1\nName: perfgate\nVersion: 7.8\n", encoding="utf-8")
    if told:
        (metadata / "direct_url.json").write_text(told, encoding="utf-8")
