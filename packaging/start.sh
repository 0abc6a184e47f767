#!/usr/bin/env bash
# Starts programs that were compiled: each says its version, and judges an upgrade that it has to refuse.
#
#   packaging/start.sh OS/ARCH=PROGRAM...
#
# One for another processor is started by qemu (Debian: qemu-user-static), one for Windows by Wine (Debian: wine64). One for
# macOS is not started.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
version=$("$here/version.sh")
wine=/usr/lib/wine

fail() {
    echo "start.sh: $*" >&2
    exit 1
}

work=$(mktemp -d)
cleanup() {
    [[ ! -d $work/wine ]] || WINEPREFIX=$work/wine "$wine/wineserver" --kill || true
    rm -rf "$work"
}
trap cleanup EXIT

# A Windows of its own. Wine 8 lacks the library that every program in Rust asks for random bytes: one is made that only
# passes the call on to a library that Wine has.
windows() {
    [[ -x $wine/wine64 ]] || fail "wine64 is needed to start windows/amd64"
    export WINEPREFIX=$work/wine WINEDEBUG=-all
    "$wine/wine64" wineboot --init >"$work/wineboot" 2>&1 || fail "Wine does not start: $(<"$work/wineboot")"
    local system=$WINEPREFIX/drive_c/windows/system32 tools zig
    [[ ! -e $system/bcryptprimitives.dll ]] || return 0
    tools=$("$here/tools.sh")
    zig=$tools/ziglang/zig
    : >"$work/empty.s"
    printf 'LIBRARY bcryptprimitives\nEXPORTS\n  ProcessPrng = advapi32.SystemFunction036\n' >"$work/random.def"
    "$zig" cc -target x86_64-windows-gnu -c "$work/empty.s" -o "$work/empty.o"
    "$zig" lld-link /dll /noentry "/def:$work/random.def" "/out:$system/bcryptprimitives.dll" "$work/empty.o"
}

own=$(uname -m)
for built; do
    platform=${built%%=*} program=${built#*=}
    start=("$program")
    case $platform in
        linux/amd64) machine=x86_64 ;;
        linux/arm64) machine=aarch64 ;;
        windows/amd64) machine= ;;
        *) echo "start.sh: $platform is not started on Linux" >&2 && continue ;;
    esac
    if [[ -z $machine ]]; then
        [[ -d $work/wine ]] || windows
        start=("$wine/wine64" "$program")
    elif [[ $machine != "$own" ]]; then
        command -v "qemu-$machine-static" >/dev/null || fail "qemu-$machine-static is needed to start $platform"
        start=("qemu-$machine-static" "$program")
    fi
    said=$("${start[@]}" --version)
    [[ $said == "camunda-upgrade-guard $version" ]] || fail "$platform says it is $said"
    code=0
    said=$("${start[@]}" check camunda --namespace camunda --input "$here/example/upgrade.yaml" --snapshot "$here/example/snapshot") || code=$?
    [[ $code == 1 && $said == *"[zeebe-brokers-reduced]"* ]] || fail "$platform exits with $code: $said"
    echo "start.sh: $platform starts, and refuses" >&2
done
