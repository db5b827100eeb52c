"""`perfgate schema`: the JSON Schemas of perfgate's own files."""

from __future__ import annotations

import typer

from perfgate.cli import console

app = typer.Typer(**console.APP)


@app.command(short_help="JSON Schemas of the file formats")
def schema(name: str = typer.Argument(..., help="run, decision, budgets or bench.")) -> None:
    """Print the JSON Schema of a file format.

    \b
    Example: perfgate schema budgets > budgets.schema.json
    """
    from perfgate.errors import InputError
    from perfgate.formats import schema as schemas

    if name not in schemas.NAMES:
        raise InputError(f'there is no schema "{name}"', remedy=f"there are {', '.join(schemas.NAMES)}")
    console.out(schemas.text(name).rstrip("\n"))
