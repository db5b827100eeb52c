"""The zip of a stranger's decision folder: honest ones are read, odd ones are refused whole, whatever their bytes."""

from __future__ import annotations

import io
import stat
import struct
import time
import tracemalloc
import zipfile
import zlib
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from perfgate.core.model import Run
from perfgate.errors import InputError, PerfgateError
from perfgate.formats import packed_runs
from perfgate.formats import run as run_format
from tests.core.making import UNIT_TESTS, measured, run

RUN = run_format.dump(run(measured(UNIT_TESTS, 60.0)))
NAME = "runs/000.json"
Member = tuple[str | zipfile.ZipInfo, bytes]


def packed(*members: Member, method: int = zipfile.ZIP_DEFLATED) -> bytes:
    held = io.BytesIO()
    with zipfile.ZipFile(held, "w", method) as made:
        for name, data in members:
            made.writestr(name, data)
    return held.getvalue()


def entry(name: str, mode: int = 0) -> zipfile.ZipInfo:
    made = zipfile.ZipInfo(name)
    made.create_system = 3
    made.external_attr = mode << 16
    return made


def refusal(data: bytes) -> str:
    with pytest.raises(InputError) as caught:
        packed_runs.read(data, "artifact 7")
    assert caught.value.where.startswith("artifact 7")
    return caught.value.what


def test_the_runs_of_a_decision_folder_are_read_in_the_order_of_their_names() -> None:
    second = run_format.dump(run(measured(UNIT_TESTS, 61.0), number=1))
    found = packed_runs.read(packed(("runs/001.json", second), (NAME, RUN), ("comment.md", b"hi")), "artifact 7")
    assert [each.measurements[0].values for each in found.runs] == [(60.0,), (61.0,)]


@pytest.mark.parametrize("folder", ["", "decision/", ".perfgate/decision/"])
def test_a_folder_may_be_packed_with_the_folders_around_it(folder: str) -> None:
    members: Sequence[Member] = [(folder + NAME, RUN), (folder + "decision.json", b'{"level": "block"}')]
    found = packed_runs.read(packed(*members), "artifact 7")
    assert (len(found.runs), found.verdict) == (1, "block")


@pytest.mark.parametrize("claim", [b"", b"{", b"[1]", b'{"level": ["pass"]}', b'{"level": "fine"}', b'{"level": NaN}'])
def test_a_decision_that_claims_no_verdict_is_not_minded(claim: bytes) -> None:
    assert packed_runs.read(packed((NAME, RUN), ("decision.json", claim)), "artifact 7").verdict == ""


def test_members_that_are_not_wanted_are_not_opened() -> None:
    data = packed((NAME, RUN), ("report.html", b"x" * 100_000))
    broken = data.replace(data[data.index(b"report.html") + 11 :][:20], b"\0" * 20, 1)
    assert len(packed_runs.read(broken, "artifact 7").runs) == 1


@pytest.mark.parametrize(
    "name",
    ["../runs/000.json", "runs/../../000.json", "/runs/000.json", "C:/runs/000.json", "..\\runs\\000.json", "./runs/000.json",
     "runs//000.json", "runs/000.json\x00.txt", "runs/\x1b[2J.json", "runs/\u202egnp.json"],
)  # fmt: skip
def test_attack_zip_slip_a_name_that_leads_out_is_refused_whatever_else_is_there(name: str) -> None:
    # Python's own writer would make some of these names harmless.
    data = packed((NAME, RUN), ("x" * len(name.encode()), RUN)).replace(b"x" * len(name.encode()), name.encode())
    if not name.isascii():
        data = packed((NAME, RUN), (name, RUN))
    assert "the entry" in refusal(data)


def test_attack_symlink_a_link_or_device_is_refused() -> None:
    for mode in (stat.S_IFLNK, stat.S_IFCHR, stat.S_IFIFO, stat.S_IFDIR):
        assert "link" in refusal(packed((NAME, RUN), (entry("extra.json", mode | 0o777), b"/etc/passwd")))


def test_attack_bomb_a_member_that_unpacks_to_too_much_is_refused() -> None:
    assert "larger" in refusal(packed((NAME, b" " * (packed_runs.MOST_MEMBER + 1))))
    many = [(f"runs/{at:03d}.json", b" " * (packed_runs.MOST_MEMBER - 10) + RUN[:0]) for at in range(6)]
    assert refusal(packed(*many))


def test_attack_bomb_a_header_that_lies_about_the_size_is_found_out() -> None:
    honest = packed((NAME, b"\0" * 3_000_000))
    for told in (10, 4_000_000):
        lying = honest.replace(struct.pack("<I", 3_000_000), struct.pack("<I", told))
        assert lying != honest
        assert refusal(lying)


def test_attack_bomb_half_a_million_entries_are_refused_before_they_are_parsed() -> None:
    central = b"PK\x01\x02" + b"\0" * 42
    count = 400_000
    end = struct.pack("<4s4H2IH", b"PK\x05\x06", 0, 0, count & 0xFFFF, count & 0xFFFF, count * 46, 0, 0)
    begun = time.monotonic()
    tracemalloc.start()
    assert "more than 64 entries" in refusal(central * count + end)
    assert tracemalloc.get_traced_memory()[1] < 100_000_000
    tracemalloc.stop()
    assert time.monotonic() - begun < 5


def test_attack_too_many_entries_or_bytes_are_refused() -> None:
    assert "64 entries" in refusal(packed(*((f"runs/{at:03d}.json", RUN) for at in range(65))))
    assert "bytes that are read" in refusal(b"\0" * (packed_runs.MOST_PACKED + 1))


def test_attack_more_measurements_than_a_job_should_judge_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(packed_runs, "MOST_MEASUREMENTS", 3)
    three = packed(*((f"runs/{at}.json", RUN) for at in range(3)))
    assert len(packed_runs.read(three, "artifact 7").runs) == 3
    assert "measurements together" in refusal(packed(*((f"runs/{at}.json", RUN) for at in range(4))))


@pytest.mark.filterwarnings("ignore:Duplicate name")
@pytest.mark.parametrize("twin", [NAME, "Runs/000.JSON"])
def test_attack_duplicate_one_name_twice_is_refused(twin: str) -> None:
    assert "twice" in refusal(packed((NAME, RUN), (twin, RUN)))


def test_attack_overlap_two_entries_that_share_bytes_are_refused() -> None:
    data = packed(("runs/000.json", RUN), ("runs/001.json", RUN))
    start = data.index(b"PK\x01\x02")
    second = data.index(b"PK\x01\x02", start + 4)
    # The second entry's data begins where the first one's does, under the first one's name.
    forged = data[: second + 42] + struct.pack("<I", 0) + data[second + 46 :]
    assert "share" in refusal(forged)


def test_attack_encrypted_or_oddly_packed_members_are_refused() -> None:
    data = packed((NAME, RUN))
    start = data.index(b"PK\x01\x02")
    for flag in (0x1, 0x20, 0x40, 0x2000):
        marked = data[: start + 8] + struct.pack("<H", flag) + data[start + 10 :]
        assert "encrypted" in refusal(marked)
    assert "not read" in refusal(packed((NAME, RUN), method=zipfile.ZIP_LZMA))


def test_two_folders_of_runs_a_broken_run_or_none_are_refused() -> None:
    assert "more than one folder" in refusal(packed((NAME, RUN), ("other/runs/000.json", RUN)))
    assert "no runs" in refusal(packed(("decision.json", b"{}")))
    assert refusal(packed((NAME, RUN), ("runs/001.json", b'{"schema": "perfgate/run/1"}')))
    assert "gives to none" in refusal(packed(("runs/-x .json", RUN)))


def test_a_zip_that_was_cut_or_garbled_is_refused() -> None:
    data = packed((NAME, RUN))
    assert refusal(data[:-10])
    assert refusal(data[:60] + b"\xff" * 20 + data[80:])
    assert "sound zip" in refusal(zlib.compress(RUN))


def sound(data: bytes) -> None:
    """Whatever the bytes: runs, or an error of ours, soon."""
    begun = time.monotonic()
    try:
        found = packed_runs.read(data, "artifact 7")
    except PerfgateError as error:
        assert str(error).isprintable() or "\n" in str(error)
    else:
        assert found.runs
        assert all(isinstance(each, Run) for each in found.runs)
    assert time.monotonic() - begun < 5


@settings(max_examples=60, deadline=None)
@given(st.binary(max_size=400))
def test_any_bytes_give_runs_or_an_error_of_ours(data: bytes) -> None:
    sound(data)


@settings(max_examples=120, deadline=None)
@given(st.data())
def test_a_zip_with_any_bytes_changed_gives_runs_or_an_error_of_ours(drawn: st.DataObject) -> None:
    data = bytearray(packed((NAME, RUN), ("runs/001.json", RUN), ("decision.json", b'{"level": "pass"}')))
    for _ in range(drawn.draw(st.integers(1, 6))):
        data[drawn.draw(st.integers(0, len(data) - 1))] = drawn.draw(st.integers(0, 255))
    cut = drawn.draw(st.sampled_from([None, None, drawn.draw(st.integers(0, len(data)))]))
    sound(bytes(data[:cut]))


@settings(max_examples=60, deadline=None)
# Python's own writer cannot write a name that begins with NUL.
@given(
    st.lists(
        st.tuples(st.text(min_size=1, max_size=20).filter(lambda name: name[0] != "\0"), st.binary(max_size=40)),
        min_size=1,
        max_size=5,
    )
)
def test_any_names_and_contents_give_runs_or_an_error_of_ours(members: list[tuple[str, bytes]]) -> None:
    try:
        data = packed(
            (NAME, RUN), *{f"n{at}/{name}": (f"{name}", inner) for at, (name, inner) in enumerate(members)}.values()
        )
    except (UnicodeEncodeError, UserWarning):
        return
    sound(data)
