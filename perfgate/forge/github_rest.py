"""GitHub's REST API as the environment names it: address, token, repository."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Mapping
from typing import Any
from urllib.parse import quote

from perfgate.errors import InputError, OperationFailed
from perfgate.forge.rest import TRIES, Client, checked_address, checked_token


def client(environ: Mapping[str, str], *, sleep: Callable[[float], None] = time.sleep, tries: int = TRIES) -> Client:
    """The API at GITHUB_API_URL, asked with GITHUB_TOKEN (or GH_TOKEN) where one is set; InputError where either cannot be used."""
    headers = {"Accept": "application/vnd.github+json", "X-GitHub-Api-Version": "2022-11-28"}
    token = environ.get("GITHUB_TOKEN", "") or environ.get("GH_TOKEN", "")
    if token := checked_token(token, "GITHUB_TOKEN"):
        headers["Authorization"] = f"Bearer {token}"
    address = environ.get("GITHUB_API_URL", "").strip() or "https://api.github.com"
    remedy = "unset it, or set it to https://HOST/api/v3"
    return Client(checked_address(address, "GITHUB_API_URL", remedy), headers=headers, sleep=sleep, tries=tries)


def has_token(environ: Mapping[str, str]) -> bool:
    """Whether there is a token to ask with; without one nothing can be written."""
    return bool(environ.get("GITHUB_TOKEN", "").strip() or environ.get("GH_TOKEN", "").strip())


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
