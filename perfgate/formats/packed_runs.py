"""The runs in a zip that a stranger made: read in memory within limits, never unpacked, and refused whole where anything is odd."""

from __future__ import annotations

import re
import stat
import struct
import zipfile
import zlib
from collections.abc import Sequence
from io import BytesIO
from pathlib import PurePosixPath
from typing import NamedTuple

from perfgate.core.model import Run
from perfgate.errors import InputError
from perfgate.formats import run as run_format
from perfgate.formats import strict_json

#: Bytes of the zip, of one member, of all members that are read; and how many entries there may be.
MOST_PACKED, MOST_MEMBER, MOST_TOTAL, MOST_ENTRIES = 20 * 1024 * 1024, 5 * 1024 * 1024, 20 * 1024 * 1024, 64
#: Measurements in all runs together: judging takes a millisecond each, and a stranger must not buy hours with a small file.
MOST_MEASUREMENTS = 20_000
#: What begins each entry of the directory at the end of a zip; in packed data it comes about by chance once in four gigabytes.
_ENTRY = b"PK\x01\x02"
_CHANCE = 8
_LOCAL = struct.Struct("<4s22xHH")
_RUN = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,99}\.json")
#: How a member was packed (levels of deflate), that its size follows it, that its name is UTF-8: what honest writers set.
_FLAGS = 0x0006 | 0x0008 | 0x0800
_METHODS = (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED)
_REMEDY = "upload the decision folder as perfgate left it (actions/upload-artifact, path: .perfgate/decision)"


class Packed(NamedTuple):
    """The runs of a decision folder, in the order of their names, and the verdict that the folder claims ("" where it claims none)."""

    runs: tuple[Run, ...]
    verdict: str = ""


def read(data: bytes, where: str) -> Packed:
    """The runs in the zip of a decision folder: members `runs/*.json`, also below one common folder. `where` names it in messages.

    Other members are not opened. Raises InputError where the zip is no zip, is larger than the limits, holds an entry that such an
    artifact never holds (encrypted, a link, a path that leads out, a name twice, shared bytes), or a run is not valid.
    """
    if len(data) > MOST_PACKED:
        raise _refused(f"the zip has more than the {MOST_PACKED:,} bytes that are read", where)
    # Before the directory is parsed: a zip of this size may hold half a million entries.
    if data.count(_ENTRY) > MOST_ENTRIES + _CHANCE:
        raise _refused(f"the zip holds more than {MOST_ENTRIES} entries", where)
    try:
        with zipfile.ZipFile(BytesIO(data)) as opened:
            return _read(opened, data, where)
    except (zipfile.BadZipFile, zlib.error, struct.error) as error:
        raise _refused(f"this is not a sound zip: {str(error)[:100]}", where) from error
    except (EOFError, OSError, ValueError, RuntimeError, NotImplementedError, OverflowError, LookupError) as error:
        raise _refused("this is not a sound zip", where) from error


def _refused(what: str, where: str) -> InputError:
    return InputError(what, where=where, remedy=_REMEDY)


def _read(opened: zipfile.ZipFile, data: bytes, where: str) -> Packed:
    entries = opened.infolist()
    if len(entries) > MOST_ENTRIES:
        raise _refused(f"the zip holds more than {MOST_ENTRIES} entries", where)
    for entry in entries:
        if problem := _problem(entry):
            # The name is a stranger's: it is told as Python would write it, and shortened.
            raise _refused(f"the entry {entry.orig_filename[:80]!a} {problem}", where)
    names = [entry.filename.rstrip("/").casefold() for entry in entries]
    if len(set(names)) < len(names):
        raise _refused("the zip holds one name twice", where)
    _refuse_shared_bytes(entries, data, where)
    wanted, claim = _chosen(entries, where)
    if not wanted:
        raise _refused("the zip holds no runs (runs/*.json)", where)
    left = MOST_TOTAL
    runs = []
    for position, entry in enumerate(wanted):
        # Named by its place: no name out of the zip goes any further.
        place = f"{where}, run {position + 1}"
        text = _content(opened, entry, min(left, MOST_MEMBER), place)
        left -= len(text)
        runs.append(run_format.load(text, place))
        if sum(len(run.measurements) for run in runs) > MOST_MEASUREMENTS:
            raise InputError(
                f"the runs hold more than {MOST_MEASUREMENTS:,} measurements together",
                where=where,
                remedy="measure less in one workflow, or gate it in parts",
            )
    return Packed(tuple(runs), _verdict(opened, claim, min(left, MOST_MEMBER), where))


def _problem(entry: zipfile.ZipInfo) -> str:
    """What is wrong with an entry whose content nobody has looked at yet; "" where nothing is."""
    name = entry.orig_filename
    kind = stat.S_IFMT(entry.external_attr >> 16)
    folder = name.endswith("/")
    if not name.isprintable() or "\\" in name or ":" in name:
        return "has a name that no file of such a folder has"
    if name.startswith("/") or any(part in {"", ".", ".."} for part in name.removesuffix("/").split("/")):
        return "leads out of its folder"
    if kind not in {0, stat.S_IFDIR if folder else stat.S_IFREG}:
        return "is a link, or no file at all"
    if entry.flag_bits & ~_FLAGS:
        return "is encrypted, or packed in an unusual way"
    if entry.compress_type not in _METHODS:
        return "is packed in a way that is not read"
    if folder and entry.file_size:
        return "is a folder with content"
    return ""


def _refuse_shared_bytes(entries: Sequence[zipfile.ZipInfo], data: bytes, where: str) -> None:
    """Refuse members that overlap, by which a few bytes would unpack to many files."""
    end = 0
    for entry in sorted(entries, key=lambda each: each.header_offset):
        start = entry.header_offset
        if start < end or start + _LOCAL.size > len(data):
            raise _refused("entries of the zip share their bytes, or lie outside of it", where)
        _, name, extra = _LOCAL.unpack_from(data, start)
        end = start + _LOCAL.size + name + extra + entry.compress_size
    if end > len(data):
        raise _refused("entries of the zip share their bytes, or lie outside of it", where)


def _chosen(entries: Sequence[zipfile.ZipInfo], where: str) -> tuple[list[zipfile.ZipInfo], zipfile.ZipInfo | None]:
    """The members that are runs of one decision folder, by name, and that folder's own decision."""
    runs: dict[PurePosixPath, list[zipfile.ZipInfo]] = {}
    for entry in entries:
        path = PurePosixPath(entry.filename)
        if path.parent.name == "runs" and not entry.is_dir() and path.suffix == ".json":
            if not _RUN.fullmatch(path.name):
                raise _refused("a run in the zip has a name that perfgate gives to none", where)
            runs.setdefault(path.parent.parent, []).append(entry)
    if len(runs) > 1:
        raise _refused("the zip holds the runs of more than one folder", where)
    if not runs:
        return [], None
    folder, found = runs.popitem()
    claims = {PurePosixPath(entry.filename): entry for entry in entries}
    return sorted(found, key=lambda each: each.filename), claims.get(folder / "decision.json")


def _content(opened: zipfile.ZipFile, entry: zipfile.ZipInfo, most: int, place: str) -> bytes:
    """What a member holds; its declared size is believed only where it forbids reading."""
    if entry.file_size > most:
        raise _refused(f"it is larger than the {most:,} bytes that are read of it", place)
    with opened.open(entry) as member:
        text = member.read(most + 1)
    if len(text) > most:
        raise _refused(f"it is larger than the {most:,} bytes that are read of it", place)
    if len(text) != entry.file_size:
        raise _refused("it is not as large as the zip says", place)
    return text


def _verdict(opened: zipfile.ZipFile, claim: zipfile.ZipInfo | None, most: int, where: str) -> str:
    """The verdict that the folder's own decision.json claims: never judged by, only told beside; "" where it tells none."""
    if claim is None:
        return ""
    try:
        value = strict_json.loads(_content(opened, claim, most, where), where)
    except InputError:
        return ""
    told = value.get("level") if isinstance(value, dict) else None
    return told if isinstance(told, str) and told in {"pass", "inconclusive", "warn", "block"} else ""
