"""JSON without surprises: no duplicate keys, no NaN, bounded in size and depth, and every complaint has a line."""

from __future__ import annotations

import json
import re
import sys
from collections.abc import Callable, Mapping
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any, NoReturn

from perfgate.errors import InputError
from perfgate.formats.files import read as read_file

LIMIT = 64 * 1024 * 1024
#: No file that a tool writes is nested so; a reader that follows the values down never runs out of stack.
DEPTH = 64
_TOO_DEEP = f"values are nested deeper than {DEPTH}"
_DEEP_REMEDY = "no file of this kind is nested so; write it again"


class _Refused(ValueError):
    """Raised inside the decoder, told with the place outside; `literal` is the number or word, "" for a key that is there twice."""

    def __init__(self, what: str, literal: str = "") -> None:
        super().__init__(what)
        self.literal = literal


def read(path: Path, *, shown: str = "", limit: int = LIMIT, decimal: bool = False) -> Any:
    """The value in a JSON file; InputError says what is wrong with it, and where."""
    where = shown or path.as_posix()
    return loads(read_file(path, where, limit=limit), where, limit=limit, decimal=decimal)


def loads(
    data: bytes, where: str, *, limit: int = LIMIT, decimal: bool = False, shaped: bool = False, words: bool = False
) -> Any:
    """The value in JSON text; with `decimal`, numbers with a fraction or exponent come as Decimal.

    With `shaped`, a number too large for a float comes as an infinity, and values may be nested as deeply as the decoder can:
    for callers that hold every number against a limit and every value against a shape anyway, it is twice as fast. With
    `words`, the NaN and Infinity that other tools write are read as such, for callers that know what to make of them. Raises
    InputError, with line and column, for anything that is not strict JSON in UTF-8 within the limits.
    """
    if len(data) > limit:
        raise InputError(f"the file has {len(data):,} bytes, more than the {limit:,} that are read", where=where)
    if not data.strip():
        raise InputError(
            "the file is empty", where=where, remedy="write it again; the program that made it may have failed"
        )
    try:
        text = data.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise InputError("the text is not UTF-8", where=f"{where}:{line}", remedy="save the file as UTF-8") from error
    try:
        value = _decoder(
            _decimal if decimal else float if shaped or words else _float, float if words else _constant
        ).decode(text)
    except json.JSONDecodeError as error:
        raise InputError(
            f"this is not JSON: {error.msg[0].lower()}{error.msg[1:]}",
            where=f"{where}:{error.lineno}:{error.colno}",
            remedy="write the file again; the program that made it may have been stopped",
        ) from error
    except _Refused as error:
        _refuse(error, text, where, error.literal.__eq__)
    except RecursionError:
        _refuse_depth(text, where)
    except ValueError:
        # Python refuses to convert integers of thousands of digits.
        too_long = re.compile(rf"-?[0-9]{{{sys.get_int_max_str_digits() + 1},}}").fullmatch
        _refuse(_Refused("a number has too many digits", "…"), text, where, lambda each: too_long(each) is not None)
    if not shaped and _is_deeper(value):
        _refuse_depth(text, where)
    return value


def _is_deeper(value: Any) -> bool:
    """Whether containers stand inside more than `DEPTH` others."""
    level = [value]
    for _ in range(DEPTH):
        level = [
            inner
            for each in level
            if type(each) is dict or type(each) is list
            for inner in (each.values() if type(each) is dict else each)
            if type(inner) is dict or type(inner) is list
        ]
        if not level:
            return False
    return True


def _refuse(error: _Refused, text: str, where: str, is_literal: Callable[[str], bool]) -> NoReturn:
    """Raise what the decoder refused, with its place: that of the first such literal, or of a key that is there twice."""
    from perfgate.formats import json_places as places

    what, position = str(error), None
    if error.literal:
        position = places.find_literal(text, is_literal)
    elif twice := places.find_twice(text):
        what, position = f'the key "{twice.key[:100]}" is there twice, first in line {twice.first_line}', twice.position
    at = "" if position is None else f":{places.line_and_column(text, position)}"
    raise InputError(what, where=where + at, remedy="" if error.literal else "remove one of them") from error


def _refuse_depth(text: str, where: str) -> NoReturn:
    from perfgate.formats import json_places as places

    position = places.find_deeper(text, DEPTH)
    at = "" if position is None else f":{places.line_and_column(text, position)}"
    raise InputError(_TOO_DEEP, where=where + at, remedy=_DEEP_REMEDY)


def dumps(value: Mapping[str, object]) -> bytes:
    """Stable JSON of an object: sorted keys, UTF-8, one newline at the end; its members, and theirs, on lines of their own.

    So a change of one measurement is a change of one line, and the fast encoder can be used, which knows no indentation.
    NaN and infinities are a ValueError; text that no file can hold is an InputError.
    """
    text = _block(value, 2, "") + "\n"
    try:
        return text.encode()
    except UnicodeEncodeError as error:
        beside = text[max(0, error.start - 40) : error.end + 40].encode("ascii", "backslashreplace").decode()
        raise InputError(
            f"a text holds half a character, which no file can keep: {' '.join(beside.split())}",
            remedy="write it in UTF-8",
        ) from None


def _block(value: object, depth: int, indent: str) -> str:
    inner = indent + " "
    if depth and isinstance(value, Mapping) and value:
        lines = [f"{inner}{_encode(key)}: {_block(value[key], depth - 1, inner)}" for key in sorted(value)]
        return "{\n" + ",\n".join(lines) + f"\n{indent}}}"
    if depth and isinstance(value, list) and any(isinstance(each, dict | list) for each in value):
        return "[\n" + ",\n".join(inner + _encode(each) for each in value) + f"\n{indent}]"
    return _encode(value)


_encode = json.JSONEncoder(ensure_ascii=False, allow_nan=False, sort_keys=True).encode


def _decoder(parse_float: Callable[[str], Any], parse_constant: Callable[[str], Any]) -> json.JSONDecoder:
    return json.JSONDecoder(
        object_pairs_hook=_object,
        parse_constant=parse_constant,
        parse_float=parse_float,
        strict=True,
    )


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        raise _Refused("a key is there twice")
    return found


def _constant(name: str) -> Any:
    raise _Refused(f"{name} is not a number that JSON knows", name)


def _float(text: str) -> float:
    value = float(text)
    if value in {float("inf"), float("-inf")}:
        raise _Refused(f"{text[:40]} is larger than any number that can be kept", text)
    return value


def _decimal(text: str) -> Decimal:
    try:
        value = Decimal(text)
    except InvalidOperation:
        value = Decimal("Infinity")
    if not value.is_finite() or abs(value.adjusted()) > 400:
        raise _Refused(f"{text[:40]} is beyond any number that can be kept", text)
    return value
