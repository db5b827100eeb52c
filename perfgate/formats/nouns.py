"""Series, selectors and units in a file, read by the nouns themselves; what they refuse is told with its place."""

from __future__ import annotations

from perfgate.core.model import Selector, Series
from perfgate.core.units import Unit
from perfgate.errors import InputError
from perfgate.formats.checking import Found


def series(found: Found) -> Series:
    """The series that is written here."""
    try:
        return Series.parse(found.text())
    except InputError as error:
        found.refuse(error.what)


def selector(found: Found) -> Selector:
    """The selector that is written here."""
    try:
        return Selector.parse(found.text())
    except InputError as error:
        found.refuse(error.what)


def unit(found: Found) -> Unit:
    """The unit that is written here."""
    try:
        return Unit.parse(found.text(100))
    except InputError as error:
        found.refuse(error.what)
