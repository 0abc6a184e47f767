#!/usr/bin/env bash
# Makes of compiled programs all that a release is, but what only the publisher's accounts can do: to upload and to sign without a key.
#
#   packaging/release.sh FOLDER OS/ARCH=PROGRAM...      as packaging/compile.sh prints them
#
# FOLDER is emptied first. In the end MANIFEST lists what was made, with sizes, and SHA256SUMS its checksums.
#
#   HELM           helm of version 3 or 4; default: the one on the PATH
#   IMAGE          REGISTRY/NAME:VERSION, as the image will be published; default: camunda-upgrade-guard:VERSION
#   SIGNING_KEY    a key in the keyring of gpg; without one no archive of Helm's gets its provenance
#   HOMEPAGE, DOWNLOADS, MAINTAINER    see build.sh and packages.sh
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
name=camunda-upgrade-guard
[[ $# -ge 2 && $2 == */*=* ]] || {
    sed -n '1d; /^#/!q; s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2
    exit 2
}
for needed in buildah "${HELM:-helm}"; do
    command -v "$needed" >/dev/null || { echo "release.sh: $needed is needed" >&2 && exit 1; }
done
out=$1
shift
rm -rf "$out"
mkdir -p "$out"
out=$(cd "$out" && pwd)
version=$("$here/version.sh")

"$here/start.sh" "$@"
# What the programs are made of, and the licences of all that; archives and packages take them along.
(cd "$here/.." && cargo run --locked --quiet -p sbom -- "$out") >&2
"$here/build.sh" "$out" "$@"
# What these folders hold is in the archives beside them.
rm -rf "$out"/*-*/

packaged=()
for built; do
    [[ $built != linux/* ]] || packaged+=("${built#linux/}")
done
if [[ ${#packaged[@]} -gt 0 ]]; then
    "$here/packages.sh" "$out" "${packaged[@]}"
    "$here/image.sh" "$out/$name-$version-image.tar" "${IMAGE:-$name:$version}" "$@"
fi
"$here/chart.sh" "$out" >&2
[[ -z ${SIGNING_KEY:-} ]] || "$here/sign.sh" "$out" "$SIGNING_KEY"

cd "$out"
find . -type f -printf '%P\n' | LC_ALL=C sort | xargs sha256sum >"$out.sums"
mv "$out.sums" SHA256SUMS
find . -type f ! -name MANIFEST -printf '%s %P\n' | LC_ALL=C sort -k 2 >"$out.list"
awk '{ printf "%12d  %s\n", $1, $2 }' "$out.list" >MANIFEST
rm "$out.list"
cat MANIFEST
