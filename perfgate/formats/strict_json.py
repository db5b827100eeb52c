"""JSON without surprises: no duplicate keys, no NaN, bounded in size and depth, and every complaint has a line."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from perfgate.errors import InputError
from perfgate.formats.files import read as read_file

LIMIT = 64 * 1024 * 1024
_SURROGATE = re.compile("[\ud800-\udfff]")


class _Refused(ValueError):
    """Raised inside the decoder; told with the file's name outside."""


def read(path: Path, *, shown: str = "", limit: int = LIMIT, decimal: bool = False) -> Any:
    """The value in a JSON file; InputError says what is wrong with it, and where."""
    where = shown or path.as_posix()
    return loads(read_file(path, where, limit=limit), where, limit=limit, decimal=decimal)


def loads(data: bytes, where: str, *, limit: int = LIMIT, decimal: bool = False, infinite: bool = False) -> Any:
    """The value in JSON text; with `decimal`, numbers with a fraction or exponent come as Decimal.

    With `infinite`, a number too large for a float comes as an infinity, for callers that hold every number against a limit
    anyway: it is twice as fast. Raises InputError for anything that is not strict JSON in UTF-8 within the limits.
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
        return _decoder(_decimal if decimal else float if infinite else _float).decode(text)
    except json.JSONDecodeError as error:
        raise InputError(
            f"this is not JSON: {error.msg[0].lower()}{error.msg[1:]}",
            where=f"{where}:{error.lineno}:{error.colno}",
            remedy="write the file again; the program that made it may have been stopped",
        ) from error
    except (_Refused, InvalidOperation) as error:
        raise InputError(str(error) or "a number cannot be read", where=where) from error
    except RecursionError as error:
        raise InputError(
            "values are nested too deeply", where=where, remedy="no file of this kind is nested so"
        ) from error
    except ValueError as error:
        # Python refuses to convert integers of thousands of digits.
        raise InputError("a number has too many digits", where=where) from error


def dumps(value: Mapping[str, object]) -> bytes:
    """Stable JSON of an object: sorted keys, UTF-8, one newline at the end; its members, and theirs, on lines of their own.

    So a change of one measurement is a change of one line, and the fast encoder can be used, which knows no indentation.
    NaN and infinities are a ValueError.
    """
    return (_block(value, 2, "") + "\n").encode()


def _block(value: object, depth: int, indent: str) -> str:
    inner = indent + " "
    if depth and isinstance(value, Mapping) and value:
        lines = [f"{inner}{_encode(key)}: {_block(value[key], depth - 1, inner)}" for key in sorted(value)]
        return "{\n" + ",\n".join(lines) + f"\n{indent}}}"
    if depth and isinstance(value, list) and any(isinstance(each, dict | list) for each in value):
        return "[\n" + ",\n".join(inner + _encode(each) for each in value) + f"\n{indent}]"
    return _encode(value)


_encode = json.JSONEncoder(ensure_ascii=False, allow_nan=False, sort_keys=True).encode


def _decoder(parse_float: Callable[[str], Any]) -> json.JSONDecoder:
    return json.JSONDecoder(
        object_pairs_hook=_object,
        parse_constant=_constant,
        parse_float=parse_float,
        strict=True,
    )


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for position, key in enumerate(keys) if key in keys[:position])
        raise _Refused(f'the key "{twice[:100]}" is there twice')
    return found


def _constant(name: str) -> Any:
    raise _Refused(f"{name} is not a number that JSON knows")


def _float(text: str) -> float:
    value = float(text)
    if value in {float("inf"), float("-inf")}:
        raise _Refused(f"{text[:40]} is larger than any number that can be kept")
    return value


def _decimal(text: str) -> Decimal:
    value = Decimal(text)
    if abs(value.adjusted()) > 400:
        raise _Refused(f"{text[:40]} is beyond any number that can be kept")
    return value


def has_surrogates(text: str) -> bool:
    """Whether text holds half of a character, which no file can be written with."""
    return _SURROGATE.search(text) is not None
