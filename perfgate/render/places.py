"""Where a budget stands, as other programs want it: a file and a line."""

from __future__ import annotations

import re
from typing import NamedTuple

from perfgate.core.budgets import Budget

# "budgets.yaml:12", or "main:services/api/budgets.yaml:12" where a branch's file was read.
_PLACE = re.compile(r"(?:.*:)?([^:]+):([1-9]\d{0,8})", re.DOTALL)
_ODD = re.compile(r"[^\w./ +@-]")
_USUAL = "budgets.yaml"


class Place(NamedTuple):
    """A file, relative to the repository's top with forward slashes, and a line from 1 on."""

    path: str
    line: int


def place_of(budget: Budget, folder: str = "") -> Place:
    """The place of a budget in a project that lies in `folder` of its repository; the top of budgets.yaml where it is not told."""
    match = _PLACE.fullmatch(budget.place)
    path, line = (match[1], int(match[2])) if match else (_USUAL, 1)
    parts = [part for part in f"{folder}/{path}".replace("\\", "/").split("/") if part not in {"", "."}]
    if ".." in parts or path.startswith("/") or _ODD.search(path):
        parts, line = [*folder.split("/"), _USUAL] if folder else [_USUAL], line if match else 1
    return Place("/".join(parts), line)


def is_placed(budget: Budget) -> bool:
    """Whether the budget tells its own place."""
    return _PLACE.fullmatch(budget.place) is not None


def fingerprint(*parts: str) -> str:
    """What makes a finding the same one in the next run, from what identifies it; numbers and lines must not be among it."""
    from hashlib import sha256

    return sha256("\0".join(parts).encode("utf-8", "surrogatepass")).hexdigest()[:32]
