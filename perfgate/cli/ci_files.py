"""The files that make a project's gate run in CI, from the templates beside this module: GitHub's pair of workflows, GitLab's jobs."""

from __future__ import annotations

import os
import re
import zlib
from enum import StrEnum
from importlib import resources
from pathlib import Path
from typing import NamedTuple

from perfgate.errors import InputError

_NAME = "PERFGATE_NAME"
_BRANCH = "DEFAULT_BRANCH"
_FOLDER = "WORKING_DIRECTORY"
_PREFIX = "PROJECT_PREFIX"
_PACKAGE = "INSTALLED_FROM"
_EXTRA = "PROJECT_EXTRA"

#: What stands for a requirement that is not known: no tool can install it, and the files' own step refuses it in a sentence.
UNEDITED = "EDIT ME: perfgate @ git+https://HOST/OWNER/perfgate@FULL_COMMIT"

#: In the first line of each file that only perfgate writes.
MARK = "Written by `perfgate init --ci "


class Host(StrEnum):
    """The code hosts that files can be written for."""

    GITHUB = "github"
    GITLAB = "gitlab"


#: (template, where it is written), by host; the first place is the one that tells which host a repository has.
_FILES: dict[Host, tuple[tuple[str, str], ...]] = {
    Host.GITHUB: (
        ("github/perfgate.yml", f".github/workflows/{_NAME}.yml"),
        ("github/perfgate-comment.yml", f".github/workflows/{_NAME}-comment.yml"),
    ),
    Host.GITLAB: (("gitlab/perfgate.yml", f".gitlab/{_NAME}.yml"), ("gitlab/gitlab-ci.yml", ".gitlab-ci.yml")),
}


class File(NamedTuple):
    """One file to write: its path below the repository's top, with forward slashes, and its text."""

    path: str
    text: str


class Written(NamedTuple):
    """What became of the files: written, there already as they would be written, and there but different (left alone)."""

    written: tuple[str, ...] = ()
    same: tuple[str, ...] = ()
    kept: tuple[str, ...] = ()


def places(host: Host, name: str = "perfgate") -> tuple[str, ...]:
    """Where the files of a project with this name are, below the repository's top."""
    return tuple(place.replace(_NAME, name) for _, place in _FILES[host])


def files(
    host: Host, *, project: str = "", branch: str = "main", package: str = "", extra: str = ""
) -> tuple[File, ...]:
    """The files for a project in the folder `project` of its repository ("" at the top), whose default branch is `branch`.

    `package` is the requirement that gets perfgate ("": to be edited), `extra` the project's own extra with what its tests need.
    Raises InputError for a folder or branch that cannot be named in such a file.
    """
    _refuse_unnameable(project, branch, host)
    name = _name_of(project)
    folder = project or "."
    if host is Host.GITHUB:
        branch = _literal_pattern(branch)
    else:
        # GitLab expands variables inside of variables.
        folder = folder.replace("$", "$$")
    values = {
        _NAME: name,
        _BRANCH: _quoted(branch),
        _FOLDER: _quoted(folder),
        _PREFIX: _quoted(f"{project}/" if project else ""),
        _PACKAGE: _quoted(package or UNEDITED),
        _EXTRA: f"[{extra}]" if extra else "",
    }
    templates = (template for template, _ in _FILES[host])
    return tuple(
        File(path, _filled(template, values)) for path, template in zip(places(host, name), templates, strict=True)
    )


def write(made: tuple[File, ...], top: Path, *, force: bool) -> Written:
    """Write the files below the repository's top; one that is there stays as it is unless `force` is given.

    InputError, and nothing is written, where a place is taken by what perfgate did not write; that is never overwritten.
    """
    from perfgate.formats.files import write_atomically

    refuse_taken(made, top)
    written, same, kept = [], [], []
    for path, text in made:
        target = top / path
        there = target.read_bytes() if target.is_file() else None
        if there == text.encode():
            same.append(path)
        elif there is not None and (not force or path == ".gitlab-ci.yml"):
            # A .gitlab-ci.yml holds every job of a project: it is never replaced by ours.
            kept.append(path)
        else:
            # What is checked out may hold links.
            write_atomically(target, text.encode(), within=top)
            written.append(path)
    return Written(tuple(written), tuple(same), tuple(kept))


def refuse_taken(made: tuple[File, ...], top: Path) -> None:
    """InputError where something that perfgate did not write is in the place of one of the files."""
    for path, _ in made:
        target = top / path
        if path != ".gitlab-ci.yml" and os.path.lexists(target) and not is_ours(target):
            raise InputError(
                "this is in the way, and perfgate did not write it; nothing was written",
                where=path,
                remedy="rename it, or, if it is the gate already, leave out --ci",
            )


def is_ours(path: Path) -> bool:
    """Whether a CI file is one that perfgate wrote, edited since or not: its first line says so."""
    try:
        with path.open("rb") as file:
            return MARK in file.readline(1000).decode("utf-8", "replace")
    except OSError:
        return False


def detected(top: Path, remote: str = "") -> Host | None:
    """The host that a repository seems to have: by its own CI files, else by the address of its remote."""
    if (top / ".github").is_dir() or re.search(r"\bgithub\.", remote):
        return Host.GITHUB
    if (top / ".gitlab-ci.yml").is_file() or re.search(r"\bgitlab\.", remote):
        return Host.GITLAB
    return None


def _filled(template: str, values: dict[str, str]) -> str:
    text = resources.files("perfgate.cli").joinpath("templates", template).read_text(encoding="utf-8")
    return re.sub(rf"\b({'|'.join(values)})\b", lambda match: values[match[0]], text)


def _name_of(project: str) -> str:
    """A name for workflows, jobs and artifacts; a folder's name that is not plain gets a check sum, so that no two are taken for one."""
    if not project:
        return "perfgate"
    plain = re.sub(r"[^A-Za-z0-9]+", "-", project).strip("-")[:60]
    if re.fullmatch(r"[A-Za-z0-9/]+", project) and len(project) <= 60:
        return f"perfgate-{plain}"
    return "-".join(
        part for part in ("perfgate", plain, f"{zlib.crc32(project.encode('utf-8', 'replace')):08x}") if part
    )


def _quoted(text: str) -> str:
    """Text for the inside of double quotes in YAML; what cannot be seen is written as its number."""
    signs = ((sign, ord(sign)) for sign in text)
    return "".join(
        f"\\{sign}" if sign in '"\\' else sign if sign.isprintable() else f"\\U{number:08x}" for sign, number in signs
    )


def _literal_pattern(branch: str) -> str:
    """A branch's name as a filter pattern that matches this branch only."""
    return re.sub(r"([*?+\[\]!\\])", r"\\\1", branch)


def _refuse_unnameable(project: str, branch: str, host: Host) -> None:
    if any("\ud800" <= sign <= "\udfff" for sign in branch):
        raise InputError(
            "the name of the default branch is not UTF-8",
            where="--ci",
            remedy="rename the branch, or write the files by hand",
        )
    unreadable = any(not sign.isprintable() for sign in project)
    if unreadable or "${{" in project or (host is Host.GITLAB and any(sign in project for sign in "*?[]")):
        raise InputError(
            "the name of this folder means something else in a CI file",
            where="--ci",
            remedy="rename the folder, or write the files by hand (docs/how-to/gate-in-any-ci.md)",
        )
