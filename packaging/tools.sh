#!/usr/bin/env bash
# Fetches what the other scripts build with, in the versions of tools.txt, and prints the folder it is in.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
folder=$here/../target/packaging-tools
if ! cmp -s "$here/tools.txt" "$folder/tools.txt"; then
    rm -rf "$folder"
    python3 -m pip install --quiet --root-user-action ignore --disable-pip-version-check --no-deps --require-hashes \
        --target "$folder" -r "$here/tools.txt" >&2
    cp "$here/tools.txt" "$folder/tools.txt"
fi
cd "$folder" && pwd
