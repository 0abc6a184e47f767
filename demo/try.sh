#!/usr/bin/env bash
# Judges a bundled upgrade of Camunda from 8.2 to 8.3, as it is and once it was prepared. `make try` runs it, and needs no cluster.
#
#   try.sh GUARD FOLDER     pages for a browser go into the folder
#
# The files are what `camunda-upgrade-guard snapshot` and `helm upgrade --dry-run=server -o json` made of a real API server.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

guard=${1:?try.sh GUARD FOLDER}
pages=${2:?try.sh GUARD FOLDER}
bundle=demo/upgrade
mkdir -p "$pages"

bold() {
    if [[ -n ${CLICOLOR_FORCE:-} || -t 1 && -z ${NO_COLOR:-} ]]; then
        export CLICOLOR_FORCE=1
        printf '\n\033[1m%s\033[0m\n' "$*"
    else
        printf '\n%s\n' "$*"
    fi
}

check() { # FOLDER PAGE EXPECTED
    local status=0
    echo "\$ $guard check -i $bundle/$1/upgrade.json \\"
    echo "      --snapshot $bundle/$1/snapshot -o text -o html=$pages/$2"
    "$guard" check -i "$bundle/$1/upgrade.json" --snapshot "$bundle/$1/snapshot" -o text -o "html=$pages/$2" || status=$?
    ((status == $3)) || {
        echo "try: FAILED: check has exited with $status, not with $3" >&2
        exit 1
    }
}

bold '1. Ask what an upgrade from Camunda 8.2 to 8.3 would break'
check unprepared report.html 1

bold '2. Ask again, once the lines between the brackets were pasted, all but the last command'
# Its warnings are those of the first, so that the refusal stays in sight.
check prepared prepared.html 0 >"$pages/prepared.txt"
sed '/^$/,$d' "$pages/prepared.txt"
echo '…'
tail -n 1 "$pages/prepared.txt"

bold "The same as pages for a browser: $pages/report.html and $pages/prepared.html"
