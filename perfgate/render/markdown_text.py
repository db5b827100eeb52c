"""Text from data inside Markdown: in code spans and blocks, where GitHub reads no mention, link, image, emoji or HTML."""

from __future__ import annotations

import re

from perfgate.render.text import harmless, harmless_lines

# Words, numbers and the punctuation of perfgate's own sentences; nothing that Markdown or GitHub reads as more than text.
_PROSE = re.compile(r"[A-Za-z0-9\u00a0.,;:()%+\-–…×→≥'\"/±−?=]*")
# Links that GitHub makes of plain words: addresses, emoji, commits, issues (also those of configured prefixes); and GitLab's milestones.
_NOT_PROSE = re.compile(
    r"www\.|://|:[a-z0-9_+\-]+:|\b[0-9a-f]{7,64}\b|\bGH-\d|\b[A-Z]{2,}-\d|%[\"a-z0-9]", re.IGNORECASE
)

_BEGINS = re.compile(r"([\-+=]+|\d+[.)])(\s|$)")


def code(words: str, most: int = 0) -> str:
    """Text in a code span that no content can leave, also in a table; cut after `most` characters where that is given."""
    plain = _cut(harmless(words).strip(), most) or " "
    plain = plain.replace("|", "¦" if "\\" in plain else "\\|")
    longest = max((len(run) for run in re.findall(r"`+", plain)), default=0)
    fence = "`" * (longest + 1)
    pad = " " if plain.startswith("`") or plain.endswith("`") else ""
    return f"{fence}{pad}{plain}{pad}{fence}"


def prose(words: str, most: int = 0) -> str:
    """perfgate's own words as they are; words that hold anything Markdown could read as more than text, in code spans."""
    parts: list[tuple[bool, list[str]]] = []
    for word in _cut(harmless(words).strip(), most).split(" "):
        plain = _PROSE.fullmatch(word) is not None and not _NOT_PROSE.search(word)
        if parts and parts[-1][0] is plain:
            parts[-1][1].append(word)
        else:
            parts.append((plain, [word]))
    return " ".join(" ".join(group) if plain else _spanned(" ".join(group)) for plain, group in parts)


def _spanned(words: str) -> str:
    """A code span that leaves the brackets and stops of the sentence around it outside."""
    inside = words.lstrip("(").rstrip(",.;:)")
    if not inside:
        return code(words)
    start = words.index(inside)
    return f"{words[:start]}{code(inside)}{words[start + len(inside) :]}"


def inline(note: str) -> str:
    """A note that begins no list, quote or heading of its own."""
    return f"`{note[0]}`{note[1:]}" if _BEGINS.match(note) else note


def block(words: str, language: str) -> str:
    """Lines in a code block that no content can leave."""
    plain = harmless_lines(words)
    longest = max((len(run) for run in re.findall(r"`+", plain)), default=0)
    fence = "`" * max(3, longest + 1)
    return f"{fence}{language}\n{plain}\n{fence}"


def _cut(words: str, most: int) -> str:
    return words if not most or len(words) <= most else words[: most - 1] + "…"
