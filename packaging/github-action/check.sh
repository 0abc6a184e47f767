#!/usr/bin/env bash
# What action.yml runs: the verdict in the log, as a summary of the job and as SARIF. Only what can't be judged at all fails
# here; a refusal is told by the output `code`, so that the results can be uploaded first.
set -euo pipefail

args=(check --input "$GUARD_INPUT")
[[ -z $GUARD_RELEASE ]] || args+=("$GUARD_RELEASE")
[[ -z $GUARD_NAMESPACE ]] || args+=(--namespace "$GUARD_NAMESPACE")
[[ -z $GUARD_SNAPSHOT ]] || args+=(--snapshot "$GUARD_SNAPSHOT")
[[ -z $GUARD_CONFIG ]] || args+=(--config "$GUARD_CONFIG")
while IFS= read -r file; do
    [[ -z $file ]] || args+=(--values "$file")
done <<<"$GUARD_VALUES"

summary=$(mktemp)
trap 'rm -f "$summary"' EXIT
code=0
"$GUARD_PROGRAM" "${args[@]}" -o text -o markdown="$summary" -o sarif="$GUARD_SARIF" || code=$?
case $code in
    0 | 1 | 3) echo "code=$code" >>"$GITHUB_OUTPUT" ;;
    *) exit "$code" ;;
esac
cat "$summary" >>"$GITHUB_STEP_SUMMARY"
