#!/usr/bin/env bash
# Builds the images of the node tests, as layers and a list; the tests import them, see tests/harness/src/node/images.rs.
#
#   build.sh GUARD [DIRECTORY]     default: target/node-images of this checkout
#
# GUARD is the static program that `make static` builds. Needs root (a chroot), mmdebstrap, curl, Go, and a network.
# What is there and current stays. Progress goes to stderr.
set -euo pipefail

sources=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
guard=$(realpath "${1:?build.sh GUARD [DIRECTORY]}")
directory=${2:-$sources/../../target/node-images}
mkdir -p "$directory"
directory=$(cd "$directory" && pwd)

keycloak=26.3.4
keycloak_sum=1fe791074f8259b508dbca234d54572a514ccf63345fbccce780025e4e0d2d1c
keycloak_from=https://repo.maven.apache.org/maven2/org/keycloak/keycloak-quarkus-dist/$keycloak/keycloak-quarkus-dist-$keycloak.tar.gz

say() { echo "node-images: $*" >&2; }

lacks=()
for program in mmdebstrap curl go flock unshare; do
    command -v "$program" >/dev/null || lacks+=("$program")
done
((EUID == 0)) || lacks+=("to be run as root")
if ((${#lacks[@]})); then
    say "lacks ${lacks[*]} (Debian: apt-get install mmdebstrap curl golang util-linux)"
    exit 1
fi

exec 9>"$directory/.lock"
flock -n 9 || { say "waiting for another run to end" && flock 9; }
work=$(mktemp -d "$directory/.work.XXXXXX")
trap 'rm -rf "$work"' EXIT

# A layer is a tar; its name and the digest of what made it stand beside it.
layer() { # NAME STAMP MAKER ARGS…: MAKER fills the folder $work/NAME
    local name=$1 stamp
    stamp=$(cksum <<<"$2 $(declare -f "$3") ${*:4}")
    if [[ -f $directory/$name.tar && -f $directory/.$name.stamp && $(<"$directory/.$name.stamp") == "$stamp" ]]; then
        say "$name: already there"
        return
    fi
    say "$name: building"
    mkdir "$work/$name"
    "$3" "$work/$name" "${@:4}"
    tar -C "$work/$name" --sort=name --numeric-owner -cf "$work/$name.tar" .
    sha256sum <"$work/$name.tar" >"$directory/$name.sha256"
    mv -f "$work/$name.tar" "$directory/$name.tar"
    echo "$stamp" >"$directory/.$name.stamp"
}

debian() { # FOLDER SUITE PACKAGES
    mmdebstrap --quiet --variant=minbase --include="$3" --aptopt='Acquire::Languages "none"' "$2" "$1" >&2
    # LLVM is for PostgreSQL's compiler of queries, a hundred megabytes that no test runs.
    rm -rf "$1"/usr/share/{doc,man,locale,i18n} "$1"/usr/lib/*/libLLVM* "$1"/usr/lib/postgresql/*/lib/{bitcode,llvmjit*}
    rm -rf "$1"/var/cache/apt/* "$1"/var/lib/apt/lists/* "$1"/dev/*
    # The user of Bitnami's images and of Camunda's.
    chroot "$1" useradd --uid 1001 --gid 0 --no-user-group --home-dir /tmp camunda
    # Where Bitnami's images have PostgreSQL.
    mkdir -p "$1/opt/bitnami/postgresql"
    local programs=("$1"/usr/lib/postgresql/*/bin)
    ln -s "${programs[0]#"$1"}" "$1/opt/bitnami/postgresql/bin"
}

# Quarkus settles the kind of database and the path when it is built, not when it starts.
keycloak() { # FOLDER DEBIAN
    curl -fsSL -o "$work/keycloak.tar.gz" "$keycloak_from"
    echo "$keycloak_sum  $work/keycloak.tar.gz" | sha256sum --check --quiet
    mkdir -p "$1/opt/bitnami" "$work/root"
    tar -C "$work/root" -xf "$2"
    mkdir -p "$work/root/opt/bitnami/keycloak"
    tar -C "$work/root/opt/bitnami/keycloak" --strip-components=1 -xzf "$work/keycloak.tar.gz"
    # What is mounted there is gone with the namespace.
    unshare --mount bash -euc 'mount -t proc proc "$1/proc"; mount --bind /dev "$1/dev"; exec chroot "$@"' bash \
        "$work/root" /opt/bitnami/keycloak/bin/kc.sh build --db=postgres --http-relative-path=/auth >&2
    mv "$work/root/opt/bitnami/keycloak" "$1/opt/bitnami/keycloak"
    mkdir -p "$1/opt/bitnami/keycloak/data"
    chown -R 1001:0 "$1/opt/bitnami/keycloak"
    rm -rf "$work/root"
}

programs() { # FOLDER
    CGO_ENABLED=0 GOTOOLCHAIN=local GOWORK=off \
        go -C "$sources/stand-in" build -mod=readonly -trimpath -ldflags "-s -w" -o "$1/usr/local/bin/stand-in" .
    install -m 755 "$sources"/programs/{postgresql,keycloak} "$1/usr/local/bin/"
    # Where Camunda's images have their programs.
    local path
    for path in upgrade/upgrade.sh usr/local/operate/bin/migrate usr/local/camunda/bin/{data,identity}-migration; do
        install -D -m 755 "$sources/programs/migration" "$1/$path"
    done
    for path in usr/local/zeebe/bin/broker usr/local/camunda/bin/camunda usr/local/bin/camunda; do
        mkdir -p "$1/$(dirname "$path")"
        ln -s /usr/local/bin/stand-in "$1/$path"
    done
    mkdir -p "$1"/app/keycloak-theme "$1"/opt/bitnami/scripts/elasticsearch
    touch "$1"/app/keycloak-theme/theme "$1"/opt/bitnami/scripts/elasticsearch-env.sh
    # What init containers and probes of Bitnami's charts call.
    echo 'info() { echo "$*"; }' >"$1/opt/bitnami/scripts/liblog.sh"
    echo 'is_dir_empty() { [ -z "$(ls -A "$1" 2>/dev/null)" ]; }' >"$1/opt/bitnami/scripts/libfs.sh"
    printf '#!/bin/sh\nexec curl -sf http://localhost:9200/ >/dev/null\n' >"$1/opt/bitnami/scripts/elasticsearch/healthcheck.sh"
    chmod 755 "$1/opt/bitnami/scripts/elasticsearch/healthcheck.sh"
}

pause() { # FOLDER
    tar -xf "$directory/programs.tar" -C "$1" --strip-components=4 ./usr/local/bin/stand-in
}

guard() { # FOLDER
    install -m 755 "$guard" "$1/camunda-upgrade-guard"
}

layer debian-12 "" debian bookworm postgresql-15,openjdk-17-jre-headless,curl,procps
layer debian-11 "" debian bullseye postgresql-13
layer keycloak "$keycloak $keycloak_sum $(<"$directory/.debian-12.stamp")" keycloak "$directory/debian-12.tar"
layer programs "$(cat "$sources"/stand-in/* "$sources"/programs/* | cksum)" programs
layer pause "$(<"$directory/.programs.stamp")" pause
layer guard "$(cksum <"$guard")" guard
