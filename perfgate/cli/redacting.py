"""What leaves the process holds no secret: texts, runs and decisions are cleaned here, by this process's own environment."""

from __future__ import annotations

import os
from functools import lru_cache
from typing import TYPE_CHECKING

from perfgate.core import redaction

if TYPE_CHECKING:
    from perfgate.core.decision import Decision
    from perfgate.core.model import Run


@lru_cache(maxsize=1)
def secrets() -> tuple[str, ...]:
    """The secret values that this process was given, as they were when the first text left it."""
    return redaction.secrets_of(os.environ)


def clean(text: str) -> str:
    """A text for people, without secrets."""
    return redaction.redact(text, secrets())


def clean_json(data: bytes, where: str) -> tuple[bytes, int]:
    """The text of a JSON file without secrets in its strings, and how many strings held one; what is no JSON stays as it is."""
    from perfgate.errors import InputError
    from perfgate.formats import strict_json

    if not redaction.may_hold(data, secrets()):
        return data, 0
    try:
        value = strict_json.loads(data, where)
    except InputError:
        # Whoever reads it as what it should be says so, with the place.
        return data, 0
    cleaned, count = redaction.redact_values(value, secrets())
    return (strict_json.dumps(cleaned), count) if count else (data, 0)


def clean_run(run: Run, data: bytes, where: str) -> Run:
    """A run without secrets, `data` being its text: the same where it has none, else with a caveat that says so.

    A label that holds one is followed under its cleaned name; InputError where two series differ in nothing else.
    """
    cleaned, count = clean_json(data, where)
    if not count:
        return run
    from perfgate.core.model import Caveat
    from perfgate.formats import run as run_format

    message = f"{count} text{'' if count == 1 else 's'} of this run held what looks like a secret, replaced by {redaction.REDACTED}"
    caveat = Caveat("redacted", message, "keep secrets out of names, reports and command lines")
    found = run_format.load(cleaned, where)
    return found._replace(id=run.id, caveats=(*found.caveats, caveat))


def clean_decision(decision: Decision) -> tuple[Decision, bytes]:
    """A decision without secrets, and its decision.json: every output is made from these two."""
    from perfgate.formats import decision as decision_format

    data = decision_format.dump(decision)
    cleaned, count = clean_json(data, "the decision")
    return (decision_format.load(cleaned, "the decision"), cleaned) if count else (decision, data)


def load_decision(data: bytes, where: str) -> Decision:
    """The decision in the text of a decision.json, without secrets, whoever wrote it."""
    from perfgate.formats import decision as decision_format

    return decision_format.load(clean_json(data, where)[0], where)
