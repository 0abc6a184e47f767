#!/usr/bin/env bash
# Starts programs that were compiled: each says its version, and judges an upgrade that it has to refuse.
#
#   packaging/start.sh OS/ARCH=PROGRAM...
#
# One for another processor is started by qemu (Debian: qemu-user-static). One for another system is not started.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
version=$("$here/version.sh")

fail() {
    echo "start.sh: $*" >&2
    exit 1
}

own=$(uname -m)
for built; do
    platform=${built%%=*} program=${built#*=}
    case $platform in
        linux/amd64) machine=x86_64 ;;
        linux/arm64) machine=aarch64 ;;
        *) echo "start.sh: $platform is not started on Linux" >&2 && continue ;;
    esac
    start=("$program")
    if [[ $machine != "$own" ]]; then
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
