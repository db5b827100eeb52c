#!/usr/bin/env bash
# Admits the judged runs to the baseline and publishes it: `perfgate baseline update`.
set -euo pipefail

cd -- "$WORKING_DIRECTORY"
export GITHUB_TOKEN="$GIVEN_TOKEN"
[ -f "${FOLDER:=.perfgate/decision}/decision.json" ] || {
  printf '::error title=perfgate action::%s\n' "there is no decision whose runs could be admitted; the job that judges keeps it as an artifact"
  exit 2
}
code=0
env -u FOLDER -u WORKING_DIRECTORY -u GIVEN_TOKEN -u PERFGATE "$PERFGATE" -I -m perfgate baseline update -- "$FOLDER" || code=$?
printf 'exit-code=%s\n' "$code" >>"$GITHUB_OUTPUT"
