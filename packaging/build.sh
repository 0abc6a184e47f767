#!/usr/bin/env bash
# Packs programs that were built for those who install them by kubectl's or Helm's own ways.
#
#   packaging/build.sh FOLDER OS/ARCH=PROGRAM...
#
# Makes in FOLDER, of each program:
#
#   camunda-upgrade-guard-VERSION-OS-ARCH.tar.gz    the program alone; krew's manifest names it
#   OS-ARCH/helm3, OS-ARCH/helm4                    the plugins of Helm, for helm plugin install; an archive of each beside them
#                                                   (no post-renderer for Windows: it is a shell script)
#
# THIRD-PARTY.txt, the licences of others, goes into each of them if it is in FOLDER (make sbom).
#
# It makes krew.yaml, too, where these say what only the publisher knows:
#
#   HOMEPAGE     address of the project's page
#   DOWNLOADS    address of the folder that the archives will be downloaded from
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
name=camunda-upgrade-guard

usage() {
    sed -n '1d; /^#/!q; s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2
    exit 2
}

# The same content makes the same archive.
pack() { # ARCHIVE FOLDER FILE...
    tar --sort=name --owner=0 --group=0 --numeric-owner --mtime=@0 -C "$2" -cf - "${@:3}" | gzip -n >"$1"
}

[[ $# -ge 2 ]] || usage
out=$1
shift
mkdir -p "$out"
out=$(cd "$out" && pwd)
version=$("$here/version.sh")
platforms=
licences=(LICENSE)
[[ ! -e $out/THIRD-PARTY.txt ]] || licences+=(THIRD-PARTY.txt)
for built; do
    [[ $built == */*=* ]] || usage
    platform=${built%%=*} program=${built#*=}
    os=${platform%/*} arch=${platform#*/}
    folder=$out/$os-$arch
    rm -rf "$folder"
    mkdir -p "$folder"
    bin=$name
    [[ $os != windows ]] || bin=$name.exe
    install -m 755 "$program" "$folder/$bin"
    cp "$here/../LICENSE" "$folder/LICENSE"
    [[ ${#licences[@]} -eq 1 ]] || cp "$out/THIRD-PARTY.txt" "$folder"
    archive=$name-$version-$os-$arch.tar.gz
    pack "$out/$archive" "$folder" "$bin" "${licences[@]}"
    plugins=("helm3/$name" "helm4/$name")
    [[ $os == windows ]] || plugins+=("helm4/$name-post-render")
    for plugin in "${plugins[@]}"; do
        case $plugin in
            */$name) source=${plugin%/*} ;;
            *) source=helm4-post-render ;;
        esac
        mkdir -p "$folder/$plugin/bin"
        cp -R "$here/$source/." "${licences[@]/#/$folder/}" "$folder/$plugin"
        cp "$folder/$bin" "$folder/$plugin/bin"
        pack "$out/${plugin##*/}-$version-${plugin%/*}-$os-$arch.tgz" "$folder/${plugin%/*}" "${plugin##*/}"
    done
    rm "$folder/$bin" "${licences[@]/#/$folder/}"
    sum=$(sha256sum "$out/$archive")
    platforms+="    - selector:
        matchLabels:
          os: $os
          arch: $arch
      uri: ${DOWNLOADS:-}/$archive
      sha256: ${sum%% *}
      bin: $bin
"
done
if [[ -z ${HOMEPAGE:-} || -z ${DOWNLOADS:-} ]]; then
    echo "no krew.yaml: HOMEPAGE and DOWNLOADS do not say where this is published" >&2
    exit
fi
{
    sed "s|@VERSION@|$version|; s|@HOMEPAGE@|$HOMEPAGE|; /^#/d" "$here/krew.yaml"
    printf %s "$platforms"
} >"$out/krew.yaml"
