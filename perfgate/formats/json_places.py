"""Where in JSON text something stands that was refused: looked for only once it is known to be there."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Iterator
from typing import NamedTuple

_TOKEN = re.compile(r'"[^"\\]*(?:\\.[^"\\]*)*"|[{}\[\],:]|[^\s{}\[\],:"]+', re.DOTALL)


class Twice(NamedTuple):
    """A key that an object has twice: where it stands the second time, and the line of the first."""

    key: str
    position: int
    first_line: int


def line_and_column(text: str, position: int) -> str:
    """ "12:5", both counted from 1."""
    return f"{text.count(chr(10), 0, position) + 1}:{position - text.rfind(chr(10), 0, position)}"


def find_twice(text: str) -> Twice | None:
    """The first key that is there twice in its object."""
    # For each container that is open: the keys read so far with their positions, None where it is a list.
    opened: list[dict[str, int] | None] = []
    key_next = False
    for match in _tokens(text):
        sign = match[0]
        if sign in {"{", "["}:
            opened.append({} if sign == "{" else None)
            key_next = sign == "{"
        elif sign in {"}", "]"}:
            del opened[-1:]
            key_next = False
        elif sign == ",":
            key_next = bool(opened) and opened[-1] is not None
        elif key_next and sign[0] == '"':
            keys, key = opened[-1], json.loads(sign) if "\\" in sign else sign[1:-1]
            key_next = False
            if keys is not None and keys.setdefault(key, match.start()) != match.start():
                return Twice(key, match.start(), text.count("\n", 0, keys[key]) + 1)
    return None


def find_deeper(text: str, depth: int) -> int | None:
    """The position of the bracket that opens a container inside `depth` others."""
    opened = 0
    for match in _tokens(text):
        if match[0] in {"{", "["}:
            opened += 1
            if opened > depth:
                return match.start()
        elif match[0] in {"}", "]"}:
            opened -= 1
    return None


def find_literal(text: str, wanted: Callable[[str], bool]) -> int | None:
    """The position of the first number or word that is wanted."""
    return next((each.start() for each in _tokens(text) if each[0][0] not in '"{}[],:' and wanted(each[0])), None)


def _tokens(text: str) -> Iterator[re.Match[str]]:
    return _TOKEN.finditer(text)
