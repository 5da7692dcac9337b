# Needs Rust, gcc, make and Python 3.11; everything else is optional, and what is missing is said.

CARGO ?= cargo
TARGET := $(or $(CARGO_TARGET_DIR),target)
# With cargo-zigbuild the plugins run with this C library and later ones, else with this machine's.
GLIBC := 2.26
ZIG := $(shell command -v cargo-zigbuild >/dev/null && echo yes)
HOST := $(shell rustc -vV | sed -n 's/^host: //p')
# So that no path of the machine that builds is in what it builds.
REMAP := --remap-path-prefix=$(or $(CARGO_HOME),$(HOME)/.cargo)/registry/src/= --remap-path-prefix=$(CURDIR)/=
ifeq ($(ZIG),yes)
RELEASE := RUSTFLAGS='$(RUSTFLAGS) $(REMAP)' $(CARGO) zigbuild --target $(HOST).$(GLIBC)
BUILT := $(TARGET)/$(HOST)/release
else
RELEASE := RUSTFLAGS='$(RUSTFLAGS) $(REMAP)' $(CARGO) build
BUILT := $(TARGET)/release
endif
SOURCES := Cargo.toml Cargo.lock $(shell find src cbindings/src fluent-bit json-escape -name '*.rs' -o -name Cargo.toml) cbindings/Cargo.toml
NEXTEST := $(shell $(CARGO) nextest --version >/dev/null 2>&1 && echo yes)

.DEFAULT_GOAL := help
.DELETE_ON_ERROR:
.PHONY: build check test test-threads test-third-party test-examples test-host test-faults test-root fuzz sanitize memory soak bench bench-host arm64 image image-test sbom demo release-dry-run reproduce clean help

## build: dist/cloudwatch.so, dist/firehose.so and dist/kinesis.so, optimised and stripped, and the notices of third parties
build: dist/cloudwatch.so dist/firehose.so dist/kinesis.so dist/THIRD-PARTY-NOTICES.txt

dist/cloudwatch.so: $(SOURCES)
	$(RELEASE) --release --locked --package cloudwatch --package firehose --package kinesis
	install -D -m 755 $(BUILT)/libcloudwatch.so $@

# Built by the same command, as all share everything but a line.
dist/firehose.so dist/kinesis.so: dist/%.so: dist/cloudwatch.so
	install -D -m 755 $(BUILT)/lib$*.so $@

dist/THIRD-PARTY-NOTICES.txt: Cargo.lock Cargo.toml $(wildcard fluent-bit/licenses/*)
	@mkdir -p dist
	fluent-bit/licenses/notices $(HOST) cloudwatch firehose kinesis >$@

## check: format, lints, documentation, dependencies, sizes
check:
	$(CARGO) fmt --all --check
	$(CARGO) clippy --workspace --all-targets --locked -- -D warnings
	RUSTDOCFLAGS='-D warnings' $(CARGO) doc --workspace --no-deps --locked
	tests/check/dependencies
	tests/check/sizes dist/cloudwatch.so dist/firehose.so dist/kinesis.so
	tests/check/builder-paths dist/cloudwatch.so dist/firehose.so dist/kinesis.so
	tests/check/library dist/cloudwatch.so dist/firehose.so dist/kinesis.so
	tests/check/instructions
	tests/check/workflows

## test: everything: the plugins as built, a third party's services, a real Fluent Bit
test: build
ifeq ($(NEXTEST),yes)
	$(CARGO) nextest run --workspace --locked --no-fail-fast
else
	@echo 'test: cargo-nextest is not installed, cargo test runs the tests'
	$(CARGO) test --workspace --locked --no-fail-fast
endif
	@$(MAKE) --no-print-directory test-threads
ifeq ($(ZIG),yes)
	tests/check/glibc $(GLIBC) dist/cloudwatch.so dist/firehose.so dist/kinesis.so
else
	@echo 'test: skipped, the oldest C library: cargo-zigbuild is not installed'
endif
	@command -v chromium chromium-browser google-chrome >/dev/null || \
	    echo 'test: skipped, the report of the demo in a browser: chromium is not installed'
	@$(MAKE) --no-print-directory test-root test-third-party test-examples test-host

# These tests wait more than they compute, so more of them than processors run at a time.
## test-threads: deliveries in a plugin host whose flushes cannot yield, and hold threads instead
test-threads: export PLUGIN_HOST_FLUSH := threads
test-threads: DELIVERIES := --workspace --locked --no-fail-fast --test abi --test retries --test verdicts
test-threads:
ifeq ($(NEXTEST),yes)
	$(CARGO) nextest run $(DELIVERIES) --test-threads 6
else
	$(CARGO) test $(DELIVERIES)
endif

## test-third-party: the plugins against services that others wrote
test-third-party: build
	@if [ -x tests/third-party/run ]; then tests/third-party/run; \
	else echo 'test-third-party: skipped, there is no tests/third-party/run'; fi

## test-root: what only root can try: a name server that never answers
test-root:
	@tests/check/root

## test-examples: validates every example, and delivers through each
test-examples: build
	@tests/examples/run

## test-host: the plugins in each real Fluent Bit that FLUENT_BIT or PATH has
test-host: build
	@tests/check/host

## fuzz: hostile input for whatever reads bytes from outside, SECONDS=s for each of ten readers
fuzz:
	@tests/fuzz/run $(or $(SECONDS),60)

## test-faults: 2,000 random failure scripts; nothing lost, nothing doubled
test-faults: build
	@PLUGIN_DIR=dist $(CARGO) run --quiet --locked --package support --bin faults -- 2000

## soak: such scripts for MINUTES=m, with memory, threads and files watched
soak: build
	@PLUGIN_DIR=dist $(CARGO) run --quiet --locked --package support --bin faults -- --minutes $(or $(MINUTES),10)

## bench: each step of the road, measured on the processor's clock
bench: build
	PLUGIN_DIR=$(CURDIR)/dist $(CARGO) bench --locked --bench road

## bench-host: beside the C plugins in a real Fluent Bit; writes docs/performance.md
bench-host: build
	@benches/host/run

## sanitize: sanitizers, valgrind and Miri over the plugins in the plugin host, as far as they are here
sanitize:
	@tests/check/sanitize

## memory: what the plugins keep: at rest, at 5 MB/s, after 5,000 streams, with a backlog
memory: build
	@PLUGIN_DIR=dist $(CARGO) test --quiet --locked --package router --test memory -- --nocapture
	@tests/fluent-bit/run -k test_memory -s

## arm64: every file of the image for arm64, checked, and the tests that depend on the processor
arm64:
	@tests/arm64/run

## image-test: the image, built with bases made here, and the demo in it
image-test:
	@tests/image/run
	@tests/arm64/image

## image: the router image, by docker, with this commit in its label
image:
	docker build --build-arg COMMIT=$$(git rev-parse HEAD) --tag log-router .

## sbom: dist/*.cdx.json, the crates in each file of the image, as CycloneDX
sbom:
	@mkdir -p dist
	@for package in cloudwatch firehose kinesis launch migrate; do \
	    fluent-bit/licenses/sbom $(HOST) $$package >dist/$$package.cdx.json || exit 1; \
	    echo "sbom: dist/$$package.cdx.json names $$(grep -c '"purl"' dist/$$package.cdx.json) crates"; \
	done

## demo: three containers' lines through the router to a local stand-in; LOGS=path for your own lines, CHAOS=1 for faults
demo: build
	@LOGS='$(LOGS)' CHAOS='$(CHAOS)' PLUGIN_DIR=dist $(CARGO) run --quiet --locked --package support --bin demo

## release-dry-run: dist/release, as a tag would publish it: tarballs, checksums, SBOM, notices, changes
release-dry-run: build
	@.ci/release dry-run

## reproduce: such a run in two other folders, and a comparison of every byte
reproduce:
	@.ci/release reproduce

## clean: removes all that was built
clean:
	$(CARGO) clean
	rm -rf dist

## help: this list
help:
	@sed -n 's/^## \([a-z0-9-]*\): /\1\t/p' $(MAKEFILE_LIST) | expand -t 20
