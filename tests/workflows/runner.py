"""A small runner of GitHub Actions: it runs the steps of our action and workflows with bash, as the real one does, on a real clone.

What it stands in for, each by a small real equivalent: checkout (git), setup-python (the Python that runs the tests), upload- and
download-artifact (folders), and, unless asked otherwise, the step that installs perfgate (an environment prepared from this checkout).
"""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import sys
import sysconfig
from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

import yaml

from tests.workflows.expressions import as_text, fill, holds

ROOT = Path(__file__).resolve().parents[2]
_KEPT = (
    "PATH",
    "LANG",
    "LD_LIBRARY_PATH",
    "SSL_CERT_FILE",
    "PIP_CERT",
    "PIP_FIND_LINKS",
    "PIP_NO_INDEX",
    "PIP_INDEX_URL",
)


class StepFailed(Exception):
    """A step ended with an exit code other than 0."""


class Answer(NamedTuple):
    """How a job or an action ended: the exit code of the step that failed (else 0), outputs, and everything that was printed."""

    code: int
    outputs: dict[str, str]
    log: str
    ran: tuple[str, ...] = ()


def prepared(folder: Path) -> Path:
    """An environment in `folder` that has this checkout's perfgate and its dependencies; its interpreter."""
    subprocess.run([sys.executable, "-I", "-m", "venv", "--without-pip", str(folder)], check=True)
    (site,) = folder.glob("lib/python*/site-packages")
    (site / "checkout.pth").write_text(f"{ROOT}\n{sysconfig.get_path('purelib')}\n", encoding="utf-8")
    script = folder / "bin" / "perfgate"
    script.write_text(
        f"#!{folder}/bin/python -I\nfrom perfgate.__main__ import main\nraise SystemExit(main())\n", encoding="utf-8"
    )
    script.chmod(0o755)
    return folder / "bin" / "python"


class Runner:
    """One machine for one job: `workspace` is the checkout, `temp` the runner's own folder, `artifacts` outlive it.

    `environment` is what `prepared` made: it stands in for the step that installs perfgate unless `installs` is asked for.
    """

    environment = Path()

    def __init__(
        self,
        workspace: Path,
        temp: Path,
        artifacts: Path,
        *,
        event: Mapping[str, Any] | None = None,
        github: Mapping[str, str] | None = None,
        environ: Mapping[str, str] | None = None,
        remote: Path | None = None,
        installs: bool = False,
    ) -> None:
        self.workspace, self.temp, self.artifacts, self.remote = workspace, temp, artifacts, remote
        self.installs = installs
        self.token = "job-token"
        self.log: list[str] = []
        self.ran: list[str] = []
        self.count = 0
        for folder in (workspace, temp, artifacts, temp / "home"):
            folder.mkdir(parents=True, exist_ok=True)
        (temp / "event.json").write_text(json.dumps(event or {}), encoding="utf-8")
        self.github = {
            "event_name": "workflow_dispatch",
            "ref": "refs/heads/main",
            "repository": "owner/name",
            "server_url": "https://github.example",
            "api_url": "http://127.0.0.1:9",
            "run_id": "1001",
            "run_attempt": "1",
            **(github or {}),
        }
        self.contexts: dict[str, Any] = {
            "github": {**self.github, "event": dict(event or {}), "token": self.token},
            "runner": {"temp": str(temp), "os": "Linux"},
            "env": {},
            "needs": {},
            "matrix": {},
            "inputs": {},
            "steps": {},
        }
        self.environ = {name: os.environ[name] for name in _KEPT if name in os.environ} | {
            "HOME": str(temp / "home"),
            "CI": "true",
            "GITHUB_ACTIONS": "true",
            "GITHUB_EVENT_PATH": str(temp / "event.json"),
            "GITHUB_WORKSPACE": str(workspace),
            "RUNNER_TEMP": str(temp),
            "RUNNER_OS": "Linux",
            "GIT_CONFIG_GLOBAL": os.devnull,
            "GIT_CONFIG_SYSTEM": os.devnull,
            **{f"GITHUB_{name.upper()}": value for name, value in self.github.items()},
            **(environ or {}),
        }

    # --- jobs and actions -------------------------------------------------------------------------------------------

    def job(self, workflow: Path, name: str, needs: Mapping[str, Answer] | None = None) -> Answer | None:
        """Run one job of a workflow file; None where its `if:` or a job it needs keeps it from running."""
        told = yaml.load(workflow.read_text(encoding="utf-8"), Loader=yaml.SafeLoader)
        job = told["jobs"][name]
        self.contexts["needs"] = {key: {"outputs": each.outputs} for key, each in (needs or {}).items()}
        failed = any(each.code != 0 for each in (needs or {}).values())
        if not holds(str(job.get("if", "")), self.contexts, failed=failed):
            return None
        self.contexts["env"] = {key: fill(as_text(value), self.contexts) for key, value in told.get("env", {}).items()}
        folder = fill(job.get("defaults", {}).get("run", {}).get("working-directory", "."), self.contexts)
        code = self._steps(job["steps"], self.contexts, folder=folder)
        outputs = {key: fill(each, self.contexts) for key, each in job.get("outputs", {}).items()}
        return Answer(code, outputs, "".join(self.log), tuple(self.ran))

    def action(self, given: Mapping[str, str]) -> Answer:
        """Run our action with these inputs."""
        before = len(self.log)
        code, outputs = self._composite(given)
        return Answer(code, outputs, "".join(self.log[before:]), tuple(self.ran))

    def _composite(self, given: Mapping[str, str]) -> tuple[int, dict[str, str]]:
        action = yaml.load((ROOT / "action.yml").read_text(encoding="utf-8"), Loader=yaml.SafeLoader)
        unknown = set(given) - set(action["inputs"])
        assert not unknown, f"the action has no input {unknown}"
        defaults = {
            name: fill(as_text(each.get("default", "")), self.contexts) for name, each in action["inputs"].items()
        }
        contexts = {**self.contexts, "inputs": {**defaults, **given}, "steps": {}}
        contexts["github"] = {**self.contexts["github"], "action_path": str(ROOT)}
        code = self._steps(action["runs"]["steps"], contexts, action=True)
        return code, {name: fill(each["value"], contexts) for name, each in action["outputs"].items()}

    # --- steps ------------------------------------------------------------------------------------------------------

    def _steps(
        self, steps: list[dict[str, Any]], contexts: dict[str, Any], *, folder: str = ".", action: bool = False
    ) -> int:
        code = 0
        contexts["steps"] = {}
        for step in steps:
            if not holds(str(step.get("if", "")), contexts, failed=code != 0):
                continue
            name = str(step.get("name") or step.get("id") or step.get("uses") or "step")
            self.ran.append(name)
            ended, outputs = self._step(step, name, contexts, folder=folder, action=action)
            contexts["steps"][step.get("id", f"__{len(self.ran)}")] = {"outputs": outputs}
            code = code or ended
        return code

    def _step(
        self, step: dict[str, Any], name: str, contexts: dict[str, Any], *, folder: str, action: bool
    ) -> tuple[int, dict[str, str]]:
        if "uses" in step:
            given = {key: fill(as_text(value), contexts) for key, value in step.get("with", {}).items()}
            if step["uses"] == "./":
                return self._composite(given)
            try:
                return 0, self._used(step["uses"], given)
            except StepFailed as problem:
                self.log.append(f"{problem}\n")
                return 1, {}
        if name == "Install perfgate" and not self.installs:
            if not action:
                (self.temp / "perfgate").symlink_to(self.environment)
            return 0, {"perfgate": str(self.environment / "bin" / "python")}
        # Workflow-level env counts for the action's steps too, as variables.
        own = {
            key: fill(as_text(value), contexts)
            for key, value in {**self.contexts["env"], **step.get("env", {})}.items()
        }
        return self._run(fill(step["run"], contexts), own, contexts, folder=folder, action=action)

    def _run(
        self, script: str, own: dict[str, str], contexts: dict[str, Any], *, folder: str, action: bool
    ) -> tuple[int, dict[str, str]]:
        self.count += 1
        files = {name: self.temp / f"{name.lower()}-{self.count}" for name in ("OUTPUT", "ENV", "PATH", "STEP_SUMMARY")}
        for path in files.values():
            path.touch()
        written = self.temp / f"script-{self.count}.sh"
        written.write_text(script, encoding="utf-8")
        environ = self.environ | own | {f"GITHUB_{name}": str(path) for name, path in files.items()}
        if action:
            environ["GITHUB_ACTION_PATH"] = contexts["github"]["action_path"]
        done = subprocess.run(
            ["bash", "--noprofile", "--norc", "-eo", "pipefail", str(written)],
            cwd=self.workspace / folder,
            env=environ,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=300,
            check=False,
        )
        self.log.append(done.stdout.decode("utf-8", "replace"))
        for line in files["PATH"].read_text(encoding="utf-8").splitlines():
            self.environ["PATH"] = f"{line}:{self.environ['PATH']}"
        self.environ |= _pairs(files["ENV"])
        return done.returncode, _pairs(files["OUTPUT"])

    # --- the actions of others --------------------------------------------------------------------------------------

    def _used(self, uses: str, given: Mapping[str, str]) -> dict[str, str]:
        action, _, commit = uses.partition("@")
        assert re.fullmatch(r"[0-9a-f]{40}", commit), f"{uses} is not pinned by a commit"
        if action == "actions/checkout":
            return self._checkout(given)
        if action == "actions/setup-python":
            return {"python-path": sys.executable}
        if action == "actions/upload-artifact":
            return self._upload(given)
        assert action == "actions/download-artifact", uses
        source = self.artifacts / given["name"]
        if not source.is_dir():
            raise StepFailed(f"artifact not found: {given['name']}")
        shutil.copytree(source, given["path"], dirs_exist_ok=True)
        return {"download-path": given["path"]}

    def checkout(self) -> None:
        """Check out as a workflow that follows our advice does."""
        self._checkout({"fetch-depth": "0", "persist-credentials": "false"})

    def _checkout(self, given: Mapping[str, str]) -> dict[str, str]:
        """As actions/checkout does it: every branch under refs/remotes/origin, the tested commit checked out by itself or on its branch."""
        assert self.remote is not None
        assert given["persist-credentials"] == "false"
        ref = self.github["ref"]

        def git(*arguments: str) -> str:
            done = subprocess.run(
                ["git", *arguments], cwd=self.workspace, env=self.environ, capture_output=True, text=True, check=False
            )
            if done.returncode:
                raise StepFailed(done.stderr)
            return done.stdout.strip()

        git("init", "-q", ".")
        git("remote", "add", "origin", str(self.remote))
        depth = [] if given.get("fetch-depth") == "0" else ["--depth=1"]
        git(
            "fetch",
            "-q",
            "--no-tags",
            *depth,
            "origin",
            "+refs/heads/*:refs/remotes/origin/*",
            f"+{ref}:refs/remotes/checked/out",
        )
        if ref.startswith("refs/heads/"):
            branch = ref.removeprefix("refs/heads/")
            git("checkout", "-q", "-B", branch, f"refs/remotes/origin/{branch}")
        else:
            git("checkout", "-q", "--detach", "refs/remotes/checked/out")
        return {"commit": git("rev-parse", "HEAD")}

    def _upload(self, given: Mapping[str, str]) -> dict[str, str]:
        assert not re.search(r"[*?\[\n]", given["path"]), "the path of an artifact is a pattern"
        source, kept = Path(given["path"]), self.artifacts / given["name"]
        if not source.is_dir():
            if given.get("if-no-files-found") == "error":
                raise StepFailed("no files were found")
            return {}
        if kept.exists() and given.get("overwrite") != "true":
            raise StepFailed("an artifact of this name is there already")
        shutil.rmtree(kept, ignore_errors=True)
        shutil.copytree(source, kept)
        return {"artifact-id": "1"}


def _pairs(path: Path) -> dict[str, str]:
    """A GITHUB_OUTPUT or GITHUB_ENV file: NAME=VALUE lines and NAME<<DELIMITER blocks; the last one of a name counts."""
    found: dict[str, str] = {}
    lines = iter(path.read_text(encoding="utf-8").split("\n"))
    for line in lines:
        block = re.fullmatch(r"([^=<]+)<<(.+)", line)
        if block:
            value = []
            for inner in lines:
                if inner == block[2]:
                    break
                value.append(inner)
            found[block[1]] = "\n".join(value)
        elif "=" in line:
            name, _, rest = line.partition("=")
            found[name] = rest
    return found
