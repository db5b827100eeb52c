#!/usr/bin/env bash
# Ends the action with perfgate's exit code, now that everything is written: the verdict first, then what else went wrong.
set -euo pipefail

for code in "$JUDGED" "$TOLD" "$WRITTEN"; do
  case "$code" in
    "" | 0) ;;
    *) exit "$code" ;;
  esac
done
