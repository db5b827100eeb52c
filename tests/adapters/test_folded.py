"""Folded stacks, speedscope and perf script: what real samplers write, and what nobody should write."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perfgate.adapters.folded import (
    below,
    read_folded,
    read_perf_script,
    read_profile,
    write_folded,
)
from perfgate.core.frames import Frame, profile_of
from perfgate.errors import InputError

_CORPUS = Path(__file__).parents[1] / "corpus" / "profiles"


def _text(name: str) -> str:
    return (_CORPUS / name).read_text(encoding="utf-8")


def _shares(name: str) -> dict[str, tuple[float, float]]:
    found = read_profile(_text(name), name)
    profile = profile_of(found.stacks, command="it", sampler="x", samples=found.samples)
    return {frame.name: shares for frame, shares in profile.shares.items()}


@pytest.mark.parametrize("name", ["py-spy.folded", "py-spy.speedscope.json"])
def test_what_py_spy_writes_is_read(name: str) -> None:
    found = read_profile(_text(name), name)
    shares = _shares(name)
    assert found.samples > 150
    assert 0.5 < shares["slow"][0] < 0.9
    # It calls itself three times, and counts once.
    assert shares["slow"][1] > shares["rec"][1] > shares["rec"][0]


def test_the_line_of_a_frame_is_not_part_of_it() -> None:
    found = read_folded("main (a.py:11);slow (a.py:4) 1\nmain (a.py:12);slow (a.py:5) 1\n", "x")
    assert {frames for frames, _ in found.stacks} == {(Frame("main", "a.py"), Frame("slow", "a.py"))}


def test_the_process_and_thread_frames_of_py_spy_are_left_out() -> None:
    text = _text("py-spy.speedscope.json")
    assert "process " in text
    assert not any(frames[0].name.startswith("process") for frames, _ in read_profile(text, "x").stacks)
    told = read_folded('process 21977:"python -c secret";main (a.py) 3\nthread (0x7F12);main (a.py) 2\n', "x")
    assert {frames for frames, _ in told.stacks} == {(Frame("main", "a.py"),)}


def test_a_sample_without_any_frame_is_odd_and_no_stack() -> None:
    found = read_folded("main 3\nmain;a 1\nmain;b 1\n 2\nno count\n", "x")
    assert (len(found.stacks), found.samples, found.odd) == (3, 5, 2)


def test_names_with_blanks_parentheses_and_signs_are_kept_whole() -> None:
    found = read_folded("operator new(unsigned long) (libc.so);std::map<int, a b>::at 7\n", "x")
    assert found.stacks[0][0] == (Frame("operator new(unsigned long)", "libc.so"), Frame("std::map<int, a b>::at"))


@pytest.mark.parametrize(
    "text",
    ["", "nothing here", "{}", '{"shared": {"frames": []}, "profiles": []}', "{", "1 2 3 x",
     '{"shared": {"frames": [{"name": "a"}]}, "profiles": [{"type": "sampled", "samples": [[1]], "weights": [1]}]}',
     '{"shared": {"frames": [{"name": "a"}]}, "profiles": [{"type": "sampled", "samples": [[0]], "weights": []}]}',
     '{"shared": {"frames": [{"name": "a"}]}, "profiles": [{"type": "sampled", "samples": [[true]], "weights": [1]}]}',
     '{"shared": {"frames": [{"name": "a"}]}, "profiles": [{"type": "evented", "events": []}]}'],
)  # fmt: skip
def test_what_is_no_profile_is_refused(text: str) -> None:
    with pytest.raises(InputError):
        read_profile(text, "x")


@settings(max_examples=100)
@given(st.text(st.characters(codec="utf-8"), max_size=200))
def test_any_text_is_a_profile_or_refused(text: str) -> None:
    for reader in (read_profile, read_perf_script):
        try:
            found = reader(text, "x")
        except InputError:
            continue
        assert all(frames and weight >= 0 for frames, weight in found.stacks)


def test_perf_script_is_read_from_the_inside_out() -> None:
    found = read_perf_script(_text("perf-script.txt"), "x")
    outermost = {frames[0].name for frames, _ in found.stacks}
    assert outermost == {"__libc_start_call_main"}
    assert found.samples == sum(weight for _, weight in found.stacks) > 15


def test_perf_frames_lose_their_offset_and_keep_their_name() -> None:
    text = "it 7\n\t ffff81 do (a)+0x1d ([kernel.kallsyms])\n\t 7f12 [unknown] ([unknown])\n\n"
    ((frames, _),) = read_perf_script(text, "x").stacks
    assert frames == (Frame("[unknown]"), Frame("do (a)", "[kernel.kallsyms]"))


def test_what_is_written_is_read_again() -> None:
    stacks = read_profile(_text("py-spy.folded"), "x").stacks
    data, cut = write_folded(stacks)
    again = read_folded(data.decode(), "x")
    assert cut == 0
    assert profile_of(again.stacks, command="", sampler="") == profile_of(stacks, command="", sampler="")


def test_the_heaviest_stacks_are_kept_and_the_share_of_the_others_is_told() -> None:
    stacks = [((Frame(f"f{number}"),), float(number)) for number in range(1, 101)]
    data, cut = write_folded(stacks, most=200)
    kept = [int(line.rpartition(b" ")[2]) for line in data.splitlines()]
    assert len(data) <= 200
    assert kept == list(range(100, 100 - len(kept), -1))
    assert cut == pytest.approx(1 - sum(kept) / 5050)


def test_a_semicolon_or_a_line_end_in_a_name_makes_no_second_frame() -> None:
    data, _ = write_folded([((Frame("a;b"), Frame("c")), 2.0)])
    assert data == b"a:b;c 2\n"
    found = read_profile(
        '{"shared": {"frames": [{"name": "a\\nb 9\\u001b[31m"}]}, "profiles": [{"type": "sampled", "samples": [[0]], "weights": [1]}]}',
        "x",
    )
    assert found.stacks[0][0][0].name == "a?b 9?[31m"


@pytest.mark.parametrize(
    ("file", "told"),
    [("/srv/it/src/a.py", "src/a.py"), ("/home/x/lib/python3/site-packages/yaml/__init__.py", "yaml/__init__.py"),
     ("/usr/lib/libc.so.6", "libc.so.6"), ("C:\\Users\\x\\a.py", "a.py"), ("src/b.py", "src/b.py"), ("", "")],
)  # fmt: skip
def test_folders_of_the_machine_are_not_told(file: str, told: str) -> None:
    ((frames, _),) = below([((Frame("f", file),), 1.0)], "/srv/it")
    assert frames[0].file == told
