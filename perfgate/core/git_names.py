"""The names of branches and remotes by git's own rules (git-check-ref-format), and what is wrong with one that breaks them."""

from __future__ import annotations

import re

_FORBIDDEN = re.compile(r"[\x00-\x20\x7f~^:?*\[\\]")
_REMOTE = re.compile(r"[A-Za-z0-9_][A-Za-z0-9_.-]*")
_LONGEST = 200


def branch_problem(name: str) -> str:
    """Why git would refuse this as the name of a branch, as a sentence; "" for a good one.

    Stricter than git in three ways: only printable characters, at most 200 of them, and no name that looks like a full one
    (refs/heads/main), which git would take as a branch called so.
    """
    shown = f'"{name[:80]}" cannot be the name of a branch'
    if not name or len(name) > _LONGEST:
        return f"{shown}: it has 1 to {_LONGEST} characters"
    if _FORBIDDEN.search(name) or not name.isprintable():
        return f"{shown}: git allows no blanks, control characters, nor any of ~ ^ : ? * [ \\"
    if name.startswith("-") or ".." in name or "@{" in name or name in {"@", "HEAD"}:
        return f'{shown}: git allows no "-" at its beginning, no ".." and no "@{{" in it, nor @ or HEAD alone'
    if name.startswith("refs/"):
        return f"{shown}: leave refs/heads/ out"
    parts = name.split("/")
    if any(not part or part.startswith(".") or part.endswith((".lock", ".")) for part in parts):
        return f'{shown}: no part between slashes may be empty, begin with ".", or end with "." or ".lock"'
    return ""


def remote_problem(name: str) -> str:
    """Why this cannot be the name of a remote, as a sentence; "" for a good one. An address or a path is none: git would go there."""
    if _REMOTE.fullmatch(name) and len(name) <= _LONGEST and not branch_problem(name):
        return ""
    return f'"{name[:80]}" cannot be the name of a remote: letters, digits, "_", "." and "-" are allowed'
