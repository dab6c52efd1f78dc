# `make run` starts the platform, `make test` tests it; both set up what they need below .dev and target.
.DEFAULT_GOAL := help
SHELL := bash
.SHELLFLAGS := -eu -o pipefail -c

NEXTEST_PROFILE ?= default
# Scenarios and options of the load harness, such as `read --seconds 5`; `load --help` tells them.
BENCH ?=
# Of `chaos`: what decides which faults are done, any unless given; for how long; on one server of each kind, or on as
# many as in production (`ha`).
SEED ?=
MINUTES ?= 1
TOPOLOGY ?= simple
# Where tests make a service stop or die; a release has none.
FAULTS := --features transaction-svc/failpoints,notification-svc/failpoints
SERVICES := transaction-svc notification-svc
# Other images to start from, such as `--build-arg RUNTIME_IMAGE=debian:bookworm-slim`.
IMAGE_OPTIONS ?=
platform := target/debug/platform
export PATH := $(CURDIR)/.dev/tools/bin:$(PATH)

.PHONY: help run test check chaos bench images formatted build tools

help: ## This list
	@grep -hE '^[a-z]+:.*##' $(MAKEFILE_LIST) | sed -E 's/:.*## /\t/' | expand -t 10

run: build ## Start the platform and show a payment; Ctrl-C stops it
	@$(platform) run

test: build tools ## All tests, against real servers
	@python3 tools/install_browser.py integration/browser.lock .dev/browser \
	  || echo "Without it the console is tested in a browser only where another Chromium is found."
	@cargo test --quiet --workspace --doc
	@$(platform) servers -- cargo nextest run --workspace $(FAULTS) --profile $(NEXTEST_PROFILE)

check: formatted build tools ## Formatting, lints, dependencies, documentation, OpenAPI documents
	@cargo clippy --workspace --all-targets --quiet -- -D warnings
	@cargo deny --log-level error check bans licenses sources
	@if cargo deny --log-level error fetch db >/dev/null 2>&1; \
	then cargo deny --log-level error check --disable-fetch advisories; \
	else echo "advisories: not checked, the advisory database is out of reach"; fi
	@RUSTDOCFLAGS="-D warnings" cargo doc --workspace --no-deps --quiet
	@for service in $(SERVICES); do target/debug/$$service openapi | diff -q - $$service/openapi.json >/dev/null \
	  || { echo "$$service/openapi.json is out of date: run tools/openapi"; exit 1; }; done

chaos: build ## Faults at random, for MINUTES=1, from a SEED= that is printed, and a verdict
	@target/debug/chaos $(if $(SEED),--seed $(SEED)) --minutes $(MINUTES) --topology $(TOPOLOGY)

bench: ## Rates and times under load, beside pgbench on the same server
	@cargo build --release --workspace --bins
	@target/release/load $(BENCH)

images: ## The container images of both services (needs Docker)
	@for service in $(SERVICES); do docker build $(IMAGE_OPTIONS) --target $$service --tag fintech-platform/$$service .; done

# First of all that is checked: it takes a second.
formatted:
	@cargo fmt --all --check

# Before the tests: cargo builds no other package's program for them.
build:
	@cargo build --workspace --bins $(FAULTS)

tools:
	@python3 tools/install_wheels.py tools/cargo-tools.lock .dev/tools
