"""JSON without surprises: no duplicate keys, no NaN, bounded in size and depth, and every complaint has a line."""

from __future__ import annotations

import json
import re
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

from perfgate.errors import InputError
from perfgate.formats.files import read as read_file

LIMIT = 64 * 1024 * 1024
DEPTH = 100
_SURROGATE = re.compile("[\ud800-\udfff]")
_STRINGS = re.compile(rb'"(?:[^"\\]|\\.)*"', re.DOTALL)
_OPENING = re.compile(rb"[\[{]+|[\]}]+")


class _Refused(ValueError):
    """Raised inside the decoder; told with the file's name outside."""


def read(path: Path, *, shown: str = "", limit: int = LIMIT, decimal: bool = False) -> Any:
    """The value in a JSON file; InputError says what is wrong with it, and where."""
    where = shown or path.as_posix()
    return loads(read_file(path, where, limit=limit), where, limit=limit, decimal=decimal)


def loads(data: bytes, where: str, *, limit: int = LIMIT, decimal: bool = False) -> Any:
    """The value in JSON text; with `decimal`, numbers with a fraction or exponent come as Decimal.

    Raises InputError for anything that is not strict JSON in UTF-8 within the limits.
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
    _check_depth(data, where)
    try:
        return _decoder(decimal=decimal).decode(text)
    except json.JSONDecodeError as error:
        raise InputError(
            f"this is not JSON: {error.msg[0].lower()}{error.msg[1:]}",
            where=f"{where}:{error.lineno}:{error.colno}",
            remedy="write the file again; the program that made it may have been stopped",
        ) from error
    except (_Refused, InvalidOperation) as error:
        raise InputError(str(error) or "a number cannot be read", where=where) from error
    except RecursionError as error:
        raise InputError(f"values are nested deeper than {DEPTH}", where=where) from error
    except ValueError as error:
        # Python refuses to convert integers of thousands of digits.
        raise InputError("a number has too many digits", where=where) from error


def dumps(value: object) -> bytes:
    """Stable JSON: sorted keys, two blanks, UTF-8, one newline at the end. NaN and infinities are a ValueError."""
    text = json.dumps(value, ensure_ascii=False, allow_nan=False, sort_keys=True, indent=2)
    return (text + "\n").encode()


def _decoder(*, decimal: bool) -> json.JSONDecoder:
    return json.JSONDecoder(
        object_pairs_hook=_object,
        parse_constant=_constant,
        parse_float=_decimal if decimal else _float,
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


def _check_depth(data: bytes, where: str) -> None:
    """Refuse deep nesting before the decoder, which recurses, meets it. Cheap where there are few brackets in a row."""
    if data.count(b"[") + data.count(b"{") <= DEPTH:
        return
    depth = 0
    for run in _OPENING.findall(_STRINGS.sub(b"", data)):
        depth += len(run) if run[0] in b"[{" else -len(run)
        if depth > DEPTH:
            raise InputError(f"values are nested deeper than {DEPTH}", where=where)


def has_surrogates(text: str) -> bool:
    """Whether text holds half of a character, which no file can be written with."""
    return _SURROGATE.search(text) is not None
