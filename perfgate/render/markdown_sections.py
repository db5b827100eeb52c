"""Parts of a comment that can be shortened by whole rows, and their fitting into a limit."""

from __future__ import annotations

from collections.abc import Callable, Sequence

#: How many rows of a section are tried, from all that anyone reads down to none.
STEPS = (200, 100, 50, 25, 10, 5, 2, 1, 0)
#: Longer names cannot be pasted from a comment; in tables the beginning has to do.
LONGEST_NAME, LONGEST_WHY = 200, 500


class Section:
    """A part of the comment that can be shortened: `write` gives it with a part of its rows, "" where nothing is left to say."""

    def __init__(self, rows: int, write: Callable[[int], str]) -> None:
        self.write = write
        self.most = min(rows, STEPS[0])

    def shorten(self) -> bool:
        """Take the next smaller number of rows; whether there was one."""
        smaller = next((step for step in STEPS if step < self.most), None)
        if smaller is not None:
            self.most = smaller
        return smaller is not None


def fixed(words: str) -> Section:
    """A part that is always whole."""
    return Section(0, lambda _: words)


def fitted(head: Sequence[str], sections: Sequence[Section], limit: int) -> str:
    """Head and sections in at most `limit` bytes; the last sections are the mildest and give way first."""
    while True:
        body = "\n\n".join(part for part in (*head, *(each.write(each.most) for each in sections)) if part) + "\n"
        if len(body.encode()) <= limit or not any(each.shorten() for each in reversed(sections)):
            return body


def folded(heading: str, inner: str) -> str:
    """Text that is shown when its heading is clicked, or plainly where there is no heading; the heading is perfgate's own words."""
    return f"<details><summary>{heading}</summary>\n\n{inner}\n\n</details>" if heading else inner
