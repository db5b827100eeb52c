"""Which text from outside may become the name of a branch in an argument of git."""

from __future__ import annotations

import re

_NOT_IN_NAMES = re.compile(r"[\x00-\x20\x7f~^:?*\[\\]|\.\.|@\{|^@$|[\ud800-\udfff]")
_LONGEST_NAME = 250


def is_branch_name(text: str) -> bool:
    """Whether git would take this for the name of a branch (git-check-ref-format), the only form in which data may name one to fetch."""
    parts = text.split("/")
    return (
        _NOT_IN_NAMES.search(text) is None
        and len(text) <= _LONGEST_NAME
        and not text.endswith(".")
        and all(part and not part.startswith((".", "-")) and not part.endswith(".lock") for part in parts)
    )
