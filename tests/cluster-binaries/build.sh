#!/usr/bin/env bash
# Builds what the cluster tests run: etcd, kube-apiserver, kube-controller-manager,
# kubectl, helm3 and helm4, each from the Go modules named in */go.mod,
# yaml-to-json, which says what Kubernetes makes of a YAML text, and helm-patch,
# which says what patch Helm makes of an object; and the definitions of policy
# reports, as their projects publish them. More, where it is asked for:
#   oldest   API server and controller manager of the oldest Kubernetes that the guard is tested with
#   demo     only what the demo shows: the control plane, kubectl and Helm 3
#   node     what runs pods beside a control plane: kubelet, kube-proxy, kube-scheduler, coredns, provisioner (volumes in folders)
#
#   build.sh [DIRECTORY [oldest] [node] [demo]]     default: target/cluster-binaries of this checkout
#   build.sh DIRECTORY lacks …                      builds nothing; says what this machine lacks to build these, and fails then
#
# What is there and current stays. The Kubernetes programs found in
# $KUBEBUILDER_ASSETS are linked instead of built. Progress goes to stderr, the
# directory to stdout. To change a version, edit its go.mod (for Kubernetes the
# replace lines too) and run `go mod tidy` beside it.
set -euo pipefail

sources=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
directory=${1:-$sources/../../target/cluster-binaries}
more=" ${*:2} "
asks() { [[ $more == *" $1 "* ]]; }
if ! asks lacks; then
    mkdir -p "$directory"
    directory=$(cd "$directory" && pwd)
fi

assets=${KUBEBUILDER_ASSETS:-}
[[ ! $assets -ef $directory ]] || assets=
[[ ! -d $assets ]] || assets=$(cd "$assets" && pwd)

# No toolchain download behind the user's back, no settings of an outer workspace.
export CGO_ENABLED=0 GOTOOLCHAIN=local GOWORK=off

say() { echo "cluster-binaries: $*" >&2; }

version_of() { # FOLDER MODULE
    awk -v module="$2" '{ sub(/^require /, "") } $1 == module && $2 ~ /^v/ { print $2; exit }' "$sources/$1/go.mod"
}

lacks_go() { # FOLDER; says why its programs can't be built
    local needed have
    needed=$(awk '$1 == "go" { print $2 }' "$sources/$1/go.mod")
    if ! command -v go >/dev/null; then
        echo "Go $needed or newer, to build the cluster's programs (https://go.dev/dl): there is no 'go' on the PATH"
        return
    fi
    have=$(go env GOVERSION)
    have=${have##*go}
    if [[ $(printf '%s\n' "$needed" "$have" | sort -V | head -n 1) != "$needed" ]]; then
        echo "Go $needed or newer, to build the cluster's programs (https://go.dev/dl): 'go' is $have"
        return
    fi
    return 1
}

link_asset() { # NAME; fails if $KUBEBUILDER_ASSETS lacks it
    local asset=$assets/$1
    [[ -n $assets && -x $asset ]] || return 1
    ! asks lacks || return 0
    say "$1: taken from $assets"
    rm -f "$directory/.$1.stamp"
    ln -s "$asset" "$work/$1"
    mv -f "$work/$1" "$directory/$1"
}

build() { # NAME FOLDER PACKAGE VERSION LDFLAGS
    local name=$1 folder=$2 package=$3 version=$4 ldflags="-s -w $5"
    local stamp="$package $version $ldflags $(cat "$sources/$folder"/{go.mod,go.sum,*.go} | cksum)"
    local stamp_file=$directory/.$name.stamp
    if [[ -x $directory/$name && -f $stamp_file && $(<"$stamp_file") == "$stamp" ]]; then
        asks lacks || say "$name $version: already there"
        return
    fi
    if asks lacks; then
        ! lacks_go "$folder" || exit 1
        return
    fi
    if lacks_go "$folder" >&2; then
        exit 1
    fi
    say "$name $version: building"
    "$sources/../../.ci/progress" "cluster-binaries: $name: building" \
        go -C "$sources/$folder" build -mod=readonly -trimpath -ldflags "$ldflags" -o "$work/$name" "$package"
    mv -f "$work/$name" "$directory/$name"
    echo "$stamp" >"$stamp_file"
}

shopt -s nullglob
if ! asks lacks; then
    # A second run at the same time waits, and then finds everything there. Without
    # flock both build; each program is still put in place in one step.
    exec 9>"$directory/.lock"
    if command -v flock >/dev/null && ! flock -n 9; then
        say "waiting for another run to end"
        flock 9
    fi
    work=$(mktemp -d "$directory/.work.XXXXXX")
    trap 'rm -rf "$work"' EXIT
fi

kubernetes_ldflags() { # VERSION
    local major minor package
    IFS=. read -r major minor _ <<<"${1#v}"
    for package in k8s.io/component-base/version k8s.io/client-go/pkg/version; do
        echo -n " -X $package.gitVersion=$1 -X $package.gitMajor=$major -X $package.gitMinor=$minor"
        echo -n " -X $package.gitCommit= -X $package.gitTreeState=archive"
    done
}

kubernetes=$(version_of kubernetes k8s.io/kubernetes)
link_asset etcd ||
    build etcd kubernetes go.etcd.io/etcd/server/v3 "$(version_of kubernetes go.etcd.io/etcd/server/v3)" ""
for name in kube-apiserver kube-controller-manager kubectl; do
    link_asset "$name" ||
        build "$name" kubernetes "k8s.io/kubernetes/cmd/$name" "$kubernetes" "$(kubernetes_ldflags "$kubernetes")"
done
if asks node; then
    for name in kubelet kube-proxy kube-scheduler; do
        build "$name" kubernetes "k8s.io/kubernetes/cmd/$name" "$kubernetes" "$(kubernetes_ldflags "$kubernetes")"
    done
    build provisioner provisioner . "$(version_of provisioner sigs.k8s.io/sig-storage-lib-external-provisioner/v13)" ""
    build coredns coredns . "$(version_of coredns github.com/coredns/coredns)" ""
fi
if asks oldest; then
    oldest=$(version_of kubernetes-oldest k8s.io/kubernetes)
    for name in kube-apiserver kube-controller-manager; do
        build "$name-oldest" kubernetes-oldest "k8s.io/kubernetes/cmd/$name" "$oldest" "$(kubernetes_ldflags "$oldest")"
    done
fi
# What a chart sees as .Capabilities.KubeVersion without a cluster; Helm 4 finds it by itself.
client_go=$(version_of helm3 k8s.io/client-go)
IFS=. read -r _ minor _ <<<"$client_go"
helm3_ldflags=
for package in pkg/chartutil pkg/lint/rules; do
    helm3_ldflags+=" -X helm.sh/helm/v3/$package.k8sVersionMajor=1 -X helm.sh/helm/v3/$package.k8sVersionMinor=$minor"
done

build_helm() { # MAJOR LDFLAGS
    local version
    version=$(version_of "helm$1" "helm.sh/helm/v$1")
    build "helm$1" "helm$1" "helm.sh/helm/v$1/cmd/helm" "$version" \
        "-X helm.sh/helm/v$1/internal/version.version=$version$2"
}
build_helm 3 "$helm3_ldflags"
if ! asks demo; then
    build_helm 4 ""
    build yaml-to-json yaml . "$(version_of yaml sigs.k8s.io/yaml)" ""
    build helm-patch patches . "$(version_of patches k8s.io/apimachinery)" ""
fi

definition() { # NAME MODULE FILE
    local name=$1 module=$2 file=$3
    local stamp="$module $file $(cat "$sources/policy-reports"/{go.mod,go.sum} | cksum)"
    local stamp_file=$directory/.$name.stamp
    [[ ! -f $directory/$name || ! -f $stamp_file || $(<"$stamp_file") != "$stamp" ]] || return 0
    if asks lacks; then
        ! lacks_go policy-reports || exit 1
        return
    fi
    if lacks_go policy-reports >&2; then
        exit 1
    fi
    go -C "$sources/policy-reports" mod download "$module"
    install -m 644 "$(go -C "$sources/policy-reports" list -m -f '{{.Dir}}' "$module")/$file" "$directory/$name"
    echo "$stamp" >"$stamp_file"
}
if ! asks demo; then
    definition reports.yaml openreports.io config/crd/openreports.io_reports.yaml
    definition policyreports.yaml sigs.k8s.io/wg-policy-prototypes policy-report/crd/v1alpha2/wgpolicyk8s.io_policyreports.yaml
fi

asks lacks || echo "$directory"
