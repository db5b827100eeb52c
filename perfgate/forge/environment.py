"""Which CI system this is, and what it says of the change: one question, asked once."""

from __future__ import annotations

from collections.abc import Mapping

from perfgate.core.model import Event


def read_event(environ: Mapping[str, str]) -> Event:
    """The event of the CI system that runs this process; an empty Event outside CI. Never raises: what is not told stays empty.

    Outside CI nothing of what reads events is loaded.
    """
    if environ.get("GITHUB_ACTIONS") == "true":
        from perfgate.forge import github_event

        return github_event.read_event(environ)
    if environ.get("GITLAB_CI") == "true":
        from perfgate.forge.ci_systems import read_gitlab

        return read_gitlab(environ)
    if not any(environ.get(name) for name in _SIGNS):
        return Event()
    from perfgate.forge import ci_systems

    told = ci_systems.read_event(environ)
    if told is not None:
        return told
    return Event(provider="ci", name="push") if environ.get("CI", "").lower() in {"true", "1"} else Event()


#: The variables of which every other system sets one; the table of systems says what they mean.
_SIGNS = ("CI", "CIRCLECI", "BUILDKITE", "TF_BUILD", "BITBUCKET_BUILD_NUMBER", "TEAMCITY_VERSION", "DRONE", "CI_SYSTEM_NAME", "JENKINS_URL")  # fmt: skip
