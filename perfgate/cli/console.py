"""What people see on the terminal: messages, progress, and text from data made harmless."""

from __future__ import annotations

import os
import re
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from perfgate.cli import redacting
from perfgate.errors import InputError, PerfgateError
from perfgate.render.text import harmless

#: The settings every typer application of perfgate shares: plain help, plain errors, no shell completion to install.
APP: dict[str, Any] = {
    "add_completion": False,
    "rich_markup_mode": None,
    "pretty_exceptions_enable": False,
    "no_args_is_help": True,
    "context_settings": {"help_option_names": ["--help", "-h"], "max_content_width": 120},
}

_settings = {"quiet": False, "verbose": False}


def configure(*, quiet: bool, verbose: bool) -> None:
    """Set how much is said, for the rest of the process."""
    _settings.update(quiet=quiet, verbose=verbose)


def harmless_lines(text: str) -> str:
    """The same for text of several lines."""
    return "\n".join(harmless(line.replace("\t", "    ")) for line in text.splitlines())


def out(text: str = "") -> None:
    """Print a result, on stdout. A stream that cannot show a character gets a question mark instead of a crash."""
    _write(sys.stdout, text + "\n")


def command(line: str) -> None:
    """Print a workflow command for the CI system, on stdout, as it is: it was escaped where it was made."""
    _written(sys.stdout, redacting.clean(line) + "\n")


def named(text: str, option: str = "NAME") -> str:
    """A name given on the command line that is to be a label; InputError where it cannot be one."""
    if not text.strip() or len(text) > 100:
        raise InputError("a name of 1 to 100 characters is wanted", where=option, remedy="write for example start-up")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise InputError(
            "the name is not UTF-8, so no file can keep it", where=option, remedy="write it in UTF-8"
        ) from None
    return text


def seconds(text: str, option: str, example: str = "10 min") -> float:
    """A time given on the command line, in seconds; InputError, which shows an example, where it is none."""
    from perfgate.core.units import Quantity

    quantity = Quantity.parse(text)
    if quantity.unit.base != "s" or quantity.value <= 0:
        raise InputError(f'"{text[:50]}" is not a time', where=option, remedy=f'write for example "{example}"')
    return float(quantity.value)


def words(line: str, option: str) -> tuple[str, ...]:
    """A command given as one option, split as a shell would split it, but no shell is run.

    InputError where a quote is never closed, or where only a shell would do what it says.
    """
    import shlex

    from perfgate.core.command_lines import NO_SHELL, needs_shell

    try:
        argv = tuple(shlex.split(line))
    except ValueError:
        raise InputError("a quote is never closed", where=option, remedy="close it") from None
    if needs_shell(line, argv):
        raise InputError(NO_SHELL, where=option, remedy=f"write sh -c {shlex.quote(line[:100])} if a shell is meant")
    return argv


def shown(path: Path) -> str:
    """A path for messages: relative to the current folder where it lies inside, else as it is."""
    try:
        return path.resolve().relative_to(Path.cwd().resolve()).as_posix()
    except (ValueError, OSError, RuntimeError):
        # RuntimeError: links that lead to each other (Python 3.11 and 3.12); whoever opens it says what is wrong.
        return path.as_posix()


def width() -> int:
    """The columns of the terminal that shows results; 120 where there is none, as in a CI log."""
    if given := os.environ.get("COLUMNS", ""):
        return max(40, int(given)) if given.isdigit() else 120
    try:
        return max(40, os.get_terminal_size(sys.stdout.fileno()).columns)
    except (OSError, ValueError):
        return 120


def colour() -> bool:
    """Whether results may be coloured: on a terminal without NO_COLOR, or where FORCE_COLOR asks for it."""
    if os.environ.get("NO_COLOR") or os.environ.get("TERM") == "dumb":
        return False
    return bool(os.environ.get("FORCE_COLOR")) or sys.stdout.isatty()


def can_show(signs: str) -> bool:
    """Whether stdout can show these characters."""
    try:
        signs.encode(sys.stdout.encoding or "ascii")
    except (UnicodeEncodeError, LookupError):
        return False
    return os.environ.get("TERM") != "dumb"


def say(text: str) -> None:
    """Print a remark about the work, on stderr; silent under --quiet."""
    if not _settings["quiet"]:
        _write(sys.stderr, harmless_lines(text) + "\n")


def say_verbose(text: str) -> None:
    """Print a remark that only --verbose asks for, on stderr."""
    if _settings["verbose"]:
        say(text)


def say_error(text: str) -> None:
    """Print what went wrong, on stderr, always."""
    _write(sys.stderr, f"perfgate: {harmless_lines(text)}\n")


def relay(text: str) -> None:
    """Print what somebody else wrote for stderr, as it is but for its secrets."""
    _write(sys.stderr, text)


def tell_error(error: PerfgateError, *, output: str = "") -> None:
    """Print an error: what, where, what to do; and the end of the failed command's output, of which nothing is a command to GitHub."""
    if output.strip():
        with _no_commands():
            _write(
                sys.stderr, "".join(f"  | {line}\n" for line in harmless_lines(redacting.clean(output)).splitlines())
            )
    say_error(str(error))


@contextmanager
def _no_commands() -> Iterator[None]:
    """For as long as this lasts GitHub Actions reads no line of this step as a command; the word that ends it is known to nobody before."""
    if os.environ.get("GITHUB_ACTIONS") != "true":
        yield
        return
    # Imported here: it brings OpenSSL, and is needed where a measured command failed.
    import secrets

    token = secrets.token_hex(16)
    # One stream for both, or the end could overtake what it is to enclose.
    _written(sys.stderr, f"::stop-commands::{token}\n")
    try:
        yield
    finally:
        _written(sys.stderr, f"::{token}::\n")


def tell_system_error(error: OSError) -> None:
    """Print an error of the operating system with the file it concerns."""
    place = f"{error.filename}: " if error.filename else ""
    say_error(f"{place}{error.strerror or error}")
    _trace(error)


def tell_crash(error: BaseException) -> None:
    """Print that perfgate itself is at fault, and how to see more."""
    say_error(f"this is a defect of perfgate: {type(error).__name__}: {error}")
    if not _settings["verbose"]:
        _write(sys.stderr, "  run the same with `perfgate --verbose …` for the trace, and report it with that\n")
    _trace(error)


def _trace(error: BaseException) -> None:
    if _settings["verbose"]:
        import traceback

        _write(sys.stderr, harmless_lines("".join(traceback.format_exception(error))) + "\n")


def _write(stream: Any, text: str) -> None:
    """Write text that holds no secret, and is no command to the CI system, whatever data it holds."""
    text = redacting.clean(text)
    if "::" in text or "##" in text:
        text = without_commands(text)
    if text.lstrip()[:1] in {"{", "["}:
        # JSON need not escape these, and a terminal obeys some of them: U+009B begins what ESC [ does.
        text = _CONTROL.sub(lambda found: f"\\u{ord(found[0]):04x}", text)
    _written(stream, text)


def without_commands(text: str) -> str:
    """Text in which no line is a command to a CI system; JSON stays the JSON that it is.

    GitHub's runner takes a line for a command that begins with "::" after blanks, or that holds "##[" anywhere
    (actions/runner, ActionCommand.cs); Azure Pipelines has "##vso[", TeamCity "##teamcity[".
    """
    if text.lstrip()[:1] in {"{", "["}:
        # Inside JSON this can only stand in a string, where it may be written so.
        text = _HASHES.sub(r"#\\u0023\1", text)
    return _COLONS.sub(r"\1: :", _HASHES.sub(r"# #\1", text))


_CONTROL = re.compile(r"[\x7f-\x9f]")
_HASHES = re.compile(r"##(\w*\[)")
_COLONS = re.compile(r"((?:^|\r)\s*)::", re.MULTILINE)


def _written(stream: Any, text: str) -> None:
    try:
        stream.write(text)
        stream.flush()
    except UnicodeEncodeError:
        encoding = stream.encoding or "ascii"
        stream.write(text.encode(encoding, "replace").decode(encoding))
        stream.flush()


class Progress:
    """One line on stderr that is rewritten while long work goes on; nothing at all where stderr is not a terminal."""

    def __init__(self) -> None:
        self._shown = 0
        self._last = 0.0
        self._live = sys.stderr.isatty() and not _settings["quiet"] and not os.environ.get("CI")

    def __call__(self, text: str) -> None:
        """Show what is being done now; more than ten calls a second are not all shown."""
        now = time.monotonic()
        if not self._live or now - self._last < 0.1:
            return
        self._last = now
        width = max(20, _columns() - 1)
        line = harmless(text)[:width]
        _write(sys.stderr, "\r" + line + " " * max(0, self._shown - len(line)))
        self._shown = len(line)

    def clear(self) -> None:
        """Take the line away."""
        if self._shown:
            _write(sys.stderr, "\r" + " " * self._shown + "\r")
            self._shown = 0


@contextmanager
def progress() -> Iterator[Progress]:
    """Progress on long work, taken away at the end."""
    line = Progress()
    try:
        yield line
    finally:
        line.clear()


def _columns() -> int:
    try:
        return os.get_terminal_size(sys.stderr.fileno()).columns
    except (OSError, ValueError):
        return 80
