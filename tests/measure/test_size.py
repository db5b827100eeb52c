"""Sizes where names are odd and links lead elsewhere."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from perfgate.core.entries import SizeEntry
from perfgate.core.model import Capture, Context, Run
from perfgate.errors import InputError
from perfgate.formats import run as run_format
from perfgate.measure.size import capture
from perfgate.measure.surroundings import Surroundings


@pytest.fixture
def around(tmp_path: Path) -> Surroundings:
    root, work = tmp_path / "root", tmp_path / "work"
    root.mkdir()
    work.mkdir()
    return Surroundings(root, work, dict(os.environ))


def weighed(around: Surroundings, *paths: str) -> Capture:
    return capture(SizeEntry("it", paths=paths), around, lambda _: None)


def total(captured: Capture) -> float:
    (only,) = captured.measurements
    return float(only.values[0])


def test_a_pattern_follows_no_links_and_a_link_named_itself_is_followed(around: Surroundings) -> None:
    (around.root.parent / "elsewhere").write_bytes(b"x" * 1000)
    (around.root / "file").write_bytes(b"x" * 10)
    (around.root / "broken").symlink_to("nowhere")
    (around.root / "out").symlink_to("../elsewhere")
    (around.root / "folder").symlink_to("..")
    assert total(weighed(around, "*")) == 10
    assert total(weighed(around, "out")) == 1000
    with pytest.raises(InputError, match="nothing matches"):
        weighed(around, "brok*")


def test_names_that_are_no_utf_8_can_be_weighed_and_written(around: Surroundings) -> None:
    odd = os.fsdecode(b"bad\xffname")
    try:
        (around.root / odd).write_bytes(b"xyz")
    except OSError:
        pytest.skip("this file system takes UTF-8 names only")
    for path in (odd, "*", "."):
        captured = weighed(around, path)
        assert total(captured) == 3
        assert run_format.dump(Run(Context(), captured.measurements, captured.details, captured.caveats))


def test_two_long_paths_stay_two_series(around: Surroundings) -> None:
    folder = around.root
    for _ in range(3):
        folder /= "f" * 110
        folder.mkdir()
    for name in ("a", "b"):
        (folder / name).touch()
    long = folder.relative_to(around.root).as_posix()
    captured = weighed(around, f"{long}/a", f"{long}/b")
    assert len({each.series for each in captured.measurements}) == 2
    assert [each.code for each in captured.caveats] == ["long-label"]


def test_the_total_is_what_find_adds_up(around: Surroundings, root: Path) -> None:
    find = ["find", str(root / "tests" / "corpus"), "-type", "f", "-printf", "%s\\n"]
    told = subprocess.run(find, capture_output=True, check=True).stdout.split()
    assert total(weighed(around._replace(root=root), "tests/corpus")) == sum(map(int, told))
