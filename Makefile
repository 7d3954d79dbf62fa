# The verbs of the project; CMake does the work. `make help` lists them.
SHELL := /bin/bash
.DEFAULT_GOAL := help
PREFIX ?= /usr/local
JOBS ?= $(shell nproc)
PRESET ?= release

.PHONY: help deps build demo test test-long package install lint format asan tsan fuzz coverage bench stack-up stack-down docs clean

help: ## list the verbs
	@echo "PQR Lakehouse: make VERB"
	@awk -F':.*## ' '/^[a-z-]+:.*## / {printf "  %-12s %s\n", $$1, $$2}' $(MAKEFILE_LIST)

deps: ## install the Debian packages that are missing
	@scripts/install-deps build

build: deps ## build build/pqr and the library (release); `make test` builds its tests too
	@scripts/build $(PRESET) pqr pqr_shared

demo: build ## simulate six months, run the whole job into ./lake, print the KPIs
	@scripts/demo

test: ## install what is missing, build, run every test this machine can run; says how long it will take
	@scripts/test

test-long: ## the same, and what takes longer: ten times the volume, the longest schedules, packages on empty machines
	@scripts/test --long

package: deps ## a Debian package and a Python wheel, in build-package
	@scripts/install-deps package && scripts/package

install: build ## install under PREFIX (default /usr/local)
	@cmake --install build --prefix $(PREFIX)

lint: deps ## layout rules, warnings with clang, clang-format, shellcheck
	@scripts/lint

format: ## clang-format in place
	@git ls-files '*.c' '*.h' | xargs clang-format -i

asan: deps ## unit tests under AddressSanitizer and UBSan
	@scripts/build asan && ctest --test-dir build-asan -L unit --output-on-failure -j $(JOBS)

tsan: deps ## unit tests under ThreadSanitizer
	@scripts/build tsan && ctest --test-dir build-tsan -L unit --output-on-failure -j $(JOBS)

fuzz: deps ## fuzz every untrusted parser for FUZZ_SECONDS each (default 60)
	@scripts/fuzz

coverage: deps ## line coverage of the unit tests, as build-coverage/coverage/index.html
	@scripts/coverage

bench: build ## pqr beside DuckDB, delta-rs and s5cmd on the same work: seconds, MB/s, memory, ratio
	@scripts/bench

stack-up: ## start PostgreSQL and an S3 server here, as processes of yours (scripts/stack)
	@scripts/stack up

stack-down: ## stop them; their data stays in .stack
	@scripts/stack down

docs: build ## regenerate what is derived: contracts, man page, completion
	@scripts/docs

clean: ## remove build folders and what Python leaves; lakes and .stack stay
	rm -rf build build-* python/build python/*.egg-info
	find bench deploy examples python tests -name __pycache__ -prune -exec rm -rf {} +
