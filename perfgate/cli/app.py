"""The command line as a whole: which commands there are, and how an error becomes a sentence and an exit code.

A command's module is imported when the command is named, so that `gate` does not pay for `measure`.
"""

from __future__ import annotations

import importlib
import io
import os
import sys
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import typer
from typer.core import TyperGroup
from typer.main import get_command

from perfgate import __version__
from perfgate.cli import console, exit_codes, redacting
from perfgate.errors import CommandFailed, PerfgateError, Stopped

#: Every command and the module that holds it as `app`, in the order in which people meet them.
COMMANDS: tuple[tuple[str, str], ...] = (
    ("check", "perfgate.cli.check"),
    ("init", "perfgate.cli.init"),
    ("measure", "perfgate.cli.measure"),
    ("compare", "perfgate.cli.compare"),
    ("gate", "perfgate.cli.gate"),
    ("rejudge", "perfgate.cli.rejudge"),
    ("ab", "perfgate.cli.ab"),
    ("publish", "perfgate.cli.publish"),
    ("explain", "perfgate.cli.explain"),
    ("history", "perfgate.cli.history"),
    ("trend", "perfgate.cli.trend"),
    ("shard", "perfgate.cli.shard"),
    ("export", "perfgate.cli.export"),
    ("baseline", "perfgate.cli.baseline"),
    ("calibrate", "perfgate.cli.calibrate"),
    ("selftest", "perfgate.cli.selftest"),
    ("schema", "perfgate.cli.schema"),
    ("demo", "perfgate.cli.demo"),
)


def lazy_group(commands: Sequence[tuple[str, str]]) -> type[TyperGroup]:
    """A command group that imports a command's module only when that command is wanted."""
    modules = dict(commands)

    class LazyGroup(TyperGroup):
        def list_commands(self, ctx: object) -> list[str]:
            del ctx
            return list(modules)

        def get_command(self, ctx: object, cmd_name: str) -> Any:
            del ctx
            if cmd_name not in modules:
                return None
            command = get_command(importlib.import_module(modules[cmd_name]).app)
            command.name = cmd_name
            return command

        def resolve_command(self, ctx: Any, args: list[str]) -> Any:
            # For the "did you mean" of an unknown command the names are enough.
            self.commands = dict.fromkeys(modules, self)
            return super().resolve_command(ctx, args)

    return LazyGroup


_SETTINGS = frozenset({"--quiet", "-q", "--verbose"})
_INTERRUPTED = "interrupted; nothing was stored"
_EXIT_CODES = "Exit codes: " + " · ".join(f"{code} {meaning}" for code, meaning in exit_codes.TABLE)

app = typer.Typer(
    cls=lazy_group(COMMANDS),
    epilog=_EXIT_CODES,
    **console.APP,
)


@app.callback()
def perfgate(
    version: bool = typer.Option(False, "--version", "-V", help="Print the version and leave."),
    quiet: bool = typer.Option(False, "--quiet", "-q", help="Print results and errors only."),
    verbose: bool = typer.Option(False, "--verbose", help="Say what is done, and show the trace of a failure."),
) -> None:
    """Stop a pull request that makes the pipeline, the tests, the bill or the program slower or dearer than agreed.

    \b
    Example: perfgate check          measure, compare and judge this repository
             perfgate demo           see the whole loop on a throw-away repository
    """
    if version:
        typer.echo(f"perfgate {__version__}")
        raise typer.Exit
    console.configure(quiet=quiet, verbose=verbose)


def run(arguments: Sequence[str]) -> int:
    """Run one command and return its exit code; every error has been told by then."""
    with _without_secrets(arguments):
        words = _settings_first(arguments)
        return guarded(lambda: app(words, prog_name="perfgate", standalone_mode=True), words)


@contextmanager
def _without_secrets(arguments: Sequence[str]) -> Iterator[None]:
    """Where the command line itself holds a secret, typer's messages about it are cleaned on their way out too."""
    line = " ".join(arguments)
    if redacting.clean(line) == line:
        yield
        return
    told = io.StringIO()
    kept, sys.stderr = sys.stderr, told
    try:
        yield
    finally:
        sys.stderr = kept
        console.relay(told.getvalue())


def _settings_first(arguments: Sequence[str]) -> list[str]:
    """The program's own switches may stand anywhere before `--`: people write `perfgate check --quiet`."""
    end = list(arguments).index("--") if "--" in arguments else len(arguments)
    own = [word for word in arguments[:end] if word in _SETTINGS]
    return own + [word for word in arguments[:end] if word not in _SETTINGS] + list(arguments[end:])


def guarded(work: Callable[[], object], words: Sequence[str] = ()) -> int:
    """Do `work`, which these words of the command line ask for; turn what it raises into a message on stderr and an exit code."""
    try:
        work()
        sys.stdout.flush()
    except SystemExit as stop:
        if stop.code == exit_codes.INTERRUPTED:
            console.say_error(_INTERRUPTED)
        return stop.code if isinstance(stop.code, int) else exit_codes.PASS if stop.code is None else exit_codes.FAILED
    except PerfgateError as error:
        console.tell_error(error, output=error.output if isinstance(error, CommandFailed) else "")
        code = exit_codes.of_error(error)
        from perfgate.cli import undecided

        command = [word for word in words if word not in _SETTINGS]
        if undecided.is_due(command):
            undecided.tell(error, code)
        return code
    except KeyboardInterrupt:
        console.say_error(_INTERRUPTED)
        return exit_codes.INTERRUPTED
    except Stopped as stop:
        console.say_error(f"stopped by signal {stop.number}; nothing was stored")
        return exit_codes.STOPPED + stop.number
    except BrokenPipeError:
        # The reader left (perfgate … | head); what matters was written to files before.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return exit_codes.FAILED
    except OSError as error:
        console.tell_system_error(error)
        return exit_codes.FAILED
    except Exception as error:  # noqa: BLE001 - the last line of defence: a crash must not look like a verdict
        console.tell_crash(error)
        return exit_codes.FAILED
    return exit_codes.PASS
