#!/usr/bin/env bash
# Installs perfgate from the action's own checkout into an environment of its own, once a job: nothing of the repository that
# is measured takes part in it, and nothing of it is on the PATH of what is measured.
set -euo pipefail

# Only how the package index is reached is taken from the job; its pip settings and files stay outside.
for name in ${!PIP_@}; do
  case "$name" in
    PIP_INDEX_URL | PIP_EXTRA_INDEX_URL | PIP_NO_INDEX | PIP_FIND_LINKS | PIP_CERT | PIP_CLIENT_CERT | PIP_PROXY | PIP_TRUSTED_HOST | PIP_DEFAULT_TIMEOUT | PIP_RETRIES) ;;
    *) unset "$name" ;;
  esac
done

constraints="$GITHUB_ACTION_PATH/.ci/constraints.txt"
key=$(cd -- "$GITHUB_ACTION_PATH" && find perfgate pyproject.toml .ci/constraints.txt -type f ! -name '*.pyc' -exec cksum {} + | LC_ALL=C sort | cksum | tr -cd '0-9')
home="$RUNNER_TEMP/perfgate-action-$key"
if [ ! -f "$home/complete" ]; then
  # Also where an earlier step was stopped half-way.
  rm -rf -- "$home"
  mkdir -p -- "$home/home"
  export HOME="$home/home" XDG_CONFIG_HOME="$home/home"
  cd -- "$home"
  "$OWN_PYTHON" -I -m venv environment
  pip() { environment/bin/python -I -m pip --disable-pip-version-check --no-input --no-cache-dir "$@"; }
  # The build tool first, pinned like everything else: an isolated build would fetch an unpinned one.
  pip install --quiet --only-binary :all: --constraint "$constraints" hatchling
  pip install --quiet --only-binary :all: --constraint "$constraints" --no-build-isolation "$GITHUB_ACTION_PATH"
  touch complete
fi
"$home/environment/bin/python" -I -m perfgate --version
printf 'perfgate=%s\n' "$home/environment/bin/python" >>"$GITHUB_OUTPUT"
