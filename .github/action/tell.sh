#!/usr/bin/env bash
# Tells the pull request (modes publish and rejudge, or where comment or check ask for it). What a code host refuses is said and
# changes no verdict; only a decision that cannot be read fails.
set -euo pipefail

give() {
  printf '%s=%s\n' "$1" "$2" >>"$GITHUB_OUTPUT"
}

cd -- "$WORKING_DIRECTORY"
export GITHUB_TOKEN="$GIVEN_TOKEN"

if [ "$STEP" = rejudge ]; then
  folder=$(mktemp -d "$RUNNER_TEMP/perfgate-decision-XXXXXXXX")
  set -- rejudge "--artifact=$ARTIFACT" "--fail-on=$FAIL_ON" "--out=$folder"
  [ -z "$ONLY" ] || set -- "$@" "--only=$ONLY"
else
  [ -f "${FOLDER:=.perfgate/decision}/decision.json" ] || {
    printf '::error title=perfgate action::%s\n' "there is no decision to tell; the job that judges keeps it as an artifact"
    exit 2
  }
  set -- publish
fi
set -- "$@" "--comment=$COMMENT" "--check=$CHECK" "--key=$KEY"
[ "$STEP" = rejudge ] || set -- "$@" -- "$FOLDER"

code=0
env -u STEP -u FOLDER -u COMMENT -u CHECK -u KEY -u ARTIFACT -u FAIL_ON -u ONLY -u WORKING_DIRECTORY -u GIVEN_TOKEN -u PERFGATE "$PERFGATE" -I -m perfgate "$@" || code=$?
give exit-code "$code"
