"""Files are written whole or not at all; links lead through, and what is no file takes the bytes as they are."""

from __future__ import annotations

import os
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from perfgate.errors import InputError, OperationFailed
from perfgate.formats.files import write_atomically


def test_a_link_stays_and_the_file_it_leads_to_is_written(tmp_path: Path) -> None:
    (tmp_path / "real").mkdir()
    target, link, chain = tmp_path / "real" / "run.json", tmp_path / "link.json", tmp_path / "chain.json"
    link.symlink_to(Path("real") / "run.json")
    chain.symlink_to("link.json")
    for path, data in ((link, b"first"), (chain, b"second")):
        write_atomically(path, data)
        assert path.is_symlink()
        assert target.read_bytes() == data
    assert [each.name for each in target.parent.iterdir()] == ["run.json"]


def test_a_link_to_the_null_device_stays_one(tmp_path: Path) -> None:
    link = tmp_path / "nowhere"
    link.symlink_to(os.devnull)
    write_atomically(link, b"x")
    assert link.is_symlink()
    assert not Path(os.devnull).is_file()


def test_a_named_pipe_gives_its_reader_the_bytes(tmp_path: Path) -> None:
    pipe, data = tmp_path / "pipe", b"x" * 300_000
    os.mkfifo(pipe)
    with pytest.raises(OperationFailed, match="nobody reads"):
        write_atomically(pipe, data)
    read: list[bytes] = []
    # Open for both: a pipe that nobody writes yet would end at once.
    opened = os.open(pipe, os.O_RDWR)

    def drain() -> None:
        with os.fdopen(opened, "rb") as stream:
            read.append(stream.read(len(data)))

    reader = threading.Thread(target=drain)
    reader.start()
    write_atomically(pipe, data)
    reader.join(10)
    assert read == [data]
    assert pipe.is_fifo()


@pytest.mark.parametrize("name", ["/dev/stdout", "/dev/fd/1", "/proc/self/fd/1"])
def test_standard_output_gets_the_bytes_among_what_is_printed(tmp_path: Path, name: str) -> None:
    program = (
        "import sys; from pathlib import Path; from perfgate.formats.files import write_atomically\n"
        f"print('one', flush=True); write_atomically(Path({name!r}), b'two\\n'); print('three')"
    )
    environ = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    with (tmp_path / "out").open("wb") as out:
        subprocess.run([sys.executable, "-c", program], stdout=out, env=environ, check=True)
    assert (tmp_path / "out").read_text(encoding="utf-8").split() == ["one", "two", "three"]
    piped = subprocess.run([sys.executable, "-c", program], capture_output=True, env=environ, check=True)
    assert piped.stdout.split() == [b"one", b"two", b"three"]


def test_a_folder_is_no_file_to_write(tmp_path: Path) -> None:
    with pytest.raises(InputError):
        write_atomically(tmp_path, b"x")
    assert list(tmp_path.iterdir()) == []


def test_with_a_folder_given_no_link_leads_a_write_out_of_it(tmp_path: Path) -> None:
    folder, outside = tmp_path / "decision", tmp_path / "outside"
    folder.mkdir()
    outside.mkdir()
    (outside / "kept").write_bytes(b"kept")
    (folder / "comment.md").symlink_to(outside / "kept")
    (folder / "new").symlink_to(outside / "new")
    (folder / "runs").symlink_to(outside)
    for path in (folder / "comment.md", folder / "new", folder / "runs" / "000.json", folder / ".." / "x"):
        with pytest.raises(OperationFailed, match="out of the folder"):
            write_atomically(path, b"x", within=folder)
    assert [path.name for path in outside.iterdir()] == ["kept"]
    assert (outside / "kept").read_bytes() == b"kept"


def test_a_link_inside_the_folder_and_a_folder_that_is_a_link_are_fine(tmp_path: Path) -> None:
    folder, link = tmp_path / "decision", tmp_path / "link"
    folder.mkdir()
    link.symlink_to(folder)
    (folder / "a").symlink_to(folder / "b")
    write_atomically(link / "a", b"x", within=link)
    assert (folder / "b").read_bytes() == b"x"
