#!/usr/bin/env bash
# Compiles the program for other systems, and prints of each one OS/ARCH=PROGRAM, as release.sh takes it.
#
#   packaging/compile.sh [--check | --quick] OS/ARCH...
#
#   linux/amd64  linux/arm64     static programs
#   windows/amd64                the command line
#   darwin/amd64 darwin/arm64    the command line; Apple's SDK is needed to link it: run this on a Mac, or name it in SDKROOT
#
# --check looks only whether it compiles, which needs no SDK and makes no program.
# --quick does not optimise: such a program is for a test that starts it, and has a folder of its own.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
cd "$here/.."
name=camunda-upgrade-guard
built=${CARGO_TARGET_DIR:-target}

usage() {
    sed -n '1d; /^#/!q; s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2
    exit 2
}

triple() { # OS/ARCH
    case $1 in
        linux/amd64) echo x86_64-unknown-linux-musl ;;
        linux/arm64) echo aarch64-unknown-linux-musl ;;
        windows/amd64) echo x86_64-pc-windows-gnu ;;
        darwin/amd64) echo x86_64-apple-darwin ;;
        darwin/arm64) echo aarch64-apple-darwin ;;
        *) echo "compile.sh: nothing is known of $1" >&2 && return 1 ;;
    esac
}

zig() { # ARGUMENT...
    local tools
    tools=$("$here/tools.sh")
    PATH=$tools/bin:$PATH CARGO_ZIGBUILD_ZIG_PATH=$tools/ziglang/zig cargo-zigbuild "$@" >&2
}

check='' profile=release
case ${1:-} in
    --check) check=1 && shift ;;
    --quick) profile=quick && shift ;;
esac
[[ $# -ge 1 ]] || usage
for platform; do
    target=$(triple "$platform")
    rustup target add "$target" >&2
    if [[ -n $check ]]; then
        zig check --locked --profile quick --target "$target" --package $name
        continue
    fi
    args=(--locked --profile "$profile" --target "$target" --package "$name")
    case $platform in
        # This machine's own compiler makes it, and what `make static` has made already counts.
        linux/amd64) CC_x86_64_unknown_linux_musl=cc cargo build "${args[@]}" >&2 ;;
        darwin/*)
            if [[ $(uname) == Darwin ]]; then
                cargo build "${args[@]}" >&2
            elif [[ -n ${SDKROOT:-} ]]; then
                zig zigbuild "${args[@]}"
            else
                echo "compile.sh: $platform can't be linked here: run this on a Mac, or name Apple's SDK in SDKROOT" >&2
                exit 1
            fi
            ;;
        # Its kernels have pages of 4 to 64 KiB, and an allocator that is built for smaller ones does not start.
        linux/arm64) JEMALLOC_SYS_WITH_LG_PAGE=16 zig zigbuild "${args[@]}" ;;
        *) zig zigbuild "${args[@]}" ;;
    esac
    program=$built/$target/$profile/$name
    [[ $platform != windows/* ]] || program+=.exe
    echo "$platform=$program"
done
