#!/usr/bin/env bash
# Signs the chart's and the plugins' archives of a folder, for `helm verify` and `helm plugin verify`: ARCHIVE.prov beside each.
#
#   packaging/sign.sh FOLDER KEY      KEY: a name in the keyring of gpg
#
# Helm signs charts and plugins itself, but plugins only under a name without a platform, and with no agent of gpg's.
set -euo pipefail
[[ $# -eq 2 ]] || {
    sed -n '1d; /^#/!q; s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2
    exit 2
}
cd "$1"
for archive in *.tgz; do
    # Of a plugin it is plugin.yaml, of a chart Chart.yaml.
    described=$(tar -tzf "$archive" | grep -E '^[^/]+/(Chart|plugin)\.yaml$')
    sum=$(sha256sum "$archive")
    {
        tar -xzOf "$archive" "$described"
        printf '\n...\nfiles:\n  %s: sha256:%s\n' "$archive" "${sum%% *}"
    } | gpg --batch --yes --local-user "$2" --digest-algo SHA512 --clearsign --output "$archive.prov"
done
