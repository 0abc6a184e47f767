#!/usr/bin/env bash
# Builds the image for pipelines and hooks: the guard with helm, kubectl and a shell. It is for linux/amd64.
#
#   packaging/ci/image.sh NAME PROGRAM      PROGRAM: the guard for linux/amd64
#
#   HELM, KUBECTL      static programs for linux/amd64; default: those on the PATH
#
# Needs buildah, and apt-get for Debian's or Ubuntu's busybox and certificates.
set -euo pipefail
here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
[[ $# -eq 2 ]] || {
    sed -n '1d; /^#/!q; s/^# \{0,1\}//p' "${BASH_SOURCE[0]}" >&2
    exit 2
}
name=$1 program=$2
helm=$(command -v "${HELM:-helm}") || { echo "image.sh: helm is needed" >&2 && exit 1; }
kubectl=$(command -v "${KUBECTL:-kubectl}") || { echo "image.sh: kubectl is needed" >&2 && exit 1; }
export SOURCE_DATE_EPOCH=${SOURCE_DATE_EPOCH:-$(git -C "$here" log -1 --format=%ct)}

work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
root=$work/root
mkdir -p "$root"/{bin,etc/ssl/certs,tmp,usr/local/bin} "$work/debian"
(cd "$work" && apt-get -o APT::Sandbox::User=root download -qq busybox-static ca-certificates >&2)
for package in "$work"/*.deb; do
    dpkg-deb --extract "$package" "$work/debian"
done
install -m 755 "$(find "$work/debian" -path "*/bin/busybox" -type f)" "$root/bin/busybox"
for applet in $("$root/bin/busybox" --list); do
    [[ $applet == busybox ]] || ln -s busybox "$root/bin/$applet"
done
cat "$work"/debian/usr/share/ca-certificates/mozilla/*.crt >"$root/etc/ssl/certs/ca-certificates.crt"
echo 'nonroot:x:65532:65532:nonroot:/tmp:/bin/sh' >"$root/etc/passwd"
chmod 1777 "$root/tmp"
install -m 755 "$helm" "$root/usr/local/bin/helm"
install -m 755 "$kubectl" "$root/usr/local/bin/kubectl"
install -m 755 "$program" "$root/usr/local/bin/camunda-upgrade-guard"
install -m 755 "$here/check-application.sh" "$root/usr/local/bin/check-application"
buildah build --quiet --timestamp "$SOURCE_DATE_EPOCH" -f "$here/Containerfile" -t "$name" "$work" >&2

# It starts as a hook would start it.
container=$(buildah from "$name")
for command in "camunda-upgrade-guard --version" "helm version --short" "kubectl version --client" "check-application --help"; do
    buildah run "$container" -- sh -c "$command" >&2
done
buildah rm "$container" >/dev/null
buildah images --format '{{.Name}}:{{.Tag}} {{.Size}}' --filter "reference=$name"
