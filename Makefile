# What can be done here. `make` alone lists it. Everything is built below target/; nothing is installed.

SHELL := bash
.SHELLFLAGS := -euo pipefail -c
.DEFAULT_GOAL := help
.PHONY: help cluster-binaries build static image packages sbom test-image try demo real-charts test check deny advisories bench fuzz clean oldest-kubernetes node axe book prerequisites

# A folder of your own may hold the cluster's programs.
export HOMEPAGE DOWNLOADS
export GUARD_CLUSTER_BINARIES ?= $(CURDIR)/target/cluster-binaries
CARGO := cargo
LOCKED := --locked
# Tests on a control plane wait more than they work.
THREADS ?= $(shell n=$$(nproc); echo $$(( n < 4 ? 4 : n )))

help: ## this list
	@awk -F ':.*## ' '/^[a-z-]+:.*## / { printf "make %-18s %s\n", $$1, $$2 }' $(MAKEFILE_LIST)

try: prerequisites ## a bad Camunda upgrade judged from files, without a cluster, as text and as pages in target/try
	.ci/progress "guard: building" $(CARGO) build $(LOCKED) -p camunda-upgrade-guard --bins
	@demo/try.sh $${CARGO_TARGET_DIR:-target}/debug/camunda-upgrade-guard target/try

# NEEDS is what .ci/prerequisites looks for besides Rust. It runs once, before anything is built.
demo: NEEDS := go:demo
demo: prerequisites ## a bad Camunda upgrade, refused and cured on a real control plane (KEEP=1 leaves it running)
	@demo/build.sh
	@$${CARGO_TARGET_DIR:-target}/debug/demo --guard $${CARGO_TARGET_DIR:-target}/debug/camunda-upgrade-guard

CHARTS ?=
real-charts: cluster-binaries ## every two consecutive charts in a folder of yours, upgraded as they are and as refusals say (CHARTS=FOLDER)
	@[ -n "$(CHARTS)" ] || { echo "real-charts: CHARTS names a folder with unpacked charts, as helm pull --untar leaves them" >&2; exit 2; }
	$(CARGO) build $(LOCKED) -p camunda-upgrade-guard -p real-charts --bins
	@$${CARGO_TARGET_DIR:-target}/debug/real-charts "$(CHARTS)" --guard $${CARGO_TARGET_DIR:-target}/debug/camunda-upgrade-guard

test: NEEDS := rustfmt clippy go:oldest
test: prerequisites oldest-kubernetes check ## everything: formatting, lints, all tests on a real control plane, the documentation
	RUST_TEST_THREADS=$(THREADS) GUARD_REQUIRE_CLUSTER=1 $(CARGO) test $(LOCKED) --workspace --no-fail-fast
	RUSTDOCFLAGS="-D warnings" $(CARGO) doc $(LOCKED) --workspace --no-deps

check: NEEDS := rustfmt clippy
check: prerequisites ## formatting and lints
	$(CARGO) fmt --all --check
	$(CARGO) fmt --manifest-path fuzz/Cargo.toml --check
	$(CARGO) clippy $(LOCKED) --workspace --all-targets -- -D warnings

deny: ## licences, sources and versions of all that we depend on (cargo-deny)
	@.ci/cargo-deny --locked check bans licenses sources

advisories: ## known faults of what we depend on (cargo-deny, from GitHub)
	@.ci/cargo-deny check advisories

# Where the folder docs is published, for the links to the rules' pages in reports.
build static: export DOCUMENTATION := $(DOCUMENTATION)

build: prerequisites ## the guard, optimised: target/release/camunda-upgrade-guard (DOCUMENTATION=… for links in reports)
	.ci/progress "guard: building" $(CARGO) build $(LOCKED) --release

IMAGE ?= camunda-upgrade-guard:0.1.0
# The same commit makes the same image, whenever and wherever it is built; docker reads this variable by itself.
export SOURCE_DATE_EPOCH ?= $(shell git log -1 --format=%ct 2>/dev/null || echo 0)
MUSL := x86_64-unknown-linux-musl
STATIC := $${CARGO_TARGET_DIR:-target}/$(MUSL)/release
image: static ## a container image of the guard, IMAGE=camunda-upgrade-guard:0.1.0, by buildah, podman or docker
	@tool=$$(command -v buildah || command -v podman || command -v docker) || \
		{ echo "image: buildah, podman or docker is needed" >&2; exit 1; }; \
	case $$tool in (*docker) dated=;; (*) dated="--timestamp=$$SOURCE_DATE_EPOCH";; esac; \
	set -x; \
	"$$tool" build $$dated -f deploy/Containerfile -t $(IMAGE) $(STATIC)

packages: static sbom ## plugins of kubectl's and Helm's: target/packages (HOMEPAGE=… DOWNLOADS=… for krew's manifest)
	packaging/build.sh target/packages linux/amd64=$(STATIC)/camunda-upgrade-guard

sbom: ## what the program and the image are made of (CycloneDX), and all licences: target/packages
	$(CARGO) run $(LOCKED) --quiet -p sbom -- target/packages

static: prerequisites
	@[ -d "$$(rustc --print sysroot)/lib/rustlib/$(MUSL)" ] || \
		{ echo "Rust's target is missing: rustup target add $(MUSL)" >&2; exit 1; }
	CC_$(subst -,_,$(MUSL))=cc .ci/progress "static guard: building" $(CARGO) build $(LOCKED) --release --target $(MUSL)

test-image: image ## start the image as a kubelet would (with buildah)
	tests/image.sh $(IMAGE)

FUZZ_SECONDS ?= 60
fuzz: prerequisites ## feed what strangers write to what reads it (FUZZ_SECONDS=60 for each target; needs cargo-fuzz)
	.ci/fuzz $(FUZZ_SECONDS)

bench: prerequisites ## measure the guard over TLS, and the command line
	$(CARGO) bench $(LOCKED) --bench admission
	$(CARGO) bench $(LOCKED) --bench check

cluster-binaries: NEEDS := go:
cluster-binaries: prerequisites ## etcd, the control plane, kubectl, Helm 3 and 4 from source (about 4 minutes, once)
	@tests/cluster-binaries/build.sh "$$GUARD_CLUSTER_BINARIES" >/dev/null

# Only the tests need it, so a newcomer's demo does not wait for it.
oldest-kubernetes: NEEDS := go:oldest
oldest-kubernetes: prerequisites cluster-binaries
	@tests/cluster-binaries/build.sh "$$GUARD_CLUSTER_BINARIES" oldest >/dev/null

node: NEEDS := go:node
node: static ## what the tests on a node need: kubelet and others, and images (as root, on Debian; tells what is missing)
	@tests/cluster-binaries/build.sh "$$GUARD_CLUSTER_BINARIES" node >/dev/null
	@tests/node-images/build.sh $(STATIC)/camunda-upgrade-guard

axe: ## what tests look with for whom a page keeps out (axe-core, from npm's registry; they also need chromium)
	@tests/axe/fetch.sh

book: ## docs/ as a book with a search: target/book (needs mdbook; Mermaid comes from npm's registry)
	@packaging/book.sh

clean: ## remove target/ with all that was built, the cluster's programs too
	$(CARGO) clean

prerequisites:
	@.ci/prerequisites $(NEEDS)
