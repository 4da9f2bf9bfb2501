# Two commands matter: `make demo` and `make test`. Both install what is missing
# (scripts/setup.sh says what and why), then build and run.

SHELL := /bin/bash
.DELETE_ON_ERROR:
.PHONY: help demo test check bench bench-reference build package web fmt lint unit deny e2e fuzz screenshots clean size
.DEFAULT_GOAL := help

CACHE := .cache
export CARGO_TARGET_DIR ?= $(CURDIR)/target
TIELINE := $(CARGO_TARGET_DIR)/debug/tieline
WEB_SOURCES := $(shell git ls-files web 2>/dev/null)

# One line before each longer step, so that nobody wonders what is going on.
say = @printf '\033[1m== %s\033[0m\n' "$(1)"

help: ## this list
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | sed 's/:.*## /\t/' | sort | expand -t 12

demo: build ## build everything and start the simulated world and Tieline on it
	$(call say,Starting the demo (ctrl-C stops it))
	@exec $(TIELINE) demo

test: lint unit deny e2e ## everything CI runs

check: lint unit deny ## what CI runs, without the browser tests

build: web ## the command and the pages
	$(call say,Building the command: a few minutes the first time)
	@scripts/setup.sh build
	@cargo build --quiet -p tieline

web: $(CACHE)/web.stamp ## the pages

$(CACHE)/web-modules.stamp: web/package.json web/package-lock.json
	$(call say,Installing the pages' npm packages)
	@mkdir -p $(CACHE) && scripts/setup.sh web
	@cd web && npm ci --no-audit --no-fund --loglevel=error
	@touch $@

$(CACHE)/web.stamp: $(CACHE)/web-modules.stamp $(WEB_SOURCES)
	$(call say,Building the pages)
	@cd web && npm run --silent build
	@touch $@

fmt: ## format everything
	cargo fmt
	cd web && npm run --silent fmt

lint: web ## formatting, clippy, types, generated files, documentation
	$(call say,Checking formatting and types)
	@scripts/setup.sh build
	@cargo fmt --check
	@cd web && npm run --silent check
	$(call say,Clippy: the first run compiles all dependencies)
	@cargo clippy --quiet --workspace --all-targets -- -D warnings
	$(call say,Template of the Lambda functions)
	@scripts/setup.sh clients
	@scripts/lint-template.sh
	$(call say,Documentation)
	@RUSTDOCFLAGS='-D warnings' cargo doc --quiet --workspace --no-deps

package: ## dist/tieline-lambda.zip, the Lambda functions
	$(call say,Packing the Lambda functions)
	@scripts/setup.sh build
	@scripts/setup.sh package
	@scripts/package.sh

unit: web package ## Rust and page tests without a browser
	$(call say,Page tests)
	@cd web && npm run --silent test && npm run --silent size
	$(call say,Rust tests (simple-salesforce, jsforce and boto3 against the sandbox among them))
	@scripts/setup.sh build
	@scripts/setup.sh clients
	@scripts/rust-tests.sh

deny: ## licences, sources and bans of the dependencies
	$(call say,Dependencies: bans licenses sources)
	@scripts/setup.sh deny
	@cargo deny --log-level error check bans licenses sources

$(CACHE)/e2e-modules.stamp: e2e/package.json e2e/package-lock.json
	@cd e2e && npm ci --no-audit --no-fund --loglevel=error
	@mkdir -p $(CACHE) && touch $@

e2e: build $(CACHE)/e2e-modules.stamp ## the tests that need a browser
	$(call say,Browser tests)
	@scripts/setup.sh browser
	@cargo build --quiet -p tieline-sandbox --example world
	@cd e2e && TIELINE=$(TIELINE) node --test --test-concurrency=1 --test-reporter=spec

bench: web ## figures of docs/performance.md; REFERENCE=path: also beside the reference package
	$(call say,Benchmarks (release build))
	@scripts/setup.sh browser
	@$(if $(REFERENCE),scripts/setup.sh clients)
	@scripts/bench.sh $(if $(REFERENCE),"$(REFERENCE)")

bench-reference: ## the Lambda functions beside a checkout of the reference package: REFERENCE=path
	@scripts/setup.sh build
	@scripts/setup.sh clients
	@scripts/bench-reference.sh "$(REFERENCE)"

fuzz: ## the fuzz targets: 1,000,000 inputs each (TARGET=name RUNS=count)
	$(call say,Fuzz targets (the first build takes long))
	@scripts/setup.sh build
	@scripts/setup.sh fuzz
	@TARGET=$(TARGET) RUNS=$(RUNS) scripts/fuzz.sh

screenshots: build $(CACHE)/e2e-modules.stamp ## the README's pictures, made by the tests
	@scripts/setup.sh browser
	@cd e2e && TIELINE=$(TIELINE) TIELINE_IMAGES=$(CURDIR)/docs/images node --test demo.test.mjs

size: web ## gzipped size of the panel
	@cd web && npm run --silent size

clean: ## what make built (not cargo's target)
	rm -rf $(CACHE) web/dist web/node_modules e2e/node_modules
