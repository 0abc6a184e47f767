#!/usr/bin/env bash
# What action.yml runs first: fetches the program for this runner, looks at its checksum, and puts it on the PATH.
set -euo pipefail

case $RUNNER_OS/$RUNNER_ARCH in
    Linux/X64) platform=linux-amd64 ;;
    Linux/ARM64) platform=linux-arm64 ;;
    macOS/X64) platform=darwin-amd64 ;;
    macOS/ARM64) platform=darwin-arm64 ;;
    Windows/X64) platform=windows-amd64 ;;
    *) echo "::error::there is no camunda-upgrade-guard for $RUNNER_OS on $RUNNER_ARCH" && exit 1 ;;
esac
archive=camunda-upgrade-guard-$GUARD_VERSION-$platform.tar.gz
folder=$(mktemp -d "$RUNNER_TEMP/camunda-upgrade-guard.XXXXXX")
cd "$folder"
fetch() { # FILE
    curl --fail --silent --show-error --location --retry 3 --output "$1" "$GUARD_DOWNLOADS/$1"
}
fetch "$archive"
sum=$GUARD_SHA256
if [[ -z $sum ]]; then
    fetch SHA256SUMS
    sum=$(awk -v file="$archive" '$2 == file { print $1 }' SHA256SUMS)
fi
# macOS has no sha256sum.
found=$(openssl dgst -sha256 -r "$archive")
if [[ -z $sum || ${found%% *} != "$sum" ]]; then
    echo "::error::$archive has the checksum ${found%% *}, not ${sum:-one of those that the release names}"
    exit 1
fi
tar -xzf "$archive"
rm "$archive"
echo "$folder" >>"$GITHUB_PATH"
