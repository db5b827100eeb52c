"""YAML without surprises: the scalars of YAML 1.2, no anchors, no tags, no duplicate keys, and a line and column for everything."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import Any, NamedTuple

from perfgate.errors import InputError

LIMIT = 1024 * 1024
DEPTH = 64
_INT = re.compile(r"[-+]?(?:0|[1-9][0-9]*)")
_OCTAL, _HEX = re.compile(r"0o[0-7]+"), re.compile(r"0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|(?:0|[1-9][0-9]*)(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_SPECIAL = re.compile(r"[-+]?\.(?:inf|Inf|INF)|\.(?:nan|NaN|NAN)")


class Node(NamedTuple):
    """A value with its place. `text` is a scalar as it is written; `keys` has the line and column of a mapping's keys."""

    value: Any
    where: str
    line: int
    column: int
    text: str = ""
    quoted: bool = False
    keys: Mapping[str, tuple[int, int]] = MappingProxyType({})

    @property
    def place(self) -> str:
        """ "budgets.yaml:12:5"."""
        return f"{self.where}:{self.line}:{self.column}"

    def key_place(self, key: str) -> str:
        """The place of a mapping's key."""
        line, column = self.keys.get(key, (self.line, self.column))
        return f"{self.where}:{line}:{column}"


def load(data: bytes, where: str) -> Node:
    """The one document in a YAML file, as nodes that know where they are written.

    Scalars follow the core schema of YAML 1.2, so `on`, `yes`, `014`, `1:30` and dates stay text. Raises InputError with line
    and column for everything that is not plain data.
    """
    import yaml

    if len(data) > LIMIT:
        raise InputError(f"the file has {len(data):,} bytes, more than the {LIMIT:,} that are read", where=where)
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise InputError("the text is not UTF-8", where=f"{where}:{line}", remedy="save the file as UTF-8") from error
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        _check_events(yaml, yaml.parse(text, Loader=loader), where)
        root = yaml.compose(text, Loader=loader)
    except yaml.MarkedYAMLError as error:
        raise _syntax(error, where, text) from error
    except yaml.YAMLError as error:
        what = " ".join(str(getattr(error, "reason", "") or error).split())[:200]
        position = getattr(error, "position", None)
        at = f":{text.count(chr(10), 0, position) + 1}" if isinstance(position, int) else ""
        raise InputError(
            f"the text cannot be read: {what}", where=where + at, remedy="look for a character that is not printable"
        ) from error
    if root is None:
        raise InputError("the file is empty", where=where, remedy='begin it with "version: 1"')
    return _node(yaml, root, where)


def _check_events(yaml: Any, events: Any, where: str) -> None:
    """One pass before anything is built: depth, anchors, tags and further documents."""
    depth = documents = 0
    for event in events:
        place = f"{where}:{event.start_mark.line + 1}:{event.start_mark.column + 1}" if event.start_mark else where
        if isinstance(event, yaml.DocumentStartEvent):
            documents += 1
            if documents > 1:
                raise InputError("a second document begins here", where=place, remedy="keep one document, without ---")
        elif isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None):
            raise InputError(
                "anchors and aliases (& and *) are not read",
                where=place,
                remedy="write the value out; quote text that begins with & or *",
            )
        elif isinstance(event, yaml.ScalarEvent | yaml.CollectionStartEvent) and event.tag is not None:
            raise InputError(
                f"tags are not read ({event.tag[:60]})",
                where=place,
                remedy="write the plain value; quote text that begins with !",
            )
        if isinstance(event, yaml.CollectionStartEvent):
            depth += 1
            if depth > DEPTH:
                raise InputError(f"values are nested deeper than {DEPTH}", where=place)
        elif isinstance(event, yaml.CollectionEndEvent):
            depth -= 1


def _syntax(error: Any, where: str, text: str) -> InputError:
    mark = error.problem_mark or error.context_mark
    place = f"{where}:{mark.line + 1}:{mark.column + 1}" if mark else where
    remedy = "check the indentation and the quotes around this place"
    if mark and mark.line < text.count("\n") + 1:
        line = text.splitlines()[mark.line] if mark.line < len(text.splitlines()) else ""
        if "\t" in line[: len(line) - len(line.lstrip()) + 1]:
            remedy = "indent with blanks; YAML does not take tabs"
    return InputError(f"this is not YAML: {(error.problem or 'it cannot be read')[:200]}", where=place, remedy=remedy)


def _node(yaml: Any, node: Any, where: str) -> Node:
    line, column = node.start_mark.line + 1, node.start_mark.column + 1
    if isinstance(node, yaml.ScalarNode):
        quoted = node.style in {"'", '"', "|", ">"}
        value = node.value if quoted else _scalar(node.value, f"{where}:{line}:{column}")
        return Node(value, where, line, column, node.value, quoted)
    if isinstance(node, yaml.SequenceNode):
        return Node([_node(yaml, each, where) for each in node.value], where, line, column)
    values: dict[str, Node] = {}
    keys: dict[str, tuple[int, int]] = {}
    for key, value in node.value:
        at = (key.start_mark.line + 1, key.start_mark.column + 1)
        place = f"{where}:{at[0]}:{at[1]}"
        if not isinstance(key, yaml.ScalarNode):
            raise InputError(
                "a list or mapping cannot be a key", where=place, remedy="quote text that begins with { or ["
            )
        if key.value == "<<" and not key.style:
            raise InputError(
                "merge keys (<<) are not read",
                where=place,
                remedy='write the values out; quote "<<" if it is meant as a name',
            )
        if key.value in keys:
            raise InputError(
                f'"{key.value[:100]}" is there twice, first in line {keys[key.value][0]}',
                where=place,
                remedy="remove one of them",
            )
        keys[key.value] = at
        values[key.value] = _node(yaml, value, where)
    return Node(values, where, line, column, keys=keys)


def _scalar(text: str, place: str) -> Any:
    if text in {"", "~", "null", "Null", "NULL"}:
        return None
    if text in {"true", "True", "TRUE", "false", "False", "FALSE"}:
        return text.lower() == "true"
    if _SPECIAL.fullmatch(text):
        raise InputError(f'"{text}" is not a number that can be judged', where=place, remedy="write a finite number")
    if _INT.fullmatch(text):
        return int(text) if len(text) <= 30 else text
    if _OCTAL.fullmatch(text) or _HEX.fullmatch(text):
        return int(text, 0) if len(text) <= 30 else text
    if not _FLOAT.fullmatch(text) or len(text) > 40:
        return text
    if math.isinf(value := float(text)):
        raise InputError(
            f'"{text}" is larger than any number that can be kept',
            where=place,
            remedy="write a number that is measured",
        )
    return value
