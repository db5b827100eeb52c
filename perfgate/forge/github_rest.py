"""GitHub's REST API as the environment names it: address, token, repository."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote, urlsplit

from perfgate.errors import InputError, OperationFailed
from perfgate.forge.rest import Client


def client(environ: Mapping[str, str], *, sleep: Callable[[float], None] = time.sleep) -> Client:
    """The API at GITHUB_API_URL, asked with GITHUB_TOKEN (or GH_TOKEN) where one is set; InputError where either cannot be used."""
    headers = {"Accept": "application/vnd.github+json", "X-GitHub-Api-Version": "2022-11-28"}
    if token := _token(environ):
        headers["Authorization"] = f"Bearer {token}"
    return Client(_address(environ), headers=headers, sleep=sleep)


def repository(environ: Mapping[str, str], named: str = "") -> str:
    """The path `/repos/OWNER/NAME` of the repository named, else of GITHUB_REPOSITORY; InputError where that is none."""
    name = named or environ.get("GITHUB_REPOSITORY", "")
    if not re.fullmatch(r"(?!\.\.?/)[A-Za-z0-9_.-]{1,100}/(?!\.\.?$)[A-Za-z0-9_.-]{1,100}", name):
        raise InputError(
            "the repository is not known", remedy="name it: --repository OWNER/NAME (in Actions it is set)"
        )
    return f"/repos/{quote(name)}"


def graphql(client: Client, query: str, variables: Mapping[str, str]) -> Any:
    """The data that GraphQL answers; OperationFailed where it holds errors."""
    # An own server has it beside the version of its REST API.
    beside = client.at(client.address.removesuffix("/v3"))
    answer = beside.send("POST", "/graphql", {"query": query, "variables": dict(variables)})
    if not isinstance(answer, dict) or answer.get("errors") or not isinstance(answer.get("data"), dict):
        raise OperationFailed("GitHub's GraphQL answered no data", where="/graphql")
    return answer["data"]


def _address(environ: Mapping[str, str]) -> str:
    """The API's address; InputError where it is none."""
    address = environ.get("GITHUB_API_URL", "").strip() or "https://api.github.com"
    try:
        parts = urlsplit(address)
        usable = parts.scheme in {"https", "http"} and parts.hostname and parts.port != 0
    except ValueError:
        usable = False
    if not usable or not re.fullmatch(r"[!-~]+", address):
        raise InputError("GITHUB_API_URL is not an address", remedy="unset it, or set it to https://HOST/api/v3")
    return address


def _token(environ: Mapping[str, str]) -> str:
    """The token, without the line end that files and secrets often have; InputError where no header can carry it."""
    token = (environ.get("GITHUB_TOKEN", "") or environ.get("GH_TOKEN", "")).strip()
    if not re.fullmatch(r"[!-~]*", token):
        raise InputError(
            "the token holds blanks or other characters that no token has", where="GITHUB_TOKEN", remedy="copy it again"
        )
    return token
