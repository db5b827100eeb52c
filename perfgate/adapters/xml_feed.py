"""XML of other tools, fed to expat piece by piece: no document type, no entities, no huge tag, and every complaint has a place."""

from __future__ import annotations

from collections.abc import Callable
from typing import BinaryIO, NoReturn
from xml.parsers import expat

from perfgate.errors import InputError

#: Limits beyond any real report; each is refused with a sentence.
DEPTH, TAG, NAMES = 64, 8 * 1024 * 1024, 10_000

_CHUNK = 64 * 1024
# Colours and zero bytes in captured output: XML forbids them, and many runners write them all the same.
_FORBIDDEN = bytes(set(range(32)) - set(b"\t\n\r"))
_HARMLESS = bytes.maketrans(_FORBIDDEN, b"?" * len(_FORBIDDEN))
_TRUNCATED = frozenset({"no element found", "unclosed token", "partial character", "unclosed CDATA section"})


class XmlFeed:
    """One pass of expat over one file; `start` and `end` hear every element, names with their prefix.

    `report` says in messages what the file should have been: "JUnit XML report". `comment` hears the comments.
    """

    def __init__(
        self,
        where: str,
        report: str,
        start: Callable[[str, dict[str, str]], None],
        end: Callable[[str], None],
        comment: Callable[[str], None] | None = None,
    ) -> None:
        self._where = where
        self._report = report
        #: Whether characters that XML forbids were read as question marks.
        self.control_characters = False
        self._parser = expat.ParserCreate()
        self._parser.StartElementHandler, self._parser.EndElementHandler = start, end
        self._parser.CommentHandler = comment
        self._parser.StartDoctypeDeclHandler = self._parser.EntityDeclHandler = self._refuse_declaration

    @property
    def line(self) -> int:
        """The line that is being read."""
        return self._parser.CurrentLineNumber

    def run(self, stream: BinaryIO) -> None:
        """Read to the end; raises InputError with line and column for what is not well-formed or beyond a limit."""
        parser = self._parser
        fed, one_byte = 0, True
        try:
            while chunk := stream.read(_CHUNK):
                if not fed:
                    # In UTF-16 zero bytes are half of every letter.
                    one_byte = b"\0" not in chunk[:4] and chunk[:2] not in {b"\xff\xfe", b"\xfe\xff"}
                fed += len(chunk)
                parser.Parse(self._harmless(chunk) if one_byte else chunk, False)
                if fed - parser.CurrentByteIndex > TAG:
                    self.refuse(f"a single tag or comment is larger than {TAG // 2**20} MB")
                if len(parser.intern) > NAMES:
                    self.refuse(f"it has more than {NAMES:,} names of elements and attributes")
            if fed == 0:
                remedy = "let the tests write it again; they may have been stopped"
                raise InputError("the file is empty", where=self._where, remedy=remedy)
            parser.Parse(b"", True)
        except expat.ExpatError as error:
            raise self._not_xml(error) from error
        except (ValueError, LookupError) as error:
            # An encoding that neither expat nor Python knows; only the first line can declare one.
            what = f"the declared encoding cannot be read: {error}"
            raise InputError(what, where=f"{self._where}:1", remedy="save the report as UTF-8") from error

    def refuse(self, what: str, remedy: str = "") -> NoReturn:
        """Raise InputError at the place that is being read."""
        place = f"{self._where}:{self._parser.CurrentLineNumber}:{self._parser.CurrentColumnNumber + 1}"
        raise InputError(what, where=place, remedy=remedy or f"name the {self._report} of the tests")

    def _harmless(self, chunk: bytes) -> bytes:
        clean = chunk.translate(_HARMLESS)
        if clean != chunk:
            self.control_characters = True
        return clean

    def _not_xml(self, error: expat.ExpatError) -> InputError:
        told = expat.ErrorString(error.code) or "unknown error"
        if (error.lineno, error.offset) == (1, 0):
            remedy = f"name the {self._report} of the tests"
        elif told in _TRUNCATED or error.code == expat.errors.codes[expat.errors.XML_ERROR_TAG_MISMATCH]:
            remedy = "let the tests write it again; they may have been stopped half-way"
        else:
            remedy = "its text may be in another encoding than it declares, or hold characters that XML forbids"
        where = f"{self._where}:{error.lineno}:{error.offset + 1}"
        return InputError(f"this is not well-formed XML: {told}", where=where, remedy=remedy)

    def _refuse_declaration(self, *_: object) -> None:
        what = "the report declares a document type or entities, which are not read"
        self.refuse(what, "let the tests write it without")
