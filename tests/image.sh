#!/usr/bin/env bash
# Starts the image that `make image` has built, as a kubelet would: as its own user, on a read-only root without anything else in it.
#
#   tests/image.sh IMAGE
set -euo pipefail

image=${1:?tests/image.sh IMAGE}
repository=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
command -v buildah >/dev/null || {
    echo "tests/image.sh: buildah is needed (Debian: apt-get install buildah)" >&2
    exit 1
}

work=$(mktemp -d)
container=
guard=
cleanup() {
    [[ -z $guard ]] || kill -- -"$guard" 2>/dev/null || kill "$guard" 2>/dev/null || true
    wait 2>/dev/null || true
    [[ -z $container ]] || buildah rm "$container" >/dev/null
    rm -rf "$work"
}
trap cleanup EXIT

fail() {
    echo "tests/image.sh: $*" >&2
    cat "$work/log" >&2 2>/dev/null || true
    exit 1
}

said=$(buildah inspect --type image --format '{{.OCIv1.Config.User}} {{.OCIv1.Config.Entrypoint}}' "$image")
[[ $said == '65532:65532 [/camunda-upgrade-guard]' ]] || fail "user and entrypoint are $said"

container=$(buildah from "$image")
root=$(buildah mount "$container")
found=$(cd "$root" && find . -type f)
[[ $found == ./camunda-upgrade-guard ]] || fail "more than the guard is in it: $found"
buildah umount "$container" >/dev/null

version=$(buildah run "$container" -- /camunda-upgrade-guard --version)
[[ $version == "camunda-upgrade-guard "* ]] || fail "--version says $version"

# As the user of the image, who owns none of what is mounted. In a group of its own, so that all that buildah starts ends with it.
"$repository/certs/dev.sh" "$work/tls" localhost >/dev/null
echo '{"apiVersion": "v1", "kind": "List", "items": []}' >"$work/tls/cluster.json"
chmod -R a+rX "$work"
: >"$work/log"
setsid buildah run --volume "$work/tls:/tls:ro" "$container" -- /camunda-upgrade-guard serve --listen 127.0.0.1:0 \
    --admin-listen 127.0.0.1:0 --drain-delay 0 --tls-cert /tls/tls.crt --tls-key /tls/tls.key --facts /tls/cluster.json \
    --log-format json >"$work/log" 2>&1 &
guard=$!
listening() { # webhook|admin
    sed -n "s/.*\"$1\":\"127.0.0.1:\([0-9]*\)\".*/\1/p" "$work/log" | head -n 1
}
for _ in {1..100}; do
    admin=$(listening admin)
    [[ -z $admin ]] || ! ready=$(curl -fsS "http://127.0.0.1:$admin/readyz" 2>/dev/null) || break
    kill -0 "$guard" 2>/dev/null || fail "it ended"
    sleep 0.1
done
[[ ${ready:-} == ready ]] || fail "it does not get ready"
address=https://localhost:$(listening webhook)/validate
code=$(curl -sS -o "$work/answer" -w '%{http_code}' --cacert "$work/tls/ca.crt" -d '{}' "$address")
[[ $code == 200 ]] || fail "a review is answered by $code"

# Built once more, of the same program at another time, it is the same image.
digest() { # IMAGE
    buildah inspect --type image --format '{{.FromImageDigest}}' "$1"
}
sleep 1
make --no-print-directory -C "$repository" image IMAGE="$image-again" >"$work/again" 2>&1 || { cat "$work/again" >&2; fail "it can't be built again"; }
[[ -n $(digest "$image") && $(digest "$image") == "$(digest "$image-again")" ]] || fail "built again it is $(digest "$image-again"), not $(digest "$image")"
buildah rmi "$image-again" >/dev/null

# How large it is, and which one it was.
buildah images --format '{{.Name}}:{{.Tag}} {{.Size}} {{.Digest}}' --filter "reference=$image"
