#!/usr/bin/env bash
# Builds the image for several architectures, as one archive that any registry takes.
#
#   packaging/image.sh ARCHIVE NAME OS/ARCH=PROGRAM...     of which those for Linux are taken
#
# Needs buildah. `buildah push oci-archive:ARCHIVE …` or `skopeo copy --all oci-archive:ARCHIVE …` uploads it.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
[[ $# -ge 3 ]] || {
    sed -n '1d; /^#/!q; s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2
    exit 2
}
archive=$1 name=$2
shift 2
export SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git -C "$here" log -1 --format=%ct)}
# A list of images that is there keeps those that it has.
buildah manifest rm "$name" >/dev/null 2>&1 || true
for built; do
    platform=${built%%=*}
    [[ $platform == linux/* ]] || continue
    context=$(mktemp -d)
    install -m 755 "${built#*=}" "$context/camunda-upgrade-guard"
    buildah build --quiet --timestamp "$SOURCE_DATE_EPOCH" --platform "$platform" --manifest "$name" \
        -f "$here/../deploy/Containerfile" "$context" >&2
    rm -rf "$context"
done
rm -f "$archive"
buildah manifest push --quiet --all --format oci "$name" "oci-archive:$archive:${name##*:}" >&2
