"""What a code host is told of a decision, and what became of it: the same for every host."""

from __future__ import annotations

from collections.abc import Callable
from enum import StrEnum
from typing import NamedTuple

from perfgate.forge.marker import Marker

#: The longest comment that GitHub takes, in characters; here bytes are kept below it, which are never fewer.
LIMIT = 65_536


class Mode(StrEnum):
    """When a pull request gets a comment: of a breach, of every decision, or never."""

    ON = "on"
    ALWAYS = "always"
    OFF = "off"


class Told(NamedTuple):
    """A decision as text: `text` is the comment without its marker, `resolved` makes the shorter one for a breach that is over.

    It is given the comment that it takes the place of. `link` is the address of the run, "" where it is not known.
    """

    marker: Marker
    text: str
    resolved: Callable[[str], str]
    link: str = ""

    def body(self, *, earlier: str | None = None) -> str:
        """The whole comment, the marker first; with `earlier` that of a breach that is over.

        One that no host would take is left at its first words and the link.
        """
        text = self.text if earlier is None else self.resolved(earlier)
        whole = f"{self.marker.line}\n{text}"
        if len(whole.encode("utf-8", "replace")) <= LIMIT:
            return whole
        kept = [self.marker.line]
        room = LIMIT // 4
        for part in text.split("\n\n")[:2]:
            room -= len(part.encode("utf-8", "replace"))
            if room < 0:
                break
            kept.append(part)
        where = f"[the summary of the run]({self.link})" if self.link else "the summary of the run"
        return "\n\n".join([*kept, f"The rest is too long for a comment; all of it is in {where}."]) + "\n"


class Outcome(NamedTuple):
    """One sentence on what a host was told, and whether that failed."""

    said: str
    failed: bool = False
