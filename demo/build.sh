#!/usr/bin/env bash
# Builds what the demo shows: Go's programs and Rust's side by side. The first that fails stops the other.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

# Each in a process group of its own, so that all of one can be stopped.
set -m
tests/cluster-binaries/build.sh "${GUARD_CLUSTER_BINARIES:-target/cluster-binaries}" demo >/dev/null &
go=$!
.ci/progress "guard and demo: building" cargo build --locked -p camunda-upgrade-guard -p demo --bins &
rust=$!
trap 'kill -- "-$go" "-$rust" 2>/dev/null || true' EXIT
trap 'exit 130' INT TERM
for _ in go rust; do
    wait -n || {
        echo "demo: what it shows could not be built" >&2
        exit 1
    }
done
