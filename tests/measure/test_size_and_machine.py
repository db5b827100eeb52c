"""Sizes, and the class of the machine."""

from __future__ import annotations

import os
from pathlib import Path

import pytest

from perfgate.core.entries import SizeEntry
from perfgate.errors import InputError
from perfgate.measure.machine import _cleaned, machine_class
from perfgate.measure.size import capture
from perfgate.measure.surroundings import Surroundings


@pytest.fixture
def around(tmp_path: Path) -> Surroundings:
    root, work = tmp_path / "root", tmp_path / "work"
    root.mkdir()
    work.mkdir()
    return Surroundings(root, work, dict(os.environ))


def weighed(around: Surroundings, *paths: str, run: tuple[str, ...] = ()) -> dict[str, float]:
    captured = capture(SizeEntry("it", run, paths), around, lambda _: None)
    return {dict(each.series.labels)["path"]: float(each.values[0]) for each in captured.measurements}


def test_files_folders_and_patterns_are_weighed(around: Surroundings) -> None:
    (around.root / "a").mkdir()
    (around.root / "a" / "one.bin").write_bytes(b"x" * 100)
    (around.root / "a" / ".hidden").write_bytes(b"x" * 10)
    (around.root / "two.bin").write_bytes(b"x" * 1000)
    assert weighed(around, "a", "*.bin", "**/*.bin", "two.bin") == {
        "a": 110,
        "*.bin": 1000,
        "**/*.bin": 1100,
        "two.bin": 1000,
    }


def test_nothing_is_not_a_size_of_zero_but_an_empty_file_is(around: Surroundings) -> None:
    with pytest.raises(InputError, match="nothing matches"):
        weighed(around, "dist/*.whl")
    (around.root / "empty").touch()
    (around.root / "folder").mkdir()
    assert weighed(around, "empty", "folder") == {"empty": 0, "folder": 0}


def test_links_are_not_followed_and_files_of_two_names_count_once(around: Surroundings) -> None:
    folder = around.root / "f"
    folder.mkdir()
    (folder / "file").write_bytes(b"x" * 50)
    (folder / "same").hardlink_to(folder / "file")
    (folder / "link").symlink_to("file")
    (folder / "loop").symlink_to(".")
    assert weighed(around, "f", "f/**") == {"f": 50, "f/**": 50}


def test_a_path_with_brackets_is_a_path_where_it_exists(around: Surroundings) -> None:
    (around.root / "a[1].txt").write_bytes(b"xyz")
    assert weighed(around, "a[1].txt") == {"a[1].txt": 3}


def test_what_a_command_builds_is_weighed(around: Surroundings) -> None:
    run = ("sh", "-c", "head -c 1234 /dev/zero > {out}/app.bin")
    assert weighed(around, "{out}/*.bin", run=run) == {"*.bin": 1234}


def test_the_machine_class_is_the_same_twice_and_names_nobody() -> None:
    first = machine_class({}, "hosted")
    assert first == machine_class({}, "hosted")
    assert os.uname().nodename not in str(first)
    assert first.cpu_count >= 1
    assert machine_class({"PERFGATE_RUNNER": "mine"}, "hosted").runner == "mine"


@pytest.mark.parametrize(
    ("told", "kept"),
    [
        ("Intel(R) Xeon(R) CPU @ 2.20GHz", "Intel Xeon"),
        ("AMD EPYC 7763 64-Core Processor", "AMD EPYC 7763 64-Core"),
        ("Intel(R) Core(TM) i7-8650U CPU @ 1.90GHz", "Intel Core i7-8650U"),
    ],
)
def test_a_cpu_is_named_without_its_speed(told: str, kept: str) -> None:
    assert _cleaned(told) == kept
