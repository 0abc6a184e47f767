#!/usr/bin/env bash
# Fetches axe-core, with which tests look for what keeps people from reading a page.
#
#   fetch.sh [DIRECTORY]     default: target/axe of this checkout
#
# It comes from the registry that npm is configured with, and is known by its hash. What is there and current stays.
# To change the version, edit both lines: npm view axe-core@VERSION dist.integrity
set -euo pipefail
version=4.14.1
integrity=sha512-FHfa+lmNjQZfJz1q8wKqIDwC6DExcHt/pkjNQb09a3NPjCKg2rhu5qb2S4r76ASyFNNtuFooJpZe37OgudVGtQ==

directory=${1:-$(dirname "${BASH_SOURCE[0]}")/../../target/axe}
mkdir -p "$directory"
directory=$(cd "$directory" && pwd)
stamp=$directory/.stamp
if [[ -f $directory/axe.min.js && -f $stamp && $(<"$stamp") == "$integrity" ]]; then
    exit 0
fi

work=$(mktemp -d "$directory/.work.XXXXXX")
trap 'rm -rf "$work"' EXIT
archive=axe-core-$version.tgz
if command -v npm >/dev/null; then
    (cd "$work" && npm pack --silent --ignore-scripts "axe-core@$version" >/dev/null)
else
    registry=${NPM_CONFIG_REGISTRY:-https://registry.npmjs.org}
    curl --fail --silent --show-error --location --output "$work/$archive" "${registry%/}/axe-core/-/$archive"
fi
found=sha512-$(openssl dgst -sha512 -binary "$work/$archive" | openssl base64 -A)
if [[ $found != "$integrity" ]]; then
    echo "axe: $archive has the hash $found, not $integrity" >&2
    exit 1
fi
tar -xzf "$work/$archive" -C "$work" package/axe.min.js
mv -f "$work/package/axe.min.js" "$directory/axe.min.js"
echo "$integrity" >"$stamp"
