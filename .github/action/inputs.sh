#!/usr/bin/env bash
# Reads the action's inputs. A word that an input does not know fails here, in one sentence, before anything is measured or told.
set -euo pipefail

# The refused text is not repeated: in a log it could be a command to the runner.
refuse() {
  printf '::error title=perfgate action::%s\n' "$1"
  exit 2
}

# NAME VALUE WORD…: the value must be one of the words.
one_of() {
  local name=$1 value=$2 word
  shift 2
  for word in "$@"; do
    [ "$value" = "$word" ] && return
  done
  refuse "the input $name must be one of: $*"
}

give() {
  printf '%s=%s\n' "$1" "$2" >>"$GITHUB_OUTPUT"
}

one_of mode "$MODE" check gate publish rejudge baseline
one_of fail-on "$FAIL_ON" block warn never
one_of comment "${COMMENT:-on}" on off always
one_of update-baseline "$UPDATE_BASELINE" true false
one_of token-for-measuring "${TOKEN_FOR_MEASURING:-true}" true false

line_break=$'\n'
carriage_return=$'\r'
for pair in "check:$CHECK" "key:$KEY" "only:$ONLY" "working-directory:$WORKING_DIRECTORY" "python:$MEASURED_PYTHON" "python-version:$PYTHON_VERSION"; do
  case "$pair" in
    *"$line_break"* | *"$carriage_return"*) refuse "the input ${pair%%:*} must be one line" ;;
  esac
done
case "$ARTIFACT" in
  "" | . | .. | *[!A-Za-z0-9._-]*) refuse "the input artifact must be a name of letters, digits, dots, dashes and underscores, or off" ;;
esac
case "$PYTHON_VERSION" in
  *[!0-9.]*) refuse "the input python-version must be a version such as 3.12" ;;
esac
[ "$MODE" = gate ] || [ -z "$RUNS" ] || refuse "the input runs belongs to the mode gate; the mode $MODE does not read it"
[ -d "$WORKING_DIRECTORY" ] || refuse "the input working-directory does not name a folder of the checkout; check out the repository first"

# Telling is the default where that is the job; a job that measures has no right to write unless someone asks for it.
case "$MODE" in
  check | gate) telling=${COMMENT:-off} ;;
  *) telling=${COMMENT:-on} ;;
esac
named=${CHECK:-off}
give comment "$telling"
give check "$named"

# A token that can only read does no harm beside the code of a change; in a job that also tells or writes, it can do more than read.
if [ -n "$TOKEN_FOR_MEASURING" ]; then
  give token-for-measuring "$TOKEN_FOR_MEASURING"
elif [ "$MODE" = check ] && [ "$telling $named $UPDATE_BASELINE" != "off off false" ]; then
  give token-for-measuring false
else
  give token-for-measuring true
fi

# perfgate's own interpreter, 3.11 or newer; without one, setup-python brings it (beside the job's own, never before it).
own=""
if [ -z "$PYTHON_VERSION" ]; then
  for candidate in python3 python; do
    own=$("$candidate" -I -c 'import sys, venv, ensurepip; print(sys.executable) if sys.version_info >= (3, 11) else sys.exit(1)' 2>/dev/null) && break
    own=""
  done
fi
give own-python "$own"
