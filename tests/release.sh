#!/usr/bin/env bash
# Makes a release of programs, signed with a key for this run, and looks into all that came out.
#
#   tests/release.sh OS/ARCH=PROGRAM...
#
#   GUARD_CLUSTER_BINARIES    folder with helm3 and helm4
#
# Needs buildah, gpg, and dpkg-deb, rpm2cpio and cpio to look into packages. With docker-registry, image and chart are uploaded
# and fetched again.
set -euo pipefail
repository=$(cd "$(dirname "${BASH_SOURCE[0]}")/.." && pwd)
binaries=${GUARD_CLUSTER_BINARIES:-$repository/target/cluster-binaries}
name=camunda-upgrade-guard
out=$repository/target/dist
version=$("$repository/packaging/version.sh")

work=$(mktemp -d)
export GNUPGHOME=$work/gpg
registry=
cleanup() {
    [[ -z $registry ]] || kill "$registry"
    gpgconf --kill all 2>/dev/null || true
    rm -rf "$work"
}
trap cleanup EXIT
fail() {
    echo "tests/release.sh: $*" >&2
    exit 1
}

mkdir -m 700 "$GNUPGHOME"
gpg --batch --quiet --pinentry-mode loopback --passphrase '' --quick-generate-key 'guard <guard@example.test>' rsa3072 sign never 2>/dev/null
gpg --export >"$work/ring.gpg"
export HELM=$binaries/helm4 IMAGE=localhost/$name-test:$version
export SIGNING_KEY=guard@example.test MAINTAINER='guard <guard@example.test>'
export HOMEPAGE=https://example.test/guard DOWNLOADS=https://example.test/guard/v$version
export HELM_CONFIG_HOME=$work/helm HELM_CACHE_HOME=$work/helm HELM_DATA_HOME=$work/helm
"$repository/packaging/release.sh" "$out" "$@"
cd "$out"

# All that is there is listed, and has the checksum that is told.
diff <(find . -type f ! -name MANIFEST -printf '%P\n' | LC_ALL=C sort) <(awk '{ print $2 }' MANIFEST) || fail "MANIFEST lists something else"
sha256sum --check --quiet SHA256SUMS
diff <(find . -type f ! -name MANIFEST ! -name SHA256SUMS -printf '%P\n' | LC_ALL=C sort) <(awk '{ print $2 }' SHA256SUMS) || fail "SHA256SUMS lacks something"

# krew finds each program by the checksum in its manifest.
for built; do
    platform=${built%%=*}
    archive=$name-$version-${platform/\//-}.tar.gz
    sum=$(sha256sum "$archive")
    grep -A1 -F "uri: $DOWNLOADS/$archive" krew.yaml | grep -qF "sha256: ${sum%% *}" || fail "krew.yaml says something else of $archive"
done

# Helm takes the chart and the plugins by their provenance, and none that was changed.
"$binaries/helm3" verify --keyring "$work/ring.gpg" "$name-$version.tgz" >/dev/null
"$binaries/helm4" verify --keyring "$work/ring.gpg" "$name-$version.tgz" >/dev/null
for plugin in *-helm[34]-*.tgz; do
    "$binaries/helm4" plugin verify --keyring "$work/ring.gpg" "$plugin" >/dev/null
done
plugin=$name-$version-helm4-linux-amd64.tgz
cp "$plugin" "$plugin.prov" "$work"
printf x >>"$work/$plugin"
! "$binaries/helm4" plugin verify --keyring "$work/ring.gpg" "$work/$plugin" >/dev/null 2>&1 || fail "a plugin that was changed is taken"
"$binaries/helm4" plugin install --keyring "$work/ring.gpg" "$out/$plugin" >/dev/null
said=$("$binaries/helm4" $name --version)
[[ $said == "$name $version" ]] || fail "the plugin says $said"
"$binaries/helm4" plugin uninstall $name >/dev/null

# What apt and dnf would install.
for built; do
    [[ $built == linux/* ]] || continue
    arch=${built%%=*} arch=${arch#*/}
    rm -rf "$work"/{deb,rpm}
    mkdir "$work"/{deb,rpm}
    dpkg-deb --extract "$name-$version-linux-$arch.deb" "$work/deb"
    [[ $(dpkg-deb --field "$name-$version-linux-$arch.deb" Package Version Architecture | tr '\n' ' ') == "Package: $name Version: $version Architecture: $arch " ]] ||
        fail "the .deb for $arch is of something else"
    rpm2cpio "$name-$version-linux-$arch.rpm" | (cd "$work/rpm" && cpio --quiet -id)
    for folder in "$work"/{deb,rpm}; do
        cmp "$repository/${built#*=}" "$folder/usr/bin/$name" 2>/dev/null || cmp "${built#*=}" "$folder/usr/bin/$name"
        [[ -x $folder/usr/bin/$name ]] || fail "the program of $folder does not start"
        for file in bash-completion/completions/$name zsh/vendor-completions/_$name fish/vendor_completions.d/$name.fish \
            man/man1/$name.1.gz man/man1/$name-check.1.gz doc/$name/copyright; do
            [[ -s $folder/usr/share/$file ]] || fail "${folder##*/} for $arch lacks $file"
        done
        zcat "$folder/usr/share/man/man1/$name-check.1.gz" | grep -q '^\.SH NAME' || fail "${folder##*/} for $arch has no manual page"
    done
done

# The image has every architecture.
buildah manifest inspect "$IMAGE" >"$work/image.json"
for built; do
    [[ $built != linux/* ]] || grep -q "\"architecture\": \"$(basename "${built%%=*}")\"" "$work/image.json" || fail "the image lacks ${built%%=*}"
done

# What is uploaded is what is fetched.
if command -v docker-registry >/dev/null; then
    address=127.0.0.1:5377
    cat >"$work/registry.yml" <<END
version: 0.1
storage: {filesystem: {rootdirectory: $work/registry}}
http: {addr: $address}
log: {level: error}
END
    docker-registry serve "$work/registry.yml" >"$work/registry.log" 2>&1 &
    registry=$!
    for _ in {1..100}; do
        ! curl -fsS "http://$address/v2/" >/dev/null 2>&1 || break
        sleep 0.1
    done
    PLAIN_HTTP=1 "$repository/packaging/push.sh" "$out" "$address/test" >"$work/pushed"
    image=$(head -n 1 "$work/pushed")
    [[ $image == "$address/test/$name@sha256:"* ]] || fail "the image is uploaded as $image"
    buildah pull --quiet --tls-verify=false "$image" >/dev/null
    curl -fsS -H 'Accept: application/vnd.oci.image.index.v1+json' "http://$address/v2/test/$name/manifests/$version" >"$work/index.json"
    [[ $(grep -o '"architecture"' "$work/index.json" | wc -l) == "$(printf '%s\n' "$@" | grep -c ^linux/)" ]] || fail "the uploaded image lacks an architecture"
    "$binaries/helm3" pull --plain-http "oci://$address/test/charts/$name" --version "$version" --destination "$work" >/dev/null
    cmp "$work/$name-$version.tgz" "$name-$version.tgz"
    buildah rmi --force "$image" >/dev/null
else
    echo "SKIPPED: docker-registry is missing, so nothing was uploaded" >&2
fi
echo "tests/release.sh: $(wc -l <MANIFEST) files are as they should be"
