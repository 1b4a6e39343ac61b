# `make` lists the targets. `make demo` and `make test` do everything that they need by themselves.
SHELL := /bin/bash
.DEFAULT_GOAL := help
.DELETE_ON_ERROR:

PYTHON ?= $(shell command -v python3.11 || command -v python3)
BIN := .venv/bin
PYTEST_ARGS ?=

# A stamp is named after the content that it was made from, so that `make setup` is quick when nothing changed and
# does the right part when something did.
hash = $(shell cat $(1) | sha256sum | cut -c1-16)
SUITE_STAMP := .venv/.setup-$(call hash,constraints.txt requirements-dev.txt */pyproject.toml scripts/setup-environments)
TRITON_STAMP := .venv-triton/.setup-$(call hash,constraints.txt constraints-triton.txt scripts/setup-environments)

.PHONY: help
help: ## List the targets
	@grep -hE '^[a-z-]+:.*## ' $(MAKEFILE_LIST) | awk -F ':.*## ' '{printf "  %-18s %s\n", $$1, $$2}'

.PHONY: setup
setup: system-packages $(SUITE_STAMP) $(TRITON_STAMP) ## Install everything into .venv and .venv-triton

.PHONY: system-packages
system-packages: ## Install the missing Debian packages (needs root or sudo)
	@scripts/install-system-packages $(PYTHON)

$(SUITE_STAMP):
	@echo "Installing the suite into .venv (a few minutes the first time)"
	@rm -f .venv/.setup-*
	@scripts/setup-environments suite $(PYTHON)
	@touch $@

$(TRITON_STAMP): $(SUITE_STAMP)
	@echo "Installing Triton into .venv-triton"
	@rm -f .venv-triton/.setup-*
	@scripts/setup-environments triton $(PYTHON)
	@touch $@

.PHONY: protos
protos: $(SUITE_STAMP) ## Generate the gRPC stubs from the .proto files
	$(BIN)/buf format --write protos/proto
	$(BIN)/python protos/generate.py

.PHONY: lint
lint: $(SUITE_STAMP) lint-protos ## Style, types, borders between packages, contracts
	$(BIN)/ruff check .
	$(BIN)/ruff format --check .
	$(BIN)/mypy
	$(BIN)/lint-imports --no-logo

.PHONY: lint-protos
lint-protos: $(SUITE_STAMP) ## The contracts: style, breaking changes, stubs up to date
	$(BIN)/python protos/generate.py --check
	cd protos && ../$(BIN)/buf lint && ../$(BIN)/buf format --diff --exit-code proto
	$(BIN)/python protos/check_breaking.py

.PHONY: format
format: $(SUITE_STAMP) ## Format the code and fix what can be fixed
	$(BIN)/ruff check --fix .
	$(BIN)/ruff format .

.PHONY: unit
unit: $(SUITE_STAMP) ## The quick tests: no servers, no slow ones
	$(BIN)/python -m pytest -m "not slow and not claims and not kubernetes" \
		--ignore=tests/e2e --ignore=tests/claims --ignore=tests/kubernetes $(PYTEST_ARGS)

.PHONY: test
test: setup lint ## Set up, lint, and run every test but claims and kubernetes
	$(BIN)/python -m pytest -m "not claims and not kubernetes" \
		--ignore=tests/claims --ignore=tests/kubernetes $(PYTEST_ARGS)

.PHONY: test-kubernetes
test-kubernetes: setup ## The tests of the Helm chart and of the Kubernetes executor
	$(BIN)/python -m pytest -m kubernetes $(PYTEST_ARGS)

.PHONY: claims
claims: setup ## Measure the methods' claims on real data (long)
	$(BIN)/python -m tests.claims $(CLAIMS)

.PHONY: demo
demo: setup ## Start the suite, train, prune, grow, deploy and infer on real images
	@$(BIN)/python -m palmette.demo

# Each prints one table. Run them on a machine that does nothing else.
BENCHMARKS := service_footprint submit_latency event_latency submissions start_up export_deploy artifact_transfer \
	gateway_throughput masking_overhead pair_scoring dashboard_paint

.PHONY: bench
bench: setup ## Run every benchmark
	@set -e; for benchmark in $(BENCHMARKS); do $(BIN)/python benchmarks/$$benchmark.py; done

.PHONY: constraints
constraints: ## Write constraints*.txt anew from what .venv and .venv-triton hold
	@scripts/write-constraints .venv constraints.txt
	@scripts/write-constraints .venv-triton constraints-triton.txt

.PHONY: clean
clean: ## Remove environments, caches and generated includes; what users stored elsewhere stays
	rm -rf .venv .venv-triton protos/build .mypy_cache .pytest_cache .ruff_cache .hypothesis .import_linter_cache
	find . -name __pycache__ -type d -prune -exec rm -rf {} +
