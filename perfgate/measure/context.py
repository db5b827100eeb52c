"""The context of a run: what git, the CI system and the machine say, in one record."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from perfgate import __version__
from perfgate.core.model import Context, Event
from perfgate.measure.machine import machine_class
from perfgate.store.lineage import Lineage


def describe(lineage: Lineage, event: Event, environ: Mapping[str, str], started_at: datetime) -> Context:
    """The context of a run that starts at `started_at` (aware, any zone; kept in UTC)."""
    return Context(
        head=lineage.head,
        base=lineage.base,
        tested=lineage.tested,
        worktree=lineage.worktree,
        branch=lineage.branch,
        target=lineage.target,
        pull_request=event.pull_request,
        event=event.name,
        provider=event.provider,
        ci_run=event.ci_run,
        ci_attempt=event.ci_attempt,
        ci_job=event.ci_job,
        started_at=utc_text(started_at),
        machine=machine_class(environ, event.runner),
        tool_version=__version__,
        base_is_approximate=bool(lineage.approximate),
    )


def utc_text(moment: datetime) -> str:
    """A moment as run files write it: UTC, ISO 8601, whole seconds, "Z"."""
    from datetime import UTC

    return moment.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
