#!/usr/bin/env bash
# Measures and judges (mode check), or judges the given runs (mode gate). The exit code is kept for the action's last step, so
# that everything is written and told before the job fails.
set -euo pipefail

give() {
  printf '%s=%s\n' "$1" "$2" >>"$GITHUB_OUTPUT"
}

cd -- "$WORKING_DIRECTORY"

# `{python}` in budgets.yaml is the job's interpreter, not the one perfgate happens to run under.
if [ -n "$MEASURED_PYTHON" ]; then
  export PERFGATE_PYTHON="$MEASURED_PYTHON"
elif [ -n "${VIRTUAL_ENV:-}" ] && [ -x "$VIRTUAL_ENV/bin/python" ]; then
  export PERFGATE_PYTHON="$VIRTUAL_ENV/bin/python"
elif command -v python >/dev/null; then
  export PERFGATE_PYTHON=python
elif command -v python3 >/dev/null; then
  export PERFGATE_PYTHON=python3
fi
[ -z "$GIVEN_TOKEN" ] || export GITHUB_TOKEN="$GIVEN_TOKEN"

# A folder of this step's own: what an earlier run decided is never taken for its decision, and no sign in the path is a pattern.
folder=$(mktemp -d "$RUNNER_TEMP/perfgate-decision-XXXXXXXX")
set -- "$MODE" "--fail-on=$FAIL_ON" "--out=$folder" --no-admit
[ -z "$ONLY" ] || set -- "$@" "--only=$ONLY"
if [ "$MODE" = gate ]; then
  # One path a line; after -- none of them can be an option.
  set -- "$@" --
  while IFS= read -r line || [ -n "$line" ]; do
    line=${line%$'\r'}
    [ -z "$line" ] || set -- "$@" "$line"
  done <<<"$RUNS"
fi
code=0
env -u MODE -u FAIL_ON -u ONLY -u RUNS -u WORKING_DIRECTORY -u MEASURED_PYTHON -u GIVEN_TOKEN -u PERFGATE "$PERFGATE" -I -m perfgate "$@" || code=$?

give exit-code "$code"
case "$code" in
  1 | 2 | 4) give verdict error ;;
esac
if [ -f "$folder/decision.json" ]; then
  give folder "$folder"
fi
