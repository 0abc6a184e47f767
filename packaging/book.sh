#!/usr/bin/env bash
# Builds docs/ as a book with a search, in target/book, and looks whether every page of it is there and every link leads somewhere.
#
#   packaging/book.sh
#
# It needs mdBook (on a machine of CI it is built, into target/cargo-tools), and Mermaid from the registry that npm is configured
# with, known by its hash. To change its version, edit both lines: npm view mermaid@VERSION dist.integrity
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."
version=11.12.0
integrity=sha512-ZudVx73BwrMJfCFmSSJT84y6u5brEoV8DOItdHomNLz32uBjNrelm7mg95X7g+C6UoQH/W6mBLGDEDv73JdxBg==

PATH=$PATH:$PWD/target/cargo-tools/bin
if ! command -v mdbook >/dev/null; then
    if [[ -z ${CI:-} ]]; then
        echo "book.sh: mdbook is missing: cargo install --locked mdbook" >&2
        exit 1
    fi
    cargo install --quiet --locked mdbook --version 0.5.4 --root target/cargo-tools
fi

.ci/npm-file mermaid "$version" "$integrity" dist/mermaid.min.js target/mermaid/mermaid.min.js

mdbook build >&2
# mdBook calls the page of README.md index.html, but does not change links to it.
cp target/book/rules/index.html target/book/rules/README.html
# What a page links to is a file of the book, or an address.
lost=$(grep -rhoE --include='*.html' 'href="[^"#?]+' target/book/rules target/book/*.html | sort -u | grep -vE 'href="(https?:|mailto:)' |
    sed 's/^href="//' | while read -r link; do
        [[ -e target/book/$link || -e target/book/rules/$link ]] || echo "$link"
    done)
if [[ -n $lost ]]; then
    printf 'book.sh: the book links to what is not in it:\n%s\n' "$lost" >&2
    exit 1
fi
ls target/book/searchindex*.js >/dev/null
echo "target/book: $(find target/book -name '*.html' | wc -l) pages"
