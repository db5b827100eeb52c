"""What somebody may have meant by a word that is not known."""

from __future__ import annotations

from collections.abc import Iterable


def meant(word: str, known: Iterable[str], *, least: float = 0.6) -> str:
    """'did you mean "…"?' for the known word most like this one; "" where none is at least so alike (1.0 = the same)."""
    # Imported here: it is needed for mistakes only, and good files should not pay for it.
    from difflib import get_close_matches

    close = get_close_matches(word, list(known), 1, least)
    return f'did you mean "{close[0]}"?' if close else ""
