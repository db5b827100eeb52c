"""A value from a file, with its place: takes it apart step by step, and complains with a JSON pointer."""

from __future__ import annotations

import math
import re
from collections.abc import Iterable
from datetime import datetime
from functools import lru_cache
from typing import Any, NoReturn

from perfgate.errors import InputError
from perfgate.formats.suggesting import meant

LONGEST = 10_000
_TIME = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d{1,9})?Z", re.ASCII)


class Found:
    """A value at a place in a file. Each method returns what it promises or raises InputError that names the place."""

    __slots__ = ("place", "value", "where")

    def __init__(self, value: Any, where: str, place: str = "$") -> None:
        self.value = value
        self.where = where
        self.place = place

    def refuse(self, what: str, remedy: str = "") -> NoReturn:
        """Raise what is wrong here."""
        raise InputError(what, where=f"{self.where}, {self.place}", remedy=remedy)

    def fields(self, required: Iterable[str], optional: Iterable[str] = ()) -> dict[str, Found]:
        """The members of an object that has all of `required` and nothing beyond `optional`."""
        if not isinstance(self.value, dict):
            self.refuse(f"an object is wanted, not {_kind(self.value)}")
        known = {*required, *optional}
        for key in self.value:
            if key not in known:
                close = meant(key, known)
                self.refuse(
                    f'"{key[:100]}" is not known here',
                    close or f"known are {', '.join(sorted(known))}",
                )
        for key in required:
            if key not in self.value:
                self.refuse(f'"{key}" is missing')
        return {key: Found(value, self.where, f"{self.place}.{key}") for key, value in self.value.items()}

    def pairs(self, most: int) -> list[tuple[str, Found]]:
        """The members of an object with free keys."""
        if not isinstance(self.value, dict):
            self.refuse(f"an object is wanted, not {_kind(self.value)}")
        if len(self.value) > most:
            self.refuse(f"{len(self.value):,} members are more than the {most:,} that are read")
        for key in self.value:
            if _is_half(key):
                self.refuse("a key holds half a character")
        return [(key, Found(value, self.where, f"{self.place}.{key[:80]}")) for key, value in self.value.items()]

    def items(self, most: int) -> list[Found]:
        """The members of a list."""
        if not isinstance(self.value, list):
            self.refuse(f"a list is wanted, not {_kind(self.value)}")
        if len(self.value) > most:
            self.refuse(f"{len(self.value):,} members are more than the {most:,} that are read")
        return [Found(value, self.where, f"{self.place}[{index}]") for index, value in enumerate(self.value)]

    def text(self, most: int = LONGEST) -> str:
        """A string that can be written again."""
        value = self.value
        if not isinstance(value, str):
            self.refuse(f"a string is wanted, not {_kind(value)}")
        if len(value) > most:
            self.refuse(f"a string of {len(value):,} characters is longer than the {most:,} that are read")
        if _is_half(value):
            self.refuse("the string holds half a character")
        return str(value)

    def number(self) -> float:
        """A finite number."""
        value = self.value
        if type(value) is float:
            if math.isinf(value):
                self.refuse("the number is larger than any that can be kept")
            return value
        if type(value) is not int:
            self.refuse(f"a number is wanted, not {_kind(value)}")
        if abs(value) > 2**53:
            self.refuse("the number is too large to be kept exactly")
        return float(value)

    def whole(self, least: int = 0) -> int:
        """A whole number of at least `least`."""
        value = self.value
        if type(value) is not int or not least <= value <= 2**53:
            self.refuse(f"a whole number of {least} or more is wanted")
        return int(value)

    def moment(self) -> str:
        """A time in UTC that exists, as text."""
        value = self.text(100)
        if not is_moment(value):
            self.refuse('a time in UTC is wanted, such as "2026-11-21T10:00:00Z"')
        return value

    def truth(self) -> bool:
        """True or false."""
        if not isinstance(self.value, bool):
            self.refuse(f"true or false is wanted, not {_kind(self.value)}")
        return self.value

    def one_of(self, known: Iterable[str]) -> str:
        """One of the words."""
        value, words = self.text(), list(known)
        if value not in words:
            self.refuse(f'"{value[:100]}" is not known here', f"known are {', '.join(words)}")
        return value


def _is_half(text: str) -> bool:
    """Whether text holds half of a character, which no file can be written with."""
    return not text.isascii() and any("\ud800" <= sign <= "\udfff" for sign in text)


@lru_cache(maxsize=4096)
def is_moment(text: str) -> bool:
    """Whether this is a moment in UTC that exists, as it is written everywhere: 2026-11-21T10:00:00Z."""
    if not _TIME.fullmatch(text):
        return False
    try:
        datetime.fromisoformat(text)
    except ValueError:
        return False
    return True


def _kind(value: object) -> str:
    names = {
        dict: "an object",
        list: "a list",
        str: "a string",
        bool: "true or false",
        int: "a number",
        float: "a number",
        type(None): "null",
    }
    return names.get(type(value), "something else")
