"""What the beginning of a test report shows of its format: the root of its XML, or the keys of its first JSON value."""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple
from xml.parsers import expat

#: So many bytes of a file are looked at.
LOOKED_AT = 256 * 1024
# A string, a sign, or a literal; a string that the end cuts off has no second quote.
_TOKEN = re.compile(r'"(?:[^"\\]|\\.)*+"?|[{}\[\],:]|[^\s"{}\[\],:]+', re.DOTALL)
_KEYS_DEEP = 3
_DEPTH = 64
_MOST_KEYS = 1000
_UTF16 = (b"\xff\xfe", b"\xfe\xff")


class Head(NamedTuple):
    """The beginning of a file.

    `kind` is "xml", "json", "text" or "" for an empty file. `root` is the local name of the XML's root, "" where none was found.
    `keys` are the keys of the first JSON value, inner ones as "stats.tests"; lists do not show in them. `listed`: that value is a list.
    """

    kind: str
    root: str = ""
    keys: frozenset[str] = frozenset()
    listed: bool = False


def look(start: bytes) -> Head:
    """What the first bytes of a file show; never raises."""
    if start.startswith(_UTF16):
        text = start[: len(start) // 2 * 2].decode("utf-16", "replace").lstrip()
    else:
        text = start.decode("utf-8-sig", "replace").lstrip()
    if not text.strip("\0 \t\r\n"):
        return Head("")
    if text.startswith("<"):
        return Head("xml", root=_root(start))
    value = _first_value(text)
    if not value:
        return Head("text")
    return Head("json", keys=frozenset(_keys(value)), listed=value[0] == "[")


def _root(start: bytes) -> str:
    found: list[str] = []

    def begin(tag: str, _: dict[str, str]) -> None:
        if not found:
            found.append(tag.rpartition(":")[2])

    def refuse(*_: object) -> None:
        # It may hold entities, which no report needs; the reader says so with the place.
        raise ValueError

    parser = expat.ParserCreate()
    parser.StartElementHandler = begin
    parser.StartDoctypeDeclHandler = refuse
    try:
        for at in range(0, len(start), 4096):
            parser.Parse(start[at : at + 4096], False)
            if found:
                break
    except (expat.ExpatError, ValueError, LookupError):
        pass
    return found[0] if found else ""


def _first_value(text: str) -> str:
    """The text from its first JSON object or list on; other lines may stand before it, as builds print them."""
    if text[0] in "{[":
        return text
    at = 0
    while (at := text.find("\n", at) + 1) > 0:
        if text[at : at + 1] == "{":
            return text[at:]
    return ""


def _keys(text: str) -> Iterator[str]:
    """The keys of the first value and of the values in it, as far as the text goes."""
    #: The open objects and lists, each with the key it is the value of.
    opened: list[tuple[str, str]] = []
    last, yielded = "", 0
    for match in _TOKEN.finditer(text):
        sign = match[0]
        if sign in {"{", "["}:
            opened.append((sign, last))
            last = ""
        elif sign in {"}", "]"}:
            opened = opened[:-1]
        elif sign == ":" and opened and opened[-1][0] == "{":
            around = [key for _, key in opened if key]
            if len(around) < _KEYS_DEEP:
                yield ".".join([*around, last])
                yielded += 1
        elif sign[0] == '"':
            last = sign[1:-1][:100]
        elif sign == ",":
            last = ""
        if not 0 < len(opened) <= _DEPTH or yielded > _MOST_KEYS:
            return
