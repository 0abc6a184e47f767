#!/usr/bin/env bash
# Makes a .deb and an .rpm of a program for Linux, with its manual pages and what completes its commands.
#
#   packaging/packages.sh FOLDER ARCH=PROGRAM...     amd64 and arm64
#
#   GUARD         the same program as one that starts on this machine, which prints the pages; default: the first PROGRAM
#   HOMEPAGE      address of the project's page
#   MAINTAINER    NAME <ADDRESS>
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
name=camunda-upgrade-guard

[[ $# -ge 2 && $2 == *=* ]] || {
    sed -n '1d; /^#/!q; s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2
    exit 2
}
out=$1
shift
guard=${GUARD:-${1#*=}}
nfpm=$("$here/tools.sh")/bin/nfpm
VERSION=$("$here/version.sh")
MAINTAINER=${MAINTAINER:-camunda-upgrade-guard <nobody@localhost>}
HOMEPAGE=${HOMEPAGE:-}
FILES=$(mktemp -d)
trap 'rm -rf "$FILES"' EXIT
export VERSION ARCH MAINTAINER HOMEPAGE FILES

share=$FILES/usr/share
mkdir -p "$out" "$FILES/usr/bin" "$share/man/man1" "$share/doc/$name"
"$guard" man --out "$share/man/man1" >&2
gzip -n "$share"/man/man1/*
completes() { # SHELL FILE
    mkdir -p "$(dirname "$share/$2")"
    "$guard" completions "$1" >"$share/$2"
}
completes bash bash-completion/completions/$name
completes zsh zsh/vendor-completions/_$name
completes fish fish/vendor_completions.d/$name.fish
install -m 644 "$here/../LICENSE" "$share/doc/$name/copyright"
[[ ! -e $out/THIRD-PARTY.txt ]] || install -m 644 "$out/THIRD-PARTY.txt" "$share/doc/$name"
for built; do
    ARCH=${built%%=*}
    install -m 755 "${built#*=}" "$FILES/usr/bin/$name"
    for kind in deb rpm; do
        "$nfpm" package --config "$here/nfpm.yaml" --packager "$kind" --target "$out/$name-$VERSION-linux-$ARCH.$kind" >&2
    done
done
