"""Untrusted text as the value of a label: writable, never endless, and still telling two long names apart."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable

from perfgate.core.model import Caveat

LONGEST = 300


def plain_text(value: object) -> str:
    """Text that can be written again: half characters replaced; "" for anything that is no text."""
    return value.encode("utf-8", "replace").decode() if isinstance(value, str) else ""


def label(text: str, caveats: list[Caveat]) -> str:
    """Text as the value of a label: a long one is cut, keeps its identity through a hash of the whole, and is told once."""
    text = plain_text(text).strip()
    if len(text) <= LONGEST:
        return text
    caveat = Caveat("long-label", f"names longer than {LONGEST} characters are cut", "use shorter names")
    if caveat not in caveats:
        caveats.append(caveat)
    digest = hashlib.sha256(text.encode()).hexdigest()[:8]
    return f"{text[: LONGEST - 9]}…{digest}"


def labels(texts: Iterable[str]) -> list[str]:
    """Each text as `label` gives it; quick where none is long or holds half characters."""
    stripped = [text.strip() for text in texts]
    joined = "".join(stripped)
    if max(map(len, stripped), default=0) <= LONGEST and (joined.isascii() or plain_text(joined) == joined):
        return stripped
    return [label(text, []) for text in stripped]
