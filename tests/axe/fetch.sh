#!/usr/bin/env bash
# Fetches axe-core, with which tests look for what keeps people from reading a page.
#
#   fetch.sh [DIRECTORY]     default: target/axe of this checkout
#
# To change the version, edit both lines: npm view axe-core@VERSION dist.integrity
set -euo pipefail
version=4.14.1
integrity=sha512-FHfa+lmNjQZfJz1q8wKqIDwC6DExcHt/pkjNQb09a3NPjCKg2rhu5qb2S4r76ASyFNNtuFooJpZe37OgudVGtQ==

here=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
exec "$here/../../.ci/npm-file" axe-core "$version" "$integrity" axe.min.js "${1:-$here/../../target/axe}/axe.min.js"
