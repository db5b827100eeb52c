"""GitHub's expressions, as far as our action and workflows use them: contexts, comparison, and, or, not, and a few functions."""

from __future__ import annotations

import json
import re
from collections.abc import Callable, Mapping
from typing import Any

_TOKEN = re.compile(r"\s*('(?:[^']|'')*'|==|!=|&&|\|\||[!(),.]|[A-Za-z_][A-Za-z0-9_-]*|\d+)")
_STATUS = ("success", "failure", "always", "cancelled")


def fill(text: str, contexts: Mapping[str, Any]) -> str:
    """The text with every `${{ … }}` replaced by its value."""
    return re.sub(r"\$\{\{(.*?)\}\}", lambda match: as_text(evaluate(match[1], contexts)), text, flags=re.DOTALL)


def holds(condition: str, contexts: Mapping[str, Any], *, failed: bool) -> bool:
    """Whether an `if:` lets its step or job run; without a status function it asks for success too."""
    inner = condition.strip()
    if inner.startswith("${{"):
        inner = inner.removeprefix("${{").removesuffix("}}")
    asked = any(re.search(rf"\b{name}\(", inner) for name in _STATUS)
    value = bool(evaluate(inner or "true", {**contexts, "failed": failed}))
    return value and (asked or not failed)


def evaluate(text: str, contexts: Mapping[str, Any]) -> Any:
    """The value of an expression."""
    reading = _Reading(text, contexts)
    value = reading.either()
    assert not reading.tokens, f"left over in {text!r}: {reading.tokens}"
    return value


def as_text(value: Any) -> str:
    """A value as GitHub writes it into text."""
    if value is None:
        return ""
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else json.dumps(value)


class _Reading:
    def __init__(self, text: str, contexts: Mapping[str, Any]) -> None:
        self.tokens = _TOKEN.findall(text)
        assert "".join(self.tokens) == re.sub(r"\s+(?=(?:[^']*'[^']*')*[^']*$)", "", text), f"not read: {text!r}"
        self.contexts = contexts

    def _took(self, *wanted: str) -> bool:
        if self.tokens and self.tokens[0] in wanted:
            self.tokens.pop(0)
            return True
        return False

    def either(self) -> Any:
        value = self.both()
        while self._took("||"):
            other = self.both()
            value = value or other
        return value

    def both(self) -> Any:
        value = self.comparison()
        while self._took("&&"):
            other = self.comparison()
            value = other if value else value
        return value

    def comparison(self) -> Any:
        value = self.single()
        while self.tokens and self.tokens[0] in {"==", "!="}:
            equal = self.tokens.pop(0) == "=="
            other = self.single()
            same = as_text(value).lower() == as_text(other).lower()
            value = same if equal else not same
        return value

    def single(self) -> Any:
        if self._took("!"):
            return not self.single()
        if self._took("("):
            value = self.either()
            assert self._took(")")
            return value
        token = self.tokens.pop(0)
        if token.startswith("'"):
            return token[1:-1].replace("''", "'")
        if token in {"true", "false"}:
            return token == "true"
        if token.isdigit():
            return int(token)
        return self._called(token) if self._took("(") else self._looked_up(token)

    def _called(self, name: str) -> Any:
        arguments: list[Any] = []
        while not self._took(")"):
            arguments.append(self.either())
            self._took(",")
        failed = bool(self.contexts.get("failed"))
        functions: dict[str, Callable[..., Any]] = {
            "always": lambda: True,
            "success": lambda: not failed,
            "failure": lambda: failed,
            "cancelled": lambda: False,
            "fromJSON": json.loads,
            "contains": lambda where, what: what in where,
            "format": lambda text, *values: re.sub(r"\{(\d+)\}", lambda match: as_text(values[int(match[1])]), text),
        }
        return functions[name](*arguments)

    def _looked_up(self, name: str) -> Any:
        value: Any = self.contexts.get(name)
        while self._took("."):
            key = self.tokens.pop(0)
            value = value.get(key) if isinstance(value, Mapping) else None
        return value
