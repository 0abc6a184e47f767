#!/usr/bin/env bash
# Packs the chart into FOLDER/camunda-upgrade-guard-VERSION.tgz, and prints that file's name.
#
#   packaging/chart.sh FOLDER
#
# What was changed since the last version, in CHANGELOG.md, becomes an annotation for Artifact Hub. These say what only the publisher
# knows; none has to be set:
#
#   HOMEPAGE         address of the project's page: home, and the source
#   DOCUMENTATION    address of the folder docs, as it is published
#   IMAGE            the published image, REGISTRY/NAME:VERSION, which the packed chart then takes where no other one is set
#   HELM             the program to pack with, else helm
set -euo pipefail
root=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
name=camunda-upgrade-guard

if [[ $# -ne 1 ]]; then
    sed -n '2,/^set/{s/^# \{0,1\}//p}' "${BASH_SOURCE[0]}" >&2
    exit 2
fi
mkdir -p "$1"
out=$(cd "$1" && pwd)
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
cp -R "$root/deploy/chart" "$work/$name"
version=$(sed -n 's/^version: //p' "$root/deploy/chart/Chart.yaml")

if [[ -n ${IMAGE:-} ]]; then
    if [[ $IMAGE != *?:"$version" ]]; then
        echo "chart: IMAGE must end in :$version, the version of the chart, and is $IMAGE" >&2
        exit 2
    fi
    repository=${IMAGE%:*}
    sed -i "s|^  repository: .*|  repository: $repository|" "$work/$name/values.yaml"
    # shellcheck disable=SC2016 # Backticks are Markdown's.
    sed -i 's#^\(| `image.repository` |\) [^|]* |#\1 `"'"$repository"'"` |#' "$work/$name/README.md"
fi

# The bullets of the part about this version, or of what is not released yet, as text; each becomes one item of a list.
changes() {
    awk -v version="$version" '
        /^## / { wanted = index($0, "## Unreleased") == 1 || index($0, "## " version) == 1 || index($0, "## [" version) == 1 }
        wanted && /^\* / { print "    - >-"; sub(/^\* /, ""); print "      " $0; within = 1; next }
        wanted && within && /^  [^ ]/ { sub(/^  /, ""); print "      " $0; next }
        { within = 0 }' "$root/CHANGELOG.md" | sed 's/\[\([^]]*\)\]([^)]*)/\1/g'
}

# The annotations stand last in Chart.yaml, so that more of them can follow.
{
    listed=$(changes)
    if [[ -n $listed ]]; then
        printf '  artifacthub.io/changes: |\n%s\n' "$listed"
    fi
    if [[ -n ${IMAGE:-} ]]; then
        printf '  artifacthub.io/images: |\n    - name: %s\n      image: %s\n' "$name" "$IMAGE"
    fi
    if [[ -n ${DOCUMENTATION:-} ]]; then
        printf '  artifacthub.io/links: |\n    - name: documentation\n      url: %s\n' "$DOCUMENTATION"
    fi
    if [[ -n ${HOMEPAGE:-} ]]; then
        printf 'home: %s\nsources:\n  - %s\n' "$HOMEPAGE" "$HOMEPAGE"
    fi
} >>"$work/$name/Chart.yaml"
"${HELM:-helm}" package "$work/$name" --destination "$out" >&2
echo "$out/$name-$version.tgz"
