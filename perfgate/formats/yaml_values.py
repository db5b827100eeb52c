"""Values of budgets.yaml: a node and what is wanted there, with a message that says what to write instead."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NoReturn

from perfgate.core.units import Quantity, parse_ratio
from perfgate.errors import InputError
from perfgate.formats.strict_yaml import Node
from perfgate.formats.suggesting import meant

#: No amount that a person writes is longer; what is longer would fill messages, and cost time to convert.
_LONGEST_NUMBER = 100
#: Beyond this nothing is measured; runs hold their values to the same bound.
_LARGEST = 10**30


def refuse(node: Node, what: str, remedy: str = "") -> NoReturn:
    """Raise what is wrong at a node."""
    raise InputError(what, where=node.place, remedy=remedy)


def written(node: Node) -> str:
    """A node's text for a message: short, and in quotes."""
    if isinstance(node.value, list):
        return "a list"
    return "a mapping" if isinstance(node.value, dict) else f'"{node.text[:100]}"'


def mapping(
    node: Node, known: Iterable[str], *, required: Iterable[str] = (), what: str = "here"
) -> Mapping[str, Node]:
    """The members of a mapping that has all of `required` and nothing beyond `known`."""
    names = list(known)
    if node.value is None and not node.quoted:
        return _complete(node, {}, required, what)
    if not isinstance(node.value, dict):
        refuse(node, f"{written(node)} stands where a mapping is wanted", f"write {', '.join(names[:4])}: …")
    for key in node.value:
        if key not in names:
            close = meant(key, names)
            remedy = close or f"known are {', '.join(names)}"
            raise InputError(f'"{key[:100]}" is not known {what}', where=node.key_place(key), remedy=remedy)
    return _complete(node, node.value, required, what)


def _complete(node: Node, members: Mapping[str, Node], required: Iterable[str], what: str) -> Mapping[str, Node]:
    for key in required:
        if key not in members:
            refuse(node, f'"{key}" is missing {what}')
    return members


def sequence(node: Node, most: int = 10_000) -> list[Node]:
    """The members of a list; nothing is an empty list."""
    if node.value is None and not node.quoted:
        return []
    if not isinstance(node.value, list):
        refuse(node, f"{written(node)} stands where a list is wanted", "begin each member with a dash")
    if len(node.value) > most:
        refuse(node, f"{len(node.value):,} members are more than the {most:,} that are read")
    return node.value


def text(node: Node, example: str = "") -> str:
    """A piece of text; numbers and words such as `on` are text where text is wanted."""
    if isinstance(node.value, list | dict) or (node.value is None and not node.quoted):
        refuse(
            node,
            f"{written(node)} stands where text is wanted" if node.value is not None else "there is no value",
            f"write for example {example}" if example else "",
        )
    if not node.text.strip():
        refuse(node, "the text is empty", f"write for example {example}" if example else "")
    return node.text


def texts(node: Node, example: str = "") -> tuple[str, ...]:
    """A piece of text or a list of them."""
    if isinstance(node.value, list):
        return tuple(text(each, example) for each in node.value)
    return (text(node, example),)


def truth(node: Node) -> bool:
    """True or false; `on`, `yes` and their opposites are refused, because YAML 1.1 and 1.2 read them differently."""
    if not isinstance(node.value, bool) or node.quoted:
        refuse(node, f"{written(node)} is neither true nor false", "write true or false")
    return node.value


def whole(node: Node, least: int, most: int) -> int:
    """A whole number between `least` and `most`."""
    value = node.value
    if isinstance(value, bool) or not isinstance(value, int) or not least <= value <= most:
        hint = (
            f"; {node.text} has a leading zero"
            if node.text.isdigit() and node.text.startswith("0") and len(node.text) > 1
            else ""
        )
        refuse(node, f"{written(node)} is not a whole number from {least} to {most:,}{hint}")
    return value


def one_of(node: Node, known: Iterable[str]) -> str:
    """One of the words."""
    words = list(known)
    value = node.text if not isinstance(node.value, list | dict) else ""
    if value not in words:
        close = meant(value, words)
        refuse(
            node,
            f"{written(node)} is not known here",
            close or f"write {' or '.join(words)}",
        )
    return value


def ratio(node: Node) -> float:
    """A percentage, as a ratio."""
    if isinstance(node.value, int | float) and not isinstance(node.value, bool):
        percent = node.value * 100 if isinstance(node.value, float) and node.value < 1 else node.value
        refuse(node, f"{written(node)} has no unit", f'write it as a percentage, such as "{percent:g}%"')
    try:
        return parse_ratio(_number(node, "10%"))
    except InputError as error:
        refuse(node, error.what, error.remedy)


def quantity(node: Node) -> Quantity:
    """A number with its unit."""
    try:
        found = Quantity.parse(_number(node, '"15 min"'))
    except InputError as error:
        refuse(node, error.what, error.remedy)
    if node.text.strip().isdigit() and node.text.strip() != str(int(node.text)):
        refuse(node, f"{written(node)} has a leading zero", f"write {int(node.text)}")
    if found.value < 0:
        refuse(node, f"{written(node)} is negative", "a limit is zero or more")
    if found.value > _LARGEST:
        refuse(node, f"{written(node)} is larger than anything perfgate measures")
    return found


def seconds(node: Node) -> float:
    """A time, in seconds."""
    found = quantity(node)
    if found.unit.base != "s" or found.value <= 0:
        refuse(node, f"{written(node)} is not a time", 'write for example "10 min"')
    return float(found.value)


def _number(node: Node, example: str) -> str:
    found = text(node, example)
    if len(found) > _LONGEST_NUMBER:
        refuse(node, f"{len(found):,} characters are no number", f"write for example {example}")
    return found
