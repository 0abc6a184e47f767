#!/bin/sh
# Judges what Argo CD is about to sync: chart, version and values are those of the Application, and what they were those of its last sync.
#
#   check-application APPLICATION [FLAG...]      flags of camunda-upgrade-guard check
#
#   ARGOCD_NAMESPACE    where the Application is; default: argocd
#
# It takes Applications with one source that is a chart of a repository, and values that stand in the Application (valuesObject or
# values). Files of a Git repository it does not see, and parameters it does not merge: it says so, and judges nothing.
set -eu

usage() {
    sed -n '1d; /^#/!q; s/^# \{0,1\}//p' "$0"
}
case ${1:-} in
    "" | -*)
        usage >&2
        [ "${1:-}" = --help ] && exit 0
        exit 2
        ;;
esac
application=$1
shift
namespace=${ARGOCD_NAMESPACE:-argocd}
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

fail() {
    echo "check-application: $*" >&2
    exit 2
}

get() { # JSONPATH
    kubectl --namespace "$namespace" get applications.argoproj.io "$application" --output "jsonpath=$1"
}

# Values as Argo CD hands them to Helm: valuesObject takes the place of values.
values() { # SOURCE FILE
    get "{$1.helm.valuesObject}" >"$2"
    [ -s "$2" ] || get "{$1.helm.values}" >"$2"
    [ -s "$2" ] || echo '{}' >"$2"
}

chart=$(get '{.spec.source.chart}') || fail "Application $application can't be read in namespace $namespace"
[ -n "$chart" ] || fail "Application $application has no source that is a chart of a repository: judge it in a pipeline, from what helm template prints"
[ -z "$(get '{.spec.source.helm.valueFiles}')" ] || fail "Application $application has valueFiles, which are not in it: put the values into valuesObject, or judge it in a pipeline"
[ -z "$(get '{.spec.source.helm.parameters}')" ] || fail "Application $application has parameters: put them into valuesObject, or judge it in a pipeline"
repository=$(get '{.spec.source.repoURL}')
version=$(get '{.spec.source.targetRevision}')
target=$(get '{.spec.destination.namespace}')
release=$(get '{.spec.source.helm.releaseName}')
release=${release:-$application}

values .spec.source "$work/values.yaml"
# The newest entry of the history is what runs. Before the first sync there is none.
values '.status.history[-1:].source' "$work/running.yaml"

# Argo CD writes the registry of an OCI chart without a scheme.
case $repository in
    http://* | https://*) from=--repo=$repository ;;
    *) from='' chart=oci://${repository#oci://}/$chart ;;
esac
helm template "$release" "$chart" ${from:+"$from"} --version "$version" --namespace "$target" --values "$work/values.yaml" >"$work/manifest.yaml"
camunda-upgrade-guard check "$release" --namespace "$target" --input "$work/manifest.yaml" --values "$work/values.yaml" \
    --running-values "$work/running.yaml" "$@"
