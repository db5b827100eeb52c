"""The JSON Schemas of perfgate's own files: their text for editors and other programs, and a check against them."""

from __future__ import annotations

from importlib.resources import files
from typing import Any

from perfgate.errors import InputError

NAMES = ("run", "decision", "budgets", "bench")


def text(name: str) -> str:
    """The JSON Schema (draft 2020-12) of a file format."""
    return (files("perfgate.formats") / "schemas" / f"{name}.schema.json").read_text(encoding="utf-8")


def check(name: str, value: Any, where: str) -> None:
    """Hold a value against a schema; InputError names the place that fits worst. Loads jsonschema, which the loaders do not need."""
    import json

    from jsonschema import Draft202012Validator
    from jsonschema.exceptions import best_match

    error = best_match(Draft202012Validator(json.loads(text(name))).iter_errors(value))
    if error is not None:
        raise InputError(error.message[:300], where=f"{where}, {error.json_path}")
