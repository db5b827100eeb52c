"""The option `--only` that selects nothing: an error which names series that are there, the same for every command."""

from __future__ import annotations

from collections.abc import Iterable

from perfgate.core.model import Selector, Series
from perfgate.errors import InputError


def refuse_unknown(only: str, known: Iterable[Series], who: str, selectors: Iterable[Selector] = ()) -> None:
    """InputError where `only` selects none of the series that `who` knows, nor what one of the selectors names; nothing where none is known."""
    if not only:
        return
    wanted, series = Selector.parse(only), list(known)
    named = any(wanted.matches(Series(each.metric, each.labels)) for each in selectors)
    if not series or named or any(wanted.matches(each) for each in series):
        return
    from difflib import get_close_matches

    names = sorted({str(each) for each in series})
    close = get_close_matches(only, names, n=3, cutoff=0.3) or names[:3]
    raise InputError(f'{who} no series "{only}"', where="--only", remedy="there is for example " + ", ".join(close))
