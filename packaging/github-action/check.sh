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

code=0
"$GUARD_PROGRAM" "${args[@]}" || code=$?
case $code in
    0 | 1 | 3) echo "code=$code" >>"$GITHUB_OUTPUT" ;;
    *) exit "$code" ;;
esac
"$GUARD_PROGRAM" "${args[@]}" --output markdown >>"$GITHUB_STEP_SUMMARY" || [[ $? -eq $code ]]
"$GUARD_PROGRAM" "${args[@]}" --output sarif >"$GUARD_SARIF" || [[ $? -eq $code ]]
