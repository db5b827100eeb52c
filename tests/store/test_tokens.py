"""The token for git: to its own server only, never in an argument or a message, and only where git's own credentials do not do."""

from __future__ import annotations

import base64
import os
import subprocess
from collections.abc import Mapping
from pathlib import Path

import pytest

from perfgate.errors import OperationFailed
from perfgate.store.changes import NotAllowed, admission
from perfgate.store.lineage import Lineage
from perfgate.store.tokens import find, redacted
from tests.store.http_remote import serve
from tests.store.remotes import Remote, store_in
from tests.store.repositories import Made, run_of

SECRET = "ghs_0123456789abcdefghijABCDEFGHIJ012345"


@pytest.fixture
def remote(tmp_path: Path) -> Remote:
    """A bare remote that takes pushes over HTTP."""
    made = Remote(tmp_path)
    made.bare.git("config", "http.receivepack", "true")
    return made


def clone(remote: Remote, address: str) -> Made:
    made = remote.clone("one")
    made.git("remote", "set-url", "origin", f"{address}/o/r.git")
    return made


def github(address: str, secret: str = SECRET) -> dict[str, str]:
    return {"GITHUB_ACTIONS": "true", "GITHUB_SERVER_URL": address, "GITHUB_TOKEN": secret}


def test_a_private_remote_is_read_and_written_with_the_token_of_the_job(
    remote: Remote, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    # Git's own record of every process that was started for this, with its arguments.
    monkeypatch.setenv("GIT_TRACE", str(tmp_path / "trace"))
    with serve(remote.bare.folder, user="x-access-token", secret=SECRET) as served:
        made = clone(remote, served.address)
        store = store_in(made, environ=github(served.address))
        store.write(admission([run_of(remote.first)]))
        assert len(store.load(Lineage(base=remote.first)).runs) == 1
    assert len(remote.files()) == 1
    encoded = base64.b64encode(f"x-access-token:{SECRET}".encode()).decode()
    assert f"Basic {encoded}" in served.headers
    trace = (tmp_path / "trace").read_text(encoding="utf-8")
    assert "git push" in trace
    assert "remote-http" in trace
    assert SECRET not in trace
    assert encoded not in trace
    assert SECRET not in (made.folder / ".git" / "config").read_text(encoding="utf-8")


def test_the_header_that_the_checkout_left_is_replaced_and_not_doubled(remote: Remote) -> None:
    with serve(remote.bare.folder, user="x-access-token", secret=SECRET) as served:
        made = clone(remote, served.address)
        made.git("config", f"http.{served.address}/.extraheader", "AUTHORIZATION: basic Zm9vOmJhcg==")
        store_in(made, environ=github(served.address)).write(admission([run_of(remote.first)]))
    assert len(remote.files()) == 1


def test_a_public_remote_is_read_without_the_token(remote: Remote) -> None:
    store_in(remote.clone("other")).write(admission([run_of(remote.first)]))
    with serve(remote.bare.folder, user="x-access-token", secret=SECRET, public=True) as served:
        store = store_in(clone(remote, served.address), environ=github(served.address))
        assert len(store.load(Lineage(base=remote.first)).runs) == 1
    assert set(served.headers) == {""}


@pytest.mark.parametrize("server", ["https://github.com", "http://127.0.0.1:1", "http://localhost.evil.example"])
def test_another_host_than_the_one_that_issued_it_never_sees_the_token(remote: Remote, server: str) -> None:
    with (
        serve(remote.bare.folder, user="x-access-token", secret=SECRET) as served,
        pytest.raises(NotAllowed, match="does not know who is asking") as caught,
    ):
        store_in(clone(remote, served.address), environ=github(server)).load(Lineage(base=remote.first))
    assert set(served.headers) == {""}
    assert "GITHUB_TOKEN" in caught.value.remedy


def test_a_token_without_the_right_to_write_is_one_sentence_that_names_the_permission(remote: Remote) -> None:
    with serve(remote.bare.folder, user="x-access-token", secret=SECRET, may_push=False) as served:
        store = store_in(clone(remote, served.address), environ=github(served.address))
        with pytest.raises(NotAllowed, match="no right to push to origin/perfgate-data") as caught:
            store.write(admission([run_of(remote.first)]))
    assert "contents: write" in caught.value.remedy
    assert remote.tip() == ""


def test_a_wrong_token_is_told_without_showing_it(remote: Remote) -> None:
    with serve(remote.bare.folder, user="x-access-token", secret="another") as served:
        store = store_in(clone(remote, served.address), environ=github(served.address))
        with pytest.raises(OperationFailed) as caught:
            store.write(admission([run_of(remote.first)]))
    assert SECRET not in str(caught.value)


def test_a_password_in_the_address_is_never_shown(remote: Remote) -> None:
    with serve(remote.bare.folder, user="me", secret="right") as served:
        made = clone(remote, served.address.replace("//", "//me:hunter2@"))
        with pytest.raises(OperationFailed) as caught:
            store_in(made).load(Lineage(base=remote.first))
    assert "hunter2" not in str(caught.value)


def test_gitlab_takes_its_own_token_first_and_the_jobs_else(remote: Remote) -> None:
    with serve(remote.bare.folder, user="oauth2", secret="glpat-own") as served:
        environ = {
            "GITLAB_CI": "true",
            "CI_SERVER_URL": served.address,
            "CI_JOB_TOKEN": "job",
            "PERFGATE_TOKEN": "glpat-own",
        }
        store_in(clone(remote, served.address), environ=environ).write(admission([run_of(remote.first)]))
    assert len(remote.files()) == 1
    token = find({"GITLAB_CI": "true", "CI_SERVER_URL": "https://gitlab.example/", "CI_JOB_TOKEN": "job"})
    assert token is not None
    assert (token.server, token.user, token.secret) == ("https://gitlab.example", "gitlab-ci-token", "job")


@pytest.mark.parametrize(
    "environ",
    [
        {},
        {"GITHUB_TOKEN": ""},
        {"GITHUB_TOKEN": "two\nlines"},
        {"GITHUB_TOKEN": "x", "GITHUB_SERVER_URL": "http://github.example"},
        {"GITHUB_TOKEN": "x", "GITHUB_SERVER_URL": "file:///x"},
        {"GITHUB_TOKEN": "x", "GITHUB_SERVER_URL": "https://[::1"},
        {"GITHUB_TOKEN": "x", "GITHUB_SERVER_URL": "https://a\nb"},
        {"GITLAB_CI": "true", "CI_JOB_TOKEN": "x"},
    ],
    ids=str,
)
def test_no_token_goes_where_it_would_not_be_safe(environ: Mapping[str, str]) -> None:
    assert find(environ) is None


def test_settings_that_the_environment_gives_git_already_stay() -> None:
    token = find({"GH_TOKEN": "x"})
    assert token is not None
    environ = {"GIT_CONFIG_COUNT": "1", "GIT_CONFIG_KEY_0": "user.name", "GIT_CONFIG_VALUE_0": "kept"}
    done = subprocess.run(
        ["git", "config", "--list"],
        env={**os.environ, **environ, **token.variables(environ)},
        capture_output=True,
        text=True,
        check=True,
    )
    assert "user.name=kept" in done.stdout
    assert "http.https://github.com/.extraheader=Authorization: Basic" in done.stdout


def test_what_git_says_is_told_without_secrets() -> None:
    text = "fatal: https://user:pa%20ss@host/x and SECRET; Authorization: Basic abc"
    assert redacted(text, ["SECRET"]) == "fatal: https://***@host/x and ***; Authorization: ***"
