#!/usr/bin/env bash
# Uploads the image and the chart of a release to a registry, and prints each with its digest.
#
#   packaging/push.sh FOLDER REGISTRY/OWNER      FOLDER: as packaging/release.sh has made it
#
#   HELM           helm of version 3 or 4; default: the one on the PATH
#   PLAIN_HTTP     not empty: the registry is one for a test, without TLS
#
# Who is logged in at the registry, by `buildah login` and `helm registry login`, uploads.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
name=camunda-upgrade-guard
[[ $# -eq 2 ]] || {
    sed -n '1d; /^#/!q; s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2
    exit 2
}
folder=$1 registry=$2
version=$("$here/version.sh")
digest=$(mktemp)
trap 'rm -f "$digest"' EXIT

tls=() plain=()
[[ -z ${PLAIN_HTTP:-} ]] || { tls=(--tls-verify=false) && plain=(--plain-http); }
list=$(buildah manifest create "push-$$")
buildah manifest add --all "$list" "oci-archive:$folder/$name-$version-image.tar" >/dev/null
buildah manifest push --quiet --all --format oci "${tls[@]}" --digestfile "$digest" "$list" "docker://$registry/$name:$version" >&2
buildah manifest rm "$list" >/dev/null
echo "$registry/$name@$(<"$digest")"

# The chart's files of the same name go to another repository than the image.
"${HELM:-helm}" push "$folder/$name-$version.tgz" "oci://$registry/charts" "${plain[@]}" >"$digest" 2>&1 || {
    cat "$digest" >&2
    exit 1
}
echo "$registry/charts/$name@$(sed -n 's/^Digest: *//p' "$digest")"
